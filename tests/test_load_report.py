"""The load report: each row against what a real load then does, and its words for bad input."""

import inspect
import json
import os
import re
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

# Keras' own, with NumPy 2, whenever it writes a variable to a file.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
KERAS_ENDINGS = [".weights.h5", ".keras"]


@pytest.fixture
def recipe(module):
    return module("helpers.recipes.load_report")


@pytest.fixture
def load_report(recipe):
    return recipe.load_report


@pytest.fixture
def build(tf):
    """A maker of Keras models: a number of inputs, then a dense layer for each other size."""

    def make(sizes=(4, 8, 3), dtype="float32", bias=True):
        dense = tf.keras.layers.Dense
        first = dense(sizes[1], dtype=dtype, use_bias=bias, bias_initializer="uniform")
        rest = [dense(size, dtype=dtype, bias_initializer="uniform") for size in sizes[2:]]
        return tf.keras.Sequential([tf.keras.Input([sizes[0]]), first, *rest])

    return make


@pytest.fixture
def network(tf):
    """A Keras model written as a class. It has no variables before it is called."""

    class Network(tf.keras.Model):
        def __init__(self):
            super().__init__()
            self.hidden = tf.keras.layers.Dense(4)

        def call(self, inputs):
            return self.hidden(inputs)

    return Network()


@pytest.fixture
def classic(tf, tmp_path):
    """A TensorFlow 1 checkpoint: ``hidden/w``, 3 ones, and ``hidden/b``, 2 ones, of float32."""
    tf1 = tf.compat.v1
    with tf.Graph().as_default(), tf1.Session() as session:
        for name, size in [("hidden/w", 3), ("hidden/b", 2)]:
            tf1.get_variable(name, initializer=tf.ones([size]))
        session.run(tf1.global_variables_initializer())
        return tf1.train.Saver().save(session, str(tmp_path / "classic"))


def save(model, file):
    """Save a Keras model in the way that the file's name asks for."""
    if file.suffix == ".keras":
        model.save(file)
    else:
        model.save_weights(file)


def values(variables):
    return [np.array(variable.numpy()) for variable in variables]


def changed(variables, act):
    """For each variable, whether an act changes it."""
    before = values(variables)
    with warnings.catch_warnings(action="ignore"), suppress(ValueError):
        act()
    pairs = zip(before, values(variables), strict=True)
    return [not np.array_equal(old, new) for old, new in pairs]


def foretold(report):
    """For each row with a variable of the model, whether the report says it will be restored."""
    rows = [row for row in report.rows if row.in_model]
    return [row.status in ("matched", "other dtype", "other name") for row in rows]


# What a report shows


def test_a_line_counts_in_one_order_and_says_matched_also_of_none(recipe):
    def line(*statuses):
        rows = [recipe.Row("key", status, "", "") for status in statuses]
        return recipe.LoadReport("a.keras", rows).line

    assert line() == "a.keras: 0 matched"
    assert line("unexpected", "missing", "missing") == "a.keras: 0 matched, 2 missing, 1 unexpected"
    assert line(*reversed(recipe.STATUSES)) == (
        "a.keras: 1 matched, 1 matched by another path, 1 other name, 1 other dtype, "
        "1 other shape, 1 skipped, 1 not reached, 1 missing, 1 not carried, 1 unexpected"
    )


def test_each_status_is_explained(recipe):
    for status in recipe.STATUSES:
        assert f"\n- {status}: " in inspect.getdoc(recipe.load_report)


def test_a_table_stands_in_columns(recipe):
    rows = [
        recipe.Row("layers/dense/vars/0", "matched", "head (4, 3) float32", "head (4, 3) float32"),
        recipe.Row("x", "unexpected", "", "() int64"),
        recipe.Row("y", "missing", "() int64", ""),
    ]
    assert recipe.LoadReport("a.keras", rows).table.splitlines() == [
        "key                  status      in the model         in the file",
        "-------------------  ----------  -------------------  -------------------",
        "layers/dense/vars/0  matched     head (4, 3) float32  head (4, 3) float32",
        "x                    unexpected                       () int64",
        "y                    missing     () int64",
    ]
    assert recipe.LoadReport("a.keras", []).table.splitlines() == [
        "key  status  in the model  in the file",
        "---  ------  ------------  -----------",
    ]


