"""What the text of an exercise names stands in its own cells, so that a learner can succeed.

These are names in code type, keywords with their values, names of errors, and numbers. The cells of
an exercise are its program, its check, its answer and its solution, with what they print.
"""

import ast
import re
import tomllib
from pathlib import Path
from typing import NamedTuple

from tests.api_index import CODE_SPAN
from tests.gate import exercises, prose

# The first paragraph under the heading is the same in all notebooks.
UP_TO_THE_FIRST = re.compile(r".*^## Your turn\n\n[^\n]+", re.MULTILINE | re.DOTALL)
PROGRAM = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^]]*\]\([^)]*\)")
NOTEBOOK = re.compile(r"(?<![\d.,])0\d\b(?!\.\d)")  # "as 02 showed"
WORD = re.compile(r"[A-Za-z_]\w*")
NUMBER = re.compile(r"(?<![\w.\\/-])\d+(?:\.\d+)?(?!\w)")
ERROR = re.compile(r"\b[A-Z]\w*(?:Error|Exception)\b|\bStop(?:Async)?Iteration\b")


class Exercise(NamedTuple):
    """An exercise.

    Attributes:
        notebook: the name of its notebook.
        check: the name of its check.
        text: what it asks, and its hints.
        programs: those that stand in its text.
        code: its cells of code.
    """

    notebook: str
    check: str
    text: str
    programs: list
    code: list


class Unknown(NamedTuple):
    """A word of an exercise's text that its cells do not have, and why it may stand there."""

    notebook: str
    check: str
    word: str
    reason: str = ""

    @property
    def place(self):
        return self.notebook, self.check, self.word


def read_reasons(path):
    """Read the table of reasons."""
    table = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    found = []
    for entry in table["words"]:
        for word in entry["words"]:
            found.append(Unknown(entry["notebook"], entry["check"], word, entry["reason"]))
    return found


def exercises_of(book):
    """Return the exercises of a notebook. Each ends with its solution."""
    found = []
    texts, code = [], []
    for cell in book.exercise_cells():
        if cell.cell_type == "markdown":
            texts.append(UP_TO_THE_FIRST.sub("", cell.source))
            continue
        code.append(cell)
        if "solution" in exercises.tags_of(cell):
            check = exercises.final_check(cell.source).func.id
            text = "\n\n".join(texts)
            programs = PROGRAM.findall(text)
            found.append(Exercise(book.name, check, PROGRAM.sub("", text), programs, code))
            texts, code = [], []
    return found


def unknown_words(exercise):
    """Return what the text of an exercise names and its cells do not have: each once."""
    spans = CODE_SPAN.findall(exercise.text)
    names, values = _known_to(exercise)
    asked = [word for span in spans for word in WORD.findall(span)]
    asked += ERROR.findall(exercise.text)
    unknown = [word for word in asked if word not in names]
    unknown += [value for span in spans for value in _values_in_span(span) if value not in values]
    unknown += _unknown_numbers(exercise)
    return [Unknown(exercise.notebook, exercise.check, word) for word in dict.fromkeys(unknown)]


def unnamed_errors(exercise):
    """Return the errors that a check asks for and the text does not name."""
    checks = [cell.source for cell in exercise.code if "check" in exercises.tags_of(cell)]
    asked = set(ERROR.findall("\n".join(checks)))
    return sorted(asked - set(ERROR.findall(exercise.text)))


def _unknown_numbers(exercise):
    shown = prose.numbers_shown_in("\n".join([prose.evidence(exercise), *exercise.programs]))
    text = NOTEBOOK.sub(" ", LINK.sub(" ", exercise.text))
    return [number for number in NUMBER.findall(text) if float(number) not in shown]


def _known_to(exercise):
    """Return the names in the cells of an exercise, and the keywords with their values."""
    names, values = set(), set()
    for source in [*exercise.programs, *[cell.source for cell in exercise.code]]:
        for node in ast.walk(ast.parse(source)):
            names |= _names_of(node)
            values |= _values_of(node)
    for cell in exercise.code:
        for output in cell.outputs:
            names |= set(WORD.findall(output.get("text", "")))
    return names, values


def _names_of(node):
    """Return the names that a part of a program has by itself."""
    match node:
        case ast.Name(name) | ast.arg(name) | ast.FunctionDef(name) | ast.ClassDef(name):
            return {name}
        case ast.Attribute(attr=name) | ast.keyword(arg=str(name)):
            return {name}
        case ast.alias(name):
            return set(name.split("."))
        case ast.Constant(str(text)) if " " not in text:  # a key or a path
            return set(WORD.findall(text))
        case ast.Constant(str(text)):  # a message
            return set(ERROR.findall(text))
        case ast.Constant(value):
            return {repr(value)}
    return set()


def _values_of(node):
    """Return ``seed=7`` of a call, and the same of a dictionary and of an assignment."""
    match node:
        case ast.keyword(str(name), ast.Constant(value)):
            return {f"{name}={value!r}"}
        case ast.Assign([ast.Name(name) | ast.Attribute(attr=name)], ast.Constant(value)):
            return {f"{name}={value!r}"}
        case ast.Dict(keys, values):
            pairs = zip(keys, values, strict=True)
            written = [pair for pair in pairs if isinstance(pair[0], ast.Constant)]
            keywords = [ast.keyword(key.value, value) for key, value in written]
            return set().union(*[_values_of(keyword) for keyword in keywords])
    return set()


def _values_in_span(span):
    """Return the keywords to which a text gives a value: ``seed=7``, but not ``model=...``."""
    try:
        nodes = ast.walk(ast.parse(span))
    except SyntaxError:
        return []
    found = set().union(*[_values_of(node) for node in nodes])
    return sorted(value for value in found if not value.endswith("=Ellipsis"))
