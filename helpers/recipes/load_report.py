"""A load report: what a file would bring to a model, and what not, found without loading it.

Needs TensorFlow.

A model has often changed since its file was saved, and a load that goes wrong often raises no
error. The report says of each variable whether it would be loaded, and if not, why:

>>> import keras
>>> from load_report import load_report
>>> def build_model(classes):
...     hidden = keras.layers.Dense(8, name="hidden")
...     head = keras.layers.Dense(classes, name="head")
...     return keras.Sequential([keras.Input([4]), hidden, head])
>>> build_model(classes=3).save_weights("three.weights.h5")
>>> report = load_report("three.weights.h5", build_model(classes=5))
>>> print(report.line)
three.weights.h5: 2 matched, 2 other shape
>>> print(report.table)
key                    status       in the model           in the file
---------------------  -----------  ---------------------  ---------------------
layers/dense/vars/0    matched      hidden (4, 8) float32  hidden (4, 8) float32
layers/dense/vars/1    matched      hidden (8,) float32    hidden (8,) float32
layers/dense_1/vars/0  other shape  head (8, 5) float32    head (8, 3) float32
layers/dense_1/vars/1  other shape  head (5,) float32      head (3,) float32
"""

import io
import json
import os
import re
import tempfile
import zipfile
from collections import Counter, deque
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import h5py
import keras
import tensorflow as tf
from tensorflow.core.protobuf.trackable_object_graph_pb2 import TrackableObjectGraph

# In the order in which a report counts them. `load_report` says what each means.
STATUSES = (
    "matched",
    "other name",
    "other dtype",
    "other shape",
    "skipped",
    "missing",
    "unexpected",
)


class Row(NamedTuple):
    """One variable of a report.

    Attributes:
        key: where the file keeps the variable, or would keep it.
        status: one of `STATUSES`.
        in_model: name, shape and dtype in the model, or "" if the model does not have it.
        in_file: name, shape and dtype in the file, or "" if the file does not have it.
    """

    key: str
    status: str
    in_model: str
    in_file: str


class LoadReport(NamedTuple):
    """What a file would bring to a model.

    Attributes:
        file: the file's name, without its folder.
        rows: one for each variable, the model's first, then those that only the file has.
    """

    file: str
    rows: list[Row]

    @property
    def line(self) -> str:
        """The file's name and how many variables have each status."""
        number = Counter(row.status for row in self.rows)
        counts = []
        for status in STATUSES:
            # That nothing is matched is worth saying.
            is_shown = number[status] > 0 or status == "matched"
            if is_shown:
                counts.append(f"{number[status]} {status}")
        return f"{self.file}: {', '.join(counts)}"

    @property
    def table(self) -> str:
        """The rows below a heading, in columns."""
        heading = Row("key", "status", "in the model", "in the file")
        columns = zip(heading, *self.rows, strict=True)
        widths = [max(len(text) for text in column) for column in columns]
        rule = ["-" * width for width in widths]
        lines = []
        for row in [heading, rule, *self.rows]:
            cells = [text.ljust(width) for text, width in zip(row, widths, strict=True)]
            lines.append("  ".join(cells).rstrip())
        return "\n".join(lines)


