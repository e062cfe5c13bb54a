"""Each restore of a checkpoint is followed by an assertion: the first lesson of the course.

``expect_partial`` asserts nothing, so it does not count. A `Saver` is left aside, because it raises
an error by itself if its file lacks something.
"""

import ast
from typing import NamedTuple

ASSERTIONS = {"assert_consumed", "assert_existing_objects_matched", "assert_nontrivial_match"}
RESTORING = {"restore", "read"}
# A file in a zip and a file of text are read too, and a `Saver` restores in a session.
FILES = {"archive", "file"}
SESSION = "session"


class Unasserted(NamedTuple):
    """A restore without an assertion: where it stands, and why none is needed."""

    notebook: str
    cell: str
    call: str
    reason: str = ""

    @property
    def place(self):
        return self.notebook, self.cell, self.call


def unasserted_restores(book):
    """Return the restores of a notebook that no assertion follows."""
    found = []
    for cell in book.code:
        tree = ast.parse(cell.source)
        asserted = _asserted_calls(tree) | _calls_asserted_by_name(tree)
        for node in _restores_in(tree):
            if node not in asserted:
                found.append(Unasserted(book.name, cell.id, ast.unparse(node)))
    return found


def _restores_in(tree):
    """Return the calls that restore a checkpoint, in their order."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    methods = [node for node in calls if isinstance(node.func, ast.Attribute)]
    return [node for node in methods if node.func.attr in RESTORING and _is_of_checkpoint(node)]


def _is_of_checkpoint(call):
    names = {node.id for node in [call.func.value, *call.args] if isinstance(node, ast.Name)}
    has_a_prefix = call.args or call.keywords
    return bool(has_a_prefix) and not names & {*FILES, SESSION}


def _asserted_calls(tree):
    """Return the calls whose value an assertion is taken of, in the same expression."""
    return {node.value for node in _assertions_in(tree) if isinstance(node.value, ast.Call)}


def _calls_asserted_by_name(tree):
    """Return the calls whose value gets a name, of which an assertion is taken below."""
    assertions = [node for node in _assertions_in(tree) if isinstance(node.value, ast.Name)]
    assignments = [node for node in ast.walk(tree) if isinstance(node, ast.Assign)]
    named = {}
    for node in assignments:
        for target in node.targets:
            if isinstance(target, ast.Name):
                named[target.id, node.lineno] = node.value
    found = set()
    for assertion in assertions:
        status = assertion.value.id
        above = [line for name, line in named if name == status and line < assertion.lineno]
        if above:
            found.add(named[status, max(above)])
    return found


def _assertions_in(tree):
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    return [node for node in nodes if node.attr in ASSERTIONS]
