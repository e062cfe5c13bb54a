"""The cheat sheet is up to date, fits its page, and shows lines that stand in the notebooks."""

import base64
import re
from functools import cache
from itertools import combinations
from pathlib import Path

from tests import calls, cheat_sheet
from tests.gate import pictures

import pytest
from matplotlib.text import Text

COURSE = Path(__file__).parent.parent
SECTIONS = cheat_sheet.read_sections()
CALLS = [call for section in SECTIONS for call in section["call"]]
SHAPES = {call["notebook"]: calls.shapes_in(call["notebook"]) for call in CALLS}
FEWEST_CALLS = 40


@cache
def texts():
    """Each text of the page that says something, with its place in pixels."""
    figure = cheat_sheet.draw(SECTIONS)
    figure.canvas.draw()
    shown = [text for text in figure.findobj(Text) if text.get_text()]
    return figure, [(text, text.get_window_extent()) for text in shown]


# The table and the notebooks


@pytest.mark.parametrize("call", CALLS, ids=[call["line"] for call in CALLS])
def test_each_line_stands_in_a_cell_of_its_notebook(call):
    shape = calls.shape_of_line(call["line"])
    assert calls.stands_in(call["line"], SHAPES[call["notebook"]]), f"{shape} is in no cell"


def test_every_call_is_there_once_with_a_trap_that_is_a_sentence():
    lines = [call["line"] for call in CALLS]
    assert len(set(lines)) == len(lines) >= FEWEST_CALLS
    for call in CALLS:
        assert re.match(r"\S.*\.$", call["trap"]), call


def test_all_three_parts_of_the_course_have_calls():
    notebooks = {call["notebook"] for call in CALLS}
    assert {int(name[:2]) for name in notebooks} >= {1, 2, 3, 7, 9, 11, 12, 13, 14, 16, 17, 18, 21}


# The page


def test_the_pdf_is_the_one_that_the_command_makes():
    stored = cheat_sheet.PDF.read_bytes()
    assert stored == cheat_sheet.make_pdf(SECTIONS), "run python -m tests.cheat_sheet"


def test_the_picture_is_the_one_that_the_command_makes():
    new, stored = cheat_sheet.make_png(SECTIONS), cheat_sheet.PNG.read_bytes()
    found = pictures.difference(base64.b64encode(new), base64.b64encode(stored))
    assert not found, f"{found}: run python -m tests.cheat_sheet"


def test_the_pdf_is_one_page_of_a4_without_a_date():
    stored = cheat_sheet.PDF.read_bytes()
    [box] = re.findall(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", stored)
    assert [round(float(side)) for side in box] == [595, 842]
    assert len(re.findall(rb"/Type /Page\b", stored)) == 1
    assert b"Date" not in stored


def test_the_page_shows_every_line_and_every_trap():
    _, places = texts()
    shown = [text.get_text() for text, _ in places]
    for call in CALLS:
        assert shown.count(call["line"]) == 1
        assert call["trap"] in shown


def test_no_text_touches_another_or_the_margin():
    figure, places = texts()
    margin = cheat_sheet.MARGIN * figure.dpi
    width, height = figure.bbox.size
    for text, place in places:
        assert place.x0 >= margin - 1, text
        assert place.x1 <= width - margin + 1, text
        assert place.y0 >= margin - 1, text
        assert place.y1 <= height - margin + 1, text
    for (text, place), (other, beside) in combinations(places, 2):
        assert not place.overlaps(beside), f"{text} and {other}"


def test_every_text_stays_in_its_column():
    figure, places = texts()
    entries = {call["line"] for call in CALLS} | {call["trap"] for call in CALLS}
    left = cheat_sheet.MARGIN + cheat_sheet.COLUMN_WIDTH
    right = left + cheat_sheet.COLUMN_GAP
    for text, place in places:
        if text.get_text() in entries:
            begin, end = place.x0 / figure.dpi, place.x1 / figure.dpi
            assert end <= left or begin >= right, text


def test_the_letters_are_large_enough_for_paper():
    _, places = texts()
    assert min(text.get_size() for text, _ in places) >= 7.5


def test_the_readme_leads_to_the_page():
    readme = (COURSE / "README.md").read_text(encoding="utf-8")
    assert "](notebooks/images/cheat_sheet.pdf)" in readme


# How lines are compared


@pytest.mark.parametrize(
    ("line", "cell"),
    [
        ('model.save("model.keras")', 'network.save(folder / "sums.keras")'),
        ('model.save("model.keras")', "network.save(file)"),
        ('saver.restore(session, "a/b")', "other.restore(s, str(folder / 'a'))"),
        ("manager.save(checkpoint_number=step)", "m.save(checkpoint_number=state.step)"),
        ("EarlyStopping(patience=2)", "stop = keras.callbacks.EarlyStopping(patience=2)"),
        ("with only_writer(folder):", "with only_writer(other) as deleted:\n    pass"),
        ('@register(package="course")', "@keras.register(package='course')\ndef f(): ..."),
        ('publish(prefix, "ram://a")', 'program = """\nimport x\n\npublish(p, far)\n"""'),
        ('load("a/model.h5")', 'load(f"{folder}/other.h5")'),
    ],
)
def test_lines_are_found_under_other_names(line, cell, tmp_path, monkeypatch):
    assert calls.stands_in(line, made_shapes(cell, tmp_path, monkeypatch))


@pytest.mark.parametrize(
    ("line", "cell"),
    [
        ('model.save("model.keras")', 'network.save(folder / "sums.h5")'),
        ('model.save("model.keras")', "network.save_weights(file)"),
        ("manager.save(checkpoint_number=step)", "manager.save()"),
        ("Saver(max_to_keep=3)", "tf1.train.Saver(max_to_keep=5)"),
        ("tf.train.Saver()", "tf1.train.Saver()"),
        ("load(path, model)", "load(path)"),
        ("load(path)", "# load(path)\n'load(path)'"),
    ],
)
def test_other_calls_are_not_taken_for_them(line, cell, tmp_path, monkeypatch):
    assert not calls.stands_in(line, made_shapes(cell, tmp_path, monkeypatch))


def test_an_exercise_teaches_no_call(tmp_path, monkeypatch):
    assert made_shapes("load(path)", tmp_path, monkeypatch, tags=["solution"]) == set()


def test_a_line_that_calls_nothing_is_refused():
    with pytest.raises(ValueError, match="no line that calls something: import tensorflow"):
        calls.shape_of_line("import tensorflow")


def made_shapes(source, tmp_path, monkeypatch, tags=()):
    """The shapes in a notebook with one cell."""
    cell = calls.nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)})
    notebook = calls.nbformat.v4.new_notebook(cells=[cell])
    calls.nbformat.write(notebook, tmp_path / "01_made.ipynb")
    monkeypatch.setattr(calls, "NOTEBOOKS", tmp_path)
    return calls.shapes_in("01_made")
