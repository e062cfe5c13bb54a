"""What a program does when it starts again: lock its folder, clean up, choose a checkpoint.

Needs TensorFlow and filelock.

This training may be killed at any moment, and the power may fail. The same call starts it, and goes
on with it:

>>> from pathlib import Path
>>> import tensorflow as tf
>>> from restart import adopt, flush, only_writer
>>> def train(folder, steps):
...     step = tf.Variable(0)
...     checkpoint = tf.train.Checkpoint(step=step)
...     with only_writer(folder):
...         prefix = adopt(folder)
...         if prefix:
...             checkpoint.restore(prefix).assert_consumed()
...             print("going on after step", int(step))
...         manager = tf.train.CheckpointManager(checkpoint, folder, max_to_keep=3)
...         while step < steps:
...             step.assign_add(1)
...             flush(manager.save(checkpoint_number=step))
>>> folder = Path("saves")
>>> folder.mkdir()
>>> train(folder, steps=2)
>>> train(folder, steps=4)
going on after step 2

What is promised, and where: on a local disk of Linux, macOS or Windows, a killed program loses the
save that was under way, and nothing else. On Linux and macOS the same holds for a machine that
loses its power, if the disk really writes what it is told to flush. Network drives and object
stores (``gs://…``, a mounted bucket, Google Drive) promise less: there a lock may not lock, a
flush may not flush, and a rename may be a copy. A URL is refused; the course's ``far_away.py``
publishes to one what was saved here.

The course's ``train_loop.py`` is a whole training with all this in it, in one file.
"""

import contextlib
import os
import re
import shutil
import string
import sys
import uuid
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

# A file of a checkpoint that a CheckpointManager has saved: its prefix, and what follows.
NUMBERED_FILE = re.compile(rf"(?P<prefix>.*-\d+)\.{SHARD}")

# Lies in a folder until its first checkpoint is flushed. Without it, nobody could tell a first
# save that a power cut has damaged from a last checkpoint that has gone bad.
NO_SAVE_YET = ".no-save-yet"

# A URL, also after pathlib has taken one of its slashes. A single letter is a drive of Windows.
URL = re.compile(r"[A-Za-z][\w+.-]+:/")

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
        ValueError: the folder is a URL, or TensorFlow would read its path as a pattern.
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


def adopt(folder: Path | str) -> str | None:
    """Make a folder ready for a ``CheckpointManager``, and return the prefix to restore.

    The prefix is the one of ``newest_whole``. A manager reads the file ``checkpoint`` to learn
    which checkpoints there are. After a crash this file may be damaged: then the manager raises an
    error, or it knows no checkpoint and never deletes the old ones. And a checkpoint whose save was
    killed before it was listed is never deleted. So ``adopt`` writes ``checkpoint`` again, with all
    numbered checkpoints in the folder that have the name of the chosen one. The manager will delete
    what exceeds its ``max_to_keep``, and the damaged ones first.

    It also flushes those checkpoints. The chosen one may come from a process that was killed before
    its flush, and the next saves will delete the older ones.

    Call it inside ``only_writer``, before the manager is made. Checkpoints that a manager has kept
    by ``keep_checkpoint_every_n_hours`` are not told apart from the others, so they would be
    deleted too.

    >>> from pathlib import Path
    >>> import tensorflow as tf
    >>> from restart import adopt, only_writer
    >>> folder = Path("adopted")
    >>> folder.mkdir()
    >>> checkpoint = tf.train.Checkpoint(step=tf.Variable(0))
    >>> first = tf.train.CheckpointManager(checkpoint, folder, max_to_keep=3)
    >>> for number in [1, 2, 3]:
    ...     path = first.save(number)
    >>> (folder / "checkpoint").write_bytes(b"")
    0
    >>> with only_writer(folder):
    ...     prefix = adopt(folder)
    ...     second = tf.train.CheckpointManager(checkpoint, folder, max_to_keep=3)
    >>> prefix == second.latest_checkpoint == path
    True
    >>> len(second.checkpoints)
    3

    Returns:
        The prefix, for ``tf.train.Checkpoint.restore``. None says: start from the beginning.

    Raises:
        ValueError: there are checkpoints, but none is intact. Or the file ``checkpoint`` is not
            TensorFlow's. Or the folder is a URL, or TensorFlow would read its path as a pattern.
        FileNotFoundError: there is no such folder.
        NotADirectoryError: it is no folder.
    """
    folder = _usable(folder)
    _refuse_foreign_state(folder)
    prefix = newest_whole(folder)
    if prefix is None:
        _begin(folder)
        return None
    if _number(Path(prefix)) < 0:  # no manager has saved it, so none may delete it
        (folder / "checkpoint").unlink(missing_ok=True)
    else:
        _write_state(folder, _with_the_same_name(folder, Path(prefix)))
    flush(folder)
    return prefix


