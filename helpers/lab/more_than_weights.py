"""Every piece of state, every way to save it: `try_all` saves, restores and compares each.

A piece of state is judged by what the model does with it. The program builds its model as a program
does that has been started again, restores into it, and its behaviour has to be the same as before.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from helpers import hold_stderr
from helpers.draw import BROKEN, COLOURS, GREY, MATCHED
from helpers.prove import same_values
from helpers.recipes.load_report import load_report

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from matplotlib.ticker import MaxNLocator
from tabulate import tabulate

WAYS = (".keras", ".weights.h5", "Checkpoint")
FEATURES = 4
LONGEST_TRAINING = 12  # epochs
OLD_TEXTS = ["red red red green green blue"]
SENTENCES = tf.constant(["a great story", "a slow film"])
READERS = (("bad", "good"), ("one", "two", "three"))  # the names of each
NEW_TEXTS = ["blue blue blue yellow yellow red green"]


class Piece(NamedTuple):
    """A piece of state that a model has beside its weights.

    Attributes:
        name: what it is.
        behaviour: what has to be the same after a restore, as arrays or plain values.
        advice: what to do so that it comes back.
    """

    name: str
    behaviour: Callable[[keras.Model], Any]
    advice: str


class Trial(NamedTuple):
    """A model that is saved and restored, with the pieces of state that it has.

    Attributes:
        make_saved: makes the model as it is when it is saved.
        make_new: makes the model as the program does that restores into it.
        pieces: what is looked at.
    """

    make_saved: Callable[[], keras.Model]
    make_new: Callable[[], keras.Model]
    pieces: list[Piece]


class Outcome(NamedTuple):
    """What became of a piece of state.

    Attributes:
        name: what it is.
        fates: for each of `WAYS`, "kept" or "lost".
        is_reported: whether a load report objects to every way that loses it; None if none does.
        advice: what to do so that it comes back.
    """

    name: str
    fates: dict[str, str]
    is_reported: bool | None
    advice: str


def try_all(folder: Path) -> list[Outcome]:
    """Save and restore each piece of state in each way, and tell what came back.

    Args:
        folder: an empty folder for the files.

    Raises:
        Exception: whatever a save or a load raises. None of them does here, which is the trap.
    """
    outcomes = []
    for number, trial in enumerate(TRIALS):
        with warnings.catch_warnings(action="ignore"), hold_stderr():
            outcomes += try_one(trial, folder / f"trial_{number}")
    return outcomes


def try_one(trial: Trial, folder: Path) -> list[Outcome]:
    """Save and restore one model in each way; return what became of each of its pieces.

    Args:
        trial: what is saved.
        folder: a folder for the files, which is made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    saved = trial.make_saved()
    wanted = {piece.name: piece.behaviour(saved) for piece in trial.pieces}
    restored = {}
    for way, restore in _save(saved, folder).items():
        restored[way] = restore(trial.make_new)
    return [_outcome(piece, wanted[piece.name], restored) for piece in trial.pieces]


def _outcome(piece: Piece, wanted: Any, restored: Mapping[str, tuple[keras.Model, str]]) -> Outcome:
    """Compare a piece of each restored model, given with the line of its load report."""
    fates = {}
    reports = []
    for way, (model, line) in restored.items():
        is_kept = same_values(piece.behaviour(model), wanted)
        fates[way] = "kept" if is_kept else "lost"
        if not is_kept:
            reports.append("not carried" in line)
    is_reported = all(reports) if reports else None
    return Outcome(piece.name, fates, is_reported, piece.advice)


def show_outcomes(outcomes: Sequence[Outcome]) -> None:
    """Print a table of what came back in which way, and what to do."""
    in_words = {True: "objects", False: "silent", None: ""}
    rows = []
    for outcome in outcomes:
        fates = [outcome.fates[way] for way in WAYS]
        rows.append([outcome.name, *fates, in_words[outcome.is_reported], outcome.advice])
    print(tabulate(rows, ["state", *WAYS, "report", "what to do"]))


