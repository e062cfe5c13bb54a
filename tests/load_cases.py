"""The load report against the truth: files and models, the report first, then the real load.

Each case saves a file, gives a model other numbers, and asks for the report. Then it loads the file
as one does, and compares each variable, number by number, with the file and with what it held
before. As a command, it tries and prints all cases, and ends with 1 if one differs:
``python -m tests.load_cases``. The tests try those of `SAMPLE`.
"""

import json
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from helpers.recipes import load_report as recipe

import h5py
import keras
import ml_dtypes
import numpy as np
import tensorflow as tf

LOADED = ("matched", "matched by another path", "other name")
VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
LOAD_ERRORS = (ValueError, KeyError, tf.errors.OpError)

layers = keras.layers


class Case(NamedTuple):
    """A file to save and what to load it into.

    Attributes:
        kind: how the file is saved and loaded, a key of `KINDS`.
        saved: makes what is saved: a model, or a dictionary of what a checkpoint tracks.
        target: makes what the file is loaded into, of the same kind.
        counts: what the line of the report is to say.
    """

    kind: str
    saved: Callable[[], Any]
    target: Callable[[], Any]
    counts: str


class Outcome(NamedTuple):
    """What a case has shown.

    Attributes:
        line: of the report, without the file's name.
        rows: how many there are.
        wrong: what the load has contradicted.
    """

    line: str
    rows: int
    wrong: list[str]


def run(case, folder):
    """Save, ask for the report, load, and compare."""
    save, check = KINDS[case.kind]
    keras.utils.clear_session(free_memory=False)
    saved = case.saved()
    fill(all_variables(as_root(saved)), seed=1)
    path = save(saved, folder)
    names = {}
    for variable in all_variables(as_root(saved)):
        if name_of(variable) != "Variable:0":  # TensorFlow's own
            names[name_of(variable)] = numbers_of(variable)
    keras.utils.clear_session(free_memory=False)
    target = case.target()
    fill(all_variables(as_root(target)), seed=2)
    subject = target if case.kind == "TF 1, Saver" else as_root(target)
    report = ask(path, subject, as_root(target))
    wrong = check(report, target, path, folder, names)
    return Outcome(report.line.partition(": ")[2], len(report.rows), wrong)


def ask(path, subject, root):
    """Return the report, which is to change nothing: not what is below a root, and no file."""
    files = sorted(path.parent.rglob("*"))
    before = all_numbers(all_variables(root), root)
    report = recipe.load_report(path, subject)
    after = all_numbers(all_variables(root), root)
    assert all(map(np.array_equal, before, after)), "the report has changed something"
    assert sorted(path.parent.rglob("*")) == files, "the report has left a file"
    return report


def as_root(thing):
    return tf.train.Checkpoint(**thing) if isinstance(thing, dict) else thing


# The numbers


def fill(variables, seed):
    """Give each variable numbers of its own."""
    random = np.random.default_rng(seed)
    for variable in variables:
        dtype = keras.backend.standardize_dtype(variable.dtype)
        shape = tuple(variable.shape)
        if "float" in dtype:
            numbers = random.standard_normal(shape)
        else:
            numbers = random.integers(1, 100, shape)
        variable.assign(tf.cast(tf.constant(numbers), dtype))


def numbers_of(variable):
    return np.array(keras.ops.convert_to_numpy(variable))


def name_of(variable):
    """Return the path of a Keras variable, or the name of a TensorFlow variable."""
    return getattr(variable, "path", variable.name)


def without(variables, others):
    known = {id(variable) for variable in others}
    return [variable for variable in variables if id(variable) not in known]


def are_equal(one, other):
    """Whether two arrays hold the same numbers, in the type of the first."""
    if one.shape != other.shape:
        return False
    return np.array_equal(one, np.asarray(other).astype(one.dtype))


def all_variables(thing):
    """Return each variable of a model or checkpoint, also what no file carries."""
    found = {}
    for child in tf.train.TrackableView(thing).descendants():
        if is_variable(child):
            found[id(child)] = child
        if isinstance(child, keras.Layer):
            found |= {id(variable): variable for variable in child.variables}
    return list(found.values())


def other_state(thing):
    """Return the pieces of state that are no variables, by the keys of their rows."""
    state = {}
    for layer in tf.train.TrackableView(thing).descendants():
        if isinstance(layer, layers.TextVectorization):
            state[f"{layer.name}/vocabulary"] = np.array(layer.get_vocabulary())
        if isinstance(layer, layers.Discretization):
            state[f"{layer.name}/bin boundaries"] = np.array(layer.bin_boundaries)
        if isinstance(layer, layers.Normalization):
            state[f"{layer.name}/finalize_state"] = np.array(layer.mean)
    return state


def load(act):
    """Do a real load, which may stop with an error."""
    with warnings.catch_warnings(action="ignore"), suppress(*LOAD_ERRORS):
        act()


# Keras files: how each kind is saved, where its numbers are, and how it is loaded


def save_weights(model, folder):
    model.save_weights(folder / "a.weights.h5")
    return folder / "a.weights.h5"


