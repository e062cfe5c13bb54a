"""A training that is killed again and again: its program, its processes, and pictures of both."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from helpers.draw import BROKEN, COLOURS, DARK_GREY, MATCHED
from helpers.programs import Program, write_script
from helpers.prove import same_values

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from matplotlib.axes import Axes

# A kill has to hit the same step on every machine, also on a slow one. So the program can be told
# after how many of its lines it waits for the kill, and what it prints leaves it at once.
BEGINNING = """\
import builtins
import sys
import time

from helpers.lab.training import make_data, make_model, make_step

import keras
import numpy as np
import tensorflow as tf


lines_before_wait = int(sys.argv.pop()) if len(sys.argv) > 2 else None
lines = 0


def print(*values, **options):
    global lines
    builtins.print(*values, **{**options, "flush": True})
    lines += 1
    if lines == lines_before_wait:
        time.sleep(600)"""
AGAIN = COLOURS[4]  # light blue: steps that an earlier process has done already

# Measures in inches.
ROW_HEIGHT = 0.42
PANEL_WIDTH = 2.6
PANEL_HEIGHT = 1.9
PANELS_IN_A_ROW = 4


def write_program(path: Path, main: Callable, parts: Sequence[Callable] = ()) -> Path:
    """Write a program that calls a function with a folder, the first argument of its command.

    It can use Keras, numpy, TensorFlow, and what makes up the small training of this room. With a
    number as its second argument, it waits for a kill after it has printed so many lines.

    Args:
        path: the program's file, in a folder that exists.
        main: the function. It is called with the folder as a text.
        parts: the functions of the notebook that it needs.

    Returns:
        The path.

    Raises:
        OSError: the text of a function is not known.
        TypeError: it is no function that was written in Python.
    """
    return write_script(path, BEGINNING, [*parts, main], f"{main.__name__}(*sys.argv[1:])")


def kill_and_go_on(script: Path, folder: Path, kills: Sequence[int]) -> Iterator[list[str]]:
    """Run a program with a folder, kill it after some lines, run it again, and at last to its end.

    Args:
        script: the program.
        folder: its argument, the same each time.
        kills: for each process that is killed, after how many of its lines.

    Yields:
        The lines of each process that were read, the last process included.

    Raises:
        RuntimeError: the last process failed.
    """
    for lines in kills:
        with Program(script, folder, lines) as program:
            yield list(islice(program.lines(), lines))
    yield Program(script, folder).wait().splitlines()


def find_fault(
    processes: Sequence[Sequence[str]], expected: Sequence[str], begins: Sequence[int]
) -> str | None:
    """Say in one line what is wrong with the lines of killed processes, or nothing.

    Args:
        processes: the lines of each, in order. The last one was not killed.
        expected: the lines of a process that nobody kills.
        begins: for each process, with which of these lines it has to begin, counted from 1.
    """
    for lines in processes:
        for line in lines:
            if line not in expected:
                return f"without kills it does not print {line!r}"
    starts = [lines[0] if lines else "nothing" for lines in processes]
    if starts != [expected[number - 1] for number in begins]:
        return f"the processes begin with {', '.join(starts)}"
    if processes[-1][-1] != expected[-1]:
        return f"it ends with {processes[-1][-1]!r}"
    return None


def read_numbers(folder: Path) -> dict[str, Any]:
    """Read all that the newest checkpoint of a folder holds, by its keys, but for iterators.

    Their state is no number. It cannot be read without the program that made it.
    """
    reader = tf.train.load_checkpoint(str(folder))
    kinds = reader.get_variable_to_dtype_map()
    return {key: reader.get_tensor(key) for key in kinds if kinds[key] != tf.variant}


def find_unsaved(folder: Path, what: str, value: Any) -> str | None:
    """Say in one line why the newest checkpoint of a folder does not hold a value, or nothing.

    Args:
        folder: of the checkpoints.
        what: the value in words.
        value: has to be equal in every bit, whatever its key.
    """
    if not tf.train.latest_checkpoint(folder):
        return "no checkpoint is in the folder"
    held = read_numbers(folder).values()
    if not any(same_values(number, value) for number in held):
        return f"the newest checkpoint does not hold {what}"
    return None


def draw_kills(processes: Sequence[Sequence[int]], save_every: int, row: str = "process") -> None:
    """Draw a bar for each process along the steps, with its saves as ticks and its kill as a cross.

    Steps that an earlier process has done already are light.

    Args:
        processes: the steps of each process, in order. All but the last were killed.
        save_every: steps between two saves.
        row: what one bar stands for, the label of the rows.
    """
    height = ROW_HEIGHT * len(processes) + 1.3
    _, axes = plt.subplots(figsize=(9, height), layout="constrained")
    furthest = 0
    saves = []
    kills = []
    for number, steps in enumerate(processes, 1):
        _draw_process(axes, number, steps, furthest)
        furthest = max([furthest, *steps])
        saves += [(step, number) for step in steps if step % save_every == 0]
        if number < len(processes) and steps:
            kills.append((steps[-1], number))
    _draw_marks(axes, saves, "|", "black", "save")
    _draw_marks(axes, kills, "X", BROKEN, "kill")
    axes.set(xlabel="step", ylabel=row, xlim=(0, furthest + 1))
    axes.set_yticks(range(1, len(processes) + 1))
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower left", framealpha=1)


def draw_differences(
    expected: Mapping[int, float], cases: Mapping[str, Mapping[int, float]]
) -> None:
    """Draw how far losses are from those of an uninterrupted training, a panel for each case.

    A case is blue if all its losses are the same, and orange otherwise.

    Args:
        expected: the loss at each step.
        cases: for the title of each panel, the loss at each step, those steps at least.
    """
    rows = -(-len(cases) // PANELS_IN_A_ROW)
    size = (PANEL_WIDTH * PANELS_IN_A_ROW, PANEL_HEIGHT * rows + 0.4)
    figure, grid = plt.subplots(
        rows,
        PANELS_IN_A_ROW,
        figsize=size,
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for axes in grid.flat[len(cases) :]:
        axes.axis("off")
    for axes, (title, losses) in zip(grid.flat, cases.items(), strict=False):
        found = [losses[step] for step in expected]
        differences = np.subtract(found, list(expected.values()))
        colour = BROKEN if differences.any() else MATCHED
        axes.axhline(0, color=DARK_GREY, linewidth=1)
        axes.plot(list(expected), differences, color=colour, linewidth=2.5)
        axes.set_title(title)
    figure.supxlabel("step")
    figure.supylabel("difference of the loss")


def _draw_process(axes: Axes, row: int, steps: Sequence[int], furthest: int) -> None:
    """Draw the bar of a process: light up to the furthest step of those before, then dark."""
    if not steps:
        return
    start = min(steps) - 1
    end = max(steps)
    begins_new = min(max(start, furthest), end)
    label_again = label_new = None
    if row == 1:
        label_new = "a step"
    if row == 2:
        label_again = "a step that is done again"
    axes.barh(row, begins_new - start, left=start, color=AGAIN, label=label_again)
    axes.barh(row, end - begins_new, left=begins_new, color=MATCHED, label=label_new)


def _draw_marks(
    axes: Axes, places: Sequence[tuple[int, int]], marker: str, colour: str, label: str
) -> None:
    """Draw a mark at each pair of a step and a row."""
    steps = [step for step, _ in places]
    rows = [row for _, row in places]
    size = 13 if marker == "|" else 10
    axes.plot(steps, rows, marker, color=colour, label=label, markersize=size, mew=1.5)
