"""The index of calls is what the notebooks say, and what it names is there."""

import inspect
import json
import re

from tests import api_index
from tests.gate.names import existing

import pytest

TEXT = api_index.INDEX.read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `([^`]+)` \| (.+) \|$", TEXT, flags=re.MULTILINE))
# They are mentioned, but not installed with the course.
ELSEWHERE = {"huggingface_hub", "torch"}


@pytest.fixture
def notebook(tmp_path):
    """Make a notebook of cells: text is prose, a list of lines is code."""

    def make(*cells, tags=()):
        made = []
        for cell in cells:
            kind = "markdown" if isinstance(cell, str) else "code"
            source = cell if isinstance(cell, str) else "\n".join(cell)
            metadata = {"tags": list(tags)} if kind == "code" else {}
            made.append({"cell_type": kind, "metadata": metadata, "source": source})
        path = tmp_path / f"{len(list(tmp_path.iterdir())) + 1:02}_made.ipynb"
        path.write_text(json.dumps({"cells": made}), encoding="utf-8")
        return path

    return make


def found(*paths):
    """Return the rows for these notebooks: the sections of each name."""
    return {name: api_index.row(name, places) for name, places in api_index.collect(paths).items()}


# The index as it is stored


def test_the_index_is_what_the_notebooks_say():
    expected = api_index.index_text(sorted(api_index.NOTEBOOKS.glob("*.ipynb")))
    assert expected == TEXT, "python -m tests.api_index writes it again"


def test_every_line_of_the_tables_is_a_row():
    lines = [line for line in TEXT.splitlines() if line.startswith("| `")]
    assert len(lines) == len(ROWS) > 150


@pytest.mark.parametrize(
    ("name", "notebooks"),
    [
        ("keras.saving.load_model", {"01", "02"}),
        ("keras.Model.save", {"01", "04"}),
        ("tf.train.Checkpoint.restore().assert_consumed", {"01", "02"}),
        ("tf.train.CheckpointManager.save", {"03"}),
        ("tf.compat.v1.train.Saver.save", {"01", "03"}),
        ("tf.saved_model.save", {"09"}),
        ("helpers.recipes.inspect_model.inspect_model", {"18"}),
        ("tf.distribute.experimental.PreemptionCheckpointHandler", {"20"}),
    ],
)
def test_calls_lead_where_the_course_explains_them(name, notebooks):
    sections = ROWS[name].split(" | ")[0]
    assert set(re.findall(r"\[(\d\d)\]", sections)) >= notebooks


@pytest.fixture(scope="module")
def made_by_a_call(tf, tmp_path_factory):
    """What two calls give, by their names as the index has them."""
    checkpoint = tf.train.Checkpoint(value=tf.Variable(1))
    prefix = checkpoint.write(tmp_path_factory.mktemp("checkpoint") / "made")
    return {
        "tf.train.Checkpoint.restore()": checkpoint.read(prefix),
        "tf.train.load_checkpoint()": tf.train.load_checkpoint(prefix),
    }


@pytest.mark.parametrize("name", ROWS)
def test_what_a_row_names_exists(name, made_by_a_call):
    package = name.split(".")[0]
    if name in api_index.OF_TENSORFLOW_1 or package in ELSEWHERE:
        return
    owner, _, attribute = name.rpartition(".")
    if owner in made_by_a_call:
        assert hasattr(made_by_a_call[owner], attribute)
        return
    assert existing(name) is not None


def keywords_in_the_prose():
    """Return the keywords of the calls that the notebooks mention, if the index has the call."""
    found = set()
    for path in api_index.NOTEBOOKS.glob("*.ipynb"):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "markdown":
                found.update(api_index.mentioned_keywords("".join(cell["source"])))
    return sorted((name, keyword) for name, keyword in found if rows_of(name))


def rows_of(name):
    """Return the full names that may be meant by the last part of a name."""
    full = [row for row in ROWS if row.rpartition(".")[2] == name and "(" not in row]
    here = [row for row in full if row.split(".")[0] not in ELSEWHERE]
    return [row for row in here if row not in api_index.OF_TENSORFLOW_1]


def takes(call, keyword):
    """Tell whether a call takes a keyword. One that takes any keyword takes this one."""
    parameters = inspect.signature(call).parameters
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    return keyword in parameters or takes_any


@pytest.mark.parametrize(("name", "keyword"), keywords_in_the_prose())
def test_a_call_in_the_prose_takes_its_keywords(name, keyword):
    rows = rows_of(name)
    assert any(takes(existing(row), keyword) for row in rows), f"{keyword} is of none of {rows}"


