"""helpers.lab.far_formats: each way of saving is tried, and what comes of it is told."""

import os
from pathlib import Path

from helpers.lab import far_formats
from helpers.lab.far_formats import ON_OUR_DISK, OTHER_VALUES, WORKS

import numpy as np
import pytest
import tensorflow as tf

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture
def place(tmp_path):
    return f"ram://formats/{tmp_path.name}"


def put(path, content=b"1"):
    with tf.io.gfile.GFile(path, "wb") as file:
        file.write(content)


def test_equal_values_work(place):
    assert far_formats.outcome(lambda model, _: model.get_weights(), place) == WORKS


def test_other_values_are_told(place):
    def trial(model, place):
        return [2 * weight for weight in model.get_weights()]

    assert far_formats.outcome(trial, place) == OTHER_VALUES
    assert far_formats.outcome(lambda model, place: None, place) == OTHER_VALUES


def test_an_error_is_told_by_its_type(place):
    assert far_formats.outcome(lambda model, place: np.load(place), place) == "FileNotFoundError"


@pytest.mark.skipif(os.name == "nt", reason="Windows allows no colon in a name")
def test_a_file_on_our_disk_is_told_whether_there_was_an_error_or_not(place):
    def trial(model, place):
        Path(place).mkdir(parents=True)
        Path(place, "x").write_bytes(b"1")
        return model.get_weights()

    def failing(model, place):
        trial(model, place)
        raise OSError

    before = Path.cwd()
    assert far_formats.outcome(trial, place) == ON_OUR_DISK
    assert far_formats.outcome(failing, place) == ON_OUR_DISK
    assert Path.cwd() == before
    assert not Path("ram:").exists()


def test_each_way_gets_a_place_of_its_own_as_text_and_as_a_path(place):
    seen = []

    def trial(model, place):
        seen.append(place)
        return model.get_weights()

    rows = far_formats.try_each(place, {"one": trial, "other": trial})
    assert rows == [["one", WORKS, WORKS], ["other", WORKS, WORKS]]
    assert len({str(place) for place in seen}) == 4
    assert [type(place) is str for place in seen] == [True, False] * 2


def test_the_table_has_a_line_for_each_way(place, monkeypatch, capsys):
    monkeypatch.setattr(far_formats, "try_each", lambda url: [["one", url, WORKS]])
    far_formats.show_table(place)
    far_formats.show_table(place)
    lines = capsys.readouterr().out.splitlines()
    [first, second] = [line.split() for line in lines if line.startswith("one")]
    assert first[1].startswith(f"{place}/") and first[2] == WORKS
    assert second[1].startswith(f"{place}/") and second[1] != first[1]


# What tells each way of saving from the others: a file that it leaves.
LEFT = {
    "model.save, .keras": "model.keras",
    "save_weights, .weights.h5": "model.weights.h5",
    "the same, to a name that exists": "model.weights.h5",
    "model.save, .h5": "model.h5",
    "export, SavedModel": "saved_model.pb",
    "CheckpointManager": "ckpt-1.index",
    "BackupAndRestore": "latest.weights.h5",
    "CSVLogger": "losses.csv",
    "TFRecordWriter": "data.tfrecord",
    "numpy.savez": "arrays.npz",
    "save_whole of 16": "model.keras.sha256",
    "restart of 17": ".writer",
    "train_loop of 17": "ckpt-1.index",
    "far_away of this notebook": "published",
}


def test_each_way_has_a_file_by_which_it_is_known():
    assert list(LEFT) == list(far_formats.TRIALS)


@pytest.mark.parametrize("name", far_formats.TRIALS)
def test_on_a_local_folder_each_way_works(name, tmp_path, monkeypatch):
    """So what fails on a far place fails because of the place."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "place"
    folder.mkdir()
    model = far_formats.make_model()
    restored = far_formats.TRIALS[name](model, folder)
    for weight, value in zip(model.get_weights(), restored, strict=True):
        np.testing.assert_array_equal(weight, value)
    assert list(folder.rglob(LEFT[name]))
