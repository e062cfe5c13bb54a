"""The notebooks assert what each restore did, or say why they do not."""

from pathlib import Path

from tests.books import BOOKS
from tests.gate import reasons, restores_asserted
from tests.gate.rules import Book

import pytest
from nbformat import v4

COURSE = Path(__file__).parent.parent
TABLE = COURSE / "tests" / "restores_without_assertion.toml"
REASONS = reasons.read_reasons(TABLE, restores_asserted.Unasserted)

ADVICE = "assert what was restored, or say in tests/restores_without_assertion.toml why not:"


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.name)
def test_an_assertion_follows_each_restore(book):
    found = reasons.without_reason(restores_asserted.unasserted_restores(book), REASONS)
    assert not found, "\n".join([ADVICE, *[f"{restore.cell}: {restore.call}" for restore in found]])


def test_every_reason_is_needed():
    found = [restore for book in BOOKS for restore in restores_asserted.unasserted_restores(book)]
    assert reasons.unused_reasons(found, REASONS) == []


# The rule itself


@pytest.fixture
def found(tmp_path):
    """Return the restores without an assertion in a notebook of one cell."""

    def find(source):
        path = tmp_path / "01_save.ipynb"
        notebook = v4.new_notebook(cells=[v4.new_code_cell(source, id="2b38c562")])
        path.write_text(v4.writes(notebook), encoding="utf-8")
        return restores_asserted.unasserted_restores(Book(path, {}))

    return find


@pytest.mark.parametrize(
    "source",
    [
        "checkpoint.restore(prefix).assert_consumed()",
        "raised(checkpoint.read(prefix).assert_nontrivial_match)",
        "status = checkpoint.read(prefix)\nstatus.assert_existing_objects_matched()",
        "load = lambda: checkpoint.read(prefix).assert_consumed()",
        "saver.restore(session, prefix)",
        "config = archive.read('config.json')\ntext = file.read()",
    ],
)
def test_a_restore_with_an_assertion_passes(found, source):
    assert found(source) == []


@pytest.mark.parametrize(
    "source",
    [
        "checkpoint.restore(prefix)",
        "checkpoint.read(prefix).expect_partial()",
        "status = checkpoint.read(prefix)\nprint(status)",
        "status = checkpoint.read(prefix)\nstatus.expect_partial()",
        "status.assert_consumed()\nstatus = checkpoint.read(prefix)",
        "with expect_error(ValueError):\n    checkpoint.restore(prefix)",
    ],
)
def test_a_restore_without_an_assertion_is_noticed(found, source):
    [restore] = found(source)
    assert restore.call.startswith("checkpoint.re")


def test_each_status_needs_an_assertion_of_its_own(found):
    source = "status = one.read(a)\nstatus = two.read(b)\nstatus.assert_consumed()"
    assert [restore.call for restore in found(source)] == ["one.read(a)"]


def test_a_reason_is_for_one_call_in_one_cell(found):
    both = found("one.restore(a)\ntwo.restore(b)")
    reason = restores_asserted.Unasserted(
        "01_save", "2b38c562", "one.restore(a)", "the bug to hunt"
    )
    assert [left.call for left in reasons.without_reason(both, [reason])] == ["two.restore(b)"]
    other = reason._replace(cell="eee06151")
    assert reasons.without_reason(both, [other]) == both
    assert reasons.unused_reasons(both, [reason, other]) == [other]