def save_keras(model, folder):
    model.save(folder / "a.keras")
    return folder / "a.keras"


def save_shards(model, folder):
    bytes_of_largest = max(4 * np.prod(variable.shape) for variable in model.variables)
    model.save_weights(folder / "a.weights.json", max_shard_size=2 * bytes_of_largest / 2**30)
    return folder / "a.weights.json"


def save_folder(model, folder):
    model.save(folder / "a", zipped=False)
    return folder / "a"


def save_legacy(model, folder):
    model.save(folder / "a.h5")
    return folder / "a.h5"


def save_legacy_weights(model, folder):
    """Save as `keras.applications` have their weights: the groups of a whole model's file."""
    with h5py.File(save_legacy(model, folder)) as whole:
        with h5py.File(folder / "weights_only.h5", "w") as weights:
            for name in whole["model_weights"]:
                whole.copy(f"model_weights/{name}", weights)
            for name, value in whole["model_weights"].attrs.items():
                weights.attrs[name] = value
    return folder / "weights_only.h5"


def save_as_keras_2(model, folder):
    """Save a ``.keras`` in which, as in those of Keras 2, the groups have no names of layers."""
    weights = save_weights(model, folder)
    with h5py.File(weights, "r+") as tree:
        tree.visititems(lambda _, item: item.attrs.pop("name", None))
    return zipped(weights, folder / "a.keras", "2.15.0")


def save_as_keras_2_13(model, folder):
    """Save a ``.keras`` whose layers are where Keras 2.13 had them."""
    weights = save_weights(model, folder)
    with h5py.File(weights, "r+") as tree:
        tree.move("layers", "_layer_checkpoint_dependencies")
    return zipped(weights, folder / "a.keras", "2.13.1")


def zipped(weights, path, version):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": version}))
        archive.write(weights, "model.weights.h5")
    return path


def load_keras(model, path):
    model.load_weights(path / "model.weights.h5" if path.is_dir() else path)


def tensors_in(path):
    """Return each array of a Keras file by its key."""
    if path.is_dir():
        return tensors_in(path / "model.weights.h5")
    if path.suffix == ".keras":
        with zipfile.ZipFile(path) as archive, archive.open("model.weights.h5") as weights:
            return tensors_in_hdf5(weights)
    if path.suffix == ".json":
        tensors = {}
        for shard in path.parent.glob("a_0*.weights.h5"):
            tensors |= tensors_in(shard)
        return tensors
    return tensors_in_hdf5(path)


def tensors_in_hdf5(file):
    tensors = {}

    def add(key, item):
        if isinstance(item, h5py.Dataset):
            tensors[key] = np.array(item)
            if item.attrs.get("dtype") == "bfloat16":
                tensors[key] = tensors[key].view(ml_dtypes.bfloat16)

    with h5py.File(file) as tree:
        tree.visititems(add)
    return tensors


def check_keras(report, model, path, folder, names):
    """Compare by the keys that the model's variables have when the model itself is saved."""
    in_file = tensors_in(path)
    before, state = own_tensors(model, folder), named_state(model)
    load(lambda: load_keras(model, path))
    after, state_after = own_tensors(model, folder), named_state(model)

    wrong = []
    own_keys = []
    for row in report.rows:
        if row.status == "unexpected":
            is_right = row.key not in after
        elif row.status == "not carried":
            # The load sets LoRA's matrices to zero.
            expected = 0 * state[row.key] if "lora_" in row.key else state[row.key]
            is_right = are_equal(state_after[row.key], expected)
        else:
            own_key = own_key_of(row, after, in_file)
            is_loaded = row.status in (*LOADED, "other dtype")
            expected = in_file[row.key] if is_loaded else before[own_key]
            is_right = are_equal(after[own_key], expected)
            own_keys.append(own_key)
        if not is_right:
            wrong.append(str(row))
    if sorted(own_keys) != sorted(after):
        wrong.append(f"rows of {sorted(own_keys)}, but the model has {sorted(after)}")
    return wrong


def own_key_of(row, after, in_file):
    """Return the key that the model gives to the variable of a row."""
    if row.status == "matched by another path":
        keys = [key for key in after if are_equal(after[key], in_file[row.key])]
        return next(key for key in keys if key != row.key)
    return row.key.replace("_layer_checkpoint_dependencies", "layers")


def own_tensors(model, folder):
    """Return what a model has for a file, by key."""
    model.save_weights(folder / "own.weights.h5")
    return tensors_in(folder / "own.weights.h5")


def named_state(model):
    """Return all that the layers of a model hold, by the names of the layer and of the piece."""
    state = other_state(model)
    for layer in tf.train.TrackableView(model).descendants():
        if isinstance(layer, keras.Layer):
            for variable in layer.variables:
                state[f"{layer.name}/{variable.name}"] = numbers_of(variable)
            for name, child in tf.train.TrackableView.children(layer).items():
                if isinstance(child, tf.Variable):
                    state[f"{layer.name}/{name}"] = numbers_of(child)
    return state


