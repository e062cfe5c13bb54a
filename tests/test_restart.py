"""helpers.recipes.restart: one writer, a folder that is clean, and the newest intact checkpoint."""

import shutil

from tests.killing import kill_in_a_save, new_folder

import numpy as np
import pytest

WORKER = """
import itertools
import sys

from helpers.recipes.restart import only_writer

import keras
import tensorflow as tf

folder = sys.argv[1]
layer = keras.layers.Dense(1000, use_bias=False, kernel_initializer="zeros")
model = keras.Sequential([keras.Input((1000,)), layer])
[weight] = model.weights
with only_writer(folder):
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(model=model), folder, max_to_keep=2)
    for number in itertools.count(1):
        weight.assign_add(tf.ones_like(weight))
        print("saving", number, flush=True)
        manager.save(number)
        print("saved", number, flush=True)
"""


@pytest.fixture(scope="module")
def restart(module):
    return module("helpers.recipes.restart")


@pytest.fixture(scope="module")
def program(module):
    return module("helpers.programs").Program


@pytest.fixture
def worker(tmp_path):
    script = tmp_path / "worker.py"
    script.write_text(WORKER, encoding="utf-8")
    return script


@pytest.fixture
def three(tf, tmp_path):
    """A folder with ckpt-8, ckpt-9 and ckpt-10, each with an iterator and a step."""
    iterator = iter(tf.data.Dataset.range(9).shuffle(5, seed=1))
    step = tf.Variable(0)
    checkpoint = tf.train.Checkpoint(step=step, words=tf.Variable("a"), iterator=iterator)
    manager = tf.train.CheckpointManager(checkpoint, tmp_path, max_to_keep=5)
    for number in [8, 9, 10]:
        step.assign(number)
        manager.save(number)
    return tmp_path


def test_twenty_kills_in_a_save_lose_nothing(restart, module, tf, program, worker, tmp_path):
    keras = module("keras")
    model = keras.Sequential([keras.Input((1000,)), keras.layers.Dense(1000, use_bias=False)])
    for _ in range(20):
        folder, number = kill_in_a_save(program, worker, tmp_path / "saves")
        prefix = restart.newest_whole(folder)
        tf.train.Checkpoint(model=model).restore(prefix).assert_existing_objects_matched()
        found = np.unique(model.weights[0].numpy()).tolist()
        assert found in ([number - 1], [number])

        with restart.only_writer(folder):
            left = [path for path in folder.iterdir() if "temp" in path.name]
            assert not any(list(path.iterdir()) for path in left), "not cleaned up"
        assert restart.newest_whole(folder) == prefix
        shutil.rmtree(folder)


def test_the_newest_intact_checkpoint_is_chosen(restart, three):
    assert restart.newest_whole(three) == str(three / "ckpt-10")
    (three / "checkpoint").unlink()
    data = three / "ckpt-10.data-00000-of-00001"
    good = data.read_bytes()
    for place in range(0, len(good), 97):
        data.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        assert restart.newest_whole(three) == str(three / "ckpt-9"), place
    data.write_bytes(good)
    assert restart.newest_whole(three) == str(three / "ckpt-10")
    data.unlink()
    index = three / "ckpt-9.index"
    for damaged in [b"", index.read_bytes()[:-30], bytes(index.stat().st_size)]:
        index.write_bytes(damaged)
        assert restart.newest_whole(three) == str(three / "ckpt-8")
    (three / "ckpt-8.index").write_bytes(b"")
    with pytest.raises(ValueError, match=r"^none of 3 checkpoints in .* is intact: bring one back"):
        restart.newest_whole(three)


def test_a_first_save_that_was_cut_off_blocks_no_start(restart, tmp_path):
    (tmp_path / "ckpt-1.index").touch()
    assert restart.newest_whole(tmp_path) is None
    (tmp_path / "checkpoint").write_text("")
    with pytest.raises(ValueError, match="none of 1 checkpoints"):
        restart.newest_whole(tmp_path)


