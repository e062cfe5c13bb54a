"""helpers.recipes.background_save: the file holds one moment, and a failed save is raised."""

import errno
import os
import threading

from tests.killing import kill_in_a_save

import numpy as np
import pytest
from safetensors.numpy import load_file

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

KILLS = 6  # `python -m tests.killing 200` kills more often
WORKER = """
import itertools
import sys
from pathlib import Path

from helpers.recipes.background_save import BackgroundSaver

import tensorflow as tf

folder = Path(sys.argv[1])
weight = tf.Variable(tf.zeros([1000, 1000]))
with BackgroundSaver({"model": [weight]}) as saver:
    for number in itertools.count(1):
        weight.assign_add(tf.ones_like(weight))
        print("saving", number, flush=True)
        saver.save(folder / "model.safetensors")
        saver.wait()
        print("saved", number, flush=True)
"""
WITHOUT_ROOM = """
import resource
import sys
from pathlib import Path

from helpers.recipes.background_save import BackgroundSaver, FailedSaveError

import tensorflow as tf

path = Path(sys.argv[1])
weight = tf.Variable(tf.ones([1000]))
saver = BackgroundSaver({"model": [weight]})
saver.save(path)
saver.wait()
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
weight.assign_add(weight)
saver.save(path)
try:
    saver.close()
except FailedSaveError as error:
    print(type(error.__cause__).__name__, error.__cause__.strerror)
"""

WITHOUT_CLOSE = """
import os
import sys
import time
from pathlib import Path

from helpers.recipes.background_save import BackgroundSaver

import tensorflow as tf

real = os.fsync


def flush_slowly(descriptor):
    time.sleep(0.5)  # long after the last line of this script
    real(descriptor)


os.fsync = flush_slowly
BackgroundSaver({"model": [tf.Variable(tf.ones([1000]))]}).save(Path(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def recipe(module):
    return module("helpers.recipes.background_save")


@pytest.fixture
def weight(tf):
    return tf.Variable(tf.ones([100]))


@pytest.fixture
def parts(weight):
    return {"model": [weight]}


@pytest.fixture
def full_disk(recipe, monkeypatch):
    """Let every write fail in its middle, until it is undone."""

    def write(file, tensors):
        file.write(b"half a file")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(recipe, "write", write)
    return monkeypatch


@pytest.fixture
def slow_disk(recipe, monkeypatch):
    """Let each write wait for an event, which the fixture returns."""
    may_write = threading.Event()
    real = recipe.write_whole

    def write_whole(path, tensors):
        assert may_write.wait(600)
        real(path, tensors)

    monkeypatch.setattr(recipe, "write_whole", write_whole)
    return may_write


def values_in(path):
    return np.unique(load_file(path)["model/0"]).tolist()


def test_a_model_and_its_optimizer_come_back_to_the_last_bit(recipe, keras, tmp_path):
    def make_parts(seed):
        keras.utils.set_random_seed(seed)
        model = keras.Sequential(
            [keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dropout(1)]
        )
        optimizer = keras.optimizers.Adam(0.01)
        optimizer.build(model.trainable_variables)
        optimizer.apply([np.full(one.shape, seed, "float32") for one in model.trainable_variables])
        return {"model": model.variables, "optimizer": optimizer.variables}

    def values_of(parts):
        return [np.asarray(one).tobytes() for variables in parts.values() for one in variables]

    old, new = make_parts(1), make_parts(2)
    assert values_of(old) != values_of(new)
    with recipe.BackgroundSaver(old) as saver:
        saver.save(tmp_path / "课 step.safetensors")
    recipe.restore(tmp_path / "课 step.safetensors", new)
    assert values_of(old) == values_of(new)
    assert [path.name for path in tmp_path.iterdir()] == ["课 step.safetensors"]


def test_the_file_holds_the_moment_of_the_save(recipe, weight, parts, slow_disk, tmp_path):
    with recipe.BackgroundSaver(parts) as saver:
        saver.save(tmp_path / "one.safetensors")
        weight.assign_add(weight)
        assert list(tmp_path.iterdir()) == [], "the training was to go on before the write"
        slow_disk.set()
    assert values_in(tmp_path / "one.safetensors") == [1]


@pytest.mark.parametrize("jit_compile", [False, True])
def test_no_update_gets_into_a_snapshot(recipe, keras, slow_disk, tmp_path, jit_compile):
    """Sparse updates of an embedding, dense ones, and Adam's, in a compiled step."""
    layers = [keras.layers.Embedding(20, 4), keras.layers.Flatten(), keras.layers.Dense(3)]
    model = keras.Sequential([keras.Input((5,), dtype="int32"), *layers])
    model.compile(keras.optimizers.Adam(0.1), "mse", jit_compile=jit_compile)
    examples = np.arange(10).reshape(2, 5), np.ones([2, 3])
    model.train_on_batch(*examples)
    parts = {"model": model.variables, "optimizer": model.optimizer.variables}
    before = [np.array(one) for variables in parts.values() for one in variables]
    with recipe.BackgroundSaver(parts) as saver:
        saver.save(tmp_path / "model.safetensors")
        for _ in range(3):
            model.train_on_batch(*examples)
        slow_disk.set()
    saved = list(load_file(tmp_path / "model.safetensors").values())
    now = [np.array(one) for variables in parts.values() for one in variables]
    expected = {one.tobytes() for one in before}
    assert {one.tobytes() for one in saved} == expected
    assert {one.tobytes() for one in now} != expected


