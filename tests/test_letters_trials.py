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


def test_each_name_stands_beside_its_own_line(draw_trials, plt):
    means = {"high": 0.625, "middle": 0.5, "low": 0.375}
    methods = {name: dict.fromkeys(TRIALS, mean) for name, mean in means.items()}
    draw_trials(methods, "x", "y", guessing=0.1)
    heights = {text.get_text(): text.get_position()[1] for text in plt.gcf().axes[0].texts}
    for name in means:
        distances = {other: abs(heights[name] - mean) for other, mean in means.items()}
        assert min(distances, key=distances.get) == name


def test_the_means_are_printed_in_percent(module, capsys):
    show_means = module("helpers.letters.trials").show_means
    show_means({"ours": TRIALS, "theirs": dict.fromkeys(TRIALS, 0.125)})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["examples", "of", "each", "2", "5"]
    assert [line.split() for line in lines[2:]] == [
        ["ours", "38%", "88%"],
        ["theirs", "12%", "12%"],
    ]


def test_two_tasks_have_a_bar_for_each_mean_and_a_dot_for_each_trial(module, plt):
    draw_two_tasks = module("helpers.letters.trials").draw_two_tasks
    results = {"a": [(0.5, 0.25), (0.75, 0.75)], "b": [(1.0, 0.0), (1.0, 0.5)]}
    draw_two_tasks(results, ("new", "old"), ["red", "blue"], before=0.9)
    new, old = plt.gcf().axes
    assert [axes.get_title() for axes in (new, old)] == ["new", "old"]
    assert [bar.get_width() for bar in new.patches] == [0.625, 1.0]
    assert [bar.get_width() for bar in old.patches] == [0.5, 0.25]
    assert [list(line.get_xdata()) for line in new.lines] == [[0.5, 0.75], [1.0, 1.0]]
    assert list(old.lines[-1].get_xdata()) == [0.9, 0.9], "the old task before"
    assert [text.get_text() for text in new.texts] == ["62%", "100%"]


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
