"""A training loop to copy: killed at any moment and started again, it goes on as if never stopped.

Needs TensorFlow.

Copy this file, and replace the three functions at its top by yours: ``make_model``, ``make_data``
and ``make_step``. Then this command trains, and the same command goes on after a kill, a crash of
the machine, or a damaged file:

    python train_loop.py saves

The losses and the weights are the same to the last bit as without any interruption:

>>> from train_loop import train
>>> finished = train("saves", steps=4, save_every=2)  # doctest: +ELLIPSIS
step 1 loss ...
step 2 loss ...
saved ckpt-2
step 3 loss ...
step 4 loss ...
saved ckpt-4
>>> finished = train("saves", steps=6, save_every=2)  # doctest: +ELLIPSIS
going on after ckpt-4
step 5 loss ...
step 6 loss ...
saved ckpt-6
>>> finished
True

What is promised. One program at a time writes to the folder. A killed program (SIGKILL, out of
memory) loses the steps since its last ``saved`` line. So does a machine that crashes or loses its
power, on a local disk of Linux or macOS that writes what it is told to flush. A program that is
asked to stop (SIGTERM) saves first and loses nothing. Each save deletes the old checkpoints, those
of killed programs too.

What is not promised. Network drives and object stores (``gs://…``, Google Drive): there a lock may
not lock, and a flush may not flush. A URL is refused; the course's ``far_away.py`` publishes to
one what was saved here. Windows cannot flush a folder, so after a power cut its newest
checkpoint may be missing. ``keras.random`` without a seed, ``tf.random.normal`` in the step, and
Python code in the data pipeline (``from_generator``, ``py_function``) cannot be resumed. A
pipeline with ``deterministic=False`` goes on, but in another order.

The price. Each save waits until the disk has everything, which takes as long as the save itself or
several times as long. Each start reads one checkpoint twice, to know that it is intact.

The course's ``restart.py`` holds what keeps the folder in order, for a loop that you have already,
and explains it.
"""

import contextlib
import os
import re
import shutil
import signal
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import keras
import numpy as np
import tensorflow as tf

SEED = 1
STEPS = 200  # train until this step
# With few steps between two saves, little is lost, and much time goes into saving. The least is
# lost in all with sqrt(2 * seconds of a save * mean seconds between two failures) between saves.
SAVE_EVERY = 10  # steps
KEEP = 3  # checkpoints: two or more, because an old one is deleted before the new one is flushed


# 1. Replace these three by yours.


def make_model() -> tuple[keras.Model, keras.Optimizer]:
    """Return a new model and its optimizer."""
    layers = [
        keras.Input((64,)),
        keras.layers.Dense(128, activation="relu"),
        keras.layers.Dropout(0.5, seed=2),  # gives it a random generator that can be saved
        keras.layers.Dense(10),
    ]
    rate = keras.optimizers.schedules.CosineDecay(0.02, decay_steps=STEPS, alpha=0.1)
    return keras.Sequential(layers), keras.optimizers.Adam(rate)


