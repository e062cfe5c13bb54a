"""HDF5, the format of weights: does a file hold numbers, and hold them itself?"""

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import h5py

from .findings import Alarm
from .hdf5_heaps import check_heaps, check_offsets
from .limits import MOST_NAMES, LimitError, at_most, check_size, grows_too_much

LARGEST_REST = 100_000_000  # bytes that belong to no array
LONGEST_NAME = 1_000  # characters that are kept, for groups that lie thousands deep


def inspect_arrays(file: IO[bytes]) -> Iterator[Alarm]:
    """Inspect every name in an HDF5 file: it should be a group or an array of numbers."""
    check_heaps(file)
    file.seek(0)
    with h5py.File(file) as tree:
        check_offsets(tree)
        for name, item in at_most(_items(tree), MOST_NAMES, "names in the file"):
            if not _is_harmless(item):
                yield Alarm(name, "is no array of numbers in this file")
            elif isinstance(item, h5py.Dataset):
                yield from _inspect_size(name, item)


def check_rest(path: Path, tree: h5py.File) -> None:
    """Raise LimitError if much of a file is no array: reading a text could fill the memory."""
    size = path.stat().st_size
    if size <= LARGEST_REST:
        return
    arrays = [item for _, item in _items(tree) if isinstance(item, h5py.Dataset)]
    stored = sum(array.id.get_storage_size() for array in arrays)
    check_size("what is no array in the file", size - stored, LARGEST_REST)


def read_text_attribute(tree: h5py.File, key: str, longest: int) -> bytes | str:
    """Read an attribute that is one text, and not too long.

    Raises:
        TypeError: If it is no text, or many: a small file can name the same text a million times.
        LimitError: If it is too long.
    """
    identifier = tree.attrs.get_id(key)
    is_one_text = identifier.shape == () and h5py.check_string_dtype(identifier.dtype) is not None
    if not is_one_text:
        raise TypeError(f"{key} is no text")
    check_size(key, identifier.get_storage_size(), longest)
    text = tree.attrs[key]
    if not isinstance(text, bytes | str):
        raise TypeError(f"{key} is no text")
    return text


def _items(tree: h5py.File) -> Iterator[tuple[str, Any]]:
    """Yield every name in a file with its item, or with None if it is a link to another place.

    An item that has many names is followed from one of them, so that no circle is endless. Each
    name is looked up in its own group: from the root, deep groups would take hours.
    """
    root = tree["/"]
    waiting = deque([("", root)])
    seen = {_identity(root)}
    while waiting:
        parent, group = waiting.popleft()
        if group.id.get_num_objs() > MOST_NAMES:
            raise LimitError(f"more than {MOST_NAMES:,} names in the file")
        for key in group:
            name = f"{parent}/{key}".removeprefix("/")[:LONGEST_NAME]
            link = group.id.links.get_info(key.encode("utf-8", "surrogateescape"))
            item = group[key] if link.type == h5py.h5l.TYPE_HARD else None
            if item is None:
                yield name, None
                continue
            identity = _identity(item)
            if identity in seen:
                continue
            seen.add(identity)
            yield name, item
            if isinstance(item, h5py.Group):
                waiting.append((name, item))


def _identity(item: Any) -> int:
    return int(h5py.h5o.get_info(item.id).addr)


def _is_harmless(item: Any) -> bool:
    if isinstance(item, h5py.Group):
        return True
    if not isinstance(item, h5py.Dataset):
        return False
    # HDF5 has no bfloat16, so Keras stores it as two bytes without a type.
    is_number = item.dtype.kind in "biufc" or item.dtype == "V2"
    lies_elsewhere = item.external or item.is_virtual
    return is_number and not lies_elsewhere


def _inspect_size(name: str, array: h5py.Dataset) -> Iterator[Alarm]:
    stored = array.id.get_storage_size()
    claimed = array.size * array.dtype.itemsize
    if grows_too_much(stored, claimed):
        yield Alarm(name, f"unpacks from {stored:,} to {claimed:,} bytes")
