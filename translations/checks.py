"""What is wrong with a translation, as far as a program can tell.

A translation has to keep what is no prose: code, numbers, link targets, headings, lists, tables.
Fingerprints tell which English pieces have changed since they were translated.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from translations import texts
from translations.edition import Edition, Source
from translations.texts import Piece, Translated

CODE_BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
FORMULA = re.compile(r"\$\$.+?\$\$|\$[^$\n]+\$", re.DOTALL)
LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<target>[^)]+)\)")
NUMBER = re.compile(r"\d+(?:\.\d+)?")
BETWEEN_THOUSANDS = re.compile(r"(?<=\d)[,\uff0c](?=\d{3})")
HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
ITEM = re.compile(r"^ *(?:-|\d+\.) ", re.MULTILINE)
STEP = re.compile(r"^\d+\. (.+)$", re.MULTILINE)
LINKED_NOTEBOOK = re.compile(r"(?:.*/)?(\d\d_\w+)\.ipynb")
ITALICS = re.compile(r"(?<![*\w])\*(?![*\s])([^*\n]+?)\*(?![*\w])")
GLOSSARY_ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \|", re.MULTILINE)
# Full-width, as in Chinese.
IN_PARENTHESES = re.compile(r"\uff08.*?\uff09")

CHINESE = r"[\u4e00-\u9fff]"
NUMBER_OF_NOTEBOOK = re.compile(r"(?<=\[)\d\d: ")
HALF_WIDTH = re.compile(
    rf".{{0,6}}(?:{CHINESE}[,;:?!]|{CHINESE}\.(?=\s|$|{CHINESE})|[,;:?!.]\s*(?={CHINESE})"
    rf"|{CHINESE}\(|\)(?={CHINESE})|\((?={CHINESE})).{{0,6}}"
)
LONGEST_EXCERPT = 30
WORDS_OF_A_TERM = 3


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
    by_key = {piece.key: piece for piece in source.translated()}
    found = [by_key[piece.key] for piece in pieces if piece.key in by_key]
    english = {piece.key: piece.fingerprint for piece in pieces}
    current = [piece for piece in found if piece.fingerprint == english[piece.key]]
    stale = len(found) - len(current)
    return Coverage(source.name, len(pieces), len(pieces) - _absent(pieces, by_key) - stale, stale)


def _absent(pieces: list[Piece], by_key: dict[str, Translated]) -> int:
    return sum(1 for piece in pieces if piece.key not in by_key)


class Checker:
    """Finds the faults of an edition's translations."""

    def __init__(self, edition: Edition) -> None:
        """Read the titles of all notebooks, and the terms of the glossary."""
        self._edition = edition
        self._english_titles: dict[str, str] = {}
        self._titles: dict[str, str] = {}
        for source in edition.sources():
            if not source.is_notebook:
                continue
            self._english_titles[source.name] = _title([p.english for p in source.pieces()])
            title = _title([piece.text for piece in source.translated()])
            if title:
                self._titles[source.name] = title
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
            yield from self._wrong_terms(piece.english, translated.text)

    def _wrong_headings(self, english: str, translation: str) -> Iterator[str]:
        pairs = zip(_headings(english), _headings(translation), strict=False)
        for (_, expected), (_, found) in pairs:
            wanted = self._edition.headings.get(expected)
            if wanted and found != wanted:
                yield f"the heading {expected!r} is {wanted!r} in every notebook, not {found!r}"

    def _wrong_titles(self, english: str, translation: str) -> Iterator[str]:
        found = {link["text"] for link in LINK.finditer(translation)}
        for link in LINK.finditer(english):
            notebook = LINKED_NOTEBOOK.fullmatch(link["target"])
            title = self._titles.get(notebook[1]) if notebook else None
            if not notebook or not title:
                continue
            english_title = self._english_titles[notebook[1]]
            if not link["text"].endswith(english_title):
                continue
            expected = link["text"].removesuffix(english_title) + title
            if expected not in found:
                yield f"the link to {notebook[1]} should read [{expected}]"

    def _wrong_terms(self, english: str, translation: str) -> Iterator[str]:
        for italics in ITALICS.findall(CODE_SPAN.sub("X", english)):
            term = italics.lower()
            chinese = self._terms.get(term) or self._terms.get(term.removesuffix("s"))
            if chinese and chinese not in translation:
                yield f"the glossary's word for {italics!r} is {chinese!r}, and it is not here"


