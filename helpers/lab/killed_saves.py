"""Processes that die in the middle of a save, each at a chosen moment, and what they leave behind.

A save is killed by the system, in the middle of a write: as soon as a file would have more than a
given number of bytes (``RLIMIT_FSIZE``, whose signal ends a process as SIGKILL does). So each kill
comes at the same byte on every machine, however busy it is. Windows has no such limit.

As a script, this file is the program that dies.
"""

import contextlib
import json
import os
import random
import signal
import stat
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple
from unittest import mock

from helpers.draw import COLOURS
from helpers.lab import damage
from helpers.lab.film import film, without_random
from helpers.programs import Program
from helpers.recipes.save_whole import checked, save_whole

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from tabulate import tabulate

# A save is killed at so many moments while its largest file grows. The first comes before its first
# byte, and the parts of the file between two of them are equal.
IN_THE_FILE = 5
# Then in the next write to any file, in a later one, and when the save is complete.
AFTER_THE_FILE = 3
MOMENTS = IN_THE_FILE + AFTER_THE_FILE
LATER = 2  # at least so many changes in the folder lie between those two writes
# A file of so large a part of its size is complete: the times in `checkpoint` vary in their digits.
COMPLETE = 0.95

USUAL_WAYS = [
    "numbered checkpoints",
    "one checkpoint",
    "one SavedModel",
    "one .keras",
    "one .weights.h5",
    "ModelCheckpoint",
    "BackupAndRestore",
]
RECIPE = ["save_whole, .keras", "save_whole, .weights.h5"]

BEFORE, NEW, LOST = "the save before", "the new save", "lost"
OLD_FILE, UNFINISHED, TEMPORARY, NEW_FILE = "old", "unfinished", "temporary", "new"
COLOUR_OF = {
    BEFORE: COLOURS[0],
    NEW: COLOURS[2],
    LOST: COLOURS[5],
    OLD_FILE: COLOURS[0],
    NEW_FILE: COLOURS[2],
    UNFINISHED: COLOURS[5],
    TEMPORARY: COLOURS[1],
}
WIDTH = 500


class Death(NamedTuple):
    """What a save that was killed has left.

    ``restored`` is BEFORE, NEW or LOST. ``files`` says of each file that is there what it holds:
    OLD_FILE if the save has not touched it, NEW_FILE if it is as after a complete save, UNFINISHED
    if it is neither, TEMPORARY if it has a name that a complete save does not leave.
    """

    restored: str
    files: dict[str, str]


def make_model(number: float, width: int = WIDTH) -> keras.Model:
    """Make a model of two kernels, each of shape [width, width], in which every number is equal."""
    start = keras.initializers.Constant(number)
    layers = []
    for name in ["first", "second"]:
        layer = keras.layers.Dense(width, use_bias=False, kernel_initializer=start, name=name)
        layers.append(layer)
    return keras.Sequential([keras.Input([width]), *layers], name="model")


def save_in_a_way(way: str, model: keras.Model, folder: Path, number: int) -> None:
    """Save a model to a folder in one of the nine ways; the callbacks as ``fit`` calls them."""
    checkpoint = tf.train.Checkpoint(model=model)
    match way:
        case "numbered checkpoints":
            tf.train.CheckpointManager(checkpoint, folder, max_to_keep=3).save(number)
        case "one checkpoint":
            checkpoint.write(folder / "model")
        case "one SavedModel":
            shipped = tf.Module()
            shipped.weights = [weight.value for weight in model.weights]
            tf.saved_model.save(shipped, folder / "model")
        case "one .keras":
            model.save(folder / "model.keras")
        case "one .weights.h5":
            model.save_weights(folder / "model.weights.h5")
        case "ModelCheckpoint":
            callback = keras.callbacks.ModelCheckpoint(folder / "model.keras")
            callback.set_model(model)
            callback.on_epoch_end(number, {})
        case "BackupAndRestore":
            model.compile("sgd")
            callback = keras.callbacks.BackupAndRestore(folder)
            callback.set_model(model)
            callback.on_epoch_end(number)
        case "save_whole, .keras":
            save_whole(folder / "model.keras", model.save, keras.saving.load_model)
        case "save_whole, .weights.h5":
            other = make_model(0, model.input_shape[-1])
            save_whole(folder / "model.weights.h5", model.save_weights, other.load_weights)
        case _:
            raise ValueError(f"no way of saving {way!r}")


