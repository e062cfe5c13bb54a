"""The students' edition has no solutions, runs untouched, and overwrites nothing."""

import runpy
import sys
from pathlib import Path

import nbclient
import nbformat
import pytest

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"


@pytest.fixture
def students(module):
    return module("helpers.classroom.students")


@pytest.fixture
def stored():
    return nbformat.read(NOTEBOOKS / "01_save.ipynb", as_version=4)


def tagged(notebook, tag):
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def test_only_the_solutions_are_gone(students, stored):
    edition = students.students_edition(stored)
    assert tagged(stored, "solution")
    kept = [cell.id for cell in stored.cells if "solution" not in cell.metadata.get("tags", [])]
    assert [cell.id for cell in edition.cells] == kept
    assert len(tagged(edition, "answer")) == len(tagged(stored, "solution"))


def test_nothing_that_is_left_speaks_of_a_solution(students, stored):
    assert any("Solution" in cell.source for cell in stored.cells)
    for cell in students.students_edition(stored).cells:
        assert "solution" not in cell.source.lower()


def test_its_cells_are_numbered_as_if_it_had_been_run(students, stored):
    edition = students.students_edition(stored)
    counts = [cell.execution_count for cell in edition.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    nbformat.validate(edition)


def test_the_stored_notebook_is_not_changed(students, stored):
    before = nbformat.writes(stored)
    students.students_edition(stored)
    assert nbformat.writes(stored) == before


def test_every_notebook_with_answers_has_one(students, tmp_path):
    written = students.write_students_edition(tmp_path / "class")
    expected = [
        path.name
        for path in sorted(NOTEBOOKS.glob("*.ipynb"))
        if tagged(nbformat.read(path, as_version=4), "answer")
    ]
    assert [path.name for path in written] == expected
    for path in written:
        assert not tagged(nbformat.read(path, as_version=4), "solution")


def test_it_runs_untouched_and_nothing_is_answered_yet(students, tmp_path):
    [path] = students.write_students_edition(tmp_path / "class", ["01_save"])
    notebook = nbformat.read(path, as_version=4)
    # A busy machine may hand over a line in two parts.
    client = nbclient.NotebookClient(
        notebook, timeout=600, startup_timeout=600, coalesce_streams=True
    )
    client.execute(cwd=path.parent)
    answers = tagged(notebook, "answer")
    assert answers
    for cell in answers:
        assert [output.text for output in cell.outputs] == ["not answered yet\n"]


def test_a_learners_notebook_is_not_overwritten(students, tmp_path):
    (tmp_path / "01_save.ipynb").write_text("my answers", encoding="utf-8")
    with pytest.raises(FileExistsError, match="choose another folder"):
        students.write_students_edition(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["01_save.ipynb"]
    assert (tmp_path / "01_save.ipynb").read_text(encoding="utf-8") == "my answers"


def test_an_unknown_notebook_is_named_in_one_line(students, tmp_path):
    with pytest.raises(FileNotFoundError, match="no notebook '99_none'; there are: 01_save, "):
        students.write_students_edition(tmp_path, ["99_none"])


def test_a_notebook_without_answer_cells_is_refused(students):
    plain = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")])
    with pytest.raises(ValueError, match="no cell has the tag 'answer'"):
        students.students_edition(plain)


def test_the_command_prints_what_it_wrote_or_what_was_wrong(
    students, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(sys, "argv", ["students.py", str(tmp_path), "01_save"])
    runpy.run_path(students.__file__, run_name="__main__")
    assert capsys.readouterr().out == f"{(tmp_path / '01_save.ipynb').as_posix()}\n"
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(students.__file__, run_name="__main__")
    assert "\n" not in ended.value.code
    assert "is in" in ended.value.code