def check_legacy(report, model, path, folder, names):
    """Compare variable by variable, in the order in which a legacy file has them."""
    in_file = tensors_in(path)
    variables = []
    for layer in model.layers:
        variables += layer.trainable_weights + layer.non_trainable_weights
    variables += without(model.weights, variables)
    rest = without(all_variables(model), variables)
    rows = [row for row in report.rows if row.status != "not carried" and row.in_model]
    before = [numbers_of(variable) for variable in variables + rest]
    load(lambda: model.load_weights(path))
    wrong = wrong_rows(rows, variables, before, in_file, (*LOADED, "other dtype"))
    for variable, numbers in zip(rest, before[len(variables) :], strict=True):
        if not are_equal(numbers_of(variable), numbers):
            wrong.append(f"{name_of(variable)} has changed")
    return wrong


def wrong_rows(rows, variables, before, in_file, loaded):
    """Return the rows whose variables do not hold what the rows say."""
    if len(rows) != len(variables):
        return [f"{len(rows)} rows for {len(variables)} variables"]
    wrong = []
    for row, variable, numbers in zip(rows, variables, before[: len(rows)], strict=True):
        expected = in_file[row.key] if row.status in loaded else numbers
        if not are_equal(numbers_of(variable), expected):
            wrong.append(str(row))
    return wrong


# Checkpoints


def save_checkpoint(tracked, folder):
    return Path(tf.train.Checkpoint(**tracked).write(folder / "a"))


def save_names(tracked, folder):
    """Save as TensorFlow 1 does."""
    saver = tf.compat.v1.train.Saver(tracked)
    return Path(saver.save(None, str(folder / "a"), write_meta_graph=False))


def check_checkpoint(report, tracked, path, folder, names):
    """Compare variable by variable, those first that are nearest to the root."""
    checkpoint = tf.train.Checkpoint(**tracked)
    nearest_first = tf.train.TrackableView(checkpoint).descendants()
    variables = [thing for thing in nearest_first if is_variable(thing)]
    rest = without(all_variables(checkpoint), variables)
    before = [numbers_of(variable) for variable in variables]
    rest_before = all_numbers(rest, checkpoint)
    load(lambda: checkpoint.restore(path).expect_partial())

    carried = [row for row in report.rows if row.status != "not carried"]
    rows = [row for row in carried if "(" in row.in_model]  # not those of tables
    wrong = wrong_rows(rows, variables, before, tensors_of_checkpoint(path), LOADED)
    wrong += with_other_names(rows, variables, names)
    if len(report.rows) - len(carried) != len(rest_before):
        wrong.append(f"not carried are {[name_of(variable) for variable in rest]} and more")
    if not all(map(are_equal, all_numbers(rest, checkpoint), rest_before)):
        wrong.append("the load has changed what is not carried")
    return wrong


def all_numbers(variables, root):
    """Return the numbers of variables, and the state below a root that is no variable."""
    return [*map(numbers_of, variables), *other_state(root).values()]


def is_variable(thing):
    return isinstance(thing, tf.Variable | keras.Variable)


def with_other_names(rows, variables, names):
    """Return the rows that do not tell whether a variable has the numbers of its namesake."""
    wrong = []
    for row, variable in zip(rows, variables, strict=True):
        name = name_of(variable)
        is_own = name in names and are_equal(numbers_of(variable), names[name])
        should_be_own = row.status == "matched" and name in names
        if row.status in ("matched", "matched by another path") and is_own != should_be_own:
            wrong.append(f"{row}, numbers of {name}: {is_own}")
    return wrong


def check_saver(report, tracked, path, folder, names):
    before = [numbers_of(variable) for variable in tracked.values()]
    load(lambda: tf.compat.v1.train.Saver(tracked).restore(None, str(path)))
    rows = [row for row in report.rows if row.in_model]
    variables = [*tracked.values()]
    return wrong_rows(rows, variables, before, tensors_of_checkpoint(path), LOADED)


def tensors_of_checkpoint(prefix):
    reader = tf.train.load_checkpoint(str(prefix))
    keys = reader.get_variable_to_shape_map()
    return {key.removesuffix(VALUE): reader.get_tensor(key) for key in keys}


KINDS = {
    ".weights.h5": (save_weights, check_keras),
    ".keras": (save_keras, check_keras),
    ".weights.json": (save_shards, check_keras),
    "folder": (save_folder, check_keras),
    ".keras of Keras 2": (save_as_keras_2, check_keras),
    ".keras of Keras 2.13": (save_as_keras_2_13, check_keras),
    "legacy .h5": (save_legacy, check_legacy),
    "legacy .h5, weights only": (save_legacy_weights, check_legacy),
    "checkpoint": (save_checkpoint, check_checkpoint),
    "TF 1, Checkpoint": (save_names, check_checkpoint),
    "TF 1, Saver": (save_names, check_saver),
}


# The models


def model_of(*parts, inputs=(4,), name="model"):
    """Make a model of layers, each after the one before."""
    return keras.Sequential([keras.Input(inputs), *parts], name=name)