def restore_in_a_way(way: str, folder: Path, width: int = WIDTH) -> list[np.ndarray]:
    """Return the weights that a program gets which starts again.

    Raises:
        Exception: whatever the load raises where there is nothing to restore.
    """
    model = make_model(0, width)
    checkpoint = tf.train.Checkpoint(model=model)
    match way:
        case "numbered checkpoints":
            prefix = tf.train.latest_checkpoint(folder)
            checkpoint.restore(prefix).assert_existing_objects_matched()
        case "one checkpoint":
            checkpoint.read(str(folder / "model")).assert_existing_objects_matched()
        case "one SavedModel":
            model = tf.saved_model.load(folder / "model")
        case "one .keras" | "ModelCheckpoint" | "save_whole, .keras":
            model = keras.saving.load_model(folder / "model.keras")
        case "one .weights.h5" | "save_whole, .weights.h5":
            model.load_weights(folder / "model.weights.h5")
        case "BackupAndRestore":
            model.compile("sgd")
            callback = keras.callbacks.BackupAndRestore(folder)
            callback.set_model(model)
            callback.on_train_begin()
        case _:
            raise ValueError(f"no way of saving {way!r}")
    return [weight.numpy() for weight in model.weights]


def save(way: str, folder: Path, number: int, width: int = WIDTH) -> None:
    """Save a model in which every number is ``number``, in one of the ways of `save_in_a_way`."""
    save_in_a_way(way, make_model(number, width), folder, number)


def save_twice(way: str, folder: Path, width: int = WIDTH) -> None:
    """Save the number 1 and then, to the same place, the number 2."""
    for number in [1, 2]:
        save(way, folder, number, width)


def film_a_save(way: str, folder: Path) -> list[str]:
    """Save twice, and return the lines of a film of the second save. The model is tiny."""
    save(way, folder, 1, width=2)
    with film(folder) as lines:
        save(way, folder, 2, width=2)
    return lines


def save_files(folder: Path, ways: Sequence[str], width: int = 100) -> dict[Path, Callable]:
    """Save ones in some ways, and return for each new file the function that loads it.

    Args:
        folder: an empty folder.
        ways: ways of `save_in_a_way` that write only files, and no folders.
        width: of the model.

    Returns:
        By the path of each file a function that takes this path and returns a list of arrays.
    """
    loads: dict[Path, Callable] = {}
    for way in ways:
        save(way, folder, 1, width)
        for path in sorted(folder.iterdir()):
            loads.setdefault(path, loader(way, width))
    return loads


def read_values(prefix: Path) -> dict[str, Any]:
    """Read all values of a checkpoint, by their keys, without a model.

    Raises:
        tf.errors.OpError: the values do not fit the index.
    """
    reader = tf.train.load_checkpoint(prefix.as_posix())
    return {key: reader.get_tensor(key) for key in reader.get_variable_to_dtype_map()}


def loader(way: str, width: int) -> Callable[[Path], list[np.ndarray]]:
    """Make a function that takes the path of a file, and restores what was saved in its folder."""
    return lambda path: restore_in_a_way(way, path.parent, width)


def what_is_restored(way: str, folder: Path, width: int = WIDTH) -> str:
    """Try to restore; say whether it is all of save 1, BEFORE, or all of save 2, NEW, or LOST."""
    try:
        weights = restore_in_a_way(way, folder, width)
    except Exception:
        return LOST
    for number, save in [(1, BEFORE), (2, NEW)]:
        if all(np.all(weight == number) for weight in weights):
            return save
    return LOST


def kill_saves(way: str, moments: Sequence[int] = range(MOMENTS)) -> list[Death]:
    """Start a process for each moment, let it save once, and kill it there in its second save.

    Args:
        way: one of the ways of `save_in_a_way`.
        moments: from 0 for the first byte to 7 for the end of the save.

    Raises:
        RuntimeError: on Windows, or if a process did not die as it should.
    """
    if os.name != "posix":
        raise RuntimeError("only on Linux and macOS: Windows cannot kill a program at a given byte")
    complete = _sizes_after_a_save(way, make_model(2))
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda moment: _kill_a_save(way, moment, complete), moments))


def kill_each(ways: Sequence[str]) -> dict[str, list[Death]]:
    """Kill saves at all moments in each of some ways, and return the deaths by the way."""
    return {way: kill_saves(way) for way in ways}


