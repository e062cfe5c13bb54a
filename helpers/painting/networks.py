"""The two small networks of notebook 05, untrained, and what the eye can measure in a picture.

Pictures come in batches of shape (batch, height, width, 3), with values from 0 to 1. Features are
a dictionary of tensors of shape (batch, height, width, channels), one for each name in LAYERS.
"""

from collections.abc import Callable, Sequence

from helpers.painting.paintings import PAINTINGS

import keras
import numpy as np
import tensorflow as tf
from keras import layers

KINDS = (*PAINTINGS, "photo")  # what the eye tells apart, in the order of its outputs
LAYERS = ("fine", "middle", "coarse")
Features = dict[str, tf.Tensor]


def build_eye() -> keras.Model:
    """Build the network that tells which of KINDS a picture is: pictures to (batch, 6) logits."""
    image = keras.Input((None, None, 3))
    x = layers.Rescaling(2.0, offset=-1.0)(image)
    plan = [("fine", 24, [5]), ("middle", 48, [3, 3]), ("coarse", 72, [3, 3]), ("last", 96, [3])]
    for name, channels, kernels in plan:
        x = layers.AveragePooling2D(2)(x) if name != "fine" else x
        for kernel in kernels:
            x = layers.Conv2D(
                channels, kernel, padding="same", use_bias=False, kernel_initializer="he_normal"
            )(x)
            x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
        x = layers.Identity(name=name)(x)
    return keras.Model(image, layers.Dense(len(KINDS))(layers.GlobalAveragePooling2D()(x)))


def build_painter() -> keras.Model:
    """Build the network that paints: pictures to pictures, their sides multiples of 4.

    It sees a picture with mirrored pixels around it, else it would paint a dark frame.
    """

    def convolve(x, channels, kernel=3, stride=1):
        x = layers.Conv2D(channels, kernel, stride, padding="same", use_bias=False)(x)
        return layers.GroupNormalization(groups=-1)(x)

    photo, frame = keras.Input((None, None, 3)), (24, 24)
    mirrored = keras.ops.pad(photo, [(0, 0), frame, frame, (0, 0)], mode="reflect")
    whole = layers.ReLU()(convolve(layers.Rescaling(2.0, offset=-1.0)(mirrored), 16, 5))
    half = layers.ReLU()(convolve(whole, 32, stride=2))
    x = layers.ReLU()(convolve(half, 48, stride=2))
    for _ in range(3):
        x = layers.Add()([x, convolve(layers.ReLU()(convolve(x, 48)), 48)])
    for same_size, channels in [(half, 32), (whole, 16)]:
        x = layers.AveragePooling2D(3, 1, padding="same")(layers.UpSampling2D(2)(x))
        x = layers.ReLU()(convolve(layers.Concatenate()([x, same_size]), channels))
    painted = layers.Conv2D(3, 5, padding="same", activation="sigmoid")(x)
    return keras.Model(photo, layers.Cropping2D((frame, frame))(painted))


def make_features(eye: keras.Model, examples: Sequence[np.ndarray]) -> Callable[..., Features]:
    """Cut an eye open: return a function from pictures to the features in LAYERS.

    Every channel is divided by its root mean square over the examples, so that each has its say.
    """
    body = keras.Model(eye.input, {name: eye.get_layer(name).output for name in LAYERS})
    seen = [body(picture[None], training=False) for picture in examples]
    power = {k: sum(tf.reduce_mean(each[k] ** 2, (0, 1, 2)) for each in seen) for k in LAYERS}
    size = {k: tf.sqrt(power[k] / len(seen) + 1e-4 * tf.reduce_mean(power[k])) for k in LAYERS}
    return lambda pictures: {k: v / size[k] for k, v in body(pictures, training=False).items()}


def style_of(features: Features) -> list[tf.Tensor]:
    """For each layer, the mean of every channel, and which channels rise and fall together."""
    style = []
    for values in features.values():
        shape = tf.shape(values)
        values = tf.reshape(values, (shape[0], shape[1] * shape[2], shape[3]))
        mean = tf.reduce_mean(values, axis=1, keepdims=True)
        gram = tf.matmul(values - mean, values - mean, transpose_a=True)
        style += [mean, gram / tf.cast(shape[1] * shape[2], tf.float32)]
    return style


def distance(ours: Sequence[tf.Tensor], target: Sequence[tf.Tensor]) -> tf.Tensor:
    """The mean squared difference relative to the target: 0 for the same, 1 for all zeros."""
    pairs = zip(ours, target, strict=True)
    parts = [tf.reduce_mean((a - b) ** 2) / tf.reduce_mean(b**2) for a, b in pairs]
    return tf.add_n(parts) / len(parts)
