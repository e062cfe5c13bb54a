"""Messages raised for real: one small function for each row of the table of messages.

Each function takes an empty folder and does what makes TensorFlow, Keras or this course say its
message. ``RAISERS`` has them by the row's name. `message_of` runs one, and returns what a reader
would paste: a traceback, or the text of a warning or of a line in the log.
"""

import contextlib
import errno
import importlib
import logging
import os
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from helpers.messages.explain import find, rows
from helpers.old_keras import handing_out
from helpers.prove import refuse_other_bytes
from helpers.recipes import background_save, far_away, restart, save_whole, torch_weights
from helpers.runs import new_folder

import filelock
import h5py
import keras
import numpy as np
import safetensors
import safetensors.numpy
import tensorflow as tf
import tensorflow.compat.v1 as tf1

Raiser = Callable[[Path], Any]
RAISERS: dict[str, Raiser] = {}
LOGGERS = ("tensorflow", "absl", "")
LONGEST_LINE = 95  # characters of a message that `show_group` prints


def raises(row: str) -> Callable[[Raiser], Raiser]:
    """Enter a function into ``RAISERS`` under the name of its row."""

    def enter(raiser: Raiser) -> Raiser:
        assert row not in RAISERS, f"two functions raise {row}"
        RAISERS[row] = raiser
        return raiser

    return enter


def message_of(row: str, folder: Path) -> str:
    """Run the function of a row, and return the message that it causes.

    Args:
        row: the name of a row, a key of ``RAISERS``.
        folder: an empty folder for its files.

    Raises:
        ValueError: there is no function of this name.
        AssertionError: nothing was raised, no warning was given, and nothing was logged.
    """
    if row not in RAISERS:
        raise ValueError(f"no function raises {row!r}: choose {', '.join(RAISERS)}")
    said: list[str] = []
    with warnings.catch_warnings(record=True) as given, _listening(said):
        warnings.simplefilter("always")
        try:
            RAISERS[row](folder)
        except Exception:
            return traceback.format_exc()
    said += [f"{one.category.__name__}: {one.message}" for one in given]
    assert said, f"{row}: nothing was raised, no warning was given, and nothing was logged"
    return "\n".join(said)


def show_group(group: str, folder: Path) -> None:
    """Raise the messages of a group, and print how each begins and the way out of it.

    A message that `explain` does not know, or takes for another one, is printed with a question
    mark. It counts as not explained.

    Args:
        group: of the table of messages, one of ``GROUPS``.
        folder: the parent of the folders in which the messages are raised.
    """
    members = [row for row in rows() if row.group == group and row.name in RAISERS]
    explained = 0
    for row in members:
        found = find(message_of(row.name, new_folder(folder, row.name)))
        is_right = found is not None and found.row.name == row.name
        explained += int(is_right)
        print(f"{_shorten(row.begins)}{'' if is_right else ' ?'}\n    {row.way_out}")
    print(f"{len(members)} were raised, {explained} are explained")


def _shorten(begins: str) -> str:
    return begins if len(begins) <= LONGEST_LINE else f"{begins[:LONGEST_LINE]}…"


class _Listener(logging.Handler):
    """Keeps the messages of a log, with their level, and shows none."""

    def __init__(self, said: list[str]) -> None:
        super().__init__()
        self.said = said

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one message."""
        self.said.append(f"{record.levelname}:{record.name}:{record.getMessage()}")


@contextlib.contextmanager
def _listening(said: list[str]) -> Iterator[None]:
    """While the body runs, add to a list what is logged, and show nothing."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [(logger, logger.handlers, logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.handlers = [_Listener(said)]
        logger.setLevel(logging.WARNING)
        logger.propagate = False
    try:
        yield
    finally:
        for logger, handlers, level, propagates in before:
            logger.handlers = handlers
            logger.setLevel(level)
            logger.propagate = propagates


def _model(*layers: keras.layers.Layer) -> keras.Model:
    """Return a model that takes rows of four numbers."""
    return keras.Sequential([keras.Input((4,)), *layers])


def _small() -> keras.Model:
    return _model(keras.layers.Dense(3, name="small"))


def _save_and_load(model: keras.Model, folder: Path, **classes: Any) -> None:
    model.save(folder / "model.keras")
    keras.saving.load_model(folder / "model.keras", classes)


