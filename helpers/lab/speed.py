"""What a save costs: processor time beside that of a raw write, memory, and time to stand still.

Processor time does not count the time that a process waits for a disk or for others. It still
grows a little on a busy machine, where others empty the processor's caches. The ways take turns,
because a machine is not as fast at every moment.
"""

import contextlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from helpers import hold_stderr
from helpers.draw import COLOURS, DARK_GREY
from helpers.lab.failures import best_interval, label_intervals, time_lost
from helpers.programs import FORKS, Program
from helpers.prove import same_values

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from tabulate import tabulate

RAW = "raw bytes"
ROUNDS = 5
# A clock may tick coarsely. What takes less than a tick counts as so many seconds, and not as none.
SHORTEST = 1e-6
# The bounds of a table, in times of raw bytes. They lie between the ways, so that the table says
# the same on nearly every run.
SAVE_BOUNDS = (2, 6)
RESTORE_BOUNDS = (3,)
COMPRESSION_BOUND = 20
# What variables hold when their save is prepared. A second moment, because one can be known.
MOMENTS = (([1.0, 2.0], 3), ([5.0, 7.0], 4))
# The figure: marks on its axis, which is logarithmic, and the zones that the bounds of saves make.
MARKS = (1, 3, 10, 30, 100, 300)
ZONES = (MARKS[0] / 3, *SAVE_BOUNDS, MARKS[-1] * 3)
ZONE_COLOURS = ("#D5E8D4", "#F7F0D8", "#F3DFD5")

# Saves to a folder, or restores from it.
Act = Callable[[Path], Any]


class Cost(NamedTuple):
    """What a way costs, in seconds, or in times of what the baseline costs."""

    save: float
    restore: float


def make_model(size: int, layers: int = 4) -> keras.Model:
    """Return a network of dense layers, whose weights are of so many MB: 1 MB is 2**20 bytes."""
    width = int((size * 2**20 / 4 / layers) ** 0.5)
    stack = [keras.layers.Dense(width, use_bias=False) for _ in range(layers)]
    return keras.Sequential([keras.Input((width,)), *stack])


def compare(
    saves: Mapping[str, Act],
    restores: Mapping[str, Act],
    parent: Path,
    baseline: str = RAW,
    rounds: int = ROUNDS,
    clock: Callable[[], float] = time.process_time,
) -> dict[str, Cost]:
    """Let all ways save and restore in turns, and return their costs beside those of the baseline.

    In each round, each way saves to a new folder, and restores from it. What counts is the lower
    decile of its rounds, divided by the baseline's. Whatever disturbs adds time, so it is low. But
    of many rounds it is not the shortest, because a virtual machine's clock may count too little,
    and one such round would decide. A round before the first one is not counted.

    Args:
        saves: a function for each way, which is given the folder.
        restores: the same, for the same ways.
        parent: an existing folder, in which each folder is deleted after its use.
        baseline: the way that the others are compared with.
        rounds: how many of them are counted.
        clock: returns seconds. By default it counts the processor time of this process with all its
            threads.

    Raises:
        ValueError: the baseline is not among the ways.
    """
    if baseline not in saves:
        raise ValueError(f"no way {baseline!r} to compare with; there are: {', '.join(saves)}")
    times: dict[str, list[Cost]] = {name: [] for name in saves}
    for _ in range(rounds + 1):
        for name, save in saves.items():
            with tempfile.TemporaryDirectory(dir=parent) as folder:
                seconds_to_save = _seconds_of(save, Path(folder), clock)
                seconds_to_restore = _seconds_of(restores[name], Path(folder), clock)
            times[name].append(Cost(seconds_to_save, seconds_to_restore))
    low = {name: _lower_decile(costs[1:]) for name, costs in times.items()}
    raw = low[baseline]
    return {name: Cost(one.save / raw.save, one.restore / raw.restore) for name, one in low.items()}


def _seconds_of(act: Act, folder: Path, clock: Callable[[], float]) -> float:
    start = clock()
    act(folder)
    return max(clock() - start, SHORTEST)


def _lower_decile(costs: Sequence[Cost]) -> Cost:
    return Cost(*np.quantile(costs, 0.1, axis=0).tolist())


def bounds(costs: Mapping[str, Cost]) -> str:
    """Make a table of what each way costs at most, in times of the baseline."""
    rows = [
        [name, _bound(cost.save, SAVE_BOUNDS), _bound(cost.restore, RESTORE_BOUNDS)]
        for name, cost in costs.items()
    ]
    return tabulate(rows, ["way", "save", "restore"])


def _bound(cost: float, limits: Sequence[float]) -> str:
    for limit in limits:
        if cost <= limit:
            return f"at most {limit:g}"
    return f"more than {limits[-1]:g}"


