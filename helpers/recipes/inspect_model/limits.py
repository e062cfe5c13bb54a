"""Limits: an inspection ends soon and fits in the memory, whatever the file was made to do.

Each limit is far above what honest files hold. A file that exceeds one is not judged.
"""

import stat
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

LARGEST_PROGRAM = 100_000_000  # bytes
LARGEST_PICKLE = 100_000_000  # bytes
LARGEST_INDEX = 50_000_000  # bytes, of a checkpoint
LARGEST_TEXT = 10_000_000  # bytes of JSON

MOST_ALARMS = 1_000  # that differ
MOST_FILES = 20_000  # in a folder
MOST_MEMBERS = 20_000  # of an archive
MOST_NAMES = 100_000  # in a file of HDF5 or a checkpoint
MOST_OPCODES = 3_000_000  # of a pickle
MOST_OPERATIONS = 200_000  # of a program
MOST_PARTS = 3_000_000  # of a message of Protocol Buffers

# Numbers do not shrink a hundredfold: what does was made to fill the memory.
LARGEST_FACTOR = 100
ALWAYS_FINE = 10_000_000  # bytes

Item = TypeVar("Item")


class LimitError(ValueError):
    """A file holds more than an inspection reads."""


def refuse_pipe_or_device(path: Path) -> int:
    """Return the size of a plain file in bytes. Refuse what is none, before anything opens it.

    Raises:
        OSError: If there is no file, or a folder, or a pipe or a device, which might never end.
    """
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise OSError(f"{path.name} is a folder, not a file")
    if not stat.S_ISREG(status.st_mode):
        raise OSError(f"{path.name} is a pipe or a device, not a file")
    return status.st_size


def check_file(path: Path) -> int:
    """Return the size of a file that has any bytes, before anything opens it.

    Raises:
        OSError: If there is no file, or if it is a pipe or a device, which might never end.
        ValueError: If the file is empty, as endless files of the system also pretend to be.
    """
    size = refuse_pipe_or_device(path)
    if size == 0:
        raise ValueError(f"{path.name} is empty")
    return size


def read_file(path: Path, largest: int) -> bytes:
    """Read a whole file that has at most so many bytes."""
    check_size(path.name, check_file(path), largest)
    with path.open("rb") as stream:
        return stream.read(largest)


def check_size(name: str, size: int, largest: int) -> None:
    """Raise LimitError if something is larger than is read here."""
    if size > largest:
        raise LimitError(f"{name} has {size:,} bytes, and at most {largest:,} are read")


def at_most(items: Iterable[Item], most: int, name: str) -> Iterator[Item]:
    """Yield items, and raise LimitError if there are more than so many."""
    iterator = iter(items)
    yield from islice(iterator, most)
    for _ in iterator:
        raise LimitError(f"more than {most:,} {name}")


def grows_too_much(stored: int, claimed: int) -> bool:
    """Tell whether so few stored bytes claim to become so many bytes of numbers."""
    return claimed > max(ALWAYS_FINE, LARGEST_FACTOR * stored)
