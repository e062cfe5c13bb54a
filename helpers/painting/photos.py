"""Photos to paint, from packages that the course needs anyway, and who made them.

A photo is an array of shape (height, width, 3), of uint8 or of floats from 0 to 1.
"""

from typing import Any

import matplotlib
import numpy as np
from matplotlib.cbook import get_sample_data
from matplotlib.colors import LightSource
from sklearn.datasets import load_sample_image


def pagoda() -> np.ndarray:
    """A pagoda in Beijing, uint8 (427, 640, 3): danielbuechele, CC BY 2.0, from scikit-learn."""
    return load_sample_image("china.jpg")


def dahlia() -> np.ndarray:
    """A dahlia, uint8 (427, 640, 3): vultilion, CC BY 2.0, from scikit-learn."""
    return load_sample_image("flower.jpg")


def mountains() -> np.ndarray:
    """Heights near Jacksboro in relief, float64 (344, 403, 3): United States Geological Survey.

    The heights are from matplotlib, the light and the colours are ours.
    """
    file: Any = get_sample_data("jacksboro_fault_dem.npz")
    with file:
        heights = file["elevation"]
    colours = matplotlib.colormaps["gist_earth"]
    relief = LightSource().shade(heights, colours, blend_mode="soft", vert_exag=0.1)
    return relief[..., :3]


PHOTOS = {
    "pagoda": pagoda,
    "dahlia": dahlia,
    "mountains": mountains,
}
