"""The students' edition: the notebooks without their solutions, for a class.

``python -m helpers.classroom.students FOLDER`` writes it into a folder, which is made if it is not
there. With the names of notebooks behind it, only those are written.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
# It stands in each notebook, and is true only where the solutions are.
SOLUTIONS_FOLLOW = (
    " A cell that begins with `# Solution` follows each exercise, so try before you read on."
)


def students_edition(notebook: NotebookNode) -> NotebookNode:
    """Return a notebook without its solutions; all else stays, also what is stored of its outputs.

    Args:
        notebook: as `nbformat.read` returns it. It is not changed.

    Raises:
        ValueError: it has no cell with the tag ``answer``, so its exercises cannot be told apart.
    """
    if not any("answer" in _tags(cell) for cell in notebook.cells):
        raise ValueError("no cell has the tag 'answer': this notebook has no students' edition")
    edition = nbformat.from_dict(notebook)
    edition.cells = [cell for cell in edition.cells if "solution" not in _tags(cell)]
    number = 0
    for cell in edition.cells:
        if cell.cell_type == "markdown":
            cell.source = cell.source.replace(SOLUTIONS_FOLLOW, "")
        else:
            number += 1
            _renumber(cell, number)
    return edition


def write_students_edition(folder: Path | str, names: Sequence[str] = ()) -> list[Path]:
    """Write the students' edition of the notebooks that have one, and return the paths.

    Args:
        folder: where to write; it is made if it is not there.
        names: of the notebooks, such as ``01_save``. Without names, all that have exercises.

    Raises:
        FileNotFoundError: there is no notebook of this name.
        FileExistsError: a notebook of this name is in the folder, maybe with a learner's answers.
        ValueError: a notebook that was asked for has no students' edition.
    """
    folder = Path(folder)
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


def _tags(cell: NotebookNode) -> Sequence[str]:
    return cell.metadata.get("tags", [])


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
