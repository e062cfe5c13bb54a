"""Numbers in prose: no sentence states a number that its notebook does not show."""

from pathlib import Path

from tests.books import BOOKS, made_book
from tests.gate import prose, reasons

import pytest
from nbformat import v4

COURSE = Path(__file__).parent.parent
README = (COURSE / "README.md").read_text(encoding="utf-8")
REASONS = reasons.read_reasons(COURSE / "tests" / "numbers_in_prose.toml", prose.Reason)
ROWS = [line for line in README.splitlines() if "](notebooks/" in line and line.startswith("| ")]
TEXTS = {
    # The README's table of notebooks is tested by itself.
    "README": "\n".join(line for line in README.splitlines() if line not in ROWS),
    "glossary": (COURSE / "notebooks" / "glossary.md").read_text(encoding="utf-8"),
}

ADVICE = "print these numbers beside the text, or say in tests/numbers_in_prose.toml why not:"


def in_notebook(book):
    """Return the numbers of a notebook's text that it does not show, each with its name."""
    return [(book.name, number) for number in prose.unsupported_numbers(book)]


def in_text(name):
    """Return the numbers of a text without outputs, each with its name."""
    return [(name, number) for number in prose.numbers_in(TEXTS[name])]


def words_of(numbers):
    return [f"{number.words}: … {number.around} …" for number in numbers]


def assert_all_have_a_reason(found):
    missing = reasons.without_reason(found, REASONS, prose.is_for)
    assert not missing, "\n".join([ADVICE, *words_of(number for _, number in missing)])


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.name)
def test_numbers_in_a_notebooks_prose_are_shown_in_it(book):
    assert_all_have_a_reason(in_notebook(book))


@pytest.mark.parametrize("name", TEXTS)
def test_numbers_in_a_text_without_outputs_have_a_reason(name):
    assert_all_have_a_reason(in_text(name))


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.name)
def test_what_the_readme_promises_of_a_notebook_is_in_it(book):
    [row] = [row for row in ROWS if f"(notebooks/{book.name}.ipynb)" in row]
    promise = row.split("|")[3]
    text = prose.evidence(book) + "\n".join(cell.source for cell in book.prose)
    shown = prose.numbers_shown_in(text)
    missing = [number for number in prose.numbers_in(promise) if not prose.is_shown(number, shown)]
    assert not missing, words_of(missing)


def test_every_reason_is_needed():
    found = [number for book in BOOKS for number in in_notebook(book)]
    found += [number for name in TEXTS for number in in_text(name)]
    assert reasons.unused_reasons(found, REASONS, prose.is_for) == []


# The rules themselves


@pytest.mark.parametrize(
    ("text", "source", "printed"),
    [
        ("We see 24.", "print(answer)", "24.0\n"),
        ("It takes 1,500 bytes.", "print(size)", "1500\n"),
        ("It takes 1500 bytes.", "print(size)", "1,500 bytes\n"),
        ("We get 77 % right.", "print(accuracy)", "77% right\n"),
        ("We get 77 % right.", "print(accuracy)", "0.77\n"),
        ("After twenty steps.", "for step in range(20): ...", ""),
        ("After every fifth step.", "train(every=5)", ""),
        ("Images of 28 by 28 pixels.", "print(shape)", "28x28\n"),
        ("Step 1000 is in the name.", "print(prefix)", "model-1000\n"),
        ("Three files and 4 bytes.", "", ""),
    ],
)
def test_a_number_that_is_shown_passes(tmp_path, text, source, printed):
    assert prose.unsupported_numbers(made_book(tmp_path, text, source, printed)) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("We see 25.", "25"),
        ("We see 24 and 2,400.", "2,400"),
        ("A loss of 0.24 remains.", "0.24"),
        ("We get 24 % right.", "24 %"),
        ("Only 7 percent are wrong.", "7 percent"),
        ("Eleven of them fail.", "Eleven"),
        ("It saves every seventh step.", "seventh"),
        ("| works | 36 |", "36"),
        ("13 and 17 give 60.", "60"),
    ],
)
def test_a_number_that_is_not_shown_is_noticed(tmp_path, text, words):
    found = prose.unsupported_numbers(made_book(tmp_path, text, "x = 13 + 17", "240\n"))
    if words == "2,400":
        assert [number.words for number in found] == ["24", "2,400"]
    else:
        assert [number.words for number in found] == [words]


def test_a_number_in_a_figure_is_shown_where_a_reader_sees_it(tmp_path):
    book = made_book(tmp_path, "We see 34 kB in 99 points.", "plt.show()", "")
    axes = {"texts": ["weights"], "legend": ["#000000 weights: 34 kB"], "series": [{"points": 99}]}
    facts = {"texts": [], "legend": [], "axes": [axes]}
    shown = v4.new_output("display_data", data={}, metadata={"figure": facts})
    book.code[0].outputs = [shown]
    assert [number.words for number in prose.unsupported_numbers(book)] == ["99"]


@pytest.mark.parametrize(
    "text",
    [
        "In `ckpt-1000` and\n\n```\n1000 steps\n```",
        "[12: Look first](18_trust.ipynb), [10](14_resume.ipynb), [a paper](https://a.org/1508)",
        "As 02 showed.",
        "Gatys 2015, TensorFlow 2.21, Python 3.12 and 3.13, version 2.21.0, CC BY 2.0",
        "*15 minutes to read, 20 for the exercises, 8 seconds to run.*",
        "10. The last step",
        "float32, int8, 28x28, w10",
    ],
)
def test_links_names_versions_and_years_state_nothing(text):
    assert prose.numbers_in(text) == []


def test_a_reason_is_for_one_number_in_its_words():
    of_trials, of_steps = prose.numbers_in("All 27 trials took 90 steps.")
    trials = prose.Reason("05_fine_tuning", "All 27 trials", "three times nine")
    found = [("05_fine_tuning", of_trials), ("05_fine_tuning", of_steps)]
    elsewhere = "06_style_transfer", of_trials
    left = reasons.without_reason([*found, elsewhere], [trials], prose.is_for)
    assert left == [found[1], elsewhere]
    assert reasons.unused_reasons(found, [trials], prose.is_for) == []
    assert reasons.unused_reasons(left, [trials], prose.is_for) == [trials]