def dense(*sizes, inputs=4, **options):
    """Make a model of dense layers, named "first", "second" and so on."""
    names = ["first", "second", "third"]
    parts = [
        layers.Dense(size, name=name, **options) for size, name in zip(sizes, names, strict=False)
    ]
    return model_of(*parts, inputs=(inputs,))


def named(*names):
    return model_of(*[layers.Dense(4, name=name) for name in names])


def compiled(model, optimizer, is_built=True):
    model.compile(optimizer, "mse")
    if is_built:
        model.optimizer.build(model.trainable_variables)
    return model


def momentum():
    return keras.optimizers.SGD(momentum=0.9)


def loss_scaled():
    return keras.optimizers.LossScaleOptimizer(momentum())


def nested(size=3, trainable=True):
    inner = keras.Sequential([layers.Dense(4), layers.BatchNormalization()], name="inner")
    model = model_of(inner, layers.Dense(size, name="head"))
    inner.layers[0].trainable = trainable
    return model


def twice(is_shared):
    """Make a model of two dense layers, or of one that is used twice."""
    inputs = keras.Input([4])
    first = layers.Dense(4, name="first")
    second = first if is_shared else layers.Dense(4, name="second")
    return keras.Model(inputs, second(first(inputs)))


def attention(heads):
    inputs = keras.Input([5, 4])
    outputs = layers.MultiHeadAttention(heads, 2, dropout=0.1)(inputs, inputs)
    return keras.Model(inputs, outputs)


def quantized(mode):
    model = dense(3)
    model.quantize(mode)
    return model


def with_lora():
    model = dense(4, 4)
    model.layers[0].enable_lora(2)
    return model


class Offset(layers.Layer):
    """A layer with a `tf.Variable`, which Keras does not know."""

    def build(self, shape):
        self.scale = self.add_weight(shape=[1])
        self.offset = tf.Variable(1.0)

    def call(self, inputs):
        return inputs * self.scale + self.offset


class OwnNames(layers.Layer):
    """A layer that saves its variables under names of its own."""

    def build(self, shape):
        self.one, self.two = self.add_weight(shape=[1]), self.add_weight(shape=[2])

    def call(self, inputs):
        return inputs * self.one

    def save_own_variables(self, store):
        store["two"], store["one"] = self.two.numpy(), self.one

    def load_own_variables(self, store):
        self.two.assign(store["two"])
        self.one.assign(store["one"])


class Network(keras.Model):
    """A model written as a class, with a dense layer under each of some names."""

    def __init__(self, *names, alias=None, is_called=True):
        super().__init__()
        for name in names:
            setattr(self, name, layers.Dense(4, name=name))
        if alias:
            setattr(self, alias, getattr(self, names[0]))
        self.order = names
        if is_called:
            self(np.zeros([1, 4]))

    def call(self, inputs):
        for name in self.order:
            inputs = getattr(self, name)(inputs)
        return inputs


class WithWeight(keras.Model):
    """A model with a variable of its own, beside its layer."""

    def __init__(self):
        super().__init__()
        self.hidden = layers.Dense(4)
        self.own = self.add_weight(shape=[4], name="own")
        self(np.zeros([1, 4]))

    def call(self, inputs):
        return self.hidden(inputs) + self.own


def words(*vocabulary):
    text = layers.TextVectorization(output_mode="tf_idf", name="text")
    text.set_vocabulary([*vocabulary], idf_weights=[1.0 for _ in vocabulary])
    return keras.Sequential([keras.Input([], dtype="string"), text, layers.Dense(2)])


def binned(*numbers):
    bins = layers.Discretization(num_bins=3, name="bins")
    bins.adapt(np.array(numbers, "float32"))
    return model_of(bins)


def normalized(number):
    layer = layers.Normalization(name="norm")
    layer.adapt(np.array([[0, 1, 2, number], [1, 2, 3, 4]], "float32"))
    return model_of(layer, layers.Dense(2))


def variables(**sizes):
    """Make a variable of each size, by name."""
    return {name: tf.Variable(tf.zeros([size]), name=name) for name, size in sizes.items()}


def typed(dtype, **sizes):
    """Make the same, the last of another dtype."""
    made = variables(**sizes)
    last = [*sizes][-1]
    made[last] = tf.Variable(tf.zeros([sizes[last]], dtype), name=last)
    return made


def module(**attributes):
    made = tf.Module()
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


def tied(is_tied):
    first = tf.Variable(tf.zeros([2]), name="both" if is_tied else "first")
    second = first if is_tied else tf.Variable(tf.zeros([2]), name="second")
    return {"one": module(kernel=first), "two": module(kernel=second)}


def listed(name):
    """Make a variable that a list leads to, and an attribute with a name."""
    value = tf.Variable(tf.zeros([2]), name=name)
    return {"model": module(variables_=[value], **{name: value})}


