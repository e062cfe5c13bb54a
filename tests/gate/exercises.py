"""The exercises of a notebook: what they ask, and the answers that they refuse or accept.

An exercise is a check (a function ``check_…`` in a cell with the tag ``check``), an answer cell
whose last line calls it, and a solution that calls it too.
"""

import ast
import tomllib
from pathlib import Path
from typing import NamedTuple

UNANSWERED = "not answered yet"
REFUSED = "not yet: "
ACCEPTED = "right"
# No exercise asks for one of these, so each check has to refuse them, in one line.
WRONG_TYPES = ["None", "'no such answer'", "object()"]


class Answer(NamedTuple):
    """An answer to a check, and how the check has to react.

    Attributes:
        check: the check's name.
        arguments: the answer as Python text.
        setup: lines that run before.
        expected: how the line that is printed begins if the answer is wrong, else all of it.
        hint: a part of that line, so that each reason of a check has an answer that needs it.
    """

    check: str
    arguments: str
    setup: str = ""
    expected: str = REFUSED
    hint: str = ""

    @property
    def call(self):
        return f"{self.check}({self.arguments})"

    @property
    def source(self):
        return f"{self.setup}\n{self.call}".strip()


def tags_of(cell):
    return set(cell.metadata.get("tags", []))


def checks_defined_in(source):
    """Return the names of the check functions that a cell defines."""
    functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    return [node.name for node in functions if node.name.startswith("check_")]


def calls_of_checks(source):
    """Return the calls ``check_…(…)`` in a cell as syntax trees, in their order."""
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    named = [node for node in nodes if isinstance(node.func, ast.Name)]
    return [node for node in named if node.func.id.startswith("check_")]


def final_check(source):
    """Return the call of a check that is the last line of a cell, or None."""
    body = ast.parse(source).body
    if not body or not isinstance(body[-1], ast.Expr):
        return None
    calls = calls_of_checks(ast.unparse(body[-1]))
    is_the_whole_line = len(calls) == 1 and ast.unparse(calls[0]) == ast.unparse(body[-1])
    return calls[0] if is_the_whole_line else None


def stated_wrong_answers(folder, name):
    """Return the wrong answers that a notebook's table states: a list for each check.

    Args:
        folder: that of the tables, one for each notebook.
        name: the notebook's, without its ending.
    """
    found = {}
    for entry in _table(folder, name).get("wrong", []):
        answer = _answer(entry, REFUSED)
        found.setdefault(answer.check, []).append(answer)
    return found


def stated_right_answers(folder, name):
    """Return the right answers that a notebook's table states, beside its solutions.

    Args:
        folder: that of the tables, one for each notebook.
        name: the notebook's, without its ending.
    """
    return [_answer(entry, ACCEPTED) for entry in _table(folder, name).get("right", [])]


def _table(folder, name):
    path = Path(folder, f"{name}.toml")
    if not path.exists():
        return {}
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _answer(entry, expected):
    arguments = ", ".join(entry["answers"])
    setup, hint = entry.get("setup", ""), entry.get("hint", "")
    return Answer(entry["check"], arguments, setup, expected, hint)


def wrong_answers(notebook, stated):
    """Return the wrong answers to try in a notebook: those of every check, and those stated."""
    found = []
    for cell in notebook.cells:
        if "answer" not in tags_of(cell):
            continue
        call = final_check(cell.source)
        if call is None:  # which a house rule refuses
            continue
        check = call.func.id
        number = len(call.args)
        found.append(Answer(check, ", ".join(["..."] * number), expected=UNANSWERED))
        for value in WRONG_TYPES:
            found.append(Answer(check, ", ".join([value] * number)))
        found += stated.get(check, [])
    return found


def fault_of(answer, outputs):
    """Say what is wrong with the reaction to an answer, or nothing.

    Args:
        answer: the answer.
        outputs: those of its call, as `Kernel.run` returns them.
    """
    printed = "".join(output.text for output in outputs if output.get("name") == "stdout")
    errors = [f"{output.ename}: {output.evalue}" for output in outputs if "ename" in output]
    others = [output for output in outputs if output.get("name") != "stdout"]
    is_one_line = printed.count("\n") == 1 and printed.endswith("\n")
    if answer.expected == REFUSED:
        is_expected = printed.startswith(REFUSED) and len(printed.strip()) > len(REFUSED)
    else:
        is_expected = printed == f"{answer.expected}\n"
    is_as_expected = is_one_line and is_expected and not others
    if is_as_expected and answer.hint in printed:
        return None
    if is_as_expected:
        return f"{answer.call} gives {printed!r}, which does not say {answer.hint!r}"
    reaction = errors or printed or others or "nothing"
    wanted = "one line that starts with" if answer.expected == REFUSED else "the line"
    return f"{answer.call} gives {reaction!r}, not {wanted} {answer.expected!r}"
