"""Changes of Python code: each takes a source and yields what it changed, and the new source."""

import ast
from collections.abc import Iterator
from typing import NamedTuple

LONGEST = 72
SIMPLE_STATEMENTS = (
    ast.AnnAssign,
    ast.Assert,
    ast.Assign,
    ast.AugAssign,
    ast.Delete,
    ast.Expr,
    ast.Import,
    ast.ImportFrom,
    ast.Raise,
    ast.Return,
)
COMPARISONS = {
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
}
SMALL = 20  # one more than a smaller number is another number, of a larger one it is a detail


class Change(NamedTuple):
    """One change of a source: what it is, in one line, and the source that it gives."""

    what: str
    source: str


def without_each_statement(source: str) -> Iterator[Change]:
    """Replace each simple statement by ``pass``, wherever it stands."""
    for node in nodes(source):
        if isinstance(node, SIMPLE_STATEMENTS) and not is_text(node):
            yield Change(f"without `{first_line(source, node)}`", replaced(source, node, "pass"))


def without_each_last_call(source: str) -> Iterator[Change]:
    """Cut the last call off a chain: ``restore(path).assert_consumed()`` to ``restore(path)``."""
    for node in nodes(source):
        is_method_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if is_method_call and isinstance(node.func.value, ast.Call):
            what = f"without `.{node.func.attr}()` in `{first_line(source, node)}`"
            rest = ast.get_source_segment(source, node.func.value)
            yield Change(what, replaced(source, node, rest))


def with_each_number_changed(source: str) -> Iterator[Change]:
    """Make each small whole number one more, and double each other number; 0.0 becomes 0.5."""
    for node in nodes(source):
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            text = ast.get_source_segment(source, node)
            other = repr(other_number(node.value))
            what = f"{other} for {text} in `{line_of(source, node)}`"
            yield Change(what, replaced(source, node, other))


def with_each_operator_changed(source: str) -> Iterator[Change]:
    """Turn each comparison, each ``and`` and ``or``, each ``not``, each True and False."""
    for node in nodes(source):
        match node:
            case ast.Compare(ops=[operator], left=left, comparators=[right]):
                old, new = COMPARISONS[type(operator)]
                changed = between(source, left, right, old, new)
            case ast.BoolOp(op=operator, values=[left, right, *_]):
                old, new = ("and", "or") if isinstance(operator, ast.And) else ("or", "and")
                changed = between(source, left, right, old, new)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                old, new = "not", "bool"
                changed = replaced(source, node, f"bool({ast.get_source_segment(source, operand)})")
            case ast.Constant(value=bool(value)):
                old, new = str(value), str(not value)
                changed = replaced(source, node, new)
            case _:
                continue
        yield Change(f"`{new}` for `{old}` in `{line_of(source, node)}`", changed)


def with_each_public_function_lying(source: str) -> Iterator[Change]:
    """Let each public function or method return a constant at once.

    One that is declared to return a bool returns True, then False; any other returns None.
    """
    for node in nodes(source):
        if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
            continue
        first = first_statement(node)
        if first is None:
            continue
        is_bool = isinstance(node.returns, ast.Name) and node.returns.id == "bool"
        for answer in ["True", "False"] if is_bool else ["None"]:
            # The rest of the body stays, so that a generator remains one, and yields nothing.
            lines = source.split("\n")
            lines.insert(first.lineno - 1, f"{' ' * first.col_offset}return {answer}")
            yield Change(f"{node.name} returns {answer}", "\n".join(lines))


def accepting_anything(source: str) -> Iterator[Change]:
    """Weaken the check of an exercise.

    It is a function, and each of its conditions finds another thing that may be wrong.
    """
    for node in nodes(source):
        match node:
            case ast.FunctionDef(name=name) if name.startswith("check_"):
                for test in conditions(node):
                    what = f"{name} accepts what `{first_line(source, test)}` refuses"
                    yield Change(what, replaced(source, test, "False"))
                first = first_statement(node)
                if first is not None:
                    yield Change(f"{name} returns None", replaced(source, first, "return None"))


def conditions(function: ast.FunctionDef) -> list[ast.expr]:
    """The conditions of the ``if`` statements in a function, each part of an ``or`` by itself."""
    found = []
    for node in ast.walk(function):
        if isinstance(node, ast.If):
            is_or = isinstance(node.test, ast.BoolOp) and isinstance(node.test.op, ast.Or)
            found += node.test.values if is_or else [node.test]
    return found


def nodes(source: str) -> list[ast.AST]:
    """Every node of the source in its order, but none within an f-string: those have no place."""
    found: list[ast.AST] = []
    waiting: list[ast.AST] = [ast.parse(source)]
    while waiting:
        node = waiting.pop()
        found.append(node)
        if not isinstance(node, ast.JoinedStr):
            waiting.extend(reversed(list(ast.iter_child_nodes(node))))
    return found


def is_text(node: ast.AST) -> bool:
    """Tell whether it is a docstring or another statement that is only a text."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def first_statement(node: ast.FunctionDef) -> ast.stmt | None:
    """The first statement of its body that is no docstring, if there is one."""
    return next((statement for statement in node.body if not is_text(statement)), None)


def other_number(value: float) -> float:
    """Another number of the same type, and not near it."""
    is_small = isinstance(value, int) and value < SMALL
    if is_small:
        return value + 1
    return value * 2 if value else 0.5


def span(source: str, node: ast.AST) -> tuple[int, int]:
    """Where the node begins and ends, in bytes of the source in UTF-8, as `ast` counts."""
    starts = [0]
    for line in source.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return (
        starts[node.lineno - 1] + node.col_offset,
        starts[node.end_lineno - 1] + node.end_col_offset,
    )


def replaced(source: str, node: ast.AST, text: str) -> str:
    """The source with another text in the node's place."""
    begin, end = span(source, node)
    data = source.encode()
    return (data[:begin] + text.encode() + data[end:]).decode()


def between(source: str, left: ast.AST, right: ast.AST, old: str, new: str) -> str:
    """The source with another operator between two nodes."""
    data = source.encode()
    begin, end = span(source, left)[1], span(source, right)[0]
    middle = data[begin:end].replace(old.encode(), new.encode(), 1)
    return (data[:begin] + middle + data[end:]).decode()


def first_line(source: str, node: ast.AST) -> str:
    """The node's first line, shortened."""
    return shortened(ast.get_source_segment(source, node).split("\n")[0])


def line_of(source: str, node: ast.AST) -> str:
    """The line in which the node begins, shortened."""
    return shortened(source.split("\n")[node.lineno - 1].strip())


def shortened(line: str) -> str:
    """The line, or its beginning and ``…``."""
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
