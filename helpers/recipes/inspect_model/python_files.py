"""Files of Python and NumPy: is a pickle plain data, is an array one of numbers or text?"""

import pickletools
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .findings import Alarm, Finding, Note
from .known_names import KNOWN_NAMES


def inspect_npy(path: Path) -> Iterator[Finding]:
    """Inspect the header of a ``.npy``, which says what kind of array follows."""
    with path.open("rb") as stream:
        version = np.lib.format.read_magic(stream)
        if version == (1, 0):
            _, _, dtype = np.lib.format.read_array_header_1_0(stream)
        else:
            _, _, dtype = np.lib.format.read_array_header_2_0(stream)
    if dtype.hasobject:
        yield Alarm("a pickle", "of objects, which allow_pickle=True would load")
    else:
        yield Note("numbers and text only")


def inspect_pickle(path: Path) -> Iterator[Finding]:
    """Inspect every opcode of a pickle. Those on the list make plain data, and call nothing."""
    with path.open("rb") as stream:
        for opcode, argument, position in pickletools.genops(stream):
            if opcode.name not in KNOWN_NAMES["pickle"]:
                place = f"at byte {position} {argument or ''}"
                yield Alarm(f"opcode {opcode.name}", place.rstrip())
        if stream.read(1):
            yield Alarm("more bytes", "after the end of the pickle")
