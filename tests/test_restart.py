"""helpers.recipes.restart: one writer, a clean folder, the newest intact checkpoint, a flush."""

import contextlib
import errno
import os
import shutil
import sys
from pathlib import Path

from tests.killing import DAMAGES, damage, kill_in_a_save, new_folder
from tests.power_cut import (
    Recorder,
    judge_checkpoints,
    record_checkpoints,
    save_checkpoints,
    try_cuts,
    try_second_cuts,
)

import numpy as np
import pytest

KILLS = 6  # `python -m tests.killing 200` kills more often
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
    return write_worker(tmp_path)


def write_worker(folder):
    script = folder / "worker.py"
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


def test_kills_in_a_save_lose_nothing(module, tmp_path):
    kill_saves(module, tmp_path, KILLS)


def kill_saves(module, parent, times):
    """Kill the worker in a save so many times, and see what the next start finds."""
    restart = module("helpers.recipes.restart")
    program = module("helpers.programs").Program
    keras = module("keras")
    tf = module("tensorflow")
    worker = write_worker(parent)
    model = keras.Sequential([keras.Input((1000,)), keras.layers.Dense(1000, use_bias=False)])
    for _ in range(times):
        folder, number = kill_in_a_save(program, worker, parent / "saves")
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


@pytest.mark.parametrize("url", ["ram://x/1", "gs://bucket/x-1", Path("gs://bucket/x-1")])
@pytest.mark.parametrize("name", ["only_writer", "adopt", "newest_whole", "flush"])
def test_a_url_is_refused_by_every_function(restart, tmp_path, monkeypatch, name, url):
    monkeypatch.chdir(tmp_path)
    shown = url if isinstance(url, str) else url.as_posix()
    message = f"^{shown} is a URL: save to the local disk, and publish each save with far_away.py$"
    with pytest.raises(ValueError, match=message):
        with contextlib.ExitStack() as stack:
            result = getattr(restart, name)(url)
            if name == "only_writer":
                stack.enter_context(result)
    assert list(tmp_path.iterdir()) == []


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


def make_manager(tf, folder):
    step = tf.Variable(0)
    return step, tf.train.CheckpointManager(tf.train.Checkpoint(step=step), folder, max_to_keep=3)


def save_numbers(manager, step, numbers):
    for number in numbers:
        step.assign(number)
        manager.save(number)


def names_of_indexes(folder):
    return sorted(path.name for path in folder.glob("*.index"))


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_list_is_written_again_and_the_old_checkpoints_are_deleted(
    restart, tf, tmp_path, how
):
    step, manager = make_manager(tf, tmp_path)
    save_numbers(manager, step, [1, 2, 3])
    damage(tmp_path / "checkpoint", how)
    prefix = restart.adopt(tmp_path)
    assert prefix == str(tmp_path / "ckpt-3")
    step, manager = make_manager(tf, tmp_path)
    assert manager.latest_checkpoint == prefix
    assert manager.checkpoints == [str(tmp_path / f"ckpt-{number}") for number in [1, 2, 3]]
    save_numbers(manager, step, [4, 5])
    assert names_of_indexes(tmp_path) == ["ckpt-3.index", "ckpt-4.index", "ckpt-5.index"]
    assert tf.train.latest_checkpoint(tmp_path) == str(tmp_path / "ckpt-5")


@pytest.mark.parametrize("how", DAMAGES)
def test_without_adopt_the_manager_fails_or_forgets(tf, tmp_path, how):
    """What the function above is for. If TensorFlow mends it, this says so."""
    step, manager = make_manager(tf, tmp_path)
    save_numbers(manager, step, [1, 2, 3])
    damage(tmp_path / "checkpoint", how)
    if how in ["empty", "garbage"]:
        with pytest.raises(ValueError):
            make_manager(tf, tmp_path)
    else:
        _, manager = make_manager(tf, tmp_path)
        assert len(manager.checkpoints) < 3


def test_what_a_kill_left_unlisted_or_half_deleted_is_deleted_later(restart, tf, tmp_path):
    step, manager = make_manager(tf, tmp_path)
    save_numbers(manager, step, [3, 4, 5])
    for file in tmp_path.glob("ckpt-3.*"):
        shutil.copy(file, tmp_path / file.name.replace("ckpt-3", "ckpt-1"))
    (tmp_path / "ckpt-1.index").unlink()  # a manager deletes the index first
    index = tmp_path / "ckpt-5.index"
    index.write_bytes(index.read_bytes()[:-30])
    assert restart.adopt(tmp_path) == str(tmp_path / "ckpt-4")
    step, manager = make_manager(tf, tmp_path)
    assert [path.rpartition("-")[2] for path in manager.checkpoints] == ["5", "1", "3", "4"]
    save_numbers(manager, step, [40])
    left = {path.name.partition(".")[0] for path in tmp_path.iterdir()}
    assert left == {"checkpoint", "ckpt-3", "ckpt-4", "ckpt-40"}, "the damaged ones go first"


