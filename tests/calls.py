"""Find a line of Python in the notebooks, whatever its paths and variables are called there.

A line of a table for the reader says ``model.save("model.keras")``, and a cell of a notebook
``network.save(keras_folder / "sums.keras")``. Both have one shape, ``_.save('.keras')``: the names
of variables go, and what a reader would have to type in any case stays.
"""

import ast
import re
from pathlib import Path, PurePosixPath

import nbformat

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
MODULES = {"keras", "np", "shutil", "tf", "tf1"}
ANYTHING = "_"
ENDING = re.compile(r"(?<=[(, ])'\.[\w.]+'")
# Exercises are no place where a call is taught.
EXERCISES = {"answer", "check", "solution"}


def shape_of(node, is_option=False):
    """Return the shape of an expression as text.

    Args:
        node: the expression.
        is_option: whether it is the value of a named argument, whose constants are kept.
    """
    match node:
        case ast.Call(func=ast.Name(id="str"), args=[inner]):
            return shape_of(inner)
        case ast.Call():
            return f"{_function(node.func)}({', '.join(_arguments(node))})"
        case ast.Attribute() if is_option and _root(node) not in MODULES:
            return ANYTHING
        case ast.Attribute():
            return f"{_owner(node.value)}.{node.attr}"
        case ast.Constant() if is_option:
            return repr(node.value)
        case ast.Constant(value=str() as text):
            return _ending(text)
        case ast.BinOp(op=ast.Div() | ast.Add(), right=ast.Constant(value=str() as text)):
            return _ending(text)
        case ast.JoinedStr(values=[*_, ast.Constant(value=str() as text)]):
            return _ending(text)
        case _:
            return ANYTHING


def shape_of_line(line):
    """Return the shape of what a line computes: its call, without the names that it assigns to."""
    line = line.removeprefix("@")
    opens_block = line.endswith(":")
    [statement] = ast.parse(f"{line} ..." if opens_block else line).body
    match statement:
        case ast.With(items=[item]):
            return shape_of(item.context_expr)
        case ast.Assign() | ast.AugAssign() | ast.Expr():
            return shape_of(statement.value)
        case _:
            raise ValueError(f"no line that calls something: {line}")


def stands_in(line, shapes):
    """Tell whether a line has one of these shapes.

    A variable may stand for the name of a file there, and a module before the name of a function.
    """
    shape = shape_of_line(line)
    without_endings = ENDING.sub(ANYTHING, shape)
    names = {shape, without_endings}
    is_bare = re.match(r"\w+\(", shape)
    return any(one in names or (is_bare and _without_module(one) in names) for one in shapes)


def shapes_in(notebook):
    """Return the shapes of all calls in the code cells of a notebook, its exercises left out."""
    cells = nbformat.read(NOTEBOOKS / f"{notebook}.ipynb", as_version=4).cells
    shapes = set()
    for cell in cells:
        is_exercise = EXERCISES & set(cell.metadata.get("tags", []))
        if cell.cell_type == "code" and not is_exercise:
            shapes |= _shapes(cell.source)
    return shapes


def _shapes(source):
    """Return the shapes of all calls in a program, and in the programs that it holds as texts."""
    shapes = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            shapes.add(shape_of(node))
        elif _is_program(node):
            shapes |= _shapes(node.value)
    return shapes


def _is_program(node):
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    if not is_text or "import " not in node.value:
        return False
    try:
        ast.parse(node.value)
    except SyntaxError:
        return False
    return True


def _without_module(shape):
    """``keras.callbacks.EarlyStopping(patience=2)`` becomes ``EarlyStopping(patience=2)``."""
    function, bracket, arguments = shape.partition("(")
    return function.rpartition(".")[2] + bracket + arguments


def _arguments(call):
    positional = [shape_of(argument) for argument in call.args]
    named = [f"{one.arg}={shape_of(one.value, True)}" for one in call.keywords if one.arg]
    spread = ["**" for one in call.keywords if not one.arg]
    return [*positional, *sorted(named), *spread]


def _function(node):
    return node.id if isinstance(node, ast.Name) else shape_of(node)


def _owner(node):
    if isinstance(node, ast.Name):
        return node.id if node.id in MODULES else ANYTHING
    return shape_of(node)


def _root(node):
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ANYTHING


def _ending(text):
    """Keep the ending of a file's name, which tells its format: ``.weights.h5``, ``.keras``."""
    ending = text if text.startswith(".") else "".join(PurePosixPath(text).suffixes)
    return repr(ending) if ending else ANYTHING
