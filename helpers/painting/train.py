"""Make the two weights files that notebook 05 restores: ``python -m helpers.painting.train``.

The eye learns to tell five kinds of painting and photos apart, from patches whose colours give
nothing away. The painter then learns from the frozen eye to paint a photo like our stained glass.
About 10 minutes and 1.5 GB on two cores. All is seeded, but another processor rounds differently:
files made anew paint alike and have other hashes, printed here to be put into ``pictures.py``.
"""

import hashlib

from helpers.painting.networks import build_eye, build_painter, distance, make_features, style_of
from helpers.painting.paintings import PAINTINGS
from helpers.painting.photos import PHOTOS
from helpers.painting.pictures import TRAINED, load_picture, recolour

import keras
import numpy as np
import tensorflow as tf
from tqdm.auto import trange


def cut(pictures: list[np.ndarray], side: int, rng: np.random.Generator) -> np.ndarray:
    """Cut a square out of one of the pictures: mirrored, recoloured, brighter or darker."""
    picture = pictures[rng.integers(len(pictures))]
    y, x = (rng.integers(length - side + 1) for length in picture.shape[:2])
    square = picture[y : y + side, x : x + side, rng.permutation(3)]
    square = square[:, :: rng.choice([-1, 1])]
    return np.clip(0.5 + rng.uniform(0.6, 1.2) * (square - 0.5) + rng.uniform(-0.1, 0.1), 0, 1)


def make_patches(gallery: list[list[np.ndarray]], number: int) -> tuple[np.ndarray, np.ndarray]:
    """Return patches of shape (number, 32, 32, 3), also turned and inverted, and their kinds."""
    rng = np.random.default_rng(0)
    kinds = rng.integers(len(gallery), size=number)
    patches = np.empty((number, 32, 32, 3), np.float32)
    for patch, kind in zip(patches, kinds, strict=True):
        square = np.rot90(cut(gallery[kind], 32 * rng.choice([1, 1, 2]), rng), rng.integers(4))
        patch[:] = square if len(square) == 32 else square.reshape(32, 2, 32, 2, 3).mean((1, 3))
        patch[:] = 1 - patch if rng.random() < 0.3 else patch
    return patches, kinds


def train_eye(photos: list[np.ndarray], number: int = 12000, epochs: int = 6) -> keras.Model:
    """Train the eye on patches of paintings with the seeds 1 to 4, and of photos."""
    keras.utils.set_random_seed(0)
    eye = build_eye()
    paintings = [[paint(seed) for seed in (1, 2, 3, 4)] for paint in PAINTINGS.values()]
    patches, kinds = make_patches([*paintings, photos], number)
    rate = keras.optimizers.schedules.CosineDecay(2e-3, epochs * number // 64)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    pupil = keras.Sequential([eye])  # compiled in the eye's place: no optimizer gets into its file
    pupil.compile(keras.optimizers.AdamW(rate, weight_decay=1e-3), loss, metrics=["accuracy"])
    pupil.fit(patches, kinds, batch_size=64, epochs=epochs, verbose=2)
    return eye


def train_painter(eye, painting, photos, steps: int = 700, side: int = 96) -> keras.Model:
    """Train a painter for one painting: its style, the photo's things, few rough steps."""
    keras.utils.set_random_seed(0)
    rng, painter = np.random.default_rng(0), build_painter()
    features = make_features(eye, [*photos, *(paint(0) for paint in PAINTINGS.values())])
    style = style_of(features(painting[None]))
    rate = keras.optimizers.schedules.CosineDecay(2e-3, steps, alpha=0.02)
    optimizer = keras.optimizers.Adam(rate)
    optimizer.build(painter.trainable_variables)

    @tf.function
    def train_step(crops, recoloured):
        content = features(recoloured)["middle"]
        with tf.GradientTape() as tape:
            painted = painter(crops, training=True)
            seen = features(painted)
            dy, dx = tf.image.image_gradients(painted)
            loss = distance(style_of(seen), style) + 0.08 * distance([seen["middle"]], [content])
            loss += 0.15 * tf.reduce_mean(dy**2 + dx**2)
        gradients = tape.gradient(loss, painter.trainable_variables)
        optimizer.apply(gradients, painter.trainable_variables)
        return loss

    for _ in (bar := trange(steps)):
        crops = np.stack([cut(photos, side, rng) for _ in range(4)]).astype(np.float32)
        recoloured = np.stack([recolour(crop, painting) for crop in crops])
        bar.set_postfix(loss=f"{float(train_step(crops, recoloured)):.3f}")
    return painter


def save(network: keras.Model, name: str) -> None:
    path = TRAINED / f"{name}.weights.h5"
    network.save_weights(path)
    print(f'    "{path.name}": "{hashlib.sha256(path.read_bytes()).hexdigest()}",')


if __name__ == "__main__":
    pagodas, dahlias = (
        [load_picture(PHOTOS[name](), width, width * 2 // 3) for width in (288, 384, 510)]
        for name in ("pagoda", "dahlia")
    )
    eye = train_eye([*pagodas, *dahlias])
    save(eye, "eye")
    save(train_painter(eye, PAINTINGS["glass"](0), pagodas), "painter")
