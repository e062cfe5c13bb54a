"""Published weights and pictures to paint, each checked before notebook 05 uses it.

A picture is a float32 array of shape (height, width, 3) with values from 0 to 1.
"""

import hashlib
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageOps

TRAINED = Path(__file__).parent / "trained"
SHA256 = {
    "eye.weights.h5": "058fffb234c87c11e91d0d387cb5a278a7c9dddf7dcc0795c6b3ddf271072956",
    "painter.weights.h5": "869b4ccbb0b5488b5305db7cda7bf82f5225be74bdc931654c3d14e70fc58f3a",
}
SMALLEST = 32  # pixels: in anything smaller, the networks see little but the border


def verified(path: Path) -> Path:
    """Return the path of a weights file if its bytes are the published ones.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: its SHA-256 is not the one published under its name.
    """
    if not path.is_file():
        remake = "python -m helpers.train_style makes it"
        raise FileNotFoundError(f"no {path.name} in {path.parent.name}: {remake}")
    found, published = hashlib.sha256(path.read_bytes()).hexdigest(), SHA256.get(path.name, "none")
    if found != published:
        hashes = f"SHA-256 is {found[:12]}…, published is {published[:12]}…"
        raise ValueError(f"{path.name}: {hashes}: do not load it, get the file again")
    return path


def load_picture(source: Path | str | np.ndarray, width: int, height: int) -> np.ndarray:
    """Scale a picture until it covers width x height, and cut off evenly what is too much.

    Args:
        source: a file, or an array (height, width, 3) of uint8, or of floats from 0 to 1.

    Raises:
        ValueError: a shape, a size or a value that no picture has.
        OSError: the system's or Pillow's own error, for a file that cannot be read.
    """
    if not isinstance(source, np.ndarray):
        source = np.asarray(Image.open(source).convert("RGB"))
    if source.ndim != 3 or source.shape[2] != 3:
        raise ValueError(f"a picture has the shape (height, width, 3), got {source.shape}")
    if min(*source.shape[:2], width, height) < SMALLEST:
        found = f"{source.shape[1]} x {source.shape[0]}, wanted as {width} x {height}"
        raise ValueError(f"a picture is at least {SMALLEST} x {SMALLEST}, got {found}")
    values = source / 255 if source.dtype == np.uint8 else source
    if not (values.min() >= 0 and values.max() <= 1):  # NaN fails this too
        found = f"{values.min():g} to {values.max():g}"
        raise ValueError(f"a picture is uint8, or finite floats from 0 to 1, got {found}")
    image = Image.fromarray(np.rint(255 * values).astype(np.uint8))
    image = ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)
    return np.asarray(image, np.float32) / 255


def recolour(photo: np.ndarray, painting: np.ndarray) -> np.ndarray:
    """Give a photo the painting's colours: their mean, and how they vary together.

    Raises:
        ValueError: one is more than four times as wide as the other, so strokes would not fit.
    """
    widths = photo.shape[1], painting.shape[1]
    if max(widths) > 4 * min(widths):
        found = "photo {} and painting {} pixels wide".format(*widths)
        raise ValueError(f"{found}: load one in another size, at most four times the other's")
    (mean, root), (new_mean, new_root) = _colours(photo), _colours(painting)
    new = (photo - mean) @ np.linalg.inv(root) @ new_root + new_mean
    return np.clip(new, 0, 1).astype(np.float32)


def _colours(picture):
    """The mean colour, and the square root of the colours' covariance."""
    pixels = picture.reshape(-1, 3).astype(np.float64)
    variances, axes = np.linalg.eigh(np.cov(pixels.T) + 1e-5 * np.eye(3))
    return pixels.mean(0), axes * np.sqrt(variances) @ axes.T


def draw_pictures(pictures: dict[str, np.ndarray], columns: int) -> None:
    """Draw pictures, each under its name, in rows of so many."""
    rows = -(-len(pictures) // columns)
    size = 8.5, rows * (0.3 + 5.8 / columns)
    _, axes = plt.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)
    for place in axes.flat:
        place.axis("off")
    for place, (name, picture) in zip(axes.flat, pictures.items(), strict=False):
        place.imshow(np.clip(picture, 0, 1))
        place.set_title(name)
