"""Features, style and distance: what they forget, what they keep, and in which unit."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def style(module):
    return module("helpers.painting.style")


@pytest.fixture(scope="module")
def eye(module):
    module("keras").utils.set_random_seed(0)
    return module("helpers.painting.networks").build_eye()


@pytest.fixture
def photo():
    return np.random.default_rng(0).random((64, 96, 3)).astype(np.float32)


def test_features_are_those_of_three_layers_and_get_smaller(style, eye, photo):
    features = style.make_features(eye, [photo])
    shapes = {name: tuple(values.shape) for name, values in features(photo[None]).items()}
    assert shapes == {
        "fine": (1, 64, 96, 24),
        "middle": (1, 32, 48, 48),
        "coarse": (1, 16, 24, 72),
    }


def test_every_channel_has_a_similar_size_over_the_examples_of_any_sizes(style, eye, photo):
    examples = [photo, photo[:32, :48], 0.5 * photo]
    features = style.make_features(eye, examples)
    for name in ("fine", "middle", "coarse"):
        squares = [np.mean(features(each[None])[name] ** 2, axis=(0, 1, 2)) for each in examples]
        power = np.mean(squares, axis=0)
        assert power.max() < 1.001
        assert np.median(power) > 0.99, "only a channel that finds next to nothing stays small"


def test_a_channel_that_finds_nothing_gives_zeros(module, style, photo):
    keras = module("keras")
    image = values = keras.Input((None, None, 3))
    for name in module("helpers.painting.networks").LAYERS:
        values = keras.layers.Identity(name=name)(values)
    photo[..., 2] = 0
    features = style.make_features(keras.Model(image, values), [photo])
    for found in features(photo[None]).values():
        assert np.isfinite(found).all()
        assert not np.any(found[..., 2])


def test_features_are_measured_as_in_use_and_change_nothing(style, eye, photo):
    before = eye.get_weights()
    features = style.make_features(eye, [photo])
    first = features(photo[None])["coarse"].numpy()
    features(1 - photo[None])
    assert np.array_equal(first, features(photo[None])["coarse"])
    after = eye.get_weights()
    assert all(np.array_equal(*pair) for pair in zip(before, after, strict=True))


def test_style_forgets_places(style, photo):
    measured = style.style_of({"fine": photo[None]})
    turned = style.style_of({"fine": photo[None, ::-1, ::-1]})
    assert float(style.distance(turned, measured)) < 1e-8


def test_style_is_mean_and_covariance_for_each_layer_and_picture(style, photo):
    pictures = np.stack([photo, photo**2])
    measured = style.style_of({"fine": pictures, "coarse": pictures[:, ::2]})
    assert len(measured) == 4
    mean, gram = measured[:2]
    for number, picture in enumerate(pictures):
        pixels = picture.reshape(-1, 3).T
        assert np.allclose(mean[number, 0], pixels.mean(axis=1), atol=1e-5)
        assert np.allclose(gram[number], np.cov(pixels, bias=True), atol=1e-5)


def test_distance_is_relative_to_the_target(style, photo):
    target = style.style_of({"fine": photo[None]})
    assert float(style.distance(target, target)) == 0
    twice = [2 * values for values in target]
    nothing = [0 * values for values in target]
    assert abs(float(style.distance(twice, target)) - 1) < 1e-5
    assert abs(float(style.distance(nothing, target)) - 1) < 1e-5
    assert abs(float(style.distance(target, twice)) - 0.25) < 1e-5


def test_a_picture_has_its_own_style_and_another_has_another(style, eye, photo):
    features = style.make_features(eye, [photo])
    assert style.style_gap(features, photo, photo) == 0
    assert style.style_gap(features, photo[::-1] ** 3, photo) > 0.01
