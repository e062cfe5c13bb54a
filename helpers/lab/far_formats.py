"""Which ways of saving reach a place behind a URL: each is tried, as text and as a Path."""

import contextlib
import csv
import io
import itertools
import logging
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from helpers.prove import same_values
from helpers.recipes import far_away, restart, save_whole, train_loop

import keras
import numpy as np
import tensorflow as tf
from tabulate import tabulate

WORKS = "works"
OTHER_VALUES = "OLD VALUES"
ON_OUR_DISK = "ON OUR DISK"  # in a folder that is named ram: or gs:

_tables = itertools.count(1)

Place = str | Path
# Saves a model to a place and restores it. What it returns has to be equal to the model's weights.
Trial = Callable[[keras.Model, Place], Any]


def make_model(number: float = 1.0) -> keras.Model:
    """Return a compiled model of one layer, whose kernel holds one number."""
    layers = [keras.Input((4,)), keras.layers.Dense(3, kernel_initializer="ones")]
    model = keras.Sequential(layers)
    model.compile("sgd", "mse")
    model.set_weights([np.full([4, 3], number), np.zeros(3)])
    return model


def below(place: Place, name: str) -> Place:
    """Return the path of a file in a place; it is text if the place is."""
    return place / name if isinstance(place, Path) else f"{place}/{name}"


def try_keras(model: keras.Model, place: Place) -> Any:
    """Save a whole model in one file."""
    model.save(below(place, "model.keras"))
    return keras.saving.load_model(below(place, "model.keras")).get_weights()


def try_weights(model: keras.Model, place: Place) -> Any:
    """Save the weights in one file."""
    model.save_weights(below(place, "model.weights.h5"))
    restored = make_model(0.0)
    restored.load_weights(below(place, "model.weights.h5"))
    return restored.get_weights()


def try_weights_twice(model: keras.Model, place: Place) -> Any:
    """Save weights to the name of a file that is there already."""
    make_model(7.0).save_weights(below(place, "model.weights.h5"))
    return try_weights(model, place)


def try_h5(model: keras.Model, place: Place) -> Any:
    """Save a whole model in the old format."""
    model.save(below(place, "model.h5"))
    restored = keras.saving.load_model(below(place, "model.h5"), compile=False)
    return restored.get_weights()


def try_export(model: keras.Model, place: Place) -> Any:
    """Save a SavedModel."""
    model.export(below(place, "exported"), verbose=False)
    loaded = tf.saved_model.load(below(place, "exported"))
    return [variable.numpy() for variable in loaded.variables]


def try_checkpoint(model: keras.Model, place: Place) -> Any:
    """Save a checkpoint, and find it as the latest one."""
    saved = tf.train.Checkpoint(model=model)
    tf.train.CheckpointManager(saved, place, max_to_keep=3).save()
    restored = make_model(0.0)
    newest = tf.train.latest_checkpoint(place)
    tf.train.Checkpoint(model=restored).restore(newest).expect_partial()
    return restored.get_weights()


def try_backup(model: keras.Model, place: Place) -> Any:
    """Save by the callback that lets ``fit`` go on after a crash."""
    backup = keras.callbacks.BackupAndRestore(below(place, "backup"), delete_checkpoint=False)
    model.fit(np.zeros([1, 4]), np.zeros([1, 3]), verbose=0, callbacks=[backup])
    restored = make_model(0.0)
    restored.load_weights(below(place, "backup/latest.weights.h5"))
    return restored.get_weights()


def try_csv(model: keras.Model, place: Place) -> Any:
    """Write a log of the losses."""
    logger = keras.callbacks.CSVLogger(below(place, "losses.csv"))
    model.fit(np.zeros([1, 4]), np.zeros([1, 3]), verbose=0, callbacks=[logger])
    with tf.io.gfile.GFile(str(below(place, "losses.csv"))) as file:
        rows = list(csv.DictReader(io.StringIO(file.read())))
    return model.get_weights() if rows else None


