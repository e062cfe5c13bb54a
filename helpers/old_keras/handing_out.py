"""The archives of old files: checked, unpacked, and compared with what the models answered."""

import contextlib
import json
import logging
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from helpers import hold_stderr
from helpers.old_keras.other_direction import TOLERANCE, files_in, read_answers
from helpers.prove import refuse_other_bytes
from helpers.runs import new_folder

import h5py
import keras
import numpy as np

FILES = Path(__file__).parent / "files"
# Of each archive. other_direction.py wrote "keras3", and make.py the others.
SHA256 = {
    "bilstm": "a729b80d5cd20d6f1cd8e0fe3fad8a1927cc4db024d377daaf69e72988455d33",
    "custom": "0f3a1ccb07a560839914f789d1c99f87caadf8abbccc979a8a40f34065423c0e",
    "functional": "800dab094fd0bbb8e63bfbaf1cbdbcac84acf5fdb70488128f5a3a7cb2d2861e",
    "gates": "8ed05d50ff4f19da192d3eba772aa8c439df0812f1e4838f3285e74de778cfa9",
    "keras3": "46e7b7302aec7747b4ba58c6d0f5fc594a121b6503d1b44d1177be5670e948ed",
    "subclassed": "407bb78d9a4242afc3db448ac0b3a63a094aa67d76c919d301de388199ffd732",
}


def unpack(name: str, parent: Path, files: Path = FILES) -> Path:
    """Unpack the files of one old model into a new folder, and return this folder.

    Args:
        name: of the model, a key of `SHA256`.
        parent: the folder in which the new one is made.
        files: where the archives are.

    Raises:
        ValueError: there is no model of this name, or its archive is not the published one.
        FileNotFoundError: its archive is not there.
    """
    if name not in SHA256:
        raise ValueError(f"no old model {name!r}: choose {', '.join(SHA256)}")
    archive = files / f"{name}.zip"
    if not archive.is_file():
        raise FileNotFoundError(f"no {archive.name} in {files.name}: get the course again")
    refuse_other_bytes(archive, SHA256[name], "get the course again")
    folder = new_folder(parent, name)
    with zipfile.ZipFile(archive) as content:
        content.extractall(folder)
    return folder


def largest_difference(model: Callable[[np.ndarray], Any], folder: Path) -> float:
    """Return how far a model's answers are from those that were given in Keras 2.

    Args:
        model: takes the inputs and returns one array, or one for each head.
        folder: one that `unpack` returned.

    Raises:
        ValueError: the answers have another number or other shapes.
    """
    inputs, wanted = read_answers(folder)
    with quiet():  # that a model with one named input gets an array is worth a warning to Keras
        found = model(inputs)
        if not isinstance(found, list | tuple):
            found = [found]
        arrays = [np.asarray(array) for array in found]
    shapes = [array.shape for array in arrays]
    wanted_shapes = [array.shape for array in wanted]
    if shapes != wanted_shapes:
        raise ValueError(f"the answers have the shapes {shapes}, in Keras 2 {wanted_shapes}")
    pairs = zip(arrays, wanted, strict=True)
    # The maximum of numpy is NaN if one of them is. That of Python may pass over it.
    return float(np.max([np.abs(one - other).max() for one, other in pairs]))


def answers_as_before(model: Callable[[np.ndarray], Any], folder: Path) -> bool:
    """Tell whether a model gives the answers of Keras 2, up to rounding."""
    return largest_difference(model, folder) < TOLERANCE


@contextlib.contextmanager
def quiet() -> Iterator[list[str]]:
    """Hold back warnings and what TensorFlow writes to stderr, and collect the log of Keras."""
    lines: list[str] = []

    def collect(record: logging.LogRecord) -> bool:
        lines.append(record.getMessage())
        return False

    logger = logging.getLogger("absl")
    logger.addFilter(collect)
    try:
        with warnings.catch_warnings(action="ignore"), hold_stderr():
            yield lines
    finally:
        logger.removeFilter(collect)


