"""The page and the figure say what the table says, and the table what the notebooks say."""

import base64
import re
from functools import cache
from pathlib import Path

from tests import calls, which_file
from tests.gate import pictures
from tests.gate.rules import Book

import matplotlib
import pytest
from matplotlib.text import Text

COURSE = Path(__file__).parent.parent
GROUPS = which_file.read_groups()
CHOICES = [choice for group in GROUPS for choice in group["choice"]]
SHAPES = {choice["notebook"]: calls.shapes_in(choice["notebook"]) for choice in CHOICES}
DRAWN = [choice for choice in CHOICES if "short" in choice]
LOST = ("lost", "-")
KEPT = ("kept", "yes")
README = (COURSE / "README.md").read_text(encoding="utf-8")

each_choice = pytest.mark.parametrize(
    "choice", CHOICES, ids=[f"{choice['notebook'][:2]}: {choice['want']}" for choice in CHOICES]
)


def book(name):
    return Book(COURSE / "notebooks" / f"{name}.ipynb", {})


@cache
def prose(name):
    return "\n\n".join(cell.source for cell in book(name).prose)


@cache
def printed_tables(name):
    """The tables that a notebook prints: {row: {column: entry}}, of all its tables together."""
    found = {}
    for cell in book(name).code:
        for output in cell.outputs:
            lines = output.get("text", "").splitlines()
            rules = [number for number, line in enumerate(lines) if re.match(r"-+  -", line)]
            if rules:
                found |= read_table(lines, rules[0])
    return found


def read_table(lines, rule):
    """Read a table that is printed in columns, whose rule of dashes is the given line."""
    spans = [match.span() for match in re.finditer("-+", lines[rule])]
    cells = [[line[start:end].strip() for start, end in spans] for line in lines]
    names = cells[rule - 1][1:]
    return {row[0]: dict(zip(names, row[1:], strict=True)) for row in cells[rule + 1 :]}


def table_of_pairs():
    """The 36 marks of the table in 11, by the way of saving and the way of reading."""
    rows = re.findall(r"^\| .*\|$", prose("11_migrate"), re.MULTILINE)
    head, *marks = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return {(row[0], column): mark for row in marks for column, mark in zip(head, row, strict=True)}


# The table and the notebooks


@each_choice
def test_each_call_stands_in_a_cell_of_its_notebook(choice):
    shapes = SHAPES[choice["notebook"]]
    assert choice["calls"]
    for line in choice["calls"]:
        assert calls.stands_in(line, shapes), f"{calls.shape_of_line(line)} is in no cell"


@each_choice
def test_what_is_missing_is_what_a_table_or_a_sentence_says(choice):
    for one in choice["gone"]:
        notebook = one.get("notebook", choice["notebook"])
        assert ("row" in one) != ("quote" in one), one
        if "quote" in one:
            assert one["quote"] in prose(notebook), one
        else:
            column = one.get("column", choice.get("column"))
            assert printed_tables(notebook)[one["row"]][column] in LOST, one


@each_choice
def test_nothing_that_a_table_calls_lost_is_promised(choice):
    for row in choice.get("kept", []):
        entries = [
            printed_tables(name).get(row, {}).get(choice["column"])
            for name in ("07_keras", "12_more_than_weights")
        ]
        stated = [entry for entry in entries if entry is not None]
        assert stated, f"no table has {row!r}"
        assert set(stated) <= set(KEPT), row


def test_the_two_files_of_keras_are_described_as_the_tables_of_07_and_12_have_them():
    for choice in CHOICES:
        if choice.get("column") in (".keras", ".weights.h5"):
            assert len(choice["kept"]) > 2
            assert sum("row" in one for one in choice["gone"]) > 2


@each_choice
def test_a_pair_has_the_mark_that_11_gives_it(choice):
    if "pair" in choice:
        saved_by, read_by, mark = choice["pair"]
        assert table_of_pairs()[saved_by, read_by] == mark


def test_old_files_are_among_the_pairs():
    assert sum("pair" in choice for choice in CHOICES) == 2
    assert len({saved for saved, _ in table_of_pairs()}) == 6


@each_choice
def test_the_heading_is_one_of_the_notebook(choice):
    assert f"## {choice['heading']}\n" in f"{prose(choice['notebook'])}\n"


