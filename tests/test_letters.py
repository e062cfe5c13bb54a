"""The letters of notebook 04: images that a network can learn from, and clear errors."""

import importlib

import numpy as np
import pytest


@pytest.fixture(scope="module")
def render_letters(helpers):
    return importlib.import_module("helpers.letters").render_letters


def test_images_and_labels_have_the_shapes_and_types_that_are_promised(render_letters):
    images, labels = render_letters("ABδ", each=4, seed=0, size=20)
    assert (images.shape, images.dtype) == ((12, 20, 20, 1), np.float32)
    assert (labels.dtype, np.bincount(labels).tolist()) == (np.int64, [4, 4, 4])
    assert images.min() >= 0 and images.max() <= 1


def test_a_seed_decides_everything(render_letters):
    (images, labels), (again, same) = render_letters("AB", 5, 1), render_letters("AB", 5, 1)
    assert np.array_equal(images, again) and np.array_equal(labels, same)
    assert not np.array_equal(images, render_letters("AB", 5, 2)[0])


def test_images_come_in_random_order_and_no_two_are_alike(render_letters):
    images, labels = render_letters("AB", each=20, seed=0)
    assert sorted(labels) != labels.tolist()
    assert len({image.tobytes() for image in images}) == 40


def test_a_label_names_the_letter_that_is_drawn(render_letters):
    """A stroke and a ring: the middle of I is ink and that of O is paper."""
    images, labels = render_letters("IO", each=50, seed=0)
    middle = images[:, 10:14, 10:14].mean(axis=(1, 2, 3))
    assert middle[labels == 0].mean() > middle[labels == 1].mean() + 0.3


@pytest.mark.parametrize("letters", ["αβγδεζηθικ", "БГДЖЗИЛФЦШ"])
def test_other_alphabets_are_drawn_too(render_letters, letters):
    images, _ = render_letters(letters, each=1, seed=0)
    assert images.std(axis=(1, 2, 3)).min() > 0.1


@pytest.mark.parametrize(
    ("letters", "each", "size", "message"),
    [
        ("", 1, 24, "must be there"),
        ("AA", 1, 24, "differ from each other, got 'AA'"),
        ("A ", 1, 24, "can draw ' ': choose another"),
        ("A中", 1, 24, "can draw '中'"),
        ("A", 0, 24, "each must be at least 1 and size 8, got 0 and 24"),
        ("A", 1, 7, "got 1 and 7"),
    ],
)
def test_bad_input_gets_one_clear_line(render_letters, letters, each, size, message):
    with pytest.raises(ValueError, match=message) as error:
        render_letters(letters, each, seed=0, size=size)
    assert "\n" not in str(error.value)
