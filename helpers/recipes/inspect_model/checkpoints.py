"""Checkpoints of TensorFlow: of which types are the tensors that the index lists?

The index is a sorted table, as in LevelDB: blocks of keys and values, where a key says only what
differs from the key before it, and an index block that says where the others are. It is read here
and not by TensorFlow, because a small file of a few long keys can fill any memory.
"""

from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf
from tensorflow.core.protobuf.tensor_bundle_pb2 import BundleEntryProto

from .findings import Alarm, Finding, Note
from .limits import LARGEST_INDEX, MOST_NAMES, LimitError, at_most, read_file
from .protobufs import parse_message, read_varint

FOOTER = 48  # bytes
MAGIC = bytes.fromhex("57fb808b247547db")
NOT_COMPRESSED = 0
HANDLES = {tf.resource.as_datatype_enum: "resource", tf.variant.as_datatype_enum: "variant"}


def inspect_checkpoint(prefix: Path) -> Iterator[Finding]:
    """Inspect the types of what a checkpoint holds."""
    alarms = list(inspect_tensors(prefix))
    yield from alarms
    if not alarms:
        yield Note("numbers and text only")


def inspect_tensors(prefix: Path) -> Iterator[Alarm]:
    """Inspect a checkpoint for what is neither numbers nor text."""
    index = Path(f"{prefix}.index")
    if prefix.is_file() or not index.is_file():
        raise FileNotFoundError("no file of a kind that is known here, no prefix of a checkpoint")
    content = read_file(index, LARGEST_INDEX)
    entries = at_most(_entries(content), MOST_NAMES, "tensors in the checkpoint")
    for key, value in entries:
        if key == b"":
            continue  # It describes the whole.
        kind = parse_message(value, BundleEntryProto).dtype
        if kind in HANDLES:
            name = key.decode("utf-8", "replace")
            yield Alarm(name, f"is a {HANDLES[kind]}, neither numbers nor text")


def _entries(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a sorted table."""
    if not content.endswith(MAGIC):
        raise ValueError("no index of a checkpoint")
    footer = content[-FOOTER:]
    _, position = _read_handle(footer, 0)  # Of a block that TensorFlow leaves empty.
    index_handle, _ = _read_handle(footer, position)
    for _, handle in _block(content, index_handle):
        block_handle, _ = _read_handle(handle, 0)
        yield from _block(content, block_handle)


def _read_handle(content: bytes, position: int) -> tuple[tuple[int, int], int]:
    """Return where a block begins and how long it is, and the position after these numbers."""
    begin, position = read_varint(content, position)
    size, position = read_varint(content, position)
    return (begin, size), position


def _block(content: bytes, handle: tuple[int, int]) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of one block."""
    begin, size = handle
    block = content[begin : begin + size]
    kind = content[begin + size : begin + size + 1]
    if kind != bytes([NOT_COMPRESSED]):
        raise ValueError("a block is damaged, or compressed, which TensorFlow does not do")
    # A block ends with a list of the places where a key is written in full, and its length.
    restarts = int.from_bytes(block[-4:], "little")
    end = len(block) - 4 - 4 * restarts
    position = 0
    key = b""
    total = 0
    while position < end:
        shared, position = read_varint(block, position)
        added, position = read_varint(block, position)
        length, position = read_varint(block, position)
        key = key[:shared] + block[position : position + added]
        position += added
        yield key, block[position : position + length]
        position += length
        total += len(key)
        if total > LARGEST_INDEX:
            raise LimitError("the names in the checkpoint are too long")
