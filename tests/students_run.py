"""Run the students' edition: untouched, and with the solutions in the place of the answers.

    python -m tests.students_run             all notebooks, a few minutes
    python -m tests.students_run 01_save     those that are named

Untouched, each answer cell has to print "not answered yet" and each point has to be 0. With the
solutions put in, it is "right" and 1. A line is printed for each notebook, and for each exercise
that behaves otherwise.
"""

import itertools
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from helpers.classroom.students import call_of_check, students_edition, tags_of

import nbclient
import nbformat

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
TIMEOUT = 600  # seconds, for a cell and for the start of a kernel
# The last line that an answer cell has to print, and what the point below it has to give.
UNTOUCHED = ("not answered yet", 0)
ANSWERED = ("right", 1)


def main(names):
    """Run the notebooks both ways and print what is wrong; 1 if anything is."""
    failed = False
    for name in names or [path.stem for path in sorted(NOTEBOOKS.glob("*.ipynb"))]:
        stored = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
        edition = students_edition(stored)
        faults = faults_of(edition, UNTOUCHED)
        faults += faults_of(with_solutions(edition, stored), ANSWERED)
        print(f"{name}: {'; '.join(faults) or 'as it should be'}", flush=True)
        failed = failed or bool(faults)
    return int(failed)


def faults_of(notebook, *endings):
    """Run a notebook in an empty folder, and list the exercises that end otherwise.

    Args:
        notebook: a students' edition; its outputs are replaced.
        endings: `UNTOUCHED` or `ANSWERED`; with both, the answer cells have to end so in turn.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "notebooks")
        place.mkdir()
        # A busy machine may hand over a line in two parts.
        client = nbclient.NotebookClient(
            notebook, timeout=TIMEOUT, startup_timeout=TIMEOUT, coalesce_streams=True
        )
        environment = {**os.environ, "COURSE_RUNS": str(Path(folder, "runs"))}
        client.execute(cwd=str(place), env=environment, stderr=subprocess.DEVNULL)
    faults = []
    expected = itertools.cycle(endings)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for answer, below in itertools.pairwise(cells):
        if "answer" not in tags_of(answer):
            continue
        line, point = next(expected)
        printed = "".join(output.get("text", "") for output in answer.outputs)
        given = [output["data"]["text/plain"] for output in below.outputs]
        if not printed.endswith(f"{line}\n") or given != [str(point)]:
            check, _ = call_of_check(answer.source)
            faults.append(f"{check} prints {printed!r} and gives {given}")
    return faults


def with_solutions(edition, stored):
    """Return a students' edition in which each answer is what the solution gives."""
    solutions = {}
    for cell in stored.cells:
        if "solution" in tags_of(cell):
            check, arguments = call_of_check(cell.source)
            lines = cell.source.rstrip().splitlines()[:-1]
            solutions[check] = "\n".join(lines), arguments
    answered = nbformat.from_dict(edition)
    for cell in answered.cells:
        if "answer" in tags_of(cell):
            check, names = call_of_check(cell.source)
            program, arguments = solutions[check]
            answers = f"({names},) = ({arguments},)"
            cell.source = f"{program}\n{answers}\n{check}({names})"
    return answered


def untouched_then_answered(edition, stored):
    """Return a students' edition in which each answer cell and its point come twice.

    The first time they are untouched, the second time answered: as a learner runs them, and in
    one kernel.
    """
    both = nbformat.from_dict(edition)
    both.cells = []
    for cell, answered in zip(edition.cells, with_solutions(edition, stored).cells, strict=True):
        both.cells.append(nbformat.from_dict(cell))
        if "answer" in tags_of(cell):
            answer = answered
        if "point" in tags_of(cell):
            both.cells += [answer, nbformat.from_dict(cell)]
            for again in both.cells[-2:]:
                again.id = f"{again.id}-again"
    return both


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
