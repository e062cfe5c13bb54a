"""The load report: each row against what a real restore then does, and its words for bad input."""

import json
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

# Keras' own, with NumPy 2, whenever it writes a variable to a file.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture
def load_report(helpers):
    from helpers.recipes.load_report import load_report

    return load_report


@pytest.fixture
def build(tf):
    """A maker of Keras models: a number of inputs, then a dense layer for each other size."""

    def make(sizes=(4, 8, 3), dtype="float32", bias=True):
        dense = tf.keras.layers.Dense
        first = dense(sizes[1], dtype=dtype, use_bias=bias, bias_initializer="uniform")
        rest = [dense(size, dtype=dtype, bias_initializer="uniform") for size in sizes[2:]]
        return tf.keras.Sequential([tf.keras.Input([sizes[0]]), first, *rest])

    return make


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
@pytest.mark.parametrize("ending", [".weights.h5", ".keras"])
def test_keras_files_are_loaded_as_foretold(build, load_report, tmp_path, case, ending):
    options, counts = CASES[case]
    saved, model, file = build(), build(**options), tmp_path / f"a{ending}"
    (saved.save if ending == ".keras" else saved.save_weights)(file)
    assert not any(changed(model.variables, lambda: load_report(file, model)))
    report = load_report(file, model)
    name, _, found = report.line.partition(": ")
    assert (name, sorted(found.split(", "))) == (file.name, sorted(counts.split(", ")))
    loading = changed(model.variables, lambda: model.load_weights(file, skip_mismatch=True))
    assert foretold(report) == loading


@pytest.mark.parametrize("ending", [".weights.h5", ".keras"])
def test_layers_that_changed_places_have_other_names(tf, load_report, tmp_path, ending):
    def build(*names):
        dense = [tf.keras.layers.Dense(4, name=name, bias_initializer="uniform") for name in names]
        return tf.keras.Sequential([tf.keras.Input([4]), *dense])

    saved, swapped, file = build("one", "other"), build("other", "one"), tmp_path / f"a{ending}"
    (saved.save if ending == ".keras" else saved.save_weights)(file)
    report = load_report(file, swapped)
    assert report.line == f"a{ending}: 0 matched, 4 other name"
    assert changed(swapped.variables, lambda: swapped.load_weights(file)) == foretold(report)
    assert load_report(file, build("one_2", "other_31")).line == f"a{ending}: 4 matched"
    assert load_report(file, build(None, "other")).line == f"a{ending}: 2 matched, 2 other name"


def test_an_optimizer_that_is_not_built_is_skipped_as_a_whole(tf, build, load_report, tmp_path):
    saved, model, file = build(), build(), tmp_path / "a.weights.h5"
    saved.compile("adam", "mse")
    saved.optimizer.build(saved.trainable_variables)
    saved.optimizer.iterations.assign(7)
    saved.save_weights(file)
    model.compile("adam", "mse")
    status = {key: status for key, status, _, _ in load_report(file, model).rows}
    assert status["optimizer/vars/0"] == status["optimizer/vars/1"] == "skipped"
    assert status["optimizer/vars/9"] == "unexpected"
    model.optimizer.build(model.trainable_variables)
    assert load_report(file, model).line == "a.weights.h5: 14 matched"


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
    told = {row[2].split()[0]: row for row in report.rows if row[2].startswith(model.name)}
    restoring = changed(model.variables, lambda: checkpoint.restore(prefix).expect_partial())
    reader = tf.train.load_checkpoint(prefix)
    for variable, was_restored in zip(model.variables, restoring, strict=True):
        key, status, _, _ = told[variable.path]
        assert (status == "matched") == was_restored
        if was_restored:
            assert np.array_equal(reader.get_tensor(key + "/.ATTRIBUTES/VARIABLE_VALUE"), variable)


def test_a_checkpoint_names_what_is_missing_by_its_way(tf, load_report, tmp_path):
    saved, module = tf.Module(), tf.Module()
    saved.part = tf.Module()
    saved.part.old, saved.part.shape, saved.part.dtype = (tf.Variable([1.0]) for _ in range(3))
    module.part = tf.Module()
    module.part.new, module.part.shape = tf.Variable([1.0]), tf.Variable([1.0, 2.0])
    module.part.dtype = tf.Variable([1])
    prefix = tf.train.Checkpoint(model=saved).save(tmp_path / "a")
    report = load_report(Path(prefix), tf.train.Checkpoint(model=module))
    assert {key.removeprefix("model/part/"): status for key, status, _, _ in report.rows} == {
        "new": "missing", "shape": "other shape", "dtype": "other dtype", "old": "unexpected",
    }  # fmt: skip
    assert "model/part/shape  other shape  (2,) float32    (1,) float32" in report.table


