"""A film of a save: what happens to the files of a folder, in order, as Linux reports it."""

import contextlib
import ctypes
import os
import re
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

_KINDS = {0x2: "write", 0x40: "rename", 0x80: "move in", 0x100: "create", 0x200: "delete"}
_IS_FOLDER = 0x40000000
_RANDOM = re.compile(r"(?<=\.tempstate)\d+|(?<=\.tmp)[0-9a-f]{32}|(?<=\.saving-)\w{8}")


@contextlib.contextmanager
def film(folder: Path | str) -> Iterator[list[str]]:
    """Yield a list that after the body holds what happened in a folder: a line for each change.

    Names are created, written, renamed, deleted, or moved in from another folder. Repeated writes
    are one line, and what is random in a temporary name is ``…``. Folders inside are not watched.
    The source is inotify(7): on other systems than Linux the list stays empty.

    Raises:
        OSError: the system's own error, for example because there is no such folder.
    """
    lines: list[str] = []
    if sys.platform != "linux":
        yield lines
        return
    libc = ctypes.CDLL(None, use_errno=True)
    reports = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if reports < 0 or libc.inotify_add_watch(reports, os.fsencode(folder), sum(_KINDS)) < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(folder))
        yield lines
        block = b""
        with contextlib.suppress(BlockingIOError):  # there is no more to read
            while True:
                block += os.read(reports, 1 << 20)
        lines += _tell(block)
    finally:
        if reports >= 0:
            os.close(reports)


def _tell(block: bytes) -> Iterator[str]:
    left, last = {}, ""
    while block:
        _, mask, pair, length = struct.unpack("iIII", block[:16])
        name, block = block[16 : 16 + length].rstrip(b"\0").decode(), block[16 + length :]
        name = _RANDOM.sub("…", name) + "/" * bool(mask & _IS_FOLDER)
        kind = next(word for bit, word in _KINDS.items() if mask & bit)
        if kind == "rename":
            left[pair] = name
            continue
        line = f"rename {left.pop(pair)} to {name}" if pair in left else f"{kind} {name}"
        if line != last:
            yield (last := line)
