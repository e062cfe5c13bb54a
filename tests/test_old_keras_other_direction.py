"""What Keras 2 said to files of Keras 3 is written down beside these files, and is about them."""

import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest

OLD = ["functional", "subclassed", "custom", "bilstm", "gates"]


@pytest.fixture(scope="module")
def other_direction(module):
    return module("helpers.old_keras.other_direction")


@pytest.fixture(scope="module")
def handing_out(module):
    return module("helpers.old_keras.handing_out")


@pytest.fixture
def keras3(handing_out, tmp_path):
    return handing_out.unpack("keras3", tmp_path)


@pytest.fixture
def record(keras3):
    return json.loads((keras3 / "record.json").read_text(encoding="utf-8"))


def names_in(handing_out, folder):
    return {path.relative_to(folder).as_posix() for path in handing_out.files_in(folder)}


def test_two_of_keras_2_were_asked_about_every_file(handing_out, keras3, record):
    assert [one["version"] for one in record["asked"]] == ["2.15.0", "2.21.0"]
    for one in record["asked"]:
        assert {file for file, _, _ in one["keras3"]} == names_in(handing_out, keras3)


def test_the_files_are_of_the_keras_that_the_record_names(module, keras3, record):
    read_origin = module("helpers.recipes.keras_version").read_origin
    for name in ["model.keras", "model.h5"]:
        assert read_origin(keras3 / name).version == record["written_by"]
    for name in ["model.weights.h5", "model.json", "checkpoint/model", "saved_model"]:
        assert read_origin(keras3 / name).version == "3"


def test_todays_keras_gives_the_same_answers_with_the_files(module, keras, handing_out, keras3):
    for name in ["model.keras", "model.h5"]:
        model = keras.saving.load_model(keras3 / name, compile=False)
        assert handing_out.answers_as_before(model, keras3)
    model = module("helpers.old_keras.models").build_model(["animals", "colours"])
    model.load_weights(keras3 / "model.weights.h5")
    assert handing_out.answers_as_before(model, keras3)


def test_a_message_of_the_record_names_what_the_file_really_holds(handing_out, keras3, record):
    first = handing_out.read_config(keras3 / "model.h5")["config"]["layers"][0]["config"]
    assert {"batch_shape", "optional"} <= set(first)
    for one in record["asked"]:
        said = {(file, call): outcome for file, call, outcome in one["keras3"]}
        assert "Unrecognized keyword arguments: ['batch_shape'" in said["model.h5", "load_model"]
        assert "functional cannot be imported." in said["model.keras", "load_model"]


def test_what_the_notebook_says_of_the_record_is_in_it(record):
    for one in record["asked"]:
        said = {(file, call): outcome.split(":")[0] for file, call, outcome in one["keras3"]}
        assert said["model.weights.h5", "load_weights"] == "the same"
        assert said["model.weights.h5", "fit, load_weights"] == "ValueError"
        assert said["saved_model", "tf.saved_model.load"] == "the same"
        whole = [said[name, "load_model"] for name in ["model.keras", "model.h5", "saved_model"]]
        assert whole == ["TypeError"] * 3
        assert said["model.json", "model_from_json"] == "TypeError"
    assert record["asked"][1]["mixed"].startswith("TypeError: The added layer must be an instance")


def test_the_package_tf_keras_read_every_file_of_keras_2(handing_out, record, tmp_path):
    rows = record["asked"][1]["keras2"]
    assert {outcome for _, _, outcome in rows} == {"the same"}
    wanted = set()
    for name in OLD:
        folder = handing_out.unpack(name, tmp_path)
        wanted |= {f"{name}/{file}" for file in names_in(handing_out, folder)}
    assert {file for file, _, _ in rows} == wanted


def test_without_the_package_tensorflow_says_that_keras_cannot_be_imported():
    program = """
import os
import sys
os.environ["TF_USE_LEGACY_KERAS"] = "1"
sys.modules["tf_keras"] = None
import tensorflow as tf
tf.keras.layers
"""
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=600)
    assert ended.returncode == 1
    assert "ImportError: Keras cannot be imported." in ended.stderr


def test_todays_keras_is_not_asked(other_direction, tmp_path):
    with pytest.raises(SystemExit, match=r"^this asks Keras 2, found 3: see the first lines"):
        other_direction.ask(tmp_path)


def test_a_step_that_is_not_known_is_refused_in_one_line(other_direction, tmp_path):
    with pytest.raises(SystemExit, match=r"^no step 'fetch': write, ask or pack$"):
        other_direction.main("fetch", tmp_path)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (lambda inputs: inputs + 1, "the same"),
        (lambda inputs: [inputs + 1], "the same"),
        (lambda inputs: inputs + 1.001, "other answers"),
        (lambda inputs: inputs * np.nan, "other answers"),
        (lambda inputs: {}["a"], "KeyError: 'a'"),
    ],
)
def test_an_outcome_is_judged_by_the_answers(other_direction, answer, outcome):
    inputs = np.zeros([2, 3])
    assert other_direction.outcome_of(lambda: answer, inputs, [np.ones([2, 3])]) == outcome


def test_an_answer_of_nan_in_the_second_head_is_not_the_same(other_direction):
    heads = [np.ones([2, 3]), np.ones([2, 3])]
    answers = [heads[0], heads[1] * np.nan]
    assert other_direction.outcome_of(lambda: lambda x: answers, None, heads) == "other answers"


def test_a_long_message_keeps_its_beginning_and_its_end_in_one_line(other_direction):
    def load():
        raise ValueError("first\n" + "x" * 999 + " last")

    outcome = other_direction.outcome_of(load, None, [])
    assert outcome.startswith("ValueError: first xxx")
    assert outcome.endswith("xxx last")
    assert len(outcome) < 260


def test_the_archive_holds_every_file_and_its_hash_is_returned(other_direction, tmp_path):
    folder = tmp_path / "keras3"
    (folder / "checkpoint").mkdir(parents=True)
    for name in ["record.json", "checkpoint/model.index"]:
        (folder / name).write_text(name, encoding="utf-8")
    digest = other_direction.pack(folder, tmp_path)
    assert len(digest) == 64
    with zipfile.ZipFile(tmp_path / "keras3.zip") as archive:
        assert archive.namelist() == ["checkpoint/model.index", "record.json"]
