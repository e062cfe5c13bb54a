"""Letters as images: rendered from the fonts inside matplotlib, turned, sheared, noisy; drawn."""

from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
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
        ValueError: no letters, one twice or that no font has; a number too small or not whole.
    """
    if not isinstance(letters, str) or not letters or len(set(letters)) < len(letters):
        raise ValueError(f"letters is one string, all of them different, got {letters!r}")
    for name, value, least in [("each", each, 1), ("seed", seed, 0), ("size", size, 8)]:
        if not isinstance(value, int | np.integer) or value < least:
            raise ValueError(f"{name} is a whole number, at least {least}, got {value!r}")
    stencils = [_draw(letter) for letter in letters]
    numbers = np.random.default_rng(seed)
    labels = numbers.permutation(np.repeat(np.arange(len(letters)), each))
    ink = _distort([stencils[label] for label in labels], size, numbers) / 255
    down, across = np.mgrid[0:size, 0:size] / size - 0.5
    light, dark = (numbers.uniform(*ends, (len(ink), 1, 1)) for ends in [(0, 0.35), (0.65, 1)])
    slopes = numbers.uniform(-0.3, 0.3, (2, len(ink), 1, 1))
    paper = light + slopes[0] * down + slopes[1] * across
    images = paper * (1 - ink) + dark * ink + numbers.normal(0, 0.1, ink.shape)
    return images.clip(0, 1).astype("float32")[..., np.newaxis], labels


def draw_images(
    images: np.ndarray, titles: list[str], columns: int, colours: list[str] | None = None
) -> None:
    """Draw images ``[n, size, size, 1]``, ink black, each under its title, in rows of so many.

    Raises:
        ValueError: images of another shape; not one title, and one colour if any, for each.
    """
    if len(shape := np.shape(images)) != 4 or 0 in shape or shape[3] != 1:
        raise ValueError(f"images have the shape [n, size, size, 1], got {list(shape)}")
    size, colours = shape[1], ["black"] * len(titles) if colours is None else colours
    if len({*(found := [len(images), len(titles), len(colours)])}) > 1:
        raise ValueError(
            "{} images have {} titles and {} colours: give each image one".format(*found)
        )
    rows, wide, high = -(-len(images) // columns), size * 9 // 8, size * 3 // 2
    _, axes = plt.subplots(figsize=(0.85 * columns, 1.13 * rows), layout="constrained")
    sheet = np.zeros((rows * high, columns * wide))
    for number, (image, title, colour) in enumerate(zip(images, titles, colours, strict=True)):
        top, left = number // columns * high + high - size, number % columns * wide
        sheet[top : top + size, left : left + size] = image[..., 0]
        axes.text(left + size / 2, top - size / 6, title, color=colour, ha="center", size=12)
    axes.imshow(sheet, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
    axes.set(ylim=(len(sheet), size // 6), frame_on=False, xticks=[], yticks=[])


def _draw(letter: str) -> list[Image.Image]:
    """Draw one letter in the middle of a box, once for every font that has it."""
    found = []
    for path in sorted((Path(matplotlib.get_data_path()) / "fonts" / "ttf").glob("*.ttf")):
        if path.name.startswith(_FAMILIES) and FT2Font(str(path)).get_char_index(ord(letter)):
            wide, font = Image.new("L", (2 * _BOX, 2 * _BOX)), ImageFont.truetype(str(path), 64)
            ImageDraw.Draw(wide).text((_BOX, _BOX), letter, 255, font, anchor="mm")
            if edges := wide.getbbox():
                left, top = ((edges[way] + edges[way + 2] - _BOX) // 2 for way in (0, 1))
                found.append(wide.crop((left, top, left + _BOX, top + _BOX)))
    if not found:
        raise ValueError(f"no font inside matplotlib can draw {letter!r}: choose another letter")
    return found


def _distort(fonts: list[list[Image.Image]], size: int, numbers: np.random.Generator) -> np.ndarray:
    """Pick, turn, slant, scale and move stencils; drawn at twice the size for smooth edges."""
    low, high = [-0.26, -0.25, 1.1, 0.85, 0.82, 0.82, 0], [0.26, 0.25, 1.7, 1.18, 1.18, 1.18, 1]
    angle, slant, zoom, wide, x, y, pick = numbers.uniform(low, high, (len(fonts), 7)).T
    scale, cos, sin = _BOX / size / zoom / 2, np.cos(angle), np.sin(angle)
    a, b, c, d = scale * wide * cos, scale * (slant - sin), scale * wide * sin, scale * cos
    left, top = _BOX / 2 - size * (a * x + b * y), _BOX / 2 - size * (c * x + d * y)
    drawn = [
        font[int(part * len(font))].transform((2 * size,) * 2, Image.Transform.AFFINE, place, 2)
        for font, part, *place in zip(fonts, pick, a, b, left, c, d, top, strict=True)
    ]
    return np.stack(drawn).reshape(-1, size, 2, size, 2).mean((2, 4), dtype="float32")
