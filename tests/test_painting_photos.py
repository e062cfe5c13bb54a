"""Photos: all can be painted, and whoever made them is named."""

import re

import numpy as np
import pytest


@pytest.fixture(scope="module")
def photos(module):
    return module("helpers.painting.photos").PHOTOS


@pytest.mark.parametrize(
    ("name", "shape", "kind"),
    [
        ("pagoda", (427, 640, 3), np.uint8),
        ("dahlia", (427, 640, 3), np.uint8),
        ("mountains", (344, 403, 3), np.float64),
    ],
)
def test_a_photo_is_what_its_docstring_says_and_its_author_is_named(photos, name, shape, kind):
    photo = photos[name]()
    assert photo.shape == shape
    assert photo.dtype == kind
    assert f"{np.dtype(kind)} {shape}" in photos[name].__doc__
    assert re.search("CC BY 2.0|Geological Survey", photos[name].__doc__)


@pytest.mark.parametrize("name", ["pagoda", "dahlia", "mountains"])
def test_a_photo_can_be_loaded_in_the_size_that_is_painted(module, photos, name):
    picture = module("helpers.painting.pictures").load_picture(photos[name](), 384, 256)
    assert picture.shape == (256, 384, 3)
    assert picture.std() > 0.1