@pytest.mark.parametrize("ending", KERAS_ENDINGS)
def test_the_rows_of_a_keras_file_are_in_the_order_of_their_numbers(
    build, load_report, tmp_path, ending
):
    file = tmp_path / f"a{ending}"
    save(build([4] * 13), file)
    layers = ["dense", *(f"dense_{number}" for number in range(1, 12))]
    keys = [f"layers/{layer}/vars/{number}" for layer in layers for number in (0, 1)]
    for model in [build([4] * 13), build([4, 4])]:
        assert [row.key for row in load_report(file, model).rows] == keys


def test_the_rows_of_a_checkpoint_are_in_the_order_of_their_numbers(tf, load_report, tmp_path):
    saved = tf.train.Checkpoint(values=[tf.Variable(1.0) for _ in range(12)])
    report = load_report(saved.write(tmp_path / "a"), tf.train.Checkpoint(values=[]))
    assert report.line == "a: 0 matched, 12 unexpected"
    assert [row.key for row in report.rows] == [f"values/{number}" for number in range(12)]


def test_rows_that_only_the_file_has_come_last(build, load_report, tmp_path):
    build().save_weights(tmp_path / "a.weights.h5")
    report = load_report(tmp_path / "a.weights.h5", build(bias=False))
    statuses = [row.status for row in report.rows]
    assert statuses == ["skipped", "matched", "matched", "unexpected"]


# Keras files


