"""Marks: which learner has solved which exercise, by our checks and not by theirs.

``python -m helpers.classroom.marks FOLDER`` reads ``FOLDER/<learner>/…/01_save.ipynb`` and prints
for each learner and each exercise "right", "wrong" or "not answered", and what the check says of a
wrong answer. ``--csv FILE`` writes the same into a file.

Each notebook runs from top to bottom in a kernel of its own: our cells in our order, the learner's
answers in the place of ours, and each cell that the learner has added or changed. A cell that was
deleted is there, a changed one that fails is followed by ours, and our solutions are left out. An
answer counts in an answer cell or in a cell that the learner has added, not in a solution cell.

The solutions are public, so a mark says that somebody has taken part, not how much they know. The
learners' code runs as the user who starts this, so start it where it can do no harm: as a user of
its own or in a container, without a network.
"""

import argparse
import ast
import csv
import dataclasses
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

from helpers.classroom.limited_kernel import KernelStoppedError, LimitedKernel
from helpers.classroom.students import NOTEBOOKS, call_of_check, students_edition, tags_of

import nbformat
from nbformat import NotebookNode
from tabulate import tabulate

RIGHT = "right"
WRONG = "wrong"
NOT_ANSWERED = "not answered"
NOT_JUDGED = "not judged"
# The best of several answers to one exercise counts.
BEST_FIRST = [RIGHT, WRONG, NOT_ANSWERED, NOT_JUDGED]
LONGEST_LINE = 160

# Cells that never run as a learner hands them in.
LOCKED = {"check", "point"}
JUDGE = "__import__('helpers.classroom.points', fromlist=['judge']).judge({check!r}, {arguments})"
NOT_REMEMBERED = "RuntimeError: nobody remembers"


@dataclasses.dataclass
class Mark:
    """What became of an exercise.

    Attributes:
        learner: the name of their folder.
        notebook: the name of the notebook, such as ``01_save``.
        exercise: the name of its check, such as ``bug``; empty if the whole notebook is meant.
        verdict: "right", "wrong", "not answered" or "not judged".
        line: the reason, if it is not right.
    """

    learner: str
    notebook: str
    exercise: str
    verdict: str
    line: str = ""


@dataclasses.dataclass
class Limits:
    """What a learner's notebook may take.

    Attributes:
        seconds: for each cell.
        megabytes: of text that a cell prints, and of the file that was handed in.
    """

    seconds: float = 600
    megabytes: float = 100


@dataclasses.dataclass
class Step:
    """A cell to run.

    Attributes:
        source: the cell.
        instead: our version of it, to run after it if it fails.
        check: the check to ask afterwards, if it is an answer.
        arguments: the learner's answers, as Python text.
    """

    source: str
    instead: str = ""
    check: str = ""
    arguments: str = ""


def mark_folder(folder: Path, limits: Limits) -> Iterator[Mark]:
    """Judge all notebooks in a folder that holds one folder for each learner.

    Raises:
        FileNotFoundError: it holds no notebook.
    """
    paths = sorted(path for path in folder.rglob("*.ipynb") if _is_handed_in(path))
    if not paths:
        raise FileNotFoundError(f"no notebook in {folder.as_posix()}/<learner>/")
    for path in paths:
        learner = path.relative_to(folder).parts[0]
        for mark in mark_notebook(path, limits):
            yield dataclasses.replace(mark, learner=learner)


def mark_notebook(path: Path, limits: Limits) -> list[Mark]:
    """Judge each exercise of a learner's notebook. What cannot be judged is one mark, no error."""
    name = _name_of(path)
    if not name:
        return [Mark("", path.stem, "", NOT_JUDGED, "no notebook of the course has this name")]
    stored = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    try:
        theirs = _read(path, limits)
    except (OSError, ValueError) as error:
        return [Mark("", name, "", NOT_JUDGED, str(error))]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        try:
            marks = list(_run(plan(stored, theirs), Path(place), limits))
        except (OSError, RuntimeError) as error:
            return [Mark("", name, "", NOT_JUDGED, f"no kernel: {_one_line(str(error))}")]
    best = []
    for cell in stored.cells:
        if "answer" not in tags_of(cell):
            continue
        exercise = _exercise_of(_call_in(cell)[0])
        # A mark without an exercise says that the kernel stopped before its end.
        found = [mark for mark in marks if mark.exercise in (exercise, "")]
        found.sort(key=lambda mark: BEST_FIRST.index(mark.verdict))
        best.append(dataclasses.replace(found[0], notebook=name, exercise=exercise))
    return best


