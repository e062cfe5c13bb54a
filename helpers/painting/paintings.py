"""Pictures painted by a few lines of numpy and Pillow, to take a style from.

Every painter returns a float32 array of shape (256, 256, 3) with values from 0 to 1, and the
same one for the same seed.
"""

from helpers.painting.brushes import FINE, SIZE, blend, clouds, colours, far, halve

import numpy as np
from PIL import Image, ImageDraw


def glass(seed: int = 0) -> np.ndarray:
    """Stained glass: the panes of a Voronoi diagram, held by lead."""
    rng = np.random.default_rng(seed)
    centres = rng.random((120, 2)) * SIZE
    for _ in range(2):  # Lloyd's steps, which make the panes more even
        pane = far(centres).argmin(axis=0)
        centres = np.array([np.argwhere(pane == each).mean(axis=0) for each in range(120)])
    away = far(centres)
    first, second = np.argpartition(away, (0, 1), axis=0)[:2]
    near, next_near = np.sort(away, axis=0)[:2] ** 2
    to_lead = (next_near - near) / np.linalg.norm(centres[first] - centres[second], axis=-1)
    tints = colours("#b3001b #e85d04 #ffba08 #3f88c5 #0b2f6b #136f63 #6a2bbf #f8f7ff")
    panes = tints[rng.integers(len(tints), size=120)] + rng.normal(0, 0.05, (120, 3))
    light = (0.75 + 0.45 * clouds(24, rng)) * np.clip(to_lead / 2.5 - 0.8, 0, 1)
    return np.clip(panes[first] * light[..., None] + 0.04, 0, 1).astype(np.float32)


def strokes(seed: int = 0) -> np.ndarray:
    """Brush strokes that whirl around a few suns in a night sky."""
    rng = np.random.default_rng(seed)
    place = rng.random((3000, 2)) * FINE
    suns = np.array([[0.28, 0.25], [0.22, 0.7], [0.62, 0.52], [0.75, 0.15], [0.8, 0.86]]) * FINE
    turns, radii = np.array([1, -1, 1, -1, 1]), np.array([0.17, 0.12, 0.2, 0.12, 0.14]) * FINE
    near = np.linalg.norm(place[:, None] - suns, axis=2) / radii
    glow = 0.1 + 0.35 * rng.random(len(place)) + 0.8 * np.exp(-((2 * near) ** 2)).sum(1)
    glow += (0.15 * np.cos(9 * near) * np.exp(-(near**2))).sum(1)
    names = "#0b1d51 #12307a #1f4fa8 #3f7fc4 #8fbfdf #f4e6a0 #f4c53e #ee8a30"
    path, image = [place], Image.new("RGB", (FINE, FINE), "#12307a")
    for _ in range(18):
        away = path[-1][:, None] - suns
        gap = np.linalg.norm(away, axis=2)
        pull = 6 * np.exp(-1.2 * (gap / radii) ** 2) * turns / (gap + 1)
        breeze = np.stack([0.4 * np.sin(path[-1][:, 1] / 60), np.ones(len(place))], axis=1)
        flow = (pull[..., None] * away[..., ::-1] * [1, -1]).sum(1) + breeze
        path.append(path[-1] + 3.5 * flow / np.linalg.norm(flow, axis=1, keepdims=True))
    for points, colour in zip(np.stack(path, 1)[..., ::-1], blend(names, glow), strict=True):
        width, colour = int(rng.integers(8, 15)), colour + rng.normal(0, 0.04, 3)
        fill = tuple((255 * np.clip(colour, 0, 1)).astype(int).tolist())
        ImageDraw.Draw(image).line([tuple(point) for point in points], fill, width, joint="curve")
    return halve(image)


def flames(seed: int = 0) -> np.ndarray:
    """Marbled paper in the colours of fire: stripes bent by clouds of noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIZE, :SIZE] / SIZE
    bend = 3.5 * clouds(4, rng) + 1.8 * clouds(9, rng) + 0.8 * clouds(20, rng)
    wave = np.sin(2 * np.pi * (5 * x + 1.5 * y + 5 * clouds(5, rng) + bend))
    fire = "#03071e #370617 #6a040f #9d0208 #d00000 #e85d04 #f48c06 #ffba08"
    return blend(fire, 0.5 + 0.5 * wave).astype(np.float32)


def circles(seed: int = 0) -> np.ndarray:
    """Discs within discs in the colours of a sweet shop."""
    rng = np.random.default_rng(seed)
    names = ["#ef476f", "#ffd166", "#06d6a0", "#118ab2", "#073b4c", "#f78c6b", "#fff3e0"]
    image = Image.new("RGB", (FINE, FINE), "#fff3e0")
    for number in range(260):
        centre, radius = tuple(rng.random(2) * FINE), rng.uniform(12, 60) * (1 - number / 430)
        for part in np.linspace(1, 0.2, rng.integers(2, 5)):
            ImageDraw.Draw(image).circle(centre, radius * part, names[rng.integers(7)])
    return halve(image)


def waves(seed: int = 0) -> np.ndarray:
    """A woodblock print of the sea: rows of scallops, each of five rings."""
    rng = np.random.default_rng(seed)
    image, radius = Image.new("RGB", (FINE, FINE), "#f1e9d2"), 34
    rings = {1: "#1b3a5b", 0.8: "#8fb8c9", 0.6: "#3a6ea5", 0.4: "#d9cba3", 0.2: "#0d1b2a"}
    for row, y in enumerate(range(-radius, FINE + 2 * radius, radius // 2)):
        for x in range(-radius + row % 2 * radius, FINE + 2 * radius, 2 * radius):
            for part, colour in rings.items():
                fill = colour if rng.random() < 0.93 else "#f1e9d2"
                ImageDraw.Draw(image).circle((x, y), radius * part, fill, "#0d1b2a", 2)
    return halve(image)


PAINTINGS = {each.__name__: each for each in (glass, strokes, flames, circles, waves)}
