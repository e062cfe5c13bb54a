"""What a program does when it starts again: claim its folder, sweep it, choose a checkpoint."""

import contextlib
import fcntl  # Linux and Mac
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf

_SHARD = r"(index|data-\d{5}-of-\d{5})"
_FILE = re.compile(rf".+\.{_SHARD}\.tempstate\d+|.+\.tmp[0-9a-f]{{32}}")
_PART = re.compile(rf"part-\d{{5}}-of-\d{{5}}\.{_SHARD}(\.tempstate\d+)?")
_OURS = re.compile(r"\.saving-\w{8}")


@contextlib.contextmanager
def only_writer(folder: Path | str) -> Iterator[list[str]]:
    """Claim a folder, sweep what killed saves have left in it, and yield the names of that.

    The claim is a lock on the file ``.writer``. The system gives it up with the process and its
    forks, so none is left behind. It is seen only by those who ask: let every program that saves
    here claim first.
    Swept is what bears a temporary name of TensorFlow's or of ``save_whole``'s, and nothing else.

    Raises:
        RuntimeError: the folder is claimed, by another program or in this one.
        FileNotFoundError, ValueError: no such folder, or TensorFlow would misread its path.
    """
    folder = _plain(folder)
    with (folder / ".writer").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RuntimeError(f"{folder} has a writer: wait, or save elsewhere") from None
        stale = [path for path in sorted(folder.iterdir()) if _is_stale(path)]
        for path in stale:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        yield [path.name for path in stale]


def newest_whole(folder: Path | str) -> str | None:
    """Return the prefix with the highest number of which every tensor can be read.

    None says that there is no checkpoint at all, or only a first one that a kill cut off.

    Raises:
        ValueError: there are checkpoints, but none is whole; or TensorFlow would misread the path.
        FileNotFoundError: there is no such folder.
    """
    found = [index.with_suffix("") for index in _plain(folder).glob("*.index")]
    found.sort(key=lambda prefix: int(re.search(r"\d*$", prefix.name)[0] or -1), reverse=True)
    opened = False
    for prefix in map(str, found):
        with contextlib.suppress(tf.errors.OpError, LookupError, RuntimeError, ValueError):
            index = tf.train.load_checkpoint(prefix)
            opened = True  # so its save was not cut off: the index comes last
            for name, kind in index.get_variable_to_dtype_map().items():
                one = {"tensor_names": [name], "shape_and_slices": [""], "dtypes": [kind]}
                tf.raw_ops.RestoreV2(prefix=prefix, **one)  # compares its checksum
            return prefix
    if opened or len(found) > 1 or (found and Path(folder, "checkpoint").exists()):
        raise ValueError(f"none is whole of {len(found)} checkpoints in {folder}")
    return None


def _plain(folder: Path | str) -> Path:
    folder = Path(folder)
    if odd := " ".join(sorted(set("[]*?\\") & set(folder.resolve().as_posix()))):
        raise ValueError(f"TensorFlow reads {odd} in a path as a pattern: rename {folder}")
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder {folder.name} in {folder.parent}")
    return folder


def _is_stale(path: Path) -> bool:
    if path.is_symlink():
        return False
    if path.is_dir():
        parts = [_PART.fullmatch(each.name) for each in path.iterdir()]
        numbered = re.search(r"-\d+_temp$", path.name)  # a kill may leave one empty
        temporary = path.name.endswith("_temp") and all(parts) and (parts or numbered)
        return bool(temporary or _OURS.fullmatch(path.name))
    return bool(_FILE.fullmatch(path.name))