def _compiled() -> keras.Model:
    model = _small()
    model.compile("adam", "mse", jit_compile=False)
    return model


# TensorFlow 1


@raises("tf1-name")
def _(folder: Path) -> None:
    tf.placeholder(tf.float32)


@raises("tf1-train-name")
def _(folder: Path) -> None:
    tf.train.Saver()


@raises("tf1-estimator")
def _(folder: Path) -> Any:
    return tf.estimator.Estimator


@raises("tf1-contrib")
def _(folder: Path) -> None:
    importlib.import_module("tensorflow.contrib")


@raises("tf1-layers")
def _(folder: Path) -> None:
    tf1.layers.dense(tf.ones([1, 2]), 3)


@raises("eager-placeholder")
def _(folder: Path) -> None:
    tf1.placeholder(tf.float32)


@raises("eager-meta-graph")
def _(folder: Path) -> None:
    tf1.train.import_meta_graph("model.meta")


@raises("eager-saver")
def _(folder: Path) -> None:
    tf1.train.Saver()


def _saved_by_saver(folder: Path, shape: tuple = (3,), resource: bool = True) -> str:
    with tf.Graph().as_default(), tf1.Session() as session:
        tf1.get_variable("v", shape, use_resource=resource)
        session.run(tf1.global_variables_initializer())
        return tf1.train.Saver().save(session, str(folder / "model"))


def _restore_by_saver(
    prefix: Any, name: str = "v", shape: tuple = (3,), resource: bool = True
) -> None:
    with tf.Graph().as_default(), tf1.Session() as session:
        tf1.get_variable(name, shape, use_resource=resource)
        tf1.train.Saver().restore(session, prefix)


@raises("saver-none")
def _(folder: Path) -> None:
    _restore_by_saver(tf.train.latest_checkpoint(folder))


@raises("saver-no-variables")
def _(folder: Path) -> None:
    with tf.Graph().as_default():
        tf1.train.Saver()


@raises("checkpoint-moved")
def _(folder: Path) -> None:
    before = new_folder(folder, "before")
    _saved_by_saver(before.resolve())
    after = folder / "after"
    before.rename(after)
    tf.train.latest_checkpoint(after)


@raises("no-such-meta")
def _(folder: Path) -> None:
    with tf.Graph().as_default():
        tf1.train.import_meta_graph(str(folder / "model-7.meta"))


@raises("not-sstable")
def _(folder: Path) -> None:
    _restore_by_saver(_saved_by_saver(folder) + ".meta")


@raises("short-sstable")
def _(folder: Path) -> None:
    _restore_by_saver(_saved_by_saver(folder) + ".data-00000-of-00001")


@raises("no-such-prefix")
def _(folder: Path) -> None:
    _restore_by_saver(str(folder / "model-7"))


@raises("key-not-found")
def _(folder: Path) -> None:
    _restore_by_saver(_saved_by_saver(folder), name="v_1")


@raises("optimizer-key-not-found")
def _(folder: Path) -> None:
    _restore_by_saver(_saved_by_saver(folder), name="beta1_power")


@raises("other-shape-saver")
def _(folder: Path) -> None:
    _restore_by_saver(_saved_by_saver(folder, resource=False), shape=(4,), resource=False)


@raises("not-initialised")
def _(folder: Path) -> None:
    with tf.Graph().as_default(), tf1.Session() as session:
        session.run(tf1.get_variable("v", ()))


@raises("not-initialised-reference")
def _(folder: Path) -> None:
    with tf.Graph().as_default(), tf1.Session() as session:
        session.run(tf1.get_variable("v", (), use_resource=False))


@raises("operation-not-tensor")
def _(folder: Path) -> None:
    graph = tf.Graph()
    with graph.as_default():
        tf.constant(1.0, name="op_to_restore")
    graph.get_tensor_by_name("op_to_restore")


@raises("no-such-tensor")
def _(folder: Path) -> None:
    tf.Graph().get_tensor_by_name("nope:0")


@raises("no-such-operation")
def _(folder: Path) -> None:
    tf.Graph().get_operation_by_name("nope")


@raises("no-parent-folder")
def _(folder: Path) -> None:
    _saved_by_saver(folder / "no" / "such")


@raises("other-graph")
def _(folder: Path) -> None:
    with tf.Graph().as_default():
        other = tf1.placeholder(tf.float32)
    with tf.Graph().as_default(), tf1.Session() as session:
        session.run(tf.constant(1.0), {other: 1.0})


