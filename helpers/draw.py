"""Pictures of what goes where, in colours that survive colour blindness (Okabe and Ito's)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from helpers.look import read_checkpoint

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
GREY = "#999999"

# The measures of a map, in inches.
LETTER = 0.085
PADDING = 0.4
GAP = 0.7
BOX_HEIGHT = 0.52
ROW_HEIGHT = 0.8
TITLE_HEIGHT = 0.5
MARGIN = 0.05


@dataclass
class Column:
    """A column of a map: its title, its left edge and its width."""

    title: str
    left: float
    width: float

    @property
    def middle(self) -> float:
        """Where its texts are centred."""
        return self.left + self.width / 2

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.left + self.width


def draw_map(titles: Sequence[str], rows: Sequence[Sequence[str | None]], arrows: str) -> None:
    """Draw a table of boxes with arrows along its rows: which thing leads to which.

    Args:
        titles: one for each column.
        rows: texts of one or two lines. None stands for a thing that is not there.
        arrows: ``<`` or ``>`` for each gap between two columns, the way its arrows point.

    Raises:
        ValueError: a row has more or fewer texts than there are titles, or a gap has no arrow.
    """
    for row in rows:
        if len(row) != len(titles):
            raise ValueError(f"{len(titles)} titles, but {len(row)} texts in a row: {list(row)}")
    if len(arrows) != len(titles) - 1:
        raise ValueError(f"{len(titles)} titles need {len(titles) - 1} arrows, got {arrows!r}")
    columns = _columns(titles, rows)
    axes = _empty_axes(columns[-1].right + 2 * MARGIN, ROW_HEIGHT * len(rows) + TITLE_HEIGHT)
    for column in columns:
        axes.text(column.middle, 0.3, column.title, ha="center", va="center", weight="bold")
    for number, row in enumerate(rows):
        colour = COLOURS[number % len(COLOURS)]
        y = -0.35 - ROW_HEIGHT * number
        for column, text in zip(columns, row, strict=True):
            _draw_box(axes, column, y, text, colour)
        for gap, direction in enumerate(arrows):
            both_are_there = row[gap] and row[gap + 1]
            if both_are_there:
                _draw_arrow(axes, columns[gap], columns[gap + 1], y, direction, colour)


def draw_sizes(title: str, rows: Sequence[tuple[str, str, float]], unit: str = "bytes") -> None:
    """Draw sizes as bars, one for each row of owner, name and size, coloured by owner."""
    _, axes = plt.subplots(figsize=(9, 1 + 0.3 * len(rows)), layout="constrained")
    owners = list(dict.fromkeys(owner for owner, _, _ in rows))
    for number, owner in enumerate(owners):
        places = [place for place, row in enumerate(rows) if row[0] == owner]
        sizes = [rows[place][2] for place in places]
        label = f"{owner}: {_in_words(sum(sizes))} {unit}"
        bars = axes.barh(places, sizes, color=COLOURS[number % len(COLOURS)], label=label)
        axes.bar_label(bars, fmt=_in_words, padding=3)
    axes.set_yticks(range(len(rows)), [name for _, name, _ in rows])
    axes.set(xlabel=unit, title=title)
    axes.invert_yaxis()
    axes.margins(x=0.1)
    axes.legend()


def draw_checkpoint(prefix: Path | str) -> None:
    """Draw the bytes of every tensor in a checkpoint as bars, coloured by owner.

    The owner is the first part of a key: ``model`` in ``model/bias/…``.

    Raises:
        FileNotFoundError: no checkpoint has this prefix.
    """
    rows = []
    for entry in read_checkpoint(prefix):
        key = entry.name.replace("_CHECKPOINTABLE_OBJECT_GRAPH", "object graph")
        owner = key.split("/")[0]
        path = key.split("/.ATTRIBUTES")[0]
        rows.append((owner, path, entry.size))
    draw_sizes(f"What {Path(prefix).name} holds", rows)


def _columns(titles: Sequence[str], rows: Sequence[Sequence[str | None]]) -> list[Column]:
    """Make columns that are as wide as their longest text, with gaps for the arrows."""
    columns = []
    left = 0.0
    for number, title in enumerate(titles):
        lines = [line for row in rows for line in (row[number] or "").split("\n")]
        column = Column(title, left, PADDING + LETTER * max(map(len, lines)))
        columns.append(column)
        left = column.right + GAP
    return columns


def _empty_axes(width: float, height: float) -> Axes:
    """Make a new figure whose units are inches: y is 0 between the titles and the rows."""
    _, axes = plt.subplots(figsize=(width, height), layout="constrained")
    top = TITLE_HEIGHT
    axes.set(xlim=(-MARGIN, width - MARGIN), ylim=(top - height - MARGIN, top))
    axes.axis("off")
    return axes


def _draw_box(axes: Axes, column: Column, y: float, text: str | None, colour: str) -> None:
    """Draw a text in a rounded box, or a dashed empty box for what is not there."""
    corner = (column.left, y - BOX_HEIGHT / 2)
    style = "round,pad=0,rounding_size=0.08"
    box = FancyBboxPatch(corner, column.width, BOX_HEIGHT, style, fc="white", ec=colour, lw=2)
    if not text:
        box.set(ec=GREY, lw=1, ls="--")
    axes.add_patch(box)
    axes.text(column.middle, y, text or "", ha="center", va="center")


def _draw_arrow(
    axes: Axes, left: Column, right: Column, y: float, direction: str, colour: str
) -> None:
    start, end = (left.right + 0.08, y), (right.left - 0.08, y)
    if direction == "<":
        start, end = end, start
    look = {"arrowstyle": "-|>", "color": colour, "lw": 2, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", xy=end, xytext=start, arrowprops=look)


def _in_words(size: float) -> str:
    """Write a size in whole numbers, or in two digits if it is small and not whole."""
    is_whole = size == int(size)
    if is_whole or size >= 10:
        return f"{size:,.0f}"
    return f"{size:.2g}"
