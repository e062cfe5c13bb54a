"""What a disk may hold after a power cut in the middle of a save, and whether a recipe survives it.

A process that is killed loses only what it has not written yet. A machine that loses its power also
loses what the system had not brought to the disk. This module records what a program does to the
files of a folder, and makes the states that a power cut could leave at any moment. As a command, it
tries them on the recipes and prints a table. It tries more saves and more states than the tests do,
and a second cut after a cut at every moment:

    python -m tests.power_cut

The model of the file system is that of POSIX, which promises little, and less than ext4, XFS,
Btrfs or APFS do:

- A folder is a list of names. Each name leads to a file or a folder, which keeps its identity (its
  inode) when it is renamed.
- The names in a folder are on the disk when the folder is flushed. Every name that was created,
  replaced or deleted since then may have its old meaning or any later one. Each name is on its own:
  the two halves of a rename may come apart, and a later change may survive an earlier one.
- The content of a file is on the disk when the file is flushed. What was written since then may be
  there, missing, cut off, replaced by zeros, or replaced by zeros from the middle on. A file that
  was flushed once may also hold its old content.
- What has been flushed stays. A disk that lies about a flush is not modelled.

The record is made from inside the process. While it watches, Python calls us after each function in
C, and then the folder is compared with what it was. So a change is seen as soon as the call that
has made it returns, whether it is Python's or TensorFlow's. What TensorFlow changes within one
call counts as simultaneous, which the model allows. ``os.fsync`` is replaced by a note, since no
power will fail.
"""

import builtins
import contextlib
import io
import itertools
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple
from unittest import mock


class Moment(NamedTuple):
    """All that may be on the disk at one moment, and what the program had promised by then.

    ``names`` gives for each folder and name the identities that it may lead to, the flushed one
    first, None for no file. ``contents`` gives for each file the contents that it may have.
    """

    names: dict[tuple[int, str], tuple[int | None, ...]]
    contents: dict[int, tuple[bytes, ...]]
    root: int
    promised: object


class Recorder:
    """Records what happens in a folder while it watches. At the start, everything is flushed."""

    def __init__(self, root):
        self.root_path = Path(root)
        self.promised = None
        self.moments = []
        self._handles = {}  # an open file keeps its inode, so no other file gets the same
        self._identities = {}
        self._names = {}
        self._flushed = {}
        self._written = {}
        self.root = self._identity(self.root_path)
        self._look()
        for identity, content in self._written.items():
            self._flushed[identity] = content
        for name, found in self._names.items():
            self._names[name] = found[-1:]

    def close(self):
        for handle in self._handles.values():
            os.close(handle)
        self._handles.clear()

    @contextlib.contextmanager
    def watching(self):
        """Note every change and every flush that comes in this block."""
        before = sys.getprofile()
        with mock.patch("os.fsync", self._fsync):
            sys.setprofile(self._after_a_call)
            try:
                yield
            finally:
                sys.setprofile(before)
                self._note()

    def promise(self, value):
        """Note what the program says to be safe from now on."""
        self.promised = value
        self._note()

    def _after_a_call(self, frame, event, argument):
        has_returned = event in ("c_return", "c_exception")
        if has_returned and not cannot_change_a_file(argument) and self._look():
            self._note()

    def _fsync(self, descriptor):
        self._look()
        self._note()
        status = os.fstat(descriptor)
        identity = self._identities[status.st_dev, status.st_ino]
        if identity in self._written:
            self._written[identity] = self._read(identity)
            self._flushed[identity] = self._written[identity]
        for name, found in self._names.items():
            if name[0] == identity:
                self._names[name] = found[-1:]
        self._note()

    def _look(self):
        """Compare the folder with what it was, and say whether a name has changed."""
        seen = {}
        self._scan(self.root_path, self.root, seen)
        has_changed = False
        for name in seen.keys() | self._names.keys():
            found = self._names.get(name, (None,))
            if found[-1] != seen.get(name):
                self._names[name] = (*found, seen.get(name))
                has_changed = True
        return has_changed

    def _scan(self, folder, identity, seen):
        with os.scandir(folder) as entries:
            for entry in entries:
                found = self._identities.get((entry.stat().st_dev, entry.inode()))
                if found is None:
                    found = self._identity(Path(entry.path))
                seen[identity, entry.name] = found
                if entry.is_dir():
                    self._scan(entry.path, found, seen)

    def _identity(self, path):
        handle = os.open(path, os.O_RDONLY)
        status = os.fstat(handle)
        identity = len(self._handles)
        self._handles[identity] = handle
        self._identities[status.st_dev, status.st_ino] = identity
        if path.is_file():
            self._written[identity] = self._read(identity)
        return identity

    def _read(self, identity):
        handle = self._handles[identity]
        return os.pread(handle, os.fstat(handle).st_size, 0)

    def _note(self):
        contents = {}
        for identity in self._written:
            self._written[identity] = self._read(identity)
            contents[identity] = self._possible_contents(identity)
        moment = Moment(dict(self._names), contents, self.root, self.promised)
        if not self.moments or moment != self.moments[-1]:
            self.moments.append(moment)

    def _possible_contents(self, identity):
        written = self._written[identity]
        flushed = self._flushed.get(identity)
        if written == flushed:
            return (written,)
        half = len(written) // 2
        zeros = bytes(len(written))
        possible = [written, b"", zeros, written[:half], written[:half] + zeros[half:]]
        if flushed is not None:
            possible.append(flushed)
        return tuple(dict.fromkeys(possible))


