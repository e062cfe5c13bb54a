"""The two networks: the published weights fit, and with them the eye knows and the painter paints.

The weights are loaded without a look at their hash, which tests/test_painting_weights.py has.
"""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def networks(module):
    return module("helpers.painting.networks")


@pytest.fixture(scope="module")
def paintings(module):
    return module("helpers.painting.paintings").PAINTINGS


@pytest.fixture(scope="module")
def restore(module, networks):
    """Build a network by its name, and load its published weights."""

    def restore(name):
        network = {"eye": networks.build_eye, "painter": networks.build_painter}[name]()
        network.load_weights(module("helpers.painting.weights").TRAINED / f"{name}.weights.h5")
        return network

    return restore


@pytest.mark.parametrize("name", ["eye", "painter"])
def test_published_weights_fit_the_network_and_fill_all_of_it(networks, restore, name):
    before = getattr(networks, f"build_{name}")().get_weights()
    after = restore(name).get_weights()
    assert all(np.isfinite(weight).all() for weight in after)
    changed = [not np.array_equal(one, two) for one, two in zip(before, after, strict=True)]
    assert all(changed)


def test_the_restored_eye_knows_paintings_it_has_not_seen(networks, restore, paintings):
    pictures = np.stack([paint(seed) for seed in (21, 22) for paint in paintings.values()])
    answers = restore("eye").predict_on_batch(pictures)
    assert answers.shape == (10, 6)
    named = [networks.KINDS[answer] for answer in answers.argmax(axis=1)]
    assert named == [*paintings] * 2


def test_the_eye_has_the_layers_that_we_measure_with_from_fine_to_coarse(networks):
    eye = networks.build_eye()
    shapes = [eye.get_layer(name).output.shape for name in networks.LAYERS]
    assert [shape[-1] for shape in shapes] == [24, 48, 72]
    names = [layer.name for layer in eye.layers]
    places = [names.index(name) for name in networks.LAYERS]
    assert places == sorted(places)


def test_the_frame_around_a_photo_is_mirrored_and_does_not_repeat_its_edge(module, networks):
    painter = networks.build_painter()
    frame = module("keras").Model(painter.input, painter.operations[1].output)
    photo = np.random.default_rng(0).random((1, 32, 36, 3)).astype(np.float32)
    sides = (networks.FRAME, networks.FRAME)
    expected = np.pad(photo, [(0, 0), sides, sides, (0, 0)], mode="reflect")
    assert np.array_equal(frame.predict_on_batch(photo), expected)


def test_the_painter_takes_one_size_after_another_and_leaves_no_frame(module, restore):
    load_picture = module("helpers.painting.pictures").load_picture
    pagoda = module("helpers.painting.photos").pagoda()
    painter = restore("painter")
    for width, height in [(96, 64), (384, 256)]:
        photo = load_picture(pagoda, width, height)
        painted = painter.predict_on_batch(photo[None])[0]
        assert painted.shape == photo.shape
    sky = painted[:40, 250:300].mean(axis=(1, 2))  # without the mirrored border, black above
    assert sky[:4].min() > 0.7 * sky[20:].mean()
    border = np.ones(painted.shape[:2], bool)
    border[4:-4, 4:-4] = False
    inside = painted[8:-8, 8:-8]
    assert abs(painted[border].mean() / inside.mean() - 1) < 0.15, "a dark or a pale frame"
