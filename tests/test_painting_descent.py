"""Painting by gradient descent: the loss falls, the content stays, and the sizes are right."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def descent(module):
    return module("helpers.painting.descent")


@pytest.fixture(scope="module")
def style(module):
    return module("helpers.painting.style")


@pytest.fixture(scope="module")
def features(module, style):
    module("keras").utils.set_random_seed(0)
    eye = module("helpers.painting.networks").build_eye()
    return style.make_features(eye, [np.random.default_rng(1).random((64, 64, 3)).astype("f4")])


@pytest.fixture
def photo():
    across, down = np.meshgrid(np.linspace(0, 1, 96), np.linspace(0, 1, 64))
    return np.stack([across, down, across * down], axis=-1).astype(np.float32)


@pytest.fixture
def painting():
    return np.random.default_rng(2).random((64, 64, 3)).astype(np.float32)


def test_descend_finds_the_lowest_loss_and_counts_its_steps(descent, photo):
    target = np.full_like(photo, 0.25)
    done = []
    found = descent.descend(
        lambda pictures: sum_of_squares(pictures - target),
        photo,
        steps=5,
        after_step=lambda: done.append(1),
    )
    assert np.allclose(found, target, atol=1e-3)
    assert 1 <= len(done) <= 5


def sum_of_squares(values):
    import tensorflow as tf

    return tf.reduce_sum(values**2)


def test_what_descends_stays_a_picture(descent, photo):
    found = descent.descend(lambda pictures: -sum_of_squares(pictures), photo, steps=3)
    assert found.shape == photo.shape
    assert found.dtype == np.float32
    assert found.min() >= 0 and found.max() <= 1


def test_painting_brings_the_style_nearer_and_shows_each_size(
    descent, style, module, features, photo, painting
):
    picture, stages = descent.paint_in_style(features, photo, painting, steps=(3, 3))
    assert [stage.shape for stage in stages] == [(64, 96, 3), (32, 48, 3), (64, 96, 3)]
    assert np.array_equal(stages[-1], picture)
    start = module("helpers.painting.pictures").recolour(photo, painting)
    assert np.array_equal(stages[0], start)
    before = style.style_gap(features, start, painting)
    assert style.style_gap(features, picture, painting) < 0.8 * before


def test_the_loss_asks_for_the_style_the_content_and_for_smooth_pixels(
    descent, features, photo, painting
):
    def loss_of(picture, content, style):
        loss = descent.style_transfer_loss(features, content, style)
        return float(loss(picture[None]))

    assert loss_of(photo, photo, photo) == pytest.approx(
        descent.ROUGHNESS_WEIGHT * float(descent.roughness(photo[None])), rel=1e-4
    )
    assert loss_of(photo, photo, painting) > loss_of(photo, photo, photo)
    turned = photo[::-1, ::-1]
    assert loss_of(photo, turned, photo) > loss_of(photo, photo, photo)


def test_a_flat_picture_is_not_rough(descent, photo, painting):
    assert float(descent.roughness(np.zeros((1, 8, 8, 3), np.float32))) == 0
    assert descent.roughness(painting[None]) > descent.roughness(photo[None])


def test_shrink_divides_both_sides(descent, photo):
    assert descent.shrink(photo, 4).shape == (16, 24, 3)
    assert descent.resize(photo, 10, 20).shape == (10, 20, 3)
