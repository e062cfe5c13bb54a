"""A film of a save: what happens to the files of a folder, in order, as Linux reports it."""

import contextlib
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

NO_FILM = "only on Linux: other systems do not report each change of a folder"

if sys.platform == "linux":
    from inotify_simple import Event, INotify, flags

    KINDS = {
        flags.MODIFY: "write",
        flags.MOVED_FROM: "rename",
        flags.MOVED_TO: "move in",
        flags.CREATE: "create",
        flags.DELETE: "delete",
    }

# The random parts of TensorFlow's temporary names, and of save_whole's.
RANDOM = re.compile(r"(?<=\.tempstate)\d+|(?<=\.tmp)[0-9a-f]{32}|(?<=\.saving-)\w{8}")


@contextlib.contextmanager
def film(folder: Path | str) -> Iterator[list[str]]:
    """Yield a list that after the ``with`` block holds a line for each change in a folder.

    Names are created, written, renamed, deleted, or moved in from another folder. Repeated writes
    are one line, and what is random in a temporary name is ``…``. Folders inside are not watched.
    The source is inotify(7). On systems other than Linux the list holds one line that says so.

    Raises:
        FileNotFoundError: there is no such folder.
        RuntimeError: there were more changes than the system keeps for us.
    """
    folder = Path(folder)
    if not folder.is_dir():
        where = folder.parent.as_posix()
        raise FileNotFoundError(f"no folder {folder.name} in {where}: make it first")
    if sys.platform != "linux":
        yield [NO_FILM]
        return

    lines: list[str] = []
    with INotify() as reports:
        reports.add_watch(folder, sum(KINDS))
        yield lines
        lines += _describe(reports.read(timeout=0))


def without_random(name: str) -> str:
    """Replace what is random in a temporary name by ``…``."""
    return RANDOM.sub("…", name)


def _describe(events: Iterable["Event"]) -> Iterator[str]:
    old_names: dict[int, str] = {}  # of renames, by the number that both halves share
    last = ""
    for event in events:
        if event.mask & flags.Q_OVERFLOW:
            raise RuntimeError("more changes than the system keeps: film a shorter time")
        line = _line(event, old_names)
        if line and line != last:
            yield line
            last = line


def _line(event: "Event", old_names: dict[int, str]) -> str:
    """Describe one event, or return an empty text for one that adds nothing to the film."""
    words = [word for flag, word in KINDS.items() if event.mask & flag]
    if not words:  # about the watch itself: the folder has gone
        return ""
    [word] = words
    name = without_random(event.name)
    if event.mask & flags.ISDIR:
        name += "/"

    # A rename is reported in two halves. The second one has the new name.
    if word == "rename":
        old_names[event.cookie] = name
        return ""
    if event.cookie in old_names:
        return f"rename {old_names.pop(event.cookie)} to {name}"
    return f"{word} {name}"