def test_other_checkpoints_in_the_folder_stay(restart, tf, tmp_path):
    step, manager = make_manager(tf, tmp_path)
    best = tf.train.CheckpointManager(
        tf.train.Checkpoint(step=step), tmp_path, max_to_keep=3, checkpoint_name="best"
    )
    best.save(1)
    tf.train.Checkpoint(step=step).write(str(tmp_path / "last"))
    save_numbers(manager, step, [7, 8])
    restart.adopt(tmp_path)
    step, manager = make_manager(tf, tmp_path)
    save_numbers(manager, step, [9, 10, 11])
    assert {"best-1.index", "last.index"} < set(names_of_indexes(tmp_path))


def test_a_checkpoint_without_a_number_is_restored_and_never_deleted(restart, tf, tmp_path):
    step, manager = make_manager(tf, tmp_path)
    tf.train.Checkpoint(step=step).write(str(tmp_path / "model"))
    (tmp_path / "checkpoint").write_bytes(b"")
    assert restart.adopt(tmp_path) == str(tmp_path / "model")
    step, manager = make_manager(tf, tmp_path)
    save_numbers(manager, step, [1, 2, 3, 4])
    assert "model.index" in names_of_indexes(tmp_path)


def test_a_moved_folder_is_adopted(restart, tf, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path)
    step, manager = make_manager(tf, "here")
    save_numbers(manager, step, [1, 2])
    (tmp_path / "here").rename("there")
    assert restart.adopt("there") == os.path.join("there", "ckpt-2")  # noqa: PTH118
    step, manager = make_manager(tf, "there")
    save_numbers(manager, step, [3, 4])
    assert names_of_indexes(tmp_path / "there") == ["ckpt-2.index", "ckpt-3.index", "ckpt-4.index"]


