"""The results of many trainings in one picture: every single one, their means, and a table."""

from collections.abc import Mapping
from statistics import fmean

from helpers.draw import COLOURS, GREY

import matplotlib.pyplot as plt

LOOKS = ((COLOURS[0], "o", -0.06), (COLOURS[1], "s", 0), (COLOURS[5], "^", 0.06))


def draw_trials(
    ways: Mapping[str, Mapping[tuple[int, int], float]], xlabel: str, ylabel: str, guessing: float
) -> None:
    """Draw a mark for each trial and a line through the means, over a table in percent.

    Args:
        ways: up to three, each with the shares its trials reached: ``{(examples, seed): share}``.
        guessing: the share that guessing reaches, for a dashed line.

    Raises:
        ValueError: no or too many ways; ways of different trials; a share not from 0 to 1.
    """
    _check(ways)
    size = {"figsize": (9, 6), "height_ratios": [4, 1], "layout": "constrained"}
    _, (axes, below) = plt.subplots(2, 1, **size)
    examples = sorted({number for trials in ways.values() for number, _ in trials})
    table = [["percent right", *[f"{number} examples" for number in examples]]]
    for (name, trials), (colour, marker, aside) in zip(ways.items(), LOOKS, strict=False):
        groups = [[trials[key] for key in trials if key[0] == number] for number in examples]
        places = [place + aside for place in range(len(groups))]
        axes.plot(places, [fmean(group) for group in groups], color=colour, lw=2)
        for place, group in zip(places, groups, strict=True):
            marks = [place] * len(group)
            axes.plot(marks, group, marker, color=colour, mec="white", ms=9)
        height = fmean(groups[-1]) - aside / 2
        axes.text(len(groups) - 0.85, height, name, color=colour, va="center", weight="bold")
        table.append([name, *map(_summary, groups)])
    axes.axhline(guessing, color=GREY, linestyle="--")
    axes.text(len(examples) - 0.85, guessing + 0.01, "guessing", color="#666666", va="bottom")
    axes.set(xlim=(-0.2, len(examples)), ylim=(0, 1), xlabel=xlabel, ylabel=ylabel)
    axes.set_xticks(range(len(examples)), examples)
    below.axis("off")
    widths = [0.34, *[0.66 / len(examples)] * len(examples)]
    below.table(table, bbox=[0, 0, 1, 1], colWidths=widths).auto_set_font_size(False)


def _check(ways):
    if not 1 <= len(ways) <= len(LOOKS):
        raise ValueError(f"1 to {len(LOOKS)} ways can be drawn, got {len(ways)}")
    first = next(iter(ways))
    for name, trials in ways.items():
        if not trials or trials.keys() != ways[first].keys():
            raise ValueError(f"trials: there are none for {name!r}, or others than for {first!r}")
        if wrong := [share for share in trials.values() if not 0 <= share <= 1]:
            raise ValueError(f"a share is from 0 to 1, got {wrong[0]:g} in {name!r}")


def _summary(group):
    mean, lowest, highest = (100 * share for share in (fmean(group), min(group), max(group)))
    return f"{mean:.0f}  ({lowest:.0f} to {highest:.0f})"