CASES = {
    "the same": ({}, "4 matched"),
    "5 classes": ({"sizes": (4, 8, 5)}, "2 matched, 2 other shape"),
    "6 inputs": ({"sizes": (6, 8, 3)}, "2 matched, 1 other shape, 1 skipped"),
    "one layer": ({"sizes": (4, 8)}, "2 matched, 2 unexpected"),
    "three layers": ({"sizes": (4, 8, 3, 3)}, "4 matched, 2 missing"),
    "no bias": ({"bias": False}, "2 matched, 1 skipped, 1 unexpected"),
    "float64": ({"dtype": "float64"}, "0 matched, 4 other dtype"),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("ending", KERAS_ENDINGS)
def test_keras_files_are_loaded_as_foretold(build, load_report, tmp_path, case, ending):
    options, counts = CASES[case]
    saved, model = build(), build(**options)
    file = tmp_path / f"a{ending}"
    save(saved, file)
    assert not any(changed(model.variables, lambda: load_report(file, model)))
    report = load_report(file, model)
    assert report.line == f"{file.name}: {counts}"
    loading = changed(model.variables, lambda: model.load_weights(file, skip_mismatch=True))
    assert foretold(report) == loading


@pytest.mark.parametrize("ending", KERAS_ENDINGS)
def test_layers_that_changed_places_have_other_names(tf, load_report, tmp_path, ending):
    def build(*names):
        dense = [tf.keras.layers.Dense(4, name=name, bias_initializer="uniform") for name in names]
        return tf.keras.Sequential([tf.keras.Input([4]), *dense])

    saved, swapped = build("one", "other"), build("other", "one")
    file = tmp_path / f"a{ending}"
    save(saved, file)
    report = load_report(file, swapped)
    assert report.line == f"a{ending}: 0 matched, 4 other name"
    assert changed(swapped.variables, lambda: swapped.load_weights(file)) == foretold(report)
    assert load_report(file, build("one_2", "other_31")).line == f"a{ending}: 4 matched"
    assert load_report(file, build(None, "other")).line == f"a{ending}: 2 matched, 2 other name"


def test_an_optimizer_that_is_not_built_is_skipped_completely(tf, build, load_report, tmp_path):
    saved, model = build(), build()
    file = tmp_path / "a.weights.h5"
    saved.compile("adam", "mse")
    saved.optimizer.build(saved.trainable_variables)
    saved.optimizer.iterations.assign(7)
    saved.save_weights(file)
    model.compile("adam", "mse")
    status = {row.key: row.status for row in load_report(file, model).rows}
    assert status["optimizer/vars/0"] == status["optimizer/vars/1"] == "skipped"
    assert status["optimizer/vars/9"] == "unexpected"
    model.optimizer.build(model.trainable_variables)
    assert load_report(file, model).line == "a.weights.h5: 14 matched"


@pytest.mark.parametrize("ending", KERAS_ENDINGS)
def test_bfloat16_is_named_though_hdf5_does_not_know_it(build, load_report, tmp_path, ending):
    file = tmp_path / f"a{ending}"
    save(build((4, 3), dtype="bfloat16"), file)
    assert load_report(file, build((4, 3), dtype="bfloat16")).line == f"a{ending}: 2 matched"
    report = load_report(file, build((4, 3)))
    for row in report.rows:
        assert row.status == "other dtype"
        assert row.in_model.endswith(") float32")
        assert row.in_file.endswith(") bfloat16")


# Checkpoints


@pytest.mark.parametrize("frozen", [[], [0], [1]])
@pytest.mark.parametrize("optimizer", [True, False])
def test_checkpoints_are_restored_as_foretold(tf, build, load_report, tmp_path, frozen, optimizer):
    def tracked(model):
        parts = {"model": model}
        if optimizer:
            parts["optimizer"] = tf.keras.optimizers.SGD(momentum=0.9)
            parts["optimizer"].build(model.trainable_variables)
        return tf.train.Checkpoint(**parts)

    saved, model = build((4, 4, 4)), build((4, 4, 4))
    for number in frozen:
        saved.layers[number].trainable = False
    prefix = tracked(saved).save(tmp_path / "saved")
    checkpoint = tracked(model)
    children = set(tf.train.TrackableView.children(checkpoint))
    report = load_report(prefix, checkpoint)
    assert set(tf.train.TrackableView.children(checkpoint)) == children
    rows = [row for row in report.rows if row.in_model.startswith(model.name)]
    told = {row.in_model.split()[0]: row for row in rows}
    restoring = changed(model.variables, lambda: checkpoint.restore(prefix).expect_partial())
    reader = tf.train.load_checkpoint(prefix)
    for variable, was_restored in zip(model.variables, restoring, strict=True):
        row = told[variable.path]
        assert (row.status in ("matched", "matched by another path")) == was_restored
        if was_restored:
            assert np.array_equal(reader.get_tensor(row.key + VALUE), variable)


def test_a_checkpoint_names_what_is_missing_by_its_path(tf, load_report, tmp_path):
    saved, module = tf.Module(), tf.Module()
    saved.part, module.part = tf.Module(), tf.Module()
    saved.part.old = tf.Variable([1.0])
    saved.part.shape = tf.Variable([1.0])
    saved.part.dtype = tf.Variable([1.0])
    module.part.new = tf.Variable([1.0])
    module.part.shape = tf.Variable([1.0, 2.0])
    module.part.dtype = tf.Variable([1])
    prefix = tf.train.Checkpoint(model=saved).save(tmp_path / "a")
    report = load_report(Path(prefix), tf.train.Checkpoint(model=module))
    assert {row.key.removeprefix("model/part/"): row.status for row in report.rows} == {
        "new": "missing", "shape": "other shape", "dtype": "other dtype", "old": "unexpected",
    }  # fmt: skip
    assert "model/part/shape  other shape  (2,) float32  (1,) float32" in report.table


def test_what_is_missing_has_the_key_that_tensorflow_would_give_it(
    tf, build, network, load_report, tmp_path
):
    network(tf.zeros([1, 4]))
    shared = tf.Variable(1.0)
    module = tf.Module()
    module.a = [tf.Module(), {"far": [tf.Variable([2]), shared]}]
    module.m = tf.Module()
    module.m.near = shared  # the shortest path to it, before and after longer ones
    module.z = [tf.Module(), {"far": [tf.Variable([2]), shared]}]
    module.z[0].near = tf.Variable(3.0)
    target = tf.train.Checkpoint(model=build(), network=network, module=module)
    empty = tf.train.Checkpoint().write(tmp_path / "empty")
    report = load_report(empty, target)
    reader = tf.train.load_checkpoint(target.write(tmp_path / "full"))
    written = {key for key in reader.get_variable_to_shape_map() if key.endswith(VALUE)}
    assert {row.status for row in report.rows} == {"missing"}
    assert {row.key + VALUE for row in report.rows} == written
    assert len(report.rows) == 4 + 2 + 4


@pytest.mark.parametrize("owner", ["tensorflow", "keras"])
@pytest.mark.parametrize(
    "value, statuses, restored",
    [
        ([0.0, 0.0], ["matched", "other shape", "not reached"], [[5], [0, 0], [0]]),
        ([0], ["not reached", "other dtype", "not reached"], [[0], [0], [0]]),
    ],
)
def test_a_checkpoint_stops_at_another_shape_and_does_not_begin_at_another_dtype(
    module, tf, load_report, tmp_path, owner, value, statuses, restored
):
    Variable = module(owner).Variable  # noqa: N806, it is a class

    def make(value):
        return Variable(value, dtype=tf.as_dtype(np.array(value).dtype).name)

    saved = [make([5.0]) for _ in range(3)]
    prefix = tf.train.Checkpoint(variables=saved).write(tmp_path / "a")
    variables = [make([0.0]), make(value), make([0.0])]
    checkpoint = tf.train.Checkpoint(variables=variables)
    report = load_report(prefix, checkpoint)
    assert [row.status for row in report.rows] == statuses
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
        checkpoint.restore(prefix)
    assert [variable.numpy().tolist() for variable in variables] == restored


def test_a_classic_checkpoint_matches_by_name(tf, load_report, classic):
    module = tf.Module()
    module.any = tf.Variable(tf.zeros([3]), name="hidden/w")
    module.other = tf.Variable(0.0)
    checkpoint = tf.train.Checkpoint(model=module)
    report = load_report(classic, checkpoint)
    assert report.line == "classic: 1 matched, 1 missing, 1 unexpected"
    assert changed(module.variables, lambda: checkpoint.restore(classic)) == [True, False]
    wrong, right = tf.Variable(tf.zeros([9])), tf.Variable(tf.zeros([2]))
    report = load_report(classic, {"hidden/w": wrong, "hidden/b": right})
    assert report.line == "classic: 1 matched, 1 other shape"


def test_keras_variables_have_no_name_that_a_classic_checkpoint_knows(
    tf, build, load_report, classic
):
    model = build()
    report = load_report(classic, tf.train.Checkpoint(model=model))
    assert report.line == "classic: 0 matched, 4 missing, 2 unexpected"


def test_the_saver_of_a_graph_can_load_another_shape(tf, load_report, classic):
    tf1 = tf.compat.v1
    with tf.Graph().as_default(), tf1.Session() as session:
        bias = tf1.get_variable("hidden/b", shape=[5], use_resource=True)
        report = load_report(classic, {"hidden/b": bias})
        assert report.line == "classic: 0 matched, 1 other shape, 1 unexpected"
        tf1.train.Saver().restore(session, classic)
        assert session.run(bias).shape == (2,)


def test_a_variable_of_the_old_kind_has_the_same_dtype(tf, load_report, classic):
    tf1 = tf.compat.v1
    with tf.Graph().as_default(), tf1.Session() as session:
        bias = tf1.get_variable("hidden/b", shape=[2], use_resource=False)
        assert bias.dtype != tf.float32, "it is a reference to one"
        report = load_report(classic, {"hidden/b": bias})
        assert report.line == "classic: 1 matched, 1 unexpected"
        tf1.train.Saver().restore(session, classic)
        assert session.run(bias).tolist() == [1, 1]


def test_iterators_are_left_out(tf, load_report, tmp_path):
    checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0), it=iter(tf.data.Dataset.range(3)))
    assert load_report(checkpoint.save(tmp_path / "a"), checkpoint).line == "a-1: 1 matched"