def plan(stored: NotebookNode, theirs: NotebookNode) -> list[Step]:
    """Put a learner's cells into the students' edition of our notebook, and return what to run."""
    edition = students_edition(stored)
    solutions = [cell.source for cell in stored.cells if "solution" in tags_of(cell)]
    matched, added = _match(edition, theirs, solutions)
    steps = [_added(cell) for cell in added.get("", [])]
    for ours in edition.cells:
        is_code = ours.cell_type == "code"
        if is_code and "point" not in tags_of(ours):
            steps.append(_step(ours, matched.get(ours.id)))
        steps += [_added(cell) for cell in added.get(ours.id, [])]
    return steps


def _is_handed_in(path: Path) -> bool:
    is_copy_of_jupyter = ".ipynb_checkpoints" in path.parts
    return path.is_file() and not is_copy_of_jupyter


def _name_of(path: Path) -> str:
    """Return the course's name for a file such as ``01_save (1).ipynb``, or no text."""
    names = [ours.stem for ours in NOTEBOOKS.glob("*.ipynb")]
    found = [name for name in names if name in path.stem]
    return max(found, key=len, default="")


def _read(path: Path, limits: Limits) -> NotebookNode:
    """Read what a learner has handed in, or raise an error of one line."""
    megabytes = path.stat().st_size / 1e6
    if megabytes > limits.megabytes:
        raise ValueError(f"the file has {megabytes:.0f} MB: clear its outputs")
    if not megabytes:
        raise ValueError("the file is empty")
    try:
        with warnings.catch_warnings(action="ignore"):  # an old file has cells without an id
            notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
        for cell in notebook.cells:
            if not isinstance(cell.source, str):
                raise TypeError("a cell without text")
    # A file that is no notebook fails in many ways.
    except Exception as error:
        reason = _one_line(f"{type(error).__name__}: {error}")
        raise ValueError(f"it cannot be read as a notebook: {reason}") from None
    return notebook


def _match(
    edition: NotebookNode, theirs: NotebookNode, solutions: Sequence[str]
) -> tuple[dict[str, NotebookNode], dict[str, list[NotebookNode]]]:
    """Find their version of our cells, and the cells that they have added after each of ours.

    Returns:
        Both by the `id` of our cell. What they have added at the top is under an empty one.
    """
    by_id = {cell.id: cell for cell in edition.cells}
    by_source = {cell.source: cell for cell in edition.cells}
    matched: dict[str, NotebookNode] = {}
    added: dict[str, list[NotebookNode]] = {}
    before = ""
    for cell in theirs.cells:
        ours = by_id.get(cell.get("id")) or by_source.get(cell.source)
        if ours is not None and _is_free(ours, cell, matched):
            matched[ours.id] = cell
            before = ours.id
        elif cell.cell_type == "code" and not _is_left_out(cell, solutions):
            added.setdefault(before, []).append(cell)
    return matched, added


def _is_free(ours: NotebookNode, theirs: NotebookNode, matched: dict[str, NotebookNode]) -> bool:
    return ours.id not in matched and ours.cell_type == theirs.cell_type


def _is_left_out(cell: NotebookNode, solutions: Sequence[str]) -> bool:
    """Tell whether a cell is a check, a point or one of our solutions, as we handed it out.

    A learner's own cell may equal a solution, so the tag is asked too.
    """
    tags = tags_of(cell)
    if LOCKED & set(tags):
        return True
    return "solution" in tags and any(_same_program(cell.source, one) for one in solutions)


def _step(ours: NotebookNode, theirs: NotebookNode | None) -> Step:
    """Return how to run a cell of ours, of which the learner may have another version."""
    is_answer = "answer" in tags_of(ours)
    is_locked = LOCKED & set(tags_of(ours))
    if theirs is None or is_locked or _same_program(theirs.source, ours.source):
        step = Step(ours.source)
    elif is_answer:
        step = Step(theirs.source)
    else:
        step = Step(theirs.source, instead=ours.source)
    if is_answer:
        step.check, step.arguments = _call_in(ours)
        called = call_of_check(step.source)
        if called and called[0] == step.check:
            step.arguments = called[1]
    return step


def _added(cell: NotebookNode) -> Step:
    if "solution" in tags_of(cell):
        return Step(cell.source)
    return Step(cell.source, "", *_call_in(cell))


