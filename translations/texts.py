"""The pieces of a text that are translated one by one, in English and in another language.

A piece of a notebook is a Markdown cell; its key is the id of the cell. A piece of another document
is a paragraph, a list, a block of code or a row of a table; its key is its own fingerprint, so a
piece that has changed has another key.
"""

import hashlib
import re
from pathlib import Path
from typing import NamedTuple

import nbformat

FINGERPRINT_LENGTH = 8  # hex digits
KEY_OF_CELL = re.compile(r"^<!-- (?P<key>\S+) (?P<fingerprint>[0-9a-f]{8}) -->\n", re.MULTILINE)
KEY_OF_BLOCK = re.compile(r"<!-- (?P<key>[0-9a-f]{8}|own) -->\n")
# The key of a block that only this language has, such as a line about its fonts.
OWN = "own"
# The comment of a row stands in its last cell, where no page shows it.
KEY_OF_ROW = re.compile(r" ?<!-- (?P<key>[0-9a-f]{8}) --> \|$")
RULE_OF_TABLE = re.compile(r"\|[\s:|-]+\|")
FENCE = "```"
# What needs no translator: code, numbers, links that read as a number, and the sections that are
# named behind them.
REFERENCE = re.compile(r"`[^`]*`|\[\d+\]\([^)]*\)(?:, \*[^*\n]+\*)?|[\d\s;|]")


class Piece(NamedTuple):
    """One piece of the English text."""

    key: str
    english: str

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the English text."""
        return fingerprint(self.english)

    def with_key(self) -> str:
        """Return the English text of a document's piece with the comment that holds its key."""
        if is_table(self.english):
            return with_key_of_row(self.english, self.key)
        return f"<!-- {self.key} -->\n{self.english}"


class Translated(NamedTuple):
    """One piece of a translation.

    Attributes:
        key: the key of the English piece, or an empty text where the comment is missing.
        fingerprint: that of the English text when it was translated.
        text: the translation.
    """

    key: str
    fingerprint: str
    text: str


def fingerprint(english: str) -> str:
    """Return the first eight hex digits of the SHA-256 of a text."""
    return hashlib.sha256(english.encode()).hexdigest()[:FINGERPRINT_LENGTH]


def pieces_of_notebook(path: Path) -> list[Piece]:
    """Return the Markdown cells of a notebook."""
    cells = nbformat.read(path, as_version=4).cells
    return [Piece(cell.id, cell.source) for cell in cells if cell.cell_type == "markdown"]


def translated_cells(text: str) -> list[Translated]:
    """Return the pieces of a notebook's translation, which begin with a comment each."""
    found = list(KEY_OF_CELL.finditer(text))
    starts = [comment.start() for comment in found]
    before = text[: starts[0]].strip() if starts else text.strip()
    ends = [*starts[1:], len(text)]
    result = [Translated("", "", before)] if before else []
    for comment, end in zip(found, ends, strict=True):
        translation = text[comment.end() : end].strip()
        result.append(Translated(comment["key"], comment["fingerprint"], translation))
    return result


def blocks(text: str) -> list[str]:
    """Split a document at its blank lines, but not inside a block of code."""
    found: list[list[str]] = [[]]
    in_code = False
    for line in text.splitlines():
        if line.startswith(FENCE):
            in_code = not in_code
        if line.strip() or in_code:
            found[-1].append(line)
        elif found[-1]:
            found.append([])
    return ["\n".join(lines) for lines in found if lines]


def is_table(block: str) -> bool:
    """Tell whether a block of a document is a table."""
    return block.startswith("|")


def rows(table: str) -> list[str]:
    """Return the lines of a table, without the one that underlines its head."""
    return [line for line in table.splitlines() if not RULE_OF_TABLE.fullmatch(line)]


def pieces_of_document(text: str) -> list[Piece]:
    """Return the blocks of a document in English, and of a table the rows that have prose."""
    result = []
    for block in blocks(text):
        parts = rows(block) if is_table(block) else [block]
        prose = [part for part in parts if not is_references_only(part)]
        result += [Piece(fingerprint(part), part) for part in prose]
    return result


def is_references_only(part: str) -> bool:
    """Tell whether a block or a row is code and references alone, as in an index of calls."""
    return is_table(part) and not REFERENCE.sub("", part)


def translated_blocks(text: str) -> list[Translated]:
    """Return the pieces of a document's translation.

    A block has its comment in the line above, a row of a table at the end of its last cell.
    """
    result = []
    for block in blocks(text):
        if is_table(block):
            result += [_translated_row(row) for row in rows(block)]
        else:
            result.append(_translated_block(block))
    return result


def _translated_block(block: str) -> Translated:
    comment = KEY_OF_BLOCK.match(block)
    if not comment:
        return Translated("", "", block)
    return Translated(comment["key"], comment["key"], block[comment.end() :])


def _translated_row(row: str) -> Translated:
    comment = KEY_OF_ROW.search(row)
    if not comment:
        return Translated("", "", row)
    return Translated(comment["key"], comment["key"], f"{row[: comment.start()]} |")


def with_key_of_row(row: str, key: str) -> str:
    """Put the comment with the key into the last cell of a row."""
    return f"{row.removesuffix('|').rstrip()} <!-- {key} --> |"
