"""helpers.recipes.train_loop: killed, asked to stop or without power, it goes on exactly."""

import os
import random
import runpy
import shutil
import signal
import sys
from pathlib import Path

from tests.killing import DAMAGES, TRAINING, Killer, Life, damage
from tests.power_cut import (
    judge_training,
    judge_whole_training,
    record_training,
    try_cuts,
)

import pytest

KILLS = 5  # `python -m tests.killing 200` kills more often
STEPS = 8
FORGET = """
from helpers.recipes import train_loop

import tensorflow as tf

find_seeds = train_loop.find_seeds
train_loop.find_seeds = lambda model: [tf.Variable(seed) for seed in find_seeds(model)]
"""
ASKED = """
import os
import sys

from helpers.recipes.train_loop import train

print(os.getpid(), flush=True)
print("finished", train(sys.argv[1], steps=int(sys.argv[2]), save_every=1000), flush=True)
"""


@pytest.fixture(scope="module")
def recipe(module):
    return module("helpers.recipes.train_loop")


@pytest.fixture(scope="module")
def program(module):
    return module("helpers.programs").Program


@pytest.fixture(scope="module")
def whole_training(recipe, tmp_path_factory):
    """A training that nobody interrupted: its folder, and the lines that it printed."""
    folder = tmp_path_factory.mktemp("whole") / "saves"
    return folder, run(recipe, folder, STEPS)


@pytest.fixture(scope="module")
def whole(whole_training):
    return whole_training[0]


@pytest.fixture(scope="module")
def losses(whole_training):
    """The lines that a training prints for its steps."""
    return [line for line in whole_training[1] if line.startswith("step")]


