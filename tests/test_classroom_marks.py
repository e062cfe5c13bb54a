"""Marks come from our checks, whatever learners change, delete, reorder or break."""

import csv
import json
import runpy
import sys
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
NAME = "01_save"


@pytest.fixture(scope="module")
def marks(module):
    return module("helpers.classroom.marks")


@pytest.fixture
def answered(module, edition, stored):
    """The notebook with the right answers."""
    return module("tests.students_run").with_solutions(edition, stored)


def read_stored():
    return nbformat.read(NOTEBOOKS / f"{NAME}.ipynb", as_version=4)


@pytest.fixture
def stored():
    return read_stored()


@pytest.fixture
def edition(module, stored):
    return module("helpers.classroom.students").students_edition(stored)


def answer_cells(notebook):
    return [cell for cell in notebook.cells if "answer" in cell.metadata.get("tags", [])]


def hand_in(notebook, folder, learner, name=NAME):
    path = folder / learner / f"{name}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path


def verdicts(found):
    return [mark.verdict for mark in found]


# What runs


def sources(steps):
    return [step.source for step in steps]


def test_without_a_change_our_cells_run_and_nothing_else(marks, stored, edition):
    ours = [
        cell.source
        for cell in edition.cells
        if cell.cell_type == "code" and "point" not in cell.metadata.get("tags", [])
    ]
    assert sources(marks.plan(stored, edition)) == ours
    assert sources(marks.plan(stored, stored)) == ours  # with the solutions, as we gave them
    steps = marks.plan(stored, edition)
    assert [step.check for step in steps if step.check] == [
        "check_tweak",
        "check_bug",
        "check_make",
    ]


def test_cells_that_were_deleted_or_reordered_run_in_our_order(marks, stored, edition):
    expected = sources(marks.plan(stored, edition))
    edition.cells = edition.cells[::-2]
    assert sources(marks.plan(stored, edition)) == expected


@pytest.mark.parametrize("prefix", ["", "x"], ids=["in its place", "with another id"])
def test_a_check_and_a_point_are_ours_and_not_theirs(marks, stored, edition, prefix):
    expected = sources(marks.plan(stored, edition))
    for cell in edition.cells:
        if {"check", "point"} & set(cell.metadata.get("tags", [])):
            cell.source = "print('right')"
            cell.id = f"{prefix}{cell.id}"[:60]
    assert sources(marks.plan(stored, edition)) == expected


def test_an_old_file_without_ids_is_matched_by_what_its_cells_hold(marks, stored, edition):
    expected = sources(marks.plan(stored, edition))
    for cell in edition.cells:
        cell.pop("id")
    assert sources(marks.plan(stored, edition)) == expected


def test_what_a_learner_has_changed_runs_and_then_ours_if_it_fails(marks, stored, edition):
    first = next(cell for cell in edition.cells if cell.cell_type == "code")
    ours = first.source
    first.source = "import no_such_module"
    assert marks.plan(stored, edition)[0] == marks.Step("import no_such_module", instead=ours)


def test_a_cell_of_their_own_runs_after_the_same_cell_as_in_their_notebook(marks, stored, edition):
    answer = answer_cells(edition)[0]
    position = edition.cells.index(answer)
    own = nbformat.v4.new_code_cell("mine = 3\n\ncheck_tweak(mine)")
    edition.cells.insert(position, own)
    steps = marks.plan(stored, edition)
    found = sources(steps).index(own.source)
    assert steps[found] == marks.Step(own.source, "", "check_tweak", "mine")
    assert sources(steps)[found + 1] == answer.source


def solution_cells(notebook):
    return [cell for cell in notebook.cells if "solution" in cell.metadata.get("tags", [])]


def test_only_a_tagged_and_unchanged_solution_is_left_out(marks, stored):
    solution = solution_cells(stored)[0]
    learner = nbformat.from_dict(stored)
    solution_cells(learner)[0].source += "\n# a comment changes nothing"
    assert solution.source not in sources(marks.plan(stored, learner))
    own = nbformat.v4.new_code_cell(solution.source)  # without the tag
    learner.cells.append(own)
    [step] = [step for step in marks.plan(stored, learner) if step.source == own.source]
    assert (step.check, step.arguments) == ("check_tweak", "saved_with_3")


