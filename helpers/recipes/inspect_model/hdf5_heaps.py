"""HDF5's heaps, which hold texts: a damaged one makes HDF5 itself run without an end.

A heap is a row of objects, each with its size. HDF5 goes from one to the next, and never leaves an
object of free space whose size is zero. So the heaps are checked before HDF5 reads anything.
"""

from collections.abc import Iterator
from typing import IO

import h5py

from .limits import MOST_NAMES, at_most

SIGNATURE = b"GCOL\x01\0\0\0"
HEADER = 16  # bytes, of a heap and of an object in it
FREE_SPACE = 0  # The number of an object that holds nothing.
PIECE = 1_000_000  # bytes that are searched at once


def check_heaps(file: IO[bytes]) -> None:
    """Raise an error if reading from an open file of HDF5 might not end.

    Raises:
        LimitError: If its heaps hold too many objects.
        ValueError: If one is damaged.
    """
    sizes = (size for heap in _heaps(file) for size in _object_sizes(file, heap))
    for size in at_most(sizes, MOST_NAMES, "texts in the file"):
        if size < HEADER:
            raise ValueError("a heap of texts is damaged")


def check_offsets(tree: h5py.File) -> None:
    """Raise ValueError if a file has numbers of another size than ``check_heaps`` reads."""
    if tuple(tree.id.get_create_plist().get_sizes()) != (8, 8):
        raise ValueError("a file of HDF5 with offsets of an unusual size")


def _heaps(file: IO[bytes]) -> Iterator[int]:
    """Yield where each heap begins."""
    begin = 0
    while True:
        file.seek(begin)
        piece = file.read(PIECE)
        place = piece.find(SIGNATURE)
        while place >= 0:
            yield begin + place
            place = piece.find(SIGNATURE, place + 1)
        if len(piece) < PIECE:
            return
        begin += PIECE - len(SIGNATURE) + 1  # One may lie across two pieces.


def _object_sizes(file: IO[bytes], heap: int) -> Iterator[int]:
    """Yield the size of each object in a heap, with its header, in bytes."""
    file.seek(heap)
    end = heap + _number(file.read(HEADER))
    position = heap + HEADER
    while position + HEADER <= end:
        file.seek(position)
        header = file.read(HEADER)
        if len(header) < HEADER:
            return
        size = _number(header)
        # The size of free space counts its header. The size of an object counts neither that nor
        # what fills it up to a multiple of eight.
        if int.from_bytes(header[:2], "little") != FREE_SPACE:
            size = HEADER + (size + 7) // 8 * 8
        yield size
        position += size


def _number(header: bytes) -> int:
    return int.from_bytes(header[8:], "little")
