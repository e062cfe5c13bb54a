"""A picture of the two orders in which a stack of channels is laid out in a row."""

from helpers.draw import COLOURS

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

CELL = 0.42  # inches
GAP = 0.5
TITLE_HEIGHT = 0.45


def name_pixels(height: int, width: int, channels: int) -> np.ndarray:
    """Name each number of a stack of channels: a letter for its channel, and its pixel from 1.

    Returns:
        Texts of shape (height, width, channels), such as ``a1``.
    """
    names = np.empty((height, width, channels), dtype=object)
    for channel in range(channels):
        letter = chr(ord("a") + channel)
        for pixel in range(height * width):
            row, column = divmod(pixel, width)
            names[row, column, channel] = f"{letter}{pixel + 1}"
    return names


def draw_flatten_orders(height: int, width: int, channels: int) -> None:
    """Draw the channels as images, and below them the rows that PyTorch and Keras make of them.

    Args:
        height: of an image, in pixels.
        width: of an image, in pixels.
        channels: how many images there are, each in a colour of its own.
    """
    names = name_pixels(height, width, channels)
    total = names.size
    strip = CELL + TITLE_HEIGHT
    figure_height = TITLE_HEIGHT + CELL * height + GAP + 2 * strip
    _, axes = plt.subplots(figsize=(CELL * total + 0.2, figure_height), layout="constrained")
    axes.set(xlim=(-0.1, CELL * total + 0.1), ylim=(-figure_height, 0.05))
    axes.axis("off")

    top = -TITLE_HEIGHT
    for channel in range(channels):
        left = channel * (CELL * width + GAP)
        axes.text(left, top + 0.1, f"channel {names[0, 0, channel][0]}", va="bottom")
        for row in range(height):
            _draw_cells(axes, left, top - CELL * row, names[row, :, channel])

    in_torch = np.moveaxis(names, -1, 0)
    for title, order in {"PyTorch flattens": in_torch, "Keras flattens": names}.items():
        # The first strip stands below the images, the second one below the first.
        top -= strip if title.startswith("Keras") else CELL * height + GAP + TITLE_HEIGHT / 2
        axes.text(0, top + 0.1, title, va="bottom", weight="bold")
        _draw_cells(axes, 0, top, order.ravel())


def _draw_cells(axes: Axes, left: float, top: float, names: np.ndarray) -> None:
    """Draw a row of cells, each in the colour of its channel."""
    for number, name in enumerate(names):
        x = left + CELL * number
        colour = COLOURS[ord(name[0]) - ord("a")]
        cell = Rectangle((x, top - CELL), CELL, CELL, facecolor=colour, edgecolor="white", lw=2)
        axes.add_patch(cell)
        middle = (x + CELL / 2, top - CELL / 2)
        axes.text(*middle, name, ha="center", va="center", color="white", weight="bold")
