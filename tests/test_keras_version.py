"""Which Keras wrote a file: read from each kind without loading it, or refused in one line."""

import json
import runpy
import sys
import zipfile

import pytest

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def keras_version(module):
    return module("helpers.recipes.keras_version")


@pytest.fixture(scope="module")
def read_origin(keras_version):
    return keras_version.read_origin


@pytest.fixture(scope="module")
def model(keras):
    inputs = keras.Input([4])
    return keras.Model(inputs, keras.layers.Dense(2, name="scores")(inputs))


@pytest.fixture
def old(module, tmp_path):
    return module("helpers.old_keras.handing_out").unpack("functional", tmp_path)


def write_keras(path, version):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": version}))
    return path


def test_files_of_today_say_the_version_of_today(keras, read_origin, model, tmp_path):
    model.save(tmp_path / "model.keras")
    model.save(tmp_path / "folder", zipped=False)
    model.save(tmp_path / "model.h5")
    for name, kind in {
        "model.keras": ".keras",
        "folder": ".keras as a folder",
        "model.h5": ".h5, whole model",
    }.items():
        origin = read_origin(tmp_path / name)
        assert (origin.file, origin.kind, origin.version) == (name, kind, keras.__version__)


def test_files_of_today_without_a_version_are_told_by_their_form(tf, read_origin, model, tmp_path):
    model.save_weights(tmp_path / "model.weights.h5")
    (tmp_path / "model.json").write_text(model.to_json(), encoding="utf-8")
    model.export(tmp_path / "exported", verbose=False)
    prefix = tf.train.Checkpoint(model=model).write(str(tmp_path / "prefix"))
    for path in [tmp_path / "model.weights.h5", tmp_path / "model.json", prefix]:
        assert read_origin(path).version == "3", path
    assert read_origin(tmp_path / "exported").version == "3"


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("model.keras", "model.keras: .keras of Keras 2.15.0, told by metadata.json"),
        ("model.h5", "model.h5: .h5, whole model of Keras 2.15.0, told by keras_version"),
        ("numbers.h5", "numbers.h5: .h5, numbers of Keras 2.15.0, told by keras_version"),
        ("model.json", "model.json: JSON of Keras 2.15.0, told by keras_version"),
        ("model.weights.h5", "model.weights.h5: .weights.h5 of Keras 2 or 3, told by groups "),
        ("checkpoint/model", "model: checkpoint of Keras 2, told by its keys"),
        ("saved_model", "saved_model: SavedModel of Keras 2.15.0, told by keras_metadata.pb"),
    ],
)
def test_files_of_keras_2_are_told(read_origin, old, name, line):
    assert read_origin(old / name).line.startswith(line)


def test_a_saved_model_of_an_older_tensorflow_says_it_in_its_graph(read_origin, old):
    folder = old / "saved_model"
    (folder / "keras_metadata.pb").unlink()
    graph = folder / "saved_model.pb"
    graph.write_bytes(graph.read_bytes() + b'"keras_version": "2.4.0"')
    assert read_origin(folder).version == "2.4.0"


@pytest.mark.parametrize("version", ["", "today", "3; rm", None])
def test_a_version_that_is_none_is_refused_in_one_line(read_origin, version, tmp_path):
    path = write_keras(tmp_path / "edited.keras", version)
    with pytest.raises(ValueError, match=r"^edited\.keras: .* is no version of Keras: .*$"):
        read_origin(path)


def test_a_version_that_is_newer_than_all_is_told_as_it_is(read_origin, tmp_path):
    assert read_origin(write_keras(tmp_path / "new.keras", "9.0.1rc1")).version == "9.0.1rc1"


def test_what_is_no_file_of_keras_is_refused_in_one_line(module, tf, read_origin, old, tmp_path):
    (tmp_path / "text.h5").write_text("no HDF5", encoding="utf-8")
    (tmp_path / "list.json").write_text("[1]", encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("a.txt", "a")
    with module("h5py").File(tmp_path / "numbers.h5", "w") as tree:
        tree["numbers"] = [1, 2]
    (tmp_path / "empty").mkdir()
    tf.saved_model.save(tf.Module(), str(tmp_path / "module"))
    for name, reason in {
        "text.h5": "no file of Keras",
        "list.json": "no file of Keras",
        "other.zip": "without metadata.json",
        "numbers.h5": "without layers of Keras",
        "empty": "a folder without",
        "module": "without a sign of Keras",
    }.items():
        with pytest.raises(ValueError, match=rf"^{name}: .*{reason}.*$"):
            read_origin(tmp_path / name)
    with pytest.raises(FileNotFoundError, match=r"^no gone\.keras in "):
        read_origin(tmp_path / "gone.keras")


def test_main_prints_a_line_for_each_path_and_says_if_one_failed(keras_version, old, capsys):
    paths = [str(old / "model.keras"), str(old / "gone")]
    assert keras_version.main(paths[:1]) == 0
    assert keras_version.main(paths) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[2].startswith("error: no gone in ")


def test_it_runs_as_a_program(keras_version, old, monkeypatch, capsys):
    """In this process: that its file needs nothing of the course is for tests/test_recipes.py."""
    monkeypatch.setattr(sys, "argv", [keras_version.__file__, str(old / "model.keras")])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(keras_version.__file__, run_name="__main__")
    assert capsys.readouterr().out == (
        "model.keras: .keras of Keras 2.15.0, told by metadata.json\n"
    )
    assert ended.value.code == 0
