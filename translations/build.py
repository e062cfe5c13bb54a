"""Build the notebooks of an edition: English code and outputs, translated text."""

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.gate import captions
from translations import texts
from translations.edition import Edition, Source
from translations.sections import Sections
from translations.texts import Piece, Translated
from translations.typography import upright

import nbformat
from nbformat import NotebookNode

# The hash of each file as it was built, so that what a learner has changed is not overwritten.
RECORD = ".built.json"


class Built(NamedTuple):
    """What became of one text.

    Attributes:
        path: where it is.
        kept: whether the file had been changed since it was built, and was left alone.
    """

    path: Path
    kept: bool


def build(edition: Edition, sources: list[Source], replace: bool = False) -> Iterator[Built]:
    """Write the texts to the edition's folder, with the pictures that they show.

    Args:
        edition: it says where.
        sources: the texts; those that are read as they are need not be built and are left out.
        replace: overwrite files, too, that were changed since they were built.
    """
    edition.built.mkdir(exist_ok=True)
    pictures = edition.course / "notebooks" / "images"
    if pictures.is_dir():
        shutil.copytree(pictures, edition.built / "images", dirs_exist_ok=True)
    record = _Record(edition.built / RECORD)
    for source in sources:
        if source.built is None:
            continue
        text = text_of(edition, source)
        kept = record.was_changed(source.built) and not replace
        if not kept:
            source.built.write_text(text, encoding="utf-8", newline="\n")
            record.note(source.built)
        yield Built(source.built, kept)


def text_of(edition: Edition, source: Source) -> str:
    """Return the file that is built of a text."""
    if source.is_notebook:
        notebook = nbformat.read(source.english, as_version=4)
        return nbformat.writes(translate_notebook(notebook, source.translated(), edition)) + "\n"
    english = source.english.read_text(encoding="utf-8")
    return translate_document(english, source.translated(), edition)


def translate_notebook(
    notebook: NotebookNode, translated: list[Translated], edition: Edition
) -> NotebookNode:
    """Put the translations into a notebook; the alt texts of its pictures are the captions.

    A piece that is missing or stale stays English and ends in a mark. A notebook without any
    translation has one mark at the top.
    """
    by_key = {piece.key: piece for piece in translated}
    prose = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    for cell in prose:
        if by_key:
            cell.source = _translation(Piece(cell.id, cell.source), by_key, edition)
    if not by_key and prose:
        prose[0].source += f"\n\n{edition.marks['no_translation']}"
    captions.store_alt_texts(notebook.cells)  # it knows a caption by its italics
    for cell in prose:
        cell.source = upright(cell.source)
    return notebook


def translate_document(english: str, translated: list[Translated], edition: Edition) -> str:
    """Put the translations into a document, as into a notebook.

    Rows that are references alone get the translated names of the sections.
    """
    if not translated:
        title, *rest = texts.blocks(english)
        return "\n\n".join([title, edition.marks["no_translation"], *rest]) + "\n"
    by_key = {piece.key: piece for piece in translated}
    sections = Sections(edition)
    result = []
    for block in texts.blocks(english):
        if texts.is_table(block):
            result.append(_table(block, by_key, edition, sections))
        else:
            piece = Piece(texts.fingerprint(block), block)
            result.append(_translation(piece, by_key, edition))
    return "\n\n".join(result) + "\n"


def _table(block: str, by_key: dict[str, Translated], edition: Edition, sections: Sections) -> str:
    lines = []
    for line in block.splitlines():
        translated = by_key.get(texts.fingerprint(line))
        if texts.RULE_OF_TABLE.fullmatch(line):
            lines.append(line)
        elif texts.is_references_only(line):
            lines.append(sections.translate_references(line))
        elif translated:
            lines.append(_with_links(translated.text, edition))
        else:
            lines.append(f"{line.removesuffix('|').rstrip()} {edition.marks['row']} |")
    return "\n".join(lines)


def _translation(piece: Piece, by_key: dict[str, Translated], edition: Edition) -> str:
    """Return the translation of a piece, or the English with a mark below it."""
    translated = by_key.get(piece.key)
    if translated is None:
        return f"{piece.english}\n\n{edition.marks['missing']}"
    if translated.fingerprint != piece.fingerprint:
        return f"{piece.english}\n\n{edition.marks['stale']}"
    return _with_links(translated.text, edition)


def _with_links(text: str, edition: Edition) -> str:
    """Lead links to documents of the root folder to those in this language."""

    def translated_target(link: re.Match[str]) -> str:
        path = edition.course / f"{link[1]}.{edition.language}.md"
        if not path.is_file():
            return link[0]
        return f"](../{link[1]}.{edition.language}.md"

    return re.sub(r"\]\(\.\./(\w+)\.md", translated_target, text)


class _Record:
    """The hashes of the files as they were built."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._hashes: dict[str, str] = {}
        if path.is_file():
            self._hashes = json.loads(path.read_text(encoding="utf-8"))

    def was_changed(self, path: Path) -> bool:
        """Tell whether a file is there that is not as it was built."""
        return path.exists() and self._hashes.get(path.name) != _hash(path)

    def note(self, path: Path) -> None:
        """Remember a file as it is now."""
        self._hashes[path.name] = _hash(path)
        self._path.write_text(json.dumps(self._hashes, indent=1) + "\n", encoding="utf-8")


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
