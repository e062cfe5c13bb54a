"""Write the files of Keras 2 that come with the course. This program runs in Keras 2, not here.

It needs two environments of its own, because the last Keras 2 and today's Keras do not fit into
one. In the folder ``helpers/old_keras``, on Linux:

    python3.11 -m venv ~/keras215
    ~/keras215/bin/pip install tensorflow-cpu==2.15.1
    ~/keras215/bin/python make.py files

    python3.7 -m venv ~/keras231
    ~/keras231/bin/pip install keras==2.3.1 tensorflow==1.15.5 "h5py<3" "protobuf<3.21"
    ~/keras231/bin/python make.py files

Each run writes one archive for each model. Beside the files of the model it holds ``answers.npz``,
with an input and what the model answered to it in Keras 2. New files have new hashes, because they
hold the date. Print them with ``sha256sum files/*`` and write them into ``handing_out.py``.
"""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import keras
import numpy as np
import tensorflow as tf

VERSIONS = ("2.3.1", "2.15.0")
NUMBERS = np.random.RandomState(0).normal(size=(4, 4)).astype("float32")
SIGNALS = np.random.RandomState(1).normal(size=(4, 6, 4)).astype("float32")
# Sentences of six words, the last two of them empty.
WORDS = np.pad(np.random.RandomState(2).randint(1, 20, size=(4, 4)), ((0, 0), (0, 2)))


def functional_model() -> Any:
    """Return a trained model with two heads of one shape, and a layer with moving averages."""
    numbers = keras.layers.Input((4,), name="numbers")
    hidden = keras.layers.Dense(8, activation="relu", name="hidden")(numbers)
    norm = keras.layers.BatchNormalization(name="norm")(hidden)
    heads = [keras.layers.Dense(3, name=name)(norm) for name in ("animals", "colours")]
    model = keras.Model(numbers, heads, name="functional")
    model.compile("adam", "mse")
    model.fit(NUMBERS, [np.ones((4, 3)), np.zeros((4, 3))], epochs=3, verbose=0)
    return model


def bilstm_model() -> Any:
    """Return a Sequential model without an input layer, as many were written."""
    model = keras.Sequential(name="bilstm")
    model.add(keras.layers.Embedding(20, 4, mask_zero=True, input_length=6, name="words"))
    model.add(keras.layers.Bidirectional(keras.layers.LSTM(4), name="both_ways"))
    model.add(keras.layers.Dense(1, activation="sigmoid", name="verdict"))
    return model


def gates_model() -> Any:
    """Return a model with the gates that an LSTM had by default until Keras 2.2."""
    signals = keras.layers.Input((6, 4), name="signals")
    memory = keras.layers.LSTM(4, recurrent_activation="hard_sigmoid", name="memory")(signals)
    verdict = keras.layers.Dense(1, name="verdict")(memory)
    return keras.Model(signals, verdict, name="gates")


class Scale(keras.layers.Layer):
    """A layer of our own. In Keras 2 the name may be the first argument of `add_weight`."""

    def build(self, input_shape: Any) -> None:
        """Make one factor for each number."""
        start = keras.initializers.RandomNormal(mean=1.0)
        self.factor = self.add_weight("factor", shape=(input_shape[-1],), initializer=start)
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        """Multiply."""
        return inputs * self.factor


def custom_model() -> Any:
    """Return a model with a layer of our own."""
    return keras.Sequential(
        [keras.layers.Input((4,)), Scale(name="scale"), keras.layers.Dense(1, name="verdict")],
        name="custom",
    )


class Heads(keras.Model):
    """A model that is written as a class, with a list of layers."""

    def __init__(self, **options: Any) -> None:
        """Make the layers, which get their variables in the first call."""
        super().__init__(**options)
        self.hidden = keras.layers.Dense(8, activation="relu", name="hidden")
        self.heads = [keras.layers.Dense(3, name=name) for name in ("animals", "colours")]

    def call(self, inputs: Any) -> list[Any]:
        """Return the answers of both heads."""
        hidden = self.hidden(inputs)
        return [head(hidden) for head in self.heads]


def subclassed_model() -> Any:
    """Return a built model that is written as a class."""
    model = Heads()
    model(NUMBERS)
    return model


def with_other_biases(model: Any) -> Any:
    """Give random numbers to what begins with zero, which would look right unrestored."""
    random = np.random.RandomState(3)
    weights = model.get_weights()
    model.set_weights([w if w.any() else random.normal(size=w.shape) for w in weights])
    return model


def pack(name: str, model: Any, inputs: Any, ways: dict[str, Any], folder: Path) -> None:
    """Save a model in several ways, and put all into one archive with its answers.

    Args:
        name: the archive's, without its ending.
        model: a built model.
        inputs: what it is asked.
        ways: a function that saves to a path, for each file's name.
        folder: where the archive goes.
    """
    place = folder / name
    place.mkdir(parents=True)
    for file, save in ways.items():
        (place / file).parent.mkdir(exist_ok=True)
        save(str(place / file))
    answers = model.predict(inputs)
    if not isinstance(answers, list):
        answers = [answers]
    np.savez(str(place / "answers.npz"), inputs, *answers)
    with zipfile.ZipFile(str(folder / (name + ".zip")), "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in place.rglob("*") if path.is_file()):
            archive.write(str(path), path.relative_to(place).as_posix())
    shutil.rmtree(str(place))


def write_text(model: Any) -> Any:
    """Return a function that writes the architecture of a model as JSON."""
    return lambda path: Path(path).write_text(model.to_json(), encoding="utf-8")


def make_with_2_3_1(folder: Path) -> None:
    """Write the files of Keras 2.3.1, the last one that was a package of its own for years."""
    model = with_other_biases(bilstm_model())
    ways = {"model.h5": model.save, "model.json": write_text(model)}
    ways["numbers.h5"] = model.save_weights
    pack("bilstm", model, WORDS, ways, folder)
    model = with_other_biases(gates_model())
    pack("gates", model, SIGNALS, {"model.h5": model.save}, folder)


def make_with_2_15_0(folder: Path) -> None:
    """Write the files of Keras 2.15.0, the last Keras 2 that came with TensorFlow."""
    model = with_other_biases(functional_model())
    ways = {
        "model.keras": model.save,
        "model.h5": model.save,
        "model.json": write_text(model),
        "numbers.h5": model.save_weights,
        "model.weights.h5": model.save_weights,
        "checkpoint/model": model.save_weights,
        "saved_model": lambda path: model.save(path, save_format="tf"),
    }
    pack("functional", model, NUMBERS, ways, folder)
    model = with_other_biases(custom_model())
    pack("custom", model, NUMBERS, {"model.keras": model.save, "model.h5": model.save}, folder)
    model = with_other_biases(subclassed_model())
    ways = {"model.keras": model.save, "model.weights.h5": model.save_weights}
    ways["checkpoint/model"] = model.save_weights
    pack("subclassed", model, NUMBERS, ways, folder)


def main(folder: Path) -> None:
    """Write what this Keras can write.

    Raises:
        SystemExit: it is another Keras than the two.
    """
    found = keras.__version__
    if found not in VERSIONS:
        wanted = " or ".join(VERSIONS)
        raise SystemExit(
            f"this needs Keras {wanted}, found {found}: see the first lines of make.py"
        )
    if hasattr(tf.random, "set_seed"):
        tf.random.set_seed(1)
    else:
        tf.compat.v1.set_random_seed(1)
    np.random.seed(1)
    folder.mkdir(exist_ok=True)
    if found == "2.3.1":
        make_with_2_3_1(folder)
    else:
        make_with_2_15_0(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
