"""The glossary and the notebooks agree: where a term is explained, and that each term is there."""

import re
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
ROW = re.compile(
    r"^\| (?P<term>[^|]+) \| (?P<chinese>[^|]+) \| (?P<meaning>[^|]+\.) "
    r"\| \[(?P<number>\d\d)\]\((?P<name>\d\d_\w+)\.ipynb\), \*(?P<heading>[^|*]+)\* \|$",
    re.MULTILINE,
)
TEXT = (NOTEBOOKS / "glossary.md").read_text(encoding="utf-8")
ROWS = [row.groupdict() for row in ROW.finditer(TEXT)]
ITALICS = re.compile(r"(?<![*\w])\*(?![*\s])([^*\n]+?)\*(?![*\w])")
LONGEST_TERM = 3  # words; longer italics are captions


def sections(name):
    """The prose of a notebook by its headings, without code spans."""
    cells = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4).cells
    text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    text = re.sub(r"`[^`]*`", "X", text)
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def forms(term):
    """A term as it may stand in a text: in the plural too."""
    return {term.lower(), f"{term}s".lower()}


def test_every_line_of_the_table_is_a_row_of_the_known_form():
    lines = [line for line in TEXT.splitlines() if line.startswith("| ")]
    assert len(ROWS) == len(lines) - 1, "one line is the head of the table"
    assert len(ROWS) > 30


def test_terms_are_sorted_and_stand_there_once():
    terms = [row["term"].lower() for row in ROWS]
    assert terms == sorted(set(terms))


@pytest.mark.parametrize("row", ROWS, ids=[row["term"] for row in ROWS])
def test_a_term_is_in_italics_in_the_section_that_explains_it(row):
    assert row["number"] == row["name"][:2]
    found = {text.lower() for text in ITALICS.findall(sections(row["name"])[row["heading"]])}
    assert found & forms(row["term"]), f"the italics of this section are {sorted(found)}"


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_what_a_notebook_introduces_in_italics_is_in_the_glossary(path):
    known = set().union(*(forms(row["term"]) for row in ROWS))
    for heading, text in sections(path.stem).items():
        if heading in ("Your turn", "Where next"):
            continue
        for term in ITALICS.findall(text):
            is_term = len(term.split()) <= LONGEST_TERM and term[-1] not in ".!?:"
            assert not is_term or term.lower() in known, f"{term!r} in {heading!r}"
