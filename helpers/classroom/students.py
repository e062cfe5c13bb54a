"""The students' edition: the notebooks without their solutions, for a class.

``python -m helpers.classroom.students FOLDER`` writes it into a folder, which is made if it is not
there. With the names of notebooks behind it, only those are written.

Below each answer cell stands a collapsed cell that gives a point, 1 or 0. It and the checks carry
the metadata of nbgrader, so nbgrader takes the edition as an assignment as it is.
"""

import argparse
import ast
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
# It stands in each notebook, and is true only where the solutions are.
SOLUTIONS_FOLLOW = (
    " A cell that begins with `# Solution` follows each exercise, so try before you read on."
)
CALL_OF_CHECK = re.compile(r"(?P<check>check_\w+)\((?P<arguments>.*)\)")
# An earlier answer may have replaced what the check is defined with.
REMEMBER = """{first_line}
from helpers.classroom.points import remember, restore

restore(globals())


{check}


remember(globals(), {names})"""
POINT = """# Point
from helpers.classroom.points import point

point("{check}", {arguments})"""


def students_edition(notebook: NotebookNode) -> NotebookNode:
    """Return a notebook without its solutions, and with a cell that gives a point for each answer.

    All else stays, also what is stored of its outputs.

    Args:
        notebook: as `nbformat.read` returns it. It is not changed.

    Raises:
        ValueError: it has no cell with the tag ``answer``, so its exercises cannot be told apart.
    """
    if not any("answer" in tags_of(cell) for cell in notebook.cells):
        raise ValueError("no cell has the tag 'answer': this notebook has no students' edition")
    edition = nbformat.from_dict(notebook)
    edition.cells = []
    for cell in nbformat.from_dict(notebook).cells:
        tags = tags_of(cell)
        if "solution" in tags:
            continue
        edition.cells.append(cell)
        if "check" in tags:
            _let_it_be_remembered(cell)
        if "answer" in tags:
            edition.cells.append(_point_cell(cell))
        if cell.cell_type == "markdown":
            cell.source = cell.source.replace(SOLUTIONS_FOLLOW, "")
    code = [cell for cell in edition.cells if cell.cell_type == "code"]
    for number, cell in enumerate(code, start=1):
        _renumber(cell, number)
    return edition


def call_of_check(source: str) -> tuple[str, str] | None:
    """Return the check that a cell calls in its last line, and its arguments as text, or None.

    Example:
        >>> call_of_check("check_sum(found)")
        ('check_sum', 'found')
    """
    lines = source.strip().splitlines() or [""]
    call = CALL_OF_CHECK.fullmatch(lines[-1].strip())
    return (call["check"], call["arguments"]) if call else None


def tags_of(cell: NotebookNode) -> Sequence[str]:
    """Return the tags of a cell of a notebook."""
    return cell.metadata.get("tags", [])


def write_students_edition(folder: Path | str, names: Sequence[str] = ()) -> list[Path]:
    """Write the students' edition of the notebooks that have one, and return the paths.

    Args:
        folder: where to write; it is made if it is not there.
        names: of the notebooks, such as ``01_save``. Without names, all that have exercises.

    Raises:
        FileNotFoundError: there is no notebook of this name, or the course has none.
        FileExistsError: a notebook of this name is in the folder, maybe with a learner's answers.
        ValueError: a notebook that was asked for has no students' edition.
    """
    folder = Path(folder)
    if not _all_names():
        raise FileNotFoundError(
            f"no notebooks in {NOTEBOOKS.as_posix()}: install the course with -e, from its folder"
        )
    editions = {}
    for name in names or _all_names():
        path = NOTEBOOKS / f"{name}.ipynb"
        if not path.is_file():
            raise FileNotFoundError(f"no notebook {name!r}; there are: {', '.join(_all_names())}")
        try:
            editions[path.name] = students_edition(nbformat.read(path, as_version=4))
        except ValueError as error:
            if names:
                raise ValueError(f"{name}: {error}") from None
    for name in editions:
        if (folder / name).exists():
            raise FileExistsError(f"{name} is in {folder} already: choose another folder")
    folder.mkdir(parents=True, exist_ok=True)
    for name, edition in editions.items():
        nbformat.write(edition, folder / name)
    return [folder / name for name in editions]


def _all_names() -> list[str]:
    return sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))


def _let_it_be_remembered(cell: NotebookNode) -> None:
    """Lock a cell with a check for nbgrader, and let points know what it defines."""
    functions = [node for node in ast.parse(cell.source).body if isinstance(node, ast.FunctionDef)]
    names = [function.name for function in functions]
    first_line, _, check = cell.source.partition("\n")  # all that is seen of a collapsed cell
    cell.source = REMEMBER.format(first_line=first_line, check=check, names=names)
    cell.metadata["nbgrader"] = _nbgrader(f"check-{cell.id}")


def _point_cell(answer: NotebookNode) -> NotebookNode:
    """Make the cell below an answer cell: 1 if its check says "right", else 0."""
    call = call_of_check(answer.source)
    if call is None:
        raise ValueError(f"the last line of an answer cell calls no check: {answer.source!r}")
    check, arguments = call
    cell = nbformat.v4.new_code_cell(
        POINT.format(check=check, arguments=arguments),
        id=f"point-{answer.id}",
        metadata={"tags": ["point"], "jupyter": {"source_hidden": True}},
        execution_count=answer.execution_count,
    )
    cell.outputs = [
        nbformat.v4.new_output("execute_result", {"text/plain": "0"}, execution_count=0)
    ]
    cell.metadata["nbgrader"] = {**_nbgrader(cell.id), "grade": True, "points": 1}
    return cell


def _nbgrader(name: str) -> dict[str, Any]:
    """Return nbgrader's metadata of a cell that a learner does not edit."""
    return {
        "schema_version": 3,
        "grade_id": name,
        "grade": False,
        "locked": True,
        "solution": False,
        "task": False,
    }


def _renumber(cell: NotebookNode, number: int) -> None:
    """Give a code cell and its results the number that it has without the solutions."""
    if cell.execution_count is None:  # it was never run
        return
    cell.execution_count = number
    for output in cell.outputs:
        if "execution_count" in output:
            output.execution_count = number


def main() -> None:
    """Read the command line, write, and print what was written or what was wrong."""
    parser = argparse.ArgumentParser(description="Write the students' edition into a folder.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", metavar="notebook", help="such as 01_save; else all")
    arguments = parser.parse_args()
    try:
        written = write_students_edition(arguments.folder, arguments.names)
    except (OSError, ValueError) as error:
        sys.exit(str(error))
    for path in written:
        print(path.as_posix())


if __name__ == "__main__":
    main()