@raises("empty-graph")
def _(folder: Path) -> None:
    with tf.Graph().as_default(), tf1.Session() as session:
        session.run("op_to_restore:0")


@raises("variable-exists")
def _(folder: Path) -> None:
    with tf.Graph().as_default():
        for _ in range(2):
            tf1.get_variable("v", ())


@raises("unknown-operation")
def _(folder: Path) -> None:
    definition = tf1.GraphDef()
    definition.node.add(name="x", op="OfAnotherLibrary")
    with tf.Graph().as_default():
        tf.import_graph_def(definition)


# Checkpoints


def _checkpoint(folder: Path, **objects: Any) -> str:
    return tf.train.Checkpoint(**objects).write(folder / "ckpt")


@raises("data-missing")
def _(folder: Path) -> None:
    prefix = _checkpoint(folder, v=tf.Variable(1.0))
    Path(f"{prefix}.data-00000-of-00001").unlink()
    tf.train.Checkpoint(v=tf.Variable(0.0)).read(prefix)


@raises("cut-off")
def _(folder: Path) -> None:
    prefix = _checkpoint(folder, v=tf.Variable(tf.ones([1000])))
    os.truncate(f"{prefix}.data-00000-of-00001", 100)
    tf.train.Checkpoint(v=tf.Variable(tf.zeros([1000]))).read(prefix)


@raises("checksum")
def _(folder: Path) -> None:
    prefix = _checkpoint(folder, v=tf.Variable(tf.ones([1000])))
    data = Path(f"{prefix}.data-00000-of-00001")
    data.write_bytes(b"x" + data.read_bytes()[1:])
    tf.train.load_checkpoint(prefix).get_tensor("v/.ATTRIBUTES/VARIABLE_VALUE")


@raises("not-bound")
def _(folder: Path) -> None:
    prefix = _checkpoint(folder, before=tf.Variable(1.0))
    status = tf.train.Checkpoint(after=tf.Variable(2.0)).read(prefix)
    status.assert_existing_objects_matched()


@raises("unresolved")
def _(folder: Path) -> None:
    prefix = _checkpoint(folder, v=tf.Variable(1.0), more=tf.Variable(2.0))
    tf.train.Checkpoint(v=tf.Variable(0.0)).read(prefix).assert_consumed()


@raises("not-used")
def _(folder: Path) -> None:
    prefix = _checkpoint(folder, v=tf.Variable(1.0), more=tf.Variable(2.0))
    checkpoint = tf.train.Checkpoint(v=tf.Variable(0.0))
    status = checkpoint.read(prefix)
    del checkpoint, status


@raises("restore-none")
def _(folder: Path) -> None:
    tf.train.Checkpoint(v=tf.Variable(1.0)).restore(None).assert_consumed()


@raises("attributes-not-restored")
def _(folder: Path) -> None:
    prefix = _saved_by_saver(folder)
    tf.train.Checkpoint(w=tf.Variable(tf.zeros([3]))).read(prefix).assert_consumed()


@raises("other-shape-checkpoint")
def _(folder: Path) -> None:
    prefix = _checkpoint(folder, v=tf.Variable(1.0))
    tf.train.Checkpoint(v=tf.Variable(tf.ones([4]))).read(prefix)


@raises("value-key-not-found")
def _(folder: Path) -> None:
    prefix = _checkpoint(folder, v=tf.Variable(1.0))
    tf.train.load_checkpoint(prefix).get_tensor("optimizer/iter/.ATTRIBUTES/VARIABLE_VALUE")


@raises("value-key-error")
def _(folder: Path) -> Any:
    prefix = _checkpoint(folder, v=tf.Variable(1.0))
    keys = tf.train.load_checkpoint(prefix).get_variable_to_shape_map()
    return keys["net/l1/kernel/.ATTRIBUTES/VARIABLE_VALUE"]


@raises("no-matching-files")
def _(folder: Path) -> None:
    tf.train.Checkpoint(v=tf.Variable(1.0)).restore(str(folder / "ckpt-7"))


@raises("no-checkpoint-in-folder")
def _(folder: Path) -> None:
    tf.train.load_checkpoint(folder)


@raises("not-trackable")
def _(folder: Path) -> None:
    tf.train.Checkpoint(step=None, names={1, 2})


