"""What does this message mean? A message or a traceback in, at most five lines out.

The table is `messages.toml`, to which a person can add a row. A row answers only for messages that
its pattern finds. For any other message the answer is that it is not known.
"""

import functools
import re
import tomllib
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
# Where messages come from, in the order of the page that lists them.
GROUPS = (
    "TensorFlow 1",
    "Checkpoints",
    "Saving with Keras",
    "Loading with Keras",
    "SavedModel",
    "Other libraries",
    "Pipelines, workers and places",
)

COLOURS = re.compile(r"\x1b\[[0-9;]*m")  # a terminal's and Jupyter's
# The line with the type of an exception: quoted in a mail, by pytest or by a launcher too.
HEADLINE = re.compile(
    r"^(?:[\s>|]|E  |\[[\w:.-]{1,40}\]:?)*"
    r"(?:[A-Za-z_]\w{0,60}\.){0,8}"
    r"(?P<kind>[A-Z]\w{0,60}(?:Error|Exception|Timeout|Interrupt|Exit|Iteration)|Timeout)(?::|\s*$)"
)
HIDDEN_CAUSE = "During handling of the above exception, another exception occurred:"
STATED_CAUSE = "The above exception was the direct cause of the following exception:"
NEW_TRACEBACK = "Traceback (most recent call last)"
LONGEST_MESSAGE = 20_000  # characters of one message that are read
LONGEST_LINE = 100  # characters of a message in an answer


class Older(NamedTuple):
    """Another wording of a message.

    Attributes:
        said_by: the library and its version.
        text: the message as it is there.
    """

    said_by: str
    text: str


class Row(NamedTuple):
    """One row of the table. `messages.toml` says what each attribute means."""

    name: str
    group: str
    begins: str
    pattern: str
    cause: str
    way_out: str
    notebook: str
    heading: str
    unless: str = ""
    within: str = ""
    said_by: str = ""
    text: str = ""
    older: tuple[Older, ...] = ()

    def length_in(self, message: str, whole: str) -> int:
        """Return how many characters of a message the pattern finds, and 0 if it is not this row.

        Args:
            message: with single blanks.
            whole: the text that the message is from.
        """
        found = re.search(self.pattern, message)
        if not found:
            return 0
        if self.unless and re.search(self.unless, message):
            return 0
        if self.within and not re.search(self.within, whole):
            return 0
        return len(found[0])


class Found(NamedTuple):
    """A row that answers.

    Attributes:
        row: of the table.
        message: of the exception that it answers for, with single blanks.
        is_cause: whether this is no last exception, but a cause of one.
    """

    row: Row
    message: str
    is_cause: bool


@functools.cache
def rows(path: Path = HERE / "messages.toml") -> tuple[Row, ...]:
    """Read the table.

    Args:
        path: of the table.

    Raises:
        ValueError: a row has a key that is not known, lacks one, or its pattern is not readable.
    """
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["message"]
    return tuple(make_row(entry) for entry in entries)


def make_row(entry: dict) -> Row:
    """Make a row from the keys and values of an entry, as `tomllib` reads it.

    Raises:
        ValueError: it has a key that is not known, lacks one, or its pattern is not readable.
    """
    name = entry.get("name", "without a name")
    older = tuple(Older(**other) for other in entry.get("older", []))
    try:
        row = Row(**{**entry, "older": older})
    except TypeError as error:
        wanted = ", ".join(Row._fields)
        raise ValueError(f"the row {name!r} does not have the keys {wanted}: {error}") from None
    for pattern in (row.pattern, row.unless, row.within):
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"the row {name!r} has a pattern {pattern!r}: {error}") from None
    return row


def explain(text: str, table: tuple[Row, ...] | None = None) -> str:
    """Say in at most five lines what a message means, or in one that it is not known.

    Args:
        text: a message, a whole traceback or a log, as it was pasted.
        table: the rows to ask. Without it, those of `messages.toml`.

    Raises:
        TypeError: it is no text.

    Example:
        >>> print(explain("ValueError: Can't load save_path when it is None."))
        Message: ValueError: Can't load save_path when it is None.
        Cause:   latest_checkpoint returned None: it found no file `checkpoint` in the folder that \
it was given.
        Way out: Give the folder and not a prefix, look whether it holds `checkpoint`, or pass the \
prefix yourself.
        Read on: 01_save.ipynb, Tell a prefix from a file
    """
    if not isinstance(text, str):
        kind = type(text).__name__
        raise TypeError(f"explain takes the text of a message, found {kind}: paste it as a text")
    return in_words(text, find(text, table))


def in_words(text: str, found: Found | None) -> str:
    """Return the answer of `explain` for a text in which `find` has found this.

    Args:
        text: as it was pasted.
        found: the row that answers, or None if no row does.
    """
    if not text.strip():
        return "There is no message: paste one, or a whole traceback."
    if not found:
        return f"I do not know this message: {_shorten(last_message(text))}"
    row = found.row
    lines = [
        f"Message: {row.begins}",
        f"Cause:   {row.cause}",
        f"Way out: {row.way_out}",
        f"Read on: {row.notebook}.ipynb, {row.heading}",
    ]
    if found.is_cause:
        lines[0] = f"Message: {row.begins} (a cause of the last error)"
    if row.said_by:
        lines.append(f"Said by: {row.said_by}")
    return "\n".join(lines)


def find(text: str, table: tuple[Row, ...] | None = None) -> Found | None:
    """Return the row that answers for a text, and None if no row does.

    Of a traceback, the last exception counts first, then its causes, the nearest first. What stands
    before them, such as a warning or another traceback, does not count. A text without an
    exception is one message. Of several rows, the one whose pattern finds most of the message wins.
    """
    table = rows() if table is None else table
    text = COLOURS.sub("", text)
    for place, message in enumerate(chain_of(text)):
        lengths = {row.name: row.length_in(message, text) for row in table}
        row = max(table, key=lambda one: lengths[one.name])
        if lengths[row.name]:
            return Found(row, message, is_cause=place > 0)
    return None


def last_message(text: str) -> str:
    """Return the message of the last exception in a text, with single blanks."""
    return chain_of(COLOURS.sub("", text))[0]


def chain_of(text: str) -> list[str]:
    """Return the messages of the last exception and of its causes, each with single blanks.

    Args:
        text: a traceback, a log with some of them, or a message alone.
    """
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines) if HEADLINE.match(line)]
    if not starts:
        return [" ".join(text.split())]
    chain: list[str] = []
    after = len(lines)
    for start in reversed(starts):
        rest = lines[start + 1 : after]
        if chain and not _leads_on(rest):
            break
        message = [lines[start], *_before_the_next(rest)]
        chain.append(" ".join("\n".join(message)[:LONGEST_MESSAGE].split()))
        after = start
    return chain


def _leads_on(lines: list[str]) -> bool:
    """Tell whether the exception before these lines belongs to the one after them."""
    begun_anew = [line for line in lines if NEW_TRACEBACK in line]
    stated = [line for line in lines if line.strip() in (HIDDEN_CAUSE, STATED_CAUSE)]
    return bool(stated) or not begun_anew


def _before_the_next(lines: list[str]) -> list[str]:
    """Return the lines up to the next traceback."""
    for number, line in enumerate(lines):
        if NEW_TRACEBACK in line or line.strip() in (HIDDEN_CAUSE, STATED_CAUSE):
            return lines[:number]
    return lines


def _shorten(message: str) -> str:
    if len(message) <= LONGEST_LINE:
        return message
    return f"{message[:LONGEST_LINE]}…"
