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
    "eye.weights.h5": "3bd62e25c526a66ad2f9afc3046364e1ba57eee0199358e8f7fc3416f88210e4",
    "painter.weights.h5": "57db64289d6fdd7e0d1e86a0a70e492af319580d1583b85d035686217aee0fe8",
}
SMALLEST = 32  # pixels: in anything smaller, the networks see little but the border


def verified(path: Path | str) -> Path:
    """Return the path of a weights file if its bytes are the published ones.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: its SHA-256 is not the one published under its name, or none is.
    """
    if (path := Path(path)).name not in SHA256:
        raise ValueError(f"{path.name} is not published here: choose {' or '.join(SHA256)}")
    if not path.is_file():
        raise FileNotFoundError(f"no {path.name} in {path.parent.name}: see helpers.painting.train")
    found, published = hashlib.sha256(path.read_bytes()).hexdigest(), SHA256[path.name]
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
    values = _checked(source / 255 if source.dtype == np.uint8 else source, (height, width))
    image = Image.fromarray(np.rint(255 * values).astype(np.uint8))
    image = ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)
    return np.asarray(image, np.float32) / 255


def recolour(photo: np.ndarray, painting: np.ndarray) -> np.ndarray:
    """Give a photo the painting's colours: their mean, and how they vary together.

    Raises:
        ValueError: one is no picture, or over four times as wide or high as the other.
    """
    (height, width, _), (high, wide, _) = _checked(photo).shape, _checked(painting).shape
    if not (height / 4 <= high <= 4 * height and width / 4 <= wide <= 4 * width):
        found = f"photo {width} x {height} and painting {wide} x {high} pixels"
        raise ValueError(f"{found}: load one in another size, at most four times the other's")
    (mean, root), (new_mean, new_root) = _colours(photo), _colours(painting)
    new = (photo - mean) @ np.linalg.inv(root) @ new_root + new_mean
    return np.clip(new, 0, 1).astype(np.float32)


def _checked(picture, wanted=(SMALLEST, SMALLEST)):
    """The picture, if it is one: of three channels, large enough, finite, from 0 to 1."""
    if picture.ndim != 3 or picture.shape[2] != 3:
        raise ValueError(f"a picture has the shape (height, width, 3), got {picture.shape}")
    for (height, width), how in [(picture.shape[:2], "got"), (wanted, "wanted")]:
        if min(height, width) < SMALLEST:
            found = f"{how} {width} x {height}"
            raise ValueError(f"a picture has at least {SMALLEST} x {SMALLEST} pixels, {found}")
    if not (picture.min() >= 0 and picture.max() <= 1):  # NaN fails this too
        found = f"got {picture.min():g} to {picture.max():g}"
        raise ValueError(f"a picture is uint8, or finite floats from 0 to 1, {found}")
    return picture


def _colours(picture):
    """The mean colour, and the square root of the colours' covariance."""
    pixels = picture.reshape(-1, 3).astype(np.float64)
    variances, axes = np.linalg.eigh(np.cov(pixels.T) + 1e-5 * np.eye(3))
    return pixels.mean(0), axes * np.sqrt(variances) @ axes.T


def draw_pictures(pictures: dict[str, np.ndarray], columns: int) -> None:
    """Draw pictures, each under its name, in rows of so many."""
    rows = -(-len(pictures) // columns)
    figure = plt.figure(figsize=(8.5, rows * (0.3 + 5.8 / columns)), layout="constrained")
    for number, (name, picture) in enumerate(pictures.items(), start=1):
        place = figure.add_subplot(rows, columns, number, title=name)
        place.imshow(np.clip(picture, 0, 1))
        place.axis("off")
