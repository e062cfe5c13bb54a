"""Paintings: pictures that a seed decides, and the same ones that the eye was trained on."""

import functools

import numpy as np
import pytest


@pytest.fixture(scope="module")
def paintings(module):
    return module("helpers.painting.paintings").PAINTINGS


@pytest.fixture(scope="module")
def first(paintings):
    """Give the painting with the seed 0: to paint one takes up to a second, so it is kept."""
    return functools.cache(lambda name: paintings[name](seed=0))


NAMES = ["glass", "strokes", "flames", "circles", "waves"]


def test_there_are_five_in_the_order_of_the_answers_of_the_eye(paintings):
    assert list(paintings) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_painting_is_a_picture_and_its_seed_decides(paintings, first, name):
    picture = first(name)
    assert picture.shape == (256, 256, 3)
    assert picture.dtype == np.float32
    assert picture.min() >= 0
    assert picture.max() <= 1
    assert np.array_equal(picture, paintings[name](seed=0))
    assert not np.array_equal(picture, paintings[name](seed=4))


@pytest.mark.parametrize(
    ("name", "mean", "deviation"),
    [
        ("glass", [0.437, 0.375, 0.408], [0.353, 0.310, 0.351]),
        ("strokes", [0.245, 0.401, 0.640], [0.243, 0.191, 0.142]),
        ("flames", [0.604, 0.246, 0.050], [0.366, 0.284, 0.038]),
        ("circles", [0.601, 0.619, 0.561], [0.443, 0.269, 0.204]),
        ("waves", [0.281, 0.375, 0.446], [0.266, 0.254, 0.226]),
    ],
)
def test_a_painting_has_the_colours_that_the_eye_was_trained_on(first, name, mean, deviation):
    picture = first(name)
    np.testing.assert_allclose(picture.mean(axis=(0, 1)), mean, atol=2e-3)
    np.testing.assert_allclose(picture.std(axis=(0, 1)), deviation, atol=2e-3)
