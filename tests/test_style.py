"""The helpers of notebook 05: paintings, published weights, and what is refused in one line."""

import importlib
import re

import numpy as np
import pytest

SIZE = 256


@pytest.fixture(scope="session")
def paintings():
    return importlib.import_module("helpers.painting.paintings").PAINTINGS


@pytest.fixture(scope="session")
def photos():
    return importlib.import_module("helpers.painting.photos").PHOTOS


@pytest.fixture(scope="session")
def style(helpers):
    return importlib.import_module("helpers.painting.pictures")


@pytest.fixture(scope="session")
def networks(helpers):
    return importlib.import_module("helpers.painting.networks")


@pytest.fixture
def photo():
    return np.random.default_rng(0).random((64, 96, 3)).astype(np.float32)


@pytest.mark.parametrize("name", ["glass", "strokes", "flames", "circles", "waves"])
def test_a_painting_is_a_picture_and_its_seed_decides(helpers, paintings, name):
    picture = paintings[name](seed=3)
    assert picture.shape == (SIZE, SIZE, 3)
    assert picture.dtype == np.float32
    assert picture.min() >= 0
    assert picture.max() <= 1
    assert np.array_equal(picture, paintings[name](seed=3))
    assert not np.array_equal(picture, paintings[name](seed=4))


@pytest.mark.parametrize("name", ["pagoda", "dahlia", "portrait", "mountains"])
def test_a_photo_can_be_loaded_and_its_author_is_named(style, photos, name):
    picture = style.load_picture(photos[name](), 384, 256)
    assert picture.shape == (256, 384, 3)
    assert picture.std() > 0.1
    assert re.search("CC BY 2.0|public domain|Geological Survey", photos[name].__doc__)


def test_every_published_file_is_here_has_its_hash_and_is_small(style):
    files = sorted(path.name for path in style.TRAINED.iterdir())
    assert files == sorted(style.SHA256)
    for name in files:
        assert style.verified(style.TRAINED / name).is_file()
    assert sum((style.TRAINED / name).stat().st_size for name in files) <= 2_000_000


def test_weights_that_are_not_the_published_ones_are_refused(style, tmp_path):
    path = tmp_path / "eye.weights.h5"
    with pytest.raises(FileNotFoundError, match=r"^no eye\.weights\.h5 in .*train_style"):
        style.verified(path)
    path.write_bytes(b"something else")
    with pytest.raises(ValueError, match=r"^eye\.weights\.h5: SHA-256 is \w{12}…, .* do not load"):
        style.verified(path)
    data = (style.TRAINED / "eye.weights.h5").read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(ValueError, match="published"):
        style.verified(path)
    stranger = tmp_path / "stranger.weights.h5"
    stranger.write_bytes(data)
    with pytest.raises(ValueError, match=r"^stranger\.weights\.h5 is not published here"):
        style.verified(str(stranger))


@pytest.mark.parametrize("name", ["eye", "painter"])
def test_published_weights_fit_the_network_and_fill_all_of_it(style, networks, name):
    network = getattr(networks, f"build_{name}")()
    before = [weight.numpy() for weight in network.weights]
    network.load_weights(style.TRAINED / f"{name}.weights.h5")
    after = [weight.numpy() for weight in network.weights]
    assert all(np.isfinite(weight).all() for weight in after)
    changed = [not np.array_equal(one, two) for one, two in zip(before, after, strict=True)]
    assert all(changed)


def test_the_restored_eye_knows_paintings_it_has_not_seen(style, networks, paintings):
    eye = networks.build_eye()
    eye.load_weights(style.TRAINED / "eye.weights.h5")
    pictures = np.stack([paint(seed) for seed in (21, 22) for paint in paintings.values()])
    named = [networks.KINDS[answer] for answer in eye.predict_on_batch(pictures).argmax(axis=1)]
    assert named == [*paintings] * 2


