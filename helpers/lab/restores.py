"""Pictures of a restore: the paths to its variables, and what two judges say of its numbers."""

import textwrap
from collections.abc import Sequence
from typing import NamedTuple

from helpers.draw import BROKEN, DARK_GREY, GREY, LETTER, MATCHED

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

# Measures in inches.
BOX_WIDTH = 1.9
BOX_HEIGHT = 0.42
PATH_ROW = 0.75
PATH_MARGIN = 0.45  # between a box and the text of a path
VERDICT_ROW = 0.6
COLUMN_GAP = 0.35
SQUARE = 0.3
LETTERS_OF_A_REPORT = 34


class Path(NamedTuple):
    """A path that the object graph of a file and a program have in common.

    Attributes:
        text: the path.
        in_file: the variable to which it leads in the file.
        in_program: the variable to which it leads in the program.
        is_taken: whether a restore takes it.
    """

    text: str
    in_file: str
    in_program: str
    is_taken: bool

    @property
    def colour(self) -> str:
        """Blue or orange for a path that is taken, to the same variable or to another."""
        if not self.is_taken:
            return GREY
        return MATCHED if self.in_file == self.in_program else BROKEN


class Verdict(NamedTuple):
    """What is said of one load, and what it did.

    Attributes:
        load: what was loaded into what.
        usual: what Keras, the `Saver` or the assertion says.
        report: what the load report says.
        is_right: for each variable of the model, whether it has its number from the file.
    """

    load: str
    usual: str
    report: str
    is_right: Sequence[bool]


def draw_paths(paths: Sequence[Path]) -> None:
    """Draw which variable of a file each path leads to, and which variable of the program.

    A path that a restore takes is a thick line. It is orange if it leads to different variables. A
    path that is not taken is grey and dashed.

    Args:
        paths: from the top to the bottom.
    """
    middle = LETTER * max(len(path.text) for path in paths) + 2 * PATH_MARGIN
    right = BOX_WIDTH + middle
    height = PATH_ROW * len(paths)
    axes = _empty_axes(right + BOX_WIDTH, height + 0.45)
    in_file, in_program = _variables(paths)
    saved = _draw_column(axes, "in the file", 0, in_file, height)
    restored = _draw_column(axes, "in the program", right, in_program, height)
    axes.text(BOX_WIDTH + middle / 2, 0, "path", weight="bold", ha="center", va="center")
    for number, path in enumerate(paths):
        y = -PATH_ROW * (number + 0.8)
        start = (BOX_WIDTH, saved[path.in_file])
        end = (right, restored[path.in_program])
        _draw_path(axes, path, start, end, y)


def draw_verdicts(verdicts: Sequence[Verdict]) -> None:
    """Draw what two judges say of loads, and a square for each number: hatched where it is wrong.

    Args:
        verdicts: from the top to the bottom.
    """
    titles = ["the load", "Keras or the assertion", "the report", "its numbers"]
    rows = []
    for verdict in verdicts:
        report = textwrap.fill(verdict.report, LETTERS_OF_A_REPORT)
        rows.append([verdict.load, verdict.usual, report])
    lefts = _left_edges(titles, rows)
    most = max(len(verdict.is_right) for verdict in verdicts)
    squares = max(SQUARE * most, LETTER * len(titles[-1]))
    axes = _empty_axes(lefts[-1] + squares, VERDICT_ROW * len(rows) + 0.45)
    for left, title in zip(lefts, titles, strict=True):
        axes.text(left, 0, title, weight="bold", va="center")
    for number, (texts, verdict) in enumerate(zip(rows, verdicts, strict=True)):
        y = -VERDICT_ROW * (number + 0.8)
        axes.axhline(y + VERDICT_ROW / 2, color=GREY, lw=0.5)
        for left, text in zip(lefts, texts, strict=False):
            colour = DARK_GREY if text == "silent" else "black"
            axes.text(left, y, text, va="center", color=colour)
        for place, is_right in enumerate(verdict.is_right):
            _draw_square(axes, lefts[-1] + SQUARE * place, y, is_right)


def _empty_axes(width: float, height: float) -> Axes:
    """Make a new figure whose units are inches: y is 0 at the titles, and falls."""
    _, axes = plt.subplots(figsize=(width + 0.2, height), layout="constrained")
    axes.set(xlim=(-0.1, width + 0.1), ylim=(0.25 - height, 0.25))
    axes.axis("off")
    return axes


def _variables(paths: Sequence[Path]) -> tuple[list[str], list[str]]:
    """Name the variables in the file, and those in the program, in one order for both."""
    names = dict.fromkeys(name for path in paths for name in (path.in_program, path.in_file))
    of_file = {path.in_file for path in paths}
    of_program = {path.in_program for path in paths}
    in_file = [name for name in names if name in of_file]
    in_program = [name for name in names if name in of_program]
    return in_file, in_program


def _draw_column(
    axes: Axes, title: str, left: float, names: Sequence[str], height: float
) -> dict[str, float]:
    """Draw a box for each name, spread over the height; return where they stand."""
    middle = left + BOX_WIDTH / 2
    axes.text(middle, 0, title, weight="bold", ha="center", va="center")
    places = {}
    for number, name in enumerate(names):
        y = -0.05 - height * (number + 0.5) / len(names)
        corner = (left, y - BOX_HEIGHT / 2)
        axes.add_patch(Rectangle(corner, BOX_WIDTH, BOX_HEIGHT, fc="white", ec="black", lw=1.2))
        axes.text(middle, y, name, ha="center", va="center", family="monospace")
        places[name] = y
    return places


def _draw_path(
    axes: Axes, path: Path, start: tuple[float, float], end: tuple[float, float], y: float
) -> None:
    """Draw a path as three lines: to its text, below its text, and on to the program."""
    width, style = (2.5, "-") if path.is_taken else (1.3, "--")
    first, last = start[0] + PATH_MARGIN, end[0] - PATH_MARGIN
    axes.plot(
        [start[0], first, last], [start[1], y, y], color=path.colour, lw=width, linestyle=style
    )
    arrow = {"arrowstyle": "-|>", "shrinkA": 0, "shrinkB": 0}
    arrow |= {"color": path.colour, "lw": width, "linestyle": style}
    axes.annotate("", end, (last, y), arrowprops=arrow)
    axes.text((first + last) / 2, y + 0.05, path.text, ha="center", va="bottom")


def _left_edges(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> list[float]:
    """Find where each column begins: all but the last are as wide as their longest line."""
    lefts = [0.0]
    for number, title in enumerate(titles[:-1]):
        lines = [line for row in rows for line in row[number].splitlines()]
        letters = max(len(line) for line in [title, *lines])
        lefts.append(lefts[-1] + LETTER * letters + COLUMN_GAP)
    return lefts


def _draw_square(axes: Axes, left: float, y: float, is_right: bool) -> None:
    size = SQUARE * 0.85
    square = Rectangle((left, y - size / 2), size, size, fc=MATCHED, ec=MATCHED, lw=1.5)
    if not is_right:
        square.set(facecolor="white", edgecolor=BROKEN, hatch="////")
    axes.add_patch(square)
