"""Tools to paint with: smooth noise, blended colours, distances, smooth edges."""

import numpy as np
from PIL import Image, ImageColor

SIZE = 256  # the side of a painting, in pixels
FINE = 2 * SIZE  # what Pillow draws is drawn twice as large and then halved: smooth edges


def far(centres: np.ndarray) -> np.ndarray:
    """The distance of every pixel to every centre, of shape (centres, 256, 256)."""
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)[:, None]
    return np.hypot(y - centres[:, 0, None, None], x - centres[:, 1, None, None])


def clouds(cells: int, rng: np.random.Generator) -> np.ndarray:
    """Smooth noise from 0 to 1, of shape (256, 256): the larger ``cells``, the finer."""
    grid = Image.fromarray(rng.random((cells + 1, cells + 1)).astype(np.float32))
    return np.asarray(grid.resize((SIZE, SIZE), Image.Resampling.BICUBIC))


def colours(names: str) -> np.ndarray:
    """Colours of shape (n, 3), from 0 to 1, for their names as in HTML."""
    return np.array([ImageColor.getrgb(name) for name in names.split()]) / 255


def blend(names: str, values: np.ndarray) -> np.ndarray:
    """Colours for values: 0 is the first of the named colours, 1 the last."""
    steps = np.linspace(0, 1, len(tints := colours(names)))
    return np.stack([np.interp(values, steps, channel) for channel in tints.T], axis=-1)


def halve(image: Image.Image) -> np.ndarray:
    """Scale what was drawn at FINE down to SIZE: a float32 array from 0 to 1."""
    return np.asarray(image.resize((SIZE, SIZE), Image.Resampling.LANCZOS), np.float32) / 255
