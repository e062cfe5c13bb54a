"""Ask Keras 2 what it makes of the files of Keras 3, and write down what it says.

The course comes with the archive ``keras3.zip``. It holds files of Keras 3, which are the
functional model of `make.py`, brought over, and ``record.json``, in which two of Keras 2 say what
they make of them: Keras 2.15.0, and the package tf-keras, which `TF_USE_LEGACY_KERAS=1` puts in the
place of `tf.keras`. Each of them needs an environment of its own. In the first folder of the
course, on Linux:

    python -m helpers.old_keras.other_direction write keras3
    python3.11 -m venv ~/keras215
    ~/keras215/bin/pip install tensorflow-cpu==2.15.1
    ~/keras215/bin/python helpers/old_keras/other_direction.py ask keras3
    python3.11 -m venv ~/legacy
    ~/legacy/bin/pip install tensorflow-cpu==2.21.0
    ~/legacy/bin/pip install --no-deps tf-keras==2.21.0
    export TF_USE_LEGACY_KERAS=1
    ~/legacy/bin/python helpers/old_keras/other_direction.py ask keras3
    python -m helpers.old_keras.other_direction pack keras3

New files have new hashes. The last command prints the one that goes into ``handing_out.py``.
"""

import hashlib
import importlib
import json
import os
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

HERE = Path(__file__).parent
FILES = HERE / "files"
# Answers differ by some 1e-7 between processors.
TOLERANCE = 1e-5
# What Keras 2 wrote, and the newest Keras 2 has to read.
ARCHIVES = ("functional", "subclassed", "custom", "bilstm", "gates")


def write(folder: Path) -> None:
    """Write the functional model with today's Keras, in each kind of file, and its answers.

    Args:
        folder: a new one.
    """
    import keras

    folder.mkdir(parents=True)
    old = _unpack("functional", folder.parent / f"{folder.name}_old")
    model = keras.saving.load_model(old / "model.h5", compile=False)
    shutil.copy(old / "answers.npz", folder)
    shutil.rmtree(old.parent)
    model.save(folder / "model.keras")
    model.save(folder / "model.h5")
    model.save_weights(folder / "model.weights.h5")
    (folder / "model.json").write_text(model.to_json(), encoding="utf-8")
    model.export(folder / "saved_model", verbose=False)
    (folder / "checkpoint").mkdir()
    tf.train.Checkpoint(model).write(str(folder / "checkpoint" / "model"))
    record = {"written_by": keras.__version__, "asked": []}
    _write_record(folder, record)


def ask(folder: Path) -> None:
    """Ask the Keras 2 in which this program runs, and add what it says to the record.

    Args:
        folder: one that `write` made.

    Raises:
        SystemExit: the `tf.keras` of this environment is no Keras 2.
    """
    # Keras 3 writes no version into this text.
    version = json.loads(tf.keras.Sequential().to_json()).get("keras_version", "3")
    if not version.startswith("2."):
        raise SystemExit(f"this asks Keras 2, found {version}: see the first lines of this file")
    # The functions of make.py that build the models use the Keras that is found under this name.
    sys.modules["keras"] = tf.keras
    sys.path.insert(0, str(HERE))
    make = importlib.import_module("make")
    said = {"version": version, "keras3": ask_files(folder, make)}
    if os.environ.get("TF_USE_LEGACY_KERAS") == "1":
        said["keras2"] = _ask_archives(folder, make)
        del sys.modules["keras"]
        said["mixed"] = _mix()
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    record["asked"] = [one for one in record["asked"] if one["version"] != version]
    record["asked"].append(said)
    _write_record(folder, record)