def cannot_change_a_file(function):
    """Tell whether a function in C is a method of text, of a list, or another of Python's own.

    Nearly all calls are of these. To look at the folder after each of them would take longer than
    everything else.
    """
    owner = function.__self__
    return owner is builtins or isinstance(owner, (str, bytes, tuple, list, dict, set))


def cuts(moment, draw, at_random):
    """Yield trees that a power cut may leave at a moment: {path: content, or None for a folder}.

    First come the extremes: nothing of what is not flushed has survived, or all of it, or all names
    and no content. Then come as many at random as are asked for.
    """

    def first(possible):
        return possible[0]

    def last(possible):
        return possible[-1]

    def empty(possible):
        return b"" if b"" in possible else possible[0]

    for choose_name in [first, last, draw.choice]:
        for choose_content in [first, empty, draw.choice]:
            yield make_tree(moment, choose_name, choose_content)
    for _ in range(at_random):
        yield make_tree(moment, draw.choice, draw.choice)


def make_tree(moment, choose_name, choose_content):
    contents = {one: choose_content(possible) for one, possible in moment.contents.items()}
    chosen = {name: choose_name(possible) for name, possible in sorted(moment.names.items())}
    tree = {}

    def fill(folder, path):
        for (parent, name), identity in chosen.items():
            if parent != folder or identity is None:
                continue
            tree[path / name] = contents.get(identity)
            if identity not in contents:
                fill(identity, path / name)

    fill(moment.root, Path())
    return tree


def write_tree(tree, folder):
    for path, content in tree.items():
        if content is None:
            (folder / path).mkdir()
        else:
            (folder / path).write_bytes(content)


class Result(NamedTuple):
    """How many moments and states were tried, and in what way some of them were lost."""

    moments: int
    states: int
    lost: list[str]


def try_cuts(moments, judge, folder, at_random, every=1, seed=0):
    """Make the states of all moments, and let ``judge`` raise an error where something is lost.

    It is called with a folder that holds the state, and with what had been promised. Where that
    takes long, only every second or fourth state of a moment is tried.
    """
    draw = random.Random(seed)
    tried = set()
    lost = []
    for moment in moments:
        for tree in itertools.islice(cuts(moment, draw, at_random), 0, None, every):
            state = (moment.promised, frozenset(tree.items()))
            if state in tried:
                continue
            tried.add(state)
            place = folder / str(len(tried))
            place.mkdir(parents=True)
            write_tree(tree, place)
            try:
                with mock.patch("os.fsync"):
                    judge(place, moment.promised)
            except Exception as error:
                lost.append(f"{type(error).__name__}: {error}")
            shutil.rmtree(place)
    return Result(len(moments), len(tried), lost)