def test_keywords_of_calls_in_the_prose_are_compared():
    assert set(keywords_in_the_prose()) >= {
        ("BackupAndRestore", "double_checkpoint"),
        ("CheckpointManager", "max_to_keep"),
        ("Saver", "save_relative_paths"),
        ("fit", "initial_epoch"),
        ("inspect_model", "also"),
        ("load_model", "compile"),
    }


def test_a_keyword_that_a_call_does_not_have_is_noticed():
    assert takes(existing("keras.saving.load_model"), "compile")
    assert not takes(existing("keras.saving.load_model"), "compiled")
    assert not takes(existing("tf.compat.v1.train.Saver"), "save_relative_path")
    assert takes(existing("tf.train.Checkpoint"), "anything")


# How names are found


def test_keywords_belong_to_the_last_name_of_their_call():
    text = "`load(f, a=1)`, `.fit(b=2)`, `m.one(c=3).two(**d)`, `e=4`, `if`, and f(g=5)."
    assert set(api_index.mentioned_keywords(text)) == {("load", "a"), ("fit", "b"), ("one", "c")}


def test_names_are_whole_however_they_were_imported(notebook):
    path = notebook(
        "## One",
        ["import tensorflow as tf", "from keras import layers", "tf.train.Checkpoint()"],
        ["short = tf.train", "short.latest_checkpoint('.')", "layers.Dense(1)"],
    )
    names = {"tf.train.Checkpoint", "tf.train.latest_checkpoint", "keras.layers.Dense"}
    assert found(path).keys() >= names


def test_a_method_belongs_to_what_made_its_object(notebook):
    path = notebook(
        "## One",
        ["import keras", "import tensorflow as tf", "thing = tf.train.Checkpoint()"],
        ["thing.save('a')", "other = keras.Sequential()", "other.save('b')", "file.save('c')"],
    )
    saves = {name for name in found(path) if name.endswith(".save")}
    assert saves == {"tf.train.Checkpoint.save", "keras.Model.save"}


def test_a_variable_that_gets_another_object_is_no_longer_the_old_one(notebook):
    path = notebook(
        "## One", ["import tensorflow as tf", "a = tf.train.Checkpoint()", "a = 1", "a.save('a')"]
    )
    assert "tf.train.Checkpoint.save" not in found(path)


def test_a_method_that_is_defined_or_mentioned_is_found(notebook):
    path = notebook("## One", ["class A:", "  def get_config(self): ..."], "Call `fit(x)`.")
    assert found(path).keys() == {"keras.Model.get_config", "keras.Model.fit"}


def test_checks_do_not_count(notebook):
    path = notebook("## One", ["import keras", "keras.Sequential()"], tags=["check"])
    assert found(path) == {}


def test_what_stands_above_the_first_section_or_is_no_python_does_not_count(notebook):
    path = notebook(["import keras", "keras.Input()"], "## One", ["%matplotlib inline", "!ls"])
    assert found(path) == {}


def test_a_section_that_explains_comes_before_one_that_only_uses(notebook):
    uses = ["import keras", "keras.Sequential()"]
    path = notebook("## One", uses, "## Two", "Make a `keras.Sequential`.", uses)
    assert found(path)["keras.Sequential"].count("*Two*") == 1


def test_exercises_come_last(notebook):
    uses = ["import keras", "keras.Sequential()"]
    path = notebook("## Your turn", "`keras.Sequential`", uses, "## Later", uses)
    assert "*Later*" in found(path)["keras.Sequential"]
    path = notebook("## Your turn", uses)
    assert "*Your turn*" in found(path)["keras.Sequential"]


def test_a_name_of_many_notebooks_has_few_sections_and_the_rest_as_numbers(notebook):
    uses = ["import keras", "keras.Sequential()"]
    paths = [notebook("## One", uses) for _ in range(5)]
    row = found(*paths)["keras.Sequential"]
    assert row.count("*One*") == api_index.MOST_SECTIONS
    assert row.endswith("| [04](04_made.ipynb) [05](05_made.ipynb) |")


def test_packages_have_no_row_of_their_own(notebook):
    path = notebook("## One", "`keras.layers` has `keras.layers.Dense`.")
    assert found(path).keys() == {"keras.layers.Dense"}


def test_of_arrays_and_the_system_only_files_have_rows(notebook):
    path = notebook(
        "## One", ["import os", "import numpy as np"], ["np.sum(1)", "np.savez(1)", "os.fsync(1)"]
    )
    assert found(path).keys() == {"np.savez", "os.fsync"}