def _title(pieces: list[str]) -> str:
    """Return the first heading of a text, or an empty text."""
    found = HEADING.search(pieces[0]) if pieces else None
    return found[2] if found else ""


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
    headings = [name for level, name in _headings("\n\n".join(translated)) if level == "##"]
    if headings[: len(steps)] != steps:
        yield f"the steps are {steps}, and the headings {headings[: len(steps)]}"


def _headings(text: str) -> list[tuple[str, str]]:
    return HEADING.findall(CODE_BLOCK.sub("", text))


# What has to be the same in both languages


def differences(english: str, translation: str) -> Iterator[str]:
    """Say in what a translation differs that should be as in English."""
    ours, theirs = _facts(english), _facts(translation)
    for name, facts in ours.items():
        lost = facts - theirs[name]
        added = theirs[name] - facts
        if lost or added:
            yield f"{name}: {_in_words(lost, 'not here')}{_in_words(added, 'only here')}".strip()


def _in_words(facts: Counter[str], where: str) -> str:
    if not facts:
        return ""
    return f"{where}: {', '.join(facts.elements())} "


def _facts(text: str) -> dict[str, Counter[str]]:
    """Return what a translation keeps, by the name that a fault calls it."""
    code_blocks = [_neutral(block) for block in CODE_BLOCK.findall(text)]
    text = CODE_BLOCK.sub("", text)
    spans = [found[0] for found in CODE_SPAN.finditer(text)]
    text = CODE_SPAN.sub("X", text)
    targets = [_neutral(link["target"]) for link in LINK.finditer(text)]
    text = BETWEEN_THOUSANDS.sub("", LINK.sub(r"[\g<text>]", text))
    return {
        "code blocks": Counter(code_blocks),
        "code": Counter(spans),
        "links": Counter(targets),
        "numbers": Counter(NUMBER.findall(text)),
        "headings": Counter(level for level, _ in HEADING.findall(text)),
        "list items": Counter(["item"] * len(ITEM.findall(text))),
        "columns": Counter(["column"] * _columns(text)),
    }


def _neutral(text: str) -> str:
    """Return a command or a link's target as both languages have it."""
    text = re.sub(r" && \S+python -m translations \w+(?= &&)", "", text)
    text = re.sub(r"notebooks_\w+(?=/)", "notebooks", text)
    return re.sub(r"(README|TEACHING)\.\w+\.md", r"\1.md", text)


def _columns(text: str) -> int:
    return sum(line.count("|") for line in text.splitlines() if line.startswith("|"))


# What Chinese typography asks for


def wrong_typography(translation: str) -> Iterator[str]:
    """Name half-width punctuation beside Chinese characters, and asterisks that stay visible."""
    prose = FORMULA.sub("X", CODE_SPAN.sub("X", CODE_BLOCK.sub("", translation)))
    prose = LINK.sub(r"[\g<text>]", prose)
    without_markers = ITEM.sub("", NUMBER_OF_NOTEBOOK.sub("", prose))
    for found in HALF_WIDTH.finditer(without_markers):
        yield f"half-width punctuation: {found[0].strip()!r}"
    for excerpt in visible_asterisks(prose):
        yield f"these asterisks are shown, not read as emphasis: {excerpt!r}"


def visible_asterisks(prose: str) -> Iterator[str]:
    """Yield where Markdown takes asterisks for text, by the rules of CommonMark.

    An opening one must not stand between a letter and punctuation, nor a closing one between
    punctuation and a letter; a Chinese character is a letter.
    """
    for paragraph in prose.split("\n\n"):
        waiting: list[re.Match[str]] = []
        for run in re.finditer(r"(?<!\\)\*+", paragraph):
            before = paragraph[run.start() - 1] if run.start() else " "
            after = paragraph[run.end()] if run.end() < len(paragraph) else " "
            closes = _leans(after, before)
            opens = _leans(before, after)
            if closes and waiting and waiting[-1][0] == run[0]:
                waiting.pop()
            elif opens:
                waiting.append(run)
            else:
                yield _around(paragraph, run)
        for run in waiting:
            yield _around(paragraph, run)


def _leans(outside: str, inside: str) -> bool:
    """Tell whether asterisks between these two characters belong to the one inside."""
    if inside.isspace():
        return False
    if not _is_punctuation(inside):
        return True
    return outside.isspace() or _is_punctuation(outside)


def _is_punctuation(character: str) -> bool:
    return unicodedata.category(character)[0] in "PS"


def _around(paragraph: str, run: re.Match[str]) -> str:
    return paragraph[max(0, run.start() - 8) : run.end() + 8]
