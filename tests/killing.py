"""Kill programs at random moments, for the tests of what is left.

As a command, it kills the training of ``helpers/recipes/train_loop.py`` as often as you like, and
the saves of the other recipes as often. The tests kill each a few times only:

    python -m tests.killing 200
"""

import copy
import importlib
import itertools
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

# Prints every loss in all digits, and starts within a second in a fork that has TensorFlow.
TRAINING = """
import sys

from helpers.recipes.train_loop import train

folder, steps, save_every = sys.argv[1:]
print("started", flush=True)
train(folder, int(steps), int(save_every))
"""
STEPS = 60
SAVE_EVERY = 3
KEPT = ["ckpt-54", "ckpt-57", "ckpt-60"]
# The tests whose recipes are killed in a save, each with its arguments.
KILLED_SAVES = [
    ("test_restart",),
    ("test_save_whole", ".keras"),
    ("test_save_whole", ".weights.h5"),
    ("test_background_save",),
]


def kill_in_a_save(program, script, parent, *arguments):
    """Kill a script at a random moment of its third save or of a later one.

    The script is given a new folder and the arguments. It saves the numbers 1, 2, 3 … there, and
    prints ``saving 1`` before the first and ``saved 1`` after it. Where a kill came between two
    saves, the script is started again, in a folder of its own.

    Returns:
        The folder, and the number of the save that was cut off.
    """
    while True:
        folder = new_folder(parent)
        with program(script, folder, *arguments) as running:
            lines = running.lines()
            printed = [next(lines) for _ in range(3)]
            start = time.perf_counter()
            printed += [next(lines) for _ in range(2)]
            length_of_a_save = time.perf_counter() - start
            time.sleep(random.random() * length_of_a_save)
        printed += lines
        word, number = printed[-1].split()
        if word == "saving":
            return folder, int(number)
        assert word == "saved", printed[-1]


def new_folder(parent):
    for number in itertools.count(1):
        folder = parent / str(number)
        if not folder.exists():
            folder.mkdir(parents=True)
            return folder


def damage(state, how):
    """Damage the file ``checkpoint`` of a folder, if there is one, in one of the ``DAMAGES``."""
    if not state.exists():
        return
    if how == "missing":
        state.unlink()
    elif how == "empty":
        state.write_bytes(b"")
    elif how == "zeros":
        state.write_bytes(bytes(state.stat().st_size))
    elif how == "garbage":
        state.write_bytes(b"\xff\xfe\x00abc")
    elif how == "behind by one":
        forget_the_newest(state)


def forget_the_newest(state):
    """Let it list all checkpoints but the newest, as after a kill just before it is written."""
    numbers = sorted(int(path.stem.split("-")[1]) for path in state.parent.glob("ckpt-*.index"))
    listed = [f"ckpt-{number}" for number in numbers[:-1]]
    if listed:
        lines = [f'model_checkpoint_path: "{listed[-1]}"']
        lines += [f'all_model_checkpoint_paths: "{name}"' for name in listed]
        lines += ["all_model_checkpoint_timestamps: 1700000000.5" for _ in listed]
        state.write_text("\n".join(lines), encoding="utf-8")


DAMAGES = ["missing", "empty", "zeros", "garbage", "behind by one"]


class Life(NamedTuple):
    """What one process of a training has printed."""

    goes_on_after: int | None
    losses: dict[int, str]
    saved: list[int]

    @classmethod
    def read(cls, printed):
        goes_on_after = None
        losses = {}
        saved = []
        for line in printed:
            words = line.split()
            if line.startswith("going on after ckpt-"):
                goes_on_after = int(line.removeprefix("going on after ckpt-"))
            elif line.startswith("saved ckpt-"):
                saved.append(int(line.removeprefix("saved ckpt-")))
            elif words[0] == "step" and len(words) == 4:
                losses[int(words[1])] = words[3]
            else:
                # A kill may cut the last line off, and nothing else may be printed.
                is_known = line in ("started", printed[-1])
                assert is_known, printed
        return cls(goes_on_after, losses, saved)


class Count:
    """What the kills of some trainings have done."""

    def __init__(self):
        self.kills = 0
        self.before_a_step = 0
        self.in_a_save = 0
        self.lost = 0
        self.other_losses = 0
        self.other_weights = 0
        self.leaked = []
        self.trainings = 0

    def __str__(self):
        return (
            f"{self.kills} kills in {self.trainings} trainings "
            f"({self.before_a_step} before the first step, {self.in_a_save} in a save): "
            f"{self.lost} lost, {self.other_losses} other losses, "
            f"{self.other_weights} other weights, {len(self.leaked)} files leaked"
        )


