"""The index of messages and of silent failures, as a page: ``python -m helpers.messages.pages``.

It writes `notebooks/errors.md` from `messages.toml` and `silent.toml`. A test compares them.
"""

import functools
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from helpers.messages.explain import GROUPS, HERE, Row, rows

PAGE = HERE.parents[1] / "notebooks" / "errors.md"
HEADINGS = {
    "TensorFlow 1": "Code of TensorFlow 1 does not run",
    "Checkpoints": "A checkpoint is not restored",
    "Saving with Keras": "Keras does not save",
    "Loading with Keras": "Keras does not load",
    "SavedModel": "A SavedModel does not load or answer",
    "Other libraries": "A file of another library is refused",
    "Pipelines, workers and places": "A pipeline, a worker or a place is refused",
}
# Python that Markdown would take for bold letters or for a link; what is in backquotes is safe.
SIGNS = re.compile(r"`[^`]*`|__|\*\*|\]\(")
BEGINNING = """\
# Messages and silent failures

Generated from `helpers/messages/` by `python -m helpers.messages.pages`. In a terminal, \
`python -m helpers.messages "the message"` answers too. Where a message has … here, \
yours has a path, a name or a number.
"""


class Silent(NamedTuple):
    """A failure without a message. `silent.toml` says what each attribute means."""

    kind: str
    symptom: str
    cause: str
    notices: str
    notebook: str
    heading: str


@functools.cache
def silent_failures(path: Path = HERE / "silent.toml") -> tuple[Silent, ...]:
    """Read the table of silent failures."""
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["silent"]
    return tuple(Silent(**entry) for entry in entries)


def page() -> str:
    """Return the page: by the first words, by what does not work, and the silent failures."""
    parts = [BEGINNING, "## By the first words of the message\n", *_by_first_words()]
    parts += ["\n## By what does not work\n", *_by_group()]
    parts += ["\n## Silent failures, by symptom\n", *_by_symptom()]
    return "\n".join(parts).rstrip("\n") + "\n"


def first_words(begins: str) -> str:
    """Return the key by which a message is sorted: without its type, quotes and other signs."""
    kind, colon, rest = begins.partition(": ")
    has_type = colon and " " not in kind
    words = rest if has_type else begins
    return "".join(sign for sign in words.lower() if sign.isalnum() or sign == " ").strip()


def wordings(table: Iterable[Row]) -> list[tuple[str, str, Row]]:
    """Return all wordings in the order of their first words, each with who says it and its row."""
    found = []
    for row in table:
        found.append((row.begins, row.said_by, row))
        found += [(older.text, older.said_by, row) for older in row.older]
    return sorted(found, key=lambda wording: first_words(wording[0]))


def _by_first_words() -> list[str]:
    lines = ["| Message | Cause | Way out | Read on |", "|---|---|---|---|"]
    for text, said_by, row in wordings(rows()):
        said = f" (said by {said_by})" if said_by else ""
        cells = [f"{_code(text)}{said}", _prose(row.cause), _prose(row.way_out), _link(row)]
        lines.append(_line(cells))
    return lines


def _by_group() -> list[str]:
    lines = []
    for group in GROUPS:
        lines += [f"### {HEADINGS[group]}\n", "| Message | Read on |", "|---|---|"]
        members = [row for row in rows() if row.group == group]
        lines += [_line([_code(row.begins), _link(row)]) for row in members]
        lines.append("")
    return lines


def _by_symptom() -> list[str]:
    lines = []
    for kind in dict.fromkeys(one.kind for one in silent_failures()):
        lines += [f"### {kind}\n", "| Symptom | Cause | What notices it | Read on |"]
        lines.append("|---|---|---|---|")
        for one in silent_failures():
            if one.kind == kind:
                prose = [_prose(words) for words in (one.symptom, one.cause, one.notices)]
                lines.append(_line([*prose, _link(one)]))
        lines.append("")
    return lines


def _line(cells: Iterable[str]) -> str:
    escaped = [cell.replace("|", "\\|") for cell in cells]
    return f"| {' | '.join(escaped)} |"


def _prose(text: str) -> str:
    """Return words of which Markdown shows each sign, such as `__init__`."""

    def escaped(found: re.Match[str]) -> str:
        signs = found[0]
        return signs if signs.startswith("`") else "".join(f"\\{sign}" for sign in signs)

    return SIGNS.sub(escaped, text)


def _code(text: str) -> str:
    """Return a message as code; two backquotes around it, because a message may have some."""
    return f"`` {' '.join(text.split())} ``"


def _link(row: Row | Silent) -> str:
    return f"[{row.notebook[:2]}]({row.notebook}.ipynb), *{row.heading}*"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