@pytest.mark.parametrize(
    "dtype",
    [f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)]
    + ["bool", "bfloat16", "float16", "float32", "float64"],
)
@pytest.mark.parametrize("shape", [[], [0, 3], [5, 3]])
def test_every_dtype_and_shape_comes_back(recipe, tf, tmp_path, dtype, shape):
    assert {one.name for one in recipe.DTYPES} >= {dtype}
    numbers = tf.cast(tf.reshape(tf.range(np.prod(shape, dtype=int)), shape) % 2 + 1, dtype)
    old, new = tf.Variable(numbers), tf.Variable(tf.zeros(shape, dtype))
    path = tmp_path / "one.safetensors"
    with recipe.BackgroundSaver({"old": [tf.Variable(1), old]}) as saver:
        saver.save(path)
    recipe.restore(path, {"old": [tf.Variable(0), new]})
    assert new.numpy().tobytes() == numbers.numpy().tobytes()
    new.assign(tf.zeros(shape, dtype))  # it may write to what it took over
    if dtype != "bfloat16":  # NumPy alone does not know it
        assert np.array_equal(load_file(path)["old/1"], numbers.numpy())


def test_a_second_save_waits_for_the_first_one(recipe, weight, parts, slow_disk, tmp_path):
    with recipe.BackgroundSaver(parts) as saver:
        saver.save(tmp_path / "model.safetensors")
        weight.assign_add(weight)
        threading.Timer(0.1, slow_disk.set).start()
        saver.save(tmp_path / "model.safetensors")
        assert values_in(tmp_path / "model.safetensors") in ([1], [2])
    assert values_in(tmp_path / "model.safetensors") == [2]


def test_a_failed_save_is_raised_by_the_next_one_and_the_old_file_stays(
    recipe, weight, parts, full_disk, tmp_path
):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"old")
    saver = recipe.BackgroundSaver(parts)
    saver.save(path)
    with pytest.raises(
        recipe.FailedSaveError, match=r"model\.safetensors was not saved, .*No space left"
    ):
        saver.save(tmp_path / "other.safetensors")
    assert path.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["model.safetensors"]
    full_disk.undo()
    saver.save(path)
    saver.close()
    assert values_in(path) == [1]


@pytest.mark.parametrize("method", ["wait", "close"])
def test_a_failed_save_is_raised_once_by_what_waits_for_it(
    recipe, parts, full_disk, tmp_path, method
):
    saver = recipe.BackgroundSaver(parts)
    saver.save(tmp_path / "model.safetensors")
    with pytest.raises(recipe.FailedSaveError) as raised:
        getattr(saver, method)()
    assert raised.value.__cause__.errno == errno.ENOSPC
    getattr(saver, method)()


def test_a_failed_save_is_raised_at_the_end_of_the_block(recipe, parts, full_disk, tmp_path):
    with pytest.raises(recipe.FailedSaveError):
        with recipe.BackgroundSaver(parts) as saver:
            saver.save(tmp_path / "model.safetensors")


def test_it_does_not_hide_the_error_that_ended_the_training(recipe, parts, full_disk, tmp_path):
    with pytest.raises(KeyboardInterrupt) as raised:
        with recipe.BackgroundSaver(parts) as saver:
            saver.save(tmp_path / "model.safetensors")
            raise KeyboardInterrupt
    [note] = raised.value.__notes__
    assert "was not saved" in note


