"""Run notebooks, and store what they print and draw: only what has changed becomes a diff.

    python -m tests.store notebooks/04_train_further.ipynb      one notebook, or several
    python -m tests.store                                       all of them

Each runs from top to bottom in a new kernel, the same kind as that of the tests. What the tests
take for the same stays as it is stored, byte for byte: a picture that looks alike, a number that
may vary, a line that names the time of the run. Progress bars, times and versions are not stored.
The caption below a picture becomes its alt text. If a cell fails, the stored notebook is not
touched.
"""

import argparse
import contextlib
import difflib
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from tests.gate import captions, figure_facts, kernels, outputs, pictures
from tests.gate.settings import clean_environment

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, NbvalKernelspecManager
from nbval.plugin import coalesce_streams

COURSE = Path(__file__).parent.parent
CELL_TIMEOUT = 600  # seconds, as in the tests
LANGUAGE = {"name": "python"}  # without a version, which each machine would change
FAILURES = (CellExecutionError, CellTimeoutError, DeadKernelError)

sanitize = outputs.read_sanitizer(Path(__file__).with_name("sanitize.cfg"))


class StoreError(Exception):
    """A notebook that cannot be stored; the message is one line for whoever asked for it."""


def main(arguments: Sequence[str]) -> int:
    """Store the notebooks, and print a line for each; 1 if one failed."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.store", description=__doc__.split("\n")[0]
    )
    parser.add_argument("notebooks", nargs="*", type=Path, help="paths; none: all of the course")
    paths = parser.parse_args(arguments).notebooks or sorted(COURSE.glob("notebooks/*.ipynb"))
    failed = False
    for path in paths:
        try:
            cells = store(path)
        except StoreError as error:
            print(error, file=sys.stderr)
            failed = True
        else:
            print(f"{path.name}: {changes_in_words(cells)}")
    return 1 if failed else 0


def store(path: Path) -> list[int]:
    """Run a notebook and store it.

    Returns:
        The execution counts of the cells whose outputs are stored anew.

    Raises:
        StoreError: the file is no notebook, or one of its cells fails; nothing is stored then.
    """
    stored = read(path)
    new = read(path)
    run(new, path)
    code = [cell for cell in new.cells if cell.cell_type == "code"]
    stored_code = [cell for cell in stored.cells if cell.cell_type == "code"]
    for cell, before in zip(code, stored_code, strict=True):
        tags = cell.metadata.get("tags", [])
        cell.outputs = settled(cell.outputs, before.outputs, tags)
    captions.store_alt_texts(new.cells)
    clean_metadata(new)
    replace(path, nbformat.writes(new) + "\n")
    pairs = zip(code, stored_code, strict=True)
    return [cell.execution_count for cell, before in pairs if cell.outputs != before.outputs]


def changes_in_words(cells: Sequence[int]) -> str:
    """Say which cells were stored."""
    if not cells:
        return "no output has changed"
    return f"new outputs of {', '.join(f'[{count}]' for count in cells)}"


def read(path: Path) -> NotebookNode:
    """Read a notebook, or raise a StoreError that says in one line what the file is."""
    if path.suffix != ".ipynb" or not path.is_file():
        raise StoreError(f"{path.as_posix()} is no notebook: give paths of .ipynb files, or none")
    try:
        return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    except (ValueError, nbformat.ValidationError) as error:
        line = str(error).split("\n")[0]
        raise StoreError(f"{path.as_posix()} cannot be read as a notebook: {line}") from None


def run(notebook: NotebookNode, path: Path) -> None:
    """Run the cells in a new kernel in the notebook's folder; their outputs replace the old ones.

    Raises:
        StoreError: a cell failed.
    """
    client = NotebookClient(
        notebook,
        kernel_name=CURRENT_ENV_KERNEL_NAME,
        timeout=CELL_TIMEOUT,
        startup_timeout=kernels.START_TIMEOUT,
        record_timing=False,
    )
    manager = client.create_kernel_manager()
    manager.kernel_spec_manager = NbvalKernelspecManager()  # it knows the kernel of that name
    # A profile of the user's can change what the last line of a cell shows.
    with (
        tempfile.TemporaryDirectory() as profile,
        client.setup_kernel(
            cwd=str(path.parent),
            env={**clean_environment(os.environ), "IPYTHONDIR": profile},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ),
    ):
        for source in kernels.PREPARATIONS:
            client.kc.execute(source, silent=True)
        count = 0
        for number, cell in enumerate(notebook.cells):
            count += cell.cell_type == "code"
            try:
                client.execute_cell(cell, number)
            except FAILURES as error:
                raise StoreError(failure(path, count, cell, error)) from None


def failure(path: Path, count: int, cell: NotebookNode, error: Exception) -> str:
    """Say which cell failed, and how."""
    lines = [line for line in cell.source.split("\n") if line.strip()]
    if isinstance(error, CellExecutionError):
        reason = f"{error.ename}: {error.evalue}".split("\n")[0]
    elif isinstance(error, CellTimeoutError):
        reason = f"it took longer than {CELL_TIMEOUT} seconds"
    else:
        reason = "its kernel died"
    return f"{path.name}: cell [{count}], {lines[0]!r}: {reason}. The stored file is as it was."


def settled(new: list, stored: list, tags: Sequence[str]) -> list:
    """Return the outputs to store: a stored one wherever the tests would not tell it from the new.

    The new outputs give the order. Each is compared with the stored one of its kind, the first
    with the first.
    """
    waiting = defaultdict(list)
    for output in in_one_piece(stored):
        waiting[kind(output)].append(output)
    result = []
    for output in in_one_piece(new):
        before = waiting[kind(output)]
        result.append(settled_output(output, before.pop(0), tags) if before else output)
    return result


def in_one_piece(found: list) -> list:
    """Leave out progress bars, and join the pieces of a stream that follow one another."""
    alive = [output for output in found if not outputs.is_widget(output)]
    result = []
    for is_stream, group in itertools.groupby(alive, lambda output: output.output_type == "stream"):
        pieces = [nbformat.from_dict(output) for output in group]
        result += coalesce_streams(pieces) if is_stream else pieces
    return result


def kind(output: NotebookNode) -> str:
    """What two outputs have in common that are compared."""
    return f"{outputs.kind(output)} {output.get('name', '')}"


def settled_output(new: NotebookNode, stored: NotebookNode, tags: Sequence[str]) -> NotebookNode:
    """Return the stored output where the tests take it for the new one, else what has changed."""
    if not outputs.differences([new], [stored], tags, sanitize):
        return with_new_facts(stored, new)
    if new.output_type == "stream":
        return nbformat.from_dict({**new, "text": settled_lines(new.text, stored.text)})
    data = dict(new.data)
    for mime in pictures.FORMATS:
        if mime in data and pictures.difference(data[mime], stored.data[mime], tags) is None:
            data[mime] = stored.data[mime]
    return nbformat.from_dict({**new, "data": data})


def with_new_facts(stored: NotebookNode, new: NotebookNode) -> NotebookNode:
    """Add the facts about a figure to an output that was stored without them."""
    metadata = new.get("metadata", {})
    if figure_facts.KEY in metadata and figure_facts.KEY not in stored.metadata:
        stored.metadata[figure_facts.KEY] = metadata[figure_facts.KEY]
    return stored


def settled_lines(new: str, stored: str) -> str:
    """Return the new text, with the stored line for each line that only the time tells apart."""
    new_lines, stored_lines = (text.splitlines(keepends=True) for text in (new, stored))
    matcher = difflib.SequenceMatcher(
        a=[sanitize(line) for line in stored_lines],
        b=[sanitize(line) for line in new_lines],
        autojunk=False,
    )
    for start, new_start, length in matcher.get_matching_blocks():
        new_lines[new_start : new_start + length] = stored_lines[start : start + length]
    return "".join(new_lines)


def clean_metadata(notebook: NotebookNode) -> None:
    """Leave out what a run or an editor adds: widgets, versions, times."""
    notebook.metadata.pop("widgets", None)
    notebook.metadata.language_info = nbformat.from_dict(LANGUAGE)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)


def replace(path: Path, text: str) -> None:
    """Put the text in the file's place in one step, if it differs from what is there."""
    data = text.encode()
    if data == path.read_bytes():
        return
    number, temporary = tempfile.mkstemp(prefix=f".{path.stem}_", dir=path.parent)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(data)
        shutil.copymode(path, temporary)
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