def trained(model, frozen=()):
    """Track a model and its optimizer, where some layers are not trained."""
    for number in frozen:
        model.layers[number].trainable = False
    optimizer = keras.optimizers.SGD(momentum=0.9)
    optimizer.build(model.trainable_variables)
    return {"model": model, "optimizer": optimizer}


def table():
    made = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
    made.insert(["a"], [1])
    return made


@cache
def application(name):
    """Make a model of `keras.applications`, without its last layer, once for all cases."""
    small = {"MobileNet": 0.25, "MobileNetV2": 0.35, "MobileNetV3Small": 0.35}
    options = {"alpha": small[name]} if name in small else {}
    build = getattr(keras.applications, name)
    return build(input_shape=(32, 32, 3), include_top=False, weights=None, pooling="avg", **options)


def classifier(name, classes, *extra):
    """Put a head on a model of `keras.applications`, layer by layer."""
    base = application(name)
    outputs = layers.Dense(classes, name="head")(base.output)
    for layer in extra:
        outputs = layer(outputs)
    return keras.Model(base.input, outputs, name="classifier")


def on_top(name, classes):
    """Put a head on a model of `keras.applications`, which is one layer of the new model."""
    return model_of(application(name), layers.Dense(classes, name="head"), inputs=(32, 32, 3))


