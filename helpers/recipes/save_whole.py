"""Save one file so that a crash leaves the old one or the new one, and notice damage later.

Needs only Python's standard library.

``save_whole`` saves to a temporary folder beside the file, reads the new file back, flushes it and
renames it. ``checked`` compares the file with the checksum that ``save_whole`` has put beside it:

>>> import keras
>>> from save_whole import checked, save_whole
>>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
>>> save_whole("model.keras", model.save, keras.saving.load_model)
>>> restored = keras.saving.load_model(checked("model.keras"))
>>> restored.count_params()
10

A file that was changed after the save is not loaded:

>>> with open("model.keras", "ab") as file:
...     file.write(b"!")
1
>>> keras.saving.load_model(checked("model.keras"))
Traceback (most recent call last):
ValueError: model.keras does not fit model.keras.sha256: it is damaged, take another copy

What is promised, and where: on a local disk of Linux, macOS or Windows, a killed program leaves
the old file or the new one. On Linux and macOS so does a machine that loses its power, if the disk
really writes what it is told to flush. Network drives and object stores (``gs://…``, a mounted
bucket, Google Drive) promise less: there a flush may not flush, and a rename may be a copy. A URL
is refused, because a Path would make a local folder named ``gs:`` of it.
"""

import contextlib
import hashlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

# A URL, also after pathlib has taken one of its slashes. A single letter is a drive of Windows.
URL = re.compile(r"[A-Za-z][\w+.-]+:/")


def save_whole(path: Path | str, write: Callable[[Path], Any], read: Callable[[Path], Any]) -> None:
    """Save a file so that at any moment ``path`` holds the old one or the new one, complete.

    If anything fails before the rename, the old file stays as it was. A process that is killed
    leaves its temporary folder ``.saving-…`` behind. Let one program save to a path: with two, the
    checksum may be of the other's file.

    The new file and the names in its folder are flushed, so when this returns, they are on the
    disk. On macOS the drive is also told to empty its own cache (``F_FULLFSYNC``). Windows cannot
    flush a folder. A folder that was made a moment ago has its own name in another folder, which is
    not flushed here. A link at ``path`` is replaced by the file, and what it points to stays.

    The price: ``read`` restores once more, for which it needs memory and time. The program waits
    until the disk has everything, which may take several times as long as the save. And the disk
    holds the old file and the new one together for that time.

    Args:
        path: the file to save. Its folder must exist.
        write: saves to the path that it is given, for example ``model.save``. The file has the
            name of ``path``, in a temporary folder beside it.
        read: restores from that path and raises an error if it cannot, for example
            ``keras.saving.load_model``. What it returns is dropped, so let it not change ``model``.

    Raises:
        ValueError: ``path`` is a URL.
        FileNotFoundError: there is no such folder, or ``write`` left no file.
        IsADirectoryError: ``path`` is a folder.
        FileExistsError: ``path`` or its checksum is neither a file nor a folder, but a pipe or a
            device.
        Exception: whatever ``write`` and ``read`` raise.
    """
    _refuse_url(path)
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"no folder {path.parent.as_posix()}: make it first")
    for target in [path, _sums_beside(path)]:
        _refuse_what_is_no_file(target)

    # A rename is a single step only within one file system, so the new file is written beside.
    with tempfile.TemporaryDirectory(prefix=".saving-", dir=path.parent) as folder:
        new = Path(folder, path.name)
        write(new)
        if not new.is_file():
            raise FileNotFoundError(f"write left no file {new.name}: let it save to its argument")
        read(new)
        if path.is_file():
            shutil.copymode(path, new)
        _replace_with_checksum(path, new)


def checked(path: Path | str) -> Path:
    """Return the path of a file that ``save_whole`` saved, if it holds the same bytes as then.

    It reads the whole file once, and needs to know nothing of its format. The checksum notices
    accidents. It does not notice an attack, as who can change the file can change the checksum.

    Raises:
        FileNotFoundError: the file or its checksum is missing.
        ValueError: the bytes have changed, or ``path`` is a URL.
    """
    _refuse_url(path)
    path = Path(path)
    sums = _sums_beside(path)
    for file in [path, sums]:
        if not file.is_file():
            where = file.parent.as_posix()
            raise FileNotFoundError(f"no {file.name} in {where}: save it with save_whole")

    # A save may come between the two reads. The open file stays the one that it was when we opened
    # it, and its checksum is in the list before that moment or in the list after.
    known = _read_sums(sums)
    with path.open("rb") as stream:
        known += _read_sums(sums)
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest not in known.split():
        raise ValueError(f"{path.name} does not fit {sums.name}: it is damaged, take another copy")
    return path


def _refuse_url(path: Path | str) -> None:
    """Stop where a Path would mean a file in a local folder named ``gs:``."""
    text = os.fspath(path).replace("\\", "/")
    if URL.match(text):
        raise ValueError(
            f"{text} is a URL: save to the local disk, and copy the file there with tf.io.gfile"
        )


def _refuse_what_is_no_file(path: Path) -> None:
    """Stop where a rename would fail, or would replace something that holds no model."""
    if path.is_dir():
        raise IsADirectoryError(f"{path.as_posix()} is a folder: save a file in it")
    if path.exists() and not path.is_file():
        raise FileExistsError(f"{path.as_posix()} is no file: save under another name")


def _replace_with_checksum(path: Path, new: Path) -> None:
    """Put a new file in the place of ``path``, and its checksum beside it.

    Two files cannot be renamed in one step. So first both checksums, of the new file and of the
    old one, are put beside. Whichever of the two files is there after a crash is found among them.
    """
    new_line = _checksum_line(new)
    old_lines = _lines_in_force(path)
    sums = _sums_beside(path)
    new_sums = new.with_name(sums.name)

    _write_sums(new_sums, new_line + old_lines)
    _put_in_place(new_sums, sums)
    _put_in_place(new, path)
    _write_sums(new_sums, new_line)
    _put_in_place(new_sums, sums)


def _put_in_place(new: Path, path: Path) -> None:
    """Flush a file, rename it, and flush the folder, which is where its new name is written."""
    _flush(new)
    new.replace(path)
    if os.name == "posix":  # elsewhere a folder cannot be flushed
        _flush(path.parent)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
        if sys.platform == "darwin":  # there it stops at the cache of the drive
            import fcntl

            with contextlib.suppress(OSError):  # not every file system can do more
                fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    finally:
        os.close(descriptor)


def _lines_in_force(path: Path) -> str:
    """Return the checksums beside a file, or its own if there are none, or nothing if it is new."""
    sums = _sums_beside(path)
    if sums.is_file():
        return _read_sums(sums)
    if path.is_file():
        return _checksum_line(path)
    return ""


def _checksum_line(path: Path) -> str:
    """Return a file's SHA-256 and its name, as the command ``sha256sum`` prints them."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return f"{digest}  {path.name}\n"


def _sums_beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _read_sums(sums: Path) -> str:
    # A damaged list is read too: then no checksum in it fits.
    return sums.read_text(encoding="utf-8", errors="replace")


def _write_sums(sums: Path, lines: str) -> None:
    # sha256sum takes a carriage return for a part of the name.
    sums.write_text(lines, encoding="utf-8", newline="\n")