def read_config(path: Path) -> dict[str, Any]:
    """Return the architecture that a ``.keras``, a whole ``.h5`` or a ``.json`` holds.

    Raises:
        ValueError: it holds none.
    """
    if path.suffix == ".json":
        return json.loads(path.read_text(encoding="utf-8"))
    if path.suffix == ".keras":
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read("config.json"))
    if path.suffix == ".h5":
        with h5py.File(path) as tree:
            if "model_config" in tree.attrs:
                return json.loads(tree.attrs["model_config"])
    raise ValueError(f"{path.name} holds no architecture: take it from another file or from code")


def write_config(path: Path, new_path: Path, config: dict[str, Any]) -> Path:
    """Copy a ``.keras`` file with another architecture in it, and return the path of the copy."""
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(new_path, "w") as copy:
        for name in source.namelist():
            content = source.read(name)
            if name == "config.json":
                content = json.dumps(config).encode("utf-8")
            copy.writestr(name, content)
    return new_path


def try_files(folders: list[Path], ways: dict[str, Callable[[Path], Any]]) -> list[list[str]]:
    """Return a row for each file of some old models: its name, and what each way makes of it.

    That is "the same" if the loaded model answers as in Keras 2, "other answers" if not, and the
    name of the error if there was one.

    Args:
        folders: what `unpack` returned.
        ways: by its name, a function that loads a path and returns a model, or None for a path
            that it is not meant for.
    """
    rows = []
    for folder in folders:
        for path in files_in(folder):
            name = f"{folder.name}/{path.relative_to(folder).as_posix()}"
            rows.append([name, *[_try_one(way, path, folder) for way in ways.values()]])
    return rows


def outcomes(record: dict[str, Any]) -> list[dict[str, str]]:
    """Return a row for each file of Keras 3 and each call, with what each Keras 2 made of it.

    That is "the same" for equal answers, "other answers", or the name of an error. The keys of a
    row are the headings of a table.

    Args:
        record: the content of ``record.json``, which `helpers.old_keras.other_direction` wrote.

    Raises:
        ValueError: not every Keras 2 was asked the same.
    """
    rows: dict[tuple[str, str], dict[str, str]] = {}
    title = f"file of Keras {record['written_by']}"
    for one in record["asked"]:
        for file, call, outcome in one["keras3"]:
            row = rows.setdefault((file, call), {title: file, "call": call})
            row[f"Keras {one['version']}"] = outcome.split(":")[0]
    if len({len(row) for row in rows.values()}) > 1:
        raise ValueError("record.json: not every Keras was asked the same: ask once more")
    return list(rows.values())


def asserts(function: Callable[..., Any], *arguments: Any) -> bool:
    """Tell whether a call of a function raises an AssertionError. Other errors are raised."""
    try:
        function(*arguments)
    except AssertionError:
        return True
    return False


def show_messages(folders: list[Path]) -> None:
    """Print for each file of some old models what `load_model` says to it, shortened to a line."""
    for folder in folders:
        for path in files_in(folder):
            name = f"{folder.name}/{path.relative_to(folder).as_posix()}"
            print(f"{name:28}{_message(path)}".rstrip())


def _message(path: Path) -> str:
    try:
        with quiet():
            keras.saving.load_model(path)
    except Exception as error:  # a load can raise any
        line = str(error).replace(str(path), path.name).splitlines()[0]
        return f"{type(error).__name__}: {line[:44]}"
    return "loads"


def _try_one(way: Callable[[Path], Any], path: Path, folder: Path) -> str:
    try:
        with quiet():
            model = way(path)
            if model is None:
                return "-"
            is_same = answers_as_before(model, folder)
    except Exception as error:  # a load can raise any
        return type(error).__name__
    return "the same" if is_same else "other answers"