def test_tables_and_python_state_are_restored_as_foretold(tf, load_report, tmp_path):
    def make(number):
        table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
        table.insert(["a"], [number])
        return table

    prefix = tf.train.Checkpoint(table=make(1), other=make(2)).write(tmp_path / "a")
    table = make(3)
    checkpoint = tf.train.Checkpoint(table=table)
    report = load_report(prefix, checkpoint)
    assert report.line == "a: 2 matched, 2 unexpected"
    assert {row.in_model for row in report.rows if row.status == "matched"} == {"MutableHashTable"}
    checkpoint.restore(prefix).expect_partial()
    assert table.lookup(tf.constant("a")) == 1


@pytest.mark.parametrize(
    ("kind", "dtype", "saved", "other"),
    [("StringLookup", "string", ["a"], ["b"]), ("IntegerLookup", "int64", [1], [2])],
)
def test_the_vocabulary_of_a_lookup_is_not_carried(
    tf, load_report, tmp_path, kind, dtype, saved, other
):
    def make(vocabulary):
        lookup = getattr(tf.keras.layers, kind)(vocabulary=vocabulary, name="lookup")
        embedding = tf.keras.layers.Embedding(2, 3)
        return tf.keras.Sequential([tf.keras.Input([], dtype=dtype), lookup, embedding])

    file = tmp_path / "lookup.weights.h5"
    make(saved).save_weights(file)
    model = make(other)
    report = load_report(file, model)
    assert report.line == "lookup.weights.h5: 1 matched, 1 not carried"
    assert [row.key for row in report.rows if row.status == "not carried"] == ["lookup/vocabulary"]
    model.load_weights(file)
    assert model.layers[0].get_vocabulary()[1:] == other


