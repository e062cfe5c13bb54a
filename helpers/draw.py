"""Pictures of what goes where, in colours that survive colour blindness (Okabe and Ito's)."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from helpers.look import KEY_ENDING, Match, match_checkpoint

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

# The picture of an object graph: its colours, and its measures in inches.
MATCHED = COLOURS[0]
BROKEN = COLOURS[5]
DARK_GREY = "#666666"
TREE_ROW = 0.34
INDENT = 0.26
FIXED_LETTER = 0.0925  # of the font in which all letters are as wide
GRAPH_ITSELF = "(the object graph itself)"


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


class TreeRow(NamedTuple):
    """A row of the picture of an object graph: a line of the tree, and the key beside it."""

    depth: int = 0
    text: str = ""
    is_variable: bool = False
    key: str = ""
    is_match: bool = False

    @property
    def end(self) -> float:
        """Where the text of the tree ends, in inches from the left."""
        return INDENT * self.depth + FIXED_LETTER * len(self.text)


def draw_map(titles: Sequence[str], rows: Sequence[Sequence[str | None]], arrows: str) -> None:
    """Draw a table of boxes with arrows along its rows: which thing leads to which.

    Args:
        titles: one for each column.
        rows: texts of one or two lines. None stands for a thing that is not there, and a text in
            brackets says so in words.
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
            both_are_there = _is_there(row[gap]) and _is_there(row[gap + 1])
            if both_are_there:
                _draw_arrow(axes, columns[gap], columns[gap + 1], y, direction, colour)


def draw_branches(titles: Sequence[str], trunk: Sequence[str], ends: Sequence[str]) -> None:
    """Draw a row of boxes with arrows between them, the last of which leads to several others.

    Args:
        titles: one for each column, the one of the ends included.
        trunk: texts of one or two lines, one for each box of the row.
        ends: texts of one or two lines, one for each box that the last one leads to.

    Raises:
        ValueError: there is not one title for each text of the trunk and one for the ends.
    """
    if len(titles) != len(trunk) + 1:
        raise ValueError(f"{len(trunk)} texts and the ends need a title each, got {list(titles)}")
    columns = _columns(titles, [[*trunk, end] for end in ends])
    axes = _empty_axes(columns[-1].right + 2 * MARGIN, ROW_HEIGHT * len(ends) + TITLE_HEIGHT)
    for column in columns:
        axes.text(column.middle, 0.3, column.title, ha="center", va="center", weight="bold")
    rows = [-0.35 - ROW_HEIGHT * number for number in range(len(ends))]
    middle = (rows[0] + rows[-1]) / 2
    for column, text in zip(columns, trunk, strict=False):
        _draw_box(axes, column, middle, text, DARK_GREY)
    for left, right in pairwise(columns[:-1]):
        _draw_arrow(axes, left, right, middle, ">", DARK_GREY)
    for number, (y, text) in enumerate(zip(rows, ends, strict=True)):
        colour = COLOURS[number % len(COLOURS)]
        _draw_box(axes, columns[-1], y, text, colour)
        start, end = (columns[-2].right + 0.08, middle), (columns[-1].left - 0.08, y)
        axes.annotate("", xy=end, xytext=start, arrowprops=_arrow_style(colour))


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


def draw_bars(
    names: Sequence[str], panels: Mapping[str, Sequence[float]], wrong: Collection[str] = ()
) -> None:
    """Draw several numbers of each thing as bars, side by side: a panel for each kind of number.

    Args:
        names: of the things, from top to bottom.
        panels: the numbers of all things, by the title of their panel.
        wrong: names of things that are drawn in orange.
    """
    colours = [COLOURS[5] if name in wrong else COLOURS[0] for name in names]
    size = (5 * len(panels), 1 + 0.4 * len(names))
    _, row = plt.subplots(1, len(panels), figsize=size, sharey=True, squeeze=False)
    for axes, (title, values) in zip(row[0], panels.items(), strict=True):
        bars = axes.barh(names, values, color=colours)
        axes.bar_label(bars, fmt=_in_words, padding=4)
        axes.set_title(title)
        axes.margins(x=0.2)
    row[0][0].invert_yaxis()


def draw_object_graph(root: Any, prefix: Path | str) -> None:
    """Draw which path in a program finds which key in a checkpoint, and what finds no partner.

    On the left stand the objects below a root as a tree, on the right the keys of the file. A blue
    arrow joins a variable and its key. What finds no partner is orange, and a cross ends its line.

    Args:
        root: what would be restored, for example a ``tf.train.Checkpoint``. For a classic
            checkpoint it is the dict {name in the file: variable} that a ``Saver`` takes.
        prefix: the path without ``.index``.

    Raises:
        FileNotFoundError: no checkpoint has this prefix.
        ValueError: the checkpoint has no object graph, and root is no dict.
    """
    matches = match_checkpoint(root, prefix)
    rows = _tree_rows(matches, is_tree=not isinstance(root, Mapping))
    title = f"keys in {Path(prefix).name}"

    gap = max(row.end for row in rows) + 0.3
    right = gap + 1.4
    letters = max(len(text) for text in [title, *(row.key for row in rows)])
    width = right + FIXED_LETTER * letters + 0.3
    axes = make_tree_axes(width, len(rows), {0.0: "objects in the program", right: title})

    above: list[tuple[float, float]] = []  # where each ancestor of a line stands
    for number, row in enumerate(rows):
        y = -TREE_ROW * (number + 1)
        if row.text:
            above = above[: row.depth]
            _draw_object(axes, row, y, above)
            above.append((INDENT * row.depth, y))
        _draw_key(axes, row, y, right)
        _draw_partners(axes, row, y, gap, right)


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


