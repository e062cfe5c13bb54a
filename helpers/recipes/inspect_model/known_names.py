"""The allowlist: what a model file may name without an alarm."""

from pathlib import Path


def read_known_names(path: Path) -> dict[str, set[str]]:
    """Read an allowlist: groups of names, each under its heading.

    A line ``[heading]`` begins a group, and a line that begins with ``#`` is a comment. Any other
    line holds names of the group, separated by spaces.
    """
    groups: dict[str, set[str]] = {}
    heading = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        if line.startswith("["):
            heading = line.strip("[]")
        else:
            groups.setdefault(heading, set()).update(line.split())
    return groups


KNOWN_NAMES = read_known_names(Path(__file__).with_name("known_names.txt"))