# A file that save_whole saves.


def record_whole_file(recipe, folder):
    """Save three texts to one path. Promised is the number of the last save that returned."""
    (folder / "saves").mkdir(parents=True)
    recorder = Recorder(folder)
    for number in [1, 2, 3]:
        with recorder.watching():
            recipe.save_whole(
                folder / "saves" / "model.bin",
                lambda new, number=number: new.write_text(whole_text(number), encoding="utf-8"),
                lambda new: new.read_text(encoding="utf-8"),
            )
        recorder.promise(number)
    recorder.close()
    return recorder.moments


def whole_text(number):
    return f"{number} " * 100


def judge_whole_file(recipe):
    def judge(place, promised):
        path = place / "saves" / "model.bin"
        expected = [whole_text(number) for number in [promised or 0, (promised or 0) + 1]]
        if path.exists():
            assert recipe.checked(path).read_text(encoding="utf-8") in expected
        else:
            assert promised is None, "the file is gone"

    return judge


# Numbered checkpoints, saved by a program that starts with restart.py.


def record_checkpoints(recipe, folder, number_of_saves=5, keep=3):
    """Save numbered checkpoints. Promised is the number of the last one that was flushed."""
    saves = folder / "saves"
    saves.mkdir(parents=True)
    recorder = Recorder(folder)
    save_checkpoints(recipe, saves, number_of_saves, keep, recorder)
    recorder.close()
    return recorder.moments


def save_checkpoints(recipe, saves, number_of_saves, keep, recorder):
    """Start, and save with the next numbers. What the start has found is promised too."""
    import tensorflow as tf

    step = tf.Variable(0)
    checkpoint = tf.train.Checkpoint(step=step, many=tf.Variable(tf.range(100.0)))
    with recorder.watching(), recipe.only_writer(saves):
        prefix = recipe.adopt(saves)
        manager = tf.train.CheckpointManager(checkpoint, saves, max_to_keep=keep)
    found = 0
    if prefix:
        found = int(prefix.rpartition("-")[2])
        recorder.promise(found)
    for number in range(found + 1, found + 1 + number_of_saves):
        step.assign(number)
        with recorder.watching():
            recipe.flush(manager.save(checkpoint_number=number))
        recorder.promise(number)


def judge_checkpoints(recipe):
    """Judge a folder: the start finds what was promised, and goes on without leaving a file."""
    import tensorflow as tf

    step = tf.Variable(0)
    checkpoint = tf.train.Checkpoint(step=step, many=tf.Variable(tf.range(100.0)))

    def judge(place, promised):
        saves = place / "saves"
        assert saves.is_dir() or promised is None, "the folder is gone"
        saves.mkdir(exist_ok=True)
        with recipe.only_writer(saves):
            prefix = recipe.adopt(saves)
            step.assign(0)
            if prefix:
                checkpoint.restore(str(prefix)).expect_partial()
                assert int(step) == int(str(prefix).rpartition("-")[2])
            assert int(step) in [promised or 0, (promised or 0) + 1], "another checkpoint"
            # It keeps one, so its first save deletes all that it knows of.
            manager = tf.train.CheckpointManager(checkpoint, saves, max_to_keep=1)
            manager.save(checkpoint_number=101)  # another number than those that are there
        names = {path.name.partition(".")[0] for path in saves.iterdir()} - {""}
        assert names == {"checkpoint", "ckpt-101"}, "leaked"

    return judge


def try_second_cuts(recipe, moments, folder, keep, seed=1):
    """Start in a state of each moment, save once more, and cut the power in that start and save.

    Returns:
        One result for each moment.
    """
    draw = random.Random(seed)
    results = []
    for number, moment in enumerate(moments):
        record = folder / str(number) / "record"
        record.mkdir(parents=True)
        write_tree(make_tree(moment, draw.choice, draw.choice), record)
        (record / "saves").mkdir(exist_ok=True)
        recorder = Recorder(record)
        recorder.promised = moment.promised
        save_checkpoints(recipe, record / "saves", 1, keep, recorder)
        recorder.close()
        judge = judge_checkpoints(recipe)
        results.append(try_cuts(recorder.moments, judge, folder / str(number) / "cut", at_random=0))
    return results