def load_report(path: Path | str, model: Any) -> LoadReport:
    """Compare the variables of a file and a model as the file's own loader would, changing neither.

    Each variable has one of these statuses:

    - matched: it would be loaded.
    - other name: it would be loaded, but in the file its layer has another name, so two layers may
      have changed places. Only Keras files know this. A number at the end of a name does not count.
    - other dtype: Keras would convert and load it. TensorFlow would refuse it.
    - other shape: it would not be loaded, except by a `Saver` in a graph, which may not check it.
    - skipped: it fits, but something else in its layer does not, and Keras leaves the layer.
    - missing: the model has it, the file has not.
    - unexpected: the file has it, the model has not.

    A `tf.train.Checkpoint` raises an error at another dtype, and restores nothing. At another shape
    it raises one too, but by then it has restored the variables that come before.

    A checkpoint is read completely, so that its checksums are compared. A Keras file has none.

    >>> import tensorflow as tf
    >>> from load_report import load_report
    >>> saved = tf.train.Checkpoint(slope=tf.Variable(3.0), offset=tf.Variable(1.0))
    >>> prefix = saved.write("straight_line")
    >>> renamed = tf.train.Checkpoint(slope=tf.Variable(0.0), bias=tf.Variable(0.0))
    >>> print(load_report(prefix, renamed).line)
    straight_line: 1 matched, 1 missing, 1 unexpected

    Args:
        path: on a disk of this machine, a ``.keras``, a ``.weights.h5`` or the prefix of a
            checkpoint, also of TensorFlow 1.
        model: for a Keras file, the built `keras.Model` that would load it. For a checkpoint, the
            `tf.train.Checkpoint` that would restore it, or the dictionary from names in the file
            to variables that a TensorFlow 1 `Saver` takes.

    Raises:
        ValueError: there can be no report. One line says why, and what was found.
    """
    path = Path(str(path))
    try:
        rows = _compare(path, model)
    except Exception as error:  # a damaged file can raise any
        reason = _first_line(error, path.parent)
        raise ValueError(f"no report on {path.name or path}: {reason}") from None
    return LoadReport(path.name, rows)


# How the two sides are compared

# The end of a variable's key in a checkpoint of TensorFlow 2, too long for a report.
KEY_ENDING = "/.ATTRIBUTES/VARIABLE_VALUE"


class Spec(NamedTuple):
    """What is compared of a variable.

    Attributes:
        name: the layer's name in a Keras file, the path of a Keras variable in a checkpoint, or "".
        shape: the size of each dimension.
        dtype: the name of the type, such as "float32".
    """

    name: str
    shape: tuple[int, ...]
    dtype: str


def _compare(path: Path, model: Any) -> list[Row]:
    is_checkpoint = Path(f"{path}.index").is_file()
    if is_checkpoint:
        in_model, in_file = _read_checkpoint(path, model)
    else:
        in_model, in_file = _read_keras_file(path, model)

    statuses = {}
    for key in in_model | in_file:
        statuses[key] = _status(in_model.get(key), in_file.get(key))
    if not is_checkpoint:  # only Keras skips
        statuses = _with_skipped(statuses)

    rows = []
    for key, status in statuses.items():
        short_key = key.removesuffix(KEY_ENDING)
        rows.append(Row(short_key, status, _text(in_model.get(key)), _text(in_file.get(key))))
    return rows


def _status(in_model: Spec | None, in_file: Spec | None) -> str:
    if in_file is None:
        return "missing"
    if in_model is None:
        return "unexpected"
    if in_model.shape != in_file.shape:
        return "other shape"
    if in_model.dtype != in_file.dtype:
        return "other dtype"
    if not in_file.name:  # a checkpoint does not have the names of layers
        return "matched"
    if _without_number(in_model.name) != _without_number(in_file.name):
        return "other name"
    return "matched"


def _without_number(name: str) -> str:
    """Make "dense" of "dense_3": Keras numbers the names that it makes up."""
    return name.rstrip("_0123456789")


def _with_skipped(statuses: dict[str, str]) -> dict[str, str]:
    """Return the statuses, with "skipped" for what fits and yet would not be loaded.

    Keras loads the variables of a layer in order, and leaves the layer at the first of another
    shape. If the file has more or fewer variables than the layer, Keras loads none of them.
    """
    left_layers = set()
    for key, status in statuses.items():
        if status in ("missing", "unexpected"):
            left_layers.add(_layer(key))

    with_skipped = {}
    for key, status in statuses.items():
        if status == "other shape":
            left_layers.add(_layer(key))
        fits = status not in ("missing", "unexpected", "other shape")
        is_skipped = fits and _layer(key) in left_layers
        with_skipped[key] = "skipped" if is_skipped else status
    return with_skipped


def _layer(key: str) -> str:
    """Make "layers/dense/vars" of "layers/dense/vars/0"."""
    return key.rpartition("/")[0]