def kill_until_damaged(script: Path, path: Path) -> int:
    """Run a script that saves to a path without end, and kill it, until the file is damaged.

    Args:
        script: gets the path as its argument, and prints a line after each save.
        path: of a file that is a zip archive when it is complete.

    Returns:
        The number of kills. The first comes at a random moment in the tenth of a second after a
        save. The span grows by a tenth of a second each time, for a machine that saves slowly.
    """
    kills = 0
    while not path.exists() or zipfile.is_zipfile(path):
        with Program(script, path) as program:
            next(program.lines())
            time.sleep(random.uniform(0, 0.1 * (1 + kills)))
        kills += 1
    return kills


def survived(deaths: Sequence[Death]) -> str:
    """Count the kills after which one of the two saves can be restored: ``"7 of 8"``."""
    lost = [death.restored for death in deaths].count(LOST)
    return f"{len(deaths) - lost} of {len(deaths)}"


def table_of_crashes(killed: Mapping[str, Sequence[Death]], after_cut: Mapping[str, str]) -> str:
    """Make a table of how many kills each way survived, and of what a power cut left of it."""
    rows = [[way, survived(deaths), after_cut[way]] for way, deaths in killed.items()]
    return tabulate(rows, ["way of saving", "kills survived", "after a power cut"])


def draw_kills(killed: Mapping[str, Sequence[Death]], lanes: Sequence[str] = ()) -> None:
    """Draw a row of squares for each way, a square for each kill, and below them what files held.

    Args:
        killed: what `kill_saves` has returned, by the way of saving.
        lanes: the ways whose files are drawn, a lane for each file.
    """
    panels = {"killed at this moment, this can be restored:": list(_rows_of_kills(killed))}
    for way in lanes:
        panels[f"{way}: what the files hold"] = list(_lanes(killed[way]))
    heights = [len(rows) + 0.6 for rows in panels.values()]
    figure, columns = plt.subplots(
        len(panels),
        figsize=(10, 1.5 + 0.36 * sum(heights)),
        height_ratios=heights,
        sharex=True,
        squeeze=False,
        layout="constrained",
    )
    for axes, (title, rows) in zip(columns[:, 0], panels.items(), strict=True):
        _draw_squares(axes, rows)
        axes.set_title(title, loc="left", fontsize=11)
    shares = [f"{100 * moment // IN_THE_FILE} %" for moment in range(IN_THE_FILE)]
    last = columns[-1, 0]
    last.set_xticks(range(MOMENTS), [*shares, "next\nwrite", "later\nwrite", "end"])
    last.set_xlabel("moment of the kill: how much of the largest file is written, and what follows")
    figure.legend(handles=_legend(bool(lanes)), loc="outside upper center", ncols=4, frameon=False)
    plt.show()


class BrokenModel:
    """A model that saves half a file, and may break off with an error, as on a full disk.

    Attributes:
        was_read: whether somebody has loaded weights into it.
    """

    def __init__(self, *, raises: bool) -> None:
        """Make a model whose save raises an OSError, or none."""
        self.was_read = False
        self._raises = raises

    def save_weights(self, path: Path | str) -> None:
        """Write the beginning of a file."""
        Path(path).write_bytes(b"half a file")
        if self._raises:
            raise OSError("the disk is full")

    def load_weights(self, path: Path | str) -> None:
        """Note that it was called."""
        self.was_read = True


def find_fault_of_save(save_safely: Callable, path: Path) -> str | None:
    """Say in one line what is wrong with a function that saves weights whole, or nothing.

    Args:
        save_safely: takes a model and a path, and has to leave a checksum beside the file.
        path: of a weights file that does not exist yet.
    """
    save_safely(make_model(5, width=2), path)
    if not path.with_name(f"{path.name}.sha256").exists():
        return "there is no checksum beside the file"
    if not _holds_fives(path):
        return "the file does not hold the weights that were saved"
    for raises in [True, False]:
        model = BrokenModel(raises=raises)
        is_refused = _raises_an_error(save_safely, model, path)
        if model.was_read:
            return "the file is read back into the model that is saved, which may change it"
        if not is_refused:
            what = "a save that failed" if raises else "a file that cannot be read back"
            return f"{what} raises no error"
    if not _holds_fives(path):
        return "a save that failed has replaced the file"
    return None


def _holds_fives(path: Path) -> bool:
    saved = make_model(0, width=2)
    saved.load_weights(checked(path))
    return all(np.all(weight == 5) for weight in saved.get_weights())