def test_the_end_of_the_block_waits_for_the_save_also_after_an_error(recipe, parts, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        with recipe.BackgroundSaver(parts) as saver:
            saver.save(tmp_path / "model.safetensors")
            raise KeyboardInterrupt
    assert values_in(tmp_path / "model.safetensors") == [1]


def test_the_end_of_a_program_waits_for_the_save_also_if_nobody_closes_the_saver(module, tmp_path):
    program = module("helpers.programs").Program
    script = tmp_path / "script.py"
    script.write_text(WITHOUT_CLOSE, encoding="utf-8")
    folder = tmp_path / "saves"
    folder.mkdir()
    assert program(script, folder / "model.safetensors").wait() == ""
    assert [path.name for path in folder.iterdir()] == ["model.safetensors"]
    assert values_in(folder / "model.safetensors") == [1]


def test_a_path_that_cannot_be_a_file_is_refused_at_once(recipe, parts, tmp_path):
    with recipe.BackgroundSaver(parts) as saver:
        with pytest.raises(IsADirectoryError, match=r" is a folder: save a file in it$"):
            saver.save(tmp_path)
        with pytest.raises(FileNotFoundError, match=r"^no folder .*gone: make it first$"):
            saver.save(tmp_path / "gone" / "model.safetensors")
    with pytest.raises(RuntimeError, match=r"^the saver is closed: make a new one"):
        saver.save(tmp_path / "model.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_a_part_without_variables_is_refused(recipe, parts):
    with pytest.raises(ValueError, match=r"^optimizer has no variables: build it before"):
        recipe.BackgroundSaver({**parts, "optimizer": []})


def test_what_is_no_number_is_refused_at_once(recipe, tf, parts):
    with pytest.raises(TypeError, match=r"^other/0 is of dtype string, which a safetensors"):
        recipe.BackgroundSaver({**parts, "other": [tf.Variable("text")]})


def test_a_file_that_does_not_fit_changes_nothing(recipe, tf, weight, parts, tmp_path):
    path = tmp_path / "model.safetensors"
    with recipe.BackgroundSaver({**parts, "step": [tf.Variable(3)]}) as saver:
        saver.save(path)
    weight.assign(2 * weight)
    for other, message in [
        (parts, "only the file has step/0"),
        ({**parts, "step": [tf.Variable(0), weight]}, "only the parts have step/1"),
        ({**parts, "step": [tf.Variable([0])]}, r"step/0 is \('I32', \[\]\), expected .* \[1\]"),
        ({**parts, "step": [tf.Variable(0.0)]}, r"step/0 is .* expected \('F32'"),
    ]:
        with pytest.raises(ValueError, match=rf"^model\.safetensors does not fit: {message}"):
            recipe.restore(path, other)
    assert np.unique(weight.numpy()).tolist() == [2]


def test_a_file_that_was_cut_off_changes_nothing(recipe, weight, parts, tmp_path):
    path = tmp_path / "model.safetensors"
    with recipe.BackgroundSaver(parts) as saver:
        saver.save(path)
    weight.assign(2 * weight)
    good = path.read_bytes()
    cuts = [good[:end] for end in range(0, len(good), 7)]
    for bad in [*cuts, good + b"!", b"some other file, of text", b"\2" + bytes(7) + b"[]"]:
        path.write_bytes(bad)
        with pytest.raises(ValueError, match=r"^model\.safetensors is damaged or no safetensors"):
            recipe.restore(path, parts)
    assert np.unique(weight.numpy()).tolist() == [2]
    with pytest.raises(FileNotFoundError):
        recipe.restore(tmp_path / "gone.safetensors", parts)


def test_a_file_is_flushed_before_its_rename_and_its_folder_after(
    recipe, parts, tmp_path, monkeypatch
):
    path = tmp_path / "model.safetensors"
    steps = []
    real = os.fsync

    def fsync(descriptor):
        steps.append(("file" if not path.exists() else "folder", os.fstat(descriptor).st_ino))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with recipe.BackgroundSaver(parts) as saver:
        saver.save(path)
    expected = [("file", path.stat().st_ino)]
    if os.name == "posix":
        expected.append(("folder", tmp_path.stat().st_ino))
    assert steps == expected


def test_kills_in_a_save_leave_the_old_file_or_the_new_one(module, tmp_path):
    kill_saves(module, tmp_path, KILLS)


def kill_saves(module, parent, times):
    """Kill the worker in a save so many times, and see what is left."""
    program = module("helpers.programs").Program
    worker = parent / "worker.py"
    worker.write_text(WORKER, encoding="utf-8")
    for _ in range(times):
        folder, number = kill_in_a_save(program, worker, parent / "saves")
        assert values_in(folder / "model.safetensors") in ([number - 1], [number])
        names = {path.name for path in folder.iterdir()}
        assert names <= {"model.safetensors", ".saving-model.safetensors"}


@pytest.mark.skipif(os.name != "posix", reason="Windows has no limit to set")
def test_a_file_that_may_not_grow_leaves_the_old_one_and_nothing_else(recipe, module, tmp_path):
    program = module("helpers.programs").Program
    script = tmp_path / "script.py"
    script.write_text(WITHOUT_ROOM, encoding="utf-8")
    folder = tmp_path / "saves"
    folder.mkdir()
    printed = program(script, folder / "model.safetensors").wait()
    assert printed == "OSError File too large"
    assert values_in(folder / "model.safetensors") == [1]
    assert len(list(folder.iterdir())) == 1
