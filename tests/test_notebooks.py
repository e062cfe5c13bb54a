"""The notebooks as they are stored: each keeps the house rules, and the README agrees with them."""

import base64
import re
import tomllib
from pathlib import Path

from tests.gate import exercises, pictures
from tests.gate.rules import RULES, Book

import pytest

COURSE = Path(__file__).parent.parent
README = (COURSE / "README.md").read_text(encoding="utf-8")
WRONG_ANSWERS = COURSE / "tests" / "wrong_answers"
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
# "[02](02_restore.ipynb)" and "[02: Restore a model](02_restore.ipynb)".
NAMED_LINK = re.compile(r"\[(\d\d)(?:: ([^\]]+))?\]\((\w+)\.ipynb\)")


def read_book(path):
    return Book(path, exercises.stated_wrong_answers(WRONG_ANSWERS, path.stem))


BOOKS = {path: read_book(path) for path in sorted((COURSE / "notebooks").glob("*.ipynb"))}
EVERY_RULE = [(book, rule) for book in BOOKS.values() for rule in RULES]


@pytest.mark.parametrize(
    ("book", "rule"), EVERY_RULE, ids=[f"{book.name}-{rule.__name__}" for book, rule in EVERY_RULE]
)
def test_house_rule(book, rule):
    complaints = list(rule(book))
    assert not complaints, "\n".join(complaints)


def test_wrong_answers_are_those_of_notebooks():
    tables = {path.stem for path in WRONG_ANSWERS.glob("*.toml")}
    assert tables <= {book.name for book in BOOKS.values()}
    for path in WRONG_ANSWERS.glob("*.toml"):
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        assert table.keys() <= {"wrong", "right"}, path.name


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_links_lead_to_files_of_the_course(path):
    for cell in BOOKS[path].prose:
        for target in LINK.findall(cell.source):
            assert (path.parent / target).exists(), target


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_a_link_to_a_notebook_gives_its_number_and_its_title(path):
    titles = {book.name: book.title for book in BOOKS.values()}
    for cell in BOOKS[path].prose:
        for number, title, name in NAMED_LINK.findall(cell.source):
            assert number == name[:2], cell.source
            assert title in ("", titles[name]), cell.source


def test_links_of_the_readme_lead_to_files_of_the_course():
    for target in LINK.findall(README):
        assert (COURSE / target).exists(), target


def test_readme_table_is_the_list_of_notebooks():
    rows = re.findall(r"^\| (\d\d) \| \[(.+?)\]\(notebooks/(.+?)\.ipynb\) \|", README, re.MULTILINE)
    assert rows == [(book.name[:2], book.title, book.name) for book in BOOKS.values()]


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_readme_and_title_agree_on_minutes_and_seconds(path):
    minutes = BOOKS[path].minutes
    stated = [minutes[name] for name in ("read", "exercises", "run") if minutes[name]]
    ends = f"| {' | '.join(stated)} |"
    link = f"notebooks/{path.name}"
    rows = [line for line in README.splitlines() if line.startswith("| ") and f"({link})" in line]
    assert [row.endswith(ends) for row in rows] == [True], f"{rows} should end in {ends}"


def test_readme_picture_is_one_that_01_drew():
    outputs = [out for cell in next(iter(BOOKS.values())).code for out in cell.outputs]
    drawn = [out.data.get(mime) for out in outputs if "data" in out for mime in pictures.FORMATS]
    decoded = [base64.b64decode(picture) for picture in drawn if picture]
    assert (COURSE / "notebooks/images/01_save.png").read_bytes() in decoded
