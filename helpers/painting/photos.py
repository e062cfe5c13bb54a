"""Pictures to paint, from packages that the course needs anyway, and whose they are.

Every function returns an array of shape (height, width, 3), of uint8 or of floats from 0 to 1.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.cbook import get_sample_data
from matplotlib.colors import LightSource
from sklearn.datasets import load_sample_image


def pagoda() -> np.ndarray:
    """A pagoda in Beijing, 640 x 427: danielbuechele, CC BY 2.0, from scikit-learn."""
    return load_sample_image("china.jpg")


def dahlia() -> np.ndarray:
    """A dahlia, 640 x 427: vultilion, CC BY 2.0, from scikit-learn."""
    return load_sample_image("flower.jpg")


def portrait() -> np.ndarray:
    """Grace Hopper, 512 x 400: United States Navy, public domain, from matplotlib."""
    return plt.imread(get_sample_data("grace_hopper.jpg", asfileobj=False))[:400]


def mountains() -> np.ndarray:
    """Heights near Jacksboro, 403 x 344: United States Geological Survey, from matplotlib."""
    with get_sample_data("jacksboro_fault_dem.npz") as file:
        heights = file["elevation"]
    shade = LightSource().shade(heights, plt.cm.gist_earth, blend_mode="soft", vert_exag=0.1)
    return shade[..., :3]


PHOTOS = {each.__name__: each for each in (pagoda, dahlia, portrait, mountains)}
