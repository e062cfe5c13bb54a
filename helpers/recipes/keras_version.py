"""Which version of Keras wrote this file, read without loading it.

Needs TensorFlow.

It knows each kind of file that Keras 2 and Keras 3 write, and runs none of their content:

>>> import keras
>>> from keras_version import read_origin
>>> model = keras.Sequential([keras.Input([4]), keras.layers.Dense(2)])
>>> model.save("model.keras")
>>> model.save_weights("model.weights.h5")
>>> read_origin("model.keras").version == keras.__version__
True
>>> print(read_origin("model.weights.h5").line)
model.weights.h5: .weights.h5 of Keras 3, told by the names of its layers

In a terminal, ``python keras_version.py FILE FILE`` prints such a line for each file.
"""

import json
import re
import sys
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import tensorflow as tf

HDF5_BEGINNING = b"\x89HDF\r\n\x1a\n"
VERSION = re.compile(rb'"keras_version": ?"([0-9][\w.]*)"')
# Ends of keys that a checkpoint has only if one of the two wrote it.
OF_KERAS_3 = ("/_kernel", "/_embeddings")
OF_KERAS_2 = ("/kernel", "/embeddings")


class Origin(NamedTuple):
    """Where a file comes from.

    Attributes:
        file: its name, without its folder.
        kind: what it is, such as ".keras" or "SavedModel".
        version: such as "2.15.0", or "2", "3" or "2 or 3" if the file holds no number.
        told_by: what in the file says so.
    """

    file: str
    kind: str
    version: str
    told_by: str

    @property
    def line(self) -> str:
        """All of it as one line of text."""
        return f"{self.file}: {self.kind} of Keras {self.version}, told by {self.told_by}"


def read_origin(path: Path | str) -> Origin:
    """Return which Keras wrote a file or a folder, without loading it.

    Where a file has no number, the form of its content tells Keras 2 and Keras 3 apart. This has
    two limits. A ``.weights.h5`` without names of layers is of Keras 2 or of an early Keras 3, and
    a checkpoint is told by its keys, so one without a dense, convolutional, recurrent or embedding
    layer is not known.

    >>> import tensorflow as tf
    >>> from keras_version import read_origin
    >>> prefix = tf.train.Checkpoint(bias=tf.Variable(2.0)).write("bias")
    >>> read_origin(prefix)
    Traceback (most recent call last):
    ValueError: bias: a checkpoint whose keys fit no Keras: ask whoever wrote it

    Args:
        path: on a disk of this machine, a ``.keras``, ``.h5``, ``.weights.h5`` or a JSON of
            `model.to_json()`; a folder, either a SavedModel or of ``save(..., zipped=False)``; or
            the prefix of a checkpoint of TensorFlow 2.

    Raises:
        FileNotFoundError: there is nothing at this path.
        ValueError: it is no file of Keras, or nothing in it tells the version. One line says what
            was found.
    """
    path = Path(path)
    if Path(f"{path}.index").is_file():
        return _read_checkpoint(path)
    if path.is_dir():
        return _read_folder(path)
    if not path.is_file():
        raise FileNotFoundError(f"no {path.name} in {path.absolute().parent.as_posix()}")
    with path.open("rb") as file:
        beginning = file.read(8)
    if zipfile.is_zipfile(path):
        return _read_archive(path)
    if beginning == HDF5_BEGINNING:
        return _read_hdf5(path)
    return _read_text(path)


def _read_archive(path: Path) -> Origin:
    with zipfile.ZipFile(path) as archive:
        if "metadata.json" not in archive.namelist():
            raise ValueError(f"{path.name}: a zip archive without metadata.json is no .keras")
        metadata = json.loads(archive.read("metadata.json"))
    return Origin(path.name, ".keras", _stated(path, metadata), "metadata.json")