def test_a_single_damaged_checkpoint_is_no_cut_off_save(restart, three):
    for file in [*three.glob("ckpt-8.*"), *three.glob("ckpt-9.*"), three / "checkpoint"]:
        file.unlink()
    data = three / "ckpt-10.data-00000-of-00001"
    data.write_bytes(bytes(data.stat().st_size))
    with pytest.raises(ValueError, match="none of 1 checkpoints"):
        restart.newest_whole(three)
    data.unlink()
    with pytest.raises(ValueError, match="none of 1 checkpoints"):
        restart.newest_whole(three)


def test_no_checkpoint_is_none_and_a_bad_folder_is_named(restart, tmp_path):
    assert restart.newest_whole(tmp_path) is None
    for refuse in [restart.newest_whole, lambda folder: restart.only_writer(folder).__enter__()]:
        with pytest.raises(FileNotFoundError, match=r"^no folder gone in .*: make it first$"):
            refuse(tmp_path / "gone")
        with pytest.raises(ValueError, match=r"^TensorFlow reads \[ \] in a path as a pattern: "):
            refuse(tmp_path / "run[1]")


def test_only_what_a_killed_save_left_is_deleted(restart, tmp_path):
    part = "part-00000-of-00001.data-00000-of-00001"
    left_behind = {
        "ckpt-2_temp": [part + ".tempstate123", "part-00000-of-00001.index"],
        "ckpt-3_temp": [],
        "model_temp": [part],
        ".saving-ab_12345": ["model.keras"],
        "ckpt-1.index.tempstate7": None,
        "ckpt-1.data-00000-of-00001.tempstate7": None,
        "checkpoint.tmp" + 32 * "a": None,
        "saved_model.pb.tmp" + 32 * "0": None,
    }
    ours = {
        "empty_temp": [],
        "notes_temp": ["part-00000-of-00001.index", "notes.txt"],
        "part-00000-of-00001.index": None,
        "ckpt-1.index": None,
        "ckpt-1.data-00000-of-00001": None,
        "checkpoint": None,
        "checkpoint.tmp": None,
        "model.tempstate7": None,
        ".saving-mine": ["model.keras"],
    }
    for name, files in (left_behind | ours).items():
        if files is None:
            (tmp_path / name).touch()
        else:
            (tmp_path / name).mkdir()
            for file in files:
                (tmp_path / name / file).touch()
    with restart.only_writer(tmp_path) as deleted:
        assert deleted == sorted(left_behind)
    found = {path.name for path in tmp_path.iterdir()}
    assert found - {".writer"} == set(ours)
    with restart.only_writer(tmp_path) as deleted:
        assert deleted == []


def test_a_link_is_not_deleted(restart, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "saves").mkdir()
    link = tmp_path / "saves" / "ckpt-2_temp"
    try:
        link.symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    except OSError as error:  # Windows asks for a privilege
        pytest.skip(str(error))
    with restart.only_writer(tmp_path / "saves") as deleted:
        assert deleted == []
    assert link.is_symlink()


def test_a_second_writer_is_refused_until_the_first_one_ends(restart, program, worker, tmp_path):
    folder = new_folder(tmp_path / "locked")
    with program(worker, folder) as process:
        lines = process.lines()
        assert next(lines) == "saving 1"
        for _ in range(50):
            with pytest.raises(RuntimeError, match=r"/1 has a writer: wait, or save elsewhere$"):
                restart.only_writer(folder).__enter__()
        assert next(lines) == "saved 1", "the refused one has deleted something"
    with restart.only_writer(folder), pytest.raises(RuntimeError, match="has a writer"):
        restart.only_writer(folder).__enter__()
    with restart.only_writer(folder):
        pass


def test_the_lock_is_given_back_after_an_error(restart, tmp_path):
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), restart.only_writer(tmp_path):
            1 / 0  # noqa: B018
