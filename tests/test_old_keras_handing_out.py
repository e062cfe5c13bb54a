"""The old files are those that Keras 2 wrote, small, and no others are handed out."""

import logging
import re
import shutil

import numpy as np
import pytest

FILES = {
    "bilstm": ["model.h5", "model.json", "numbers.h5"],
    "custom": ["model.h5", "model.keras"],
    "functional": [
        "model",
        "model.h5",
        "model.json",
        "model.keras",
        "model.weights.h5",
        "numbers.h5",
        "saved_model",
    ],
    "gates": ["model.h5"],
    "keras3": [
        "model",
        "model.h5",
        "model.json",
        "model.keras",
        "model.weights.h5",
        "saved_model",
    ],
    "subclassed": ["model", "model.keras", "model.weights.h5"],
}
WRITTEN_BY = {"bilstm": "2.3.1", "gates": "2.3.1", "keras3": "3.15.1"}
# By the main version that wrote them, the files that hold no full version.
WITHOUT_NUMBER = {
    "2": ("model", "model.weights.h5"),
    "3": ("model", "model.weights.h5", "model.json", "saved_model"),
}


@pytest.fixture(scope="module")
def handing_out(module):
    return module("helpers.old_keras.handing_out")


@pytest.fixture(scope="module")
def read_origin(module):
    return module("helpers.recipes.keras_version").read_origin


each_model = pytest.mark.parametrize("name", sorted(FILES))


def test_the_archives_are_those_of_the_table_and_small(handing_out):
    paths = sorted(handing_out.FILES.iterdir())
    assert [path.name for path in paths] == [f"{name}.zip" for name in sorted(FILES)]
    assert sorted(handing_out.SHA256) == sorted(FILES)
    assert sum(path.stat().st_size for path in paths) < 100_000


@each_model
def test_an_archive_holds_its_files_and_the_answers_of_keras_2(handing_out, name, tmp_path):
    folder = handing_out.unpack(name, tmp_path)
    assert [path.name for path in handing_out.files_in(folder)] == FILES[name]
    inputs, answers = handing_out.read_answers(folder)
    assert len(inputs) == 4
    assert all(len(np.unique(answer)) > 1 for answer in answers)


@each_model
def test_a_file_says_the_version_that_make_has_documented(handing_out, read_origin, name, tmp_path):
    folder = handing_out.unpack(name, tmp_path)
    wanted = WRITTEN_BY.get(name, "2.15.0")
    for path in handing_out.files_in(folder):
        version = read_origin(path).version
        if version != wanted:
            assert path.name in WITHOUT_NUMBER[wanted[0]], path.name
            assert version in (wanted[0], "2 or 3"), path.name


def test_one_changed_byte_is_refused(handing_out, tmp_path):
    shutil.copy(handing_out.FILES / "gates.zip", tmp_path)
    data = bytearray((tmp_path / "gates.zip").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "gates.zip").write_bytes(data)
    message = r"^gates\.zip: SHA-256 is \w{12}…, published is \w{12}…: do not load it, get the .*$"
    with pytest.raises(ValueError, match=message):
        handing_out.unpack("gates", tmp_path, files=tmp_path)
    assert not (tmp_path / "gates").exists()


def test_an_archive_that_is_missing_is_refused_in_one_line(handing_out, tmp_path):
    message = f"^no gates.zip in {re.escape(tmp_path.name)}: get the course again$"
    with pytest.raises(FileNotFoundError, match=message):
        handing_out.unpack("gates", tmp_path, files=tmp_path)


def test_a_name_that_is_not_known_is_refused_and_the_known_ones_are_named(handing_out, tmp_path):
    with pytest.raises(ValueError, match=r"^no old model 'lstm': choose bilstm, custom, .*$"):
        handing_out.unpack("lstm", tmp_path)


def test_the_answers_themselves_are_as_before_and_others_are_not(handing_out, tmp_path):
    folder = handing_out.unpack("functional", tmp_path)
    _, answers = handing_out.read_answers(folder)
    assert handing_out.largest_difference(lambda inputs: answers, folder) == 0
    assert handing_out.answers_as_before(lambda inputs: answers, folder)
    moved = [answers[0] + 1e-4, answers[1]]
    assert not handing_out.answers_as_before(lambda inputs: moved, folder)
    assert not handing_out.answers_as_before(lambda inputs: answers[::-1], folder)