def test_the_painter_takes_one_size_after_another_and_leaves_no_frame(style, networks, photos):
    painter = networks.build_painter()
    painter.load_weights(style.TRAINED / "painter.weights.h5")
    for width, height in [(96, 64), (384, 256)]:
        photo = style.load_picture(photos["pagoda"](), width, height)
        painted = painter.predict_on_batch(photo[None])[0]
        assert painted.shape == photo.shape
    sky = painted[:40, 250:300].mean(axis=(1, 2))  # without the mirrored border, black above
    assert sky[:4].min() > 0.7 * sky[20:].mean()


@pytest.mark.parametrize("width, height", [(96, 64), (48, 48), (200, 40)])
def test_a_picture_is_fitted_from_bytes_floats_and_files(style, photo, tmp_path, width, height):
    from PIL import Image

    as_bytes = np.rint(255 * photo).astype(np.uint8)
    Image.fromarray(as_bytes).save(tmp_path / "photo.png")
    for source in (photo, as_bytes, tmp_path / "photo.png"):
        picture = style.load_picture(source, width, height)
        assert picture.shape == (height, width, 3)
        assert picture.dtype == np.float32
        assert abs(picture.mean() - photo.mean()) < 0.02


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda photo: photo[..., 0], r"shape \(height, width, 3\), got \(64, 96\)"),
        (lambda photo: photo[..., :2], r"shape \(height, width, 3\), got \(64, 96, 2\)"),
        (lambda photo: np.dstack([photo, photo[..., 0]]), r"got \(64, 96, 4\)"),
        (lambda photo: photo[:20], "at least 32 x 32 pixels, got 96 x 20"),
        (lambda photo: photo[:0], "at least 32 x 32 pixels, got 96 x 0"),
        (lambda photo: np.where(photo > 0.9, np.nan, photo), "finite floats from 0 to 1, got nan"),
        (lambda photo: np.where(photo > 0.9, np.inf, photo), "finite floats from 0 to 1, .* inf"),
        (lambda photo: 255 * photo, "from 0 to 1, got .* to 25"),
        (lambda photo: photo - 1, "from 0 to 1, got -"),
    ],
)
def test_what_is_no_picture_is_refused_in_one_line(style, photo, spoil, message):
    for refuse in (
        lambda: style.load_picture(spoil(photo), 64, 64),
        lambda: style.recolour(spoil(photo), photo),
        lambda: style.recolour(photo, spoil(photo)),
    ):
        with pytest.raises(ValueError, match=message) as error:
            refuse()
        assert "\n" not in str(error.value)


def test_a_size_too_small_to_paint_is_refused(style, photo):
    with pytest.raises(ValueError, match="at least 32 x 32 pixels, wanted 64 x 16"):
        style.load_picture(photo, 64, 16)


def test_recolour_gives_mean_and_covariance(style, photo):
    photo, painting = 0.3 + 0.2 * photo, 0.2 + 0.5 * photo[::-1] ** 2
    new = style.recolour(photo, painting)
    assert new.shape == photo.shape
    assert new.dtype == np.float32
    for measure in (np.mean, np.std):
        close = np.abs(measure(new, axis=(0, 1)) - measure(painting, axis=(0, 1)))
        assert close.max() < 0.02


def test_photo_and_painting_of_very_different_sizes_are_refused(style, photo):
    wide, high = np.tile(photo, (1, 5, 1)), np.tile(photo, (5, 1, 1))
    for pair in [(wide, photo), (photo, wide), (high, photo), (photo, high)]:
        with pytest.raises(ValueError, match=re.escape("at most four times the other's")):
            style.recolour(*pair)
    assert style.recolour(np.tile(photo, (1, 4, 1)), photo).shape == (64, 384, 3)


def test_style_forgets_places_and_distance_is_relative(networks, photo):
    values = {"fine": photo[None]}
    turned = {"fine": photo[None, ::-1, ::-1]}
    style = networks.style_of(values)
    assert float(networks.distance(networks.style_of(turned), style)) < 1e-8
    assert float(networks.distance(style, style)) == 0
    assert abs(float(networks.distance([2 * each for each in style], style)) - 1) < 1e-5
    mean, gram = style
    assert np.allclose(mean[0, 0], photo.mean((0, 1)), atol=1e-5)
    assert np.allclose(gram[0], np.cov(photo.reshape(-1, 3).T, bias=True), atol=1e-5)
