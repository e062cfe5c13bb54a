"""Pictures made ready to paint: loaded in any size, recoloured, and refused if they are none.

A picture is a float32 array of shape (height, width, 3) with values from 0 to 1.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

SMALLEST = 32  # pixels: in anything smaller, the networks see little but the border


def load_picture(source: Path | str | np.ndarray, width: int, height: int) -> np.ndarray:
    """Scale a picture until it covers width x height, and cut off evenly what is too much.

    Args:
        source: a file, or an array (height, width, 3) of uint8, or of floats from 0 to 1.
        width: of the picture to return, in pixels, at least 32.
        height: the same.

    Returns:
        The picture, float32 (height, width, 3) from 0 to 1.

    Raises:
        ValueError: a shape, a size or a value that no picture has.
        OSError: the system's or Pillow's own error, for a file that cannot be read.

    Example:
        ``load_picture("photo.jpg", 384, 256)`` has the shape (256, 384, 3).
    """
    if not isinstance(source, np.ndarray):
        with Image.open(source) as file:
            source = np.asarray(file.convert("RGB"))
    if source.dtype == np.uint8:
        source = source / 255
    _check_picture(source)
    _check_size(width, height, "wanted")
    values = np.rint(255 * source).astype(np.uint8)
    image = Image.fromarray(values)
    image = ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)
    return np.asarray(image, np.float32) / 255


def recolour(photo: np.ndarray, painting: np.ndarray) -> np.ndarray:
    """Give a photo the colours of a painting: their mean, and how they vary together.

    Args:
        photo: a picture of shape (height, width, 3).
        painting: another, of a size of its own.

    Returns:
        The photo in other colours, float32 (height, width, 3) from 0 to 1.

    Raises:
        ValueError: one is no picture, or over four times as wide or high as the other.
    """
    _check_picture(photo)
    _check_picture(painting)
    _check_sizes_are_similar(photo, painting)
    mean, root = _measure_colours(photo)
    new_mean, new_root = _measure_colours(painting)
    whitened = (photo - mean) @ np.linalg.inv(root)  # no channel varies more, or with another
    recoloured = whitened @ new_root + new_mean
    return np.clip(recoloured, 0, 1).astype(np.float32)


def _measure_colours(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean colour, (3,), and the square root of the colours' covariance, (3, 3)."""
    pixels = picture.reshape(-1, 3).astype(np.float64)
    covariance = np.cov(pixels.T) + 1e-5 * np.eye(3)  # a grey picture has an inverse, too
    variances, axes = np.linalg.eigh(covariance)
    root = axes * np.sqrt(variances) @ axes.T
    return pixels.mean(axis=0), root


def _check_picture(picture: np.ndarray) -> None:
    if picture.ndim != 3 or picture.shape[2] != 3:
        raise ValueError(f"a picture has the shape (height, width, 3), got {picture.shape}")
    height, width, _ = picture.shape
    _check_size(width, height, "got")
    lowest = picture.min()
    highest = picture.max()
    is_in_range = lowest >= 0 and highest <= 1  # NaN is not
    if not is_in_range:
        found = f"got {lowest:g} to {highest:g}"
        raise ValueError(f"a picture is uint8, or finite floats from 0 to 1, {found}")


def _check_size(width: int, height: int, how: str) -> None:
    if min(width, height) < SMALLEST:
        found = f"{how} {width} x {height}"
        raise ValueError(f"a picture has at least {SMALLEST} x {SMALLEST} pixels, {found}")


def _check_sizes_are_similar(photo: np.ndarray, painting: np.ndarray) -> None:
    height, width, _ = photo.shape
    painting_height, painting_width, _ = painting.shape
    is_similar_in_height = height / 4 <= painting_height <= 4 * height
    is_similar_in_width = width / 4 <= painting_width <= 4 * width
    if not (is_similar_in_height and is_similar_in_width):
        found = f"photo {width} x {height} and painting {painting_width} x {painting_height}"
        raise ValueError(
            f"{found} pixels: load one in another size, at most four times the other's"
        )
