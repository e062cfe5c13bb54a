"""Letters as images: rendered from the fonts inside matplotlib, turned, sheared and noisy."""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.ft2font import FT2Font
from PIL import Image, ImageDraw, ImageFont

# Fonts with whole alphabets; those for single symbols are left out.
_FAMILIES = ("DejaVuSans", "DejaVuSerif", "STIXGeneral", "cmr10", "cmb10", "cmss10", "cmtt10")
_BOX = 96


def render_letters(letters: str, each: int, seed: int, size: int = 24) -> tuple[np.ndarray, ...]:
    """Draw every letter `each` times; return images and labels, in an order that `seed` decides.

    Every image has a font, an angle, a slant, a scale, a place, a paper and noise of its own.

    Args:
        letters: the classes; label 0 is the first of them.
        size: of the square images, in pixels.

    Returns:
        Images, float32 ``[n, size, size, 1]`` from 0 (paper) to 1 (ink), and labels, int64 ``[n]``.

    Raises:
        ValueError: no letters, one that comes twice or that no font has; no or tiny images.
    """
    if not letters or len(set(letters)) < len(letters):
        raise ValueError(f"letters must be there and differ from each other, got {letters!r}")
    if each < 1 or size < 8:
        raise ValueError(f"each must be at least 1 and size 8, got {each} and {size}")
    stencils = [_draw(letter) for letter in letters]
    numbers = np.random.default_rng(seed)
    labels = numbers.permutation(np.repeat(np.arange(len(letters)), each))
    ink = np.stack([_distort(stencils[label], size, numbers) for label in labels]) / 255
    down, across = np.mgrid[0:size, 0:size] / size - 0.5
    light, dark = (numbers.uniform(*ends, (len(ink), 1, 1)) for ends in [(0, 0.35), (0.65, 1)])
    slopes = numbers.uniform(-0.3, 0.3, (2, len(ink), 1, 1))
    paper = light + slopes[0] * down + slopes[1] * across
    images = paper * (1 - ink) + dark * ink + numbers.normal(0, 0.1, ink.shape)
    return images.clip(0, 1).astype("float32")[..., np.newaxis], labels


def _draw(letter: str) -> list[Image.Image]:
    """Draw one letter in the middle of a box, once for every font that has it."""
    found = []
    for path in sorted((Path(matplotlib.get_data_path()) / "fonts" / "ttf").glob("*.ttf")):
        if path.name.startswith(_FAMILIES) and FT2Font(str(path)).get_char_index(ord(letter)):
            image, font = Image.new("L", (_BOX, _BOX)), ImageFont.truetype(str(path), 64)
            ImageDraw.Draw(image).text((_BOX / 2, _BOX / 2), letter, 255, font, anchor="mm")
            if edges := image.getbbox():
                left, top, right, bottom = edges
                place = (1, 0, (left + right - _BOX) / 2, 0, 1, (top + bottom - _BOX) / 2)
                found.append(image.transform(image.size, Image.Transform.AFFINE, place))
    if not found:
        raise ValueError(f"no font inside matplotlib can draw {letter!r}: choose another letter")
    return found


def _distort(stencils: list[Image.Image], size: int, numbers: np.random.Generator) -> np.ndarray:
    """Pick a stencil, turn, slant, scale and move it; drawn at twice the size for smooth edges."""
    angle, slant = numbers.uniform(-0.26, 0.26), numbers.uniform(-0.25, 0.25)
    zoom = _BOX / size / numbers.uniform(1.1, 1.7) / 2 * np.array([numbers.uniform(0.85, 1.18), 1])
    turn = [[np.cos(angle), slant - np.sin(angle)], [np.sin(angle), np.cos(angle)]] * zoom
    middle = _BOX / 2 - turn @ (size * (1 + numbers.uniform(-0.18, 0.18, 2)))
    stencil, place = stencils[numbers.integers(len(stencils))], np.c_[turn, middle].ravel()
    wide = stencil.transform((2 * size, 2 * size), Image.Transform.AFFINE, place, 2)
    return np.asarray(wide.reduce(2), dtype="float32")
