"""Points ask the checks as they were before the answers, and give 1 or 0."""

import math
import sys
import types
from pathlib import Path

import pytest


@pytest.fixture
def points(module, monkeypatch):
    module = module("helpers.classroom.points")
    for name in ["_checks", "_imported"]:
        monkeypatch.setattr(module, name, {})
    monkeypatch.setattr(module, "_originals", [])
    return module


@pytest.fixture
def notebook(points):
    """The names of a notebook with a check and a function that it calls."""
    names = {"__name__": "__main__"}
    source = """
import math
from helpers.prove import exercise, same_values

right = 12.0

def doubled(number):
    return 2 * number

@exercise
def check_sum(number: float):
    if not same_values(doubled(number), 2 * right):
        return f"4 + 8 is not {number}"

@exercise
def check_root(number: float):
    if math.sqrt(number) != 3.0:
        return "that is no root"
"""
    exec(source, names)
    points.remember(names, ["doubled", "check_sum", "check_root"])
    return names


def test_a_point_is_given_for_what_is_right(points, notebook):
    assert points.point("check_sum", 12.0) == 1
    assert points.point("check_sum", 13.0) == 0
    assert points.point("check_sum", ...) == 0


def test_the_line_of_the_check_is_returned_and_not_printed(points, notebook, capsys):
    assert points.judge("check_sum", 13.0) == "not yet: 4 + 8 is not 13.0"
    assert points.judge("check_sum", "x").startswith("not yet: number should be of type float")
    assert points.judge("check_sum", ...) == "not answered yet"
    assert points.judge("check_sum", 12.0) == "right"
    assert capsys.readouterr() == ("", "")


def test_what_an_answer_prints_is_no_verdict(points):
    names = {"__name__": "__main__"}
    source = """
from helpers.prove import exercise

@exercise
def check_call(function):
    function()
    return "never right"
"""
    exec(source, names)
    points.remember(names, ["check_call"])
    assert points.judge("check_call", lambda: print("right")) == "not yet: never right"


@pytest.mark.parametrize(
    "cheat",
    [
        "check_sum = lambda *answers: print('right')",
        "exercise = lambda check: (lambda *answers: print('right'))",
        "same_values = lambda *pair: True",
        "doubled = lambda number: 24.0",
        "import helpers.prove\nhelpers.prove.same_values = lambda *pair: True",
    ],
)
def test_what_an_answer_puts_in_the_place_of_a_function_does_not_count(
    points, notebook, cheat, monkeypatch, module
):
    prove = module("helpers.prove")
    monkeypatch.setattr(prove, "same_values", prove.same_values)  # put back at the end
    exec(cheat, notebook)
    assert points.point("check_sum", 13.0) == 0
    assert points.point("check_sum", 12.0) == 1


def test_a_later_check_is_defined_with_what_was_imported(points, notebook, monkeypatch):
    notebook["exercise"] = lambda check: lambda number: None
    monkeypatch.setattr(math, "sqrt", lambda number: 3.0)
    points.restore(notebook)
    assert math.sqrt(4.0) == 2.0
    later = "@exercise\ndef check_later(number: float):\n    return 'always wrong'"
    exec(later, notebook)
    points.remember(notebook, ["check_later"])
    assert points.judge("check_later", 1.0) == "not yet: always wrong"


def test_a_function_of_a_module_is_put_back(points, notebook, monkeypatch):
    monkeypatch.setattr(math, "sqrt", lambda number: 3.0)
    assert points.point("check_root", 16.0) == 0
    assert points.point("check_root", 9.0) == 1


@pytest.mark.parametrize("name", ["read_text", "with_stem"])
def test_a_method_of_a_path_is_put_back_also_where_it_is_inherited(
    points, notebook, name, monkeypatch
):
    original = getattr(Path, name)
    monkeypatch.setattr(Path, name, lambda *answers: "anything")
    assert points.point("check_sum", 12.0) == 1
    assert getattr(Path, name) is original


def test_the_answers_of_a_notebook_are_seen_as_they_are_now(points, notebook):
    notebook["right"] = 13.0
    assert points.point("check_sum", 13.0) == 1


def test_an_import_is_remembered_as_it_was_first(points, notebook):
    notebook["same_values"] = math.isclose
    points.remember(notebook, ["check_root"])
    assert points.point("check_sum", 12.0 + 1e-12) == 0


def test_a_check_that_nobody_remembers_is_named(points):
    with pytest.raises(RuntimeError, match="nobody remembers check_sum: run all cells"):
        points.judge("check_sum", 12)


def test_a_module_that_is_not_loaded_yet_is_left_alone(points):
    class Lazy(types.ModuleType):
        def __getattr__(self, name):
            raise AttributeError(name)

    lazy = Lazy("keras.lazy")
    del lazy.__dict__["__name__"]
    points.remember({"lazy": lazy, "sys": sys}, [])
    assert points.point  # nothing was raised