def test_a_folder_that_is_not_ours_is_named_and_nothing_is_lost(restart, tf, tmp_path):
    file = tmp_path / "notes"
    file.write_text("mine", encoding="utf-8")
    for refuse in [restart.newest_whole, restart.adopt]:
        with pytest.raises(NotADirectoryError, match=r"/notes is no folder: give the checkpoints'"):
            refuse(file)
        with pytest.raises(FileNotFoundError, match=r"^no folder gone in .*: make it first$"):
            refuse(tmp_path / "gone")
    message = r"/checkpoint is not TensorFlow's list of checkpoints: begin in another folder$"
    state = tmp_path / "checkpoint"
    for content in [b"", b"my notes", b"\xff\xfe\x00abc"]:
        state.write_bytes(content)
        with pytest.raises(ValueError, match=message):
            restart.adopt(tmp_path)
        assert state.read_bytes() == content
    state.unlink()
    state.mkdir()
    with pytest.raises(ValueError, match=message):
        restart.adopt(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint", "notes"]


@pytest.mark.skipif(os.name != "posix", reason="Windows has no pipes with a name")
def test_nobody_waits_for_a_pipe(restart, tf, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for refuse in [restart.newest_whole, restart.adopt]:
        with pytest.raises(NotADirectoryError, match=r"/pipe is no folder"):
            refuse(pipe)
    with pytest.raises(FileNotFoundError, match=r"^no checkpoint pipe in "):
        restart.flush(pipe)
    os.mkfifo(tmp_path / "ckpt-3.index")
    assert restart.newest_whole(tmp_path) is None
    os.mkfifo(tmp_path / "checkpoint")
    with pytest.raises(ValueError, match="is not TensorFlow's list"):
        restart.adopt(tmp_path)


def test_a_prefix_without_files_cannot_be_flushed(restart, three):
    message = r"^no checkpoint ckpt-11 in .*: give flush what manager\.save\(\) returned$"
    with pytest.raises(FileNotFoundError, match=message):
        restart.flush(three / "ckpt-11")
    with pytest.raises(FileNotFoundError, match=r"^no checkpoint ckpt-1 in gone: "):
        restart.flush("gone/ckpt-1")


@pytest.mark.skipif(os.name != "posix", reason="Windows cannot flush a folder")
def test_files_are_flushed_before_their_folder(restart, three, monkeypatch):
    flushed = []
    real_open = os.open
    monkeypatch.setattr(os, "open", lambda *given: flushed.append(given[0]) or real_open(*given))
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    restart.flush(three / "ckpt-9")
    data = three / "ckpt-9.data-00000-of-00001"
    assert set(flushed[:2]) == {data, three / "ckpt-9.index"}
    assert flushed[2:] == [three / "checkpoint", three]


@pytest.mark.skipif(os.name != "posix", reason="needs fcntl")
@pytest.mark.parametrize("recipe", ["restart", "save_whole", "train_loop"])
def test_on_a_mac_the_cache_of_the_drive_is_emptied(module, tmp_path, monkeypatch, recipe):
    recipe = module(f"helpers.recipes.{recipe}")
    names = ["_flush_file", "_flush", "flush_file"]
    [flush_file] = [getattr(recipe, name) for name in names if hasattr(recipe, name)]
    fcntl = module("fcntl")
    file = tmp_path / "file"
    file.touch()
    asked = []
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", lambda descriptor, command: asked.append(command))
    flush_file(file)
    assert asked == [51]

    def refuse(descriptor, command):
        raise OSError(errno.ENOTSUP, "not on this file system")

    monkeypatch.setattr(fcntl, "fcntl", refuse)
    flush_file(file)


# `python -m tests.power_cut` tries more saves, and a second cut after a cut at every moment. Here a
# manager keeps two, so that its third save deletes a checkpoint.


@pytest.fixture(scope="module")
def three_saves(restart, tmp_path_factory):
    """The moments of a program that saves three times, and keeps two checkpoints."""
    record = tmp_path_factory.mktemp("three_saves") / "record"
    return record_checkpoints(restart, record, number_of_saves=3, keep=2)


@pytest.mark.skipif(os.name != "posix", reason="the record is made of inodes and of fsync")
def test_a_power_cut_leaves_the_old_checkpoint_or_the_new_one(restart, three_saves, tmp_path):
    result = try_cuts(three_saves, judge_checkpoints(restart), tmp_path, at_random=0)
    assert result.lost == []
    assert result.states > 100


@pytest.mark.skipif(os.name != "posix", reason="the record is made of inodes and of fsync")
def test_a_second_power_cut_in_the_next_start_or_save_loses_nothing(restart, three_saves, tmp_path):
    first, second, third = [
        [moment for moment in three_saves if moment.promised == promised]
        for promised in [None, 1, 2]
    ]
    middles = [moments[len(moments) // 2] for moments in [first, second, third]]
    results = try_second_cuts(restart, middles, tmp_path, keep=2)
    assert [result.lost for result in results] == [[], [], []]
    assert all(result.states > 1 for result in results)


@pytest.mark.skipif(os.name != "posix", reason="the record is made of inodes and of fsync")
def test_without_the_flush_a_power_cut_loses_everything(restart, tmp_path, monkeypatch):
    monkeypatch.setattr(restart, "flush", lambda path: None)
    moments = record_checkpoints(restart, tmp_path / "record", number_of_saves=3)
    monkeypatch.undo()
    result = try_cuts(moments[-1:], judge_checkpoints(restart), tmp_path / "cut", at_random=9)
    assert any("none of 3 checkpoints" in line for line in result.lost), result.lost


@pytest.mark.skipif(os.name != "posix", reason="the record is made of inodes and of fsync")
def test_keeping_one_checkpoint_is_too_few(restart, tmp_path):
    """As the docstring of flush says."""
    moments = record_checkpoints(restart, tmp_path / "record", number_of_saves=2, keep=1)
    in_the_second_save = [moment for moment in moments if moment.promised == 1]
    judge = judge_checkpoints(restart)
    assert try_cuts(in_the_second_save, judge, tmp_path / "cut", at_random=0).lost != []


@pytest.mark.skipif(os.name != "posix", reason="the record is made of inodes and of fsync")
def test_a_save_that_was_killed_before_its_flush_is_flushed_when_it_is_adopted(
    restart, tf, tmp_path
):
    folder = tmp_path / "record"
    saves = folder / "saves"
    saves.mkdir(parents=True)
    before = Recorder(folder)
    save_checkpoints(restart, saves, 2, 2, before)
    before.close()
    recorder = Recorder(folder)  # all of these two is on the disk
    recorder.promised = 2
    step, _ = make_manager(tf, saves)
    checkpoint = tf.train.Checkpoint(step=step, many=tf.Variable(tf.range(100.0)))
    manager = tf.train.CheckpointManager(checkpoint, saves, max_to_keep=2)
    with recorder.watching():
        save_numbers(manager, step, [3])
    save_checkpoints(restart, saves, 1, 2, recorder)
    recorder.close()
    judge = judge_checkpoints(restart)
    assert try_cuts(recorder.moments, judge, tmp_path / "cut", at_random=0).lost == []
