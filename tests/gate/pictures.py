"""Two pictures are the same, or alike: their pixels, after decoding."""

import base64
import io

import numpy as np
from PIL import Image

FORMATS = ("image/png", "image/jpeg")
# Root mean square over all pixels, 0 to 255. Equal settings give 0, a changed digit 1 or more.
EXACT = 0.5
# What training draws differs between processors, so a cell with one of these tags is compared by
# the means of its square blocks: their side in pixels, and how well they have to correlate. Over
# AVX levels, oneDNN and threads, pictures reach .997 (with other weights .993 at most), charts .94.
VARIES = {"picture-varies": (8, 0.995), "chart-varies": (32, 0.9)}


def decode(encoded):
    """Return the pixels of a picture in base64: float32 of shape (rows, columns, 3), 0 to 255."""
    stream = io.BytesIO(base64.b64decode(encoded))
    with Image.open(stream) as picture:
        return np.asarray(picture.convert("RGB"), dtype=np.float32)


def difference(new, stored, tags=()):
    """Say how two pictures in base64 differ, or nothing if they are as alike as the tags ask."""
    new = decode(new)
    stored = decode(stored)
    if new.shape != stored.shape:
        return f"a picture of {new.shape}, stored {stored.shape}"
    loose = [tag for tag in VARIES if tag in tags]
    if not loose:
        rms = np.sqrt(np.mean((new - stored) ** 2))
        return f"a picture differs by an RMS of {rms:.2f}" if rms > EXACT else None
    side, lowest = VARIES[loose[0]]
    alike = correlation(block_means(new, side), block_means(stored, side))
    return None if alike >= lowest else f"a picture correlates by {alike:.3f}, not {lowest}"


def correlation(one, other):
    """Return the correlation of two arrays; of two that are constant, whether they are equal."""
    if one.std() == 0 or other.std() == 0:
        return float(np.array_equal(one, other))
    return np.corrcoef(one, other)[0, 1]


def block_means(picture, side):
    """Return the mean colour of each whole square of ``side`` pixels, in one row."""
    rows = picture.shape[0] // side
    columns = picture.shape[1] // side
    whole = picture[: rows * side, : columns * side]
    blocks = whole.reshape(rows, side, columns, side, 3)
    return blocks.mean(axis=(1, 3)).ravel()