def make_reviews() -> tuple[list[str], np.ndarray, list[str]]:
    """Return six short reviews of films, which of them are praise, and three newer reviews.

    Returns:
        The reviews; an array of shape [6], 1 for praise and 0 for blame; and the newer reviews,
        whose words have other frequencies.
    """
    reviews = ["a great film", "great fun", "a warm and great story"]
    reviews += ["a dull film", "dull and slow", "a slow and dull story"]
    liked = np.array([1, 1, 1, 0, 0, 0])
    newer = ["slow start slow end", "great start dull end", "a slow and warm end"]
    return reviews, liked, newer


def words_of(model: keras.Model, count: int = 5) -> list[str]:
    """Return the first words that a model's first layer knows, without its two special ones."""
    vocabulary = model.layers[0].get_vocabulary(include_special_tokens=False)
    return [str(word) for word in vocabulary[:count]]


def show_layers(
    layer_class: type[keras.Layer], attribute: str, inputs: np.ndarray, folder: Path
) -> None:
    """Use a layer in training, save and restore it in each way, and print a number of it.

    The last line is the load report on the ``.weights.h5``.

    Args:
        layer_class: is called without arguments.
        attribute: of the layer, a number or a variable that holds one.
        inputs: one batch, float32.
        folder: an empty folder for the files.
    """

    def make(is_training: bool) -> keras.Model:
        model = keras.Sequential([keras.Input(inputs.shape[1:]), layer_class()])
        model(inputs, training=is_training)
        return model

    used = make(is_training=True)
    numbers = {"saved": _number(used, attribute)}
    reports = {}
    for way, restore in _save(used, folder).items():
        restored, reports[way] = restore(lambda: make(is_training=False))
        numbers[way] = _number(restored, attribute)
    for way, number in numbers.items():
        print(f"{way:12} {number:.2f}")
    print(reports[".weights.h5"])


def _number(model: keras.Model, attribute: str) -> float:
    """Return an attribute of the first layer."""
    return float(getattr(model.layers[0], attribute))


def count_epochs(
    make_callbacks: Callable[[Path], list[keras.callbacks.Callback]], path: Path, every: int
) -> int:
    """Train without progress for 12 epochs at most; return how many it took until it was stopped.

    Args:
        make_callbacks: makes the callbacks for each start; it gets ``path``.
        path: where they may keep something between two starts.
        every: after so many epochs the training is started again.
    """
    model = keras.Sequential([keras.Input((FEATURES,)), keras.layers.Dense(FEATURES)])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    # One batch, ready: of arrays, Keras would make a dataset with its own graphs at each start.
    batch = tf.data.Dataset.from_tensors(_numbers())
    epochs = 0
    model.stop_training = False
    while epochs < LONGEST_TRAINING and not model.stop_training:
        until = min(epochs + every, LONGEST_TRAINING)
        callbacks = make_callbacks(path)
        history = model.fit(
            batch,
            initial_epoch=epochs,
            epochs=until,
            callbacks=callbacks,
            shuffle=False,  # Keras warns if a dataset is to be shuffled here
            verbose=0,
        )
        epochs += len(history.epoch)
    return epochs


def fault_of_words(
    write_words: Callable[[keras.Model, Path], None],
    read_classifier: Callable[[Path, Path], keras.Model],
    folder: Path,
) -> str | None:
    """Write the words of three classifiers, and say whose scores do not come back, if any do not.

    Args:
        write_words: writes the vocabulary of a classifier to a file, and leaves the classifier as
            it is.
        read_classifier: builds a classifier from this file and from a ``.weights.h5``.
        folder: an empty folder for the files.
    """
    reviews, _, newer = make_reviews()
    for number, texts in enumerate([reviews, newer, [*newer, "zoo zoo"]]):
        keras.utils.set_random_seed(number)
        words = keras.layers.TextVectorization(output_sequence_length=5)
        words.adapt(texts)
        model = keras.Sequential([keras.Input((), dtype="string"), words, *_classifying_layers()])
        weights = folder / f"{number}.weights.h5"
        model.save_weights(weights)
        wanted = model(SENTENCES).numpy()
        listed = folder / f"{number}.txt"
        write_words(model, listed)
        if not listed.is_file():
            return "write_words has written no file at the path that it got"
        if not same_values(model(SENTENCES).numpy(), wanted):
            return "write_words has changed the classifier"
        found = read_classifier(listed, weights)
        if not same_values(found(SENTENCES).numpy(), wanted):
            return f"other scores for the classifier of {texts[0]!r}"
    return None


