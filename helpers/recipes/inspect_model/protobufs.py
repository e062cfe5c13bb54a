"""Protocol Buffers, the format of TensorFlow's programs: messages that consist of messages.

A message of two bytes can become an object of a hundred bytes in memory. So the parts of a large
file are counted before it is parsed.
"""

from pathlib import Path
from typing import NamedTuple, TypeVar

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from .limits import LARGEST_PROGRAM, MOST_PARTS, LimitError, read_file

BYTES = 2  # The wire type of a text, of a message, and of numbers that are packed.
TEXTS = {FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES}

AnyMessage = TypeVar("AnyMessage", bound=Message)


def read_message(path: Path, kind: type[AnyMessage]) -> AnyMessage:
    """Read a file that holds one message.

    Raises:
        LimitError: If the file is too large, or has too many parts.
        ValueError: If the file is damaged.
    """
    content = read_file(path, LARGEST_PROGRAM)
    return parse_message(content, kind)


def parse_message(content: bytes, kind: type[AnyMessage]) -> AnyMessage:
    """Parse a message, if it has not too many parts. A damaged one raises ValueError."""
    # No part is smaller than a byte, so a small message needs no count.
    if len(content) > MOST_PARTS:
        _count_parts(content, kind.DESCRIPTOR)
    try:
        return kind.FromString(content)
    except Exception as error:
        raise ValueError(f"no message of the kind {kind.__name__}: {error}") from error


def _count_parts(content: bytes, kind: Descriptor) -> None:
    """Raise LimitError if a message has more than ``MOST_PARTS`` parts, at any depth."""
    parts_of: dict[str, _Parts] = {}
    count = 0
    waiting = [(0, len(content), kind)]
    while waiting:
        position, end, inner_kind = waiting.pop()
        name = inner_kind.full_name
        if name not in parts_of:
            parts_of[name] = _parts(inner_kind)
        messages, packed = parts_of[name]
        while position < end:
            tag, position = read_varint(content, position)
            start, position = _skip(content, position, tag & 7)
            count += 1
            if tag in messages:
                waiting.append((start, position, messages[tag]))
            elif tag in packed:
                count += position - start  # Each number has a byte or more.
            if count > MOST_PARTS:
                raise LimitError(f"the program has more than {MOST_PARTS:,} parts")


class _Parts(NamedTuple):
    """Which fields of a kind of message have parts of their own, by the tags before them.

    Attributes:
        messages: The kind of each field that holds messages.
        packed: Fields of numbers, of which one value may hold many.
    """

    messages: dict[int, Descriptor]
    packed: set[int]


def _parts(kind: Descriptor) -> _Parts:
    parts = _Parts({}, set())
    for field in kind.fields:
        tag = field.number << 3 | BYTES
        if field.message_type is not None:
            parts.messages[tag] = field.message_type
        elif field.type not in TEXTS:
            parts.packed.add(tag)
    return parts


def read_varint(content: bytes, position: int) -> tuple[int, int]:
    """Return a number of a varying length, and the position after it."""
    if position < len(content) and content[position] < 128:
        return content[position], position + 1  # Most numbers are that short.
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(content):
            break
        byte = content[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
    raise ValueError("damaged: a number does not end")


def _skip(content: bytes, position: int, wire_type: int) -> tuple[int, int]:
    """Return where a value begins and where it ends."""
    match wire_type:
        case 0:
            _, end = read_varint(content, position)
        case 1:
            end = position + 8
        case 2:
            length, position = read_varint(content, position)
            end = position + length
        case 5:
            end = position + 4
        case _:
            raise ValueError(f"damaged: no value has the type {wire_type}")
    if end > len(content):
        raise ValueError("damaged: a value is longer than the file")
    return position, end
