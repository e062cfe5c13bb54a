"""What the eye measures in pictures: features, their style, and how far apart two of them are.

Pictures come in batches: float32 of shape (batch, height, width, 3), with values from 0 to 1.
Style as Gram matrices is from Gatys, Ecker and Bethge, *A Neural Algorithm of Artistic Style*
(2015).
"""

from collections.abc import Callable, Sequence
from typing import Any

from helpers.painting.networks import LAYERS

import keras
import numpy as np
import tensorflow as tf

# For each of LAYERS what it finds in pictures: float32 (batch, height, width, channels).
Features = dict[str, tf.Tensor]


def make_features(eye: keras.Model, examples: Sequence[np.ndarray]) -> Callable[[Any], Features]:
    """Cut an eye open: return a function from pictures to features of three of its layers.

    Every channel is divided by its size over the examples, so that none drowns out the others.

    Args:
        eye: a network with layers named as in LAYERS.
        examples: pictures of shape (height, width, 3), of one or more sizes.
    """
    outputs = {name: eye.get_layer(name).output for name in LAYERS}
    body = keras.Model(eye.input, outputs)
    sizes = _measure_channels(body, examples)

    def features(pictures: Any) -> Features:
        found = body(pictures, training=False)
        return {name: found[name] / sizes[name] for name in LAYERS}

    return features


def _measure_channels(body: keras.Model, examples: Sequence[np.ndarray]) -> dict[str, tf.Tensor]:
    """The root mean square of every channel over the examples, in each of LAYERS."""
    found = [body(picture[np.newaxis], training=False) for picture in examples]
    sizes = {}
    for name in LAYERS:
        powers = [_mean_square(values[name]) for values in found]
        total = sum(powers)
        little = 1e-4 * tf.reduce_mean(total)  # a channel that finds nothing is not divided by 0
        power = total / len(examples) + little
        sizes[name] = tf.sqrt(power)
    return sizes


def _mean_square(values: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(values**2, axis=(0, 1, 2))


def style_of(features: Features) -> list[tf.Tensor]:
    """Measure what remains of features when their places are forgotten.

    Returns:
        For each layer two tensors: the mean of every channel, (batch, 1, channels), and the Gram
        matrix, (batch, channels, channels): which channels are bright in the same places.
    """
    style = []
    for values in features.values():
        batch, height, width, channels = tf.unstack(tf.shape(values))
        count = height * width
        pixels = tf.reshape(values, (batch, count, channels))
        mean = tf.reduce_mean(pixels, axis=1, keepdims=True)
        gram = tf.matmul(pixels - mean, pixels - mean, transpose_a=True)
        style.append(mean)
        style.append(gram / tf.cast(count, tf.float32))
    return style


def distance(ours: Sequence[tf.Tensor], target: Sequence[tf.Tensor]) -> tf.Tensor:
    """Measure how far tensors are from a target of the same shapes.

    Returns:
        The mean squared difference divided by the mean square of the target, as a scalar, and the
        mean of that over all pairs: 0 for the same, 1 for all zeros.
    """
    parts = []
    for one, other in zip(ours, target, strict=True):
        difference = tf.reduce_mean((one - other) ** 2)
        size = tf.reduce_mean(other**2)
        parts.append(difference / size)
    return tf.add_n(parts) / len(parts)


def style_gap(
    features: Callable[[Any], Features], picture: np.ndarray, painting: np.ndarray
) -> float:
    """Measure how far a picture is in style from a painting: 0 for the same style.

    Args:
        features: from `make_features`.
        picture: of shape (height, width, 3).
        painting: of shape (height, width, 3), maybe of another size.
    """
    style = style_of(features(painting[np.newaxis]))
    return float(distance(style_of(features(picture[np.newaxis])), style))
