"""A load report: what a file would bring to a model, and what not, found without loading it."""

import io
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import keras
import numpy as np
import tensorflow as tf
from tabulate import tabulate
from tensorflow.core.protobuf.trackable_object_graph_pb2 import TrackableObjectGraph

GRAPH, VALUE = "_CHECKPOINTABLE_OBJECT_GRAPH", "/.ATTRIBUTES/VARIABLE_VALUE"
BOOKKEEPING = GRAPH, "save_counter", "save_counter" + VALUE


class LoadReport(NamedTuple):
    """Rows of key, status, what the model has, what the file has; in a line; as a table."""

    rows: list[tuple[str, str, str, str]]
    line: str
    table: str


def load_report(path: Path | str, model: Any) -> LoadReport:
    """Compare the variables of a file and a model as the file's own loader would, changing neither.

    ``path``: a ``.keras``, a ``.weights.h5`` or a checkpoint's prefix. ``model``: a built Keras
    model; for a checkpoint a ``tf.train.Checkpoint`` or a Saver's dict {name in file: variable}.
    A status is: matched; missing in the file; unexpected in the file; other shape; other dtype
    (Keras casts, TensorFlow refuses); skipped (Keras loads a layer up to a misfit, or not at all).
    A ValueError of one line says why there can be no report, and what was found.
    """
    path, rows, in_checkpoint = Path(path), [], Path(f"{path}.index").is_file()
    try:
        mine, theirs = (_checkpoint if in_checkpoint else _keras_file)(path, model)
    except (OSError, LookupError, ValueError, zipfile.BadZipFile, tf.errors.OpError) as error:
        raise ValueError(f"no report on {path.name}: {str(error).splitlines()[0]}") from None
    misfits = {key.rpartition("/")[0] for key in mine.keys() ^ theirs.keys()}
    for key in [each for each in mine | theirs if each not in BOOKKEEPING]:
        left, right, layer = mine.get(key), theirs.get(key), key.rpartition("/")[0]
        if not (left and right):
            status = "missing" if left else "unexpected"
        elif left[1] != right[1]:
            status = "other shape"
            misfits.add(layer)
        elif layer in misfits and not in_checkpoint:
            status = "skipped"
        else:
            status = "matched" if left[2] == right[2] else "other dtype"
        texts = [" ".join(map(str, side or ())).strip() for side in (left, right)]
        rows.append((key.removesuffix(VALUE), status, *texts))
    found = [status for _, status, _, _ in rows]
    counts = [f"{found.count(each)} {each}" for each in dict.fromkeys(["matched", *found])]
    line = f"{path.name}: {', '.join(counts)}"
    return LoadReport(rows, line, tabulate(rows, ("key", "status", "in the model", "in the file")))


def _checkpoint(prefix: Path, model: Any) -> tuple[dict, dict]:
    reader, theirs, keys = tf.train.load_checkpoint(str(prefix)), {}, {}
    for key, dtype in sorted(reader.get_variable_to_dtype_map().items()):
        if dtype != tf.variant:  # the state of an iterator is left out
            theirs[key] = "", np.shape(reader.get_tensor(key)), dtype.name  # checks its checksum
    if not isinstance(model, dict):
        if GRAPH in theirs:
            nodes = TrackableObjectGraph.FromString(reader.get_tensor(GRAPH)).nodes
            for node, thing in tf.train.CheckpointView(str(prefix)).match(model).items():
                keys.setdefault(id(thing), [each.checkpoint_key for each in nodes[node].attributes])
        walk, model = tf.train.TrackableView(model)._descendants_with_paths()[1], {}
        for thing in [each for each in walk if isinstance(each, tf.Variable | keras.Variable)]:
            by_name = GRAPH not in theirs and isinstance(thing, tf.Variable)
            way = thing.name[:-2] if by_name else "/".join(step.name for step in walk[thing])
            model |= dict.fromkeys(keys.get(id(thing)) or [way], thing)
    dtypes = {key: tf.as_dtype(model[key].dtype).base_dtype.name for key in model}
    return {k: (getattr(model[k], "path", ""), model[k].shape, dtypes[k]) for k in model}, theirs


def _keras_file(path: Path, model: Any) -> tuple[dict, dict]:
    with tempfile.TemporaryDirectory() as folder:
        model.save_weights(now := Path(folder, "now.weights.h5"))
        return _datasets(now), _datasets(path)


def _datasets(file: Any) -> dict:
    found, keys = {}, []
    if file.suffix == ".keras":
        with zipfile.ZipFile(file) as archive:
            if (version := json.loads(archive.read("metadata.json"))["keras_version"])[:2] != "3.":
                raise ValueError(f"saved by Keras {version}, this is {keras.__version__}")
            file = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(file) as group:
        group.visit(keys.append)
        for key in sorted(keys, key=len):
            if isinstance(at := group[key], h5py.Dataset):
                found[key] = at.parent.attrs.get("name", ""), at.shape, at.dtype.name
    return found