def test_a_changed_solution_cell_runs_but_is_no_answer(marks, stored):
    learner = nbformat.from_dict(stored)
    changed = solution_cells(learner)[0]
    changed.source = changed.source.replace("3.0", "4.0")
    [step] = [step for step in marks.plan(stored, learner) if step.source == changed.source]
    assert step.check == ""


def test_the_arguments_are_those_of_the_learners_call(marks, stored, edition):
    answer_cells(edition)[0].source = "mine = 3\ncheck_tweak(mine)"
    answer_cells(edition)[1].source = "def ("
    steps = [step for step in marks.plan(stored, edition) if step.check]
    assert [step.arguments for step in steps] == [
        "mine",
        "Repaired, repaired_prefix",
        "line_prefix, found",
    ]


# Notebooks that run


class FakeKernel:
    """A kernel that takes no time: each cell runs without an error, each answer is right."""

    def __init__(self, *_):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def run(self, source):
        return ""

    def ask(self, expression):
        return "right", ""


@pytest.fixture(scope="module")
def marked(module, marks, tmp_path_factory):
    """The marks of two learners. One run in a kernel, which takes seconds, is for several tests.

    The first has kept the answer cells only, in another order, and has solved the last exercise.
    """
    stored = read_stored()
    edition = module("helpers.classroom.students").students_edition(stored)
    notebook = module("tests.students_run").with_solutions(edition, stored)
    tweak, bug, _ = answer_cells(notebook)
    tweak.source = "Path.is_file = lambda path: True\ntweaked_prefix = 'x'\nprint('right')"
    bug.source = "while True:\n    print('x' * 100_000)"
    notebook.cells = answer_cells(notebook)[::-1]
    folder = tmp_path_factory.mktemp("class")
    hand_in(notebook, folder, "ada")
    (folder / "bea").mkdir()
    (folder / "bea" / f"{NAME} (1).ipynb").write_text("", encoding="utf-8")
    return list(marks.mark_folder(folder, marks.Limits(megabytes=1)))


def test_a_right_answer_is_right_also_where_cells_are_gone(marked):
    make = marked[2]
    assert (make.exercise, make.verdict, make.line) == ("make", "right", "")


def test_wrong_answers_give_the_line_of_the_check_and_the_batch_goes_on(marks, marked, capsys):
    assert [mark.exercise for mark in marked] == ["tweak", "bug", "make", ""]
    assert {mark.notebook for mark in marked} == {NAME}
    assert verdicts(marked) == ["wrong", "wrong", "right", "not judged"]
    assert [mark.line.partition(":")[0] for mark in marked] == [
        "this is not what save returned",
        "OSError",
        "",
        "the file is empty",
    ]
    marks.show_marks(marked)
    shown = capsys.readouterr().out
    assert "ada, bug: OSError: the output is longer than 1 MB\n" in shown
    assert "bea, 01_save: the file is empty\n" in shown


def test_an_answer_that_does_not_run_is_wrong_for_its_own_error(
    marks, edition, tmp_path, monkeypatch
):
    class Kernel(FakeKernel):
        def run(self, source):
            return "SyntaxError: invalid syntax" if source == "line_prefix =" else ""

        def ask(self, expression):
            if "check_make" in expression:
                return "", "NameError: name 'line_prefix' is not defined"
            return "right", ""

    monkeypatch.setattr(marks, "LimitedKernel", Kernel)
    answer_cells(edition)[2].source = "line_prefix ="
    found = marks.mark_notebook(hand_in(edition, tmp_path, "ada"), marks.Limits())
    assert verdicts(found) == ["right", "right", "wrong"]
    assert found[2].line == "SyntaxError: invalid syntax"


