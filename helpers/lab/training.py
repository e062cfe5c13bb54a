"""A small training with all that is hard to resume: shuffled data, noise, dropout, a falling rate.

It has the three functions of ``helpers/recipes/train_loop.py`` that everybody replaces.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

STEPS = 60  # the learning rate falls until this step
IMAGES = 320


def make_model() -> tuple[keras.Model, keras.Optimizer]:
    """Return a network with batch normalisation and dropout, always the same, and Adam."""
    keras.utils.set_random_seed(1)
    layers = [
        keras.Input((64,)),
        keras.layers.Dense(128, "relu"),
        keras.layers.BatchNormalization(),
        keras.layers.Dropout(0.5, seed=2),
        keras.layers.Dense(10),
    ]
    rate = keras.optimizers.schedules.CosineDecay(0.02, decay_steps=STEPS)
    return keras.Sequential(layers), keras.optimizers.Adam(rate)


def make_data() -> tf.data.Dataset:
    """Return batches of 64 images of random numbers, and their classes, shuffled without an end.

    Each image is a float32 vector of 64 numbers, and each class an int64 from 0 to 9.
    """
    random = np.random.default_rng(1)
    images = tf.constant(random.normal(size=(IMAGES, 64)), tf.float32)
    classes = tf.argmax(images[:, :10], axis=1)

    def look_up(chosen: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.gather(images, chosen), tf.gather(classes, chosen)

    # The iterator's state holds what waits in the shuffle buffer. Numbers are small.
    order = tf.data.Dataset.range(IMAGES).shuffle(IMAGES, seed=1).repeat()
    return order.batch(64).map(look_up)


def make_step(state: dict[str, Any]) -> Callable[..., tuple[tf.Tensor, tf.Tensor]]:
    """Return a function that trains on one batch, and returns its loss and the sum of all losses.

    Args:
        state: holds the ``model``, the ``optimizer``, the ``step``, a random ``generator`` for the
            noise, and the ``metric``, which is the sum of all losses.
    """
    model = state["model"]
    optimizer = state["optimizer"]
    compute_loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @tf.function
    def do_step(images: tf.Tensor, classes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        noise = state["generator"].normal(tf.shape(images), stddev=0.3)
        with tf.GradientTape() as tape:
            loss = compute_loss(classes, model(images + noise, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
        state["step"].assign_add(1)
        return loss, state["metric"].assign_add(loss)

    return do_step


def advance(state: dict[str, Any], last: int) -> dict[str, Any]:
    """Train until the state's step is the last, and return what came out.

    Args:
        state: as `make_step` needs it, and the ``iterator`` of the data.
        last: the step.

    Returns:
        ``losses`` and ``metric``, each a dict from the step to a number, and the model's
        ``weights`` at the end, as a list of arrays.
    """
    do_step = make_step(state)
    losses = {}
    sums = {}
    while state["step"] < last:
        loss, total = do_step(*next(state["iterator"]))
        step = int(state["step"])
        losses[step] = float(loss)
        sums[step] = float(total)
    return {"losses": losses, "metric": sums, "weights": state["model"].get_weights()}