def _classifying_layers() -> list[keras.Layer]:
    """Make the layers behind the words, which are those of the notebook."""
    embedding = keras.layers.Embedding(30, 4)
    average = keras.layers.GlobalAveragePooling1D()
    return [embedding, average, keras.layers.Dense(1, "sigmoid")]


def fault_of_reader(reader_class: Callable[..., keras.Model], folder: Path) -> str | None:
    """Save two models of a class, and say what does not come back from their files, if anything.

    Both are saved before one is loaded, so that what the class itself keeps is no help.

    Args:
        reader_class: takes a list of names and what every Keras model takes.
        folder: an empty folder for the files.
    """
    outputs = {}
    for names in READERS:
        keras.utils.set_random_seed(len(names))
        with warnings.catch_warnings(action="ignore"):
            reader = reader_class(list(names), name="the_reader")
            fault = _fault_of_new_reader(reader, names)
            if fault:
                return fault
            outputs[names] = reader(SENTENCES).numpy()
            reader.save(folder / f"{len(names)}.keras")
    for names in READERS:
        with warnings.catch_warnings(action="ignore"):
            returned = keras.saving.load_model(folder / f"{len(names)}.keras")
        if list(returned.names) != list(names) or returned.name != "the_reader":
            return f"it comes back as {returned.name} with {returned.names}"
        if not same_values(returned(SENTENCES).numpy(), outputs[names]):
            return "the outputs are others after the load"
    return None


def _fault_of_new_reader(reader: keras.Model, names: Sequence[str]) -> str | None:
    """Adapt a reader, and say in what it is not the model of the exercise, if in anything."""
    reviews, _, newer = make_reviews()
    reader.words.adapt(newer)
    before = reader(SENTENCES).numpy()
    reader.words.adapt(reviews)
    after = reader(SENTENCES).numpy()
    if after.shape != (2, len(names)):
        return f"for {len(names)} names the outputs are {after.shape}"
    if np.allclose(after, before):  # a zero may have another sign
        return "other words in the attribute words do not change the outputs"
    # Of the embedding; and for each output a weight for 5 words of 4 numbers, and a bias.
    wanted = 30 * 4 + len(names) * (5 * 4 + 1)
    if reader.count_params() != wanted:
        return f"it has {reader.count_params()} weights, and the layers of the task have {wanted}"
    return None


def draw_losses(losses: Mapping[str, Sequence[float]], wrong: Sequence[str] = ()) -> None:
    """Draw how the loss of several trainings falls, with the wrong ones in orange.

    Args:
        losses: for the name of each training, the loss after each epoch.
        wrong: the names of trainings that went wrong.

    Raises:
        ValueError: a wrong training that is not among the losses.
    """
    unknown = [name for name in wrong if name not in losses]
    if unknown:
        raise ValueError(f"no losses of {', '.join(unknown)}: there are {', '.join(losses)}")
    _, axes = plt.subplots(figsize=(8, 3.6), layout="constrained")
    right_colours = iter([MATCHED, *COLOURS[2:]])
    for number, (name, values) in enumerate(losses.items()):
        colour = BROKEN if name in wrong else next(right_colours)
        style = "--" if name in wrong else "-"
        # The first line is broad, so that it is seen below one that covers it.
        width = 6 if number == 0 else 2
        epochs = range(1, len(values) + 1)
        axes.plot(epochs, values, style, color=colour, lw=width, label=name)
    axes.set(xlabel="epoch", ylabel="loss", ylim=(0, None))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y", color=GREY, alpha=0.3)
    axes.legend(fontsize=12, loc="center left", bbox_to_anchor=(1.01, 0.5))