def compression(kinds: Mapping[str, np.ndarray], parent: Path) -> str:
    """Make a table of what a zip archive saves, in shares of the first kind, and what it costs.

    Args:
        kinds: arrays of as many numbers each. They are saved by ``np.savez_compressed``.
        parent: an existing folder, in which nothing is left.
    """
    whole = next(iter(kinds.values())).nbytes
    rows = []
    for name, numbers in kinds.items():
        with tempfile.TemporaryDirectory(dir=parent) as folder:
            file = Path(folder, "numbers.npz")
            np.savez_compressed(file, numbers)
            shares = [f"{size / whole:.2f}" for size in (numbers.nbytes, file.stat().st_size)]
        rows.append([name, *shares, _cost_of_compression(numbers, parent)])
    header = ["kind", "size", "compressed", "times a raw write"]
    return tabulate(rows, header, disable_numparse=True)


def _cost_of_compression(numbers: np.ndarray, parent: Path) -> str:
    raw = numbers.tobytes()
    saves: dict[str, Act] = {
        RAW: lambda to: (to / "raw").write_bytes(raw),
        "compressed": lambda to: np.savez_compressed(to / "numbers.npz", numbers),
    }
    nothing = dict.fromkeys(saves, lambda to: None)
    return _bound(compare(saves, nothing, parent)["compressed"].save, (COMPRESSION_BOUND,))