# The training of train_loop.py.


def record_training(recipe, folder, steps=8):
    """Train with a save at every second step. Promised is the number of the last ``saved``."""
    folder.mkdir()
    recorder = Recorder(folder)

    def note(*words, **options):
        if words[0] == "saved":
            recorder.promise(int(words[1].removeprefix("ckpt-")))

    watched = {}
    for name in ["make_folder", "adopt", "save"]:
        watched[name] = watch(recorder, getattr(recipe, name))
    with mock.patch.multiple(recipe, print=note, create=True, **watched):
        recipe.train(folder / "saves", steps, save_every=2)
    recorder.close()
    return recorder.moments


def watch(recorder, function):
    def watched(*given):
        with recorder.watching():
            return function(*given)

    return watched


def judge_training(recipe):
    """Judge a folder: the loop finds what was promised, and a manager can start."""
    import tensorflow as tf

    def judge(place, promised):
        folder = place / "saves"
        with mock.patch.multiple(recipe, print=lambda *_, **__: None, create=True):
            recipe.make_folder(folder)
            with recipe.only_writer(folder):
                prefix = recipe.adopt(folder)
        step = 0
        if prefix:
            reader = tf.train.load_checkpoint(str(prefix))
            step = int(reader.get_tensor("step/.ATTRIBUTES/VARIABLE_VALUE"))
            assert prefix.name == f"ckpt-{step}"
        assert step in [promised or 0, (promised or 0) + 2], "another checkpoint"
        manager = tf.train.CheckpointManager(tf.train.Checkpoint(), folder, max_to_keep=3)
        assert manager.latest_checkpoint == (str(prefix) if prefix else None)

    return judge


def judge_whole_training(recipe, losses):
    """Judge a folder: the loop trains to its end with the losses of a training without a cut."""

    def judge(place, promised):
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            recipe.train(place / "saves", len(losses), save_every=2)
        for line in output.getvalue().splitlines():
            if line.startswith("step"):
                step = int(line.split()[1])
                assert line == losses[step - 1]
        kept = [path.name for path in (place / "saves").glob("*.index")]
        assert len(kept) == 3, kept

    return judge


def main():
    from helpers.recipes import restart, save_whole, train_loop

    without_flush = mock.patch.object(restart, "flush"), mock.patch.object(train_loop, "flush")
    tries = [
        ("save_whole", record_whole_file, judge_whole_file, save_whole, contextlib.nullcontext()),
        (
            "save_whole without the flush",
            record_whole_file,
            judge_whole_file,
            save_whole,
            mock.patch.object(save_whole, "_flush"),
        ),
        ("restart", record_checkpoints, judge_checkpoints, restart, contextlib.nullcontext()),
        (
            "restart without the flush",
            record_checkpoints,
            judge_checkpoints,
            restart,
            without_flush[0],
        ),
        ("train_loop", record_training, judge_training, train_loop, contextlib.nullcontext()),
        (
            "train_loop without the flush",
            record_training,
            judge_training,
            train_loop,
            without_flush[1],
        ),
    ]
    for name, record, judge, recipe, change in tries:
        with tempfile.TemporaryDirectory() as folder:
            with change:
                moments = record(recipe, Path(folder) / "record")
            result = try_cuts(moments, judge(recipe), Path(folder) / "tries", at_random=40)
        show(name, result)

    with tempfile.TemporaryDirectory() as folder:
        moments = record_checkpoints(restart, Path(folder) / "record")
        results = try_second_cuts(restart, moments, Path(folder) / "second", keep=3)
    for number, result in enumerate(results):
        show(f"restart, a second cut after one at moment {number}", result)


def show(name, result):
    print(
        f"{name}: {result.moments} moments, {result.states} states, {len(result.lost)} lost",
        flush=True,
    )


if __name__ == "__main__":
    main()