def _text(spec: Spec | None) -> str:
    if spec is None:
        return ""
    return f"{spec.name} {spec.shape} {spec.dtype}".strip()


def _natural(key: str) -> str:
    """Fill up the numbers in a key with zeros, so that 9 is sorted before 10."""
    return re.sub("[0-9]+", lambda number: number.group().zfill(12), key)


def _first_line(error: Exception, folder: Path) -> str:
    """Return the first line of an error's message, without the folder, which the caller knows."""
    message = str(error) or repr(error)
    line = message.splitlines()[0]
    # TensorFlow may write a slash where the system does not.
    return line.replace(f"{folder}{os.sep}", "").replace(f"{folder.as_posix()}/", "")


# How a checkpoint is read

# In a checkpoint of TensorFlow 2, the key of its object graph. The graph says which object is an
# attribute of which, by which name, and under which keys the checkpoint has its values.
OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"

# What TensorFlow adds to a checkpoint: no variables of a model.
BOOKKEEPING = {OBJECT_GRAPH, "save_counter", f"save_counter{KEY_ENDING}"}


def _read_checkpoint(prefix: Path, target: Any) -> tuple[dict[str, Spec], dict[str, Spec]]:
    """Return the target's variables and the file's, each by its key in the file."""
    _check_target(target)
    reader = tf.train.load_checkpoint(str(prefix))
    if isinstance(target, dict):
        variables = target
    elif reader.has_tensor(OBJECT_GRAPH):
        variables = _by_object_graph(prefix, target)
    else:
        variables = _by_name(target)

    in_model = {}
    for key, variable in variables.items():
        if key not in BOOKKEEPING:
            name = getattr(variable, "path", "")  # only a variable of Keras has a path
            dtype = tf.as_dtype(variable.dtype).base_dtype.name
            in_model[key] = Spec(name, tuple(variable.shape), dtype)
    return in_model, _tensors(reader)


def _check_target(target: Any) -> None:
    if isinstance(target, dict):
        for name, variable in target.items():
            if not hasattr(variable, "shape"):
                found = type(variable).__name__
                raise ValueError(f"the dictionary needs a variable for {name!r}, found {found}")
    elif not isinstance(target, tf.__internal__.tracking.Trackable):
        found = type(target).__name__
        raise ValueError(
            f"a checkpoint needs a tf.train.Checkpoint or a dictionary of variables, found {found}"
        )


def _tensors(reader: Any) -> dict[str, Spec]:
    """Return what a checkpoint holds, without its bookkeeping and the state of iterators."""
    shapes = reader.get_variable_to_shape_map()
    dtypes = reader.get_variable_to_dtype_map()
    tensors = {}
    for key in sorted(shapes, key=_natural):
        if key in BOOKKEEPING:
            continue
        if dtypes[key] == tf.variant:  # the state of an iterator
            continue
        reader.get_tensor(key)  # raises an error if the checksum is wrong
        tensors[key] = Spec("", tuple(shapes[key]), dtypes[key].name)
    return tensors


def _by_object_graph(prefix: Path, root: Any) -> dict[str, Any]:
    """Return each variable below a root by the key from which it would be restored.

    A restore begins at the root, in the program and in the file, and follows the attributes that
    have the same name in both. Variables to which this does not lead are returned by their path.
    """
    graph = tf.train.load_checkpoint(str(prefix)).get_tensor(OBJECT_GRAPH)
    nodes = TrackableObjectGraph.FromString(graph).nodes
    matched = tf.train.CheckpointView(str(prefix)).match(root)
    keys_of: dict[int, list[str]] = {}
    for number, thing in matched.items():
        keys = [attribute.checkpoint_key for attribute in nodes[number].attributes]
        # Two nodes of the file can lead to one variable. The one that is reached first is restored.
        keys_of.setdefault(id(thing), keys)

    variables = {}
    for path, variable in _variables_below(root):
        keys = keys_of.get(id(variable), [])
        for key in keys:
            variables[key] = variable
        if not keys:
            variables[path] = variable  # no key of the file, because it lacks the ending
    return variables


