"""The students' edition has no solutions, runs untouched, and overwrites nothing."""

import itertools
import re
import runpy
import sys
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
WITH_ANSWERS = [
    path
    for path in sorted(NOTEBOOKS.glob("*.ipynb"))
    if '"answer"' in path.read_text(encoding="utf-8")
]


@pytest.fixture
def students(module):
    return module("helpers.classroom.students")


@pytest.fixture
def stored():
    return nbformat.read(NOTEBOOKS / "01_save.ipynb", as_version=4)


def tagged(notebook, tag):
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def test_only_the_solutions_are_gone_and_points_are_new(students, stored):
    edition = students.students_edition(stored)
    assert tagged(stored, "solution")
    kept = [cell.id for cell in stored.cells if "solution" not in cell.metadata.get("tags", [])]
    points = {cell.id for cell in tagged(edition, "point")}
    assert [cell.id for cell in edition.cells if cell.id not in points] == kept
    assert len(tagged(edition, "answer")) == len(points) == len(tagged(stored, "solution"))


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
    assert [path.name for path in written] == [path.name for path in WITH_ANSWERS]
    for path in written:
        assert not tagged(nbformat.read(path, as_version=4), "solution")


@pytest.fixture(params=WITH_ANSWERS, ids=lambda path: path.stem)
def edition(request, students):
    return students.students_edition(nbformat.read(request.param, as_version=4))


def test_below_each_answer_stands_its_point(students, edition):
    cells = [cell for cell in edition.cells if cell.cell_type == "code"]
    for answer, below in itertools.pairwise(cells):
        if "answer" not in students.tags_of(answer):
            continue
        check, arguments = students.call_of_check(answer.source)
        assert below.source.endswith(f'\n\npoint("{check}", {arguments})')
        assert below.metadata.jupyter.source_hidden
        assert [output.data["text/plain"] for output in below.outputs] == ["0"]


def test_no_output_and_no_first_line_of_a_collapsed_cell_gives_an_answer_away(students, edition):
    for cell in edition.cells:
        tags = set(students.tags_of(cell))
        if "answer" in tags:
            assert [output.text for output in cell.outputs] == ["not answered yet\n"]
        if cell.metadata.get("jupyter", {}).get("source_hidden"):
            assert tags & {"check", "point"}
            assert cell.source.splitlines()[0] in {"# Check", "# Point"}
        if "check" in tags:
            assert not cell.outputs
        assert "# Solution" not in cell.source


def test_each_check_lets_points_know_all_functions_that_it_defines(students, edition):
    for cell in tagged(edition, "check"):
        defined = re.findall(r"^def (\w+)", cell.source, re.MULTILINE)
        assert cell.source.endswith(f"\n\nremember(globals(), {defined})")
        assert cell.source.splitlines()[3] == "restore(globals())"


def test_nbgrader_finds_its_metadata(students, edition):
    graded = [cell for cell in edition.cells if "nbgrader" in cell.metadata]
    names = [cell.metadata.nbgrader.grade_id for cell in graded]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", name) for name in names)
    for cell in graded:
        facts = dict(cell.metadata.nbgrader)
        is_point = "point" in students.tags_of(cell)
        assert facts.pop("grade_id") in {cell.id, f"check-{cell.id}"}
        assert facts.pop("points", None) == (1 if is_point else None)
        assert facts == {
            "schema_version": 3,
            "locked": True,
            "grade": is_point,
            "solution": False,
            "task": False,
        }
    assert set(names) == {
        *(f"check-{cell.id}" for cell in tagged(edition, "check")),
        *(cell.id for cell in tagged(edition, "point")),
    }


def test_untouched_nothing_is_answered_and_with_the_solutions_all_is_right(
    module, students, stored
):
    """In one notebook and one kernel; ``python -m tests.students_run`` does it with all, in two."""
    students_run = module("tests.students_run")
    both = students_run.untouched_then_answered(students.students_edition(stored), stored)
    assert len(tagged(both, "answer")) == 2 * len(tagged(stored, "solution"))
    assert students_run.faults_of(both, students_run.UNTOUCHED, students_run.ANSWERED) == []


def test_the_call_of_a_check_is_the_last_line(students):
    assert students.call_of_check("a = 1\n\ncheck_bug(a, *b)\n") == ("check_bug", "a, *b")
    for source in ["", "check_bug(a)\nprint(a)", "print(check_bug(a))", "check_bug"]:
        assert students.call_of_check(source) is None


def test_an_answer_cell_that_calls_no_check_is_refused(students):
    cell = nbformat.v4.new_code_cell("answer = ...", metadata={"tags": ["answer"]})
    with pytest.raises(ValueError, match="an answer cell calls no check: "):
        students.students_edition(nbformat.v4.new_notebook(cells=[cell]))


def test_a_learners_notebook_is_not_overwritten(students, tmp_path):
    (tmp_path / "01_save.ipynb").write_text("my answers", encoding="utf-8")
    with pytest.raises(FileExistsError, match="choose another folder"):
        students.write_students_edition(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["01_save.ipynb"]
    assert (tmp_path / "01_save.ipynb").read_text(encoding="utf-8") == "my answers"


def test_an_unknown_notebook_is_named_in_one_line(students, tmp_path):
    with pytest.raises(FileNotFoundError, match="no notebook '99_none'; there are: 01_save, "):
        students.write_students_edition(tmp_path, ["99_none"])


def test_without_the_notebooks_of_the_course_there_is_no_edition(students, tmp_path, monkeypatch):
    monkeypatch.setattr(students, "NOTEBOOKS", tmp_path / "site-packages" / "notebooks")
    with pytest.raises(FileNotFoundError, match="site-packages/notebooks: install the course"):
        students.write_students_edition(tmp_path / "class")
    assert not (tmp_path / "class").exists()


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
