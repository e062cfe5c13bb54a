"""Pictures are loaded in any size and recoloured, and what is none is refused in one line."""

import re

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="module")
def pictures(module):
    return module("helpers.painting.pictures")


@pytest.fixture
def photo():
    return np.random.default_rng(0).random((64, 96, 3)).astype(np.float32)


@pytest.mark.parametrize(("width", "height"), [(96, 64), (48, 48), (200, 40)])
def test_a_picture_is_fitted_from_bytes_floats_and_files(pictures, photo, tmp_path, width, height):
    as_bytes = np.rint(255 * photo).astype(np.uint8)
    Image.fromarray(as_bytes).save(tmp_path / "photo.png")
    for source in (photo, as_bytes, tmp_path / "photo.png", str(tmp_path / "photo.png")):
        picture = pictures.load_picture(source, width, height)
        assert picture.shape == (height, width, 3)
        assert picture.dtype == np.float32
        assert abs(picture.mean() - photo.mean()) < 0.02


def test_a_grey_file_gets_three_channels(pictures, tmp_path):
    grey = np.full((40, 60), 102, np.uint8)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    picture = pictures.load_picture(tmp_path / "grey.png", 60, 40)
    assert np.array_equal(picture, np.full((40, 60, 3), 0.4, np.float32))


def test_what_is_too_much_is_cut_off_evenly(pictures):
    stripes = np.zeros((40, 120, 3), np.float32)
    stripes[:, 40:80] = 1
    assert pictures.load_picture(stripes, 40, 40).min() == 1


SPOILED = [
    (lambda photo: photo[..., 0], r"shape \(height, width, 3\), got \(64, 96\)"),
    (lambda photo: photo[..., :2], r"shape \(height, width, 3\), got \(64, 96, 2\)"),
    (lambda photo: np.dstack([photo, photo[..., 0]]), r"got \(64, 96, 4\)"),
    (lambda photo: photo[:20], "at least 32 x 32 pixels, got 96 x 20"),
    (lambda photo: photo[:0], "at least 32 x 32 pixels, got 96 x 0"),
    (lambda photo: np.where(photo > 0.9, np.nan, photo), "finite floats from 0 to 1, got nan"),
    (lambda photo: np.where(photo > 0.9, np.inf, photo), "finite floats from 0 to 1, .* inf"),
    (lambda photo: 255 * photo, "from 0 to 1, got .* to 25"),
    (lambda photo: photo - 1, "from 0 to 1, got -"),
]


@pytest.mark.parametrize(("spoil", "message"), SPOILED)
def test_what_is_no_picture_is_refused_in_one_line(pictures, photo, spoil, message):
    for refuse in (
        lambda: pictures.load_picture(spoil(photo), 64, 64),
        lambda: pictures.recolour(spoil(photo), photo),
        lambda: pictures.recolour(photo, spoil(photo)),
    ):
        with pytest.raises(ValueError, match=message) as error:
            refuse()
        assert "\n" not in str(error.value)


def test_a_size_too_small_to_paint_is_refused(pictures, photo):
    with pytest.raises(ValueError, match="at least 32 x 32 pixels, wanted 64 x 16"):
        pictures.load_picture(photo, 64, 16)


def test_recolour_gives_mean_and_covariance(pictures, photo):
    mixed = photo[::-1] ** 2 @ [[0.6, 0.3, 0.0], [0.2, 0.4, 0.2], [0.0, 0.1, 0.7]]
    photo, painting = 0.3 + 0.2 * photo, 0.1 + 0.5 * mixed
    new = pictures.recolour(photo, painting)
    assert new.shape == photo.shape
    assert new.dtype == np.float32
    for measure in (np.mean, np.std):
        close = np.abs(measure(new, axis=(0, 1)) - measure(painting, axis=(0, 1)))
        assert close.max() < 0.02
    covariances = [np.cov(picture.reshape(-1, 3).T) for picture in (new, painting)]
    assert np.allclose(*covariances, atol=2e-3)


def test_a_grey_photo_can_be_recoloured(pictures, photo):
    grey = np.repeat(photo[..., :1], 3, axis=2)
    new = pictures.recolour(grey, photo)
    assert np.isfinite(new).all()
    assert np.abs(new.mean(axis=(0, 1)) - photo.mean(axis=(0, 1))).max() < 0.02


def test_photo_and_painting_of_very_different_sizes_are_refused(pictures, photo):
    wide, high = np.tile(photo, (1, 5, 1)), np.tile(photo, (5, 1, 1))
    for pair in [(wide, photo), (photo, wide), (high, photo), (photo, high)]:
        with pytest.raises(ValueError, match=re.escape("at most four times the other's")):
            pictures.recolour(*pair)
    assert pictures.recolour(np.tile(photo, (1, 4, 1)), photo).shape == (64, 384, 3)
