"""Make the two weights files that the notebook restores: ``python -m helpers.painting.train``.

The eye learns to tell five kinds of painting and photos apart, from patches whose colours give
nothing away. The painter then learns from the frozen eye to paint a photo like our stained glass.
About 10 minutes and 1.5 GB on two cores. Everything is seeded, but another processor rounds
differently: files made there paint alike and have other hashes, which are printed for
``weights.py``.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from helpers.painting.descent import roughness
from helpers.painting.networks import build_eye, build_painter
from helpers.painting.paintings import PAINTINGS
from helpers.painting.photos import PHOTOS
from helpers.painting.pictures import load_picture, recolour
from helpers.painting.style import distance, make_features, style_of
from helpers.painting.weights import TRAINED
from helpers.prove import compute_sha256

import keras
import numpy as np
import tensorflow as tf
from numpy.random import Generator
from tqdm.auto import trange

PATCH = 32  # the side of what the eye is trained on, in pixels
BATCH = 64  # patches in a step of the eye
CROPS = 4  # crops of photos in a step of the painter
CONTENT_WEIGHT = 0.04
ROUGHNESS_WEIGHT = 0.15


def cut(pictures: Sequence[np.ndarray], side: int, rng: Generator) -> np.ndarray:
    """Cut a square out of one of the pictures: mirrored, recoloured, brighter or darker.

    Args:
        pictures: each of shape (height, width, 3), from 0 to 1.
        side: of the square, in pixels.
        rng: decides about everything.

    Returns:
        The square, of shape (side, side, 3), from 0 to 1.
    """
    number = int(rng.integers(len(pictures)))
    picture = pictures[number]
    height, width, _ = picture.shape
    top = rng.integers(height - side + 1)
    left = rng.integers(width - side + 1)
    square = picture[top : top + side, left : left + side]
    square = square[..., rng.permutation(3)]
    square = square[:, :: rng.choice([-1, 1])]
    contrast = rng.uniform(0.6, 1.2)
    brightness = rng.uniform(-0.1, 0.1)
    square = 0.5 + contrast * (square - 0.5) + brightness
    return np.clip(square, 0, 1)


def make_patches(
    gallery: Sequence[Sequence[np.ndarray]], number: int
) -> tuple[np.ndarray, np.ndarray]:
    """Cut patches out of pictures of several kinds, and turn or invert some of them.

    Args:
        gallery: for each kind some pictures, of shape (height, width, 3), from 0 to 1.
        number: how many patches to make.

    Returns:
        Patches, float32 (number, 32, 32, 3), and the number of the kind of each, int64 (number,).
    """
    rng = np.random.default_rng(0)
    kinds = rng.integers(len(gallery), size=number)
    patches = [_make_patch(gallery[kind], rng) for kind in kinds]
    return np.array(patches, np.float32), kinds


def _make_patch(pictures: Sequence[np.ndarray], rng: Generator) -> np.ndarray:
    scale = int(rng.choice([1, 1, 2]))
    square = cut(pictures, scale * PATCH, rng)
    square = np.rot90(square, int(rng.integers(4)))
    if scale == 2:
        square = square.reshape(PATCH, 2, PATCH, 2, 3).mean(axis=(1, 3))
    is_inverted = rng.random() < 0.3
    return 1 - square if is_inverted else square


def train_eye(photos: Sequence[np.ndarray], number: int = 12000, epochs: int = 6) -> keras.Model:
    """Train the eye on patches of paintings with the seeds 1 to 4, and of photos.

    Args:
        photos: pictures of shape (height, width, 3), each side at least 64 pixels.
        number: of patches, at least 64.
        epochs: how often it sees each of them.
    """
    keras.utils.set_random_seed(0)
    eye = build_eye()
    paintings = [[paint(seed) for seed in (1, 2, 3, 4)] for paint in PAINTINGS.values()]
    patches, kinds = make_patches([*paintings, photos], number)
    steps = epochs * number // BATCH
    rate = keras.optimizers.schedules.CosineDecay(2e-3, steps)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=1e-3)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    # Compiled in the eye's place, so that no optimizer gets into the eye's file.
    stand_in = keras.Sequential([eye])
    stand_in.compile(optimizer, loss, metrics=["accuracy"])
    stand_in.fit(patches, kinds, batch_size=BATCH, epochs=epochs, verbose=2)
    return eye


def train_painter(
    eye: keras.Model,
    painting: np.ndarray,
    photos: Sequence[np.ndarray],
    steps: int = 1600,
    side: int = 96,
) -> keras.Model:
    """Train a painter for one painting: the painting's style, the photo's content, few rough edges.

    Args:
        eye: a trained one, which judges and does not change.
        painting: a picture of shape (height, width, 3).
        photos: more of them, to practise on.
        steps: of training, each with four crops of the photos.
        side: of a crop, in pixels, a multiple of 4 and at least a quarter of the painting's.
    """
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    painter = build_painter()
    paintings = [paint(0) for paint in PAINTINGS.values()]
    features = make_features(eye, [*photos, *paintings])
    style = style_of(features(painting[np.newaxis]))
    rate = keras.optimizers.schedules.CosineDecay(2e-3, steps, alpha=0.02)
    optimizer = keras.optimizers.Adam(rate)
    optimizer.build(painter.trainable_variables)

    @tf.function
    def train_step(crops: tf.Tensor, recoloured: tf.Tensor) -> tf.Tensor:
        content = features(recoloured)["middle"]
        with tf.GradientTape() as tape:
            painted = painter(crops, training=True)
            found = features(painted)
            loss = distance(style_of(found), style)
            loss += CONTENT_WEIGHT * distance([found["middle"]], [content])
            loss += ROUGHNESS_WEIGHT * roughness(painted)
        gradients = tape.gradient(loss, painter.trainable_variables)
        optimizer.apply(gradients, painter.trainable_variables)
        return loss

    bar = trange(steps)
    for _ in bar:
        crops = np.stack([cut(photos, side, rng) for _ in range(CROPS)]).astype(np.float32)
        recoloured = np.stack([recolour(crop, painting) for crop in crops])
        loss = train_step(crops, recoloured)
        bar.set_postfix(loss=f"{float(loss):.3f}")
    return painter


def save(network: keras.Model, path: Path) -> None:
    """Save the weights of a network, and print the line about them for ``weights.py``."""
    network.save_weights(path)
    print(f'    "{path.name}": "{compute_sha256(path)}",')


def main(folder: Path = TRAINED) -> None:
    """Train both networks as published, and save their weights to a folder."""
    pagodas = _load_in_three_sizes(PHOTOS["pagoda"])
    dahlias = _load_in_three_sizes(PHOTOS["dahlia"])
    eye = train_eye([*pagodas, *dahlias])
    save(eye, folder / "eye.weights.h5")
    painter = train_painter(eye, PAINTINGS["glass"](0), [*pagodas, *dahlias])
    save(painter, folder / "painter.weights.h5")


def _load_in_three_sizes(photo: Callable[[], np.ndarray]) -> list[np.ndarray]:
    return [load_picture(photo(), width, width * 2 // 3) for width in (288, 384, 510)]


if __name__ == "__main__":
    main()
