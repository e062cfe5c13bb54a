"""Pictures painted by a few lines of numpy and Pillow, to take a style from.

A painting is a float32 array of shape (256, 256, 3) with values from 0 to 1. The same seed gives
the same painting.
"""

from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageColor, ImageDraw

SIZE = 256  # the side of a painting, in pixels
DRAWN = 2 * SIZE  # what Pillow draws is drawn at twice the size and halved, for smooth edges

PANES = 120
GLASS = ("#b3001b", "#e85d04", "#ffba08", "#3f88c5", "#0b2f6b", "#136f63", "#6a2bbf", "#f8f7ff")

NIGHT = "#12307a"
STARS = ("#0b1d51", "#12307a", "#1f4fa8", "#3f7fc4", "#8fbfdf", "#f4e6a0", "#f4c53e", "#ee8a30")

FIRE = ("#03071e", "#370617", "#6a040f", "#9d0208", "#d00000", "#e85d04", "#f48c06", "#ffba08")

CREAM = "#fff3e0"
SWEETS = ("#ef476f", "#ffd166", "#06d6a0", "#118ab2", "#073b4c", "#f78c6b", CREAM)

PAPER = "#f1e9d2"
OUTLINE = "#0d1b2a"
RINGS = {1: "#1b3a5b", 0.8: "#8fb8c9", 0.6: "#3a6ea5", 0.4: "#d9cba3", 0.2: OUTLINE}


class Sun(NamedTuple):
    """A sun in the night sky, in parts of the painting's side."""

    y: float
    x: float
    radius: float
    turn: int  # 1 or -1: which way the brush strokes whirl around it


SUNS = (
    Sun(0.28, 0.25, radius=0.17, turn=1),
    Sun(0.22, 0.70, radius=0.12, turn=-1),
    Sun(0.62, 0.52, radius=0.20, turn=1),
    Sun(0.75, 0.15, radius=0.12, turn=-1),
    Sun(0.80, 0.86, radius=0.14, turn=1),
)


def glass(seed: int = 0) -> np.ndarray:
    """Paint stained glass: the panes of a Voronoi diagram, held by lead."""
    rng = np.random.default_rng(seed)
    centres = _spread(rng.random((PANES, 2)) * SIZE)
    distances = _distances_to(centres)
    first, second = np.argpartition(distances, (0, 1), axis=0)[:2]
    near, next_near = np.sort(distances, axis=0)[:2]
    # Twice the distance to the line between two panes, which is equally far from their centres.
    between_centres = np.linalg.norm(centres[first] - centres[second], axis=-1)
    to_lead = (next_near**2 - near**2) / between_centres
    lead = np.clip(to_lead / 2.5 - 0.8, 0, 1)

    tints = _colours(GLASS)
    panes = tints[rng.integers(len(tints), size=PANES)]
    panes += rng.normal(0, 0.05, panes.shape)
    light = (0.75 + 0.45 * _clouds(24, rng)) * lead
    painting = panes[first] * light[..., np.newaxis] + 0.04
    return np.clip(painting, 0, 1).astype(np.float32)


def strokes(seed: int = 0) -> np.ndarray:
    """Paint a night sky: brush strokes that whirl around a few suns."""
    rng = np.random.default_rng(seed)
    starts = rng.random((3000, 2)) * DRAWN
    tints = _blend(STARS, _glow(starts, rng))

    image = Image.new("RGB", (DRAWN, DRAWN), NIGHT)
    brush = ImageDraw.Draw(image)
    for path, tint in zip(_follow_the_wind(starts), tints, strict=True):
        width = int(rng.integers(8, 15))
        colour = tint + rng.normal(0, 0.04, 3)
        colour = 255 * np.clip(colour, 0, 1)
        fill = tuple(colour.astype(int).tolist())
        points = [(x, y) for y, x in path]
        brush.line(points, fill, width, joint="curve")
    return _halve(image)


def flames(seed: int = 0) -> np.ndarray:
    """Paint marbled paper in the colours of fire: stripes bent by clouds of noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIZE, :SIZE] / SIZE
    bend = 3.5 * _clouds(4, rng)
    bend += 1.8 * _clouds(9, rng)
    bend += 0.8 * _clouds(20, rng)
    stripes = 5 * x + 1.5 * y + 5 * _clouds(5, rng) + bend
    waves = np.sin(2 * np.pi * stripes)
    return _blend(FIRE, 0.5 + 0.5 * waves).astype(np.float32)


def circles(seed: int = 0) -> np.ndarray:
    """Paint discs within discs in the colours of a sweet shop."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (DRAWN, DRAWN), CREAM)
    brush = ImageDraw.Draw(image)
    for number in range(260):
        x, y = rng.random(2) * DRAWN
        radius = rng.uniform(12, 60) * (1 - number / 430)  # later ones are smaller
        rings = rng.integers(2, 5)
        for part in np.linspace(1, 0.2, rings):
            colour = SWEETS[rng.integers(len(SWEETS))]
            brush.circle((x, y), radius * part, colour)
    return _halve(image)


