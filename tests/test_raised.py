"""helpers.lab.raised: each message is raised, its row answers for it, and no other row does."""

import re
import tomllib
from pathlib import Path

import pytest

COURSE = Path(__file__).parent.parent
TABLE = COURSE / "helpers" / "messages" / "messages.toml"
ROWS = tomllib.loads(TABLE.read_text(encoding="utf-8"))["message"]
RAISED = [row for row in ROWS if "said_by" not in row]


@pytest.fixture(scope="module")
def raised(module):
    return module("helpers.lab.raised")


@pytest.fixture(scope="module")
def explain(module):
    return module("helpers.messages.explain")


@pytest.fixture(scope="module")
def texts(raised, tmp_path_factory):
    """Raise each message once, and keep its text."""
    found = {}

    def text_of(name):
        if name not in found:
            found[name] = raised.message_of(name, tmp_path_factory.mktemp(name))
        return found[name]

    return text_of


def test_every_row_is_raised_or_says_where_it_is_quoted_from(raised):
    assert list(raised.RAISERS) != []
    assert set(raised.RAISERS) == {row["name"] for row in RAISED}
    for row in ROWS:
        assert ("said_by" in row) == ("text" in row), row["name"]


@pytest.mark.parametrize("row", RAISED, ids=lambda row: row["name"])
def test_its_row_answers_and_no_other_row_matches(row, texts, explain):
    text = texts(row["name"])
    found = explain.find(text)
    assert found.row.name == row["name"]
    messages = explain.chain_of(text)
    matching = {
        one.name for one in explain.rows() for each in messages if one.length_in(each, text)
    }
    assert matching == {row["name"]}


@pytest.mark.parametrize("row", RAISED, ids=lambda row: row["name"])
def test_the_index_has_the_words_of_the_message(row, texts):
    message = " ".join(texts(row["name"]).split())
    parts = [re.escape(part.strip()) for part in row["begins"].split("…")]
    assert re.search(".*?".join(parts), message), message[-500:]


def test_a_group_is_raised_and_printed(raised, tmp_path, capsys):
    raised.show_group("Saving with Keras", tmp_path)
    lines = capsys.readouterr().out.splitlines()
    number = sum(row["group"] == "Saving with Keras" for row in RAISED)
    assert lines[-1] == f"{number} were raised, {number} are explained"
    assert lines[0].startswith("ValueError: The filename must end in")
    assert not [line for line in lines if line.endswith("?")]


def test_a_message_that_is_taken_for_another_one_is_counted(raised, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(raised.RAISERS, "weights-ending", lambda folder: 1 / 0)
    raised.show_group("Saving with Keras", tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith(" ?")
    number = sum(row["group"] == "Saving with Keras" for row in RAISED)
    assert lines[-1] == f"{number} were raised, {number - 1} are explained"


def test_a_row_that_nothing_raises_is_named(raised, tmp_path):
    with pytest.raises(ValueError, match="no function raises 'nothing': choose tf1-name, "):
        raised.message_of("nothing", tmp_path)


def test_two_functions_for_one_row_are_refused(raised):
    with pytest.raises(AssertionError, match="two functions raise tf1-name"):
        raised.raises("tf1-name")(print)


def test_silence_is_no_message(raised, tmp_path, monkeypatch):
    monkeypatch.setitem(raised.RAISERS, "silent", lambda folder: None)
    with pytest.raises(AssertionError, match="silent: nothing was raised"):
        raised.message_of("silent", tmp_path)
