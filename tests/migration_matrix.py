"""Which way to restore reads which kind of file: six times six pairs, each tried in earnest.

The model is a dense layer with the kernel [[2], [3]] and the bias [1], saved in six ways. A reader
begins with zeros, is given [[4, 5]], and has read a file if it answers 24.

A pair *works* if the reader takes the file as it is. It works *by name* if the reader is told what
the file calls its values. It *needs code* if a program has to write another file first. Otherwise
it is *refused*.
"""

from pathlib import Path
from typing import NamedTuple

import helpers  # noqa: F401, before TensorFlow, so that its log is quiet

import keras
import numpy as np
import tensorflow as tf
import tensorflow.compat.v1 as tf1

WORKS = "works"
BY_NAME = "by name"
NEEDS_CODE = "needs code"
REFUSED = "refused"

WAYS = ("Saver", "Checkpoint", ".weights.h5", ".keras", "SavedModel", "meta graph")
STEMS = ("values", "today", "layer.weights.h5", "layer.keras", "saved_model", "graph")

KERNEL = np.float32([[2], [3]])
BIAS = np.float32([1])
INPUTS = np.float32([[4, 5]])
ANSWER = 24


class Outcome(NamedTuple):
    """How a pair went, and what the reader said to the file as it is, or nothing."""

    word: str
    message: str


class Layer(tf.Module):
    """The layer of today, without Keras. Its variables have the names that they are given."""

    def __init__(self, kernel, bias, names=(None, None)):
        super().__init__()
        self.kernel = tf.Variable(kernel, name=names[0])
        self.bias = tf.Variable(bias, name=names[1])

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32)])
    def __call__(self, inputs):
        return inputs @ self.kernel + self.bias


def new_layer(names=(None, None)):
    """Return a layer of zeros."""
    return Layer(0 * KERNEL, 0 * BIAS, names)


def build_network(kernel, bias):
    """Return the layer as a Keras model."""
    inputs = keras.Input((2,))
    network = keras.Model(inputs, keras.layers.Dense(1, name="dense")(inputs))
    network.set_weights([kernel, bias])
    return network


def build_graph(kernel, bias):
    """Add the layer to the TensorFlow 1 graph, and return its variables and its output."""
    inputs = tf1.placeholder(tf.float32, [None, 2], name="inputs")
    with tf1.variable_scope("dense"):
        variables = [
            tf1.get_variable("kernel", initializer=kernel),
            tf1.get_variable("bias", initializer=bias),
        ]
    return variables, tf.add(inputs @ variables[0], variables[1], name="outputs")


# The six ways to save


def save_by_saver(path, kernel=KERNEL, bias=BIAS, write_meta_graph=False):
    with tf.Graph().as_default(), tf1.Session() as session:
        build_graph(kernel, bias)
        session.run(tf1.global_variables_initializer())
        tf1.train.Saver().save(session, path, write_meta_graph=write_meta_graph)


def save_meta_graph(path):
    save_by_saver(path, write_meta_graph=True)


def save_checkpoint(path, kernel=KERNEL, bias=BIAS):
    tf.train.Checkpoint(model=Layer(kernel, bias)).write(path)


def save_weights(path, kernel=KERNEL, bias=BIAS):
    build_network(kernel, bias).save_weights(path)


def save_keras(path):
    build_network(KERNEL, BIAS).save(path)


def save_saved_model(path):
    tf.saved_model.save(Layer(KERNEL, BIAS), path)


SAVERS = (
    save_by_saver,
    save_checkpoint,
    save_weights,
    save_keras,
    save_saved_model,
    save_meta_graph,
)


def save_all(folder):
    """Save the layer in all six ways, and return the path of each."""
    files = {}
    for way, stem, save in zip(WAYS, STEMS, SAVERS, strict=True):
        files[way] = str(Path(folder, stem))
        save(files[way])
    return files


# The six readers. Three fill a model of ours.


def read_by_saver(path, keys=("dense/kernel", "dense/bias")):
    with tf.Graph().as_default(), tf1.Session() as session:
        variables, outputs = build_graph(0 * KERNEL, 0 * BIAS)
        tf1.train.Saver(dict(zip(keys, variables, strict=True))).restore(session, path)
        return session.run(outputs, {"inputs:0": INPUTS})


def read_checkpoint(path):
    layer = new_layer()
    tf.train.Checkpoint(model=layer).read(path).assert_existing_objects_matched()
    return layer(INPUTS)


def read_weights(path):
    network = build_network(0 * KERNEL, 0 * BIAS)
    network.load_weights(path)
    return network(INPUTS)


# The others bring the computation from the file.


def read_keras(path):
    return keras.saving.load_model(path)(INPUTS)


def read_saved_model(path):
    loaded = tf.saved_model.load(path)
    [answer] = loaded.signatures["serving_default"](tf.constant(INPUTS)).values()
    return answer


def read_meta_graph(path):
    with tf.Graph().as_default(), tf1.Session() as session:
        tf1.train.import_meta_graph(f"{path}.meta").restore(session, path)
        return session.run("outputs:0", {"inputs:0": INPUTS})


READERS = {
    "Saver": read_by_saver,
    "Checkpoint": read_checkpoint,
    ".weights.h5": read_weights,
    ".keras": read_keras,
    "SavedModel": read_saved_model,
    "meta graph": read_meta_graph,
}


