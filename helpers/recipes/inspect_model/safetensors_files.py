"""Safetensors: a header of JSON, then numbers and nothing else. Does the file keep to that?"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .findings import Finding, Note
from .limits import LARGEST_TEXT, check_file, check_size

LENGTH = 8  # bytes, in which the file says how long its header is


def inspect_safetensors(path: Path) -> Iterator[Finding]:
    """Inspect the header: every byte after it should belong to one tensor.

    Raises:
        ValueError: If the file is damaged, or holds anything else.
    """
    size = check_file(path)
    with path.open("rb") as stream:
        header_size = int.from_bytes(stream.read(LENGTH), "little")
        check_size("the header", header_size, LARGEST_TEXT)
        header = json.loads(stream.read(header_size))
    if not isinstance(header, dict):
        raise TypeError("the header is no dictionary")
    header.pop("__metadata__", None)  # Texts, for people.

    end = 0
    for begin, next_begin in sorted(_offsets(tensor) for tensor in header.values()):
        if begin != end:
            raise ValueError(f"byte {end} of the numbers belongs to no tensor, or to two")
        end = next_begin
    if LENGTH + header_size + end != size:
        raise ValueError("the tensors are longer or shorter than the file")
    yield Note("numbers only")


def _offsets(tensor: Any) -> tuple[int, int]:
    begin, end = tensor["data_offsets"]
    if not 0 <= int(begin) <= int(end):
        raise ValueError("a tensor ends before it begins")
    return int(begin), int(end)