def make_data() -> tf.data.Dataset:
    """Return batches without an end: here 64 of 320 images, and their classes."""
    random = np.random.default_rng(0)
    images = tf.constant(random.normal(size=(320, 64)), tf.float32)
    classes = tf.argmax(images[:, :10], axis=1)

    def look_up(chosen: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.gather(images, chosen), tf.gather(classes, chosen)

    # Each checkpoint holds what waits in the shuffle buffer. Numbers are smaller than images.
    order = tf.data.Dataset.range(320).shuffle(320, seed=1).repeat().batch(64)
    return order.map(look_up)


def make_step(state: dict[str, Any]) -> Callable[..., tf.Tensor]:
    """Return a function that trains on one batch and returns the loss."""
    model = state["model"]
    optimizer = state["optimizer"]
    generator = state["generator"]
    compute_loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @tf.function
    def train_step(images: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
        noise = generator.normal(tf.shape(images), stddev=0.1)
        with tf.GradientTape() as tape:
            loss = compute_loss(classes, model(images + noise, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
        return loss

    return train_step


# 2. Everything that changes while we train. What is missing here is lost at every start.


def make_state() -> dict[str, Any]:
    """Return the six parts of a training, new. A seventh, for example a metric, is added here."""
    keras.utils.set_random_seed(SEED)
    model, optimizer = make_model()
    optimizer.build(model.trainable_variables)  # otherwise it has nothing to restore into
    return {
        "model": model,
        "optimizer": optimizer,
        "step": tf.Variable(0, dtype=tf.int64),
        "iterator": iter(make_data()),
        "generator": tf.random.Generator.from_seed(SEED),
        "seeds": find_seeds(model),
    }


def find_seeds(model: keras.Model) -> list[tf.Variable]:
    """Return the states of the model's dropout layers, which ``Checkpoint`` does not find."""
    variables = model.non_trainable_variables
    return [one.value for one in variables if one.path.endswith("seed_generator_state")]


# 3. The loop.


def train(folder: Path | str, steps: int = STEPS, save_every: int = SAVE_EVERY) -> bool:
    """Train until a step, from the newest intact checkpoint in a folder, which is made if missing.

    It prints the loss of each step, and each save once it is on the disk.

    Returns:
        True if the last step is done, False if SIGTERM has asked us to stop before.

    Raises:
        FolderError: the folder cannot be used, it is a URL, or another program writes to it.
    """
    refuse_url(folder)
    folder = make_folder(Path(folder))
    with only_writer(folder), stop_request() as stop:
        state = make_state()
        checkpoint = tf.train.Checkpoint(**state)
        prefix = adopt(folder)
        if prefix:
            restore(checkpoint, prefix)
        manager = tf.train.CheckpointManager(checkpoint, folder, max_to_keep=KEEP)

        train_step = make_step(state)
        step = int(state["step"])
        is_over = step >= steps
        while not is_over:
            loss = train_step(*next(state["iterator"]))
            step += 1
            state["step"].assign(step)
            print("step", step, "loss", float(loss), flush=True)

            # Ask once: a request that comes a line later is for the next step, which is saved.
            is_over = step >= steps or stop.has_come
            is_due = step % save_every == 0
            if is_due or is_over:
                save(manager, folder, step)
        return step >= steps


def restore(checkpoint: tf.train.Checkpoint, prefix: Path) -> None:
    """Restore every part, or say that the checkpoint is of another program."""
    try:
        checkpoint.restore(str(prefix)).assert_consumed()
    except (AssertionError, ValueError, tf.errors.OpError) as error:
        raise FolderError(
            f"{prefix.as_posix()} does not fit this program: train in another folder"
        ) from error
    print("going on after", prefix.name, flush=True)


def save(manager: tf.train.CheckpointManager, folder: Path, step: int) -> None:
    """Save, and return when the checkpoint is on the disk."""
    prefix = Path(manager.save(checkpoint_number=step))
    flush(folder, files_of(prefix))
    print("saved", prefix.name, flush=True)


# 4. What keeps the folder in order. Nothing below needs a change.

CHECKPOINT_FILE = re.compile(r"ckpt-(\d+)\.(index|data-\d{5}-of-\d{5})")
# What TensorFlow leaves when it is killed in a save. It never deletes these.
LEFT_BEHIND = re.compile(r"ckpt-\d+_temp|ckpt-.+\.tempstate\d+|checkpoint\.tmp[0-9a-f]{32}")
# Lies in the folder until the first save is on the disk. It tells a first save that a crash cut
# off, which is no loss, from a last checkpoint that has gone bad.
NO_SAVE_YET = ".no-save-yet"
# A URL, also after pathlib has taken one of its slashes. A single letter is a drive of Windows.
URL = re.compile(r"[A-Za-z][\w+.-]+:/")


class FolderError(Exception):
    """A folder cannot be used for this training."""


class StopRequest:
    """Says whether somebody has asked this program to stop."""

    has_come = False

    def note(self, number: int, frame: FrameType | None) -> None:
        """Note it and do nothing else: a signal may come in the middle of a step."""
        self.has_come = True


@contextlib.contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Let SIGTERM ask us to stop. Clusters send it some 30 seconds before they kill."""
    request = StopRequest()
    before = signal.signal(signal.SIGTERM, request.note)
    try:
        yield request
    finally:
        signal.signal(signal.SIGTERM, before)


def refuse_url(folder: Path | str) -> None:
    """Stop where a Path would make a local folder named ``gs:``, which dies with the machine."""
    text = os.fspath(folder).replace("\\", "/")
    if URL.match(text):
        raise FolderError(
            f"{text} is a URL: train in a local folder, and publish each save with far_away.py"
        )


def make_folder(folder: Path) -> Path:
    """Make a folder and what is missing above it, on the disk too."""
    signs = set("[]*?\\") & set(folder.absolute().as_posix())
    if signs:
        shown = " ".join(sorted(signs))
        raise FolderError(f"TensorFlow reads {shown} in {folder.as_posix()} as a pattern")
    place = folder.absolute()
    missing = [path for path in [place, *place.parents] if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FolderError(f"{folder.as_posix()} cannot be a folder: {error.strerror}") from None
    for path in missing:
        flush_file(path.parent)
    return folder


@contextlib.contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Lock the folder, and delete what a killed save has left in it.

    The system takes the lock back when the process ends, however it ends. The package filelock
    does the same in one line. These few keep this file free of it.
    """
    with (folder / ".writer").open("a", encoding="utf-8") as file:
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            message = f"{folder.as_posix()} has a writer: wait, or train in another folder"
            raise FolderError(message) from None

        for path in list(folder.iterdir()):
            if LEFT_BEHIND.fullmatch(path.name):
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()
        yield


def adopt(folder: Path) -> Path | None:
    """Return the newest intact checkpoint, and list all in the file ``checkpoint``.

    ``CheckpointManager`` believes this file. If a crash has damaged it, the manager raises an
    error, or forgets checkpoints and never deletes them. So we write it again at every start. The
    damaged ones come first in the list, so the manager deletes them first.
    """
    numbers = find_numbers(folder)
    damaged = []
    while numbers and not is_intact(folder / f"ckpt-{numbers[-1]}"):
        damaged.append(numbers.pop())
    if not numbers:
        begin(folder, damaged)
        return None

    prefixes = [folder / f"ckpt-{number}" for number in damaged + numbers]
    write_list(folder, prefixes)
    # A process may have been killed between its save and its flush.
    flush(folder, [file for prefix in prefixes for file in files_of(prefix)])
    return prefixes[-1]


def begin(folder: Path, damaged: list[int]) -> None:
    """Make the folder ready for its first save, or stop if it has seen one."""
    mark = folder / NO_SAVE_YET
    known = folder / "checkpoint"
    if not mark.exists():
        if damaged:
            raise FolderError(
                f"none of {len(damaged)} checkpoints in {folder.as_posix()} is intact: "
                "bring one back from a copy, or train in another folder"
            )
        if known.exists():
            raise FolderError(
                f"{known.as_posix()} has no checkpoint beside it: "
                "delete it, or train in another folder"
            )
    # What is here now belongs to a first save that was cut off.
    for number in damaged:
        for file in files_of(folder / f"ckpt-{number}"):
            file.unlink()
    known.unlink(missing_ok=True)
    mark.touch()
    flush_file(folder)


def find_numbers(folder: Path) -> list[int]:
    """Return the numbers of the checkpoints in order, also where only one file is left."""
    matches = [CHECKPOINT_FILE.fullmatch(path.name) for path in folder.iterdir()]
    numbers = {int(match[1]) for match in matches if match}
    return sorted(numbers)


def is_intact(prefix: Path) -> bool:
    """Read every tensor: TensorFlow compares a checksum for each."""
    try:
        reader = tf.train.load_checkpoint(str(prefix))
        for name, dtype in reader.get_variable_to_dtype_map().items():
            tf.raw_ops.RestoreV2(
                prefix=str(prefix), tensor_names=[name], shape_and_slices=[""], dtypes=[dtype]
            )
    except (tf.errors.OpError, LookupError, RuntimeError, ValueError):
        return False
    return True


def write_list(folder: Path, prefixes: list[Path]) -> None:
    """Write the file ``checkpoint``: the names and, or the manager ignores them, the times."""
    names = [prefix.name for prefix in prefixes]
    times = [files_of(prefix)[0].stat().st_mtime for prefix in prefixes]
    content = tf.compat.v1.train.generate_checkpoint_state_proto(
        folder.absolute(), names[-1], names, all_model_checkpoint_timestamps=times
    )
    new = folder / f"checkpoint.tmp{uuid.uuid4().hex}"
    new.write_text(str(content), encoding="utf-8")
    flush_file(new)
    new.replace(folder / "checkpoint")


def files_of(prefix: Path) -> list[Path]:
    """Return the files of one checkpoint."""
    files = [prefix.with_name(f"{prefix.name}.index"), *prefix.parent.glob(f"{prefix.name}.data-*")]
    return [file for file in files if file.exists()]


def flush(folder: Path, files: Iterable[Path]) -> None:
    """Wait until checkpoints are on the disk: first their files, then the names in the folder."""
    for file in files:
        flush_file(file)
    flush_file(folder / "checkpoint")
    flush_file(folder)
    mark = folder / NO_SAVE_YET
    if mark.exists():
        mark.unlink()
        flush_file(folder)


def flush_file(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    is_windows = os.name == "nt"
    if is_windows and path.is_dir():  # it cannot open a folder
        return
    descriptor = os.open(path, os.O_RDWR if is_windows else os.O_RDONLY)
    try:
        os.fsync(descriptor)
        if sys.platform == "darwin":  # there it stops at the cache of the drive
            import fcntl

            with contextlib.suppress(OSError):  # not every file system can do more
                fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    finally:
        os.close(descriptor)


def main() -> None:
    """Train in the folder that the command names."""
    if len(sys.argv) != 2:
        sys.exit("give one folder to save to: python train_loop.py saves")
    try:
        finished = train(sys.argv[1])
    except FolderError as error:
        sys.exit(f"train_loop.py: {error}")
    if not finished:
        sys.exit(128 + signal.SIGTERM)  # as if it had ended us: who started it starts it again


if __name__ == "__main__":
    main()