@pytest.fixture
def classic(tf, tmp_path):
    """A TensorFlow 1 checkpoint: ``hidden/w``, 3 ones, and ``hidden/b``, 2 ones, of float32."""
    tf1 = tf.compat.v1
    with tf.Graph().as_default(), tf1.Session() as session:
        for name, size in [("hidden/w", 3), ("hidden/b", 2)]:
            tf1.get_variable(name, initializer=tf.ones([size]))
        session.run(tf1.global_variables_initializer())
        return tf1.train.Saver().save(session, str(tmp_path / "classic"))


def test_a_classic_checkpoint_matches_by_name(tf, load_report, classic):
    module = tf.Module()
    module.any, module.other = tf.Variable(tf.zeros([3]), name="hidden/w"), tf.Variable(0.0)
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


def test_iterators_are_left_out(tf, load_report, tmp_path):
    checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0), it=iter(tf.data.Dataset.range(3)))
    assert load_report(checkpoint.save(tmp_path / "a"), checkpoint).line == "a-1: 1 matched"


# Bad input


def write_keras(path, **members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("_", "."), text)


BAD = {
    "gone.weights.h5": (None, "found no such file"),
    "gone": (None, "found no such file"),
    "text.txt": (
        b"hello",
        "found another file: give a .keras, a .weights.h5 or a checkpoint's prefix",
    ),
    "old.h5": (b"\x89HDF\r\n\x1a\n", "found another file"),
    "text.weights.h5": (b"hello", "file signature not found"),
    "new.weights.h5": (b"\x89HDF\r\n\x1a\n" + bytes([99]) * 99, "bad superblock version number"),
    "text.keras": (b"hello", "not a zip file"),
    "cut.weights.h5": (slice(3000), "truncated file"),
    "cut.keras": (slice(3000), "not a zip file"),
    "bit.keras": (5000, "Bad CRC-32|B-tree|Bad magic"),
    "new.keras": ({"metadata_json": json.dumps({"keras_version": "9.9"})}, "by Keras 9.9, this is"),
    "odd.keras": ({"metadata_json": "[]"}, "list indices"),
    "few.keras": ({"metadata_json": json.dumps({"keras_version": "3.1"})}, "no item named"),
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
        (model.save if name.endswith(".keras") else model.save_weights)(path)
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
    assert "\n" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value), "the folder is known, and makes the line long"


def masked_crc32c(tf, data, path):
    """TensorFlow's checksum, four bytes: a record in a TFRecord file ends with it."""
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(data)
    return path.read_bytes()[-4:]


def test_a_checkpoint_of_a_newer_tensorflow_gets_one_line(tf, load_report, tmp_path):
    checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0))
    index = Path(checkpoint.write(tmp_path / "a") + ".index")
    data, version, newer = index.read_bytes(), b"\x1a\x02\x08\x01", b"\x1a\x02\x10\x63"
    for end in range(len(data) - 4):  # of the block of keys, which its checksum follows
        if data[end : end + 4] == masked_crc32c(tf, data[:end], tmp_path / "record"):
            break
    block = data[:end].replace(version, newer)  # written by 1: to be read by 99 or newer
    index.write_bytes(block + masked_crc32c(tf, block, tmp_path / "record") + data[end + 4 :])
    with pytest.raises(ValueError, match=r"^no report on a: .*version 99 above current version"):
        load_report(tmp_path / "a", checkpoint)


@pytest.mark.parametrize("prefix", [None, "a.index", "a.data-00000-of-00001", "."])
def test_what_is_no_prefix_gets_one_line(tf, load_report, tmp_path, prefix):
    checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0))
    checkpoint.write(tmp_path / "a")
    with pytest.raises(ValueError, match=r"^no report on .*: found .*: give .* prefix$"):
        load_report(prefix and tmp_path / prefix, checkpoint)


def test_a_model_that_does_not_go_with_the_file_gets_one_line(tf, build, load_report, tmp_path):
    model, weights = build(), tmp_path / "a.weights.h5"
    model.save_weights(weights)
    for wrong in [tf.train.Checkpoint(model=model), {"a": tf.Variable(1.0)}, None]:
        name = type(wrong).__name__
        with pytest.raises(
            ValueError, match=f"^no report on a.weights.h5: .*keras.Model.* {name}$"
        ):
            load_report(weights, wrong)
    with pytest.raises(ValueError, match=r"^no report on a.weights.h5: .*not yet been built"):
        load_report(weights, tf.keras.Sequential([tf.keras.layers.Dense(1)]))
    prefix = tf.train.Checkpoint(model=model).write(tmp_path / "a")
    with pytest.raises(ValueError, match=r"^no report on a: Expected a Trackable"):
        load_report(prefix, 5)