CASES = {
    # Keras files, small models
    "the same": Case(".weights.h5", lambda: dense(8, 3), lambda: dense(8, 3), "4 matched"),
    "other classes": Case(
        ".keras", lambda: dense(8, 3), lambda: dense(8, 5), "2 matched, 2 other shape"
    ),
    "other inputs": Case(
        ".weights.h5",
        lambda: dense(8),
        lambda: dense(8, inputs=6),
        "0 matched, 1 other shape, 1 skipped",
    ),
    "no bias": Case(
        ".keras",
        lambda: dense(8),
        lambda: dense(8, use_bias=False),
        "0 matched, 1 skipped, 1 unexpected",
    ),
    "float64": Case(
        ".weights.h5",
        lambda: dense(8),
        lambda: dense(8, dtype="float64"),
        "0 matched, 2 other dtype",
    ),
    "bfloat16": Case(
        ".keras", lambda: dense(8, dtype="bfloat16"), lambda: dense(8), "0 matched, 2 other dtype"
    ),
    "a layer more": Case(
        ".weights.h5", lambda: dense(8, 3), lambda: dense(8, 3, 3), "4 matched, 2 missing"
    ),
    "a layer less": Case(
        ".keras", lambda: dense(8, 3, 3), lambda: dense(8, 3), "4 matched, 2 unexpected"
    ),
    "swapped": Case(
        ".weights.h5", lambda: named("a", "b"), lambda: named("b", "a"), "0 matched, 4 other name"
    ),
    "nested": Case(".weights.json", nested, nested, "8 matched"),
    "nested, other classes": Case(
        ".weights.json", nested, lambda: nested(5), "6 matched, 2 other shape"
    ),
    "nested into flat": Case(
        ".weights.h5",
        nested,
        lambda: dense(4, 3),
        "0 matched, 2 other shape, 2 missing, 6 unexpected",
    ),
    "shared": Case(".keras", lambda: twice(True), lambda: twice(True), "2 matched"),
    "two into a shared one": Case(
        ".keras", lambda: twice(False), lambda: twice(True), "2 matched, 2 unexpected"
    ),
    "a shared one into two": Case(
        ".weights.h5", lambda: twice(True), lambda: twice(False), "2 matched, 2 missing"
    ),
    "batch normalisation": Case(
        ".weights.h5",
        lambda: model_of(layers.BatchNormalization()),
        lambda: model_of(layers.BatchNormalization(center=False)),
        "0 matched, 3 skipped, 1 unexpected",
    ),
    "LSTM": Case(
        ".weights.h5",
        lambda: model_of(layers.LSTM(3, dropout=0.1), inputs=(5, 4)),
        lambda: model_of(layers.LSTM(3, dropout=0.1), inputs=(5, 4)),
        "3 matched, 1 not carried",
    ),
    "LSTM, other inputs": Case(
        ".keras",
        lambda: model_of(layers.LSTM(3), inputs=(5, 4)),
        lambda: model_of(layers.LSTM(3), inputs=(5, 6)),
        "0 matched, 1 other shape, 2 skipped, 1 not carried",
    ),
    "two directions": Case(
        ".weights.h5",
        lambda: model_of(layers.LSTM(3), inputs=(5, 4)),
        lambda: model_of(layers.Bidirectional(layers.LSTM(3)), inputs=(5, 4)),
        "0 matched, 6 missing, 2 not carried, 3 unexpected",
    ),
    "attention": Case(
        ".keras", lambda: attention(2), lambda: attention(2), "8 matched, 1 not carried"
    ),
    "other heads": Case(
        ".weights.h5",
        lambda: attention(2),
        lambda: attention(4),
        "0 matched, 7 other shape, 1 skipped, 1 not carried",
    ),
    "int8": Case(".weights.h5", lambda: quantized("int8"), lambda: quantized("int8"), "3 matched"),
    "int4": Case(".keras", lambda: quantized("int4"), lambda: quantized("int4"), "5 matched"),
    "float into int8": Case(
        ".weights.h5",
        lambda: dense(3),
        lambda: quantized("int8"),
        "0 matched, 2 skipped, 1 missing",
    ),
    "int8 into float": Case(
        ".weights.h5",
        lambda: quantized("int8"),
        lambda: dense(3),
        "0 matched, 2 skipped, 1 unexpected",
    ),
    "mixed precision": Case(
        ".keras",
        lambda: compiled(dense(3, dtype="mixed_float16"), loss_scaled()),
        lambda: compiled(dense(3, dtype="mixed_float16"), loss_scaled()),
        "14 matched",
    ),
    "mixed precision into float32": Case(
        ".weights.h5",
        lambda: compiled(dense(3, dtype="mixed_float16"), loss_scaled()),
        lambda: compiled(dense(3), momentum()),
        "2 matched, 2 other shape, 2 skipped, 8 unexpected",
    ),
    "LoRA": Case(".keras", with_lora, with_lora, "4 matched, 2 not carried"),
    "LoRA into none": Case(".weights.h5", with_lora, lambda: dense(4, 4), "4 matched"),
    "dropout": Case(
        ".keras",
        lambda: model_of(layers.Dense(4), layers.Dropout(0.1)),
        lambda: model_of(layers.Dense(4), layers.Dropout(0.1)),
        "2 matched, 1 not carried",
    ),
    "a tf.Variable": Case(
        ".weights.h5",
        lambda: model_of(Offset()),
        lambda: model_of(Offset()),
        "1 matched, 1 not carried",
    ),
    "own names": Case(
        ".weights.h5", lambda: model_of(OwnNames()), lambda: model_of(OwnNames()), "2 matched"
    ),
    "a vocabulary": Case(
        ".weights.h5", lambda: words("a", "b"), lambda: words("c", "d"), "4 matched, 2 not carried"
    ),
    "bin boundaries": Case(
        ".weights.h5", lambda: binned(1, 2, 3), lambda: binned(4, 5, 9), "0 matched, 1 not carried"
    ),
    "normalisation": Case(".weights.h5", lambda: normalized(3), lambda: normalized(9), "5 matched"),
    "Adam": Case(
        ".keras",
        lambda: compiled(dense(3), "adam"),
        lambda: compiled(dense(3), "adam"),
        "8 matched",
    ),
    "Adam into SGD": Case(
        ".weights.h5",
        lambda: compiled(dense(3), "adam"),
        lambda: compiled(dense(3), momentum()),
        "2 matched, 1 other shape, 3 skipped, 2 unexpected",
    ),
    "Adam, not built": Case(
        ".weights.h5",
        lambda: compiled(dense(3), "adam"),
        lambda: compiled(dense(3), "adam", is_built=False),
        "2 matched, 2 skipped, 4 unexpected",
    ),
    "a class": Case(".keras", lambda: Network("a", "b"), lambda: Network("a", "b"), "4 matched"),
    "renamed attribute": Case(
        ".weights.h5",
        lambda: Network("a", "b"),
        lambda: Network("a", "c"),
        "2 matched, 2 missing, 2 unexpected",
    ),
    "a second attribute": Case(
        ".weights.h5",
        lambda: Network("own"),
        lambda: Network("own", alias="again"),
        "0 matched, 2 matched by another path",
    ),
    "a folder": Case(
        "folder", lambda: dense(8, 3), lambda: dense(8, 5), "2 matched, 2 other shape"
    ),
    "Keras 2": Case(
        ".keras of Keras 2", lambda: dense(8, 3), lambda: dense(8, 5), "2 matched, 2 other shape"
    ),
    "Keras 2.13": Case(
        ".keras of Keras 2.13", lambda: dense(8, 3), lambda: dense(8, 3), "4 matched"
    ),
    # Legacy files
    "legacy, the same": Case("legacy .h5", nested, nested, "8 matched"),
    "legacy, other classes": Case(
        "legacy .h5",
        lambda: dense(8, 3, 4),
        lambda: dense(8, 5, 4),
        "2 matched, 3 other shape, 1 not reached",
    ),
    "legacy, a layer less": Case(
        "legacy .h5",
        lambda: dense(8, 3),
        lambda: dense(8),
        "0 matched, 2 not reached, 2 unexpected",
    ),
    "legacy, no bias": Case(
        "legacy .h5",
        lambda: dense(8, 3),
        lambda: dense(8, 3, use_bias=False),
        "0 matched, 2 not reached, 2 unexpected",
    ),
    "legacy, swapped": Case(
        "legacy .h5", lambda: named("a", "b"), lambda: named("b", "a"), "0 matched, 4 other name"
    ),
    "legacy, Adam and dropout": Case(
        "legacy .h5",
        lambda: compiled(model_of(layers.Dense(4), layers.Dropout(0.1)), "adam"),
        lambda: compiled(model_of(layers.Dense(4), layers.Dropout(0.1)), "adam"),
        "2 matched, 7 not carried",
    ),
    "legacy, a variable of the model": Case(
        "legacy .h5, weights only", WithWeight, WithWeight, "3 matched"
    ),
    "legacy, float64": Case(
        "legacy .h5, weights only",
        lambda: dense(8),
        lambda: dense(8, dtype="float64"),
        "0 matched, 2 other dtype",
    ),
    # Checkpoints
    "checkpoint, the same": Case(
        "checkpoint", lambda: {"m": nested()}, lambda: {"m": nested()}, "8 matched"
    ),
    "checkpoint, renamed": Case(
        "checkpoint",
        lambda: variables(a=1, b=2),
        lambda: variables(a=1, c=2),
        "1 matched, 1 missing, 1 unexpected",
    ),
    "checkpoint, other shape": Case(
        "checkpoint",
        lambda: variables(a=1, b=2, c=3),
        lambda: variables(a=1, b=9, c=3),
        "1 matched, 1 other shape, 1 not reached",
    ),
    "checkpoint, other dtype": Case(
        "checkpoint",
        lambda: variables(a=1, b=2),
        lambda: typed("float64", a=1, b=2),
        "0 matched, 1 other dtype, 1 not reached",
    ),
    "checkpoint, other classes": Case(
        "checkpoint",
        lambda: trained(dense(4, 3)),
        lambda: trained(dense(4, 5)),
        "4 matched, 4 other shape, 2 not reached",
    ),
    "checkpoint, frozen": Case(
        "checkpoint",
        lambda: trained(dense(4, 4, 4)),
        lambda: trained(dense(4, 4, 4), [0]),
        "2 matched, 4 matched by another path, 4 other name, 2 missing, 4 unexpected",
    ),
    "checkpoint, unfrozen": Case(
        "checkpoint",
        lambda: trained(dense(4, 4, 4), [0]),
        lambda: trained(dense(4, 4, 4)),
        "2 matched, 4 matched by another path, 4 other name, 4 missing, 2 unexpected",
    ),
    "checkpoint, two into a tied one": Case(
        "checkpoint",
        lambda: tied(False),
        lambda: tied(True),
        "0 matched, 1 matched by another path, 1 unexpected",
    ),
    "checkpoint, a tied one into two": Case(
        "checkpoint", lambda: tied(True), lambda: tied(False), "1 matched, 1 missing"
    ),
    "checkpoint, renamed in a list": Case(
        "checkpoint",
        lambda: listed("slope"),
        lambda: listed("gradient"),
        "0 matched, 1 matched by another path",
    ),
    "checkpoint, swapped": Case(
        "checkpoint",
        lambda: {"m": named("a", "b")},
        lambda: {"m": named("b", "a")},
        "0 matched, 4 other name",
    ),
    "checkpoint, attention": Case(
        "checkpoint",
        lambda: {"m": attention(2)},
        lambda: {"m": attention(2)},
        "8 matched, 1 not carried",
    ),
    "checkpoint, a class": Case(
        "checkpoint",
        lambda: {"m": Network("a", "b")},
        lambda: {"m": Network("a", "c")},
        "2 matched, 2 missing, 2 unexpected",
    ),
    "checkpoint, not called": Case(
        "checkpoint",
        lambda: {"m": Network("a")},
        lambda: {"m": Network("a", is_called=False)},
        "0 matched, 2 unexpected",
    ),
    "checkpoint, normalisation": Case(
        "checkpoint",
        lambda: {"m": normalized(3)},
        lambda: {"m": normalized(9)},
        "5 matched, 1 not carried",
    ),
    "checkpoint, a vocabulary": Case(
        "checkpoint",
        lambda: {"m": words("a", "b")},
        lambda: {"m": words("c", "d")},
        "8 matched, 1 not carried",
    ),
    "checkpoint, LoRA": Case(
        "checkpoint", lambda: {"m": with_lora()}, lambda: {"m": with_lora()}, "6 matched"
    ),
    "checkpoint, a tf.Variable": Case(
        "checkpoint",
        lambda: {"m": model_of(Offset())},
        lambda: {"m": model_of(Offset())},
        "2 matched",
    ),
    "checkpoint, into a compiled model": Case(
        "checkpoint",
        lambda: {"m": dense(4, 3)},
        lambda: {"m": compiled(dense(4, 3), momentum())},
        "4 matched, 6 missing",
    ),
    "checkpoint, of a compiled model": Case(
        "checkpoint",
        lambda: {"m": compiled(dense(4, 3), momentum())},
        lambda: {"m": dense(4, 3)},
        "4 matched, 6 unexpected",
    ),
    "TF 1": Case(
        "TF 1, Checkpoint",
        lambda: variables(a=1, b=2),
        lambda: variables(b=2, c=3),
        "1 matched, 1 missing, 1 unexpected",
    ),
    "TF 1, other shape": Case(
        "TF 1, Checkpoint",
        lambda: variables(a=1, b=2, c=3),
        lambda: variables(c=3, b=9, a=1),
        "1 matched, 1 other shape, 1 not reached",
    ),
    "TF 1, other dtype": Case(
        "TF 1, Checkpoint",
        lambda: variables(a=1, b=2),
        lambda: typed("float64", b=2, a=1),
        "0 matched, 1 other dtype, 1 not reached",
    ),
    "Saver": Case(
        "TF 1, Saver",
        lambda: variables(a=1, b=2),
        lambda: variables(b=2),
        "1 matched, 1 unexpected",
    ),
    "Saver, a name more": Case(
        "TF 1, Saver",
        lambda: variables(a=1),
        lambda: variables(a=1, b=2),
        "0 matched, 1 not reached, 1 missing",
    ),
    "Saver, other shape": Case(
        "TF 1, Saver",
        lambda: variables(a=1, b=2, c=3),
        lambda: variables(c=3, b=9, a=1),
        "1 matched, 1 other shape, 1 not reached",
    ),
    "Saver, other dtype": Case(
        "TF 1, Saver",
        lambda: variables(a=1, b=2),
        lambda: typed("float64", a=1, b=2),
        "0 matched, 1 other dtype, 1 not reached",
    ),
    # Models that are not ours
    "MobileNet": Case(
        ".weights.h5",
        lambda: classifier("MobileNet", 5),
        lambda: classifier("MobileNet", 5),
        "137 matched",
    ),
    "MobileNet, legacy": Case(
        "legacy .h5, weights only",
        lambda: classifier("MobileNet", 5),
        lambda: classifier("MobileNet", 3),
        "135 matched, 2 other shape",
    ),
    "MobileNet, checkpoint": Case(
        "checkpoint",
        lambda: {"m": classifier("MobileNet", 5)},
        lambda: {"m": classifier("MobileNet", 3)},
        "135 matched, 2 other shape",
    ),
    "MobileNetV2, other classes": Case(
        ".keras",
        lambda: classifier("MobileNetV2", 5),
        lambda: classifier("MobileNetV2", 3),
        "260 matched, 2 other shape",
    ),
    "MobileNetV2, a head more": Case(
        "legacy .h5, weights only",
        lambda: application("MobileNetV2"),
        lambda: classifier("MobileNetV2", 3),
        "0 matched, 260 not reached, 2 missing",
    ),
    "MobileNet, flat into nested": Case(
        ".weights.h5",
        lambda: classifier("MobileNet", 5),
        lambda: on_top("MobileNet", 5),
        "2 matched, 135 missing, 135 unexpected",
    ),
    "MobileNetV3Small": Case(
        ".weights.json",
        lambda: on_top("MobileNetV3Small", 5),
        lambda: on_top("MobileNetV3Small", 3),
        "206 matched, 2 other shape",
    ),
    "MobileNetV3Small, checkpoint": Case(
        "checkpoint",
        lambda: {"m": on_top("MobileNetV3Small", 5)},
        lambda: {"m": on_top("MobileNetV3Small", 5)},
        "208 matched",
    ),
    "MobileNet, a head more": Case(
        ".weights.h5",
        lambda: classifier("MobileNet", 5),
        lambda: classifier("MobileNet", 5, layers.Dropout(0.1), layers.Dense(2)),
        "137 matched, 2 missing, 1 not carried",
    ),
    "MobileNetV3Small, legacy": Case(
        "legacy .h5",
        lambda: application("MobileNetV3Small"),
        lambda: application("MobileNetV3Small"),
        "206 matched",
    ),
    "VGG16": Case("folder", lambda: on_top("VGG16", 5), lambda: on_top("VGG16", 5), "28 matched"),
    "VGG16, checkpoint": Case(
        "checkpoint",
        lambda: {"m": classifier("VGG16", 5)},
        lambda: {"m": classifier("VGG16", 3)},
        "16 matched, 2 other shape, 10 not reached",
    ),
}


# Models that are not ours take two thirds of the time, so the tests try three of them: one whose
# layers lie in another model, a legacy file and a checkpoint.
NOT_OURS = [name for name in CASES if name.startswith(("MobileNet", "VGG"))]
TRIED_NOT_OURS = ["MobileNet, flat into nested", "MobileNet, legacy", "MobileNet, checkpoint"]
SAMPLE = {
    name: case for name, case in CASES.items() if name not in NOT_OURS or name in TRIED_NOT_OURS
}


def show_outcomes():
    """Run all cases, print what each has shown, and return how many differ."""
    agreements = 0
    for name, one in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            outcome = run(one, Path(folder))
        wrong = [*outcome.wrong]
        if outcome.line != one.counts:
            wrong.append(f"the line was to say {one.counts}")
        verdict = "agrees" if not wrong else "DIFFERS"
        agreements += not wrong
        print(f"{name:36} {one.kind:26} {verdict:8} {outcome.line}")
        for line in wrong:
            print(f"    {line[:400]}")
    print(f"{len(CASES)} cases, {agreements} agreements")
    return len(CASES) - agreements


if __name__ == "__main__":
    sys.exit(1 if show_outcomes() else 0)
