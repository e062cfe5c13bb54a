"""Images of letters: rendered from the fonts inside matplotlib, distorted and noisy, and drawn.

An image is a float32 array of shape ``[size, size, 1]`` with values from 0 (white) to 1 (black).
"""

import math
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ft2font import FT2Font
from numpy.random import Generator
from PIL import Image, ImageDraw, ImageFont

# Fonts with whole alphabets. Those that hold single symbols are left out.
FAMILIES = ("DejaVuSans", "DejaVuSerif", "STIXGeneral", "cmr10", "cmb10", "cmss10", "cmtt10")
FONT_SIZE = 64
BOX = 96  # pixels: the side of a stencil, with room for every letter at that size

Affine = tuple[float, float, float, float, float, float]
Stencils = list[Image.Image]  # one letter, in all fonts that have it


@dataclass(frozen=True)
class Distortion:
    """How one letter is drawn into its image."""

    angle: float  # radians, counter-clockwise
    slant: float  # pixels to the side for each pixel of height
    zoom: float  # 1 shows the whole box, 2 shows its middle twice as large
    narrowness: float  # 2 makes the letter half as wide
    x: float  # where its centre is, from 0 (left) to 2 (right)
    y: float  # the same, from 0 (top) to 2 (bottom)
    font: float  # which of the fonts that have it, from 0 (the first) to below 1 (the last)

    def choose_from(self, stencils: Stencils) -> Image.Image:
        """Return the stencil in the font that this distortion asks for."""
        number = int(self.font * len(stencils))
        return stencils[number]

    def to_affine(self, side: int) -> Affine:
        """Say where in a stencil each pixel of a square image of this side comes from.

        Returns:
            ``(a, b, left, c, d, top)``, as Pillow wants them: the pixel in column ``i`` and row
            ``j`` comes from column ``a * i + b * j + left`` and row ``c * i + d * j + top``.
        """
        half = side / 2
        scale = BOX / half / self.zoom / 2
        cosine = np.cos(self.angle)
        sine = np.sin(self.angle)
        a = scale * self.narrowness * cosine
        b = scale * (self.slant - sine)
        c = scale * self.narrowness * sine
        d = scale * cosine
        # The letter's centre in the image comes from the middle of the stencil.
        across = a * self.x + b * self.y
        down = c * self.x + d * self.y
        middle = BOX / 2
        return a, b, middle - half * across, c, d, middle - half * down


# From which range each of them is drawn. The order decides what a seed gives.
RANGES = {
    "angle": (-0.26, 0.26),
    "slant": (-0.25, 0.25),
    "zoom": (1.1, 1.7),
    "narrowness": (0.85, 1.18),
    "x": (0.82, 1.18),
    "y": (0.82, 1.18),
    "font": (0.0, 1.0),
}


def render_letters(
    letters: str, each: int, seed: int, size: int = 24
) -> tuple[np.ndarray, np.ndarray]:
    """Render every letter ``each`` times, in an order that ``seed`` decides.

    Every image has a font, an angle, a slant, a width, a place, two greys and noise of its own.
    The same arguments give the same images.

    Args:
        letters: the classes. Label 0 is the first of them.
        each: how many images of each letter.
        seed: of all that is random.
        size: the side of the square images, in pixels.

    Returns:
        Images, float32 ``[n, size, size, 1]`` from 0 (paper) to 1 (ink), and labels, int64 ``[n]``.

    Raises:
        ValueError: no letters, one twice or that no font has; a number too small or not whole.
    """
    _check_arguments(letters, each, seed, size)
    stencils = [_cut_stencils(letter) for letter in letters]
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(letters)), each)
    labels = rng.permutation(labels)
    stencils_of_each = [stencils[label] for label in labels]
    ink = _draw_ink(stencils_of_each, size, rng)
    paper_grey, ink_grey = _choose_greys(len(labels), size, rng)
    noise = rng.normal(0, 0.1, ink.shape)
    images = paper_grey * (1 - ink) + ink_grey * ink + noise
    images = images.clip(0, 1).astype(np.float32)
    return images[..., np.newaxis], labels


