"""The files from PyTorch are here, small, and told from all others."""

import pytest


@pytest.fixture(scope="module")
def fixtures(module):
    return module("helpers.exchange.fixtures")


@pytest.fixture
def copied(fixtures, tmp_path):
    """A copy of a published file, in a folder of its own."""
    path = tmp_path / "digits_cnn.safetensors"
    path.write_bytes((fixtures.FILES / path.name).read_bytes())
    return path


def test_every_published_file_is_here_has_its_hash_and_is_small(fixtures):
    files = sorted(path.name for path in fixtures.FILES.iterdir())
    assert files == sorted(fixtures.SHA256)
    for name in files:
        assert fixtures.published(name) == fixtures.FILES / name
    assert sum((fixtures.FILES / name).stat().st_size for name in files) <= 30_000


def test_an_intact_copy_elsewhere_is_accepted(fixtures, copied):
    assert fixtures.published(copied.name, copied.parent) == copied


@pytest.mark.parametrize("place", [0, 700, -1])
def test_one_changed_bit_is_refused_in_one_line(fixtures, copied, place):
    data = bytearray(copied.read_bytes())
    data[place] ^= 1
    copied.write_bytes(data)
    line = r"^digits_cnn\.safetensors: SHA-256 is \w{12}…, published is \w{12}…: do not load it.*$"
    with pytest.raises(ValueError, match=line):
        fixtures.published(copied.name, copied.parent)


def test_a_file_that_is_missing_is_refused_in_one_line(fixtures, tmp_path):
    line = r"^no digits_rnn\.safetensors in .*: get the course's copy again$"
    with pytest.raises(FileNotFoundError, match=line):
        fixtures.published("digits_rnn.safetensors", tmp_path)


def test_a_name_that_is_not_published_is_refused_and_the_others_are_named(fixtures):
    line = r"^strange\.bin is not published here: choose answers\.safetensors, .*digits_rnn"
    with pytest.raises(ValueError, match=line):
        fixtures.published("strange.bin")
