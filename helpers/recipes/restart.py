"""What a program does when it starts again: lock its folder, clean up, choose a checkpoint.

Needs TensorFlow and filelock.

This training may be killed at any moment. The same call starts it, and goes on with it:

>>> from pathlib import Path
>>> import tensorflow as tf
>>> from restart import newest_whole, only_writer
>>> def train(folder, steps):
...     step = tf.Variable(0)
...     checkpoint = tf.train.Checkpoint(step=step)
...     with only_writer(folder):
...         prefix = newest_whole(folder)
...         if prefix:
...             checkpoint.restore(prefix).assert_consumed()
...             print("going on after step", int(step))
...         manager = tf.train.CheckpointManager(checkpoint, folder, max_to_keep=3)
...         while step < steps:
...             step.assign_add(1)
...             manager.save(checkpoint_number=step)
>>> folder = Path("saves")
>>> folder.mkdir()
>>> train(folder, steps=2)
>>> train(folder, steps=4)
going on after step 2
"""

import contextlib
import re
import shutil
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf

try:
    import filelock
except ModuleNotFoundError:
    raise ModuleNotFoundError("restart.py needs filelock: pip install filelock") from None

# The names of what a killed save leaves behind. TensorFlow writes values to a folder, ckpt-2_temp,
# and each file first under a temporary name. save_whole.py writes to a folder of its own.
SHARD = r"(index|data-\d{5}-of-\d{5})"
TEMPORARY_FILE = re.compile(rf".+\.{SHARD}\.tempstate\d+|.+\.tmp[0-9a-f]{{32}}")
NUMBERED_FOLDER = re.compile(r".*-\d+_temp")
FILE_IN_FOLDER = re.compile(rf"part-\d{{5}}-of-\d{{5}}\.{SHARD}(\.tempstate\d+)?")
FOLDER_OF_SAVE_WHOLE = re.compile(r"\.saving-\w{8}")

# What TensorFlow raises where a file is damaged or missing.
UNREADABLE = (tf.errors.OpError, LookupError, RuntimeError, ValueError)


@contextlib.contextmanager
def only_writer(folder: Path | str) -> Iterator[list[str]]:
    """Lock a folder, delete what killed saves left in it, and yield the names of what was deleted.

    The lock is on the file ``.writer`` in the folder. The system takes it back when the process
    ends, however it ends. It stops only those who ask for it: let every program that saves to this
    folder call ``only_writer`` first.

    Deleted are temporary files and folders of TensorFlow and of ``save_whole``, which are known by
    their names. Everything else stays.

    >>> from pathlib import Path
    >>> from restart import only_writer
    >>> Path("folder").mkdir()
    >>> Path("folder", "ckpt-2_temp").mkdir()
    >>> with only_writer("folder") as deleted:
    ...     print(deleted)
    ['ckpt-2_temp']

    Raises:
        RuntimeError: the lock is held, by another program or by this one.
        FileNotFoundError: there is no such folder.
        ValueError: TensorFlow would read the folder's path as a pattern.
    """
    folder = _usable(folder)
    lock = filelock.FileLock(folder / ".writer")
    try:
        held = lock.acquire(blocking=False)
    except filelock.Timeout:
        message = f"{folder.as_posix()} has a writer: wait, or save elsewhere"
        raise RuntimeError(message) from None
    with held:
        yield _clean_up(folder)


def newest_whole(folder: Path | str) -> str | None:
    """Return the prefix of the intact checkpoint with the highest number.

    Intact means that every tensor can be read. TensorFlow compares a checksum for each, so this
    reads the checkpoint once, before ``restore`` reads it again. The file ``checkpoint`` is not
    needed. TensorFlow does not flush its files, so after a power cut several of the newest
    checkpoints may be damaged.

    Returns:
        The prefix, for ``tf.train.Checkpoint.restore``. None says that there is no checkpoint at
        all, or only a first one whose save was cut off: then start from the beginning.

    Raises:
        ValueError: there are checkpoints, but none is intact. To start from the beginning would
            hide that. Or TensorFlow would read the folder's path as a pattern.
        FileNotFoundError: there is no such folder.
    """
    folder = _usable(folder)
    prefixes = [index.with_suffix("") for index in folder.glob("*.index")]
    prefixes.sort(key=_number, reverse=True)

    complete_saves = 0
    for prefix in prefixes:
        reader = _open(prefix)
        if reader is None:
            continue
        complete_saves += 1  # the index is written last, so this save was not cut off
        if _every_tensor_can_be_read(prefix, reader):
            return str(prefix)

    was_first_save = len(prefixes) == 1 and not (folder / "checkpoint").exists()
    was_cut_off = complete_saves == 0
    if not prefixes or (was_first_save and was_cut_off):
        return None
    raise ValueError(
        f"none of {len(prefixes)} checkpoints in {folder.as_posix()} is intact: "
        "bring one back from a copy, or begin in another folder"
    )


def _usable(folder: Path | str) -> Path:
    folder = Path(folder)
    signs = set("[]*?\\") & set(folder.resolve().as_posix())
    if signs:
        shown = " ".join(sorted(signs))
        raise ValueError(
            f"TensorFlow reads {shown} in a path as a pattern: rename {folder.as_posix()}"
        )
    if not folder.is_dir():
        where = folder.parent.as_posix()
        raise FileNotFoundError(f"no folder {folder.name} in {where}: make it first")
    return folder


def _clean_up(folder: Path) -> list[str]:
    """Delete what killed saves left in a folder, and return the names in order."""
    deleted = []
    for path in sorted(folder.iterdir()):
        if _is_left_behind(path):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
            deleted.append(path.name)
    return deleted


def _is_left_behind(path: Path) -> bool:
    if path.is_symlink():
        return False
    if path.is_dir():
        is_ours = FOLDER_OF_SAVE_WHOLE.fullmatch(path.name) is not None
        return is_ours or _is_folder_of_tensorflow(path)
    return TEMPORARY_FILE.fullmatch(path.name) is not None


def _is_folder_of_tensorflow(folder: Path) -> bool:
    if not folder.name.endswith("_temp"):
        return False
    names = [path.name for path in folder.iterdir()]
    if not names:  # a kill may leave it empty, but an empty folder may also be another program's
        return NUMBERED_FOLDER.fullmatch(folder.name) is not None
    return all(FILE_IN_FOLDER.fullmatch(name) for name in names)


def _number(prefix: Path) -> int:
    """Return the number at the end of a prefix, or -1 if there is none."""
    before_digits = prefix.name.rstrip(string.digits)
    digits = prefix.name.removeprefix(before_digits)
    return int(digits) if digits else -1


def _open(prefix: Path) -> Any | None:
    """Return TensorFlow's reader of a checkpoint, or None if its index cannot be read."""
    try:
        return tf.train.load_checkpoint(str(prefix))
    except UNREADABLE:
        return None


def _every_tensor_can_be_read(prefix: Path, reader: Any) -> bool:
    try:
        for name, dtype in reader.get_variable_to_dtype_map().items():
            # The reader's own get_tensor cannot return the state of an iterator.
            tf.raw_ops.RestoreV2(
                prefix=str(prefix), tensor_names=[name], shape_and_slices=[""], dtypes=[dtype]
            )
    except UNREADABLE:
        return False
    return True