def try_records(model: keras.Model, place: Place) -> Any:
    """Write a file of records, and read it as data."""
    path = str(below(place, "data.tfrecord"))
    with tf.io.TFRecordWriter(path) as writer:
        for weight in model.get_weights():
            writer.write(tf.io.serialize_tensor(weight).numpy())
    records = tf.data.TFRecordDataset(path)
    return [tf.io.parse_tensor(record, tf.float32).numpy() for record in records]


def try_numpy(model: keras.Model, place: Place) -> Any:
    """Save arrays with NumPy, which knows nothing of TensorFlow's files."""
    np.savez(below(place, "arrays.npz"), *model.get_weights())
    with np.load(below(place, "arrays.npz")) as arrays:
        return [arrays[name] for name in arrays.files]


def try_save_whole(model: keras.Model, place: Place) -> Any:
    """Use the recipe for one file."""
    path = below(place, "model.keras")
    save_whole.save_whole(path, model.save, keras.saving.load_model)
    return keras.saving.load_model(save_whole.checked(path)).get_weights()


def try_restart(model: keras.Model, place: Place) -> Any:
    """Use the recipe for numbered checkpoints."""
    with restart.only_writer(place):
        return try_checkpoint(model, place)


def try_train_loop(model: keras.Model, place: Place) -> Any:
    """Use the recipe that is a whole loop; its lines are not printed."""
    with contextlib.redirect_stdout(io.StringIO()):
        train_loop.train(place, steps=1)
    newest = tf.train.latest_checkpoint(str(place))
    return model.get_weights() if newest else None


def try_far_away(model: keras.Model, place: Place) -> Any:
    """Save to the disk, publish, and fetch."""
    with tempfile.TemporaryDirectory() as disk, tempfile.TemporaryDirectory() as other:
        prefix = tf.train.Checkpoint(model=model).write(f"{disk}/ckpt-1")
        far_away.publish(prefix, place)
        restored = make_model(0.0)
        fetched = far_away.fetch_newest(place, other)
        tf.train.Checkpoint(model=restored).read(fetched).expect_partial()
    return restored.get_weights()


TRIALS: dict[str, Trial] = {
    "model.save, .keras": try_keras,
    "save_weights, .weights.h5": try_weights,
    "the same, to a name that exists": try_weights_twice,
    "model.save, .h5": try_h5,
    "export, SavedModel": try_export,
    "CheckpointManager": try_checkpoint,
    "BackupAndRestore": try_backup,
    "CSVLogger": try_csv,
    "TFRecordWriter": try_records,
    "numpy.savez": try_numpy,
    "save_whole of 16": try_save_whole,
    "restart of 17": try_restart,
    "train_loop of 17": try_train_loop,
    "far_away of this notebook": try_far_away,
}


def try_each(url: str, trials: dict[str, Trial] = TRIALS) -> list[list[str]]:
    """Try each way of saving below a URL; return rows of its name and what comes of it.

    The second column is for the URL as text, the third one for a Path that is made of it.
    """
    rows = []
    for number, (name, trial) in enumerate(trials.items()):
        place = f"{url}/{number}"
        rows.append([name, outcome(trial, f"{place}/text"), outcome(trial, Path(f"{place}/path"))])
    return rows


def outcome(trial: Trial, place: Place) -> str:
    """Say what comes of one trial, which works in an empty folder of its own."""
    model = make_model()
    if isinstance(place, str):
        tf.io.gfile.makedirs(place)
    logging.disable(logging.WARNING)  # Keras advises against its old format
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        try:
            restored = trial(model, place)
        except Exception as error:
            said = type(error).__name__
        else:
            said = WORKS if same_values(restored, model.get_weights()) else OTHER_VALUES
        # Whatever was said: files in our folder have not gone to the place.
        if any(path.is_file() for path in Path(folder).rglob("*")):
            said = ON_OUR_DISK
    logging.disable(logging.NOTSET)
    return said


def show_table(url: str) -> None:
    """Print what comes of each way of saving below a URL, in a new folder for each table."""
    unused = f"{url}/table-{next(_tables)}"
    print(tabulate(try_each(unused), ["way of saving", "URL as text", "as a Path"]))
