"""Loads into changed models: what is said of each, and which numbers arrive.

`silent_loads` does seven that raise no error, and asks two judges. One is the usual one: Keras, a
`Saver`, or the assertion for a part. The other is the load report.
"""

import warnings
from collections.abc import Callable
from pathlib import Path

from helpers.lab.restores import Verdict
from helpers.prove import same_values
from helpers.recipes.load_report import LoadReport, load_report

import keras
import numpy as np
import tensorflow as tf
import tensorflow.compat.v1 as tf1

HIDDEN_SIZE = 4
INPUTS = 4

# Heads of `build_model` that a file with ``animals=3`` does not fit, by the status in the report.
MISFITS = {"other shape": {"animals": 5}, "other name": {"colours": 3}}


def silent_loads(folder: Path) -> list[Verdict]:
    """Do the seven loads, and return what is said of each and which of its numbers are right.

    Args:
        folder: an empty folder for the files.
    """
    return [
        load_with_a_head_less(folder),
        load_with_heads_swapped(folder),
        load_into_64_bits(folder),
        restore_a_renamed_layer(folder),
        restore_before_the_call(folder),
        restore_what_was_frozen(folder),
        restore_another_shape_with_a_saver(folder),
    ]


# Files of Keras


def load_with_a_head_less(folder: Path) -> Verdict:
    """A model that has lost the head ``colours``."""
    saved = build_model(seed=1, animals=3, colours=3)
    loaded = build_model(seed=2, animals=3)
    return _load_weights(folder / "more.weights.h5", saved, loaded, "a head less (.weights.h5)")


def load_with_heads_swapped(folder: Path) -> Verdict:
    """A model with two heads of equal shape, in the other order."""
    saved = build_model(seed=1, animals=3, colours=3)
    loaded = build_model(seed=2, colours=3, animals=3)
    return _load_weights(folder / "two.weights.h5", saved, loaded, "heads swapped (.weights.h5)")


def load_into_64_bits(folder: Path) -> Verdict:
    """A model that computes with float64, from a file of float32."""
    saved = build_model(seed=1, animals=3)
    loaded = build_model(seed=2, dtype="float64", animals=3)
    return _load_weights(folder / "short.weights.h5", saved, loaded, "64-bit model (.weights.h5)")


# Checkpoints


def restore_a_renamed_layer(folder: Path) -> Verdict:
    """The head ``animals`` is called ``species`` now."""
    saved = build_model(seed=1, animals=3)
    prefix = _by_layer(saved).write(folder / "renamed")
    loaded = build_model(seed=2, species=3)
    expected = build_model(seed=1, species=3)
    expected.set_weights(saved.get_weights())
    return _restore(prefix, _by_layer(loaded), expected, loaded, "renamed layer (checkpoint)")


def restore_before_the_call(folder: Path) -> Verdict:
    """A model written as a class, which makes its variables when it is first called."""
    saved = Network()
    saved(tf.zeros([1, INPUTS]))
    prefix = tf.train.Checkpoint(model=saved).write(folder / "called")
    loaded = Network()
    checkpoint = tf.train.Checkpoint(model=loaded)
    return _restore(prefix, checkpoint, saved, loaded, "model not called (checkpoint)")


def restore_what_was_frozen(folder: Path) -> Verdict:
    """A model that was saved with its optimizer while the body was frozen, and is not any more."""
    saved = build_model(seed=1, animals=HIDDEN_SIZE)
    prefix = _with_optimizer(saved, frozen=True).write(folder / "frozen")
    loaded = build_model(seed=2, animals=HIDDEN_SIZE)
    checkpoint = _with_optimizer(loaded, frozen=False)
    return _restore(prefix, checkpoint, saved, loaded, "no longer frozen (checkpoint)")


def restore_another_shape_with_a_saver(folder: Path) -> Verdict:
    """A graph whose variable has room for five numbers, from a file that has three."""
    saved = build_model(seed=1, animals=3)
    variables = {variable.path: variable.value for variable in saved.variables}
    prefix = tf1.train.Saver(variables).save(None, str(folder / "classic"))
    with tf.Graph().as_default(), tf1.Session() as session:
        bias = tf1.get_variable("animals/bias", shape=[5])
        report = load_report(prefix, {"animals/bias": bias})
        usual = said_by(tf1.train.Saver().restore, session, prefix)
        is_right = session.run(bias).shape == bias.shape
    return Verdict("other shape (Saver)", usual, _counts(report), [is_right])


# The models


def build_model(seed: int, dtype: str = "float32", **heads: int) -> keras.Model:
    """Build a body, ``hidden``, with heads of the given names and sizes; all weights are random."""
    keras.utils.set_random_seed(seed)
    inputs = keras.Input([INPUTS])
    body = dense("hidden", HIDDEN_SIZE, dtype)(inputs)
    outputs = [dense(name, size, dtype)(body) for name, size in heads.items()]
    return keras.Model(inputs, outputs)


