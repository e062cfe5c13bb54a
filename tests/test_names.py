"""Names in code type: no sentence names what is nowhere in the code, the outputs or the files."""

from pathlib import Path

from tests.books import BOOKS, made_book
from tests.gate import names, reasons

import pytest

COURSE = Path(__file__).parent.parent
PAGES = {
    page: (COURSE / f"{page}.md").read_text(encoding="utf-8") for page in ("README", "TEACHING")
}
REASONS = reasons.read_reasons(COURSE / "tests" / "names_in_prose.toml", names.Reason)

ADVICE = "correct these names, or say in tests/names_in_prose.toml why they are right:"


@pytest.fixture(scope="module")
def course(helpers):
    return names.names_of_the_course()


@pytest.fixture(scope="module")
def unknown(course):
    """The names that are not known, by notebook or page."""
    found = {book.name: names.unknown_names_of_book(book, course) for book in BOOKS}
    known = course | names.names_of_the_settings()
    return found | {page: names.unknown_names_of_page(PAGES[page], known) for page in PAGES}


@pytest.mark.parametrize("name", [*[book.name for book in BOOKS], *PAGES])
def test_names_in_the_text_are_known(name, unknown):
    found = [(name, one) for one in unknown[name]]
    missing = reasons.without_reason(found, REASONS, names.is_for)
    assert not missing, "\n".join([ADVICE, *[f"{one.name}: {one.span}" for _, one in missing]])


def test_every_reason_is_needed(unknown):
    found = [(name, one) for name in unknown for one in unknown[name]]
    assert reasons.unused_reasons(found, REASONS, names.is_for) == []


# The rule itself


CODE = """
os.environ["TF_CONFIG"] = json.dumps(cluster)
class Counter(keras.layers.Layer):
    def save_own_variables(self, store): ...
options = tf.train.CheckpointOptions(enable_async=True)
"""


@pytest.mark.parametrize(
    "text",
    [
        "A layer has `save_own_variables`, and each worker a `TF_CONFIG`.",
        "With `enable_async=True` and in\n`a.save_own_variables(\nstore)` it is so.",
        "It prints `dense_7`, and the file is `18_trust.ipynb` or `tests/test_names.py`.",
        "See `tf.train.load_variable(path, name)`, `keras.saving.load_model` and `os.path.join`.",
        "See `helpers.recipes.restart` and `ValueError`, `x`, `(8, 28)` and `[1, 2]`.",
        "The recipe `only_writer` is in a helper. A word that is unheardof is no name.",
        "```python\nunheardof()\n```",
    ],
)
def test_a_name_that_is_known_passes(tmp_path, course, text):
    book = made_book(tmp_path, text, CODE, "dense_7\n")
    assert names.unknown_names_of_book(book, course) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("A layer has `save_own_variable`.", "save_own_variable"),
        ("A layer has\n`a.save_own_variable(\nstore)`.", "save_own_variable"),
        ("Each worker has a `TF_CLUSTER`.", "TF_CLUSTER"),
        ("It is an option, `async_save=True`.", "async_save"),
        ("At last `drive.flush_and_mount()` waits.", "flush_and_mount"),
        ("See `tf.train.load_variables(path, name)`.", "tf.train.load_variables"),
        ("See `keras.load_model`.", "keras.load_model"),
        ("See `helpers.recipes.restarts`.", "helpers.recipes.restarts"),
        ("See `19_trust.ipynb`.", "19_trust"),
        ("It prints `dense_8`.", "dense_8"),
    ],
)
def test_a_name_that_is_unknown_is_noticed(tmp_path, course, text, name):
    book = made_book(tmp_path, text, CODE, "dense_7\n")
    assert [one.name for one in names.unknown_names_of_book(book, course)] == [name]


def test_a_page_knows_its_own_blocks_of_code(course):
    page = "```yaml\nlifecycleHooks:\n  postStart:\n```\n\nThe hook `{}` fetches it."
    assert names.unknown_names_of_page(page.format("postStart"), course) == []
    [found] = names.unknown_names_of_page(page.format("preStop"), course)
    assert found == names.Name("preStop", "preStop")


def test_the_settings_are_known_to_pages():
    assert names.names_of_the_settings() >= {"requires", "conda", "COURSE_LANGUAGE"}


def test_a_reason_is_for_one_name_or_for_a_whole_code_span():
    velocity = "04_train_further", names.Name("velocity", "velocity")
    curl = "04_train_further", names.Name("curl", "curl -d ADDRESS")
    elsewhere = "11_migrate", curl[1]
    found = [velocity, curl, elsewhere]
    for name in ("curl", "curl -d ADDRESS"):
        reason = names.Reason("04_train_further", name, "a program")
        left = reasons.without_reason(found, [reason], names.is_for)
        assert left == [velocity, elsewhere]
        assert reasons.unused_reasons(found, [reason], names.is_for) == []
        assert reasons.unused_reasons(left, [reason], names.is_for) == [reason]