def test_answers_of_nan_are_not_as_before(handing_out, tmp_path):
    folder = handing_out.unpack("gates", tmp_path)
    _, [answer] = handing_out.read_answers(folder)
    assert not handing_out.answers_as_before(lambda inputs: answer * np.nan, folder)
    folder = handing_out.unpack("functional", tmp_path)
    _, [first, second] = handing_out.read_answers(folder)
    assert not handing_out.answers_as_before(lambda inputs: [first, second * np.nan], folder)


def test_answers_of_another_shape_are_refused_in_one_line(handing_out, tmp_path):
    folder = handing_out.unpack("gates", tmp_path)
    with pytest.raises(
        ValueError, match=r"^the answers have the shapes .*, in Keras 2 \[\(4, 1\)\]$"
    ):
        handing_out.largest_difference(lambda inputs: np.zeros((4, 2)), folder)


def test_an_edited_copy_has_the_new_architecture_and_the_other_members(
    handing_out, read_origin, tmp_path
):
    folder = handing_out.unpack("custom", tmp_path)
    path = folder / "model.keras"
    copy = handing_out.write_config(path, tmp_path / "copy.keras", {"class_name": "Other"})
    assert handing_out.read_config(copy) == {"class_name": "Other"}
    assert handing_out.read_config(path)["class_name"] == "Sequential"
    assert read_origin(copy).version == "2.15.0"


def test_the_architecture_is_the_same_in_each_file_that_has_one(handing_out, tmp_path):
    folder = handing_out.unpack("bilstm", tmp_path)
    layers = []
    for name in ["model.h5", "model.json"]:
        config = handing_out.read_config(folder / name)
        layers.append([layer["class_name"] for layer in config["config"]["layers"]])
    assert layers == [["Embedding", "Bidirectional", "Dense"]] * 2


@pytest.mark.parametrize("name", ["numbers.h5", "saved_model", "checkpoint/model"])
def test_what_holds_no_architecture_is_refused_in_one_line(handing_out, name, tmp_path):
    folder = handing_out.unpack("functional", tmp_path)
    with pytest.raises(ValueError, match=r"^\w+(\.h5)? holds no architecture: take it from .*$"):
        handing_out.read_config(folder / name)


def test_a_way_is_judged_by_its_answers(handing_out, tmp_path):
    folder = handing_out.unpack("gates", tmp_path)
    _, [answer] = handing_out.read_answers(folder)
    ways = {
        "right": lambda path: lambda inputs: answer,
        "wrong": lambda path: lambda inputs: answer + 1,
        "not meant": lambda path: None,
        "raises": lambda path: {}[path],
    }
    rows = handing_out.try_files([folder], ways)
    assert rows == [["gates/model.h5", "the same", "other answers", "-", "KeyError"]]


def test_outcomes_stand_in_one_row_for_each_file_and_call(handing_out):
    one = {"version": "2.1", "keras3": [["a.h5", "load", "the same"], ["b.h5", "load", "E: c"]]}
    two = {"version": "2.2", "keras3": [["a.h5", "load", "other"], ["b.h5", "load", "the same"]]}
    record = {"written_by": "3.1", "asked": [one, two]}
    assert [list(row.values()) for row in handing_out.outcomes(record)] == [
        ["a.h5", "load", "the same", "other"],
        ["b.h5", "load", "E", "the same"],
    ]
    headings = ["file of Keras 3.1", "call", "Keras 2.1", "Keras 2.2"]
    assert list(handing_out.outcomes(record)[0]) == headings
    two["keras3"].pop()
    with pytest.raises(ValueError, match=r"^record\.json: not every Keras was asked the same"):
        handing_out.outcomes(record)


def test_only_an_assertion_error_counts_as_one(handing_out):
    def fail(error):
        raise error

    assert handing_out.asserts(fail, AssertionError("no"))
    assert not handing_out.asserts(len, [])
    with pytest.raises(KeyError):
        handing_out.asserts(fail, KeyError("no"))


def test_messages_are_one_short_line_without_the_folder(handing_out, tmp_path, capsys):
    handing_out.show_messages([handing_out.unpack("bilstm", tmp_path)])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [f"bilstm/{name}" for name in FILES["bilstm"]]
    assert all(len(line) < 90 and str(tmp_path) not in line for line in lines)
    assert "Could not locate class 'LSTM'" in lines[0]


def test_the_log_is_collected_and_not_shown_and_afterwards_shown_again(handing_out, caplog):
    logger = logging.getLogger("absl")
    with handing_out.quiet() as lines:
        logger.warning("inside")
    assert lines == ["inside"]
    logger.warning("outside")
    assert lines == ["inside"]
