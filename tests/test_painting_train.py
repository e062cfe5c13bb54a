"""The training script: its patches, and a few steps of both trainings that save what loads."""

import hashlib
import re

import numpy as np
import pytest

SIDE = 64
# Keras copies a variable as NumPy 2 no longer likes it.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def make_noise(number):
    """Return a function that paints noise: another one for each number and for each seed."""

    def paint(seed):
        return np.random.default_rng([number, seed]).random((256, 256, 3), dtype=np.float32)

    return paint


@pytest.fixture(scope="module")
def train(module):
    """The script, with noise in place of the paintings, which take up to a second each."""
    train = module("helpers.painting.train")
    noise = {name: make_noise(number) for number, name in enumerate(train.PAINTINGS)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "PAINTINGS", noise)
        yield train


@pytest.fixture(scope="module")
def networks(module):
    return module("helpers.painting.networks")


@pytest.fixture(scope="module")
def photos():
    return list(np.random.default_rng(0).random((2, 64, 80, 3), dtype=np.float32))


@pytest.fixture(scope="module")
def eye(train, photos):
    """An eye after one step."""
    return train.train_eye(photos, number=64, epochs=1)


def fresh(module, build):
    """The same network before its training, which begins from the same seed."""
    module("keras").utils.set_random_seed(0)
    return build()


def moved(before, after):
    pairs = zip(before.weights, after.weights, strict=True)
    return [not np.array_equal(one.numpy(), other.numpy()) for one, other in pairs]


def test_a_cut_is_a_square_of_one_of_the_pictures_in_other_colours(train):
    """Its rows still rise from left to right, or fall where it is mirrored."""
    ramp = np.broadcast_to(np.linspace(0.2, 0.8, 90)[:, np.newaxis], (70, 90, 3))
    rng = np.random.default_rng(0)
    cuts = [train.cut([ramp, ramp], SIDE, rng) for _ in range(20)]
    assert {square.shape for square in cuts} == {(SIDE, SIDE, 3)}
    slopes = np.diff(cuts, axis=2)
    assert np.allclose(slopes, slopes[:, :1, :1, :1], atol=1e-6)
    signs = np.sign(slopes[:, 0, 0, 0]).tolist()
    assert sorted(set(signs)) == [-1, 1]
    assert len({round(float(square.mean()), 6) for square in cuts}) == 20, "brighter or darker"


def test_patches_are_small_pictures_of_the_kind_that_is_named(train):
    """Of two kinds, one grey and one with stripes, only the second has contrast."""
    grey = np.full((80, 80, 3), 0.5, np.float32)
    stripes = np.zeros((80, 80, 3), np.float32)
    stripes[:, ::8] = 1
    patches, kinds = train.make_patches([[grey], [stripes]], 50)
    assert patches.shape == (50, 32, 32, 3)
    assert patches.dtype == np.float32
    assert patches.min() >= 0
    assert patches.max() <= 1
    contrast = patches.std(axis=(1, 2)).max(axis=1)
    assert np.array_equal(contrast > 0.01, kinds == 1)
    assert set(kinds) == {0, 1}


def test_the_eye_is_trained_in_all_its_weights_and_holds_no_optimizer(module, networks, eye):
    assert all(moved(fresh(module, networks.build_eye), eye))
    assert getattr(eye, "optimizer", None) is None


def test_the_painter_is_trained_in_all_its_weights_and_the_eye_stays(
    module, train, networks, photos, eye
):
    before = eye.get_weights()
    painting = train.PAINTINGS["glass"](0)
    painter = train.train_painter(eye, painting, photos, steps=1, side=SIDE)
    assert all(moved(fresh(module, networks.build_painter), painter))
    assert all(np.isfinite(weight).all() for weight in painter.get_weights())
    pairs = zip(before, eye.get_weights(), strict=True)
    assert all(np.array_equal(*pair) for pair in pairs)


def test_main_saves_both_files_which_load_and_prints_their_hashes(
    module, train, networks, eye, monkeypatch, tmp_path, capsys
):
    """The trainings have been tested above: here they return at once, and note their photos."""
    given = {}
    painter = fresh(module, networks.build_painter)
    monkeypatch.setattr(train, "train_eye", lambda photos: given.update(eye=photos) or eye)
    monkeypatch.setattr(
        train, "train_painter", lambda *parts: given.update(painter=parts) or painter
    )
    train.main(tmp_path)
    assert len(given["eye"]) == 6, "two photos in three sizes"
    assert given["painter"][0] is eye
    assert np.array_equal(given["painter"][1], train.PAINTINGS["glass"](0))
    assert [photo.shape for photo in given["painter"][2]] == 2 * [
        (192, 288, 3),
        (256, 384, 3),
        (340, 510, 3),
    ]
    lines = re.findall(r'^    "(.+)": "(\w{64})",$', capsys.readouterr().out, re.MULTILINE)
    assert [name for name, _ in lines] == ["eye.weights.h5", "painter.weights.h5"]
    for (name, sha256), trained in zip(lines, (eye, painter), strict=True):
        path = tmp_path / name
        assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256
        module("keras").utils.set_random_seed(7)
        build = networks.build_eye if trained is eye else networks.build_painter
        loaded = build()
        assert any(moved(trained, loaded))
        loaded.load_weights(path)
        assert not any(moved(trained, loaded))
