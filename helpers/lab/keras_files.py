"""Keras' files, in numbers and pictures: what they hold, what comes back, and into which layer."""

import io
import itertools
import json
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from helpers.draw import (
    BROKEN,
    COLOURS,
    DARK_GREY,
    FIXED_LETTER,
    GREY,
    INDENT,
    MATCHED,
    TREE_ROW,
    make_tree_axes,
)
from helpers.prove import same_values

import h5py
import keras
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from tabulate import tabulate

Boxes = Mapping[str, "float | Boxes"]
Examples = tuple[np.ndarray, np.ndarray]

# The nested boxes, in inches.
HEIGHT = 1.9  # of every innermost box, so that its area is as its size
WIDTH = 7.2  # of all innermost boxes together
PADDING = 0.12
LABEL_HEIGHT = 0.3
NARROW = 1.1  # a box below this width has its text upright
BOX_COLOURS = (COLOURS[1], COLOURS[0], COLOURS[2], COLOURS[3], COLOURS[4])

ARCHIVED_WEIGHTS = "model.weights.h5"


class Slot(NamedTuple):
    """A variable of a model, where it would be saved, and of which layer the file has numbers."""

    layer: str
    variable: str
    key: str
    saved_from: str | None  # None if the file has nothing under this key

    @property
    def is_match(self) -> bool:
        """Whether the file noted the name of this layer."""
        return self.layer == self.saved_from


class Pen(NamedTuple):
    """Where nested boxes are drawn, how large and in which unit, and the colours still to use."""

    axes: Axes
    per_inch: float
    unit: str
    colours: Iterator[str]


def make_examples(count: int = 256) -> tuple[Examples, Examples]:
    """Return examples for training and others for validation, always the same.

    Args:
        count: how many of each.

    Returns:
        Two pairs of inputs, (count, 64) float32 from a normal distribution, and targets,
        (count, 1) float32, the ``tanh`` of an eighth of the sum of each row.
    """
    x = np.random.default_rng(1).normal(size=(2 * count, 64)).astype("float32")
    y = np.tanh(x.sum(axis=1, keepdims=True) / 8)
    return (x[:count], y[:count]), (x[count:], y[count:])


def sizes_of(file: Path | str) -> dict[str, Boxes]:
    """Return what a ``.keras`` file holds, in kB, as boxes for ``draw_boxes``.

    Args:
        file: a ``.keras`` file, which is a zip archive.

    Raises:
        zipfile.BadZipFile: the file is no archive.
        FileNotFoundError: there is no such file.
    """
    with zipfile.ZipFile(file) as archive:
        sizes = {member.filename: member.file_size / 1000 for member in archive.infolist()}
    weights_file = sizes.pop(ARCHIVED_WEIGHTS)
    parts = {"weights": 0.0, "state of the optimizer": 0.0}
    for key, array in read_arrays(file).items():
        owner = "state of the optimizer" if key.startswith("optimizer/") else "weights"
        parts[owner] += array.nbytes / 1000
    parts["tree of HDF5"] = weights_file - sum(parts.values())
    inside = {name: size for name, size in parts.items() if size > 0}
    return {Path(file).name: {"texts": sum(sizes.values()), ARCHIVED_WEIGHTS: inside}}


def read_arrays(file: Path | str) -> dict[str, np.ndarray]:
    """Return the arrays in a ``.weights.h5`` file, or in that of a ``.keras`` file, by their keys.

    Raises:
        FileNotFoundError: there is no such file.
    """
    arrays: dict[str, np.ndarray] = {}

    def keep(key: str, node: h5py.Group | h5py.Dataset) -> None:
        if isinstance(node, h5py.Dataset):
            arrays[key] = node[()]

    with h5py.File(_tree_of(file)) as tree:
        tree.visititems(keep)
    return arrays


def show_facts(model: keras.Model, titles: Sequence[str], restored: Sequence[keras.Model]) -> None:
    """Print which facts of a model are the same, to the last bit, in models that were restored.

    Args:
        model: the one that was saved.
        titles: of the columns of the table.
        restored: a model for each of these columns.

    Raises:
        ValueError: a model is not compiled, or there are more titles than models, or fewer.
    """
    if len(titles) != len(restored):
        raise ValueError(f"each model needs a title, got {len(titles)} for {len(restored)}")
    facts = {title: facts_of(other) for title, other in zip(titles, restored, strict=True)}
    rows = []
    for name, fact in facts_of(model).items():
        came_back = [same_values(others[name], fact) for others in facts.values()]
        rows.append([name, *("yes" if came else "-" for came in came_back)])
    print(tabulate(rows, ["", *facts]))