# How a model is saved and restored

# Takes what makes a new model; returns the restored one, and the line of a load report on it.
Restore = Callable[[Callable[[], keras.Model]], tuple[keras.Model, str]]


def _save(saved: keras.Model, folder: Path) -> dict[str, Restore]:
    """Save a model in each way; return what restores each."""
    file = folder / "model.keras"
    weights = folder / "model.weights.h5"
    saved.save(file)
    saved.save_weights(weights)
    prefix = _checkpoint(saved).write(folder / "model")

    def load_model(_: Callable[[], keras.Model]) -> tuple[keras.Model, str]:
        loaded = keras.saving.load_model(file)
        return loaded, load_report(file, loaded).line

    def load_weights(make_new: Callable[[], keras.Model]) -> tuple[keras.Model, str]:
        new = make_new()
        line = load_report(weights, new).line
        new.load_weights(weights)
        return new, line

    def read(make_new: Callable[[], keras.Model]) -> tuple[keras.Model, str]:
        new = make_new()
        checkpoint = _checkpoint(new)
        line = load_report(prefix, checkpoint).line
        checkpoint.read(prefix).assert_consumed()
        return new, line

    return {".keras": load_model, ".weights.h5": load_weights, "Checkpoint": read}


def _checkpoint(model: keras.Model) -> tf.train.Checkpoint:
    parts: dict[str, Any] = {"model": model}
    is_compiled = getattr(model, "optimizer", None) is not None
    if is_compiled:
        parts["optimizer"] = model.optimizer
    return tf.train.Checkpoint(**parts)


# The models


def _numbers() -> tuple[np.ndarray, np.ndarray]:
    """Return 32 examples, (32, 4) float32 around 2, and targets of the same shape."""
    x = np.random.default_rng(0).normal(2, 3, size=(32, FEATURES)).astype("float32")
    return x, x / 2


def _network(seed: int, *layers: keras.Layer) -> keras.Model:
    """Put layers before a dense layer, whose weights depend on the seed."""
    keras.utils.set_random_seed(seed)
    last = keras.layers.Dense(FEATURES, name="last")
    return keras.Sequential([keras.Input((FEATURES,)), *layers, last], name="model")


def _outputs(model: keras.Model) -> np.ndarray:
    x, _ = _numbers()
    return model(x).numpy()


def _model_of_texts(seed: int, texts: Sequence[str]) -> keras.Model:
    keras.utils.set_random_seed(seed)
    words = keras.layers.TextVectorization(output_sequence_length=3, name="words")
    words.adapt(texts)
    layers = [words, keras.layers.Embedding(10, 2), keras.layers.Flatten()]
    return keras.Sequential([keras.Input((), dtype="string"), *layers], name="texts")


def _answers_to_texts(model: keras.Model) -> np.ndarray:
    return model(tf.constant(["red green blue", "yellow red green"])).numpy()


def _scaled(seed: int, is_adapted: bool) -> keras.Model:
    scale = keras.layers.Normalization(name="scale")
    if is_adapted:
        x, _ = _numbers()
        scale.adapt(x)
    return _network(seed, scale)


def _averaging(seed: int, is_used: bool) -> keras.Model:
    model = _network(seed, keras.layers.BatchNormalization())
    return _used(model) if is_used else model


def _used(model: keras.Model) -> keras.Model:
    """Call a model once as in training."""
    x, _ = _numbers()
    model(x, training=True)
    return model


def _compiled(model: keras.Model, optimizer: keras.optimizers.Optimizer) -> keras.Model:
    model.compile(optimizer, "mse")
    optimizer.build(model.trainable_variables)
    return model


def _stepped(model: keras.Model) -> keras.Model:
    """Let the optimizer take one step, along a gradient of ones."""
    gradients = [keras.ops.ones_like(variable) for variable in model.trainable_variables]
    model.optimizer.apply(gradients)
    return model