def _read_folder(path: Path) -> Origin:
    if (path / "saved_model.pb").is_file():
        return _read_saved_model(path)
    if (path / "metadata.json").is_file():
        metadata = json.loads((path / "metadata.json").read_text(encoding="utf-8"))
        return Origin(path.name, ".keras as a folder", _stated(path, metadata), "metadata.json")
    raise ValueError(f"{path.name}: a folder without saved_model.pb and metadata.json")


def _read_saved_model(path: Path) -> Origin:
    # The first is of TensorFlow 2.5 and newer. Before, the same text was in the second.
    for name in ("keras_metadata.pb", "saved_model.pb"):
        file = path / name
        found = VERSION.search(file.read_bytes()) if file.is_file() else None
        if found:
            return Origin(path.name, "SavedModel", found[1].decode("ascii"), name)
    keys = _keys(path / "variables" / "variables")
    if any(key.startswith("_all_variables/") for key in keys):
        return Origin(path.name, "SavedModel", "3", "its keys")
    raise ValueError(f"{path.name}: a SavedModel without a sign of Keras: it may be of none")


def _read_checkpoint(prefix: Path) -> Origin:
    keys = _keys(prefix)
    if any("layer_with_weights-" in key or key.endswith(OF_KERAS_2) for key in keys):
        return Origin(prefix.name, "checkpoint", "2", "its keys")
    if any("_operations/" in key or key.endswith(OF_KERAS_3) for key in keys):
        return Origin(prefix.name, "checkpoint", "3", "its keys")
    raise ValueError(f"{prefix.name}: a checkpoint whose keys fit no Keras: ask whoever wrote it")


def _keys(prefix: Path) -> list[str]:
    """Return the keys of a checkpoint of TensorFlow 2, without their common ending."""
    ending = "/.ATTRIBUTES/VARIABLE_VALUE"
    shapes = tf.train.load_checkpoint(str(prefix)).get_variable_to_shape_map()
    return sorted(key.removesuffix(ending) for key in shapes if key.endswith(ending))


def _read_hdf5(path: Path) -> Origin:
    with h5py.File(path, "r") as tree:
        if "keras_version" in tree.attrs:
            is_whole = "model_config" in tree.attrs
            kind = ".h5, whole model" if is_whole else ".h5, numbers"
            return Origin(path.name, kind, _text(tree.attrs["keras_version"]), "keras_version")
        groups = _groups_of_variables(tree)
        has_names = any("name" in group.attrs for group in groups)
    if not groups:
        raise ValueError(f"{path.name}: an HDF5 file without layers of Keras")
    if has_names:
        return Origin(path.name, ".weights.h5", "3", "the names of its layers")
    return Origin(path.name, ".weights.h5", "2 or 3", "groups without names")


def _groups_of_variables(tree: Any) -> list[Any]:
    groups = []

    def note(name: str, item: Any) -> None:
        if name.split("/")[-1] == "vars":
            groups.append(item)

    tree.visititems(note)
    return groups


def _read_text(path: Path) -> Origin:
    try:
        config = json.loads(path.read_bytes())
        is_model = "class_name" in config
    except (ValueError, TypeError):
        is_model = False
    if not is_model:
        raise ValueError(f"{path.name}: no file of Keras 2 or 3 that is known here")
    if "keras_version" in config:
        return Origin(path.name, "JSON", _stated(path, config), "keras_version")
    return Origin(path.name, "JSON", "3", "no keras_version")


def _stated(path: Path, metadata: dict[str, Any]) -> str:
    version = str(metadata.get("keras_version", ""))
    if not re.fullmatch(r"[0-9][\w.]*", version):
        raise ValueError(f"{path.name}: {version!r} is no version of Keras: the file was edited")
    return version


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def main(paths: list[str]) -> int:
    """Print a line for each path, and return 1 if there was an error, otherwise 0."""
    code = 0
    for path in paths:
        try:
            print(read_origin(path).line)
        except (ValueError, OSError) as error:
            print(f"error: {error}")
            code = 1
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