# The report against the truth: a sample of the cases, ``python -m tests.load_cases`` tries them all


KINDS = [
    ".weights.h5",
    ".keras",
    ".weights.json",
    "folder",
    ".keras of Keras 2",
    ".keras of Keras 2.13",
    "legacy .h5",
    "legacy .h5, weights only",
    "checkpoint",
    "TF 1, Checkpoint",
    "TF 1, Saver",
]


@pytest.fixture
def load_cases(module):
    return module("tests.load_cases")


@pytest.mark.filterwarnings("ignore::UserWarning:keras")
@pytest.mark.parametrize("kind", KINDS)
def test_a_load_does_what_the_report_says(load_cases, tmp_path, kind):
    for name, case in load_cases.SAMPLE.items():
        if case.kind == kind:
            folder = tmp_path / name
            folder.mkdir()
            outcome = load_cases.run(case, folder)
            assert outcome.wrong == [], name
            assert outcome.line == case.counts, name


def test_there_are_cases_of_all_kinds_and_with_all_statuses(load_cases, recipe):
    cases = load_cases.SAMPLE
    assert {case.kind for case in cases.values()} == set(KINDS) == set(load_cases.KINDS)
    lines = " ".join(f"{case.counts}," for case in cases.values())
    for status in recipe.STATUSES:
        assert f"{status}," in lines
    assert len(cases) >= 75
    assert len(load_cases.NOT_OURS) >= 10
    tried = {cases[name].kind for name in load_cases.TRIED_NOT_OURS}
    assert tried == {".weights.h5", "legacy .h5, weights only", "checkpoint"}


# Bad input


def write_keras(path, **members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("_", "."), text)


def metadata(version):
    return {"metadata_json": json.dumps({"keras_version": version})}


