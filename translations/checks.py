"""The faults of a translation, as far as a program can tell: each with its file and its place."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from translations import texts
from translations.edition import Edition, Source
from translations.facts import CODE_SPAN, LINK, differences, headings
from translations.sections import SECTION, Sections
from translations.texts import Piece, Translated
from translations.typography import wrong_typography

STEP = re.compile(r"^\d+\. (.+)$", re.MULTILINE)
LINKED_NOTEBOOK = re.compile(r"(?:.*/)?(\d\d_\w+)\.ipynb")
ITALICS = re.compile(r"(?<![*\w])\*(?![*\s])([^*\n]+?)\*(?![*\w])")
GLOSSARY_ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \|", re.MULTILINE)
# Full-width, as in Chinese.
IN_PARENTHESES = re.compile(r"（.*?）")

LONGEST_EXCERPT = 30


class Fault(NamedTuple):
    """One fault of a translation.

    Attributes:
        file: the name of the translation.
        place: the cell, or the beginning of the piece.
        what: what is wrong, in one line.
    """

    file: str
    place: str
    what: str

    def __str__(self) -> str:
        """Return the fault in one line."""
        return f"{self.file}, {self.place}: {self.what}"


class Coverage(NamedTuple):
    """How much of a text is translated, in pieces."""

    name: str
    pieces: int
    translated: int
    stale: int

    @property
    def missing(self) -> int:
        """The pieces that were never translated."""
        return self.pieces - self.translated - self.stale


def coverage(source: Source) -> Coverage:
    """Count the pieces of a text, those that are translated, and those that are stale."""
    pieces = source.pieces()
    found = {piece.key: piece.fingerprint for piece in source.translated() if piece.key}
    known = {piece.key for piece in pieces}
    current = [piece for piece in pieces if found.get(piece.key) == piece.fingerprint]
    if source.is_notebook:
        stale = len(known & found.keys()) - len(current)
    else:  # a piece that has changed has another key
        unknown = found.keys() - known - {texts.OWN}
        stale = min(len(unknown), len(pieces) - len(current))
    return Coverage(source.name, len(pieces), len(current), stale)


class Checker:
    """Finds the faults of an edition's translations."""

    def __init__(self, edition: Edition) -> None:
        """Read the headings of all notebooks, and the terms of the glossary."""
        self._edition = edition
        self._sections = Sections(edition)
        self._terms = _terms((edition.course / "notebooks" / "glossary.md").read_text("utf-8"))

    def faults(self, source: Source) -> Iterator[Fault]:
        """Yield each fault of one translation, in the order of the English text."""
        file = source.translation.name
        if not source.translation.is_file():
            yield Fault(file, "no file", "this text is not translated")
            return
        translated = source.translated()
        pieces = source.pieces()
        by_key = {piece.key: piece for piece in translated}
        for piece in pieces:
            for what in self._faults_of_piece(piece, by_key.get(piece.key), source):
                yield Fault(file, _place(piece.key, piece.english, source), what)
        for what, stray in _unknown(pieces, translated, source):
            yield Fault(file, _place(stray.key, stray.text, source), what)
        if source.is_notebook:
            for what in _wrong_steps([piece.text for piece in translated]):
                yield Fault(file, "steps", what)

    def _faults_of_piece(
        self, piece: Piece, translated: Translated | None, source: Source
    ) -> Iterator[str]:
        if translated is None:
            yield _missing(piece, source)
        elif translated.fingerprint != piece.fingerprint:
            yield (
                "stale: the English has changed. Translate it again, and write "
                f"<!-- {piece.key} {piece.fingerprint} --> above it"
            )
        else:
            yield from differences(piece.english, translated.text)
            yield from wrong_typography(translated.text)
            yield from self._wrong_headings(piece.english, translated.text)
            yield from self._wrong_titles(piece.english, translated.text)
            yield from self._wrong_sections(piece.english, translated.text)
            yield from self._wrong_terms(piece.english, translated.text)

    def _wrong_headings(self, english: str, translation: str) -> Iterator[str]:
        pairs = zip(headings(english), headings(translation), strict=False)
        for expected, found in pairs:
            wanted = self._edition.headings.get(expected.text)
            if wanted and found.text != wanted:
                yield f"{expected.text!r} is {wanted!r} in every notebook, not {found.text!r}"

    def _wrong_titles(self, english: str, translation: str) -> Iterator[str]:
        found = {link["text"] for link in LINK.finditer(translation)}
        for link in LINK.finditer(english):
            notebook = LINKED_NOTEBOOK.fullmatch(link["target"])
            if not notebook:
                continue
            english_title = self._sections.english_titles.get(notebook[1], link["text"])
            title = self._sections.heading(notebook[1], english_title)
            if not title or not link["text"].endswith(english_title):
                continue
            expected = link["text"].removesuffix(english_title) + title
            if expected not in found:
                yield f"the link to {notebook[1]} should read [{expected}]"

    def _wrong_sections(self, english: str, translation: str) -> Iterator[str]:
        """Compare the section that is named after a link, as in the glossary."""
        for section in SECTION.finditer(english):
            expected = self._sections.heading(section["name"], section["text"])
            if expected and f"*{expected}*" not in translation:
                yield f"the section {section['text']!r} of {section['name']} is called *{expected}*"

    def _wrong_terms(self, english: str, translation: str) -> Iterator[str]:
        for italics in ITALICS.findall(CODE_SPAN.sub("X", english)):
            term = italics.lower()
            chinese = self._terms.get(term) or self._terms.get(term.removesuffix("s"))
            if chinese and chinese not in translation:
                yield f"the glossary's word for {italics!r} is {chinese!r}, and it is not here"


def _terms(glossary: str) -> dict[str, str]:
    """Return the translation of each term in the glossary, without what is in parentheses."""
    rows = GLOSSARY_ROW.findall(glossary)
    return {term.lower(): IN_PARENTHESES.sub("", chinese) for term, chinese in rows}


def _place(key: str, text: str, source: Source) -> str:
    if source.is_notebook:
        return f"cell {key}"
    first_line = text.splitlines()[0]
    if len(first_line) > LONGEST_EXCERPT:
        first_line = f"{first_line[:LONGEST_EXCERPT]}…"
    return f"{key} {first_line!r}"


def _missing(piece: Piece, source: Source) -> str:
    if source.is_notebook:
        return f"missing: translate it below <!-- {piece.key} {piece.fingerprint} -->"
    return f"missing, or its English has changed: its key is <!-- {piece.key} -->"


def _unknown(
    pieces: list[Piece], translated: list[Translated], source: Source
) -> Iterator[tuple[str, Translated]]:
    known = {piece.key for piece in pieces}
    seen = set()
    for piece in translated:
        if piece.key == texts.OWN:
            continue
        if not piece.key:
            yield "a piece without the comment that tells what it translates", piece
        elif piece.key not in known and source.is_notebook:
            yield "there is no such cell in the notebook", piece
        elif piece.key not in known:
            yield "its English has changed or is gone", piece
        elif piece.key in seen and source.is_notebook:
            yield "translated twice", piece
        seen.add(piece.key)


def _wrong_steps(translated: list[str]) -> Iterator[str]:
    """Compare the list of steps, the notebook's second piece, with the headings that follow."""
    if len(translated) < 2:
        return
    steps = STEP.findall(translated[1])
    found = headings("\n\n".join(translated))
    sections = [heading.text for heading in found if heading.level == "##"][: len(steps)]
    if sections != steps:
        yield f"the steps are {steps}, and the headings {sections}"