def pack(folder: Path, files: Path = FILES) -> str:
    """Put the files and the record into ``keras3.zip``, and return its SHA-256."""
    archive_path = files / "keras3.zip"
    with zipfile.ZipFile(archive_path, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            archive.write(path, path.relative_to(folder).as_posix())
    return hashlib.sha256(archive_path.read_bytes()).hexdigest()


# handing_out.py reads the same folders with these two. They stand here, because in the environments
# of Keras 2 this file finds none of ours but make.py.


def read_answers(folder: Path) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the inputs that a model was given where it was written, and what each head said.

    Args:
        folder: the files of one model, with ``answers.npz``.
    """
    with np.load(folder / "answers.npz") as arrays:
        inputs, *answers = [arrays[f"arr_{number}"] for number in range(len(arrays.files))]
    return inputs, answers


def files_in(folder: Path) -> list[Path]:
    """Return what can be loaded from the folder of a model; of a checkpoint, its prefix."""
    paths = []
    for path in sorted(folder.iterdir()):
        if path.name == "checkpoint":
            paths.append(path / "model")
        elif path.name not in ("answers.npz", "record.json"):
            paths.append(path)
    return paths


def ask_files(folder: Path, make: Any) -> list[list[str]]:
    """Return a row for each file of a folder: its name, the call, and what the call makes of it.

    That is "the same" if the model answers as it did in the Keras that wrote the file, "other
    answers" if not, and the error as one line if there was one.

    Args:
        folder: the files of one model, with ``answers.npz``.
        make: the module `make`, whose functions build the models and their classes.
    """
    inputs, wanted = read_answers(folder)
    rows = []
    for path in files_in(folder):
        name = path.relative_to(folder).as_posix()
        for call, load in _calls(path, folder, make).items():
            rows.append([name, call, outcome_of(load, inputs, wanted)])
    return rows


def _calls(path: Path, folder: Path, make: Any) -> dict[str, Callable[[], Any]]:
    """Return the functions that load a file, under the name of the call that each tries."""
    classes = {"Scale": make.Scale, "Heads": make.Heads}

    def load_whole() -> Any:
        return tf.keras.models.load_model(path, classes)

    def load_text() -> Any:
        model = _from_text(path)
        model.load_weights(_numbers_beside(path))
        return model

    def load_numbers() -> Any:
        model = _build(folder, make)
        model.load_weights(path)
        return model

    def load_numbers_after_fit() -> Any:
        model = _build(folder, make, is_fitted=True)
        model.load_weights(path)
        return model

    def load_signature() -> Any:
        endpoint = tf.saved_model.load(path).signatures["serving_default"]

        def answer(inputs: Any) -> list[Any]:
            by_head = endpoint(tf.constant(inputs))
            return [by_head[name] for name in sorted(by_head)]

        return answer

    if path.suffix == ".json":
        return {"model_from_json": load_text}
    if path.name == "saved_model":
        return {"load_model": load_whole, "tf.saved_model.load": load_signature}
    holds_numbers_only = path.name in ("numbers.h5", "model.weights.h5", "model")
    if holds_numbers_only and folder.name == "keras3":
        return {"load_weights": load_numbers, "fit, load_weights": load_numbers_after_fit}
    if holds_numbers_only:
        return {"load_weights": load_numbers}
    return {"load_model": load_whole}


def outcome_of(load: Callable[[], Any], inputs: Any, wanted: list[Any]) -> str:
    """Load a model, and say how it answers: "the same", "other answers", or the error in a line."""
    try:
        found = load()(inputs)
    except Exception as error:  # a load can raise any
        return _in_one_line(error)
    answers = found if isinstance(found, list | tuple) else [found]
    differences = [abs(np.asarray(a) - b).max() for a, b in zip(answers, wanted, strict=True)]
    # The maximum of numpy is NaN if one of them is. That of Python may pass over it.
    return "the same" if np.max(differences) < TOLERANCE else "other answers"


def _from_text(path: Path) -> Any:
    return tf.keras.models.model_from_json(path.read_text(encoding="utf-8"))


def _numbers_beside(path: Path) -> Path:
    return next(path.parent.glob("numbers.h5"), path.with_name("model.weights.h5"))


def _build(folder: Path, make: Any, is_fitted: bool = False) -> Any:
    """Return a model, built here, for a file that holds numbers only."""
    if folder.name == "subclassed":
        return make.subclassed_model()
    if folder.name == "bilstm":
        return _from_text(folder / "model.json")
    model = make.functional_model()
    # The copy has no state of a training. After `fit`, a model has metrics, which hold variables.
    return model if is_fitted else tf.keras.Model.from_config(model.get_config())


def _ask_archives(folder: Path, make: Any) -> list[list[str]]:
    rows = []
    place = folder.parent / f"{folder.name}_old"
    for name in ARCHIVES:
        for file, call, outcome in ask_files(_unpack(name, place), make):
            rows.append([f"{name}/{file}", call, outcome])
    shutil.rmtree(place)
    return rows


def _mix() -> str:
    """Return what a model of tf-keras says to a layer of the package keras."""
    import keras

    try:
        tf.keras.Sequential([keras.layers.Dense(1)])
    except Exception as error:  # which one is what we want to know
        return _in_one_line(error)
    return "accepted"


def _in_one_line(error: Exception) -> str:
    """Return the name of an error, and the beginning and the end of its message."""
    text = " ".join(str(error).split())
    if len(text) > 240:
        text = f"{text[:140]} … {text[-90:]}"
    return f"{type(error).__name__}: {text}"


def _unpack(name: str, place: Path) -> Path:
    with zipfile.ZipFile(FILES / f"{name}.zip") as archive:
        archive.extractall(place / name)
    return place / name


def _write_record(folder: Path, record: dict[str, Any]) -> None:
    text = json.dumps(record, indent=1) + "\n"
    (folder / "record.json").write_text(text, encoding="utf-8", newline="\n")


def main(command: str, folder: Path) -> None:
    """Do one of the three steps."""
    if command == "write":
        write(folder)
    elif command == "ask":
        ask(folder)
    elif command == "pack":
        print(pack(folder))
    else:
        raise SystemExit(f"no step {command!r}: write, ask or pack")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
