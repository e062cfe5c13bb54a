"""What is to be learned: a few examples of each class, and handwritten digits as two tasks."""

from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_digits

STOCK = 900  # of all digits, the first so many are to learn from, the others for the test


class Examples(NamedTuple):
    """Images, float32 ``[n, 24, 24, 1]`` from 0 (paper) to 1 (ink), and labels from 0 on."""

    images: np.ndarray
    labels: np.ndarray


def choose_examples(images: np.ndarray, labels: np.ndarray, each: int, seed: int) -> Examples:
    """Choose a few examples of each class: every class once, then every class again, and so on.

    Args:
        images: the stock to choose from.
        labels: their classes.
        each: how many of each class.
        seed: decides which.

    Raises:
        ValueError: the stock holds fewer of a class.
    """
    classes, counts = np.unique(labels, return_counts=True)
    fewest = min(counts)
    if each > fewest:
        raise ValueError(f"the stock holds {fewest} examples of a class, got each={each}")
    order = np.random.default_rng(seed).permutation(len(labels))
    places = [order[labels[order] == label][:each] for label in classes]
    chosen = np.stack(places, axis=1).ravel()
    return Examples(images[chosen], labels[chosen])


def load_digit_tasks() -> tuple[Examples, Examples, Examples]:
    """Return all digits from 0 to 4, a stock of 5 to 9 to learn from, and others for the test.

    The images are those of scikit-learn, 8 by 8 pixels, each pixel enlarged to 3 by 3. In both
    tasks there are five labels: the 5 has label 0 in the new one.
    """
    digits = load_digits()
    images = np.kron(digits.images / 16, np.ones([3, 3]))
    images = images[..., np.newaxis].astype(np.float32)
    is_low = digits.target < 5
    is_stock = np.arange(len(is_low)) < STOCK
    low = Examples(images[is_low], digits.target[is_low])
    stock = ~is_low & is_stock
    test = ~is_low & ~is_stock
    high = Examples(images[stock], digits.target[stock] - 5)
    high_test = Examples(images[test], digits.target[test] - 5)
    return low, high, high_test
