"""The program that made the old files runs in Keras 2 only, and packs what it is given."""

import zipfile
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="module")
def make(module):
    return module("helpers.old_keras.make")


def test_todays_keras_is_refused_in_one_line_and_nothing_is_written(make, tmp_path):
    message = (
        r"^this needs Keras 2\.3\.1 or 2\.15\.0, found 3\.\d+\.\d+: see the first lines of make"
    )
    with pytest.raises(SystemExit, match=message):
        make.main(tmp_path / "files")
    assert not (tmp_path / "files").exists()


def test_an_archive_holds_each_file_and_the_answers_and_no_folder_is_left(make, tmp_path):
    class Doubling:
        def predict(self, inputs):
            return inputs * 2

    def save(path):
        Path(path).write_text("saved", encoding="utf-8")

    ways = {"model.h5": save, "checkpoint/model": save}
    make.pack("doubling", Doubling(), np.ones((2, 3)), ways, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["doubling.zip"]
    with zipfile.ZipFile(tmp_path / "doubling.zip") as archive:
        assert archive.namelist() == ["answers.npz", "checkpoint/model", "model.h5"]
        assert archive.read("model.h5") == b"saved"


def test_what_begins_with_zero_gets_other_numbers(make):
    class Weights:
        def __init__(self):
            self.values = [np.zeros(3), np.ones(2)]

        def get_weights(self):
            return self.values

        def set_weights(self, values):
            self.values = values

    zeros, ones = make.with_other_biases(Weights()).get_weights()
    assert np.all(zeros != 0)
    assert np.array_equal(ones, np.ones(2))