@raises("state-file")
def _(folder: Path) -> None:
    state = tf.train.Checkpoint(v=tf.Variable(1.0))
    tf.train.CheckpointManager(state, folder, 3).save()
    (folder / "checkpoint").write_bytes(b"")
    tf.train.CheckpointManager(state, folder, 3)


@raises("gradients-missing")
def _(folder: Path) -> None:
    optimizer = keras.optimizers.SGD()
    one, two = keras.Variable(1.0), keras.Variable(2.0)
    optimizer.build([one, two])
    optimizer.apply_gradients([(tf.constant(1.0), one), (None, two)])


# Keras' files


@raises("weights-ending")
def _(folder: Path) -> None:
    _small().save_weights(folder / "model.h5")


@raises("callback-weights-ending")
def _(folder: Path) -> None:
    keras.callbacks.ModelCheckpoint("model.h5", save_weights_only=True)


@raises("callback-ending")
def _(folder: Path) -> None:
    keras.callbacks.ModelCheckpoint("model")


@raises("save-ending")
def _(folder: Path) -> None:
    _small().save(folder / "model")


@raises("format-not-supported")
def _(folder: Path) -> None:
    _small().export(folder / "model", verbose=False)
    keras.saving.load_model(folder / "model")


@raises("format-json")
def _(folder: Path) -> None:
    path = folder / "model.json"
    path.write_text(_small().to_json(), encoding="utf-8")
    keras.saving.load_model(path)


@raises("format-safetensors")
def _(folder: Path) -> None:
    safetensors.numpy.save_file({"v": np.ones(1)}, folder / "model.safetensors")
    _small().load_weights(folder / "model.safetensors")


@raises("tfsm-layer")
def _(folder: Path) -> None:
    _small().export(folder / "exported", verbose=False)
    inner = keras.layers.TFSMLayer(str(folder / "exported"), call_endpoint="serve")
    _save_and_load(_model(inner), folder)


@raises("tfsm-endpoint")
def _(folder: Path) -> None:
    _small().export(folder / "exported", verbose=False)
    keras.layers.TFSMLayer(folder / "exported", call_endpoint="predict")


def _load_old(folder: Path, name: str, file: str, **options: Any) -> None:
    keras.saving.load_model(handing_out.unpack(name, folder) / file, **options)


@raises("h5-metric")
def _(folder: Path) -> None:
    _load_old(folder, "functional", "model.h5")


@raises("unknown-layer")
def _(folder: Path) -> None:
    _load_old(folder, "custom", "model.h5", compile=False)


@raises("old-functional")
def _(folder: Path) -> None:
    _load_old(folder, "functional", "model.keras")


@raises("class-not-located")
def _(folder: Path) -> None:
    _load_old(folder, "subclassed", "model.keras")


@raises("class-not-located-built-in")
def _(folder: Path) -> None:
    _load_old(folder, "bilstm", "model.h5")


@raises("no-model-config")
def _(folder: Path) -> None:
    _load_old(folder, "functional", "model.weights.h5")


@raises("function-not-located")
def _(folder: Path) -> None:
    _save_and_load(_model(keras.layers.Dense(3, _own_function)), folder)


def _own_function(x: Any) -> Any:
    return x


class _Own(keras.layers.Layer):
    """A layer that Keras cannot build again: its ``__init__`` does not take the name."""

    def __init__(self, units: int = 3) -> None:
        super().__init__()
        self.units = units

    def get_config(self) -> dict:
        return {**super().get_config(), "units": self.units}


@raises("init-without-kwargs")
def _(folder: Path) -> None:
    _save_and_load(_model(_Own()), folder, _Own=_Own)


class _Centre(keras.layers.Layer):
    """A layer with an array in its settings."""

    def __init__(self, mean: Any, **options: Any) -> None:
        super().__init__(**options)
        self.mean = mean

    def call(self, x: Any) -> Any:
        return x - keras.ops.convert_to_tensor(self.mean, "float32")

    def get_config(self) -> dict:
        return {**super().get_config(), "mean": self.mean}


@raises("not-deserialized")
def _(folder: Path) -> None:
    _save_and_load(_model(_Centre(np.ones(4))), folder, _Centre=_Centre)


