"""helpers.lab.failures: the formula, the simulation and the figure agree on how often to save."""

import math

from helpers.lab.failures import best_interval, draw_time_lost, simulate_failures, time_lost

import matplotlib.pyplot as plt
import pytest

SAVE = 40
MEAN = 18_000


def test_without_failures_only_the_saves_cost_time():
    assert time_lost(60, 20, 1e9) == pytest.approx(0.25, abs=1e-6)


def test_short_saves_cost_nothing_and_half_an_interval_is_lost_at_each_failure():
    assert time_lost(360, 1e-6, 36_000) == pytest.approx(360 / 2 / 36_000, rel=0.01)


def test_the_least_time_is_lost_near_the_root_of_young_and_daly():
    best = best_interval(SAVE, MEAN)
    assert best == 1200
    intervals = [best * factor / 100 for factor in range(25, 400)]
    least = min(intervals, key=lambda one: time_lost(one, SAVE, MEAN))
    assert least == pytest.approx(best, rel=0.05)


@pytest.mark.parametrize("interval", [120, 600, 1200, 2400, 9000])
def test_simulations_agree_with_the_formula(interval):
    found = [simulate_failures(interval, SAVE, MEAN, seed) for seed in range(30)]
    mean = sum(found) / len(found)
    assert mean == pytest.approx(time_lost(interval, SAVE, MEAN), rel=0.05)


def test_a_seed_gives_the_same_simulation_and_another_one_does_not():
    assert simulate_failures(600, SAVE, MEAN, 3) == simulate_failures(600, SAVE, MEAN, 3)
    assert simulate_failures(600, SAVE, MEAN, 3) != simulate_failures(600, SAVE, MEAN, 4)


@pytest.mark.parametrize("times", [(0, SAVE, MEAN), (600, -1, MEAN), (600, SAVE, math.nan)])
def test_a_time_that_is_not_positive_is_refused(times):
    with pytest.raises(ValueError, match="more than 0 seconds"):
        time_lost(*times)
    with pytest.raises(ValueError, match="more than 0 seconds"):
        simulate_failures(*times, seed=1)


@pytest.mark.parametrize("times", [(0, MEAN), (SAVE, -1), (math.nan, MEAN)])
def test_a_best_interval_needs_positive_times_too(times):
    with pytest.raises(ValueError, match="more than 0 seconds"):
        best_interval(*times)


def test_an_interval_that_never_ends_without_a_failure_is_told():
    with pytest.raises(ValueError, match="shorter interval"):
        simulate_failures(1000 * MEAN, SAVE, MEAN, seed=1)


def test_the_figure_has_the_curve_the_dots_and_a_star_at_the_interval():
    draw_time_lost(1200, SAVE, MEAN)
    axes = plt.gca()
    curve, dots, star = axes.lines
    assert star.get_marker() == "*"
    assert star.get_xdata()[0] == 20
    assert star.get_ydata()[0] == pytest.approx(100 * time_lost(1200, SAVE, MEAN))
    assert min(curve.get_ydata()) == pytest.approx(star.get_ydata()[0], rel=0.01)
    formula = [100 * time_lost(60 * one, SAVE, MEAN) for one in dots.get_xdata()]
    assert list(dots.get_ydata()) == pytest.approx(formula, rel=0.15)
    assert "20 minutes" in axes.get_legend().get_texts()[-1].get_text()
    plt.close("all")