def _by_name(root: Any) -> dict[str, Any]:
    """Return each variable below a root by its name, which is all that TensorFlow 1 has saved."""
    variables = {}
    for path, variable in _variables_below(root):
        if isinstance(variable, tf.Variable):
            variables[variable.name.removesuffix(":0")] = variable
        else:
            variables[path] = variable  # a variable of Keras cannot be restored by name
    return variables


def _variables_below(root: Any) -> list[tuple[str, Any]]:
    """Return each variable that a root leads to, with the shortest path of attributes to it.

    A path is written as in a checkpoint: "model/hidden/kernel".
    """
    variables = []
    waiting = deque([("", root)])
    seen = {id(root): root}  # keeps the objects alive: a new one could get the id of a dead one
    while waiting:
        path, thing = waiting.popleft()
        if isinstance(thing, tf.Variable | keras.Variable):
            variables.append((path, thing))
        for name, child in tf.train.TrackableView.children(thing).items():
            if id(child) not in seen:
                seen[id(child)] = child
                child_path = f"{path}/{name}" if path else name
                waiting.append((child_path, child))
    return variables


# How a Keras file is read


def _read_keras_file(path: Path, model: Any) -> tuple[dict[str, Spec], dict[str, Spec]]:
    """Return the model's variables and the file's, each by its key in the file."""
    _check_keras_file(path)
    _check_model(model)
    # Only Keras knows the key that it gives to a variable. So we let it save the model, and look.
    with tempfile.TemporaryDirectory() as folder:
        own_file = Path(folder, "own.weights.h5")
        model.save_weights(own_file)
        in_model = _datasets(own_file)
    if path.suffix == ".keras":
        return in_model, _datasets(_weights_inside(path))
    return in_model, _datasets(path)


def _check_keras_file(path: Path) -> None:
    is_keras_file = path.is_file() and path.name.endswith((".keras", ".weights.h5"))
    if is_keras_file:
        return
    if path.is_dir():
        found = "a folder"
    elif path.exists():
        found = "another file"
    else:
        found = "no such file"
    raise ValueError(f"found {found}: give a .keras, a .weights.h5 or a checkpoint's prefix")


def _check_model(model: Any) -> None:
    if not isinstance(model, keras.Model):
        raise ValueError(f"a Keras file needs a keras.Model, found {type(model).__name__}")
    if not model.built:
        raise ValueError("the model has not yet been built: call it once, or give it an Input")


def _weights_inside(path: Path) -> BinaryIO:
    """Return the weights file that is inside a ``.keras`` file."""
    with zipfile.ZipFile(path) as archive:
        version = _keras_version(archive)
        if not version.startswith("3."):
            raise ValueError(f"saved by Keras {version}, this is {keras.__version__}")
        if "model.weights.h5" not in archive.namelist():
            raise ValueError("the archive has no model.weights.h5")
        return io.BytesIO(archive.read("model.weights.h5"))


def _keras_version(archive: zipfile.ZipFile) -> str:
    try:
        return str(json.loads(archive.read("metadata.json"))["keras_version"])
    except (KeyError, TypeError, ValueError):
        raise ValueError("the archive names no Keras version in its metadata.json") from None


def _datasets(file: Path | BinaryIO) -> dict[str, Spec]:
    """Return each dataset of an HDF5 file, with the name of the layer that it belongs to."""
    datasets = {}
    with h5py.File(file, "r") as tree:
        keys: list[str] = []
        tree.visit(keys.append)
        for key in sorted(keys, key=_natural):
            item = tree[key]
            if isinstance(item, h5py.Dataset):
                layer = str(item.parent.attrs.get("name", ""))
                # HDF5 has no bfloat16. Keras stores its bytes, and writes the dtype beside them.
                dtype = str(item.attrs.get("dtype", item.dtype.name))
                datasets[key] = Spec(layer, item.shape, dtype)
    return datasets
