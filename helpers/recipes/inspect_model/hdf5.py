"""HDF5, the format of weights: does a file hold numbers, and hold them itself?"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import h5py

from .findings import Alarm


def inspect_arrays(file: Path | BinaryIO) -> Iterator[Alarm]:
    """Inspect every name in an HDF5 file: it should be a group or an array of numbers."""
    with h5py.File(file) as tree:
        for name, item in _items(tree):
            if not _is_harmless(item):
                yield Alarm(name, "is no array of numbers in this file")


def _items(tree: h5py.File) -> Iterator[tuple[str, Any]]:
    """Yield every name in a file with its item, or with None if it is a link to another place."""
    kinds: dict[bytes, int] = {}

    def keep(name: bytes, link: h5py.h5l.LinkInfo) -> None:
        kinds[name] = link.type

    tree.id.links.visit(keep, info=True)
    # Each name is looked up in its own group. From the root, as h5py's own visitors do it, a file
    # whose groups lie thousands deep would take hours.
    groups = {"": tree["/"]}
    for encoded, kind in kinds.items():
        name = encoded.decode("utf-8")
        parent, _, key = name.rpartition("/")
        item = groups[parent][key] if kind == h5py.h5l.TYPE_HARD else None
        if isinstance(item, h5py.Group):
            groups[name] = item
        yield name, item


def _is_harmless(item: Any) -> bool:
    if isinstance(item, h5py.Group):
        return True
    if not isinstance(item, h5py.Dataset):
        return False
    # HDF5 has no bfloat16, so Keras stores it as two bytes without a type.
    is_number = item.dtype.kind in "biufc" or item.dtype == "V2"
    lies_elsewhere = item.external or item.is_virtual
    return is_number and not lies_elsewhere
