"""The published weights are here, small, and told from all others."""

import pytest


@pytest.fixture(scope="module")
def weights(module):
    return module("helpers.painting.weights")


def test_every_published_file_is_here_has_its_hash_and_is_small(weights):
    files = sorted(path.name for path in weights.TRAINED.iterdir())
    assert files == sorted(weights.SHA256)
    for name in files:
        assert weights.verified(weights.TRAINED / name).is_file()
    assert sum((weights.TRAINED / name).stat().st_size for name in files) <= 2_000_000


def test_a_file_that_is_missing_is_refused_and_the_way_to_make_it_is_named(weights, tmp_path):
    message = r"^no eye\.weights\.h5 in .*: make it with python -m helpers\.painting\.train$"
    with pytest.raises(FileNotFoundError, match=message):
        weights.verified(tmp_path / "eye.weights.h5")


def test_weights_that_are_not_the_published_ones_are_refused(weights, tmp_path):
    path = tmp_path / "eye.weights.h5"
    path.write_bytes(b"something else")
    with pytest.raises(ValueError, match=r"^eye\.weights\.h5: SHA-256 is \w{12}…, .* do not load"):
        weights.verified(path)


def test_one_changed_bit_is_noticed(weights, tmp_path):
    path = tmp_path / "eye.weights.h5"
    data = bytearray((weights.TRAINED / "eye.weights.h5").read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match="published"):
        weights.verified(path)


def test_a_file_under_a_name_that_is_not_published_is_refused(weights, tmp_path):
    stranger = tmp_path / "stranger.weights.h5"
    stranger.write_bytes((weights.TRAINED / "eye.weights.h5").read_bytes())
    with pytest.raises(ValueError, match=r"^stranger\.weights\.h5 is not published here: choose"):
        weights.verified(str(stranger))