class _Keeping(keras.layers.Layer):
    """A layer with an object in its arguments, and no ``get_config``."""

    def __init__(self, kept: object, **options: Any) -> None:
        super().__init__(**options)
        self.kept = kept


@raises("get-config-missing")
def _(folder: Path) -> None:
    _save_and_load(_model(_Keeping(object())), folder)


@raises("newer-argument")
def _(folder: Path) -> None:
    _small().save(folder / "model.keras")
    config = handing_out.read_config(folder / "model.keras")
    config["config"]["layers"][1]["config"]["wings"] = 2
    handing_out.write_config(folder / "model.keras", folder / "newer.keras", config)
    keras.saving.load_model(folder / "newer.keras")


@raises("lambda")
def _(folder: Path) -> None:
    _save_and_load(_model(keras.layers.Lambda(lambda x: x)), folder)


@raises("objects-not-loaded")
def _(folder: Path) -> None:
    _small().save_weights(folder / "model.weights.h5")
    _model(keras.layers.Dense(5)).load_weights(folder / "model.weights.h5")


@raises("variables-expected")
def _(folder: Path) -> None:
    _small().save_weights(folder / "model.weights.h5")
    two = _model(keras.layers.Dense(3), keras.layers.Dense(3))
    two.load_weights(folder / "model.weights.h5")


@raises("variables-differ")
def _(folder: Path) -> None:
    _small().save_weights(folder / "model.weights.h5")
    without_bias = _model(keras.layers.Dense(3, use_bias=False))
    without_bias.load_weights(folder / "model.weights.h5")


@raises("model-class-not-located")
def _(folder: Path) -> None:
    keras.models.model_from_json('{"class_name": "Sequential", "config": {"layers": []}}')


@raises("load-not-built")
def _(folder: Path) -> None:
    _small().save_weights(folder / "model.weights.h5")
    keras.Sequential([keras.layers.Dense(3)]).load_weights(folder / "model.weights.h5")


@raises("save-not-built")
def _(folder: Path) -> None:
    keras.Sequential([keras.layers.Dense(3)]).save(folder / "model.keras")


@raises("optimizer-skipped")
def _(folder: Path) -> None:
    model = _compiled()
    model.fit(np.ones((2, 4)), np.ones((2, 3)), verbose=0)
    model.save_weights(folder / "model.weights.h5")
    _compiled().load_weights(folder / "model.weights.h5")


@raises("optimizer-state-h5")
def _(folder: Path) -> None:
    losses = {"mse": keras.losses.MeanSquaredError()}
    _load_old(folder, "functional", "model.h5", custom_objects=losses)


@raises("backup-not-built")
def _(folder: Path) -> None:
    model = keras.Sequential([keras.layers.Dense(3)])
    model.compile("adam", "mse", jit_compile=False)
    backup = keras.callbacks.BackupAndRestore(folder / "backup")
    model.fit(np.ones((2, 4)), np.ones((2, 3)), callbacks=[backup], verbose=0)


@raises("keras-not-found")
def _(folder: Path) -> None:
    path = folder / "model.keras"
    _small().save(path)
    path.write_bytes(path.read_bytes()[:1000])
    keras.saving.load_model(path)


@raises("h5-cut-off")
def _(folder: Path) -> None:
    path = folder / "model.weights.h5"
    _small().save_weights(path)
    path.write_bytes(path.read_bytes()[:-100])
    _small().load_weights(path)


@raises("h5-no-signature")
def _(folder: Path) -> None:
    path = folder / "model.weights.h5"
    path.write_bytes(bytes(1000))
    _small().load_weights(path)


@raises("h5-missing")
def _(folder: Path) -> None:
    _small().load_weights(folder / "model.weights.h5")


@raises("save-format")
def _(folder: Path) -> None:
    _small().save(folder / "model", save_format="tf")


@raises("keras-no-folder")
def _(folder: Path) -> None:
    _small().save(folder / "missing" / "model.keras")


@raises("h5-no-folder")
def _(folder: Path) -> None:
    _small().save_weights(folder / "missing" / "model.weights.h5")


@raises("h5-open")
def _(folder: Path) -> None:
    with h5py.File(folder / "model.weights.h5", "w"):
        _small().save_weights(folder / "model.weights.h5")


@raises("set-weights")
def _(folder: Path) -> None:
    model = _small()
    kernel = model.get_weights()[0]
    model.set_weights([kernel])


