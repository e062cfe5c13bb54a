"""Pictures of what goes where, in colours that survive colour blindness (Okabe and Ito's)."""

from collections.abc import Sequence
from pathlib import Path

from helpers.look import read_checkpoint

import matplotlib.pyplot as plt
from matplotlib.patches import FancyBboxPatch

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
GREY = "#999999"


def draw_map(titles: Sequence[str], rows: Sequence[Sequence[str | None]], arrows: str) -> None:
    """Draw a table of boxes with arrows along its rows: which thing leads to which.

    Args:
        titles: one for each column.
        rows: texts of one or two lines. None stands for a thing that is not there.
        arrows: ``<`` or ``>`` for each gap between two columns, the way its arrows point.
    """
    texts = [[row[column] or "" for row in rows] for column in range(len(titles))]
    longest = [max(len(line) for text in column for line in text.split("\n")) for column in texts]
    widths = [0.4 + 0.085 * letters for letters in longest]
    lefts = [sum(widths[:column]) + 0.7 * column for column in range(len(titles))]
    size = (lefts[-1] + widths[-1] + 0.1, 0.8 * len(rows) + 0.5)
    _, axes = plt.subplots(figsize=size, layout="constrained")
    axes.set(xlim=(-0.05, size[0] - 0.05), ylim=(-size[1] + 0.45, 0.5))
    axes.axis("off")
    for left, width, title in zip(lefts, widths, titles, strict=True):
        axes.text(left + width / 2, 0.3, title, ha="center", va="center", weight="bold")
    for number, row in enumerate(rows):
        colour, y = COLOURS[number % len(COLOURS)], -0.35 - 0.8 * number
        for left, width, text in zip(lefts, widths, row, strict=True):
            look = {"ec": colour, "lw": 2} if text else {"ec": GREY, "lw": 1, "ls": "--"}
            shape = FancyBboxPatch((left, y - 0.26), width, 0.52, "round,pad=0", fc="white", **look)
            shape.set_boxstyle("round", pad=0, rounding_size=0.08)
            axes.add_patch(shape)
            axes.text(left + width / 2, y, text, ha="center", va="center")
        for gap, way in enumerate(arrows):
            if row[gap] and row[gap + 1]:
                ends = (lefts[gap] + widths[gap] + 0.08, y), (lefts[gap + 1] - 0.08, y)
                head, tail = ends if way == "<" else ends[::-1]
                arrow = {"arrowstyle": "-|>", "color": colour, "lw": 2, "shrinkA": 0, "shrinkB": 0}
                axes.annotate("", head, tail, arrowprops=arrow)


def draw_sizes(title: str, rows: Sequence[tuple[str, str, float]], unit: str = "bytes") -> None:
    """Draw sizes as bars, one for each row of owner, name and size, coloured by owner."""
    owners, names, sizes = zip(*rows, strict=True)
    _, axes = plt.subplots(figsize=(9, 1 + 0.3 * len(rows)), layout="constrained")
    for number, owner in enumerate(dict.fromkeys(owners)):
        places = [place for place, other in enumerate(owners) if other == owner]
        widths = [sizes[place] for place in places]
        label = f"{owner}: {_write(sum(widths))} {unit}"
        bars = axes.barh(places, widths, color=COLOURS[number % len(COLOURS)], label=label)
        axes.bar_label(bars, fmt=_write, padding=3)
    axes.set_yticks(range(len(names)), names)
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
        rows.append((key.split("/")[0], key.split("/.ATTRIBUTES")[0], entry.size))
    draw_sizes(f"What {Path(prefix).name} holds", rows)


def _write(size: float) -> str:
    """A size in whole numbers, or in two digits if it is small and not whole."""
    return f"{size:,.0f}" if size >= 10 or size == int(size) else f"{size:.2g}"