NEXT = re.escape(
    "give a .keras, a .weights.h5, a .weights.json, a legacy .h5, "
    "a folder of save(zipped=False) or a checkpoint's prefix"
)
BAD = {
    "gone.weights.h5": (None, f"found no such file: {NEXT}"),
    "gone": (None, f"found no such file: {NEXT}"),
    "text.txt": (b"hello", f"found another file: {NEXT}"),
    "empty.h5": (b"", f"found an empty file: {NEXT}"),
    "empty.keras": (b"", f"found an empty file: {NEXT}"),
    "cut.h5": (b"\x89HDF\r\n\x1a\n", "bad byte number in an address"),
    "new_kind.h5": (slice(None), "its name must end in .weights.h5"),
    "text.weights.json": (b"hello", "does not say where the weights are"),
    "list.weights.json": (b"[1]", "does not say where the weights are"),
    "gone.weights.json": (b'{"weight_map": {"/vars": "x"}}', "the shard x is not beside it"),
    "up.weights.json": (b'{"weight_map": {"/vars": "../x"}}', "does not say where the weights are"),
    "text.weights.h5": (b"hello", "file signature not found"),
    "new.weights.h5": (b"\x89HDF\r\n\x1a\n" + bytes([99]) * 99, "bad superblock version number"),
    "text.keras": (b"hello", "not a zip file"),
    "cut.weights.h5": (slice(3000), "truncated file"),
    "cut.keras": (slice(3000), "not a zip file"),
    "bit.keras": (5000, "Bad CRC-32|B-tree|Bad magic"),
    "new.keras": (metadata("9.9"), "saved by Keras 9.9, this is 3."),
    "odd.keras": ({"metadata_json": "[]"}, "names no Keras version in its metadata.json"),
    "cut_short.keras": ({"metadata_json": '{"keras'}, "names no Keras version in its metadata"),
    "bare.keras": ({"config_json": "{}"}, "names no Keras version in its metadata.json"),
    "few.keras": (metadata("3.1"), "the archive has no model.weights.h5"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_keras_files_get_one_line(build, load_report, tmp_path, name):
    content, words = BAD[name]
    model, path = build(), tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, dict):
        write_keras(path, **content)
    elif content is not None:
        weights = path.with_name(f"{path.stem.removesuffix('.weights')}.weights.h5")
        save(model, path if path.suffix == ".keras" else weights)
        if path.suffix == ".h5":
            weights.rename(path)
        data = bytearray(path.read_bytes())
        if isinstance(content, slice):
            data = data[content]
        else:
            data[content] ^= 1
        path.write_bytes(data)
    with pytest.raises(ValueError, match=rf"^no report on {name}: .*({words})") as caught:
        load_report(path, model)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("harm", ["data gone", "data cut", "data bit", "index cut"])
def test_bad_checkpoints_get_one_line(tf, load_report, tmp_path, harm):
    checkpoint = tf.train.Checkpoint(v=tf.Variable(tf.ones([1000])))
    prefix = checkpoint.save(tmp_path / "a")
    ending = {"data": ".data-00000-of-00001", "index": ".index"}[harm.split()[0]]
    path = Path(prefix + ending)
    data = bytearray(path.read_bytes())
    path.unlink()
    if harm != "data gone":
        data[100] ^= 1
        path.write_bytes(data if harm == "data bit" else data[:50])
    with pytest.raises(ValueError, match=r"^no report on a-1: .") as caught:
        load_report(prefix, checkpoint)
    message = str(caught.value)
    assert "\n" not in message
    for folder in [str(tmp_path), tmp_path.as_posix()]:
        assert folder not in message, "the folder is known, and makes the line long"


def masked_crc32c(tf, data, path):
    """TensorFlow's checksum, four bytes: a record in a TFRecord file ends with it."""
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(data)
    return path.read_bytes()[-4:]


def test_a_checkpoint_of_a_newer_tensorflow_gets_one_line(tf, load_report, tmp_path):
    checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0))
    index = Path(checkpoint.write(tmp_path / "a") + ".index")
    data = index.read_bytes()
    version, newer = b"\x1a\x02\x08\x01", b"\x1a\x02\x10\x63"
    for end in range(len(data) - 4):  # of the block of keys, which its checksum follows
        if data[end : end + 4] == masked_crc32c(tf, data[:end], tmp_path / "record"):
            break
    block = data[:end].replace(version, newer)  # written by 1: to be read by 99 or newer
    index.write_bytes(block + masked_crc32c(tf, block, tmp_path / "record") + data[end + 4 :])
    with pytest.raises(ValueError, match=r"^no report on a: .*version 99 above current version"):
        load_report(tmp_path / "a", checkpoint)


@pytest.mark.parametrize("prefix", [None, "a.index", "a.data-00000-of-00001", "."])
def test_a_path_that_is_no_prefix_gets_one_line(tf, load_report, tmp_path, prefix):
    checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0))
    checkpoint.write(tmp_path / "a")
    with pytest.raises(ValueError, match=r"^no report on .*: found .*: give .* prefix$"):
        load_report(prefix and tmp_path / prefix, checkpoint)


@pytest.mark.parametrize("ending", ["", *KERAS_ENDINGS])
def test_a_folder_gets_one_line(build, load_report, tmp_path, ending):
    folder = tmp_path / f"a{ending}"
    folder.mkdir()
    with pytest.raises(ValueError, match=rf"^no report on a{ending}: found a folder: {NEXT}$"):
        load_report(folder, build())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a pipe in a folder needs Linux or a Mac")
def test_a_pipe_is_not_waited_for(build, load_report, tmp_path):
    os.mkfifo(tmp_path / "a.keras")
    with pytest.raises(ValueError, match=rf"^no report on a.keras: found another file: {NEXT}$"):
        load_report(tmp_path / "a.keras", build())


