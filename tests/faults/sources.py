"""Faults in what an author writes: the code and the prose of a notebook, the code of helpers."""

import ast
import re
from collections.abc import Callable, Iterator

from tests.faults import code
from tests.faults.fault import Edit, Fault
from tests.faults.stored import Change, code_cells, edited

from nbformat import NotebookNode

# A number in prose as `tests.gate.prose` counts it: of two digits or more, or with a percent sign.
# It is not a part of a name, of a path, of a link's target or of code, no version and no year.
PROSE_NUMBER = re.compile(r"(?<![\w./-])(?:\d[\d,]*\d(?:\.\d+)?|\d\.\d+|\d(?=\s?%))(?![\w/]|\.\d)")
NOT_PROSE = re.compile(
    r"""
    ^```.*?^```          # a block of code
    | `[^`]*`            # code
    | \]\([^)]*\)        # the target of a link
    | \[\d\d[^]]*\]      # a notebook's number
    | ^[ ]*\d+\.[ ]      # the number of a step
    | ^\#[^\n]*          # a heading
    | \b(?:TensorFlow|Python|Keras|NumPy|BY)[ ][\d.]+(?:[ ]and[ ][\d.]+)?
    | \b(?:19|20)\d\d\b # a year
    """,
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)


def plant_statements(path: str, notebook: NotebookNode) -> Iterator[Fault]:
    """Leave out each statement, and each last call of a chain, of each cell."""
    changes = [code.without_each_statement, code.without_each_last_call]
    yield from plant_in_cells("statement", path, notebook, changes)


def plant_constants(path: str, notebook: NotebookNode) -> Iterator[Fault]:
    """Change each number of each cell."""
    yield from plant_in_cells("constant", path, notebook, [code.with_each_number_changed])


def plant_checks(path: str, notebook: NotebookNode) -> Iterator[Fault]:
    """Let each check of an exercise accept more than it should."""
    for number, cell in enumerate(code_cells(notebook)):
        if "check" not in cell.metadata.get("tags", []) or not is_python(cell.source):
            continue
        for what, source in code.accepting_anything(cell.source):
            yield Fault("check", path, what, edited(new_source(number, source)))


def plant_in_cells(
    kind: str, path: str, notebook: NotebookNode, changes: list[Callable]
) -> Iterator[Fault]:
    """Plant each of the changes in each cell of code that is plain Python."""
    for number, cell in enumerate(code_cells(notebook)):
        if not is_python(cell.source):
            continue
        for change in changes:
            for what, source in change(cell.source):
                yield Fault(kind, path, what, edited(new_source(number, source)))


def is_python(source: str) -> bool:
    """Tell whether a cell is Python alone, without a line for IPython."""
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


def new_source(number: int, source: str) -> Change:
    """Give a cell of code another source."""

    def change(notebook: NotebookNode) -> None:
        code_cells(notebook)[number].source = source

    return change


def plant_prose(path: str, notebook: NotebookNode) -> Iterator[Fault]:
    """Change each number in the prose of a notebook."""
    for place, cell in enumerate(notebook.cells):
        if cell.cell_type != "markdown":
            continue
        for what, source in with_each_prose_number_changed(cell.source):
            yield Fault("prose", path, what, edited(new_prose(place, source)))


def new_prose(place: int, source: str) -> Change:
    """Give the cell with this number among all cells another source."""

    def change(notebook: NotebookNode) -> None:
        notebook.cells[place].source = source

    return change


def with_each_prose_number_changed(text: str) -> Iterator[code.Change]:
    """Make the last digit of each number in a text another digit."""
    hidden = NOT_PROSE.sub(lambda match: " " * len(match.group()), text)
    for match in PROSE_NUMBER.finditer(hidden):
        number = match.group().rstrip(",")
        changed = number[:-1] + str((int(number[-1]) + 1) % 10)
        begin, end = match.start(), match.start() + len(number)
        around = " ".join(text[max(0, begin - 30) : end + 30].split())
        what = f"{changed} for {number} in “{around}”"
        yield code.Change(what, text[:begin] + changed + text[end:])


def plant_text_file(path: str, text: str) -> Iterator[Fault]:
    """Change each number in a text file in Markdown."""
    for what, changed in with_each_prose_number_changed(text):
        yield Fault("prose", path, what, whole_text(changed))


def plant_lies(path: str, text: str) -> Iterator[Fault]:
    """Let each public function of a helper return a constant."""
    for what, changed in code.with_each_public_function_lying(text):
        yield Fault("lie", path, what, whole_text(changed))


def plant_mutations(path: str, text: str) -> Iterator[Fault]:
    """Change each number, comparison, ``and``, ``or``, ``not``, True and False of a helper."""
    for change in [code.with_each_number_changed, code.with_each_operator_changed]:
        for what, changed in change(text):
            yield Fault("mutation", path, what, whole_text(changed))


def whole_text(text: str) -> Edit:
    """Store another text in place of a file's."""
    return lambda _: text
