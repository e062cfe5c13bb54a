"""Proofs: equality to the last bit, expected errors and log lines as one line each."""

import doctest
import hashlib
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def prove(module):
    return module("helpers.prove")


def test_same_values_is_exact(prove, tf):
    one = {"a": tf.Variable([1.0, np.nan]), "b": [np.int64(3)]}
    assert prove.same_values(one, {"a": np.array([1.0, np.nan], "float32"), "b": [np.int64(3)]})
    base = np.array([1.0, 0.0], "float32")
    for other in [
        np.nextafter(base, np.float32(2)),
        np.array([1.0, -0.0], "float32"),
        base.astype("float64"),
        base.reshape(2, 1),
        [base],
        [base, base],
    ]:
        assert not prove.same_values(base, other)
    assert not prove.same_values([base], [base, base])
    assert not prove.same_values({"a": base}, {"b": base})
    same_bytes = np.zeros(2, "int32"), np.zeros(2, "float32")
    assert not prove.same_values(*same_bytes), "only their dtype tells them apart"


def test_same_values_compares_texts(prove, tf):
    assert prove.same_values(tf.constant(["ab", "c"]), tf.constant(["ab", "c"]))
    assert not prove.same_values(tf.constant(["ab", "c"]), tf.constant(["ab", "d"]))


def test_the_hash_is_that_of_all_bytes(prove, tmp_path):
    path = tmp_path / "some.bin"
    data = bytes(range(256)) * 5000  # more than one block of a reader
    path.write_bytes(data)
    assert prove.compute_sha256(path) == hashlib.sha256(data).hexdigest()


def test_a_file_with_other_bytes_is_refused_in_one_line(prove, tmp_path):
    path = tmp_path / "some.bin"
    path.write_bytes(b"good")
    published = hashlib.sha256(b"good").hexdigest()
    prove.refuse_other_bytes(path, published, "get it again")
    path.write_bytes(b"bad")
    found = hashlib.sha256(b"bad").hexdigest()
    line = f"some.bin: SHA-256 is {found[:12]}…, published is {published[:12]}…: do not load it"
    with pytest.raises(ValueError, match=f"^{line}, get it again$"):
        prove.refuse_other_bytes(path, published, "get it again")


def test_expect_error_prints_one_line_and_hides_the_path(prove, course, capsys):
    with prove.expect_error(ValueError, containing="second"):
        raise ValueError(f"first\n  second in {course / 'runs' / '01_save'}\nthird")
    assert capsys.readouterr().out == "ValueError: second in …/runs/01_save\n"


@pytest.mark.parametrize("place", ["runs", "home/of a learner"])
def test_paths_are_printed_as_if_runs_lay_in_the_course(
    prove, module, course, monkeypatch, capsys, place
):
    monkeypatch.setenv("COURSE_RUNS", str(course / Path(place)))
    run = module("helpers.runs").new_run("01_save")
    with prove.expect_error(ValueError):
        raise ValueError(f"{run / 'a' / 'b'}, {run.resolve() / 'c'}, {course / 'notebooks' / 'd'}")
    name = f"runs/01_save/{run.name}"
    expected = f"ValueError: ../{name}/a/b, …/{name}/c, …/notebooks/d\n"
    assert capsys.readouterr().out == expected


def test_words_that_are_no_paths_of_the_course_are_left_alone(prove, course, monkeypatch, capsys):
    monkeypatch.chdir(course)  # from here the folder for runs is "runs"
    with prove.expect_error(ValueError):
        raise ValueError(r"two runs, 1/2, a\b, /elsewhere/runs/x")
    assert capsys.readouterr().out == "ValueError: two runs, 1/2, a\\b, /elsewhere/runs/x\n"


def test_expect_error_fails_if_none_comes_or_another(prove):
    with pytest.raises(AssertionError, match="expected ValueError, but nothing was raised"):
        with prove.expect_error(ValueError):
            pass
    with pytest.raises(AssertionError, match="with 'x', but got: y"):
        with prove.expect_error(ValueError, containing="x"):
            raise ValueError("y")
    with prove.expect_error(ValueError):
        raise ValueError
    with pytest.raises(KeyError), prove.expect_error(ValueError):
        raise KeyError("z")


@pytest.fixture
def check_sum(prove):
    @prove.exercise
    def check_sum(number: int, name: str = "twelve"):
        if number == 99:
            raise KeyError("a fault\nof the learner's own function")
        if number == 98:
            raise SystemExit("an answer that ends the program")
        if number != 12:
            return f"4 + 8 is not\n{number}"
        return None

    return check_sum


@pytest.mark.parametrize(
    ("answers", "line"),
    [
        ((12, "twelve"), "right"),
        ((12,), "not yet: check_sum takes 2 answers, found 1"),
        ((12, "twelve", 3), "not yet: check_sum takes 2 answers, found 3"),
        ((..., "twelve"), "not answered yet"),
        ((13, ...), "not answered yet"),
        ((13, "twelve"), "not yet: 4 + 8 is not 13"),
        ((None, "twelve"), "not yet: number should be of type int, found None"),
        ((12, 12), "not yet: name should be of type str, found 12"),
        (("a" * 400, "twelve"), f"not yet: number should be of type int, found '{'a' * 158}…"),
        (
            (99, "twelve"),
            'not yet: the check met KeyError: "a fault\\nof the learner\'s own function"',
        ),
        ((98, "twelve"), "not yet: the check met SystemExit: an answer that ends the program"),
    ],
)
def test_an_exercise_prints_one_line_about_the_answers(check_sum, capsys, answers, line):
    check_sum(*answers)
    assert capsys.readouterr().out == f"{line}\n"


def test_an_exercise_takes_a_choice_of_types_and_arrays(prove, tf, capsys):
    @prove.exercise
    def check(value: int | float, array):
        return None if value == 1 and bool((array == 1).all()) else "no"

    check(1.0, tf.ones(3).numpy())
    check("1", tf.ones(3).numpy())
    assert (
        capsys.readouterr().out
        == "right\nnot yet: value should be of type int | float, found '1'\n"
    )


def test_the_example_of_an_exercise_is_true(prove, capsys):
    found = doctest.DocTestFinder().find(prove.exercise, globs={"exercise": prove.exercise})
    results = [doctest.DocTestRunner().run(example) for example in found]
    assert [result.failed for result in results] == [0]
    assert results[0].attempted == 5


def test_expect_error_goes_on_where_a_line_ends_in_a_colon(prove, capsys):
    with prove.expect_error(ValueError):
        raise ValueError("these were not restored:\n    one\n    two")
    assert capsys.readouterr().out == "ValueError: these were not restored: one two\n"
    with prove.expect_error(ValueError, containing="second"):
        raise ValueError("first:\nsecond\nthird")
    assert capsys.readouterr().out == "ValueError: second\n"
    with prove.expect_error(ValueError):
        raise ValueError("many:\n" + "word " * 100)
    assert len(capsys.readouterr().out) == len("ValueError: \n") + 160
