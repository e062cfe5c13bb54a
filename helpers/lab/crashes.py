"""A stand-in for a training, folders as crashes leave them, and starts in these folders.

One step of the training adds 1 to the variable ``step``, and each step is saved.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any
from unittest import mock

from helpers.draw import COLOURS
from helpers.lab import crash_scripts
from helpers.lab.damage import note_flushes
from helpers.programs import Program
from helpers.runs import new_folder

import filelock
import matplotlib.pyplot as plt
import tensorflow as tf

LIST_OF_TWO = b"""\
model_checkpoint_path: "ckpt-2"
all_model_checkpoint_paths: "ckpt-1"
all_model_checkpoint_paths: "ckpt-2"
all_model_checkpoint_timestamps: 1.5
all_model_checkpoint_timestamps: 2.5
"""
# What the file ``checkpoint`` holds after a crash. None: there is no such file.
DAMAGES = {
    "missing": None,
    "empty": b"",
    "zeros": bytes(250),
    "garbage": b"\xff\xfe",
    "behind by one": LIST_OF_TWO,
}

MOST_GLANCES = 10_000  # for the temporary folder, before a kill is taken for one that has missed

WITHOUT_LOCK = "a manager was made, or has saved, without the lock"

# Chooses the prefix to restore from a folder, or None to start from the beginning.
Choose = Callable[[Path], str | None]


def make_state() -> tf.train.Checkpoint:
    """Return a new training: its weights, and the number of its step."""
    return tf.train.Checkpoint(weights=tf.Variable(tf.ones([4, 3])), step=tf.Variable(0))


def make_manager(state: tf.train.Checkpoint, folder: Path) -> tf.train.CheckpointManager:
    """Return a manager that keeps three checkpoints."""
    return tf.train.CheckpointManager(state, folder, max_to_keep=3)


def train(state: tf.train.Checkpoint, manager: tf.train.CheckpointManager, steps: int) -> None:
    """Train until a step, and save each one under its number."""
    while state.step < steps:
        state.step.assign_add(1)
        manager.save(checkpoint_number=state.step)


def numbers_in(folder: Path) -> list[int]:
    """Return the numbers of the checkpoints in a folder, in order."""
    return sorted(int(index.stem.split("-")[1]) for index in folder.glob("ckpt-*.index"))


def damage(folder: Path, how: str) -> None:
    """Damage the list of checkpoints in a folder in one of the ``DAMAGES``."""
    listed = folder / "checkpoint"
    listed.unlink(missing_ok=True)
    content = DAMAGES[how]
    if content is not None:
        listed.write_bytes(content)


@dataclass
class Watched:
    """What was seen of the saves of managers.

    Attributes:
        had_lock: whether each manager was made, and has saved, while somebody held the lock.
        saved: the inode of the index of each save.
        flushed: the inodes of all that was flushed.
    """

    had_lock: bool = True
    saved: set[int] = field(default_factory=set)
    flushed: set[int] = field(default_factory=set)

    @property
    def all_flushed(self) -> bool:
        """Whether each save was flushed."""
        return self.saved <= self.flushed


@contextlib.contextmanager
def watch_managers(folder: Path) -> Iterator[Watched]:
    """Watch all managers that are made in the block, and save to one folder."""
    manager = tf.train.CheckpointManager
    make, save = manager.__init__, manager.save
    watched = Watched()

    def make_watched(self: Any, *arguments: Any, **options: Any) -> None:
        watched.had_lock &= _is_locked(folder)
        make(self, *arguments, **options)

    def save_watched(self: Any, *arguments: Any, **options: Any) -> str:
        watched.had_lock &= _is_locked(folder)
        prefix = save(self, *arguments, **options)
        watched.saved.add(Path(f"{prefix}.index").stat().st_ino)
        return prefix

    watching = mock.patch.multiple(manager, __init__=make_watched, save=save_watched)
    with note_flushes() as flushed, watching:
        watched.flushed = flushed
        yield watched


def find_fault_of_training(train_seldom: Callable, folder: Path) -> str | None:
    """Say in one line what is wrong with a training that saves every so many steps, or nothing.

    Args:
        train_seldom: takes a folder, the last step, and the number of steps between two saves.
        folder: an empty folder.
    """
    for steps, every, wanted in [(12, 5, [5, 10, 12]), (16, 7, [12, 14, 16])]:
        with watch_managers(folder) as watched:
            train_seldom(folder, steps, every)
        if numbers_in(folder) != wanted:
            return f"up to step {steps}, every={every}: other saves are left"
        if not watched.all_flushed:
            return "not every save was flushed"
        if not watched.had_lock:
            return WITHOUT_LOCK
        damage(folder, "missing")
    state = make_state()
    state.restore(str(folder / "ckpt-16")).assert_consumed()
    return None if state.step == 16 else "ckpt-16 holds another step"


def find_fault_of_start(start_again: Callable, parent: Path) -> str | None:
    """Say in one line what is wrong with a program that starts after each damage, or nothing.

    Args:
        start_again: takes a folder, and makes three more steps at each call.
        parent: of the folders that are made.
    """
    for how in DAMAGES:
        folder = crash(parent, how, weight=2.0)
        remains = new_folder(folder, "ckpt-99_temp")
        for call, wanted in [(1, [4, 5, 6]), (2, [7, 8, 9])]:
            with watch_managers(folder) as watched:
                start_again(folder)
            found = numbers_in(folder)
            known = make_manager(make_state(), folder).checkpoints
            if found != wanted or len(known) != 3:
                return f"list {how}, call {call}: {found}, {len(known)} listed"
            if not _has_weights(folder / f"ckpt-{wanted[-1]}", 2.0):
                return f"list {how}, call {call}: other weights than before the crash"
        if remains.exists():
            return f"list {how}: the remains of a save are left"
        if not watched.had_lock:
            return WITHOUT_LOCK
    return None


def _has_weights(prefix: Path, weight: float) -> bool:
    """Say whether all weights in a checkpoint have this value."""
    state = make_state()
    state.restore(str(prefix)).assert_consumed()
    return bool((state.weights.numpy() == weight).all())


def _is_locked(folder: Path) -> bool:
    """Say whether somebody, perhaps this program, is the only writer of a folder."""
    try:
        with filelock.FileLock(folder / ".writer").acquire(blocking=False):
            return False
    except filelock.Timeout:
        return True


def crash(parent: Path, how: str | None = None, weight: float = 1.0) -> Path:
    """Make and return a folder with the checkpoints 1, 2 and 3, and perhaps a damaged list.

    Args:
        parent: of the new folder.
        how: one of the ``DAMAGES``, or None for an intact list.
        weight: that all weights in the checkpoints have. A new training has 1.0.
    """
    folder = new_folder(parent, "crash")
    state = make_state()
    state.weights.assign(tf.fill(state.weights.shape, weight))
    train(state, make_manager(state, folder), steps=3)
    if how:
        damage(folder, how)
    return folder


def start(folder: Path, choose: Choose) -> str:
    """Start in a folder after a crash, train three steps, and say what happened.

    Returns:
        The step after which it went on and the number of checkpoints that are left then, or the
        name of the error with which it could not start.
    """
    state = make_state()
    try:
        prefix = choose(folder)
        manager = make_manager(state, folder)
    except ValueError as error:
        return type(error).__name__
    if prefix:
        state.restore(prefix).assert_consumed()
    after = int(state.step)
    train(state, manager, steps=after + 3)
    return f"after {after}, {len(numbers_in(folder))} left"


def start_after_each_damage(parent: Path, ways: Sequence[Choose]) -> list[list[str]]:
    """Return a row for each damage: its name, and what a start says that chooses in each way."""
    rows = []
    for how in DAMAGES:
        said = [start(crash(parent, how), choose) for choose in ways]
        rows.append([how, *said])
    return rows


def count_after_crashes(parent: Path, choose: Choose, crashes: int) -> list[int]:
    """Count the checkpoints in a new folder after each of some crashes.

    Each process trains three steps, and is killed after its fourth save, before that is listed.
    """
    folder = new_folder(parent, "count")
    counts = []
    for _ in range(crashes):
        state = make_state()
        prefix = choose(folder)
        manager = make_manager(state, folder)
        if prefix:
            state.restore(prefix).expect_partial()
        train(state, manager, steps=int(state.step) + 3)
        state.step.assign_add(1)
        state.write(folder / f"ckpt-{int(state.step)}")  # saves, and lists nothing
        counts.append(len(numbers_in(folder)))
    return counts


def draw_counts(before: Sequence[int], after: Sequence[int], labels: Sequence[str]) -> None:
    """Draw the number of checkpoints over the number of crashes, orange before and blue after."""
    _, axes = plt.subplots(figsize=(8, 3.2), layout="constrained")
    styles: Mapping[str, Sequence[int]] = dict(zip(labels, [before, after], strict=True))
    for (label, counts), colour in zip(styles.items(), [COLOURS[5], COLOURS[0]], strict=True):
        crashes = range(1, len(counts) + 1)
        axes.plot(crashes, counts, "o-", color=colour, lw=2.5)
        axes.annotate(
            label,
            (crashes[-1], counts[-1]),
            xytext=(12, 0),
            textcoords="offset points",
            va="center",
        )
    axes.margins(x=0.02)
    axes.set_xlim(0.5, 1.3 * len(before))
    axes.set(ylim=(0, max(before) + 1), xlabel="crashes", ylabel="checkpoints in the folder")
    axes.set_xticks(range(1, len(before) + 1))


def kill_a_save(folder: Path) -> None:
    """Kill a process in the middle of a save to a folder, so that something is left of it."""
    while not any(folder.glob("*_temp")):  # a kill may miss the save
        with Program(crash_scripts.__file__, "save", folder) as program:
            next(program.lines())
            for _ in range(MOST_GLANCES):
                if any(folder.glob("*_temp")):
                    break
                time.sleep(0.001)


def kill_a_start(parent: Path, number: int) -> tuple[Path, str]:
    """Kill a start before one of its changes to the disk, counted from 1.

    The folder has three checkpoints, a damaged list, and remains of a fourth save.

    Returns:
        The folder, and before which change the kill came.
    """
    folder = crash(parent, "garbage")
    remains = new_folder(folder, "ckpt-4_temp")
    (remains / "part-00000-of-00001.index").touch()
    with Program(crash_scripts.__file__, "start", folder, number) as program:
        said = next(program.lines())
    return folder, said


def fill_the_disk(folder: Path) -> str:
    """Let a process save three checkpoints, the last on a full disk, and return what it prints."""
    with Program(crash_scripts.__file__, "full_disk", folder) as program:
        return program.wait()


def kill_after_lines(script: Path | str, folder: Path, lines: int) -> list[str]:
    """Run a script once for each of the ``DAMAGES``, kill it, and damage its list; then to its end.

    Args:
        script: is given the folder as its argument.
        folder: of its checkpoints.
        lines: that are read before each kill.

    Returns:
        All lines that all processes have printed.
    """
    printed: list[str] = []
    for how in DAMAGES:
        with Program(script, folder) as program:
            output = program.lines()
            printed += islice(output, lines)
        printed += output  # what it has printed between the last line and the kill
        damage(folder, how)
    with Program(script, folder) as program:
        return printed + program.wait().splitlines()
