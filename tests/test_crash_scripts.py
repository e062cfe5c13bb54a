from helpers.lab import crash_scripts
from helpers.programs import Program
from helpers.recipes.restart import adopt, only_writer

import pytest
import tensorflow as tf


def folder_with_leftovers(parent):
    """A folder in which a start deletes one file, then its folder, then renames a new list."""
    parent.mkdir()
    checkpoint = tf.train.Checkpoint(step=tf.Variable(1))
    tf.train.CheckpointManager(checkpoint, parent, max_to_keep=3).save(1)
    (parent / "ckpt-2_temp").mkdir()
    (parent / "ckpt-2_temp" / "part-00000-of-00001.index").touch()
    return parent


def test_a_save_says_when_it_begins(tmp_path):
    with Program(crash_scripts.__file__, "save", tmp_path) as program:
        lines = program.lines()
        assert [next(lines), next(lines)] == ["saving", "saving"]
    assert (tmp_path / "ckpt-2.index").exists()


def test_a_start_waits_before_each_change_and_a_kill_there_loses_nothing(tmp_path):
    said = []
    for number in [1, 2, 3, 4]:
        folder = folder_with_leftovers(tmp_path / str(number))
        with Program(crash_scripts.__file__, "start", folder, number) as program:
            said.append(next(program.lines()))
            is_complete = number == 4
            assert (folder / "ckpt-2_temp").exists() == (number <= 2)
            if is_complete:
                program.wait()
        with only_writer(folder):
            assert adopt(folder) == str(folder / "ckpt-1")
        assert not list(folder.glob("*temp*")) + list(folder.glob("*.tmp*"))
    killed = [f"killed before {change}" for change in ["remove", "rmdir", "rename"]]
    assert said == [*killed, "not killed"]


def test_a_full_disk_stops_the_third_save_and_leaves_the_first_two(tmp_path):
    pytest.importorskip("resource")
    with Program(crash_scripts.__file__, "full_disk", tmp_path) as program:
        lines = program.wait().splitlines()
    assert lines[:2] == ["saved 1", "saved 2"]
    assert lines[2].startswith("3 is not saved: ")
    with only_writer(tmp_path) as deleted:
        assert deleted
        assert adopt(tmp_path) == str(tmp_path / "ckpt-2")