@keras.saving.register_keras_serializable(package="course")
class Noting(keras.layers.Layer):
    """A layer that notes the largest input, in a TensorFlow variable; its outputs are its inputs.

    Attributes:
        largest: the variable, of shape [].
        unit: of the inputs, a text, which is a plain attribute of Python.
    """

    unit = "unknown"

    def build(self, _: tuple) -> None:
        """Make the variable."""
        self.largest = tf.Variable(0.0, trainable=False)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return the inputs, of any shape, and note the largest."""
        self.largest.assign(tf.maximum(self.largest, tf.reduce_max(inputs)))
        return inputs


def _noting(seed: int) -> keras.Model:
    return _network(seed, Noting(name="noting"))


def _noting_that_was_used() -> keras.Model:
    model = _noting(seed=1)
    _outputs(model)
    model.get_layer("noting").unit = "metres"
    return model


def _largest(model: keras.Model) -> float:
    return float(model.get_layer("noting").largest)


def _unit(model: keras.Model) -> str:
    return model.get_layer("noting").unit


def _fine_tuned(seed: int, is_trained: bool) -> keras.Model:
    inner = keras.layers.Dense(8, "tanh", name="inner")
    model = _network(seed, inner)
    inner.enable_lora(2)
    if is_trained:
        inner.lora_kernel_b.assign(keras.ops.ones_like(inner.lora_kernel_b))
    return model


def _thin_matrices(model: keras.Model) -> list[np.ndarray]:
    inner = model.get_layer("inner")
    return [inner.lora_kernel_a.numpy(), inner.lora_kernel_b.numpy()]


def _quantised(seed: int) -> keras.Model:
    model = _network(seed)
    # Not the whole model, which would warn that its input has no weights.
    model.get_layer("last").quantize("int8")
    return model


def _of_precision(policy: str | None) -> keras.Model:
    return _network(1, keras.layers.Dense(8, dtype=policy, name="inner"))


def _types_of_inner(model: keras.Model) -> list[str]:
    inner = model.get_layer("inner")
    return [inner.compute_dtype, inner.variable_dtype]


def _with_average_of_weights(seed: int) -> keras.Model:
    optimizer = keras.optimizers.SGD(0.01, use_ema=True, ema_momentum=0.9)
    return _compiled(_network(seed), optimizer)


def _averages_of_weights(model: keras.Model) -> list[np.ndarray]:
    variables = model.optimizer.variables
    return [variable.numpy() for variable in variables if variable.path.endswith("average")]


def _with_loss_scale(seed: int) -> keras.Model:
    inner = keras.optimizers.SGD(0.01)
    # The scale is doubled after every step.
    optimizer = keras.optimizers.LossScaleOptimizer(inner, dynamic_growth_steps=1)
    return _compiled(_network(seed), optimizer)


def _loss_scale(model: keras.Model) -> float:
    return float(model.optimizer.dynamic_scale)


def _dropping(seed: int, is_used: bool) -> keras.Model:
    model = _network(seed, keras.layers.Dropout(0.5, name="dropout"))
    return _used(model) if is_used else model


def _place_in_random_numbers(model: keras.Model) -> np.ndarray:
    return model.get_layer("dropout").seed_generator.state.numpy()


def _frozen(is_frozen: bool) -> keras.Model:
    return _network(1, keras.layers.Dense(8, name="inner", trainable=not is_frozen))


def _is_trainable(model: keras.Model) -> bool:
    return model.get_layer("inner").trainable


@keras.saving.register_keras_serializable(package="course")
class Subclassed(keras.Model):
    """A model that is written as a class: one dense layer."""

    def __init__(self, units: int, **kwargs: Any) -> None:
        """Make the layer, which gets its weights when it is first called.

        Args:
            units: the size of the output.
            **kwargs: what every Keras model takes, such as its name.
        """
        super().__init__(**kwargs)
        self.units = units
        self.dense = keras.layers.Dense(units)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return outputs of shape [batch, units]."""
        return self.dense(inputs)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of ``__init__``, which Keras writes to the file."""
        return super().get_config() | {"units": self.units}


def _subclassed(seed: int) -> keras.Model:
    keras.utils.set_random_seed(seed)
    model = Subclassed(3)
    _outputs(model)
    return model


def _class_names(model: keras.Model) -> list[str]:
    return list(getattr(model, "class_names", []))


def _watched(is_trained: bool) -> keras.Model:
    """Make a model that has names of classes and a callback, and was trained until it waits."""
    model = _compiled(_network(1), keras.optimizers.SGD(0.0))
    if is_trained:
        model.class_names = ["cat", "dog"]
        model.fit(*_numbers(), epochs=3, callbacks=[_stopper(model)], verbose=0)
    return model


def _stopper(model: keras.Model) -> keras.callbacks.Callback:
    """Return the callback of a model: the program makes it, as no file holds one."""
    if not hasattr(model, "stopper"):
        model.stopper = keras.callbacks.EarlyStopping("loss", patience=9)
    return model.stopper


def _epochs_waited(model: keras.Model) -> int:
    return _stopper(model).wait


def _epochs_in_history(model: keras.Model) -> int:
    history = getattr(model, "history", None)
    return len(history.epoch) if history else 0


TRIALS = [
    Trial(
        lambda: _model_of_texts(1, OLD_TEXTS),
        lambda: _model_of_texts(2, NEW_TEXTS),
        [Piece("vocabulary of a layer", _answers_to_texts, "keep the words in a file")],
    ),
    Trial(
        lambda: _scaled(1, is_adapted=True),
        lambda: _scaled(2, is_adapted=False),
        [Piece("statistics of Normalization", _outputs, "call finalize_state()")],
    ),
    Trial(
        lambda: _averaging(1, is_used=True),
        lambda: _averaging(2, is_used=False),
        [Piece("averages of BatchNormalization", _outputs, "nothing")],
    ),
    Trial(
        _noting_that_was_used,
        lambda: _noting(seed=2),
        [
            Piece("a layer's tf.Variable", _largest, "use add_weight"),
            Piece("a layer's Python attribute", _unit, "write save_own_variables"),
        ],
    ),
    Trial(
        lambda: _fine_tuned(1, is_trained=True),
        lambda: _fine_tuned(2, is_trained=False),
        [Piece("A and B of LoRA", _thin_matrices, "random numbers for A")],
    ),
    Trial(
        lambda: _quantised(1),
        lambda: _quantised(2),
        [Piece("int8 weights", _outputs, "quantise first")],
    ),
    Trial(
        lambda: _of_precision("mixed_float16"),
        lambda: _of_precision(None),
        [Piece("mixed precision of a layer", _types_of_inner, "set the same policy")],
    ),
    Trial(
        lambda: _stepped(_with_loss_scale(1)),
        lambda: _with_loss_scale(2),
        [Piece("scale of a LossScaleOptimizer", _loss_scale, "build the optimizer first")],
    ),
    Trial(
        lambda: _stepped(_with_average_of_weights(1)),
        lambda: _with_average_of_weights(2),
        [
            Piece(
                "moving averages of the weights",
                _averages_of_weights,
                "build the optimizer first",
            )
        ],
    ),
    Trial(
        lambda: _dropping(1, is_used=True),
        lambda: _dropping(2, is_used=False),
        [
            Piece(
                "place in dropout's numbers",
                _place_in_random_numbers,
                "put the seeds in a Checkpoint",
            )
        ],
    ),
    Trial(
        lambda: _frozen(is_frozen=True),
        lambda: _frozen(is_frozen=False),
        [Piece("which layers are frozen", _is_trainable, "freeze them in the code")],
    ),
    Trial(
        lambda: _subclassed(1),
        lambda: _subclassed(2),
        [Piece("a subclassed model", _outputs, "register it, write get_config")],
    ),
    Trial(
        lambda: _watched(is_trained=True),
        lambda: _watched(is_trained=False),
        [
            Piece("names of the classes", _class_names, "write a note beside the file"),
            Piece("memory of a callback", _epochs_waited, "write it to a file each epoch"),
            Piece("history of fit", _epochs_in_history, "CSVLogger(append=True)"),
        ],
    ),
]
