"""An old program: a network written for TensorFlow 1 that reads handwritten digits, and its data.

It builds a graph, trains it in a session and saves it with a ``Saver``. `train_keras` gives the
same batches to a network of Keras, and `score_keras` the same test images.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from helpers.lab.old_layers import batch_normalization, dense

import keras
import numpy as np
import tensorflow as tf
import tensorflow.compat.v1 as tf1
from sklearn.datasets import load_digits

BATCH = 25
TRAINING_IMAGES = 1500

_pixels, _digits = load_digits(return_X_y=True)
_images = (_pixels / 16).astype(np.float32)
TEST_IMAGES = _images[TRAINING_IMAGES:]
TEST_LABELS = _digits[TRAINING_IMAGES:]


def batch(step: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the 25 images and labels of a step: always the same ones, in the order of the data.

    Returns:
        Images of the shape [25, 64], float32 from 0 to 1, and labels of the shape [25].

    Raises:
        IndexError: a step outside 0 to 59, for which there are no images.
    """
    steps = TRAINING_IMAGES // BATCH
    if not 0 <= step < steps:
        raise IndexError(f"there are batches 0 to {steps - 1}, got {step}")
    part = slice(BATCH * step, BATCH * step + BATCH)
    return _images[part], _digits[part]


def accuracy(scores: np.ndarray) -> float:
    """Return the share of the test images whose highest score is that of their digit."""
    return float(np.mean(np.argmax(scores, axis=1) == TEST_LABELS))


def adam() -> tf1.train.Optimizer:
    """Make the optimizer of the old program."""
    return tf1.train.AdamOptimizer(0.01)


def momentum() -> tf1.train.Optimizer:
    """Make another optimizer, which has one slot for each trained variable."""
    return tf1.train.MomentumOptimizer(0.05, 0.9)


def build_graph() -> tf.Tensor:
    """Add the network to the graph, and return its loss."""
    tf1.set_random_seed(0)
    images = tf1.placeholder(tf.float32, [None, 64], name="images")
    labels = tf1.placeholder(tf.int64, [None], name="labels")
    training = tf1.placeholder_with_default(False, [], name="training")
    hidden = dense(images, 32, "dense", use_bias=False)
    hidden = batch_normalization(hidden, training, "batch_normalization", momentum=0.9)
    logits = dense(tf.nn.relu(hidden), 10, "dense_1")
    tf.identity(logits, name="logits")
    return tf1.losses.sparse_softmax_cross_entropy(labels, logits)


def add_step(loss: tf.Tensor, optimizer: tf1.train.Optimizer) -> tf.Operation:
    """Add a training step to the graph, which counts itself and moves the moving statistics."""
    global_step = tf1.train.get_or_create_global_step()
    updates = tf1.get_collection(tf1.GraphKeys.UPDATE_OPS)
    with tf.control_dependencies(updates):
        return optimizer.minimize(loss, global_step)


def train(
    steps: Iterable[int],
    save_to: Path | str,
    restore_from: Path | str | None = None,
    make_optimizer: Callable[[], tf1.train.Optimizer] = adam,
) -> tuple[np.ndarray, np.ndarray]:
    """Train in a session and save, as the old program does.

    Args:
        steps: the numbers of the batches.
        save_to: the prefix of the checkpoint that is written.
        restore_from: the prefix of one to begin with, or None for new variables.
        make_optimizer: `adam` or `momentum`.

    Returns:
        The loss of each step, and the scores of the test images, of the shape [297, 10].

    Raises:
        tf.errors.NotFoundError: the checkpoint lacks a variable of the program.
    """
    losses = []
    with tf.Graph().as_default(), tf1.Session() as session:
        loss = build_graph()
        step = add_step(loss, make_optimizer())
        saver = tf1.train.Saver()
        session.run(tf1.global_variables_initializer())
        if restore_from is not None:
            saver.restore(session, str(restore_from))
        for number in steps:
            images, labels = batch(number)
            feed = {"images:0": images, "labels:0": labels, "training:0": True}
            value, _ = session.run([loss, step], feed)
            losses.append(value)
        saver.save(session, str(save_to))
        scores = session.run("logits:0", {"images:0": TEST_IMAGES})
    return np.array(losses), scores


def train_with_momentum(
    steps: Iterable[int], save_to: Path | str, restore_from: Path | str | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Train and save like `train`, with the optimizer `momentum`."""
    return train(steps, save_to, restore_from, momentum)


def score_keras(network: keras.Model) -> np.ndarray:
    """Return the scores that a network of Keras gives to the test images, [297, 10], float32."""
    return network.predict(TEST_IMAGES, verbose=0)


def train_keras(network: keras.Model, steps: Iterable[int]) -> np.ndarray:
    """Train a compiled network with the batches of these steps, and return the loss of each."""
    losses = []
    for step in steps:
        losses.append(network.train_on_batch(*batch(step)))
        network.reset_metrics()  # which begins a new mean of the loss
    return np.array(losses)
