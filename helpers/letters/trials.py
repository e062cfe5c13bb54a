"""The results of many trainings in one figure: every single one, their means, and a table."""

from collections import defaultdict
from collections.abc import Mapping
from statistics import fmean
from typing import NamedTuple

from helpers.draw import COLOURS, GREY

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

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
    """Draw a mark for each trial and a line through the means, over a table in percent.

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

    figure = plt.figure(figsize=(9, 6), layout="constrained")
    axes, below = figure.subplots(2, 1, height_ratios=[4, 1])
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
    _draw_table(below, groups, columns)


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


def _draw_table(axes: Axes, groups: Mapping[str, Groups], columns: list[str]) -> None:
    head = [f"{examples} examples" for examples in columns]
    rows = [["percent right", *head]]
    for name, shares_by_examples in groups.items():
        summaries = [_summarise(shares) for shares in shares_by_examples.values()]
        rows.append([name, *summaries])
    first_width = 0.34
    width = (1 - first_width) / len(columns)
    widths = [first_width] + [width] * len(columns)
    table = axes.table(rows, bbox=Bbox.unit(), colWidths=widths)
    table.auto_set_font_size(False)
    axes.set_axis_off()


def _summarise(shares: list[float]) -> str:
    """Write mean, lowest and highest share in percent: ``83  (82 to 84)``."""
    mean = 100 * fmean(shares)
    lowest = 100 * min(shares)
    highest = 100 * max(shares)
    return f"{mean:.0f}  ({lowest:.0f} to {highest:.0f})"
