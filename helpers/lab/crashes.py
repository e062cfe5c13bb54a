"""A stand-in for a training, folders as crashes leave them, and starts in these folders.

One step of the training adds 1 to the variable ``step``, and each step is saved.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path

from helpers.draw import COLOURS
from helpers.lab import crash_scripts
from helpers.programs import Program
from helpers.runs import new_folder

import keras
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

# Chooses the prefix to restore from a folder, or None to start from the beginning.
Choose = Callable[[Path], str | None]


def make_state() -> tf.train.Checkpoint:
    """Return a new training: a small model, and the number of its step."""
    network = [keras.Input((4,)), keras.layers.Dense(3)]
    return tf.train.Checkpoint(model=keras.Sequential(network), step=tf.Variable(0))


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


def crash(parent: Path, how: str) -> Path:
    """Make and return a folder with the checkpoints 1, 2 and 3, and a damaged list."""
    folder = new_folder(parent, "crash")
    state = make_state()
    train(state, make_manager(state, folder), steps=3)
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


def count_after_crashes(folder: Path, choose: Choose, crashes: int) -> list[int]:
    """Count the checkpoints in a folder after each of some crashes.

    Each process trains three steps, and is killed after its fourth save, before that is listed.
    """
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
    axes.set_xlim(0.5, 1.45 * len(before))
    axes.set(ylim=(0, max(before) + 1), xlabel="crashes", ylabel="checkpoints in the folder")
    axes.set_xticks(range(1, len(before) + 1))


def kill_a_save(folder: Path) -> None:
    """Kill a process in the middle of a save to a folder, so that something is left of it."""
    while not any(folder.glob("*_temp")):  # a kill may miss the save
        with Program(crash_scripts.__file__, "save", folder) as program:
            next(program.lines())
            time.sleep(0.01)


def run_and_kill(script: Path | str, folder: Path, lines: int) -> list[str]:
    """Run a script, kill it after it has printed some lines, and return all that it printed."""
    with Program(script, folder) as program:
        output = program.lines()
        printed = list(islice(output, lines))
    return printed + list(output)
