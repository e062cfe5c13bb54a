"""Safetensors: a header of JSON, then numbers and nothing else. Does the file keep to that?"""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .findings import Finding, Note
from .limits import LARGEST_TEXT, check_file, check_size

LENGTH = 8  # bytes, in which the file says how long its header is
METADATA = "__metadata__"
PARTS = {"dtype", "shape", "data_offsets"}  # of each tensor

MOST_DIMENSIONS = 64  # of an array of NumPy
LARGEST_COUNT = 2**63 - 1  # of numbers or bytes, as programs count them in 64 bits

# How many bits one number has. Numbers of fewer than 8 bits share their bytes.
BITS = {
    "BOOL": 8,
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "U8": 8,
    "I8": 8,
    "F8_E4M3": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E5M2": 8,
    "F8_E5M2FNUZ": 8,
    "F8_E8M0": 8,
    "U16": 16,
    "I16": 16,
    "F16": 16,
    "BF16": 16,
    "U32": 32,
    "I32": 32,
    "F32": 32,
    "U64": 64,
    "I64": 64,
    "F64": 64,
    "C64": 64,
}


def inspect_safetensors(path: Path) -> Iterator[Finding]:
    """Inspect the header: every byte after it should belong to one tensor, as its shape says.

    Raises:
        ValueError: If the file is damaged, or holds anything else.
        TypeError: If a part of the header is of another kind than it should be.
    """
    size = check_file(path)
    with path.open("rb") as stream:
        header_size = int.from_bytes(stream.read(LENGTH), "little")
        check_size("the header", header_size, LARGEST_TEXT)
        header = json.loads(stream.read(header_size), object_pairs_hook=_without_duplicates)
    if not isinstance(header, dict):
        raise TypeError("the header is no dictionary")
    _check_metadata(header.pop(METADATA, {}))

    end = 0
    for begin, next_begin in sorted(_offsets(name, header[name]) for name in header):
        if begin != end:
            raise ValueError(f"byte {end} of the numbers belongs to no tensor, or to two")
        end = next_begin
    if LENGTH + header_size + end != size:
        raise ValueError("the tensors are longer or shorter than the file")
    yield Note("numbers only")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make a dictionary. Two programs may take different ones of two values with one name."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"the header has the name {name!r} twice")
        found[name] = value
    return found


def _check_metadata(metadata: Any) -> None:
    """Refuse what is not texts by their names: they are for people."""
    if not isinstance(metadata, dict):
        raise TypeError(f"{METADATA} is no dictionary")
    if not all(isinstance(text, str) for text in metadata.values()):
        raise TypeError(f"{METADATA} holds more than texts")


def _offsets(name: str, tensor: Any) -> tuple[int, int]:
    """Return where a tensor begins and ends, in bytes after the header, if its shape agrees."""
    if not isinstance(tensor, dict) or tensor.keys() != PARTS:
        raise ValueError(f"{name!r} has other parts than {', '.join(sorted(PARTS))}")

    dtype = tensor["dtype"]
    if not isinstance(dtype, str) or dtype not in BITS:
        raise ValueError(f"the tensor {name!r} has the unknown dtype {dtype!r}")

    shape = _counts(name, "shape", tensor["shape"])
    if len(shape) > MOST_DIMENSIONS:
        raise ValueError(f"the tensor {name!r} has more than {MOST_DIMENSIONS} dimensions")

    offsets = _counts(name, "data_offsets", tensor["data_offsets"])
    if len(offsets) != 2:
        raise ValueError(f"the tensor {name!r} has {len(offsets)} data_offsets, and not 2")

    begin, end = offsets
    if math.prod(shape) * BITS[dtype] != (end - begin) * 8:
        raise ValueError(f"the tensor {name!r} is longer or shorter than its shape says")
    return begin, end


def _counts(name: str, part: str, values: Any) -> list[int]:
    """Return a list of whole numbers that are not negative, or refuse it."""
    if not isinstance(values, list):
        raise TypeError(f"the {part} of the tensor {name!r} is no list")
    for value in values:
        # `type`, because True and False are instances of int.
        if type(value) is not int or not 0 <= value <= LARGEST_COUNT:
            raise ValueError(f"the {part} of the tensor {name!r} holds {value!r}")
    return values