def test_what_cannot_be_judged_after_a_death_is_one_line_each(
    marks, answered, tmp_path, monkeypatch
):
    class Kernel(FakeKernel):
        def run(self, source):
            if "_exit" in source:
                raise marks.KernelStoppedError("the kernel died")
            return ""

    monkeypatch.setattr(marks, "LimitedKernel", Kernel)
    answer_cells(answered)[1].source = "import os\nos._exit(1)"
    path = hand_in(answered, tmp_path, "ada")
    found = marks.mark_notebook(path, marks.Limits())
    assert verdicts(found) == ["right", "wrong", "not judged"]
    assert [mark.line for mark in found] == [
        "",
        "the kernel died",
        "before it was reached, the kernel died",
    ]


def test_a_kernel_that_dies_at_once_leaves_nothing_to_judge(marks, edition, tmp_path):
    """A kernel of its own, but one that does not live to import TensorFlow."""
    edition.cells.insert(0, nbformat.v4.new_code_cell("import os\nos._exit(1)"))
    found = marks.mark_notebook(hand_in(edition, tmp_path, "ada"), marks.Limits())
    assert verdicts(found) == ["not judged"] * 3
    assert {mark.line for mark in found} == {"before it was reached, the kernel died"}


def test_nobodys_notebook_is_run_if_it_cannot_be_read(marks, tmp_path):
    for number, text in enumerate(["no JSON", "[]", '{"cells": 3}', '{"cells": ["a"]}']):
        path = tmp_path / str(number) / f"{NAME}.ipynb"
        path.parent.mkdir()
        path.write_text(text, encoding="utf-8")
        [mark] = marks.mark_notebook(path, marks.Limits())
        assert (mark.verdict, mark.exercise) == ("not judged", "")
        assert mark.line.startswith("it cannot be read as a notebook: ")
        assert "\n" not in mark.line


def test_a_file_that_is_too_large_is_not_read(marks, tmp_path):
    path = tmp_path / f"{NAME}.ipynb"
    path.write_text("x" * 2_000_000, encoding="utf-8")
    [mark] = marks.mark_notebook(path, marks.Limits(megabytes=1))
    assert mark.line == "the file has 2 MB: clear its outputs"


def test_another_notebook_is_named(marks, tmp_path):
    path = hand_in({}, tmp_path, "ada", "poems")
    [mark] = marks.mark_notebook(path, marks.Limits())
    assert (mark.notebook, mark.verdict) == ("poems", "not judged")


def test_the_best_answer_to_an_exercise_counts_and_an_earlier_trouble_is_told(
    marks, edition, monkeypatch, tmp_path
):
    class Kernel(FakeKernel):
        def run(self, source):
            return "ValueError: of ours" if source.startswith("# Check") else ""

        def ask(self, expression):
            return ("right" if "mine" in expression else "not yet: no", "")

    monkeypatch.setattr(marks, "LimitedKernel", Kernel)
    for source in ["check_tweak(mine)", "check_tweak(another)"]:
        edition.cells.append(nbformat.v4.new_code_cell(source))
    found = marks.mark_notebook(hand_in(edition, tmp_path, "ada"), marks.Limits())
    assert verdicts(found) == ["right", "wrong", "wrong"]
    assert found[1].line == "no (an earlier cell: ValueError: of ours)"


# The command


def run_command(marks, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["marks.py", *map(str, arguments)])
    runpy.run_path(marks.__file__, run_name="__main__")


def test_the_command_prints_a_table_and_writes_a_csv(marks, tmp_path, monkeypatch, capsys):
    for learner in ["ada", "bea"]:
        path = tmp_path / "class" / learner / "week 1" / f"{NAME}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text("no notebook", encoding="utf-8")
    table = tmp_path / "marks.csv"
    run_command(marks, monkeypatch, tmp_path / "class", "--csv", table)
    assert "ada, 01_save: it cannot be read" in capsys.readouterr().out
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["learner"], row["notebook"], row["verdict"]) for row in rows] == [
        ("ada", NAME, "not judged"),
        ("bea", NAME, "not judged"),
    ]


def test_a_folder_without_notebooks_is_one_line(marks, tmp_path, monkeypatch):
    with pytest.raises(SystemExit) as ended:
        run_command(marks, monkeypatch, tmp_path)
    assert ended.value.code == f"no notebook in {tmp_path.as_posix()}/<learner>/"