def dense(name: str, size: int, dtype: str = "float32") -> keras.layers.Layer:
    """Make a dense layer whose biases begin at random: zeros would look restored."""
    return keras.layers.Dense(size, name=name, dtype=dtype, bias_initializer="uniform")


class Network(keras.Model):
    """A body and a head, written as a class."""

    def __init__(self) -> None:
        """Make the layers, which have no variables yet."""
        super().__init__()
        self.hidden = dense("hidden", HIDDEN_SIZE)
        self.animals = dense("animals", 3)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return the head's scores, for inputs of shape [batch, 4]."""
        return self.animals(self.hidden(inputs))


def layers_of(model: keras.Model) -> dict[str, keras.layers.Layer]:
    """Return the dense layers of a model by their names."""
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    return {layer.name: layer for layer in layers}


def same_layer(
    one: keras.Model, other: keras.Model, name: str, name_in_other: str | None = None
) -> bool:
    """Tell whether a layer of two models has the same weights to the last bit.

    Args:
        one: a model with this layer.
        other: another model with such a layer.
        name: the layer's name in ``one``, and in ``other`` if it has no other name there.
        name_in_other: the layer's name in ``other``.
    """
    saved = layers_of(one)[name]
    found = layers_of(other)[name_in_other or name]
    return same_values(saved.get_weights(), found.get_weights())


def _by_layer(model: keras.Model) -> tf.train.Checkpoint:
    return tf.train.Checkpoint(**layers_of(model))


def _with_optimizer(model: keras.Model, frozen: bool) -> tf.train.Checkpoint:
    model.get_layer("hidden").trainable = not frozen
    optimizer = keras.optimizers.SGD(name="sgd")
    optimizer.build(model.trainable_variables)
    return tf.train.Checkpoint(model=model, optimizer=optimizer)


# The judges


def ask_judges(model: keras.Model, prefix: Path, file: Path) -> dict[str, str]:
    """Restore and load a model once for each judge, and return what each says.

    Args:
        model: its dense layers are restored by their names.
        prefix: a checkpoint of layers, each under its name.
        file: a ``.weights.h5``.
    """

    def restore_and(assertion: str) -> None:
        status = _by_layer(model).read(prefix)
        getattr(status, assertion)()

    return {
        "consumed": said_by(restore_and, "assert_consumed"),
        "existing": said_by(restore_and, "assert_existing_objects_matched"),
        "nontrivial": said_by(restore_and, "assert_nontrivial_match"),
        "load_weights": said_by(model.load_weights, file),
        "skip_mismatch": said_by(model.load_weights, file, skip_mismatch=True),
    }


def said_by(act: Callable, *arguments: object, **options: object) -> str:
    """Return "raises", "warns" or "silent", whichever a call does."""
    with warnings.catch_warnings(record=True, action="always") as caught:
        try:
            act(*arguments, **options)
        except (AssertionError, ValueError):
            return "raises"
    kinds = [warning.category for warning in caught]
    return "warns" if UserWarning in kinds else "silent"


def refusal(load: Callable, file: Path, model: keras.Model, *arguments: object) -> str:
    """Return the message with which ``load(file, model)`` refuses to load, and hide its warnings.

    It is empty if no `ValueError` came, or if the model has changed.
    """
    before = model.get_weights()
    message = ""
    with warnings.catch_warnings(action="ignore"):
        try:
            load(file, model, *arguments)
        except ValueError as error:
            message = str(error)
    return message if same_values(before, model.get_weights()) else ""


def _load_weights(file: Path, saved: keras.Model, loaded: keras.Model, name: str) -> Verdict:
    saved.save_weights(file)
    report = load_report(file, loaded)
    usual = said_by(loaded.load_weights, file)
    return Verdict(name, usual, _counts(report), _compare(saved, loaded))


def _restore(
    prefix: Path | str,
    checkpoint: tf.train.Checkpoint,
    expected: keras.Model,
    loaded: keras.Model,
    name: str,
) -> Verdict:
    report = load_report(prefix, checkpoint)
    status = checkpoint.read(prefix)
    usual = said_by(status.assert_existing_objects_matched)
    return Verdict(name, usual, _counts(report), _compare(expected, loaded))


def _compare(expected: keras.Model, loaded: keras.Model) -> list[bool]:
    """Tell of each variable of a model whether it has the numbers of its namesake."""
    loaded(tf.zeros([1, INPUTS]))  # makes the variables that are still to come
    is_right = []
    for name, layer in layers_of(loaded).items():
        namesake = layers_of(expected)[name]
        for new, old in [(layer.kernel, namesake.kernel), (layer.bias, namesake.bias)]:
            is_right.append(np.array_equal(new.numpy(), old.numpy()))
    return is_right


def _counts(report: LoadReport) -> str:
    """Return the line of a report without the name of the file."""
    return report.line.partition(": ")[2]