def run(recipe, folder, steps, save_every=2):
    """Train to the end, and return the lines that it prints."""
    lines = []

    def note(*words, **options):
        lines.append(" ".join(map(str, words)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipe, "print", note, raising=False)
        assert recipe.train(folder, steps, save_every)
    return lines


@pytest.fixture(scope="module")
def killer(program, tmp_path_factory):
    return Killer(program, tmp_path_factory.mktemp("killer"))


def test_killed_at_random_moments_it_loses_nothing_and_leaves_nothing(killer):
    count = killer.of_another_training(TRAINING, random.Random()).kill(KILLS)
    assert count.kills == KILLS
    assert count.lost == count.other_losses == count.other_weights == 0, count
    assert count.leaked == []


def test_the_killer_notices_a_training_that_is_not_exact(killer):
    """A training that saves copies of its seeds has other losses after a kill."""
    after_nine_lines = random.Random(5)  # the steps 1 to 6 and two saves
    count = killer.of_another_training(FORGET + TRAINING, after_nine_lines).kill(1)
    assert count.other_losses > 0
    assert count.other_weights > 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM that can be caught")
def test_asked_to_stop_it_saves_and_goes_on_exactly(program, recipe, losses, tmp_path):
    script = tmp_path / "asked.py"
    script.write_text(ASKED, encoding="utf-8")
    with program(script, tmp_path / "saves", 5_000) as running:
        lines = running.lines()
        number = int(next(lines))
        printed = [next(lines) for _ in range(3)]
        os.kill(number, signal.SIGTERM)
        printed += lines
    assert printed.pop() == "finished False"
    life = Life.read(printed)
    last = max(life.losses)
    assert life.saved == [last]
    assert last >= 3

    printed += run(recipe, tmp_path / "saves", last + 2)
    steps = [line for line in printed if line.startswith("step")]
    expected = run(recipe, tmp_path / "whole", last + 2)
    assert steps == [line for line in expected if line.startswith("step")]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM that can be caught")
def test_the_handler_of_before_comes_back(recipe, tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    run(recipe, tmp_path, 1)
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_list_is_written_again(recipe, tf, whole, losses, tmp_path, how):
    saves = tmp_path / "saves"
    shutil.copytree(whole, saves)
    damage(saves / "checkpoint", how)
    prefix = recipe.adopt(saves)
    assert prefix == saves / f"ckpt-{STEPS}"
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(), saves, max_to_keep=3)
    assert manager.checkpoints == [str(saves / f"ckpt-{number}") for number in [4, 6, 8]]


def test_a_damaged_checkpoint_costs_the_steps_since_the_one_before(recipe, whole, losses, tmp_path):
    saves = tmp_path / "saves"
    shutil.copytree(whole, saves)
    (saves / "ckpt-8.index").write_bytes(b"")
    printed = run(recipe, saves, STEPS)
    assert printed == ["going on after ckpt-6", losses[6], losses[7], "saved ckpt-8"]
    names = sorted(path.name for path in saves.iterdir())
    assert names == sorted(path.name for path in whole.iterdir())


def test_a_finished_training_does_nothing(recipe, whole):
    before = {path: path.read_bytes() for path in whole.glob("ckpt-*")}
    assert run(recipe, whole, STEPS) == [f"going on after ckpt-{STEPS}"]
    assert {path: path.read_bytes() for path in whole.glob("ckpt-*")} == before


def test_the_last_step_is_saved_also_between_two_saves(recipe, tmp_path):
    printed = run(recipe, tmp_path, 3, save_every=2)
    assert [line for line in printed if line.startswith("saved")] == [
        "saved ckpt-2",
        "saved ckpt-3",
    ]


def test_what_a_killed_save_left_is_deleted_and_nothing_else(recipe, whole, tmp_path):
    saves = tmp_path / "saves"
    shutil.copytree(whole, saves)
    (saves / "ckpt-9_temp").mkdir()
    (saves / "ckpt-9_temp" / "part-00000-of-00001.index").touch()
    (saves / "ckpt-9.index.tempstate7").touch()
    (saves / f"checkpoint.tmp{32 * 'a'}").touch()
    ours = ["notes.txt", "ckpt-9_temp.txt", "checkpoint.tmp"]
    for name in ours:
        (saves / name).touch()
    with recipe.only_writer(saves):
        pass
    found = {path.name for path in saves.iterdir()}
    assert found == {path.name for path in whole.iterdir()} | set(ours)


def test_a_second_writer_is_refused(recipe, module, tmp_path):
    restart = module("helpers.recipes.restart")
    message = r" has a writer: wait, or train in another folder$"
    with recipe.only_writer(tmp_path):
        with pytest.raises(recipe.FolderError, match=message):
            recipe.train(tmp_path)
        with pytest.raises(RuntimeError, match=" has a writer"):
            restart.only_writer(tmp_path).__enter__()
    with restart.only_writer(tmp_path):
        with pytest.raises(recipe.FolderError, match=message):
            recipe.train(tmp_path)


@pytest.mark.parametrize("url", ["ram://x", "gs://bucket/x", Path("gs://bucket/x")])
def test_a_url_is_refused_and_no_folder_is_named_after_it(recipe, tmp_path, monkeypatch, url):
    monkeypatch.chdir(tmp_path)
    shown = url if isinstance(url, str) else url.as_posix()
    message = f"^{shown} is a URL: train in a local folder, and publish each save with far_away.py$"
    with pytest.raises(recipe.FolderError, match=message):
        recipe.train(url, steps=1)
    assert list(tmp_path.iterdir()) == []


def test_a_letter_before_a_colon_is_a_drive_and_no_url(recipe):
    recipe.refuse_url("C:/saves")
    recipe.refuse_url("C:\\saves")
    recipe.refuse_url("saves/a:b")


def test_a_folder_that_cannot_be_used_is_named_and_nothing_is_lost(recipe, whole, tmp_path):
    file = tmp_path / "notes"
    file.write_text("mine", encoding="utf-8")
    with pytest.raises(recipe.FolderError, match=r"/notes cannot be a folder: "):
        recipe.train(file)
    with pytest.raises(recipe.FolderError, match=r"^TensorFlow reads \[ \] in .* as a pattern$"):
        recipe.train(tmp_path / "run[1]")
    saves = tmp_path / "saves"
    saves.mkdir()
    state = saves / "checkpoint"
    state.write_text("my notes", encoding="utf-8")
    with pytest.raises(recipe.FolderError, match="/checkpoint has no checkpoint beside it: "):
        recipe.train(saves)
    assert state.read_text(encoding="utf-8") == "my notes"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes", "saves"]


def test_where_no_checkpoint_is_intact_it_does_not_begin_again(recipe, whole, tmp_path):
    saves = tmp_path / "saves"
    shutil.copytree(whole, saves)
    for index in saves.glob("*.index"):
        index.write_bytes(b"")
    before = sorted(saves.iterdir())
    with pytest.raises(recipe.FolderError, match=r"^none of 3 checkpoints in .* is intact: bring"):
        recipe.train(saves)
    assert sorted(saves.iterdir()) == before


def test_a_checkpoint_of_another_program_is_refused(recipe, tf, tmp_path):
    manager = tf.train.CheckpointManager(
        tf.train.Checkpoint(step=tf.Variable(3)), tmp_path, max_to_keep=3
    )
    manager.save(3)
    with pytest.raises(recipe.FolderError, match="/ckpt-3 does not fit this program: train in"):
        recipe.train(tmp_path)
    assert (tmp_path / "ckpt-3.index").exists()


@pytest.mark.skipif(os.name != "posix", reason="Windows has no pipes with a name")
def test_a_pipe_is_no_folder(recipe, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(recipe.FolderError, match=r"/pipe cannot be a folder: "):
        recipe.train(tmp_path / "pipe")


def test_the_command_says_in_one_line_what_is_wrong(recipe, tmp_path, monkeypatch):
    file = tmp_path / "notes"
    file.touch()
    for arguments, line in [
        ([], "give one folder to save to: python train_loop.py saves"),
        ([str(file)], f"train_loop.py: {file.as_posix()} cannot be a folder: "),
    ]:
        monkeypatch.setattr(sys, "argv", ["train_loop.py", *arguments])
        with pytest.raises(SystemExit) as ended:
            recipe.main()
        assert ended.value.code.startswith(line)
        assert "\n" not in ended.value.code


def test_the_command_ends_as_sigterm_ends_a_program(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["train_loop.py", str(tmp_path)])
    monkeypatch.setattr(recipe, "train", lambda folder: False)
    with pytest.raises(SystemExit) as ended:
        recipe.main()
    assert ended.value.code == 143
    monkeypatch.setattr(recipe, "train", lambda folder: True)
    recipe.main()


@pytest.mark.skipif(os.name != "posix", reason="the record is made of inodes and of fsync")
def test_a_power_cut_leaves_the_old_checkpoint_or_the_new_one(recipe, losses, tmp_path):
    moments = record_training(recipe, tmp_path / "record", STEPS)
    result = try_cuts(moments, judge_training(recipe), tmp_path / "cut", at_random=0)
    assert result.lost == []
    assert result.states > 100

    in_the_last_save = [moment for moment in moments if moment.promised == STEPS - 2][-4:-3]
    judge = judge_whole_training(recipe, losses)
    # Every fourth is: the last save has left nothing, only names, or something of both.
    result = try_cuts(in_the_last_save, judge, tmp_path / "trained", at_random=0, every=4)
    assert result.lost == []
    assert result.states > 1


@pytest.mark.skipif(os.name != "posix", reason="the record is made of inodes and of fsync")
def test_without_the_flush_a_power_cut_loses_everything(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(recipe, "flush", lambda folder, files: None)
    moments = record_training(recipe, tmp_path / "record", STEPS)
    monkeypatch.undo()
    result = try_cuts(moments[-1:], judge_training(recipe), tmp_path / "cut", at_random=5)
    assert len(result.lost) > result.states // 2, result


def test_the_file_is_a_command(tmp_path, recipe, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["train_loop.py"])
    with pytest.raises(SystemExit, match=r"^give one folder to save to"):
        runpy.run_path(str(Path(recipe.__file__)), run_name="__main__")
