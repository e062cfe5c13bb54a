"""Files that go bad after they were saved: flipped bits, files cut off, a power cut."""

import contextlib
import hashlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from helpers.draw import COLOURS, GREY

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Patch

NOTICED, NO_HARM, WRONG = "noticed", "no harm", "wrong"
# With newer versions of Python, Keras reads a .keras file in a way that compares no checksum.
KERAS_COMPARES_CHECKSUMS = sys.version_info < (3, 12)
COLOUR_OF = {NOTICED: COLOURS[0], NO_HARM: GREY, WRONG: COLOURS[5]}


def flipped(good: bytes, places: int = 64) -> Iterator[bytes]:
    """Yield copies in each of which one bit is flipped, at places spread evenly over the bytes."""
    for place in np.linspace(0, len(good) - 1, places).astype(int):
        bad = bytearray(good)
        bad[place] ^= 16
        yield bytes(bad)


def cut_off(good: bytes, sizes: int = 16) -> Iterator[bytes]:
    """Yield beginnings of the bytes, from none to all but one."""
    for size in np.linspace(0, len(good) - 1, sizes).astype(int):
        yield good[:size]


def flip_one_bit(path: Path) -> None:
    """Flip one bit in the first byte of a file."""
    path.write_bytes(next(flipped(path.read_bytes())))


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load_each(
    path: Path, load: Callable[[Path], Any], damage: Callable[[bytes], Iterator[bytes]]
) -> list[str]:
    """Load a file in each damaged form, and then put the good one back.

    Args:
        path: the file. All numbers in it are ones.
        load: returns the weights that it loads from the path.
        damage: yields the damaged forms of the file's bytes, for example `flipped`.

    Returns:
        For each form NOTICED if ``load`` raised an error, NO_HARM if it returned ones, otherwise
        WRONG.
    """
    good = path.read_bytes()
    found = []
    for bad in damage(good):
        path.write_bytes(bad)
        found.append(_try_to_load(path, load))
    path.write_bytes(good)
    return found


def load_files(
    loads: Mapping[Path, Callable[[Path], Any]], damage: Callable[[bytes], Iterator[bytes]]
) -> dict[str, list[str]]:
    """Load files in each damaged form, and return what `load_each` finds, by the file's name."""
    return {path.name: load_each(path, load, damage) for path, load in loads.items()}


def draw_damage(found: Mapping[str, Sequence[str]], xlabel: str) -> None:
    """Draw what `load_each` has returned: a row of stripes for each file, by its name."""
    figure, axes = plt.subplots(figsize=(10, 1.4 + 0.45 * len(found)), layout="constrained")
    for number, verdicts in enumerate(found.values()):
        width = 100 / len(verdicts)
        for place, verdict in enumerate(verdicts):
            axes.barh(number, width, 0.75, place * width, align="center", color=COLOUR_OF[verdict])
    axes.set(xlim=(0, 100), ylim=(len(found) - 0.5, -0.5), xlabel=xlabel)
    axes.set_yticks(range(len(found)), list(found))
    axes.xaxis.set_major_formatter("{x:.0f} %")
    axes.spines[:].set_visible(False)
    axes.tick_params(axis="y", length=0)
    labels = ["an error", "no harm: the same numbers", "wrong numbers, and no error"]
    patches = [Patch(color=colour) for colour in COLOUR_OF.values()]
    figure.legend(patches, labels, loc="outside upper center", ncols=3, frameon=False)
    plt.show()


@contextlib.contextmanager
def note_flushes() -> Iterator[set[int]]:
    """Yield a set that gets the inode of each file and folder that Python flushes in the block.

    ``os.fsync`` only notes it: no power will fail. TensorFlow and HDF5 flush nothing, so no call of
    theirs is missed.
    """
    flushed: set[int] = set()

    def note(descriptor: int) -> None:
        flushed.add(os.fstat(descriptor).st_ino)

    with mock.patch("os.fsync", note):
        yield flushed


@contextlib.contextmanager
def power_cut(folder: Path) -> Iterator[None]:
    """Fill each file below a folder with zeros after the block, but for those flushed in it.

    It is the worst that a power cut does to the bytes of files. Names and sizes stay.
    """
    with note_flushes() as flushed:
        yield
    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        status = path.stat()
        if status.st_ino not in flushed:
            path.write_bytes(bytes(status.st_size))


def _try_to_load(path: Path, load: Callable[[Path], Any]) -> str:
    try:
        weights = load(path)
    except Exception:
        return NOTICED
    all_ones = all(np.all(np.asarray(weight) == 1) for weight in weights)
    return NO_HARM if all_ones else WRONG
