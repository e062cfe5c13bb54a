"""Pictures of a key map: which name leads to which path, and what a map that lacks some costs."""

from collections.abc import Mapping, Sequence

from helpers.draw import COLOURS, draw_map

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import MaxNLocator

LINE_COLOURS = (COLOURS[0], COLOURS[3], COLOURS[5])


def draw_key_map(
    key_map: Mapping[str, str],
    shown: Sequence[str],
    only_in_file: Sequence[str],
    only_in_keras: Sequence[str],
) -> None:
    """Draw some pairs of a key map, and below them everything that it leaves over.

    Args:
        key_map: the name in the file for each path in Keras.
        shown: the paths whose pairs are drawn.
        only_in_file: names that no path leads to.
        only_in_keras: paths that the map lacks.

    Raises:
        KeyError: a path in ``shown`` is not in the map.
    """
    rows: list[tuple[str | None, str | None]] = [(key_map[path], path) for path in shown]
    rows += [(name, None) for name in only_in_file]
    rows += [(None, path) for path in only_in_keras]
    draw_map(["name in the file", "path in Keras"], rows, ">")


def draw_differences(
    steps: Sequence[int], losses: Mapping[str, np.ndarray], baseline: np.ndarray
) -> None:
    """Draw how far up to three trainings differ from a baseline, step by step.

    Args:
        steps: the number of each step.
        losses: by the label of their line, the losses of a training. The label gets the largest
            difference.
        baseline: the losses of the training that they are compared with, one for each step.

    Raises:
        ValueError: there are more than three trainings, or the numbers of losses differ.
    """
    if len(losses) > len(LINE_COLOURS):
        raise ValueError(f"there is room for {len(LINE_COLOURS)} trainings, got {list(losses)}")
    _, axes = plt.subplots(figsize=(8, 4), layout="constrained")
    for (label, values), colour in zip(losses.items(), LINE_COLOURS, strict=False):
        difference = values - baseline
        label_with_size = f"{label}: up to {np.max(abs(difference)):.2f}"
        axes.plot(steps, difference, color=colour, lw=3, label=label_with_size)
    axes.set(xlabel="step", ylabel="difference of the loss\nfrom the baseline")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(fontsize=12, frameon=False)
