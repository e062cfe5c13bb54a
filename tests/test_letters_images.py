"""Images of letters: a network can learn from them, and a bad argument gets one clear line."""

import math

import numpy as np
import pytest


@pytest.fixture(scope="module")
def letters(module):
    return module("helpers.letters.images")


@pytest.fixture(scope="module")
def render_letters(letters):
    return letters.render_letters


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
    assert middle[labels == 0].mean() > middle[labels == 1].mean() + 0.2


@pytest.mark.parametrize("alphabet", ["αβγδεζηθικ", "БГДЖЗИЛФЦШ"])
def test_other_alphabets_are_drawn_too(render_letters, alphabet):
    images, _ = render_letters(alphabet, each=1, seed=0)
    assert images.std(axis=(1, 2, 3)).min() > 0.1


def test_no_letter_leaves_its_image(render_letters):
    """The widest letter, dark on light: most of the ink is inside, whatever the angle and place."""
    images, _ = render_letters("W", each=100, seed=0)
    inside = images[:, 3:-3, 3:-3].mean(axis=(1, 2, 3))
    frame = np.concatenate([images[:, [0, -1]].mean(axis=(1, 2, 3))])
    assert (inside > frame).mean() > 0.9


def test_a_seed_gives_the_same_images_as_when_the_course_was_stored(render_letters):
    """A changed range, or another order of the draws, would change every result of 04."""
    images, labels = render_letters("ABδ", each=4, seed=0, size=20)
    assert labels.tolist() == [2, 0, 1, 1, 1, 2, 0, 0, 1, 2, 2, 0]
    greys = [0.430, 0.409, 0.220, 0.437, 0.404, 0.347, 0.288, 0.167, 0.433, 0.405, 0.218, 0.246]
    np.testing.assert_allclose(images.mean(axis=(1, 2, 3)), greys, atol=2e-3)


def upright(letters, **changed):
    fields = {"angle": 0.0, "slant": 0.0, "zoom": 1.0, "narrowness": 1.0, "x": 1.0, "y": 1.0}
    return letters.Distortion(**fields | {"font": 0.0} | changed)


def test_a_letter_that_is_not_distorted_fills_the_image_as_it_fills_its_box(letters):
    a, b, left, c, d, top = upright(letters).to_affine(side=letters.BOX)
    assert (a, b, left) == (1, 0, 0)
    assert (c, d, top) == (0, 1, 0)


@pytest.mark.parametrize(
    ("changed", "pixel", "comes_from"),
    [
        ({"zoom": 2}, (96, 96), (72, 72)),
        ({"narrowness": 2}, (96, 96), (144, 96)),
        ({"x": 1.5}, (72, 48), (48, 48)),
        ({"y": 1.5}, (48, 72), (48, 48)),
        ({"slant": 0.25}, (48, 96), (60, 96)),
        ({"angle": math.pi / 2}, (48, 0), (96, 48)),  # what was right is now above
    ],
)
def test_each_distortion_does_what_its_name_says(letters, changed, pixel, comes_from):
    a, b, left, c, d, top = upright(letters, **changed).to_affine(side=letters.BOX)
    column, row = pixel
    found = (a * column + b * row + left, c * column + d * row + top)
    assert np.allclose(found, comes_from)


def test_the_font_of_a_distortion_reaches_from_the_first_to_the_last(letters):
    fonts = list("abcd")
    assert upright(letters, font=0.0).choose_from(fonts) == "a"
    assert upright(letters, font=0.5).choose_from(fonts) == "c"
    assert upright(letters, font=0.999).choose_from(fonts) == "d"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"letters": ""}, "one string, all of them different, got ''"),
        ({"letters": "AA"}, "all of them different, got 'AA'"),
        ({"letters": ["A", "B"]}, r"one string, all of them different, got \['A', 'B'\]"),
        ({"letters": None}, "got None"),
        ({"letters": "A "}, "can draw ' ': choose another"),
        ({"letters": "A中"}, "can draw '中'"),
        ({"each": 0}, "each is a whole number, at least 1, got 0"),
        ({"each": 2.5}, "each is a whole number, at least 1, got 2.5"),
        ({"each": "2"}, "each is a whole number, at least 1, got '2'"),
        ({"seed": -1}, "seed is a whole number, at least 0, got -1"),
        ({"seed": None}, "seed is a whole number, at least 0, got None"),
        ({"size": 7}, "size is a whole number, at least 8, got 7"),
        ({"size": (24, 24)}, "size is a whole number, at least 8, got"),
    ],
)
def test_bad_input_gets_one_clear_line(render_letters, wrong, message):
    with pytest.raises(ValueError, match=message) as error:
        render_letters(**{"letters": "AB", "each": 1, "seed": 0, "size": 24} | wrong)
    assert "\n" not in str(error.value)


def test_each_image_is_drawn_under_its_title(letters, plt):
    images = np.random.default_rng(0).random((5, 8, 8, 1), dtype=np.float32)
    letters.draw_images(images, list("abcde"), columns=3, colours=["C0", "C1"] + ["C2"] * 3)
    [axes] = plt.gcf().axes
    [sheet] = axes.get_images()
    for image, text in zip(images, axes.texts, strict=True):
        x, y = text.get_position()
        top, left = int(np.ceil(y)) + 1, int(x) - 4
        assert np.array_equal(sheet.get_array()[top : top + 8, left : left + 8], image[..., 0])
    assert [text.get_text() for text in axes.texts] == list("abcde")
    assert [text.get_color() for text in axes.texts] == ["C0", "C1", "C2", "C2", "C2"]
    assert sheet.get_cmap().name == "gray_r", "ink is black"


@pytest.mark.parametrize(
    ("shape", "titles", "colours", "message"),
    [
        ((2, 8, 8), "ab", None, r"shape \[n, size, size, 1\], got \[2, 8, 8\]"),
        ((2, 8, 8, 3), "ab", None, r"got \[2, 8, 8, 3\]"),
        ((0, 8, 8, 1), "", None, r"got \[0, 8, 8, 1\]"),
        ((2, 8, 8, 1), "abc", None, "2 images have 3 titles and 3 colours: give each image one"),
        ((2, 8, 8, 1), "ab", ["C0"], "2 images have 2 titles and 1 colours"),
    ],
)
def test_images_that_cannot_be_drawn_get_one_clear_line(letters, shape, titles, colours, message):
    with pytest.raises(ValueError, match=message) as error:
        letters.draw_images(np.zeros(shape), list(titles), 2, colours)
    assert "\n" not in str(error.value)
