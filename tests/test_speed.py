"""helpers.lab.speed: it compares what it says, in turns, and draws what it has found."""

import itertools
import math
import re
import sys

import numpy as np
import pytest

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def speed(module):
    return module("helpers.lab.speed")


class Clock:
    """A clock that stands still, until somebody works."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def work(self, seconds):
        def act(folder):
            self.now += seconds

        return act


@pytest.fixture
def clock():
    return Clock()


def test_costs_are_times_of_the_baseline(speed, clock, tmp_path):
    ways = (
        {"raw bytes": clock.work(2), "slow": clock.work(3)},
        {"raw bytes": clock.work(4), "slow": clock.work(40)},
    )
    costs = speed.compare(*ways, tmp_path, clock=clock)
    assert costs == {"raw bytes": (1, 1), "slow": (1.5, 10)}
    costs = speed.compare(*ways, tmp_path, baseline="slow", clock=clock)
    assert costs["raw bytes"] == (pytest.approx(2 / 3), 0.1)


def test_all_ways_take_turns_and_the_first_round_is_not_counted(speed, clock, tmp_path):
    order = []
    uncounted = [0.1, 0.1, 0.1, 0.1]
    shortest, too_short, longer = [2, 1, 6, 1], [1.9, 1, 0.1, 1], [90, 1, 70, 1]
    rounds = [uncounted, longer, *5 * [shortest], too_short, *4 * [longer]]
    seconds = itertools.chain.from_iterable(rounds)

    def act(name):
        def work(folder):
            order.append(name)
            clock.now += next(seconds)

        return work

    ways = [{name: act(f"{verb} {name}") for name in ("a", "b")} for verb in ("save", "restore")]
    costs = speed.compare(*ways, tmp_path, baseline="a", rounds=11, clock=clock)
    assert order == ["save a", "restore a", "save b", "restore b"] * 12
    assert costs["b"].save == pytest.approx(6 / 2), "of eleven the second of each"


def test_each_way_restores_from_its_own_new_folder_and_leaves_nothing(speed, clock, tmp_path):
    seen = []

    def save(folder):
        seen.append(folder)
        assert list(folder.iterdir()) == []
        (folder / "file").write_text("x", encoding="utf-8")

    def restore(folder):
        assert (folder / "file").exists()

    names = ("raw bytes", "b")
    ways = dict.fromkeys(names, save), dict.fromkeys(names, restore)
    speed.compare(*ways, tmp_path, clock=clock)
    assert len(set(seen)) == len(seen) == 2 * (speed.ROUNDS + 1)
    assert list(tmp_path.iterdir()) == []


def test_what_is_faster_than_a_tick_of_the_clock_divides_by_no_zero(speed, clock, tmp_path):
    restores = {"raw bytes": clock.work(0), "b": clock.work(0)}
    costs = speed.compare({**restores, "b": clock.work(1)}, restores, tmp_path, clock=clock)
    assert math.isfinite(costs["b"].save)
    assert costs["b"].restore == 1


def test_a_baseline_that_is_no_way_is_told(speed, clock, tmp_path):
    with pytest.raises(ValueError, match=r"^no way 'raw bytes' .*; there are: a, b$"):
        speed.compare({"a": clock.work(1), "b": clock.work(1)}, {}, tmp_path, clock=clock)


@pytest.mark.parametrize(("size", "layers"), [(64, 4), (1, 4), (4, 16)])
def test_a_model_is_as_large_as_asked(speed, size, layers):
    model = speed.make_model(size, layers)
    assert 4 * model.count_params() == size * 2**20
    assert len(model.weights) == layers


def test_the_table_says_what_each_way_costs_at_most(speed):
    cost = speed.Cost
    costs = {"a": cost(0.7, 3), "b": cost(2.1, 3.1), "c": cost(6, 1), "d": cost(6.1, 9)}
    lines = speed.bounds(costs).splitlines()
    assert [" ".join(line.split()) for line in lines[2:]] == [
        "a at most 2 at most 3",
        "b at most 6 more than 3",
        "c at most 6 at most 3",
        "d more than 6 more than 3",
    ]


def test_the_figure_has_a_dot_for_each_cost(speed, plt):
    cost = speed.Cost
    small = {"a": cost(9, 20), "b": cost(1, 2)}
    large = {"a": cost(3, 4), "b": cost(5, 6)}
    speed.draw_costs({"1 MB": small, "64 MB": large})
    panels = plt.gcf().axes
    assert [axes.get_title() for axes in panels] == ["1 MB", "64 MB"]
    for axes, found in zip(panels, [small, large], strict=True):
        saves, restores = axes.lines[:2]
        assert list(saves.get_xdata()) == [one.save for one in found.values()]
        assert list(restores.get_xdata()) == [one.restore for one in found.values()]
    assert [text.get_text() for text in panels[0].get_yticklabels()] == ["a", "b"]
    assert panels[0].yaxis_inverted()


def test_the_table_of_compression_has_shares_of_the_first_kind(speed, tmp_path):
    random = np.random.default_rng(0).normal(size=100_000).astype("float32")
    kinds = {"random": random, "half": random.astype("float16"), "zeros": np.zeros_like(random)}
    rows = [line.split()[:3] for line in speed.compression(kinds, tmp_path).splitlines()[2:]]
    assert [row[:2] for row in rows] == [["random", "1.00"], ["half", "0.50"], ["zeros", "1.00"]]
    random, half, zeros = (float(row[2]) for row in rows)
    assert random > 0.85
    assert 0.4 < half < 0.5
    assert zeros < 0.02
    assert list(tmp_path.iterdir()) == []


def test_a_moment_is_kept_until_the_write(speed, tmp_path):
    def at_once(variables, path):
        values = [one.numpy() for one in variables]
        return lambda: np.savez(path, *values)

    def too_late(variables, path):
        return lambda: np.savez(path, *variables)

    def known(variables, path):
        return lambda: np.savez(path, *speed.MOMENTS[0])

    def nowhere(variables, path):
        return lambda: None

    functions = {
        at_once: None,
        too_late: r"\[2.0, 4.0\], 6",
        known: r"\[1.0, 2.0\], 3",
        nowhere: "no file at the path",
    }
    for number, (function, fault) in enumerate(functions.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        found = speed.find_fault_of_moment(function, folder)
        assert re.search(fault, found) if fault else found is None


def test_halves_have_to_be_small_and_near(speed, tf, tmp_path):
    def save(model, prefix):
        short = [tf.Variable(tf.cast(one.value, tf.bfloat16)) for one in model.weights]
        tf.train.Checkpoint(weights=short).write(prefix)

    def restore(model, prefix):
        short = [tf.Variable(tf.zeros(one.shape, tf.bfloat16)) for one in model.weights]
        tf.train.Checkpoint(weights=short).read(prefix).assert_consumed()
        for one, values in zip(model.weights, short, strict=True):
            one.assign(tf.cast(values, tf.float32))

    kept = {}

    def save_and_keep(model, prefix):
        save(model, prefix)
        kept[prefix] = kept["newest"] = model.get_weights()

    def restore_newest(model, prefix):
        model.set_weights(kept["newest"])

    def restore_kept(model, prefix):
        model.set_weights(kept[prefix])

    differ = "the restored weights differ by more than a percent"
    cases = [
        (save, restore, None),
        (save, lambda model, prefix: None, differ),
        (save_and_keep, restore_newest, differ),
        (save_and_keep, restore_kept, "the restored weights have more digits than bfloat16"),
    ]
    for number, (*functions, fault) in enumerate(cases):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert speed.find_fault_of_halves(*functions, folder) == fault


def test_files_are_listed_with_their_sizes_and_deleted(speed, tmp_path, capsys):
    with speed.listing(tmp_path) as folder:
        (folder / "b").write_bytes(bytes(2**20))
        (folder / "a").touch()
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [["a", "0.0", "MB"], ["b", "1.0", "MB"]]
    assert list(tmp_path.iterdir()) == []


def test_each_curve_has_its_star_at_its_lowest_place(speed, plt):
    speed.draw_intervals({"a": 120, "b": 2}, 18_000)
    first, star, second, other_star = plt.gca().lines
    for curve, lowest in [(first, star), (second, other_star)]:
        assert lowest.get_marker() == "*"
        assert lowest.get_ydata()[0] == pytest.approx(min(curve.get_ydata()), rel=0.02)
        place = list(curve.get_ydata()).index(min(curve.get_ydata()))
        assert lowest.get_xdata()[0] == pytest.approx(curve.get_xdata()[place], rel=0.1)
    assert star.get_ydata()[0] > other_star.get_ydata()[0]
    assert star.get_xdata()[0] > other_star.get_xdata()[0]


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells the memory of a process")
def test_memory_is_told_in_models(speed):
    found = speed.memory_of_saves(size=32)
    # A buffer of 8 MB. What the first save of a process loads would add 2 to 7 MB.
    assert found["Checkpoint"] == pytest.approx(8 / 32, abs=0.03)
    assert 1 < found["np.savez"] < 2
    assert 1 < found[".keras"] < 2.5


def test_where_nobody_can_tell_the_memory_there_is_nothing(speed, monkeypatch):
    monkeypatch.setattr(speed, "FORKS", False)
    assert speed.memory_of_saves() == {}
