"""Painting by gradient descent: the weights of a network stay, and the pixels of a picture change.

The method is that of Gatys, Ecker and Bethge, *A Neural Algorithm of Artistic Style* (2015). A
picture is a float32 array of shape (height, width, 3) with values from 0 to 1.
"""

from collections.abc import Callable, Sequence
from typing import Any

from helpers.painting.pictures import recolour
from helpers.painting.style import Features, distance, style_of

import numpy as np
import tensorflow as tf
from scipy.optimize import OptimizeResult, minimize
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

Loss = Callable[[tf.Tensor], tf.Tensor]  # from pictures (1, height, width, 3) to a number

ROUGHNESS_WEIGHT = 0.4
CONTENT_WEIGHT = 0.04


def paint_in_style(
    features: Callable[[Any], Features],
    photo: np.ndarray,
    painting: np.ndarray,
    steps: Sequence[int] = (40, 30, 20),
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Paint a photo in the style of a painting, first small and then larger.

    Args:
        features: from `make_features`; what judges content and style.
        photo: gives the content, (height, width, 3).
        painting: gives the style, (height, width, 3).
        steps: of descent in each size. The last size is the photo's, each one before has half the
            width and height of the next.

    Returns:
        The painted picture, (height, width, 3), and the picture as it was at the start and after
        each size, in the sizes in which it was painted.
    """
    photo = recolour(photo, painting)
    picture = photo
    stages = [photo]
    with tqdm(total=sum(steps), leave=False) as bar:
        for number, count in enumerate(steps, start=1):
            part = 2 ** (len(steps) - number)
            small_photo = shrink(photo, part)
            loss = style_transfer_loss(features, small_photo, shrink(painting, part))
            start = resize(picture, *small_photo.shape[:2])
            picture = descend(loss, start, count, after_step=bar.update)
            stages.append(picture)
    return picture, stages


def style_transfer_loss(
    features: Callable[[Any], Features], photo: np.ndarray, painting: np.ndarray
) -> Loss:
    """Return the loss of a picture: its distance in style, in content, and its roughness."""
    style = style_of(features(painting[np.newaxis]))
    content = features(photo[np.newaxis])["middle"]

    def loss(pictures: tf.Tensor) -> tf.Tensor:
        found = features(pictures)
        style_distance = distance(style_of(found), style)
        content_distance = distance([found["middle"]], [content])
        smooth = ROUGHNESS_WEIGHT * roughness(pictures)
        return style_distance + CONTENT_WEIGHT * content_distance + smooth

    return loss


def roughness(pictures: tf.Tensor) -> tf.Tensor:
    """Measure how much neighbouring pixels differ, in the mean of squares."""
    down, across = tf.image.image_gradients(tf.convert_to_tensor(pictures))
    return tf.reduce_mean(down**2 + across**2)


def descend(
    loss: Loss, picture: np.ndarray, steps: int, after_step: Callable[[], Any] = lambda: None
) -> np.ndarray:
    """Change a picture, step by step, so that its loss falls.

    The optimizer is L-BFGS from SciPy. It learns from its last steps how the loss bends, and needs
    fewer steps than plain gradient descent.

    Args:
        loss: of pictures, (1, height, width, 3).
        picture: where to start, (height, width, 3).
        steps: at most so many.
        after_step: is called after each.

    Returns:
        The picture at the end, float32 (height, width, 3) from 0 to 1.
    """
    shape = picture.shape

    @tf.function
    def loss_and_gradient(pixels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(pixels)
            value = loss(tf.reshape(pixels, (1, *shape)))
        return value, tape.gradient(value, pixels)

    def evaluate(pixels: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = loss_and_gradient(tf.constant(pixels, tf.float32))
        return float(value), gradient.numpy().astype(np.float64)  # SciPy computes in 64 bits

    def callback(intermediate_result: OptimizeResult) -> None:
        after_step()

    options = {"maxiter": steps, "gtol": 0, "ftol": 0}  # take every step, however small its gain
    with threadpool_limits(1):  # SciPy's own threads would take the processor from TensorFlow's
        end = minimize(
            evaluate,
            picture.ravel(),
            jac=True,
            method="L-BFGS-B",
            callback=callback,
            options=options,
        )
    return np.clip(end.x, 0, 1).reshape(shape).astype(np.float32)


def resize(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """Scale a picture to another size, float32 (height, width, 3)."""
    return tf.image.resize(picture, (height, width), "lanczos3", antialias=True).numpy()


def shrink(picture: np.ndarray, part: int) -> np.ndarray:
    """Divide the width and the height of a picture by a whole number."""
    height, width, _ = picture.shape
    return resize(picture, height // part, width // part)