def make_tree_axes(width: float, rows: int, titles: Mapping[float, str]) -> Axes:
    """Make a new figure for the lines of a tree, in inches: row 1 stands at y = -`TREE_ROW`.

    Args:
        width: of the figure.
        rows: the number of lines below the titles.
        titles: each by its distance from the left.
    """
    height = TREE_ROW * (rows + 1) + 0.3
    _, axes = plt.subplots(figsize=(width, height))
    axes.set_position((0, 0, 1, 1))
    axes.set(xlim=(-0.1, width - 0.1), ylim=(0.4 - height, 0.4))
    axes.axis("off")
    for left, title in titles.items():
        axes.text(left, 0.1, title, weight="bold", va="center")
    return axes


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
    if not _is_there(text):
        box.set(ec=GREY, lw=1, ls="--")
    axes.add_patch(box)
    axes.text(column.middle, y, text or "", ha="center", va="center")


def _is_there(text: str | None) -> bool:
    return text is not None and text != "" and not text.startswith("(")


def _draw_arrow(
    axes: Axes, left: Column, right: Column, y: float, direction: str, colour: str
) -> None:
    start, end = (left.right + 0.08, y), (right.left - 0.08, y)
    if direction == "<":
        start, end = end, start
    axes.annotate("", xy=end, xytext=start, arrowprops=_arrow_style(colour))


def _arrow_style(colour: str) -> dict[str, Any]:
    return {"arrowstyle": "-|>", "color": colour, "lw": 2, "shrinkA": 0, "shrinkB": 0}


def _in_words(size: float) -> str:
    """Write a size in whole numbers, or in two digits if it is small and not whole."""
    is_whole = size == int(size)
    if is_whole or size >= 10:
        return f"{size:,.0f}"
    return f"{size:.2g}"


def _tree_rows(matches: Sequence[Match], is_tree: bool) -> list[TreeRow]:
    """The tree of the paths with each key beside its variable, and the other keys where room is."""
    key_of = {match.path: match.key for match in matches if match.path}
    left_over = [match.key for match in matches if not match.path and match.key]
    rows = []
    for depth, text, path in _lines_of(list(key_of), is_tree):
        if path in key_of:
            rows.append(_variable_row(depth, text, key_of[path], left_over))
        else:
            rows.append(TreeRow(depth, text))
    rows += [TreeRow(key=_short(key)) for key in left_over]
    if is_tree:
        rows.append(TreeRow(key=GRAPH_ITSELF))
    return rows


def _lines_of(paths: list[str], is_tree: bool) -> list[tuple[int, str, str]]:
    """Depth, text and path of each line: a tree below its root, or the paths as they are."""
    if is_tree:
        return [(0, "root", ""), *_tree_lines(_as_tree(paths), "", 1)]
    return [(0, path, path) for path in paths]


def _variable_row(depth: int, text: str, key: str | None, left_over: list[str]) -> TreeRow:
    """A variable beside its key, or beside one that it takes from those left over."""
    is_match = key is not None
    if not is_match and left_over:
        key = left_over.pop(0)
    return TreeRow(depth, text, True, _short(key), is_match)


def _short(key: str | None) -> str:
    return (key or "").removesuffix(KEY_ENDING)


def _as_tree(paths: Sequence[str]) -> dict[str, Any]:
    """Nest paths: ``["a/b", "a/c"]`` becomes ``{"a": {"b": {}, "c": {}}}``."""
    tree: dict[str, Any] = {}
    for path in paths:
        below = tree
        for step in path.split("/"):
            below = below.setdefault(step, {})
    return tree


def _tree_lines(tree: Mapping, above: str, depth: int) -> Iterator[tuple[int, str, str]]:
    """The depth, text and path of each line of a tree; steps without a fork share one."""
    for step, inside in tree.items():
        text, below = step, inside
        while len(below) == 1 and any(below.values()):
            [(step, below)] = below.items()
            text = f"{text}/{step}"
        yield depth, text, above + text
        yield from _tree_lines(below, f"{above}{text}/", depth + 1)


def _draw_object(axes: Axes, row: TreeRow, y: float, above: Sequence[tuple[float, float]]) -> None:
    colour = "black"
    if row.is_variable:
        colour = MATCHED if row.is_match else BROKEN
    x = INDENT * row.depth
    axes.text(x, y, row.text, color=colour, va="center", family="monospace")
    if above:
        parent_x, parent_y = above[-1]
        corner = parent_x + 0.08
        axes.plot([corner, corner, x - 0.04], [parent_y - 0.13, y, y], color=DARK_GREY, lw=1)


def _draw_key(axes: Axes, row: TreeRow, y: float, right: float) -> None:
    colour = MATCHED if row.is_match else BROKEN
    if row.key == GRAPH_ITSELF:
        colour = DARK_GREY
    axes.text(right, y, row.key, color=colour, va="center", family="monospace")


def _draw_partners(axes: Axes, row: TreeRow, y: float, gap: float, right: float) -> None:
    """Draw the arrow between a variable and its key, or what is left of it on either side."""
    start, end = row.end + 0.08, right - 0.06
    if row.is_match:
        arrow = {"arrowstyle": "<|-|>", "color": MATCHED, "lw": 1.8, "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", (end, y), (start, y), arrowprops=arrow)
        return
    if row.is_variable:
        _draw_broken_line(axes, (start, gap + 0.25), gap + 0.4, y)
    if row.key and row.key != GRAPH_ITSELF:
        _draw_broken_line(axes, (gap + 0.95, end), gap + 0.8, y)


def _draw_broken_line(axes: Axes, ends: tuple[float, float], cross: float, y: float) -> None:
    axes.plot(ends, (y, y), color=BROKEN, lw=1.8, linestyle=(0, (3, 2)))
    axes.plot([cross], [y], color=BROKEN, marker="x", ms=8, mew=2.5)