def test_a_path_that_the_system_refuses_gets_one_line(build, load_report, tmp_path):
    for name in ["x" * 300, "nul\0"]:
        with pytest.raises(ValueError, match=rf"^no report on {name}: .+$"):
            load_report(tmp_path / name, build())
    with pytest.raises(ValueError, match=rf"^no report on .: found a folder: {NEXT}$"):
        load_report("", build())


def test_a_model_that_does_not_go_with_a_keras_file_gets_one_line(tf, build, load_report, tmp_path):
    model = build()
    weights = tmp_path / "a.weights.h5"
    model.save_weights(weights)
    for wrong in [tf.train.Checkpoint(model=model), {"a": tf.Variable(1.0)}, None]:
        name = type(wrong).__name__
        line = f"^no report on a.weights.h5: .*keras.Model.* {name}$"
        with pytest.raises(ValueError, match=line):
            load_report(weights, wrong)


def test_a_model_that_is_not_built_gets_one_line(tf, build, network, load_report, tmp_path):
    weights = tmp_path / "a.weights.h5"
    build().save_weights(weights)
    for model in [tf.keras.Sequential([tf.keras.layers.Dense(1)]), network]:
        line = r"^no report on a.weights.h5: .*not yet been built: call it once, or give it an In"
        with pytest.raises(ValueError, match=line):
            load_report(weights, model)


def test_a_model_that_cannot_be_saved_gets_one_line(tf, build, load_report, tmp_path):
    class Layer(tf.keras.layers.Layer):
        def save_own_variables(self, store):
            raise OSError("first line\nsecond line")

    build().save_weights(tmp_path / "a.weights.h5")
    model = tf.keras.Sequential([tf.keras.Input([4]), Layer()])
    with pytest.raises(ValueError, match=r"^no report on a.weights.h5: first line$"):
        load_report(tmp_path / "a.weights.h5", model)


def make_layer_with_own_store(tf, stored, is_own_first):
    """A layer with a weight of Keras, two `tf.Variable` and a number, of which it stores some."""

    class Layer(tf.keras.layers.Layer):
        count = 3

        def build(self, _):
            self.scale = self.add_weight((), initializer="ones", name="scale")
            self.peak = tf.Variable(1.0)
            self.other = tf.Variable(1.0)

        def save_own_variables(self, store):
            own = {name: getattr(self, name) for name in stored}
            values = {k: v.numpy() if hasattr(v, "numpy") else v for k, v in own.items()}
            theirs = {}
            super().save_own_variables(theirs)
            ordered = values | theirs if is_own_first else theirs | values
            for key, value in ordered.items():
                store[key] = value

        def call(self, inputs):
            return inputs * self.scale

    return tf.keras.Sequential([tf.keras.Input([4]), Layer(name="own")])


@pytest.mark.parametrize("is_own_first", [True, False])
@pytest.mark.parametrize(
    ("stored", "left"),
    [
        (["peak"], ["own/other"]),
        (["other"], ["own/peak"]),
        (["count"], ["own/other", "own/peak"]),
        (["other", "peak", "count"], []),
    ],
)
def test_what_a_layer_stores_by_an_attribute_s_name_is_carried(
    tf, load_report, tmp_path, stored, left, is_own_first
):
    model = make_layer_with_own_store(tf, stored, is_own_first)
    model.save_weights(tmp_path / "own.weights.h5")
    rows = load_report(tmp_path / "own.weights.h5", model).rows
    places = {row.key.split("/")[-1] for row in rows if row.status == "matched"}
    assert places == {"0", *stored}
    assert sorted(row.key for row in rows if row.status == "not carried") == left


def test_a_target_that_does_not_go_with_a_checkpoint_gets_one_line(
    tf, build, load_report, tmp_path, classic
):
    model = build()
    today = tf.train.Checkpoint(model=model).write(tmp_path / "a")
    for prefix in [today, classic]:
        name = Path(prefix).name
        for wrong in [5, None, "a"]:
            kind = type(wrong).__name__
            line = f"^no report on {name}: .*tf.train.Checkpoint or a dictionary.* {kind}$"
            with pytest.raises(ValueError, match=line):
                load_report(prefix, wrong)
        line = f"^no report on {name}: .* needs a variable for 'model', found Sequential$"
        with pytest.raises(ValueError, match=line):
            load_report(prefix, {"model": model})
