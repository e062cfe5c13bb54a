"""helpers.lab.kept: each checkpoint of the list is read, and no other one."""

import pytest


@pytest.fixture
def kept(module):
    return module("helpers.lab.kept")


@pytest.fixture
def saved(tf, tmp_path):
    """A folder with three checkpoints, of which its list names two."""
    step = tf.Variable(0)
    checkpoint = tf.train.Checkpoint(step=step, loss=tf.Variable(0.5))
    manager = tf.train.CheckpointManager(checkpoint, tmp_path, max_to_keep=2)
    checkpoint.write(tmp_path / "ckpt-9")
    for number in [3, 1, 2]:
        step.assign(number)
        manager.save(checkpoint_number=10 * number)
    return tmp_path


def test_it_reads_what_each_checkpoint_of_the_list_holds_in_its_order(kept, saved):
    assert list(kept.read_kept(saved, "step").items()) == [("ckpt-10", 1), ("ckpt-20", 2)]
    assert kept.read_kept(saved, "loss") == {"ckpt-10": 0.5, "ckpt-20": 0.5}


def test_a_variable_that_is_not_there_is_none_and_an_empty_folder_is_nothing(kept, saved, tmp_path):
    assert kept.read_kept(saved, "epoch") == {"ckpt-10": None, "ckpt-20": None}
    empty = tmp_path / "empty"
    empty.mkdir()
    assert kept.read_kept(empty, "step") == {}


def test_an_empty_file_is_no_checkpoint(kept, saved, tf):
    (saved / "ckpt-10.index").write_bytes(b"")
    with pytest.raises(Exception, match="too short to be an sstable"):
        kept.read_kept(saved, "step")