# By name: the reader is told what the file calls the values.


def prefix_of(path):
    """Return the prefix of a checkpoint; a SavedModel holds one in its folder ``variables``."""
    return f"{path}/variables/variables" if Path(path).is_dir() else path


def keys_in(path):
    """Return the keys of the kernel and of the bias in a checkpoint."""
    keys = [key for key, _ in tf.train.list_variables(prefix_of(path))]
    [kernel] = [key for key in keys if "kernel" in key]
    [bias] = [key for key in keys if "bias" in key]
    return kernel, bias


def read_by_saver_by_name(path):
    return read_by_saver(prefix_of(path), keys_in(path))


def read_checkpoint_by_name(path):
    layer = new_layer(names=("dense/kernel", "dense/bias"))
    checkpoint = tf.train.Checkpoint(kernel=layer.kernel, bias=layer.bias)
    checkpoint.read(prefix_of(path)).assert_existing_objects_matched()
    return layer(INPUTS)


READERS_BY_NAME = {"Saver": read_by_saver_by_name, "Checkpoint": read_checkpoint_by_name}


# With code: a program writes another file first.


def numbers_in(path):
    """Return the kernel and the bias that a file holds, whatever kind it is."""
    if path.endswith((".weights.h5", ".keras")):
        network = build_network(0 * KERNEL, 0 * BIAS)
        network.load_weights(path)
        return network.get_weights()
    return [tf.train.load_variable(prefix_of(path), key) for key in keys_in(path)]


def convert_numbers(save, path, new_path):
    """Write the numbers of a file in another way."""
    save(new_path, *numbers_in(path))


def convert_keras(path, new_path):
    """Write a SavedModel from a ``.keras`` file."""
    keras.saving.load_model(path).export(new_path, verbose=False)


def convert_meta_graph(path, new_path):
    """Write a SavedModel from a meta graph."""
    wrapped = tf1.wrap_function(lambda: _import_graph(path), signature=[])
    checkpoint = tf.train.Checkpoint(variables=wrapped.variables)
    checkpoint.read(path).assert_existing_objects_matched()
    signature = wrapped.prune(["inputs:0"], "outputs:0")
    tf.saved_model.save(checkpoint, new_path, signatures=signature)


def _import_graph(path):
    tf1.train.import_meta_graph(f"{path}.meta")


def read_saved_model_in_a_session(path):
    """Load a SavedModel as TensorFlow 1 does."""
    with tf.Graph().as_default(), tf1.Session() as session:
        signatures = tf1.saved_model.load(session, ["serve"], path).signature_def
        signature = signatures["serving_default"]
        [inputs] = signature.inputs.values()
        [outputs] = signature.outputs.values()
        return session.run(outputs.name, {inputs.name: INPUTS})


WRITERS_OF_NUMBERS = {
    "Saver": save_by_saver,
    "Checkpoint": save_checkpoint,
    ".weights.h5": save_weights,
}


def read_with_code(saved, read, path, folder):
    """Read a file by way of another one in a new folder, or return None if no code can do it."""
    new_path = str(Path(folder, f"converted{read if read.startswith('.') else ''}"))
    if read in WRITERS_OF_NUMBERS:
        convert_numbers(WRITERS_OF_NUMBERS[read], path, new_path)
        return READERS[read](new_path)
    match saved, read:
        case ".keras", "SavedModel":
            convert_keras(path, new_path)
            return read_saved_model(new_path)
        case ".keras", "meta graph":
            convert_keras(path, new_path)
            return read_saved_model_in_a_session(new_path)
        case "meta graph", "SavedModel":
            convert_meta_graph(path, new_path)
            return read_saved_model(new_path)
        case "SavedModel", "meta graph":
            return read_saved_model_in_a_session(path)
    return None


# The trial of a pair


def try_pair(saved, read, files, folder):
    """Try to read a file as it is, then by name, then with code.

    Args:
        saved: the way in which the file was saved.
        read: the way in which it is to be read.
        files: the path of each way, from `save_all`.
        folder: an empty one, for what code may write.
    """
    path = files[saved]
    message = ""
    readers = {WORKS: READERS[read]}
    if read in READERS_BY_NAME:
        readers[BY_NAME] = READERS_BY_NAME[read]
    for word, reader in readers.items():
        try:
            answer = reader(path)
        except Exception as error:  # each reader has errors of its own
            message = message or describe(error, path)
        else:
            check(answer, saved, read)
            return Outcome(word, message)
    answer = read_with_code(saved, read, path, folder)
    if answer is None:
        return Outcome(REFUSED, message)
    check(answer, saved, read)
    return Outcome(NEEDS_CODE, message)


def check(answer, saved, read):
    """Refuse an answer that is not the model's: no reader may be wrong in silence."""
    assert np.asarray(answer).tolist() == [[ANSWER]], (saved, read, answer)


def describe(error, path):
    """Return the type of an error and the first sentence that speaks of the file."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    about_the_file = [line for line in lines if path in line] or lines
    text = about_the_file[0].replace(path, "…")
    sentence = text.split(". ")[0].split(": perhaps")[0].rstrip(".")
    return f"{type(error).__name__}: {sentence}"
