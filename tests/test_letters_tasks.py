"""Few examples of each class, and the handwritten digits as two tasks."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def tasks(module):
    return module("helpers.letters.tasks")


@pytest.fixture
def stock():
    labels = np.repeat([0, 1, 2], 4)
    images = np.arange(12, dtype=np.float32)[:, None, None, None]
    return images, labels


def test_as_many_of_each_class_are_chosen_and_each_with_its_label(tasks, stock):
    images, labels = stock
    chosen = tasks.choose_examples(images, labels, each=3, seed=0)
    assert chosen.images.shape == (9, 1, 1, 1)
    assert list(chosen.labels) == [0, 1, 2] * 3
    places = chosen.images.ravel().astype(int)
    assert len(set(places)) == 9
    assert list(labels[places]) == list(chosen.labels)


def test_the_seed_decides_which(tasks, stock):
    first, again, other = (
        tasks.choose_examples(*stock, each=2, seed=seed).images.ravel() for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_stock_that_is_too_small_is_refused_in_one_line(tasks, stock):
    with pytest.raises(ValueError, match=r"^the stock holds 4 examples of a class, got each=5$"):
        tasks.choose_examples(*stock, each=5, seed=0)


def test_the_digits_are_two_tasks_of_five_labels_each(tasks):
    low, stock, test = tasks.load_digit_tasks()
    assert len(low.labels) + len(stock.labels) + len(test.labels) == 1797
    for examples in (low, stock, test):
        assert examples.images.shape == (len(examples.labels), 24, 24, 1)
        assert examples.images.dtype == np.float32
        assert examples.images.min() >= 0 and examples.images.max() <= 1
        assert set(examples.labels) == {0, 1, 2, 3, 4}
    known = {image.tobytes() for image in stock.images}
    assert sum(image.tobytes() in known for image in test.images) == 0
