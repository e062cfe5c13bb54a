"""The reference table of 11: which way to restore reads which file, compared with 36 trials."""

import json
import re
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parent.parent / "notebooks" / "11_migrate.ipynb"
SYMBOLS = {"●": "works", "◐": "by name", "○": "needs code", "✗": "refused"}
LEGEND = {"●": "works as it is", "◐": "works by name", "○": "needs code", "✗": "is refused"}
WAYS = ("Saver", "Checkpoint", ".weights.h5", ".keras", "SavedModel", "meta graph")
PAIRS = [(saved, read) for saved in WAYS for read in WAYS]

# What a reader says to a file that it does not take as it is: the beginning of the message, the
# readers that say it, and the files that they say it of.
MESSAGES = [
    (
        "ValueError: File format not supported",
        [".weights.h5", ".keras"],
        ["Saver", "Checkpoint", "SavedModel", "meta graph"],
    ),
    ("ValueError: No model config found in the file", [".keras"], [".weights.h5"]),
    (
        "DataLossError: Unable to open table file",
        ["Saver", "Checkpoint"],
        [".weights.h5", ".keras", "SavedModel"],
    ),
    (
        "OSError: SavedModel file does not exist",
        ["SavedModel"],
        ["Saver", "Checkpoint", ".weights.h5", ".keras", "meta graph"],
    ),
    (
        "OSError: File does not exist",
        ["meta graph"],
        ["Saver", "Checkpoint", ".weights.h5", ".keras", "SavedModel"],
    ),
    ("NotFoundError: Existing variables not in the checkpoint", ["Saver"], ["Checkpoint"]),
    (
        "AssertionError: Some objects had attributes which were not restored",
        ["Checkpoint"],
        ["Saver", "meta graph"],
    ),
]

# Keras reads its own variables with numpy in a form that numpy 2 has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def matrix(module):
    return module("tests.migration_matrix")


@pytest.fixture(scope="module")
def files(matrix, tmp_path_factory):
    return matrix.save_all(tmp_path_factory.mktemp("saved"))


@pytest.fixture(scope="module")
def outcomes(matrix, files, tmp_path_factory):
    found = {}
    for saved, read in PAIRS:
        folder = tmp_path_factory.mktemp("converted")
        found[saved, read] = matrix.try_pair(saved, read, files, folder)
    return found


def tables_of_the_notebook():
    """Return the tables of 11, each as a list of rows, by the first cell of its head."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    text = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    tables = {}
    for block in re.findall(r"(?:^\|.*\|$\n?)+", text, re.MULTILINE):
        lines = [line.strip("| ").split(" | ") for line in block.splitlines()]
        rows = [[cell.strip("` ") for cell in line] for line in lines]
        tables[rows[0][0]] = [rows[0], *rows[2:]]
    return tables


def test_the_ways_are_those_of_the_trials(matrix):
    assert matrix.WAYS == WAYS
    assert {matrix.WORKS, matrix.BY_NAME, matrix.NEEDS_CODE, matrix.REFUSED} == {*SYMBOLS.values()}


@pytest.mark.parametrize(("saved", "read"), PAIRS)
def test_a_pair_is_as_the_table_says(outcomes, saved, read):
    head, *rows = tables_of_the_notebook()["saved by"]
    assert tuple(head[1:]) == WAYS
    assert tuple(row[0] for row in rows) == WAYS
    symbol = rows[WAYS.index(saved)][1 + WAYS.index(read)]
    assert SYMBOLS[symbol] == outcomes[saved, read].word


@pytest.mark.parametrize(("saved", "read"), PAIRS)
def test_a_message_is_the_expected_one(outcomes, saved, read):
    stated = [start for start, readers, files in MESSAGES if read in readers and saved in files]
    message = outcomes[saved, read].message
    if not message:
        assert stated == []
    else:
        assert [message.startswith(start) for start in stated] == [True], (message, stated)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_each_symbol_stands_in_the_legend(symbol):
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells)
    assert f"{symbol} {LEGEND[symbol]}" in text


def test_a_reader_that_is_wrong_in_silence_is_noticed(matrix, files, tmp_path, monkeypatch):
    answer_of_zeros = matrix.new_layer()(matrix.INPUTS)
    monkeypatch.setitem(matrix.READERS, ".keras", lambda path: answer_of_zeros)
    with pytest.raises(AssertionError, match="Saver"):
        matrix.try_pair("Saver", ".keras", files, tmp_path)