def draw_images(
    images: np.ndarray,
    titles: Collection[object],
    columns: int,
    colours: Collection[str] | None = None,
) -> None:
    """Draw images in rows, ink black, each under its title.

    Args:
        images: float ``[n, size, size, 1]`` from 0 (white) to 1 (black).
        titles: one for each image, texts or numbers.
        columns: how many images stand in a row.
        colours: of the titles, one for each image. Without them all titles are black.

    Raises:
        ValueError: images of another shape; not one title, and one colour if any, for each.
    """
    if colours is None:
        colours = ["black"] * len(titles)
    _check_images(images, titles, colours)
    rows = math.ceil(len(images) / columns)
    size = images.shape[1]
    slot_width = size * 9 // 8
    slot_height = size * 3 // 2
    sheet = np.zeros((rows * slot_height, columns * slot_width))

    figure_size = (0.85 * columns, 1.13 * rows)
    _, axes = plt.subplots(figsize=figure_size, layout="constrained")
    for number, (image, title, colour) in enumerate(zip(images, titles, colours, strict=True)):
        row, column = divmod(number, columns)
        bottom = (row + 1) * slot_height
        top = bottom - size
        left = column * slot_width
        right = left + size
        sheet[top:bottom, left:right] = image[..., 0]
        label = axes.text(left + size / 2, top - size / 6, str(title))
        label.set(color=colour, horizontalalignment="center", fontsize=12)
    axes.imshow(sheet, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
    axes.set_ylim(len(sheet), size // 6)
    axes.set_axis_off()


def _cut_stencils(letter: str) -> Stencils:
    """Draw one letter in the middle of a box, once for every font that has it."""
    folder = Path(matplotlib.get_data_path(), "fonts", "ttf")
    stencils = []
    for path in sorted(folder.glob("*.ttf")):
        is_alphabet = path.name.startswith(FAMILIES)
        if not is_alphabet or not FT2Font(str(path)).get_char_index(ord(letter)):
            continue
        font = ImageFont.truetype(str(path), FONT_SIZE)
        page = Image.new("L", (2 * BOX, 2 * BOX))
        ImageDraw.Draw(page).text((BOX, BOX), letter, fill=255, font=font, anchor="mm")
        edges = page.getbbox()
        if edges is None:  # a space, for example
            continue
        first_column, first_row, last_column, last_row = edges
        left = (first_column + last_column - BOX) // 2
        top = (first_row + last_row - BOX) // 2
        stencil = page.crop((left, top, left + BOX, top + BOX))
        stencils.append(stencil)
    if not stencils:
        raise ValueError(f"no font inside matplotlib can draw {letter!r}: choose another letter")
    return stencils


def _draw_ink(stencils_of_each: list[Stencils], size: int, rng: Generator) -> np.ndarray:
    """Draw one distorted letter for each image: float32 ``[n, size, size]``, 1 is all ink."""
    side = 2 * size  # drawn at twice the size and averaged, for smooth edges
    distortions = _choose_distortions(len(stencils_of_each), rng)
    drawn = []
    for stencils, distortion in zip(stencils_of_each, distortions, strict=True):
        image = distortion.choose_from(stencils).transform(
            (side, side),
            Image.Transform.AFFINE,
            distortion.to_affine(side),
            Image.Resampling.BILINEAR,
        )
        drawn.append(np.asarray(image))
    blocks = np.stack(drawn).reshape(-1, size, 2, size, 2)
    return blocks.mean(axis=(2, 4), dtype=np.float32) / 255


def _choose_distortions(number: int, rng: Generator) -> list[Distortion]:
    lowest, highest = zip(*RANGES.values(), strict=True)
    table = rng.uniform(lowest, highest, size=(number, len(RANGES)))
    distortions = []
    for row in table.tolist():
        by_name = dict(zip(RANGES, row, strict=True))
        distortions.append(Distortion(**by_name))
    return distortions


def _choose_greys(number: int, size: int, rng: Generator) -> tuple[np.ndarray, np.ndarray]:
    """Choose a grey of the paper, which is darker on one side, and one of the ink.

    Returns:
        Paper, ``[number, size, size]``, and ink, ``[number, 1, 1]``.
    """
    shape = (number, 1, 1)
    middle = rng.uniform(0, 0.35, shape)
    ink = rng.uniform(0.65, 1, shape)
    slope_down = rng.uniform(-0.3, 0.3, shape)
    slope_across = rng.uniform(-0.3, 0.3, shape)
    places = np.arange(size) / size - 0.5
    down = places[:, np.newaxis]
    paper = middle + slope_down * down + slope_across * places
    return paper, ink


def _check_arguments(letters: str, each: int, seed: int, size: int) -> None:
    is_string = isinstance(letters, str)
    if not is_string or not letters or len(set(letters)) < len(letters):
        raise ValueError(f"letters is one string, all of them different, got {letters!r}")
    _check_whole("each", each, least=1)
    _check_whole("seed", seed, least=0)
    _check_whole("size", size, least=8)


def _check_whole(name: str, value: int, least: int) -> None:
    is_whole = isinstance(value, int | np.integer)
    if not is_whole or value < least:
        raise ValueError(f"{name} is a whole number, at least {least}, got {value!r}")


def _check_images(images: np.ndarray, titles: Collection[object], colours: Collection[str]) -> None:
    shape = list(np.shape(images))
    has_one_channel = len(shape) == 4 and shape[3] == 1
    if not has_one_channel or 0 in shape:
        raise ValueError(f"images have the shape [n, size, size, 1], got {shape}")
    if not len(images) == len(titles) == len(colours):
        found = f"{len(images)} images have {len(titles)} titles and {len(colours)} colours"
        raise ValueError(f"{found}: give each image one")
