"""Kinds of files: who inspects which, and what the others are."""

from collections.abc import Callable, Iterator
from pathlib import Path

from .checkpoints import inspect_checkpoint
from .findings import Finding
from .keras_files import inspect_h5, inspect_keras
from .limits import check_file
from .python_files import inspect_npy, inspect_npz, inspect_pickle
from .safetensors_files import inspect_safetensors
from .tensorflow_files import inspect_frozen_graph, inspect_meta_graph, inspect_saved_model

# By the endings, as Keras and NumPy choose.
INSPECTORS: dict[str, Callable[[Path], Iterator[Finding]]] = {
    ".h5": inspect_h5,
    ".hdf5": inspect_h5,
    ".keras": inspect_keras,
    ".meta": inspect_meta_graph,
    ".npy": inspect_npy,
    ".npz": inspect_npz,
    ".pb": inspect_frozen_graph,
    ".pickle": inspect_pickle,
    ".pkl": inspect_pickle,
    ".safetensors": inspect_safetensors,
}

PYTORCH = "a file of PyTorch, which holds a pickle that may run any code"
# Files that cannot be inspected here: by their name, by their ending, and by how they begin.
NAMES = {
    "checkpoint": "a list of checkpoints: give the prefix of one",
    "fingerprint.pb": "a part of a SavedModel: give its folder",
    "keras_metadata.pb": "a part of a SavedModel: give its folder",
    "saved_model.pb": "a part of a SavedModel: give its folder",
}
ENDINGS = {
    ".dill": "a pickle of dill, which may run any code",
    ".index": "a part of a checkpoint: give its prefix, the name without .index",
    ".joblib": "a file of joblib, which is a pickle that may run any code",
    ".json": "a text that may describe a model or name its files, and is not read here",
    ".lite": "a model for LiteRT (TensorFlow Lite), which is not read here",
    ".onnx": "a model of ONNX, which is not read here",
    ".pbtxt": "a program as text: only its binary form is read here",
    ".pt": PYTORCH,
    ".pth": PYTORCH,
    ".tflite": "a model for LiteRT (TensorFlow Lite), which is not read here",
}
PICKLE = "a pickle, which may run any code: let its name end in .pkl to have it read"
BEGINNINGS = {
    b"PK\x03\x04": "a zip archive: nothing else says of which kind",
    b"\x89HDF\r\n\x1a\n": "a file of HDF5: let its name end in .h5 to have it read",
    b"\x93NUMPY": "an array of NumPy: let its name end in .npy to have it read",
    **{bytes([0x80, protocol]): PICKLE for protocol in range(2, 6)},
}
LITERT = b"TFL3"  # after four bytes


class UnknownKindError(ValueError):
    """A file is of a kind that is not inspected here."""


def inspect_any(path: Path) -> Iterator[Finding]:
    """Inspect a file or a folder of any kind.

    Raises:
        UnknownKindError: If it is of a kind that is not inspected here. The error says of which.
        Exception: If it is damaged, hostile, too large, not there, or not ours to read.
    """
    if path.is_dir():
        return inspect_saved_model(path)
    if not path.exists():
        return inspect_checkpoint(path)  # A prefix is the beginning of some names.
    check_file(path)
    if path.name in NAMES:
        raise UnknownKindError(NAMES[path.name])
    if path.suffix in INSPECTORS:
        return INSPECTORS[path.suffix](path)
    if path.suffix in ENDINGS:
        raise UnknownKindError(ENDINGS[path.suffix])
    return _inspect_unknown_ending(path)


def _inspect_unknown_ending(path: Path) -> Iterator[Finding]:
    with path.open("rb") as stream:
        beginning = stream.read(8)
    if beginning[4:] == LITERT:
        raise UnknownKindError(ENDINGS[".tflite"])
    for known, kind in BEGINNINGS.items():
        if beginning.startswith(known):
            raise UnknownKindError(kind)
    if ".data-" in path.suffix:
        raise UnknownKindError("a part of a checkpoint: give its prefix, the name without .data-…")
    return inspect_checkpoint(path)
