"""The variables of a model and of a file, under the keys by which the file's loader pairs them."""

import io
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

from helpers.look import read_checkpoint

import h5py
import keras
import tensorflow as tf
from tensorflow.core.protobuf.trackable_object_graph_pb2 import TrackableObjectGraph

GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
BOOKKEEPING = {GRAPH, "save_counter", "save_counter/.ATTRIBUTES/VARIABLE_VALUE"}


class Variable(NamedTuple):
    """A name, if there is one: a variable's path or its layer's name; the shape and the dtype."""

    name: str
    shape: tuple[int, ...]
    dtype: str

    def __str__(self) -> str:
        return f"{self.name} {self.shape} {self.dtype}".strip()


def in_checkpoint(prefix: Path, model: Any) -> tuple[dict[str, Variable], dict[str, Variable]]:
    """Return the model's variables and the file's, of which each checksum is compared."""
    reader, theirs, ours = tf.train.load_checkpoint(str(prefix)), {}, {}
    for key, shape, dtype, _ in read_checkpoint(prefix):
        if dtype != "variant" and key not in BOOKKEEPING:  # the state of an iterator is a variant
            reader.get_tensor(key)
            theirs[key] = Variable("", shape, dtype)
    graph = reader.get_tensor(GRAPH) if reader.has_tensor(GRAPH) else b""
    found = model if isinstance(model, dict) else _tracked(model, str(prefix), graph)
    for key in [each for each in found if each not in BOOKKEEPING]:
        path, dtype = getattr(found[key], "path", ""), tf.as_dtype(found[key].dtype)
        ours[key] = Variable(path, tuple(found[key].shape), dtype.base_dtype.name)
    return ours, theirs


def _tracked(root: Any, prefix: str, graph: bytes) -> dict[str, Any]:
    """All variables below a root by their keys in the file, or by those they would have."""
    keys, found = {}, {}
    if graph:
        nodes = TrackableObjectGraph.FromString(graph).nodes
        for number, thing in tf.train.CheckpointView(prefix).match(root).items():
            keys.setdefault(id(thing), [each.checkpoint_key for each in nodes[number].attributes])
    for thing, way in tf.train.TrackableView(root)._descendants_with_paths()[1].items():
        if isinstance(thing, tf.Variable | keras.Variable):
            by_name = not graph and isinstance(thing, tf.Variable)  # in a classic checkpoint
            key = thing.name[:-2] if by_name else "/".join(step.name for step in way)
            found |= dict.fromkeys(keys.get(id(thing)) or [key], thing)
    return found


def in_keras_file(path: Path, model: Any) -> tuple[dict[str, Variable], dict[str, Variable]]:
    """Return the model's variables, in the places where Keras would save them, and the file's."""
    if not (path.is_file() and path.name.endswith((".keras", ".weights.h5"))):
        what = "a folder" if path.is_dir() else "another file" if path.exists() else "no such file"
        raise ValueError(f"found {what}: give a .keras, a .weights.h5 or a checkpoint's prefix")
    if not isinstance(model, keras.Model):
        raise ValueError(f"Keras loads it into a keras.Model, found a {type(model).__name__}")
    with tempfile.TemporaryDirectory() as folder:
        model.save_weights(now := Path(folder, "now.weights.h5"))
        return _datasets(now), _datasets(path)


def _datasets(file: Any) -> dict[str, Variable]:
    found, keys = {}, []
    if file.suffix == ".keras":
        with zipfile.ZipFile(file) as archive:
            version = json.loads(archive.read("metadata.json"))["keras_version"]
            if not version.startswith("3."):
                raise ValueError(f"saved by Keras {version}, this is {keras.__version__}")
            file = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(file) as tree:
        tree.visit(keys.append)
        for key in sorted(keys, key=len):  # 9 before 10
            if isinstance(item := tree[key], h5py.Dataset):
                name = item.parent.attrs.get("name", "")
                found[key] = Variable(name, item.shape, item.dtype.name)
    return found