@each_choice
def test_the_recipe_is_there_and_its_notebook_names_it(choice):
    if "recipe" in choice:
        path = COURSE / "helpers" / choice["recipe"]
        assert path.is_file()
        name = path.parent.name if path.name == "__init__.py" else path.name
        taught_in = [prose(one) for one in book_names() if name in prose(one)]
        assert taught_in, f"no notebook names {name}"


def book_names():
    return sorted(path.stem for path in (COURSE / "notebooks").glob("*.ipynb"))


def test_every_recipe_has_a_row():
    recipes = COURSE / "helpers" / "recipes"
    files = {path for path in recipes.glob("*.py") if path.name != "__init__.py"}
    folders = {path for path in recipes.glob("*/__init__.py")}
    offered = {COURSE / "helpers" / choice["recipe"] for choice in CHOICES if "recipe" in choice}
    assert files | folders <= offered


def test_rows_of_the_table_are_read_as_they_are_printed():
    lines = ["state       .keras    report", "----------  --------  --------", "a layer     lost"]
    assert read_table(lines, 1) == {"a layer": {".keras": "lost", "report": ""}}


# The page and the figure


def test_the_page_is_the_one_that_the_command_makes():
    stored = which_file.PAGE.read_text(encoding="utf-8")
    assert stored == which_file.make_page(GROUPS), "run python -m tests.which_file"


def test_every_link_of_the_page_leads_to_a_file():
    targets = re.findall(r"\]\(([^)]+)\)", which_file.PAGE.read_text(encoding="utf-8"))
    assert len(targets) > len(CHOICES)
    for target in targets:
        assert (which_file.PAGE.parent / target).exists(), target


def test_the_picture_is_the_one_that_the_command_makes():
    new, stored = which_file.make_picture(GROUPS), which_file.PICTURE.read_bytes()
    found = pictures.difference(base64.b64encode(new), base64.b64encode(stored))
    assert not found, f"{found}: run python -m tests.which_file"


def test_the_picture_holds_a_note_of_the_words_that_it_shows():
    assert which_file.stored_words() == which_file.words_of(which_file.draw(GROUPS))


def test_the_figure_shows_what_the_table_says():
    shown = {text.get_text() for text in which_file.draw(GROUPS).findobj(Text)}
    for choice in DRAWN:
        name = choice.get("file", choice.get("act"))
        assert {choice["short"], name, which_file.note_of(choice)} <= shown
        assert choice["notebook"][:2] in shown
    assert {group["lead"] for group in GROUPS} <= shown


def test_no_text_of_the_figure_touches_another_or_leaves_it():
    figure = which_file.draw(GROUPS)
    figure.canvas.draw()
    texts = [text for text in figure.findobj(Text) if text.get_text()]
    places = [text.get_window_extent() for text in texts]
    width, height = figure.bbox.size
    for number, place in enumerate(places):
        assert place.x0 >= 0, texts[number]
        assert place.y0 >= 0, texts[number]
        assert place.x1 <= width, texts[number]
        assert place.y1 <= height, texts[number]
        for other in places[number + 1 :]:
            assert not place.overlaps(other), texts[number]


def test_the_figure_can_be_read_from_the_back_of_a_room():
    sizes = {text.get_size() for text in which_file.draw(GROUPS).findobj(Text) if text.get_text()}
    assert min(sizes) >= 14
    assert which_file.WIDTH <= 14


def test_a_change_of_the_learners_own_style_changes_nothing():
    with matplotlib.rc_context({"font.family": "serif", "text.color": "red", "figure.dpi": 50}):
        new = base64.b64encode(which_file.make_picture(GROUPS))
    stored = base64.b64encode(which_file.PICTURE.read_bytes())
    assert pictures.difference(new, stored) is None


def test_the_caption_is_the_alt_text():
    page = which_file.PAGE.read_text(encoding="utf-8")
    assert f"![{which_file.CAPTION}](images/which_file.png)\n\n*{which_file.CAPTION}*\n" in page


@pytest.mark.parametrize("name", ["06_style_transfer", "07_keras"])
def test_the_notebooks_between_the_first_two_parts_lead_to_the_page(name):
    assert "](which_file.md)" in prose(name)


def test_the_readme_leads_to_the_page_beside_the_path():
    path = README.partition("## The path")[2].partition("\n## ")[0]
    assert "](notebooks/which_file.md)" in path
