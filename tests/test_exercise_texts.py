"""What the text of an exercise names is what its check and its solution have."""

from pathlib import Path

from tests.books import BOOKS
from tests.gate import exercise_texts, exercises, reasons
from tests.gate.rules import Book

import pytest
from nbformat import v4

COURSE = Path(__file__).parent.parent
REASONS = exercise_texts.read_reasons(COURSE / "tests" / "exercise_texts.toml")

ADVICE = "the text names what no cell of its exercise has, or say in tests/exercise_texts.toml why:"


def unknown_words(book):
    found = exercise_texts.exercises_of(book)
    return [word for exercise in found for word in exercise_texts.unknown_words(exercise)]


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.name)
def test_what_an_exercise_names_is_in_its_cells(book):
    unknown = reasons.without_reason(unknown_words(book), REASONS)
    assert not unknown, "\n".join([ADVICE, *[f"{word.check}: {word.word}" for word in unknown]])


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.name)
def test_an_exercise_names_each_error_that_its_check_asks_for(book):
    for exercise in exercise_texts.exercises_of(book):
        assert not exercise_texts.unnamed_errors(exercise), exercise.check


def test_every_reason_is_needed():
    words = [word for book in BOOKS for word in unknown_words(book)]
    assert reasons.unused_reasons(words, REASONS) == []


def test_every_exercise_is_read():
    number = sum(len(exercise_texts.exercises_of(book)) for book in BOOKS)
    cells = [cell for book in BOOKS for cell in book.code]
    answers = [cell for cell in cells if "answer" in exercises.tags_of(cell)]
    assert number == len(answers) > 50


# The rules themselves

PROGRAM = "print(keras.Sequential(), 24)"
CHECK = """
# Check
def check_make(bring):
    if bring(seed=7)["digit"] != 3:
        return "it has wrong digits"
    if raised(bring) != "FileNotFoundError":
        return "a wrong path raises no ValueError"
"""
SOLUTION = """
# Solution
def bring_all(path, seed):
    options = {"shuffle": False}
    model.trainable = True
    return [f"layer_with_weights-{number}" for number in range(2)]

check_make(bring_all)
"""


@pytest.fixture
def exercise(tmp_path):
    """Make a notebook with one exercise of a text, and return the exercise."""

    def make(text, before="## Your turn\n\nReplace each `ellipsis` in 99 cells.\n\n"):
        program, check = v4.new_code_cell(PROGRAM), v4.new_code_cell(CHECK)
        program.outputs = [v4.new_output("stream", name="stdout", text="intact: 0.5\n")]
        answer = v4.new_code_cell("bring = ...\n\ncheck_make(bring)")
        solution = v4.new_code_cell(SOLUTION)
        check.metadata["tags"] = ["check"]
        answer.metadata["tags"] = ["answer"]
        solution.metadata["tags"] = ["solution"]
        prose = v4.new_markdown_cell(before + text)
        notebook = v4.new_notebook(cells=[prose, program, check, answer, solution])
        path = tmp_path / "01_save.ipynb"
        path.write_text(v4.writes(notebook), encoding="utf-8")
        [made] = exercise_texts.exercises_of(Book(path, {}))
        return made

    return make


@pytest.mark.parametrize(
    "text",
    [
        "Write `bring(path, seed)` with `seed=7`, `shuffle=False` and `trainable=True`.",
        'The key `"digit"`, a `FileNotFoundError`, a ValueError, `layer_with_weights-0`.',
        "Use `keras.Sequential()` 24 times, as `print` does in 02.",
        "It prints `intact: 0.5`, and [18: Look first](18_trust.ipynb) 3 times.",
        "```python\nhunted.load(99)\n```\n\nRepair `hunted`, which is loaded with 99.",
    ],
)
def test_what_the_cells_have_passes(exercise, text):
    assert exercise_texts.unknown_words(exercise(text)) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The key `digits`.", ["digits"]),
        ("It raises a `NotFoundError`.", ["NotFoundError"]),
        ("It raises a RuntimeError.", ["RuntimeError"]),
        ("Use `seed=8`.", ["seed=8", "8"]),
        ("Use `bring(path, shuffle=True)`.", ["shuffle=True"]),
        ("The names `layer_with_weight-0`.", ["layer_with_weight"]),
        ("Go on up to step 12, with 3 kept.", ["12"]),
    ],
)
def test_what_no_cell_has_is_noticed(exercise, text, words):
    assert [word.word for word in exercise_texts.unknown_words(exercise(text))] == words


def test_an_error_that_the_text_leaves_out_is_noticed(exercise):
    named = "It raises a `ValueError`"
    assert exercise_texts.unnamed_errors(exercise(named)) == ["FileNotFoundError"]
    assert exercise_texts.unnamed_errors(exercise(f"{named}, or a `FileNotFoundError`.")) == []


def test_a_reason_is_for_one_word_of_one_exercise(exercise):
    words = exercise_texts.unknown_words(exercise("`these` and `those`"))
    reason = exercise_texts.Unknown("01_save", "check_make", "these", "an example")
    [left] = reasons.without_reason(words, [reason])
    assert left.word == "those"
    other = reason._replace(check="check_bug")
    assert reasons.without_reason(words, [other]) == words
    assert reasons.unused_reasons(words, [reason, other]) == [other]
