"""The figure of many trials: every result is in it, and bad trials get one clear line."""

import pytest

TRIALS = {(2, 0): 0.25, (2, 1): 0.5, (5, 0): 0.75, (5, 1): 1.0}


@pytest.fixture
def draw_trials(module):
    return module("helpers.letters.trials").draw_trials


def test_every_trial_and_every_mean_is_drawn(draw_trials, plt):
    draw_trials({"ours": TRIALS, "theirs": dict.fromkeys(TRIALS, 0.125)}, "x", "y", guessing=0.1)
    axes = plt.gcf().axes[0]
    lines = [list(line.get_ydata()) for line in axes.lines]
    assert lines[:3] == [[0.375, 0.875], [0.25, 0.5], [0.75, 1.0]]
    assert lines[3:6] == [[0.125, 0.125]] * 3
    assert lines[6] == [0.1, 0.1], "the line of guessing"
    assert {"ours", "theirs", "guessing"} <= {text.get_text() for text in axes.texts}


def test_the_table_holds_mean_lowest_and_highest(draw_trials, plt):
    draw_trials({"ours": TRIALS}, "x", "y", guessing=0.1)
    [table] = plt.gcf().axes[1].tables
    cells = {place: cell.get_text().get_text() for place, cell in table.get_celld().items()}
    assert cells == {
        (0, 0): "percent right",
        (0, 1): "2 examples",
        (0, 2): "5 examples",
        (1, 0): "ours",
        (1, 1): "38  (25 to 50)",
        (1, 2): "88  (75 to 100)",
    }


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        ({}, "1 to 3 methods can be drawn, got 0"),
        (dict.fromkeys("abcd", TRIALS), "1 to 3 methods can be drawn, got 4"),
        ({"a": {}}, "trials: there are none for 'a'"),
        ({"a": TRIALS, "b": {(2, 0): 0.5}}, "none for 'b', or others than for 'a'"),
        ({"a": {(2, 0): 83}}, "a share is from 0 to 1, got 83 in 'a'"),
        ({"a": {(2, 0): float("nan")}}, "a share is from 0 to 1, got nan in 'a'"),
    ],
)
def test_bad_trials_get_one_clear_line(draw_trials, methods, message):
    with pytest.raises(ValueError, match=message) as error:
        draw_trials(methods, "x", "y", guessing=0.1)
    assert "\n" not in str(error.value)