def find_fault_of_note(save: Callable, fits: Callable, path: Path) -> str | None:
    """Say in one line what is wrong with two functions that keep a note beside a file, or nothing.

    Args:
        save: takes a model and a path, saves the weights, and writes the note.
        fits: takes the path, and tells whether the file is as it was saved.
        path: of a weights file that does not exist yet.
    """
    note = path.with_name(f"{path.name}.note")
    save(make_model(3, width=2), path)
    if not path.exists() or not note.exists():
        return "the save leaves no file, or no note beside it"
    if fits(path) is not True:
        return "a file as it was saved should be True"
    good = path.read_bytes()
    for bad in damage.flipped(good, places=5):
        path.write_bytes(bad)
        if fits(path) is not False:
            return "a damaged file should be False"
    path.write_bytes(good)
    note.unlink()
    if fits(path) is not False or note.exists():
        return "a file without a note should be False, and get none"
    return None


def find_fault_of_publish(publish: Callable, shelf: Path) -> str | None:
    """Say in one line what is wrong with a function that publishes SavedModels, or nothing.

    Args:
        publish: takes a module and a folder, and returns the path of the new numbered folder.
        shelf: an empty folder.
    """
    with damage.power_cut(shelf):
        fault = _find_fault_of_publishing(publish, shelf)
    if fault:
        return fault
    for number in [1, 2, 11]:
        try:
            loaded = tf.saved_model.load(shelf / str(number))
        except (OSError, ValueError, tf.errors.OpError):
            return f"after a power cut {number} cannot be loaded"
        if loaded.x.numpy() != number:
            return f"{number} holds another number"
    return None


def _find_fault_of_publishing(publish: Callable, shelf: Path) -> str | None:
    module = tf.Module()
    for number in [1, 2, 11]:
        if number == 11:
            for name in ["9", "10"]:
                (shelf / name).mkdir()
                (shelf / name / "of_others").touch()
        module.x = tf.Variable(float(number))
        with _watch_flushes(shelf, number) as faults:
            published = publish(module, shelf)
        if Path(published) != shelf / str(number):
            return f"save {number} was published as {Path(published).name}"
        if faults:
            return faults[0]
    if not _raises_an_error(publish, "no module", shelf):
        return "a save that fails raises no error"
    names = sorted(path.name for path in shelf.iterdir())
    if names != ["1", "10", "11", "2", "9"]:
        return f"after a save that failed, {names} are there"
    return None


@contextlib.contextmanager
def _watch_flushes(shelf: Path, number: int) -> Iterator[list[str]]:
    """Yield a list that gets what is wrong when a file of a new numbered folder is flushed."""
    faults: list[str] = []
    flush = os.fsync

    def watched(descriptor: int) -> None:
        flush(descriptor)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return
        if (shelf / str(number)).exists():
            faults.append(f"{number} was there before its files were flushed")
        elif all(path.name.isdigit() for path in shelf.iterdir()):
            faults.append("the temporary folder is not inside the folder")

    with mock.patch("os.fsync", watched):
        yield faults


def _raises_an_error(function: Callable, *arguments: Any) -> bool:
    try:
        function(*arguments)
    except (OSError, ValueError):
        return True
    return False


def _rows_of_kills(killed: Mapping[str, Sequence[Death]]) -> Iterator[tuple[str, list[str]]]:
    for way, deaths in killed.items():
        yield way, [COLOUR_OF[death.restored] for death in deaths]


def _lanes(deaths: Sequence[Death]) -> Iterator[tuple[str, list[str]]]:
    for name in _names(deaths):
        states = [death.files.get(name) for death in deaths]
        yield _short(name), [COLOUR_OF[state] if state else "" for state in states]


def _names(deaths: Sequence[Death]) -> list[str]:
    """List the names of all files: those of the save before, then others as they appear."""
    first = deaths[0].files
    old = [name for name in first if first[name] != TEMPORARY]
    names = [name for death in deaths for name in death.files]
    return list(dict.fromkeys(old + names))


def _short(name: str) -> str:
    return name.replace("-00000-of-00001", "").replace(".tempstate…", "")


