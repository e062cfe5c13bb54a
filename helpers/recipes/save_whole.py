"""One file that a crash cannot take: put in place whole, and checked against a checksum beside."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any


def save_whole(path: Path | str, write: Callable[[Path], Any], read: Callable[[Path], Any]) -> None:
    """Save a file so that at any moment ``path`` holds the old one or the new one, whole.

    ``write`` saves to the path it is given, in a new folder beside; ``read`` restores from there,
    into a model of its own. Then the file is flushed to the disk and renamed to ``path``. If
    anything fails before, the old file stays. ``<path>.sha256`` keeps the checksum, in the format
    of the command ``sha256sum``. With a second writer it may be the other's: let one program save.

    Raises:
        FileNotFoundError: there is no such folder, or ``write`` left no file.
        IsADirectoryError: ``path`` is a folder.
        Whatever ``write`` and ``read`` raise.
    """
    path, sums = Path(path), Path(f"{path}.sha256")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"no folder {path.parent}: make it first")
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: save a file in it")
    with tempfile.TemporaryDirectory(prefix=".saving-", dir=path.parent) as folder:
        new, new_sums = Path(folder, path.name), Path(folder, sums.name)
        write(new)
        if not new.is_file():
            raise FileNotFoundError(f"write left no file {new.name}: let it save to its argument")
        read(new)
        line, known = _line(new), ""
        if sums.is_file():
            known = sums.read_text(errors="replace")
        elif path.is_file():
            known = _line(path)
        if path.is_file():
            shutil.copymode(path, new)
        new_sums.write_text(line + known)  # until the file is renamed, both are right
        _place(new_sums, sums)
        _place(new, path)
        new_sums.write_text(line)
        _place(new_sums, sums)


def checked(path: Path | str) -> Path:
    """Return the path of a file that ``save_whole`` saved, if it holds the same bytes as then.

    Raises:
        FileNotFoundError: the file or its checksum is missing.
        ValueError: the bytes have changed.
    """
    path, sums = Path(path), Path(f"{path}.sha256")
    for file in (path, sums):
        if not file.is_file():
            raise FileNotFoundError(f"no {file.name} in {file.parent}: save it with save_whole")
    known = sums.read_text(errors="replace")
    with path.open("rb") as stream:
        known += sums.read_text(errors="replace")  # a save may have come between
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found not in known.split():
        raise ValueError(f"{path.name} does not fit {sums.name}: it is damaged, take another copy")
    return path


def _line(file: Path) -> str:
    with file.open("rb") as stream:
        return f"{hashlib.file_digest(stream, 'sha256').hexdigest()}  {file.name}\n"


def _place(new: Path, path: Path) -> None:
    _flush(new)
    new.replace(path)
    if os.name == "posix":  # elsewhere a folder cannot be flushed
        _flush(path.parent)


def _flush(path: Path) -> None:
    number = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(number)
    finally:
        os.close(number)