def waves(seed: int = 0) -> np.ndarray:
    """Paint a woodblock print of the sea: rows of scallops, each of five rings."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (DRAWN, DRAWN), PAPER)
    brush = ImageDraw.Draw(image)
    radius = 34
    end = DRAWN + 2 * radius
    for row, y in enumerate(range(-radius, end, radius // 2)):
        is_odd = row % 2 == 1
        begin = 0 if is_odd else -radius
        for x in range(begin, end, 2 * radius):
            for part, colour in RINGS.items():
                is_printed = rng.random() < 0.93  # here and there the paper shows
                fill = colour if is_printed else PAPER
                brush.circle((x, y), radius * part, fill, OUTLINE, width=2)
    return _halve(image)


PAINTINGS = {
    "glass": glass,
    "strokes": strokes,
    "flames": flames,
    "circles": circles,
    "waves": waves,
}


def _spread(centres: np.ndarray) -> np.ndarray:
    """Move centres (n, 2) apart by two of Lloyd's steps, so that their panes become more even."""
    for _ in range(2):
        nearest = _distances_to(centres).argmin(axis=0)
        panes = [np.argwhere(nearest == number) for number in range(len(centres))]
        centres = np.array([pixels.mean(axis=0) for pixels in panes])
    return centres


def _distances_to(points: np.ndarray) -> np.ndarray:
    """The distance of every pixel to each of n points (n, 2): float64 (n, 256, 256)."""
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    point_y, point_x = points.T[..., np.newaxis, np.newaxis]
    return np.hypot(y - point_y, x - point_x)


def _glow(points: np.ndarray, rng: Generator) -> np.ndarray:
    """How bright the sky is at n points (n, 2), about from 0 to 1: shape (n,)."""
    away, radii = _look_at_suns(points)
    near = np.linalg.norm(away, axis=2) / radii
    discs = np.exp(-((2 * near) ** 2))
    halos = 0.15 * np.cos(9 * near) * np.exp(-(near**2))
    glow = 0.1 + 0.35 * rng.random(len(points))
    glow += 0.8 * discs.sum(axis=1)
    glow += halos.sum(axis=1)
    return glow


def _follow_the_wind(starts: np.ndarray) -> np.ndarray:
    """Let n points (n, 2) drift around the suns: n paths of 19 points, (n, 19, 2), each (y, x)."""
    turns = np.array([sun.turn for sun in SUNS])
    points = starts
    path = [points]
    for _ in range(18):
        away, radii = _look_at_suns(points)
        distance = np.linalg.norm(away, axis=2)
        nearness = np.exp(-1.2 * (distance / radii) ** 2)
        pull = 6 * nearness * turns / (distance + 1)
        across = away[..., ::-1] * [1, -1]  # at right angles to the line from the sun
        whirl = (pull[..., np.newaxis] * across).sum(axis=1)
        sway = 0.4 * np.sin(points[:, 1] / 60)
        breeze = np.stack([sway, np.ones_like(sway)], axis=1)
        flow = whirl + breeze
        speed = np.linalg.norm(flow, axis=1, keepdims=True)
        points = points + 3.5 * flow / speed
        path.append(points)
    return np.stack(path, axis=1)


def _look_at_suns(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The way from each sun to each of n points, (n, suns, 2), and the suns' radii, in pixels."""
    centres = np.array([(sun.y, sun.x) for sun in SUNS]) * DRAWN
    radii = np.array([sun.radius for sun in SUNS]) * DRAWN
    return points[:, np.newaxis] - centres, radii


def _clouds(cells: int, rng: Generator) -> np.ndarray:
    """Smooth noise, about from 0 to 1, of shape (256, 256): the more cells, the finer."""
    corners = cells + 1
    grid = rng.random((corners, corners)).astype(np.float32)
    image = Image.fromarray(grid)
    image = image.resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    return np.asarray(image)


def _colours(names: tuple[str, ...]) -> np.ndarray:
    """Colours for their names as in HTML: shape (n, 3), from 0 to 1."""
    return np.array([ImageColor.getrgb(name) for name in names]) / 255


def _blend(names: tuple[str, ...], values: np.ndarray) -> np.ndarray:
    """A colour for each value: 0 is the first of the named colours, 1 the last."""
    tints = _colours(names)
    steps = np.linspace(0, 1, len(tints))
    channels = [np.interp(values, steps, channel) for channel in tints.T]
    return np.stack(channels, axis=-1)


def _halve(image: Image.Image) -> np.ndarray:
    small = image.resize((SIZE, SIZE), Image.Resampling.LANCZOS)
    return np.asarray(small, np.float32) / 255
