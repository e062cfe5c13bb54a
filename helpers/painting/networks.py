"""Two small networks, untrained: the eye, which judges pictures, and the painter, which paints.

Pictures come in batches: float32 of shape (batch, height, width, 3), with values from 0 to 1.
"""

from helpers.painting.paintings import PAINTINGS

import keras
from keras import layers

KINDS = (*PAINTINGS, "photo")  # what the eye tells apart, in the order of its outputs
LAYERS = ("fine", "middle", "coarse")  # the three of the eye's layers that we measure with

FRAME = 24  # pixels


def build_eye() -> keras.Model:
    """Build the network that tells which of KINDS a picture is.

    Returns:
        A model from pictures of any size to logits, float32 (batch, 6).
    """
    image = keras.Input((None, None, 3))
    x = layers.Rescaling(2.0, offset=-1.0)(image)
    x = _eye_block(x, channels=24, kernel=5)
    x = layers.Identity(name="fine")(x)
    x = layers.AveragePooling2D(2)(x)
    x = _eye_block(x, channels=48, kernel=3)
    x = _eye_block(x, channels=48, kernel=3)
    x = layers.Identity(name="middle")(x)
    x = layers.AveragePooling2D(2)(x)
    x = _eye_block(x, channels=72, kernel=3)
    x = _eye_block(x, channels=72, kernel=3)
    x = layers.Identity(name="coarse")(x)
    x = layers.AveragePooling2D(2)(x)
    x = _eye_block(x, channels=96, kernel=3)
    x = layers.Identity(name="last")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(len(KINDS))(x))


def build_painter() -> keras.Model:
    """Build the network that paints, after Johnson, Alahi and Fei-Fei (2016).

    Returns:
        A model from pictures to pictures of the same size. Width and height are multiples of 4.
    """
    photo = keras.Input((None, None, 3))
    # Around it we put mirrored pixels, else the painter would paint a dark frame.
    sides = (FRAME, FRAME)
    x = keras.ops.pad(photo, [(0, 0), sides, sides, (0, 0)], mode="reflect")
    x = layers.Rescaling(2.0, offset=-1.0)(x)
    full_size = _painter_block(x, channels=16, kernel=5)
    half_size = _painter_block(full_size, channels=32, stride=2)
    x = _painter_block(half_size, channels=48, stride=2)
    for _ in range(3):
        x = _residual_block(x)
    x = _enlarge(x, half_size, channels=32)
    x = _enlarge(x, full_size, channels=16)
    x = layers.Conv2D(3, 5, padding="same", activation="sigmoid")(x)
    return keras.Model(photo, layers.Cropping2D((sides, sides))(x))


def _eye_block(x: keras.KerasTensor, channels: int, kernel: int) -> keras.KerasTensor:
    x = layers.Conv2D(
        channels,
        kernel,
        padding="same",
        use_bias=False,  # batch normalisation adds one
        kernel_initializer="he_normal",
    )(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    return layers.ReLU()(x)


def _convolve(
    x: keras.KerasTensor, channels: int, kernel: int = 3, stride: int = 1
) -> keras.KerasTensor:
    x = layers.Conv2D(channels, kernel, stride, padding="same", use_bias=False)(x)
    return layers.GroupNormalization(groups=-1)(x)  # each channel of each picture by itself


def _painter_block(
    x: keras.KerasTensor, channels: int, kernel: int = 3, stride: int = 1
) -> keras.KerasTensor:
    x = _convolve(x, channels, kernel, stride)
    return layers.ReLU()(x)


def _residual_block(x: keras.KerasTensor) -> keras.KerasTensor:
    """Add to an image what two convolutions make of it."""
    more = _painter_block(x, channels=48)
    more = _convolve(more, channels=48)
    return layers.Add()([x, more])


def _enlarge(x: keras.KerasTensor, seen: keras.KerasTensor, channels: int) -> keras.KerasTensor:
    """Double the size, and look again at what was seen at that size on the way down."""
    x = layers.UpSampling2D(2)(x)
    x = layers.AveragePooling2D(3, 1, padding="same")(x)  # smooth, against a checkerboard
    x = layers.Concatenate()([x, seen])
    return _painter_block(x, channels)
