"""helpers.lab.key_maps: the pairs of a key map, and losses beside a baseline."""

import numpy as np
import pytest

KEY_MAP = {"hidden/kernel": "dense/kernel", "output/bias": "dense_1/bias"}


@pytest.fixture
def key_maps(module, plt):
    return module("helpers.lab.key_maps")


def test_a_map_shows_its_pairs_and_what_is_left_over(key_maps, plt):
    key_maps.draw_key_map(KEY_MAP, ["output/bias"], ["beta1_power"], ["adam/learning_rate"])
    texts = [text.get_text() for text in plt.gca().texts]
    for text in ["dense_1/bias", "output/bias", "beta1_power", "adam/learning_rate"]:
        assert texts.count(text) == 1
    assert "hidden/kernel" not in texts


def test_a_path_that_the_map_lacks_is_an_error(key_maps):
    with pytest.raises(KeyError, match="no/path"):
        key_maps.draw_key_map(KEY_MAP, ["no/path"], [], [])


def test_each_training_is_a_line_of_differences(key_maps, plt):
    baseline = np.array([3.0, 2.0])
    losses = {"same": baseline, "lower": np.array([3.0, 1.5])}
    key_maps.draw_differences([41, 42], losses, baseline)
    same, lower = plt.gca().lines
    assert same.get_ydata().tolist() == [0, 0]
    assert lower.get_ydata().tolist() == [0, -0.5]
    assert lower.get_xdata().tolist() == [41, 42]
    assert [line.get_label() for line in (same, lower)] == ["same: up to 0.00", "lower: up to 0.50"]
    assert same.get_color() != lower.get_color()


def test_a_fourth_training_has_no_colour(key_maps):
    losses = dict.fromkeys("abcd", np.zeros(2))
    with pytest.raises(ValueError, match="room for 3 trainings"):
        key_maps.draw_differences([1, 2], losses, np.zeros(2))