def _draw_squares(axes: Axes, rows: Sequence[tuple[str, list[str]]]) -> None:
    for number, (_, colours) in enumerate(rows):
        for moment, colour in enumerate(colours):
            if colour:
                axes.barh(number, 0.94, 0.78, moment - 0.47, color=colour)
    axes.set(ylim=(len(rows) - 0.5, -0.5), xlim=(-0.6, MOMENTS - 0.4))
    axes.set_yticks(range(len(rows)), [name for name, _ in rows])
    axes.axvline(IN_THE_FILE - 0.5, color="black", lw=1, ls=":")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def _legend(with_files: bool) -> list[Patch]:
    labels = {
        BEFORE: "the save before; an old file",
        NEW: "the new save; a new file",
        LOST: "both lost; an unfinished file",
    }
    if with_files:
        labels[TEMPORARY] = "a temporary file"
    else:
        labels = {state: label.partition(";")[0] for state, label in labels.items()}
    return [Patch(color=COLOUR_OF[state], label=label) for state, label in labels.items()]


def _kill_a_save(way: str, moment: int, complete: dict[str, int]) -> Death:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Program(__file__, way, folder, moment, max(complete.values())) as program:
            printed = list(program.lines())
        if len(printed) != 1:
            last = printed[-1] if printed else "it printed nothing"
            raise RuntimeError(f"a worker was to die in its second save, but: {last}")
        files = _judge_files(_look(folder), json.loads(printed[0]), complete)
        return Death(what_is_restored(way, folder), files)


def _sizes_after_a_save(way: str, model: keras.Model) -> dict[str, int]:
    """Return the size of each file that a complete save number 2 leaves.

    A few bytes depend on the model object: Keras writes down a number that Python gave it.
    """
    with tempfile.TemporaryDirectory() as name:
        save_in_a_way(way, model, Path(name), 2)
        return _sizes(Path(name))


def _judge_files(
    found: dict[str, list[int]], before: dict[str, list[int]], complete: dict[str, int]
) -> dict[str, str]:
    """Say of each file what it holds, from what was there before and the sizes after a save."""
    states = {}
    for name, status in found.items():
        if status == before.get(name):
            state = OLD_FILE
        elif name not in complete:
            state = TEMPORARY
        elif status[-1] > COMPLETE * complete[name]:
            state = NEW_FILE
        else:
            state = UNFINISHED
        states[without_random(name)] = state
    return states


def _look(folder: Path) -> dict[str, list[int]]:
    """Return inode, time and size of each file below a folder, by its name in the folder."""
    found = {}
    for above, _, names in os.walk(folder):
        for name in sorted(names):
            path = Path(above, name)
            status = path.stat()
            numbers = [status.st_ino, status.st_mtime_ns, status.st_size]
            found[path.relative_to(folder).as_posix()] = numbers
    return found


def _sizes(folder: Path) -> dict[str, int]:
    """Return the size of each file. Its time is coarse: two writes may have the same."""
    return {name: size for name, (_, _, size) in _look(folder).items()}


# The program that dies


def _save_and_die(way: str, folder: Path, moment: int, largest: int) -> None:
    """Save the number 1 and then 2, and die in the second save. Before it, print what is there."""
    save(way, folder, 1)
    print(json.dumps(_look(folder)), flush=True)

    model = make_model(2)
    if moment < IN_THE_FILE:
        _die_at_byte(largest * moment // IN_THE_FILE)
    elif moment < MOMENTS - 1:
        exactly = max(_sizes_after_a_save(way, model).values())
        changes = LATER * (moment - IN_THE_FILE)
        sys.setprofile(_after_each_call(folder, exactly, changes))
    save_in_a_way(way, model, folder, 2)
    sys.setprofile(None)
    os.kill(os.getpid(), signal.SIGKILL)


def _die_at_byte(size: int) -> None:
    """Let the system end this process in a write by which a file would grow over a size."""
    import resource  # Windows has none

    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def _after_each_call(
    folder: Path, largest: int, changes: int
) -> Callable[[FrameType, str, Any], None]:
    """Make a function for ``sys.setprofile``, which Python calls after each function in C.

    Once the largest file is complete, and then so many changes were seen, the next byte is fatal.
    """
    seen = _sizes(folder)
    remaining: int | None = None

    def look(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal seen, remaining
        if event not in ("c_return", "c_exception"):
            return
        sys.setprofile(None)  # what we call here is no part of the save
        now = _sizes(folder)
        changed = [size for name, size in now.items() if size != seen.get(name)]
        if remaining is None:
            if any(size >= largest for size in changed):
                remaining = changes
        elif now != seen:
            remaining -= 1
        seen = now
        if remaining == 0:
            _die_at_byte(0)
            return
        sys.setprofile(look)

    return look


if __name__ == "__main__":
    _save_and_die(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
