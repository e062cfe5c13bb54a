"""helpers.messages.pages: the index is what the tables say, and every row is in it twice."""

import functools
import re
from pathlib import Path

from tests.gate.rules import Book

import pytest

COURSE = Path(__file__).parent.parent
NOTEBOOKS = COURSE / "notebooks"
PAGE = (NOTEBOOKS / "errors.md").read_text(encoding="utf-8")
LINK = re.compile(r"\[(\d\d)\]\((\w+)\.ipynb\), \*([^*]+)\* \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def pages(module):
    return module("helpers.messages.pages")


@functools.cache
def headings(name):
    return Book(NOTEBOOKS / f"{name}.ipynb", {}).headings


def section(heading):
    return PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def test_the_page_is_what_the_tables_say(pages):
    assert pages.page() == PAGE, "write it again: python -m helpers.messages.pages"


def test_every_link_leads_to_a_heading():
    links = set(LINK.findall(PAGE))
    assert len(links) > 40
    for number, name, heading in links:
        assert number == name[:2]
        assert heading in headings(name), f"{name} has no heading {heading!r}"


def test_every_line_of_a_table_ends_in_a_link():
    lines = [line for line in PAGE.splitlines() if line.startswith("| ")]
    heads = [line for line in lines if line.startswith(("| Message |", "| Symptom |"))]
    assert len(lines) - len(heads) == len(LINK.findall(PAGE))


def test_every_row_is_in_both_indexes(pages):
    by_words = section("By the first words of the message")
    by_group = section("By what does not work")
    for row in pages.rows():
        cell = f"`` {row.begins} ``".replace("|", "\\|")
        assert f"| {cell}" in by_words, row.name
        assert f"| {cell} |" in by_group, row.name
        for older in row.older:
            words = " ".join(older.text.split()).replace("|", "\\|")
            assert f"`` {words} `` (said by {older.said_by})" in by_words, row.name


def test_a_page_shows_the_signs_of_python_as_they_are():
    assert r"no \_\_call\_\_." in PAGE
    assert r'loaded.signatures["serving_default"\](...)' not in PAGE
    assert r'loaded.signatures["serving_default"\]\(...)' in PAGE
    assert r"super().\_\_init\_\_(\*\*kwargs)" in PAGE
    assert "no file `checkpoint` in" in PAGE
    words = re.sub(r"`` .*? ``|`[^`]*`", "", PAGE)
    assert not re.search(r"(?<!\\)__|(?<!\\)\*\*|(?<!\\)\]\((?!\d\d_)", words)


def test_the_index_is_sorted_by_the_first_words(pages):
    words = [pages.first_words(text) for text, _, _ in pages.wordings(pages.rows())]
    assert words == sorted(words)
    assert len(words) > 130


def test_a_message_is_sorted_without_its_type_and_its_signs(pages):
    assert pages.first_words("KeyError: \"The name '…' refers") == "the name  refers"
    assert pages.first_words("FailedPreconditionError: … Table not") == "table not"
    assert pages.first_words("… exceeded maximum") == "exceeded maximum"


def test_every_silent_failure_is_in_the_index(pages):
    silent = pages.silent_failures()
    assert len(silent) >= 25
    assert len({one.symptom for one in silent}) == len(silent)
    by_symptom = section("Silent failures, by symptom")
    for one in silent:
        assert f"| {one.symptom} | {one.cause} | {one.notices} | " in by_symptom
        assert f"### {one.kind}\n" in by_symptom


def test_most_notebooks_have_a_silent_failure(pages):
    notebooks = {one.notebook for one in pages.silent_failures()}
    assert len(notebooks) >= 15