def draw_costs(costs: Mapping[str, Mapping[str, Cost]]) -> None:
    """Draw what ways cost in times of raw bytes, as dots: a panel for each size.

    The background has a colour up to each of the bounds of saves.

    Args:
        costs: what `compare` has returned, by the title of a panel, with the same ways in each.
    """
    names = list(next(iter(costs.values())))
    figure, row = plt.subplots(
        1,
        len(costs),
        figsize=(5.4 * len(costs), 1.4 + 0.38 * len(names)),
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for axes, (title, found) in zip(row[0], costs.items(), strict=True):
        places = range(len(names))
        saves = [found[name].save for name in names]
        restores = [found[name].restore for name in names]
        axes.plot(saves, places, "o", color=COLOURS[0], markersize=8, label="save")
        axes.plot(restores, places, "D", color=COLOURS[3], markersize=6, label="restore")
        axes.axvline(1, color=DARK_GREY, linewidth=1, linestyle=":")
        for edges, colour in zip(pairwise(ZONES), ZONE_COLOURS, strict=True):
            axes.axvspan(*edges, color=colour, linewidth=0, zorder=0)
        axes.set_xscale("log")
        axes.set_xticks(MARKS, [f"{mark}" for mark in MARKS])
        axes.set_xlim(ZONES[0], ZONES[-1])
        axes.minorticks_off()
        axes.set_title(title, fontsize=12)
        axes.set_xlabel("processor time, raw bytes = 1", fontsize=11)
        axes.grid(axis="y", alpha=0.3)
        axes.tick_params(labelsize=11)
        axes.spines[["top", "right"]].set_visible(False)
    row[0][0].set_yticks(range(len(names)), names)
    row[0][0].invert_yaxis()
    figure.legend(*row[0][0].get_legend_handles_labels(), loc="outside upper center", ncols=2)


def draw_intervals(save_seconds: Mapping[str, float], mean_seconds_between_failures: float) -> None:
    """Draw the time lost against the interval: a curve for each way, and a star at its least.

    Args:
        save_seconds: how long the training stands still for a save, by the way of saving.
        mean_seconds_between_failures: the average time from one failure to the next.
    """
    _, axes = plt.subplots(figsize=(8, 4.4), layout="constrained")
    intervals = np.geomspace(10, 4 * 3600, 200)
    for number, (name, seconds) in enumerate(save_seconds.items()):
        times = (seconds, mean_seconds_between_failures)
        colour = COLOURS[number]
        lost = [100 * time_lost(one, *times) for one in intervals]
        best = best_interval(*times)
        axes.plot(intervals / 60, lost, color=colour, linewidth=2.5, label=name)
        axes.plot([best / 60], [100 * time_lost(best, *times)], "*", color=colour, markersize=18)
    label_intervals(axes, [1, 3, 10, 30, 100])
    axes.set_ylim(0, 30)
    axes.legend(fontsize=11)


@contextlib.contextmanager
def listing(parent: Path) -> Iterator[Path]:
    """Give a new folder, print the size of each file that is saved to it, and delete them all."""
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        yield Path(folder)
        for file in sorted(Path(folder).iterdir()):
            print(f"{file.name:25} {file.stat().st_size / 2**20:5.1f} MB")


def memory_of_saves(size: int = 64) -> dict[str, float]:
    """Return how much memory each way takes to save, in models, or nothing if nobody can tell.

    Each way saves in a process of its own. What counts is how far the memory of the process rises
    above what it was before the save. Linux alone can tell.

    Args:
        size: of the model, in MB.
    """
    if not FORKS:
        return {}
    names = list(_saves_of(make_model(1)))
    return {name: float(Program(__file__, name, size).wait()) for name in names}


def find_fault_of_moment(prepare_moment: Callable, folder: Path) -> str | None:
    """Say in one line what is wrong with a function that prepares a save in a thread, or nothing.

    Args:
        prepare_moment: takes variables and a path, and returns the function that writes.
        folder: an empty one.
    """
    for number, values in enumerate(MOMENTS):
        fault = _find_fault_of_one_moment(prepare_moment, folder / f"{number}.npz", values)
        if fault:
            return fault
    return None


def _find_fault_of_one_moment(
    prepare_moment: Callable, path: Path, values: Sequence[Any]
) -> str | None:
    variables = [tf.Variable(one) for one in values]
    write = prepare_moment(variables, path)
    if path.exists():
        return "the file is written before the thread calls the function"
    for one in variables:
        one.assign_add(one)
    write()
    if not path.exists():
        return "the function that was returned has written no file at the path"
    with np.load(path) as file:
        found = [file[name].tolist() for name in file.files]
    if found != list(values):
        return f"the file holds {found}, after the variables were doubled"
    return None


def find_fault_of_halves(save: Callable, restore: Callable, folder: Path) -> str | None:
    """Say in one line what is wrong with two functions that save weights as bfloat16, or nothing.

    Args:
        save: takes a model and a prefix.
        restore: takes another model and the same prefix.
        folder: an empty one.
    """
    with hold_stderr():  # TensorFlow may write there what it thinks of float16
        return _find_fault_of_halves(save, restore, folder)


def _find_fault_of_halves(save: Callable, restore: Callable, folder: Path) -> str | None:
    saved = make_model(1)
    saved.weights[0].assign(1e6 * saved.weights[0])
    values = saved.get_weights()
    save(saved, folder / "ckpt")
    if not same_values(saved.get_weights(), values):
        return "the model that was saved has changed"
    size = sum(file.stat().st_size for file in folder.iterdir()) / 2**20
    if size > 0.6:
        return f"the files have {size:.2f} times the size of float32"
    save(make_model(1), folder / "other")  # so that the values have to come from the file
    restored = make_model(1)
    restore(restored, folder / "ckpt")
    for found, value in zip(restored.get_weights(), values, strict=True):
        if not np.isfinite(found).all():
            return "some weights are infinite"
        if not np.allclose(found, value, rtol=0.01, atol=0):
            return "the restored weights differ by more than a percent"
        if not same_values(found, _as_bfloat16(found)):
            return "the restored weights have more digits than bfloat16"
    return None


def _as_bfloat16(numbers: np.ndarray) -> np.ndarray:
    """Return the numbers with the digits that bfloat16 keeps, as float32."""
    return tf.cast(tf.cast(numbers, tf.bfloat16), tf.float32).numpy()


def _saves_of(model: keras.Model) -> dict[str, Act]:
    checkpoint = tf.train.Checkpoint(model=model)
    asynchronous = tf.train.CheckpointOptions(enable_async=True)

    def save_in_the_background(to: Path) -> None:
        checkpoint.save(to / "ckpt", asynchronous)
        checkpoint.sync()

    return {
        "Checkpoint": lambda to: checkpoint.write(to / "ckpt"),
        "Checkpoint, async": save_in_the_background,
        ".weights.h5": lambda to: model.save_weights(to / "model.weights.h5"),
        "folder": lambda to: model.save(to / "folder", zipped=False),
        ".keras": lambda to: model.save(to / "model.keras"),
        "np.savez": lambda to: np.savez(to / "model.npz", *model.get_weights()),
    }


def _print_memory(name: str, size: int) -> None:
    """Save in this process, and print its highest memory above the one before, in models.

    The first save of a process loads modules and starts threads, which takes a few MB. So a small
    model is saved first, and they do not count.
    """
    model, small = make_model(size), make_model(1)
    save, first_save = _saves_of(model)[name], _saves_of(small)[name]
    _save_and_delete(first_save)
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # forget the highest so far
    before = _kilobytes("VmRSS")
    _save_and_delete(save)
    print((_kilobytes("VmHWM") - before) / (1024 * size))


def _save_and_delete(save: Act) -> None:
    with tempfile.TemporaryDirectory() as folder:
        save(Path(folder))


def _kilobytes(name: str) -> int:
    """Return one of the numbers that Linux keeps about this process."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    [line] = [line for line in status.splitlines() if line.startswith(f"{name}:")]
    return int(line.split()[1])


if __name__ == "__main__":
    _print_memory(sys.argv[1], int(sys.argv[2]))
