"""A load report: what a file would bring to a model, and what not, found without loading it."""

import io
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import keras
import tensorflow as tf
from tabulate import tabulate
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
    shapes, dtypes = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
    for key in sorted(shapes):
        shape, dtype = tuple(shapes[key]), dtypes[key].name
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


class Row(NamedTuple):
    """One variable: its key in the file, its status, and what the model and the file have."""

    key: str
    status: str
    in_model: str
    in_file: str


class LoadReport(NamedTuple):
    """A row for each variable. ``line`` counts the statuses, ``table`` shows the rows."""

    file: str
    rows: list[Row]

    @property
    def line(self) -> str:
        found = [row.status for row in self.rows]
        counts = [f"{found.count(each)} {each}" for each in dict.fromkeys(["matched", *found])]
        return f"{self.file}: {', '.join(counts)}"

    @property
    def table(self) -> str:
        return tabulate(self.rows, ("key", "status", "in the model", "in the file"))


def load_report(path: Path | str, model: Any) -> LoadReport:
    """Compare the variables of a file and a model as the file's own loader would, changing neither.

    A status is: matched; missing in the file; unexpected in the file; other shape; other dtype
    (Keras casts, TensorFlow refuses); other name (Keras loads it all the same; a number at the
    end does not count); skipped (it fits, but Keras leaves its layer before it).

    Args:
        path: a ``.keras``, a ``.weights.h5``, or the prefix of a checkpoint, also TensorFlow 1's.
        model: a built Keras model. For a checkpoint, the ``tf.train.Checkpoint`` that would
            restore it, or the dict {name in the file: variable} that a Saver takes.

    Raises:
        ValueError: there can be no report; one line says why, and what was found.
    """
    path = Path(str(path))
    is_checkpoint = Path(f"{path}.index").is_file()
    try:
        ours, theirs = (in_checkpoint if is_checkpoint else in_keras_file)(path, model)
    except Exception as error:
        reason = (str(error) or repr(error)).splitlines()[0].replace(f"{path.parent}/", "")
        raise ValueError(f"no report on {path.name}: {reason}") from None
    pairs = {key: (ours.get(key), theirs.get(key)) for key in ours | theirs}
    statuses = {key: _status(*pair) for key, pair in pairs.items()}
    if not is_checkpoint:
        _skip(statuses)
    texts = {key: [str(side or "") for side in pair] for key, pair in pairs.items()}
    short = {key: key.removesuffix("/.ATTRIBUTES/VARIABLE_VALUE") for key in pairs}
    return LoadReport(path.name, [Row(short[key], statuses[key], *texts[key]) for key in pairs])


def _status(ours: Variable | None, theirs: Variable | None) -> str:
    if not (ours and theirs):
        return "missing" if ours else "unexpected"
    if ours.shape != theirs.shape:
        return "other shape"
    if ours.dtype != theirs.dtype:
        return "other dtype"
    names = {side.name.rstrip("_0123456789") for side in (ours, theirs)}
    return "other name" if len(names) == 2 and theirs.name else "matched"


def _skip(statuses: dict[str, str]) -> None:
    """Mark what Keras skips: the rest of a layer after an other shape, or all after a miscount."""
    layers = {key: key.rpartition("/")[0] for key in statuses}
    left = {layers[key] for key in layers if statuses[key] in ("missing", "unexpected")}
    for key, status in statuses.items():
        if status == "other shape":
            left.add(layers[key])
        elif status not in ("missing", "unexpected") and layers[key] in left:
            statuses[key] = "skipped"