def flush(path: Path | str) -> None:
    """Wait until a checkpoint is on the disk, so that it survives a power cut.

    TensorFlow leaves what it saves in the memory of the system, which writes it to the disk up to
    half a minute later. A killed process loses nothing by that. A machine without power loses the
    files, their new names, or both: of three checkpoints that were saved within half a minute, not
    one may be left. So call this after each save, before you rely on it.

    A manager deletes the oldest checkpoint while it saves, before this call. So let it keep two or
    more: with ``max_to_keep=1`` there is a moment in which no checkpoint is on the disk.

    Its price is that training waits for the disk: often as long as for the save itself, and several
    times as long if the disk is busy. Save less often rather than leave out the flush.

    Files are flushed first, then the folder, in which their names are written. On macOS the drive
    is also told to empty its own cache (``F_FULLFSYNC``). Windows cannot flush a folder.

    >>> from pathlib import Path
    >>> import tensorflow as tf
    >>> from restart import flush
    >>> Path("flushed").mkdir()
    >>> checkpoint = tf.train.Checkpoint(step=tf.Variable(0))
    >>> manager = tf.train.CheckpointManager(checkpoint, "flushed", max_to_keep=3)
    >>> flush(manager.save())

    Args:
        path: the prefix that ``manager.save()`` or ``checkpoint.write()`` has returned, or a
            folder, whose checkpoints are all flushed. After an asynchronous save, call
            ``checkpoint.sync()`` first.

    Raises:
        FileNotFoundError: no file has this prefix.
        ValueError: the prefix is a URL.
        OSError: the disk could not write. Then do not rely on the checkpoint, and save again.
    """
    _refuse_url(path)
    path = Path(path)
    if path.is_dir():
        folder = path
        files = [file for file in path.iterdir() if NUMBERED_FILE.fullmatch(file.name)]
    else:
        folder = path.parent
        files = _files(path)
        if not files:
            where = folder.as_posix()
            raise FileNotFoundError(
                f"no checkpoint {path.name} in {where}: give flush what manager.save() returned"
            )

    state = folder / "checkpoint"
    if state.is_file():
        files.append(state)
    for file in files:
        _flush_file(file)
    _flush_folder(folder)
    _end_the_beginning(folder)


def newest_whole(folder: Path | str) -> str | None:
    """Return the prefix of the intact checkpoint with the highest number.

    Intact means that every tensor can be read. TensorFlow compares a checksum for each, so this
    reads the checkpoint once, before ``restore`` reads it again. The file ``checkpoint`` is not
    needed. TensorFlow does not flush its files, so after a power cut every checkpoint of the last
    half minute may be damaged or gone, unless ``flush`` was called after its save.

    Returns:
        The prefix, for ``tf.train.Checkpoint.restore``. None says that there is no checkpoint at
        all, or only a first one whose save was cut off: then start from the beginning.

    Raises:
        ValueError: there are checkpoints, but none is intact. To start from the beginning would
            hide that. Or the folder is a URL, or TensorFlow would read its path as a pattern.
        FileNotFoundError: there is no such folder.
        NotADirectoryError: it is no folder.
    """
    folder = _usable(folder)
    # A pipe with such a name would be waited for, without an end.
    indexes = [index for index in folder.glob("*.index") if index.is_file()]
    prefixes = [index.with_suffix("") for index in indexes]
    prefixes.sort(key=_number, reverse=True)

    complete_saves = 0
    for prefix in prefixes:
        reader = _open(prefix)
        if reader is None:
            continue
        complete_saves += 1  # the index is written last, so this save was not cut off
        if _every_tensor_can_be_read(prefix, reader):
            return str(prefix)

    is_first_save = len(prefixes) == 1
    if not prefixes or (is_first_save and _was_cut_off(folder, complete_saves)):
        return None
    raise ValueError(
        f"none of {len(prefixes)} checkpoints in {folder.as_posix()} is intact: "
        "bring one back from a copy, or begin in another folder"
    )


def _was_cut_off(folder: Path, complete_saves: int) -> bool:
    """Say whether the only save in a folder was cut off, so that no checkpoint has gone bad."""
    was_never_flushed = (folder / NO_SAVE_YET).exists()
    was_never_listed = complete_saves == 0 and not (folder / "checkpoint").exists()
    return was_never_flushed or was_never_listed


