"""The results of many trainings, in figures that show every single one, and their means."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

from helpers.draw import COLOURS, GREY

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter
from tabulate import tabulate

Trials = Mapping[tuple[int, int], float]  # {(examples, seed): share right, from 0 to 1}
Groups = Mapping[int, list[float]]  # {examples: shares of all seeds}


class Mark(NamedTuple):
    """How the trials of one method look."""

    colour: str
    marker: str
    shift: float  # to the right, so that the marks of two methods do not cover each other


MARKS = (
    Mark(COLOURS[0], "o", shift=-0.06),
    Mark(COLOURS[1], "s", shift=0),
    Mark(COLOURS[5], "^", shift=0.06),
)


def draw_trials(methods: Mapping[str, Trials], xlabel: str, ylabel: str, guessing: float) -> None:
    """Draw a mark for each trial, and a line through the means, in percent.

    Args:
        methods: up to three, each with what its trials reached: ``{(examples, seed): share}``.
        xlabel: what the numbers of examples count.
        ylabel: of what the shares, from 0 to 1, are shares.
        guessing: the share that guessing reaches, for a dashed line.

    Raises:
        ValueError: no or too many methods; methods of different trials; a share not from 0 to 1.
    """
    _check(methods)
    groups = {name: _group(trials) for name, trials in methods.items()}
    first = next(iter(groups.values()))
    columns = [str(examples) for examples in first]

    _, axes = plt.subplots(figsize=(9, 4.5), layout="constrained")
    beside = len(columns) - 0.85  # where names stand, right of the last marks
    for name, mark in zip(groups, MARKS, strict=False):
        _draw_method(axes, groups[name], mark)
        *_, last = groups[name].values()
        height = fmean(last) - mark.shift / 2
        axes.text(beside, height, name, color=mark.colour, va="center", weight="bold")
    axes.axhline(guessing, color=GREY, linestyle="--")
    axes.text(beside, guessing + 0.01, "guessing", color="#666666", va="bottom")
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.set_xlim(-0.2, len(columns))
    axes.set_ylim(0, 1)
    axes.set_xticks(range(len(columns)), columns)
    axes.yaxis.set_major_formatter(PercentFormatter(xmax=1))


def show_means(methods: Mapping[str, Trials]) -> None:
    """Print the mean of all seeds in percent: a line for each method, a column for each number.

    Args:
        methods: each with what its trials reached: ``{(examples, seed): share}``.
    """
    rows = []
    for name, trials in methods.items():
        means = [f"{fmean(shares):.0%}" for shares in _group(trials).values()]
        rows.append([name, *means])
    examples = sorted({number for trials in methods.values() for number, _ in trials})
    headers = ["examples of each", *map(str, examples)]
    print(tabulate(rows, headers, colalign=["left", *["right"] * len(examples)]))


def draw_two_tasks(
    results: Mapping[str, Sequence[tuple[float, float]]],
    tasks: tuple[str, str],
    colours: Sequence[str],
    before: float,
) -> None:
    """Draw what trainings reached in a new and in an old task: means as bars, trials as dots.

    Args:
        results: for each way to train, the shares of all its seeds: ``[(new, old), ...]``.
        tasks: the names of the new and the old task.
        colours: one for each way to train.
        before: the share that the old task had before, for a dashed line.
    """
    names = list(results)
    shares = np.array(list(results.values()))  # [ways, seeds, tasks]
    _, both_axes = plt.subplots(1, 2, sharey=True, figsize=(9, 2.8), layout="constrained")
    for number, (axes, task) in enumerate(zip(both_axes, tasks, strict=True)):
        of_task = shares[..., number]
        axes.barh(names, of_task.mean(axis=1), color=colours)
        for name, trials in zip(names, of_task, strict=True):
            axes.plot(trials, [name] * len(trials), "o", color="black", mec="white", ms=6)
            mean = f"{trials.mean():.0%}"
            axes.text(1.02, name, mean, va="center", transform=axes.get_yaxis_transform())
        axes.set(title=task, xlabel="accuracy", xlim=(0, 1))
        axes.xaxis.set_major_formatter(PercentFormatter(xmax=1))
    both_axes[1].axvline(before, color="black", linestyle="--")
    both_axes[0].invert_yaxis()


def _check(methods: Mapping[str, Trials]) -> None:
    if not 1 <= len(methods) <= len(MARKS):
        raise ValueError(f"1 to {len(MARKS)} methods can be drawn, got {len(methods)}")
    first = next(iter(methods))
    expected = methods[first].keys()
    for name, trials in methods.items():
        if not trials or trials.keys() != expected:
            raise ValueError(f"trials: there are none for {name!r}, or others than for {first!r}")
        for share in trials.values():
            if not 0 <= share <= 1:
                raise ValueError(f"a share is from 0 to 1, got {share:g} in {name!r}")


def _group(trials: Trials) -> Groups:
    """Gather the shares of all seeds, by the number of examples, the smallest first."""
    groups = defaultdict(list)
    for (examples, _), share in trials.items():
        groups[examples].append(share)
    return dict(sorted(groups.items()))


def _draw_method(axes: Axes, groups: Groups, mark: Mark) -> None:
    means = [fmean(shares) for shares in groups.values()]
    places = [place + mark.shift for place in range(len(groups))]
    axes.plot(places, means, color=mark.colour, lw=2)
    for place, shares in zip(places, groups.values(), strict=True):
        same_place = [place] * len(shares)
        axes.plot(same_place, shares, mark.marker, color=mark.colour, mec="white", ms=9)