class Killer:
    """Trains without an interruption, and then kills trainings and compares."""

    def __init__(self, program, folder):
        self.program = program
        self.folder = folder
        self.draw = random.Random()
        self.script = folder / "training.py"
        self.script.write_text(TRAINING, encoding="utf-8")
        self.whole = folder / "whole"
        with self.start(self.whole) as running:
            lines = running.lines()
            printed = [next(lines), next(lines)]
            start = time.perf_counter()
            printed += lines
            self.seconds_a_line = (time.perf_counter() - start) / len(printed)
        self.expected = Life.read(printed)
        assert len(self.expected.losses) == STEPS
        self.count = Count()

    def of_another_training(self, text, draw):
        """Return a killer of a changed training, which compares with the same whole one."""
        other = copy.copy(self)
        other.folder = new_folder(self.folder / "another")
        other.script = other.folder / "training.py"
        other.script.write_text(text, encoding="utf-8")
        other.draw = draw
        other.count = Count()
        return other

    def start(self, folder):
        return self.program(self.script, folder, STEPS, SAVE_EVERY)

    def kill(self, times):
        """Kill trainings, each in a folder of its own, until this many kills have hit one."""
        while self.count.kills < times:
            self.train_with_kills(new_folder(self.folder / "killed"), times)
        return self.count

    def train_with_kills(self, folder, times):
        last_saved = None
        while self.count.kills < times:
            life = self.live(folder)
            self.judge(life, last_saved)
            last_saved = max([*life.saved, last_saved or 0]) or None
            if STEPS in life.losses and STEPS in life.saved:
                break
            self.count.kills += 1
            damage(folder / "checkpoint", self.draw.choice(["none", *DAMAGES]))
        life = Life.read(self.start(folder).wait().splitlines())
        self.judge(life, last_saved)
        self.judge_end(folder)

    def live(self, folder):
        """Start a training and kill it after some lines, or before, at a random moment."""
        number_of_lines = self.draw.randrange(10)
        with self.start(folder) as running:
            lines = running.lines()
            printed = list(itertools.islice(lines, number_of_lines))
            time.sleep(2 * self.seconds_a_line * self.draw.random())
        printed += lines
        life = Life.read(printed)
        if not life.losses:
            self.count.before_a_step += 1
        elif max(life.losses) % SAVE_EVERY == 0 and max(life.losses) not in life.saved:
            self.count.in_a_save += 1
        return life

    def judge(self, life, last_saved):
        first = min(life.losses, default=None)
        begins_after = life.goes_on_after
        if begins_after is None and first is not None:
            begins_after = first - 1
        if last_saved and begins_after is not None and begins_after < last_saved:
            self.count.lost += 1
        for step, loss in life.losses.items():
            if loss != self.expected.losses[step]:
                self.count.other_losses += 1

    def judge_end(self, folder):
        self.count.trainings += 1
        self.count.other_weights += count_differences(self.whole, folder)
        names = {path.name for path in folder.iterdir()}
        expected = {path.name for path in self.whole.iterdir()}
        self.count.leaked += sorted(names - expected)
        assert names >= expected


def count_differences(one, other):
    """Return how many tensors of the last checkpoints differ, of those that are numbers."""
    import tensorflow as tf

    readers = [tf.train.load_checkpoint(str(folder / KEPT[-1])) for folder in [one, other]]
    types = readers[0].get_variable_to_dtype_map()
    assert types == readers[1].get_variable_to_dtype_map()
    differences = 0
    for name, dtype in types.items():
        if dtype in (tf.variant, tf.string):
            continue
        first, second = (np.asarray(reader.get_tensor(name)) for reader in readers)
        if first.tobytes() != second.tobytes():
            differences += 1
    return differences


def main():
    times = int(sys.argv[1])
    importlib.import_module("helpers")  # first of all, so that TensorFlow's log is quiet
    program = importlib.import_module("helpers.programs").Program

    with tempfile.TemporaryDirectory() as folder:
        killer = Killer(program, Path(folder))
        for target in range(20, times + 20, 20):
            print(killer.kill(min(target, times)), flush=True)
    for name, *arguments in KILLED_SAVES:
        kill_saves = importlib.import_module(f"tests.{name}").kill_saves
        with tempfile.TemporaryDirectory() as folder:
            kill_saves(importlib.import_module, Path(folder), times, *arguments)
        print(*[name, *arguments], f"{times} kills in a save: nothing is lost", flush=True)


if __name__ == "__main__":
    main()
