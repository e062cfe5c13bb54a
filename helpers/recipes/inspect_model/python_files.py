"""Files of Python and NumPy: is a pickle plain data, is an array one of numbers or text?"""

import io
import pickletools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .findings import Alarm, Finding, Note
from .known_names import KNOWN_NAMES
from .limits import LARGEST_PICKLE, MOST_OPCODES, at_most, check_size
from .zip_archives import open_archive

LONGEST_HEADER = 12_000  # bytes, with its beginning; NumPy reads 10,000
LONGEST_ARGUMENT = 200  # characters
BEGINNING_OF_AN_ARRAY = b"\x93NUMPY"


def inspect_npy(path: Path) -> Iterator[Finding]:
    """Inspect the header of a ``.npy``, which says what kind of array follows."""
    with path.open("rb") as stream:
        dtype = _read_dtype(stream.read(LONGEST_HEADER))
    if dtype.hasobject:
        yield Alarm("a pickle", "of objects, which allow_pickle=True would load")
    else:
        yield Note("numbers and text only")


def inspect_npz(path: Path) -> Iterator[Finding]:
    """Inspect each member of a ``.npz``, which is a zip of arrays."""
    is_harmless = True
    with open_archive(path) as archive:
        times = Counter(archive.namelist())
        for name in times:
            with archive.open(name) as member:
                beginning = member.read(LONGEST_HEADER)
            problem = None
            if times[name] > 1:
                problem = Alarm(name, "is in the archive twice")
            elif not beginning.startswith(BEGINNING_OF_AN_ARRAY):
                problem = Alarm(name, "is no array of NumPy")
            elif _read_dtype(beginning).hasobject:
                problem = Alarm("a pickle", f"of objects in {name}, for allow_pickle=True")
            if problem is not None:
                is_harmless = False
                yield problem
    if is_harmless:
        yield Note("numbers and text only")


def _read_dtype(beginning: bytes) -> np.dtype:
    """Read the type of an array from the beginning of its file."""
    stream = io.BytesIO(beginning)
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        _, _, dtype = np.lib.format.read_array_header_1_0(stream)
    else:
        _, _, dtype = np.lib.format.read_array_header_2_0(stream)
    return dtype


def inspect_pickle(path: Path) -> Iterator[Finding]:
    """Inspect every opcode of a pickle. Those on the list make plain data, and call nothing."""
    check_size(path.name, path.stat().st_size, LARGEST_PICKLE)
    with path.open("rb") as stream:
        opcodes = pickletools.genops(stream)
        for opcode, argument, position in at_most(opcodes, MOST_OPCODES, "opcodes"):
            if opcode.name not in KNOWN_NAMES["pickle"]:
                text = "" if argument is None else f" {argument}"
                place = f"at byte {position}{text[:LONGEST_ARGUMENT]}"
                yield Alarm(f"opcode {opcode.name}", place)
        if stream.read(1):
            yield Alarm("more bytes", "after the end of the pickle")