def facts_of(model: keras.Model) -> dict[str, Any]:
    """Return what one may want back of a model, by name, to be compared with ``same_values``.

    Args:
        model: a model that is built and compiled.

    Raises:
        ValueError: the model is not compiled.
    """
    if not model.compiled:
        raise ValueError(f"{model.name} is not compiled: call its method compile first")
    steps, rate, *momentum = model.optimizer.variables
    compiled = model.get_compile_config()
    return {
        "architecture": json.dumps(model.get_config()),
        "weights": model.weights,
        "steps": steps,
        "learning rate": rate,
        "momentum": momentum,
        "loss": compiled["loss"],
        "metrics": compiled["metrics"],
        "counts of the metrics": model.metrics_variables,
        "seed state": model.non_trainable_variables,
    }


def draw_boxes(boxes: Boxes, unit: str = "kB") -> None:
    """Draw what holds what as nested boxes, where the area of an innermost box is its size.

    Args:
        boxes: sizes, or more boxes, by name: ``{"zip": {"texts": 3.0, "h5": {"weights": 34.0}}}``.
        unit: of the sizes.

    Raises:
        ValueError: a size is not above 0, or there is none.
    """
    sizes = list(_sizes_in(boxes))
    if not sizes or min(sizes) <= 0:
        raise ValueError(f"each box needs a size above 0, got {sizes}")
    per_inch = sum(sizes) / WIDTH
    width = _width_of(boxes, per_inch)
    frame = _depth_of(boxes) * (PADDING + LABEL_HEIGHT)
    height = HEIGHT + frame + (_depth_of(boxes) + 1) * PADDING
    _, axes = plt.subplots(figsize=(width, height))
    axes.set_position((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.axis("off")
    top = height - PADDING
    pen = Pen(axes, per_inch, unit, itertools.cycle(BOX_COLOURS))
    _draw_inside(pen, boxes, (0.0, PADDING, top))


def draw_weights_file(model: keras.Model, file: Path | str) -> None:
    """Draw which layer of a model finds which numbers in a ``.keras`` or ``.weights.h5`` file.

    On the left stand the layers with their variables, on the right the keys under which Keras looks
    for their numbers, and the name that the layer had at the save. An arrow is blue if this is the
    layer's own name. It is orange if the numbers are another layer's. A cross ends a line that
    leads nowhere. Layers inside of layers are left out.

    Args:
        model: a model that is built.
        file: ``.keras`` or ``.weights.h5``.

    Raises:
        ValueError: the model is not built, or has no weights.
        FileNotFoundError: there is no such file.
    """
    slots = match_layers(model, file)
    lines = _lines_of(slots)
    gap = max(INDENT * depth + FIXED_LETTER * len(text) for depth, text, _ in lines) + 0.4
    right = gap + 1.2
    notes = right + FIXED_LETTER * max(len(slot.key) for slot in slots) + 0.4
    width = notes + FIXED_LETTER * max(len(slot.saved_from or "") for slot in slots) + 1.6
    titles = {0.0: "layers in the program", right: "keys in the file", notes: "saved from layer"}
    axes = make_tree_axes(width, len(lines), titles)
    for number, (depth, text, slot) in enumerate(lines):
        y = -TREE_ROW * (number + 1)
        colour = "black"
        if slot is not None:
            colour = MATCHED if slot.is_match else BROKEN
            _draw_way(axes, slot, INDENT * depth + FIXED_LETTER * len(text), (right, notes), y)
        axes.text(INDENT * depth, y, text, color=colour, va="center", family="monospace")


def epoch_of(file: Path | str) -> int:
    """Return the steps of the optimizer in a ``.keras`` file: its epoch, if an epoch is one step.

    Raises:
        ValueError: the model in the file is not compiled, or there is no such file.
    """
    return _steps_of(keras.saving.load_model(file), file)


def find_epochs(model: keras.Model, files: Sequence[Path]) -> dict[str, int]:
    """Tell from which epochs the files of a training are, and the model that is left in memory.

    Args:
        model: one that was trained with one step in each epoch.
        files: ``.keras`` files that were saved in this training.

    Returns:
        The epochs by the names of the files, by "optimizer in memory", and by "weights in memory".
        The last is that of a file with the same weights, and it is missing if there is none.

    Raises:
        ValueError: the model in a file is not compiled, or there is no such file.
    """
    saved = {file: keras.saving.load_model(file) for file in files}
    epochs = {file.name: _steps_of(its_model, file) for file, its_model in saved.items()}
    for file, its_model in saved.items():
        if same_values(its_model.weights, model.weights):
            epochs["weights in memory"] = epochs[file.name]
    epochs["optimizer in memory"] = int(model.optimizer.iterations.numpy())
    return epochs


def _steps_of(model: keras.Model, file: Path | str) -> int:
    """Return the steps of a model's optimizer; the file that it is from is named in an error."""
    if not model.compiled:
        raise ValueError(f"{Path(file).name} holds no optimizer: compile its model before the save")
    return int(model.optimizer.iterations.numpy())


def draw_epochs(values: Sequence[float], ylabel: str, holders: Mapping[str, int]) -> None:
    """Draw a number over the epochs, and which epoch each file or model comes from.

    Args:
        values: of epoch 1, 2 …, each above 0.
        ylabel: what the values are.
        holders: an epoch for each name. The epoch of the lowest value is blue, others are orange.

    Raises:
        ValueError: an epoch that has no value.
    """
    unknown = {name: epoch for name, epoch in holders.items() if not 0 < epoch <= len(values)}
    if unknown:
        raise ValueError(f"there are epochs 1 to {len(values)}, got {unknown}")
    epochs = range(1, len(values) + 1)
    _, axes = plt.subplots(figsize=(9, 4.2), layout="constrained")
    axes.plot(epochs, values, color=DARK_GREY, marker="o", lw=2)
    lowest = values.index(min(values)) + 1
    for epoch in sorted(set(holders.values())):
        names = [name for name, its_epoch in holders.items() if its_epoch == epoch]
        colour = MATCHED if epoch == lowest else BROKEN
        place = (epoch, values[epoch - 1])
        axes.plot(*place, "o", color=colour, ms=14)
        look: dict[str, Any] = {"color": colour, "weight": "bold", "fontsize": 12}
        look |= {"ha": "center", "va": "top", "textcoords": "offset points"}
        axes.annotate("\n".join(names), place, (0, -12), **look)
    axes.set(xlabel="epoch", ylabel=ylabel, yscale="log", xlim=(0.2, len(values) + 0.9))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y", color=GREY, alpha=0.3)
    axes.margins(y=0.35)


def match_layers(model: keras.Model, file: Path | str) -> list[Slot]:
    """Tell for each variable of a model's layers from which layer a file has numbers for it.

    Args:
        model: a model that is built.
        file: ``.keras`` or ``.weights.h5``.

    Raises:
        ValueError: the model is not built, or has no weights.
        FileNotFoundError: there is no such file.
    """
    if not model.weights:
        raise ValueError(f"{model.name} has no weights: build it by calling it on some input")
    with tempfile.TemporaryDirectory() as folder:
        own_file = Path(folder) / "own.weights.h5"
        model.save_weights(own_file)
        own = _names_of_keys(own_file)
    in_file = _names_of_keys(file)
    slots = []
    for layer in model.layers:
        keys = [key for key, name in own.items() if name == layer.name]
        for variable, key in zip(layer.weights, keys, strict=False):
            slots.append(Slot(layer.name, variable.name, key, in_file.get(key)))
    return slots


def _sizes_in(boxes: Boxes) -> Iterator[float]:
    for content in boxes.values():
        if isinstance(content, Mapping):
            yield from _sizes_in(content)
        else:
            yield content


def _depth_of(boxes: Boxes) -> int:
    """How many frames stand around the innermost box that has most of them."""
    inner = [content for content in boxes.values() if isinstance(content, Mapping)]
    return 1 + max(map(_depth_of, inner)) if inner else 0


def _width_of(boxes: Boxes, per_inch: float) -> float:
    """The width of some boxes side by side, with the padding around each."""
    width = PADDING
    for content in boxes.values():
        if isinstance(content, Mapping):
            width += _width_of(content, per_inch) + PADDING
        else:
            width += content / per_inch + PADDING
    return width


def _draw_inside(pen: Pen, boxes: Boxes, place: tuple[float, float, float]) -> None:
    """Draw boxes side by side, from ``place``: the left end, the bottom and the top."""
    left, bottom, top = place
    left += PADDING
    for name, content in boxes.items():
        if isinstance(content, Mapping):
            width = _width_of(content, pen.per_inch)
            frame = Rectangle((left, bottom), width, top - bottom, fc="none", ec="black", lw=1.5)
            pen.axes.add_patch(frame)
            text = f"{name}: {sum(_sizes_in(content)):.0f} {pen.unit}"
            text_place = (left + PADDING, top - LABEL_HEIGHT / 2 - 0.04)
            pen.axes.text(*text_place, text, va="center", fontsize=12)
            inside = (left, bottom + PADDING, top - LABEL_HEIGHT - PADDING)
            _draw_inside(pen, content, inside)
        else:
            width = content / pen.per_inch
            _draw_innermost(pen, f"{name}\n{content:.0f} {pen.unit}", (left, bottom), width)
        left += width + PADDING


def _draw_innermost(pen: Pen, text: str, corner: tuple[float, float], width: float) -> None:
    colour = next(pen.colours)
    box = Rectangle(corner, width, HEIGHT, fc=colour, ec="black", alpha=0.45)
    pen.axes.add_patch(box)
    middle = (corner[0] + width / 2, corner[1] + HEIGHT / 2)
    look: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 12}
    if width < NARROW:
        pen.axes.text(*middle, text.replace("\n", ", "), rotation=90, **look)
    else:
        pen.axes.text(*middle, text, **look)


def _lines_of(slots: Sequence[Slot]) -> list[tuple[int, str, Slot | None]]:
    """Depth, text and slot of each line: a layer, and below it its variables."""
    lines: list[tuple[int, str, Slot | None]] = []
    layer = None
    for slot in slots:
        if slot.layer != layer:
            layer = slot.layer
            lines.append((0, layer, None))
        lines.append((1, slot.variable, slot))
    return lines


def _draw_way(
    axes: Axes, slot: Slot, text_end: float, columns: tuple[float, float], y: float
) -> None:
    """Draw the arrow from a key to a variable, and what stands right of it."""
    right, notes = columns
    start, end = text_end + 0.1, right - 0.08
    colour = MATCHED if slot.is_match else BROKEN
    if slot.saved_from is None:
        axes.plot((start, end - 0.2), (y, y), color=colour, lw=1.8, linestyle=(0, (3, 2)))
        axes.plot([end - 0.1], [y], color=colour, marker="x", ms=8, mew=2.5)
        text = "(not in the file)"
    else:
        look: dict[str, Any] = {
            "arrowstyle": "-|>",
            "color": colour,
            "lw": 1.8,
            "shrinkA": 0,
            "shrinkB": 0,
        }
        axes.annotate("", (start, y), (end, y), arrowprops=look)
        text = slot.saved_from
    axes.text(right, y, slot.key, color=colour, va="center", family="monospace")
    axes.text(notes, y, text, color=colour, va="center", family="monospace")


def _tree_of(file: Path | str) -> Path | str | io.BytesIO:
    """Where the HDF5 tree of a file is, which for ``.keras`` is a member of the archive."""
    if not zipfile.is_zipfile(file):
        return file
    with zipfile.ZipFile(file) as archive:
        return io.BytesIO(archive.read(ARCHIVED_WEIGHTS))


def _names_of_keys(file: Path | str) -> dict[str, str]:
    """The name noted beside each array of a file, by the array's key; the optimizer is left out."""
    names: dict[str, str] = {}

    def note(key: str, node: h5py.Group | h5py.Dataset) -> None:
        if not isinstance(node, h5py.Dataset) or key.startswith("optimizer/"):
            return
        name = node.parent.attrs.get("name", "")
        names[key] = name.decode() if isinstance(name, bytes) else str(name)

    with h5py.File(_tree_of(file)) as tree:
        tree.visititems(note)
    return names