def _call_in(cell: NotebookNode) -> tuple[str, str]:
    return call_of_check(cell.source) or ("", "")


def _exercise_of(check: str) -> str:
    return check.removeprefix("check_")


def _same_program(one: str, other: str) -> bool:
    """Tell whether two cells are the same but for comments and layout."""
    try:
        return ast.dump(ast.parse(one)) == ast.dump(ast.parse(other))
    except (SyntaxError, ValueError, RecursionError):
        return one == other


def _run(steps: Sequence[Step], place: Path, limits: Limits) -> Iterator[Mark]:
    """Run the steps of a notebook in an empty folder, and give a mark for each answer."""
    folder = place / "notebooks"
    folder.mkdir()
    environment = {**os.environ, "COURSE_RUNS": str(place / "runs")}
    trouble = ""
    with LimitedKernel(folder, environment, limits.seconds, limits.megabytes) as kernel:
        for step in steps:
            exercise = _exercise_of(step.check)
            try:
                error = kernel.run(step.source)
                if error and step.instead:
                    error = kernel.run(step.instead)
                verdict, line = _ask(kernel, step, error)
            except KernelStoppedError as stop:
                if exercise:
                    yield Mark("", "", exercise, WRONG, str(stop))
                yield Mark("", "", "", NOT_JUDGED, f"before it was reached, {stop}")
                return
            if exercise and verdict == WRONG and trouble:
                line = f"{line} (an earlier cell: {trouble})"
            if exercise:
                yield Mark("", "", exercise, verdict, line)
            elif error and not trouble:
                trouble = _one_line(error)


def _ask(kernel: LimitedKernel, step: Step, error: str) -> tuple[str, str]:
    """Return the verdict and its reason, after a step has run and ended with an error or none."""
    if not step.check:
        return NOT_ANSWERED, ""
    said, fault = kernel.ask(JUDGE.format(check=step.check, arguments=step.arguments))
    if said == RIGHT:
        return RIGHT, ""
    if said == "not answered yet" and not error:
        return NOT_ANSWERED, ""
    if fault.startswith(NOT_REMEMBERED):
        return NOT_JUDGED, fault
    return WRONG, _one_line(error or fault or said.removeprefix("not yet: "))


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 1]}…"


def show_marks(marks: Sequence[Mark]) -> None:
    """Print a table for each notebook, learner by exercise, and below it each reason."""
    for notebook in sorted({mark.notebook for mark in marks}):
        of_it = [mark for mark in marks if mark.notebook == notebook]
        exercises = list(dict.fromkeys(mark.exercise for mark in of_it if mark.exercise))
        rows: dict[str, dict[str, str]] = {}
        for mark in of_it:
            row = rows.setdefault(mark.learner, dict.fromkeys(exercises, NOT_JUDGED))
            if mark.exercise:
                row[mark.exercise] = mark.verdict
        table = [[learner, *row.values()] for learner, row in rows.items()]
        print(tabulate(table, [notebook, *exercises]))
        print()
        for mark in of_it:
            if mark.line:
                print(f"{mark.learner}, {mark.exercise or notebook}: {mark.line}")
        print()


def write_csv(marks: Sequence[Mark], path: Path) -> None:
    """Write a line for each mark, below the names of the columns."""
    names = [field.name for field in dataclasses.fields(Mark)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(map(dataclasses.asdict, marks))


def main() -> None:
    """Read the command line, judge, and print the marks or what was wrong."""
    parser = argparse.ArgumentParser(description="Mark learners' notebooks by our checks.")
    parser.add_argument("folder", type=Path, help="it holds a folder for each learner")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the marks to a file too")
    limits = Limits()
    parser.add_argument(
        "--seconds", type=float, default=limits.seconds, help="for a cell (%(default)s)"
    )
    parser.add_argument(
        "--megabytes", type=float, default=limits.megabytes, help="of its output (%(default)s)"
    )
    arguments = parser.parse_args()
    limits = Limits(arguments.seconds, arguments.megabytes)
    marks = []
    try:
        for mark in mark_folder(arguments.folder, limits):
            marks.append(mark)
            print(
                f"{mark.learner}: {mark.notebook} {mark.exercise} {mark.verdict}", file=sys.stderr
            )
    except OSError as error:
        sys.exit(str(error))
    show_marks(marks)
    if arguments.csv:
        write_csv(marks, arguments.csv)


if __name__ == "__main__":
    main()
