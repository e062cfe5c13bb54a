"""How often to save: the time that failures and saves cost, by a formula and by trying it out.

A machine fails at random, on average once in so many seconds, and the work since the last save is
done again. The time to start again is left out, because it is the same for every interval.

J. W. Young: A first order approximation to the optimum checkpoint interval. Communications of the
ACM 17 (9), 1974. J. T. Daly: A higher order estimate of the optimum checkpoint interval for restart
dumps. Future Generation Computer Systems 22 (3), 2006.
"""

import math
from collections.abc import Sequence

from helpers.draw import COLOURS, DARK_GREY, MATCHED

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

ATTEMPTS = 2000  # of a simulation
DOTS = 17  # simulated intervals in the figure
STAR = COLOURS[2]  # green
WIDEST = 12  # the figure ends at the best interval times this, and begins at it divided by this


def time_lost(interval: float, save_seconds: float, mean_seconds_between_failures: float) -> float:
    """Return the share of all time, from 0 to 1, that goes into saves and into lost work.

    This is the mean over a long time, as in Daly's model: failures have no memory, and they hit a
    save as often as the work.

    Args:
        interval: seconds of work between two saves.
        save_seconds: how long a save takes.
        mean_seconds_between_failures: the average time from one failure to the next.

    Raises:
        ValueError: a time is not positive.

    Example:
        >>> round(time_lost(1200, save_seconds=40, mean_seconds_between_failures=18_000), 3)
        0.065
    """
    _check_positive(interval, save_seconds, mean_seconds_between_failures)
    needed = (interval + save_seconds) / mean_seconds_between_failures
    expected = mean_seconds_between_failures * math.expm1(needed)
    return 1 - interval / expected


def best_interval(save_seconds: float, mean_seconds_between_failures: float) -> float:
    """Return the seconds of work between two saves with which about the least time is lost.

    This is Young's formula. It holds where a save takes little of the time between failures.

    Args:
        save_seconds: how long a save takes.
        mean_seconds_between_failures: the average time from one failure to the next.

    Raises:
        ValueError: a time is not positive.

    Example:
        >>> best_interval(save_seconds=40, mean_seconds_between_failures=18_000)
        1200.0
    """
    _check_positive(save_seconds, mean_seconds_between_failures)
    return math.sqrt(2 * save_seconds * mean_seconds_between_failures)


def simulate_failures(
    interval: float, save_seconds: float, mean_seconds_between_failures: float, seed: int
) -> float:
    """Return the share of lost time, from 0 to 1, in 2000 attempts to work and to save.

    Each attempt has a random time until the next failure. If the work and its save need less, the
    work is kept. Otherwise all the time until the failure is lost.

    Args:
        interval: seconds of work between two saves.
        save_seconds: how long a save takes.
        mean_seconds_between_failures: the average time from one failure to the next.
        seed: of the random numbers. The same one gives the same result.

    Raises:
        ValueError: a time is not positive, or no attempt of all came to its end.
    """
    _check_positive(interval, save_seconds, mean_seconds_between_failures)
    random = np.random.default_rng(seed)
    until_failure = random.exponential(mean_seconds_between_failures, ATTEMPTS)
    needed = interval + save_seconds
    is_kept = until_failure > needed
    if not is_kept.any():
        raise ValueError(f"no work of {interval} seconds was ever saved: take a shorter interval")
    spent = np.minimum(until_failure, needed).sum()
    return float(1 - interval * is_kept.sum() / spent)


def draw_time_lost(
    interval: float, save_seconds: float, mean_seconds_between_failures: float, seed: int = 1
) -> None:
    """Draw the time lost against the interval: the formula, simulations, and a chosen interval.

    Args:
        interval: seconds of work between two saves, for the star in the middle of the figure.
        save_seconds: how long a save takes.
        mean_seconds_between_failures: the average time from one failure to the next.
        seed: of the first simulation. Each next one has the next number.
    """
    times = (save_seconds, mean_seconds_between_failures)
    curve = np.geomspace(interval / WIDEST, interval * WIDEST, 200)
    dots = np.geomspace(interval / WIDEST, interval * WIDEST, DOTS)
    formula = [100 * time_lost(one, *times) for one in curve]
    simulated = [
        100 * simulate_failures(one, *times, seed=number) for number, one in enumerate(dots, seed)
    ]
    _, axes = plt.subplots(figsize=(8, 4.2), layout="constrained")
    axes.plot(curve / 60, formula, color=MATCHED, linewidth=2.5, label="formula")
    axes.plot(dots / 60, simulated, "o", color=DARK_GREY, label="simulated failures")
    lost = 100 * time_lost(interval, *times)
    label = f"every {interval / 60:.0f} minutes: {lost:.1f} %"
    axes.plot([interval / 60], [lost], "*", color=STAR, markersize=20, label=label)
    label_intervals(axes, [interval / 60 * factor for factor in (0.1, 0.25, 0.5, 1, 2, 4, 10)])
    axes.set_ylim(0, None)
    axes.legend(fontsize=11, loc="upper center")


def label_intervals(axes: Axes, minutes: Sequence[float]) -> None:
    """Label a figure of the time lost against the interval, whose axis is logarithmic.

    Args:
        axes: of the figure, with the interval in minutes and the time in percent.
        minutes: the marks on the axis of the interval.
    """
    axes.set_xscale("log")
    axes.set_xticks(minutes, [f"{one:.0f}" for one in minutes])
    axes.minorticks_off()
    axes.set_xlabel("minutes between two saves", fontsize=12)
    axes.set_ylabel("time lost (%)", fontsize=12)
    axes.tick_params(labelsize=11)
    axes.spines[["top", "right"]].set_visible(False)


def _check_positive(*times: float) -> None:
    for seconds in times:
        if not seconds > 0:
            raise ValueError(f"a time has to be more than 0 seconds, found {seconds}")