def _refuse_url(path: Path | str) -> None:
    """Stop where a Path would mean a local folder named ``gs:``."""
    text = os.fspath(path).replace("\\", "/")
    if URL.match(text):
        raise ValueError(
            f"{text} is a URL: save to the local disk, and publish each save with far_away.py"
        )


def _usable(folder: Path | str) -> Path:
    _refuse_url(folder)
    folder = Path(folder)
    signs = set("[]*?\\") & set(folder.resolve().as_posix())
    if signs:
        shown = " ".join(sorted(signs))
        raise ValueError(
            f"TensorFlow reads {shown} in a path as a pattern: rename {folder.as_posix()}"
        )
    if not folder.exists():
        where = folder.parent.as_posix()
        raise FileNotFoundError(f"no folder {folder.name} in {where}: make it first")
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder.as_posix()} is no folder: give the checkpoints' folder")
    return folder


def _refuse_foreign_state(folder: Path) -> None:
    """Stop where the file ``checkpoint`` may be somebody else's: a manager would replace it.

    A damaged one is ours where checkpoints lie beside it, or where we have begun.
    """
    state = folder / "checkpoint"
    message = f"{state.as_posix()} is not TensorFlow's list of checkpoints: begin in another folder"
    if not state.exists():
        return
    if not state.is_file():
        raise ValueError(message)
    has_begun = (folder / NO_SAVE_YET).exists()
    has_checkpoints = any(folder.glob("*.index"))
    if has_begun or has_checkpoints:
        return
    try:
        known = tf.train.get_checkpoint_state(str(folder))
    except ValueError:  # also if it is no text
        known = None
    if known is None:
        raise ValueError(message)


def _begin(folder: Path) -> None:
    """Make a folder ready for its first save, on the disk too."""
    mark = folder / NO_SAVE_YET
    if mark.exists():  # what is here belongs to a first save that was cut off
        for path in list(folder.iterdir()):
            is_of_a_save = NUMBERED_FILE.fullmatch(path.name) or path.name == "checkpoint"
            if is_of_a_save:
                path.unlink()
    mark.touch()
    _flush_folder(folder)
    with contextlib.suppress(PermissionError):  # who may not read the folder may not flush it
        _flush_folder(folder.absolute().parent)


def _end_the_beginning(folder: Path) -> None:
    mark = folder / NO_SAVE_YET
    if mark.exists():
        mark.unlink()
        _flush_folder(folder)


def _with_the_same_name(folder: Path, chosen: Path) -> list[Path]:
    """Return the prefixes of ``name-1``, ``name-2`` …, damaged ones first, the chosen one last."""
    name = chosen.name.rstrip(string.digits)
    numbered = set()
    for path in folder.iterdir():
        match = NUMBERED_FILE.fullmatch(path.name)
        if match and match["prefix"].rstrip(string.digits) == name:
            numbered.add(folder / match["prefix"])

    newer = [prefix for prefix in numbered if _number(prefix) > _number(chosen)]
    others = numbered.difference(newer)
    # The newer ones are damaged, otherwise one of them would have been chosen.
    return sorted(newer, key=_number) + sorted(others, key=_number)


def _write_state(folder: Path, prefixes: list[Path]) -> None:
    """Write the file ``checkpoint``, from which a manager learns what there is and how old."""
    # A manager ignores a list without times.
    times = [max(file.stat().st_mtime for file in _files(prefix)) for prefix in prefixes]
    names = [prefix.name for prefix in prefixes]
    state = tf.compat.v1.train.generate_checkpoint_state_proto(
        folder.absolute(), names[-1], names, all_model_checkpoint_timestamps=times
    )
    # TensorFlow's own temporary name: if we are killed here, only_writer knows it.
    new = folder / f"checkpoint.tmp{uuid.uuid4().hex}"
    new.write_text(str(state), encoding="utf-8")
    _flush_file(new)
    new.replace(folder / "checkpoint")


def _files(prefix: Path) -> list[Path]:
    """Return the files of one checkpoint."""
    file_of_prefix = re.compile(rf"{re.escape(prefix.name)}\.{SHARD}")
    if not prefix.parent.is_dir():
        return []
    return [path for path in prefix.parent.iterdir() if file_of_prefix.fullmatch(path.name)]


def _flush_file(path: Path) -> None:
    may_write = os.O_RDWR if os.name == "nt" else os.O_RDONLY  # Windows asks for it
    descriptor = os.open(path, may_write)
    try:
        os.fsync(descriptor)
        if sys.platform == "darwin":  # there it stops at the cache of the drive
            import fcntl

            with contextlib.suppress(OSError):  # not every file system can do more
                fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    finally:
        os.close(descriptor)


def _flush_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open a folder
        return
    _flush_file(folder)


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