@raises("h5-layer-count")
def _(folder: Path) -> None:
    _small().save(folder / "model.h5")
    two = _model(keras.layers.Dense(3), keras.layers.Dense(3))
    two.load_weights(folder / "model.h5")


class _Twins(keras.layers.Layer):
    """A layer with two sublayers of one kind."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.one = keras.layers.Dense(3, name="twin")
        self.two = keras.layers.Dense(3, name="twin")

    def build(self, shape: Any) -> None:
        self.one.build(shape)
        self.two.build(shape)

    def call(self, x: Any) -> Any:
        return self.one(x) + self.two(x)


@raises("h5-name-clash")
def _(folder: Path) -> None:
    _model(_Twins()).save(folder / "model.h5")


@raises("h5-legacy-warning")
def _(folder: Path) -> None:
    _small().save(folder / "model.h5")


@raises("table-not-initialised")
def _(folder: Path) -> None:
    layer = keras.layers.TextVectorization()
    layer(["a text"])


@raises("lora-twice")
def _(folder: Path) -> None:
    model = _small()
    model.layers[0].enable_lora(2)
    model.layers[0].enable_lora(2)


# SavedModel


class _Module(tf.Module):
    def __init__(self) -> None:
        self.v = tf.Variable(2.0)

    @tf.function(input_signature=[tf.TensorSpec([], tf.float32)])
    def double(self, x: Any) -> Any:
        return self.v * x


@raises("saved-model-missing")
def _(folder: Path) -> None:
    tf.saved_model.load(folder)


@raises("callback-missing")
def _(folder: Path) -> None:
    class Leaning(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([], tf.float32)])
        def __call__(self, x: Any) -> Any:
            return tf.raw_ops.PyFunc(input=[x], token="of_another_process", Tout=[tf.float32])

    Leaning()(1.0)


@raises("deleted-variables")
def _(folder: Path) -> None:
    tf.saved_model.save(_Module(), folder)
    tf.saved_model.load(folder).double(1.0)


@raises("no-restored-functions")
def _(folder: Path) -> None:
    class Untraced(tf.Module):
        @tf.function
        def double(self, x: Any) -> Any:
            return 2 * x

    tf.saved_model.save(Untraced(), folder)
    loaded = tf.saved_model.load(folder)
    loaded.double(1.0)


@raises("untracked")
def _(folder: Path) -> None:
    hidden = tf.Variable(2.0)

    class Model(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([], tf.float32)])
        def double(self, x: Any) -> Any:
            return hidden * x

    tf.saved_model.save(Model(), folder)


@raises("no-matching-function")
def _(folder: Path) -> None:
    tf.saved_model.save(_Module(), folder)
    loaded = tf.saved_model.load(folder)
    loaded.double("text")


@raises("proto-2gb")
def _(folder: Path) -> None:
    tf.make_tensor_proto(np.zeros(2**31, np.uint8))


@raises("user-object")
def _(folder: Path) -> None:
    _small().export(folder / "model", verbose=False)
    loaded = tf.saved_model.load(folder / "model")
    loaded.predict(np.ones((1, 4)))


@raises("not-callable")
def _(folder: Path) -> None:
    _small().export(folder / "model", verbose=False)
    loaded = tf.saved_model.load(folder / "model")
    loaded(np.ones((1, 4)))


@raises("tags")
def _(folder: Path) -> None:
    tf.saved_model.save(_Module(), folder)
    tf.saved_model.load(folder, tags=["gpu"])


@raises("never-called")
def _(folder: Path) -> None:
    keras.Sequential([keras.layers.Dense(3)]).export(folder / "model", verbose=False)


# Other formats


@raises("onnx-output-names")
def _(folder: Path) -> None:
    model = _small()
    with mock.patch.dict(os.environ):  # the import sets the level of TensorFlow's log
        import tf2onnx

        tf2onnx.convert.from_keras(model)


@raises("np-object")
def _(folder: Path) -> Any:
    name = "object"
    return getattr(np, name)


@raises("safetensors-cut-off")
def _(folder: Path) -> None:
    path = folder / "model.safetensors"
    safetensors.numpy.save_file({"v": np.ones(100)}, path)
    path.write_bytes(path.read_bytes()[:-100])
    safetensors.numpy.load_file(path)


@raises("safetensors-header")
def _(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(b"no header of safetensors, but other bytes")
    safetensors.numpy.load_file(path)


@raises("pickled-array")
def _(folder: Path) -> None:
    np.save(folder / "array.npy", np.array([{}]), allow_pickle=True)
    np.load(folder / "array.npy")


@raises("torch-missing")
def _(folder: Path) -> None:
    safetensors.numpy.save_file({"small.weight": np.ones((3, 4), "f4")}, folder / "t.safetensors")
    torch_weights.load_torch(folder / "t.safetensors", _small())


@raises("torch-shape")
def _(folder: Path) -> None:
    arrays = {"small.weight": np.ones((3, 4), "f4"), "small.bias": np.ones(12, "f4")}
    safetensors.numpy.save_file(arrays, folder / "t.safetensors")
    torch_weights.load_torch(folder / "t.safetensors", _small())


@raises("torch-no-layer")
def _(folder: Path) -> None:
    arrays = {"small.weight": np.ones((3, 4), "f4"), "small.bias": np.ones(3, "f4")}
    safetensors.numpy.save_file(
        {**arrays, "head.bias": arrays["small.bias"]}, folder / "t.safetensors"
    )
    torch_weights.load_torch(folder / "t.safetensors", _small())


@raises("published-hash")
def _(folder: Path) -> None:
    path = folder / "eye.weights.h5"
    path.write_bytes(b"other bytes")
    refuse_other_bytes(path, "0" * 64, "get the file again")


# Pipelines, writers, places


@raises("stateful-op")
def _(folder: Path) -> None:
    def call_python(x: Any) -> Any:
        return tf.numpy_function(np.abs, [x], tf.int64)

    _checkpoint(folder, data=iter(tf.data.Dataset.range(3).map(call_python)))


@raises("iterator-not-restored")
def _(folder: Path) -> None:
    prefix = _checkpoint(folder, data=iter(tf.data.Dataset.range(3)))
    other = iter(tf.data.Dataset.range(3).batch(2).shuffle(3))
    tf.train.Checkpoint(data=other).read(prefix)


@raises("cache-lockfile")
def _(folder: Path) -> None:
    data = tf.data.Dataset.range(3).cache(str(folder / "cache"))
    (folder / "cache_0.lockfile").touch()
    list(data)


@raises("singleton-variable")
def _(folder: Path) -> None:
    @tf.function
    def double(x: Any) -> Any:
        return tf.Variable(2.0) * x

    double(1.0)


@raises("record-cut-off")
def _(folder: Path) -> None:
    path = folder / "data.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(b"x" * 100)
    path.write_bytes(path.read_bytes()[:-10])
    list(tf.data.TFRecordDataset(str(path)))


@raises("disk-full")
def _(folder: Path) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder / "model.keras"))


@raises("file-lock")
def _(folder: Path) -> None:
    with filelock.FileLock(folder / ".writer"):
        filelock.FileLock(folder / ".writer").acquire(blocking=False)


@raises("has-a-writer")
def _(folder: Path) -> None:
    with restart.only_writer(folder), restart.only_writer(folder):
        pass


@raises("s3")
def _(folder: Path) -> None:
    _small().save("s3://bucket/model.keras")


@raises("lost-slash")
def _(folder: Path) -> None:
    far_away.clean_up(Path("gs://bucket/run"))


@raises("mirrored-int")
def _(folder: Path) -> None:
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    with strategy.scope():
        step = tf.Variable(1)
    int(step)


@raises("none-intact")
def _(folder: Path) -> None:
    state = tf.train.Checkpoint(v=tf.Variable(1.0))
    prefix = tf.train.CheckpointManager(state, folder, 3).save()
    Path(f"{prefix}.data-00000-of-00001").write_bytes(b"")
    restart.newest_whole(folder)


@raises("sums-differ")
def _(folder: Path) -> None:
    path = folder / "model.weights.h5"
    model = _small()
    save_whole.save_whole(path, model.save_weights, model.load_weights)
    path.write_bytes(b"other bytes")
    save_whole.checked(path)


@raises("background-save")
def _(folder: Path) -> None:
    (folder / ".saving-model.safetensors").mkdir()
    with background_save.BackgroundSaver({"model": _small().variables}) as saver:
        saver.save(folder / "model.safetensors")


@raises("meta-of-no-step")
def _(folder: Path) -> Path:
    [meta] = folder.glob("*-7.meta")
    return meta
