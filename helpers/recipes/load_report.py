"""A load report: what a file would bring to a model, and what not, found without loading it.

Needs TensorFlow.

It is made for TensorFlow 2.16 and newer, which come with Keras 3.

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
import zipfile
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import h5py
import keras
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.trackable_object_graph_pb2 import TrackableObjectGraph

# In the order in which a report counts them. `load_report` says what each means.
STATUSES = (
    "matched",
    "matched by another path",
    "other name",
    "other dtype",
    "other shape",
    "skipped",
    "not reached",
    "missing",
    "not carried",
    "unexpected",
)


class Row(NamedTuple):
    """One variable of a report, or another piece of a model's state.

    Attributes:
        key: where the file keeps the variable, or would keep it. For what no file of this kind
            carries, the names of its layer and of itself.
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
        times = Counter(row.status for row in self.rows)
        counts = []
        for status in STATUSES:
            # That nothing is matched is worth saying.
            is_shown = times[status] > 0 or status == "matched"
            if is_shown:
                counts.append(f"{times[status]} {status}")
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
    - matched by another path: it would be loaded, from a place that is not its own, so that it may
      get the numbers of another variable. In a checkpoint one path of attributes leads from the
      file's variable to this one, and another path does not. In a Keras file the layer is not where
      Keras looks for it first, but it is where a second attribute leads.
    - other name: it would be loaded, but in the file its layer has another name, so two layers may
      have changed places. A number at the end of a name does not count.
    - other dtype: Keras would convert and load it. TensorFlow would refuse it.
    - other shape: it would not be loaded, except by a `Saver` in a graph, which may not check it.
    - skipped: it fits, but something else in its layer does not, and Keras leaves the layer.
    - not reached: it fits, but the load stops with an error before it (see below).
    - missing: the model has it, the file has not.
    - not carried: it is part of the model's state, and no file of this kind brings it (see below).
    - unexpected: the file has it, the model has not.

    Where a load stops: a `tf.train.Checkpoint` stops at the first other shape, in the alphabetical
    order of the keys. What comes before is restored by then, and stays so. At another dtype it
    restores nothing. A `Saver` restores nothing at another dtype or if a name is missing. A legacy
    ``.h5`` stops at the first layer that does not fit, and brings nothing if the number of layers
    differs.

    What is not carried: Keras files have no `tf.Variable`, no state of random seeds (dropout), no A
    and B of LoRA (they are merged into the kernel, and set to zero by the load), no vocabulary and
    no bin boundaries, unless `keras.saving.load_model` makes the model from a ``.keras``. A legacy
    ``.h5`` has no optimizer for `load_weights`. Checkpoints have no seeds and no vocabulary, and
    a `Normalization` layer goes on with its old mean and variance until its `finalize_state()` is
    called. Metrics are left out: they begin again with each epoch.

    Of a Keras file only the names, shapes and dtypes are read. A ``.keras`` and a checkpoint are
    also read through once, piece by piece, so that their checksums are compared.

    >>> import tensorflow as tf
    >>> from load_report import load_report
    >>> saved = tf.train.Checkpoint(slope=tf.Variable(3.0), offset=tf.Variable(1.0))
    >>> prefix = saved.write("straight_line")
    >>> renamed = tf.train.Checkpoint(slope=tf.Variable(0.0), bias=tf.Variable(0.0))
    >>> print(load_report(prefix, renamed).line)
    straight_line: 1 matched, 1 missing, 1 unexpected

    Args:
        path: on a disk of this machine, a ``.keras``, ``.weights.h5``, ``.weights.json`` (its
            shards beside it) or legacy ``.h5``, also of Keras 2; a folder that
            ``save(..., zipped=False)`` made; or the prefix of a checkpoint, also of TensorFlow 1.
        model: for a Keras file, the built `keras.Model` whose `load_weights` would load it (in a
            folder, its ``model.weights.h5``). For a checkpoint, the `tf.train.Checkpoint` that
            would restore it, or the dictionary from names in the file to variables that a
            TensorFlow 1 `Saver` takes.

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


def _compare(path: Path, model: Any) -> list[Row]:
    is_checkpoint = Path(f"{path}.index").is_file()
    if is_checkpoint:
        return _compare_checkpoint(path, model)
    _check_keras_file(path)
    _check_model(model)
    if _is_legacy(path):
        return _compare_legacy_file(path, model)
    return _compare_keras_file(path, model)


def _first_line(error: Exception, folder: Path) -> str:
    """Return the first line of an error's message, without the folder, which the caller knows."""
    message = str(error) or repr(error)
    line = message.splitlines()[0]
    # TensorFlow may write a slash where the system does not.
    return line.replace(f"{folder}{os.sep}", "").replace(f"{folder.as_posix()}/", "")


# What is compared of a variable


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


def _spec(name: str, variable: Any) -> Spec:
    dtype = tf.as_dtype(variable.dtype).base_dtype.name
    return Spec(name, tuple(variable.shape), dtype)


def _row(key: str, status: str, in_model: Spec | None, in_file: Spec | None) -> Row:
    return Row(key, status, _text(in_model), _text(in_file))


def _text(spec: Spec | None) -> str:
    if spec is None:
        return ""
    return f"{spec.name} {spec.shape} {spec.dtype}".strip()


def _compare_specs(in_model: Spec | None, in_file: Spec | None) -> str:
    if in_file is None:
        return "missing"
    if in_model is None:
        return "unexpected"
    if in_model.shape != in_file.shape:
        return "other shape"
    if in_model.dtype != in_file.dtype:
        return "other dtype"
    if _have_other_names(in_model.name, in_file.name):
        return "other name"
    return "matched"


def _have_other_names(in_model: str, in_file: str) -> bool:
    """Whether two names differ, which can be told of a layer's names or of two whole paths."""
    if not in_model or not in_file:
        return False
    # A path in a checkpoint can lack the layer: "network/kernel".
    are_alike = in_model.count("/") == in_file.count("/")
    return are_alike and _without_numbers(in_model) != _without_numbers(in_file)


def _without_numbers(name: str) -> list[str]:
    """Return the end of a name without the numbers that Keras adds to the names that it makes.

    The name of a layer, "dense_3", becomes "dense". Of a path, such as "model/dense_3/kernel" or
    "adam/model_1_dense_3_kernel_momentum", the layer or optimizer and the variable are left.
    """
    *outer, last = name.split("/")
    if not outer:
        return [last.rstrip("_0123456789")]
    return [outer[-1].rstrip("_0123456789"), re.sub("_[0-9]+(?=_|$)", "", last)]


def _natural(key: str) -> str:
    """Fill up the numbers in a key with zeros, so that 9 is sorted before 10."""
    return re.sub("[0-9]+", lambda digits: digits.group().zfill(12), key)


# The state that a model has beside the variables that are carried


def _variables_below(root: Any) -> list[tuple[str, Any]]:
    """Return each variable that a root leads to, with the shortest path of attributes to it.

    A path is written as in a checkpoint: "model/hidden/kernel".
    """
    variables = []
    for path, thing in _objects_below(root):
        if _is_variable(thing):
            variables.append((path, thing))
    return variables


def _objects_below(root: Any) -> Iterator[tuple[str, Any]]:
    """Yield each object that a checkpoint of a root would know, the nearest first."""
    waiting = deque([("", root)])
    seen = {id(root): root}  # keeps the objects alive: a new one could get the id of a dead one
    while waiting:
        path, thing = waiting.popleft()
        yield path, thing
        for name, child in tf.train.TrackableView.children(thing).items():
            if id(child) not in seen:
                seen[id(child)] = child
                child_path = f"{path}/{name}" if path else name
                waiting.append((child_path, child))


def _is_variable(thing: Any) -> bool:
    return isinstance(thing, tf.Variable | keras.Variable)


def _layers_below(root: Any) -> list[tuple[str, Any]]:
    """Return each Keras layer below a root with its path, an outer one before its inner ones."""
    layers = []
    for path, thing in _objects_below(root):
        if isinstance(thing, keras.Layer):
            layers.append((path, thing))
    return layers


def _not_carried(root: Any, carried: set[int]) -> list[Row]:
    """Return a row for each Keras or TensorFlow variable whose id is not among those carried."""
    layers = _layers_below(root)
    metrics: set[int] = set()
    for _, layer in layers:
        metrics.update(id(variable) for variable in layer.metrics_variables)

    rows = []
    for owner, name, variable in _with_owners(root, layers):
        if id(variable) not in carried | metrics:
            key = f"{owner}/{name}" if owner else name
            rows.append(_row(key, "not carried", _spec(owner, variable), None))
    return rows + _state_of_other_kinds(layers)


def _with_owners(root: Any, layers: list[tuple[str, Any]]) -> list[tuple[str, str, Any]]:
    """Return each variable below a root with the name of its layer, or "", and its own."""
    owners = {}
    for _, layer in layers:
        named = [(variable.name, variable) for variable in layer.variables]
        for name, child in tf.train.TrackableView.children(layer).items():
            if isinstance(child, tf.Variable):  # which Keras does not know
                named.append((name, child))
        for name, variable in named:
            # The innermost layer comes last, and stays.
            owners[id(variable)] = (layer.name, name, variable)
    for path, variable in _variables_below(root):
        owners.setdefault(id(variable), ("", path, variable))
    return list(owners.values())


def _state_of_other_kinds(layers: list[tuple[str, Any]]) -> list[Row]:
    """Return a row for each vocabulary and the like, which are no variables."""
    kinds = [
        (keras.layers.TextVectorization, "vocabulary"),
        (keras.layers.StringLookup, "vocabulary"),
        (keras.layers.IntegerLookup, "vocabulary"),
        (keras.layers.Discretization, "bin boundaries"),
    ]
    rows = []
    for path, layer in layers:
        is_part_of_another = path.endswith("/_lookup_layer")  # a TextVectorization has one
        for kind, state in kinds:
            if isinstance(layer, kind) and not is_part_of_another:
                rows.append(
                    Row(f"{layer.name}/{state}", "not carried", f"{layer.name} {state}", "")
                )
    return rows


# How a checkpoint is read

# The end of a variable's key in a checkpoint of TensorFlow 2, too long for a report.
KEY_ENDING = "/.ATTRIBUTES/VARIABLE_VALUE"

# In a checkpoint of TensorFlow 2, the key of its object graph. The graph says which object is an
# attribute of which, by which name, and under which keys the checkpoint has its values.
OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"

# What TensorFlow adds to a checkpoint: no variables of a model.
BOOKKEEPING = {OBJECT_GRAPH, "save_counter", f"save_counter{KEY_ENDING}"}


def _compare_checkpoint(prefix: Path, target: Any) -> list[Row]:
    _check_target(target)
    reader = tf.train.load_checkpoint(str(prefix))
    in_file = _tensors(reader)
    if isinstance(target, dict):
        return _compare_for_saver(target, in_file)
    if reader.has_tensor(OBJECT_GRAPH):
        graph = TrackableObjectGraph.FromString(reader.get_tensor(OBJECT_GRAPH))
        return _compare_object_graphs(graph.nodes, target, in_file)
    return _compare_by_name(target, in_file)


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


def _rows_of_checkpoint(
    in_model: dict[str, Spec], in_file: dict[str, Spec], statuses: dict[str, str]
) -> list[Row]:
    """Return the rows of the model, then those that only the file has."""
    rows = []
    for key, spec in in_model.items():
        short_key = key.removesuffix(KEY_ENDING)
        rows.append(_row(short_key, statuses[key], spec, in_file.get(key)))
    for key, spec in in_file.items():
        if key not in in_model:
            short_key = key.removesuffix(KEY_ENDING)
            rows.append(_row(short_key, "unexpected", None, spec))
    return rows


FITTING = ("matched", "matched by another path", "other name")


def _stop(statuses: dict[str, str], order: Iterable[str], reasons: set[str]) -> dict[str, str]:
    """Return the statuses, with "not reached" for what comes after the first of these reasons."""
    is_stopped = False
    stopped = dict(statuses)
    for key in order:
        if statuses[key] in reasons:
            is_stopped = True
        elif is_stopped and statuses[key] in FITTING:
            stopped[key] = "not reached"
    return stopped


def _restores_nothing(statuses: dict[str, str]) -> dict[str, str]:
    """Return the statuses, with "not reached" for all that fits."""
    return {key: "not reached" if status in FITTING else status for key, status in statuses.items()}


# A checkpoint of TensorFlow 2, which has an object graph


def _compare_object_graphs(nodes: Any, root: Any, in_file: dict[str, Spec]) -> list[Row]:
    """Compare as a `tf.train.Checkpoint` restores: along the attributes of both object graphs.

    A restore begins at the root, in the program and in the file, and follows the attributes that
    have the same name in both. It reads all values at once, then sets one variable after another,
    in the alphabetical order of their keys.
    """
    found = _follow(nodes, root)
    sources = _sources(found)
    variables = _variables_below(root)
    key_of = {}
    for path, variable in variables:
        # A variable without a source gets its path as its key. That is no key of the file, because
        # it lacks the ending.
        key_of[id(variable)] = _key(nodes, sources.get(id(variable)), path)

    named_in_file = _with_names(in_file, nodes)
    in_model = {}
    for _, variable in variables:
        key = key_of[id(variable)]
        if key not in BOOKKEEPING:
            # Only a variable of Keras has a path.
            in_model[key] = _spec(getattr(variable, "path", ""), variable)
    statuses = {}
    for key, spec in in_model.items():
        statuses[key] = _compare_specs(spec, named_in_file.get(key))
    for identity in _on_parting_paths(nodes, found, sources):
        key = key_of[identity]
        if statuses.get(key) in ("matched", "other name"):
            statuses[key] = "matched by another path"

    if "other dtype" in statuses.values():
        statuses = _restores_nothing(statuses)
    else:
        statuses = _stop(statuses, sorted(statuses), {"other shape"})
    rows = _rows_of_checkpoint(in_model, named_in_file, statuses)
    rows = _with_other_objects(rows, nodes, found)
    return rows + _not_in_checkpoint(root)


def _follow(nodes: Any, root: Any) -> dict[int, Any]:
    """Return the object of the program for each node of the file, in the order of a restore."""
    found = {0: root}
    waiting = deque([0])
    while waiting:
        number = waiting.popleft()
        children = tf.train.TrackableView.children(found[number])
        for child in nodes[number].children:
            is_new = child.node_id not in found
            if is_new and child.local_name in children:
                found[child.node_id] = children[child.local_name]
                waiting.append(child.node_id)
    return found


def _sources(found: dict[int, Any]) -> dict[int, int]:
    """Return for the id of each object the node that it is restored from.

    Two nodes of the file can lead to one object. The one that is reached first is restored.
    """
    sources: dict[int, int] = {}
    for number, thing in found.items():
        sources.setdefault(id(thing), number)
    return sources


def _key(nodes: Any, number: int | None, path: str) -> str:
    """Return the key of a variable's node in the file, or else the variable's path."""
    if number is None or not nodes[number].attributes:
        return path
    return str(nodes[number].attributes[0].checkpoint_key)


def _with_names(in_file: dict[str, Spec], nodes: Any) -> dict[str, Spec]:
    """Return what is in the file with the paths that Keras' variables had, which the graph knows.

    A variable that is not of Keras has a name such as "Variable", which says nothing.
    """
    named = dict(in_file)
    for node in nodes:
        for attribute in node.attributes:
            key = attribute.checkpoint_key
            if key in named and "/" in attribute.full_name:
                named[key] = named[key]._replace(name=attribute.full_name)
    return named


def _on_parting_paths(nodes: Any, found: dict[int, Any], sources: dict[int, int]) -> set[int]:
    """Return the ids of the variables whose paths part in the file: not all lead to their source.

    In the file, say, the first variable in the optimizer's list is the kernel of the head, because
    the hidden layer was frozen. In the program it is the hidden layer's. A restore along the list
    gives the head's numbers to the hidden layer, though the path over the model parts from it.

    The place in a list says less than the name of an attribute: a list may have grown in front. So
    a list that leads elsewhere counts only where no name leads to the source.
    """
    by_name = _Paths()
    by_place = _Paths()
    for number, thing in found.items():
        file_children = {child.local_name: child.node_id for child in nodes[number].children}
        children = tf.train.TrackableView.children(thing)
        for name, child in children.items():
            is_restored = _is_variable(child) and id(child) in sources
            if is_restored:
                source = sources[id(child)]
                is_renamed = _is_renamed(source, file_children, children, found)
                paths = by_place if name.isdigit() else by_name
                paths.note(child, source, file_children.get(name), is_renamed)
    unsure = (by_place.elsewhere | by_name.renamed) - by_name.at_source
    return by_name.elsewhere | unsure


class _Paths:
    """The ids of variables, by where a path that leads to them in the program ends in the file.

    Attributes:
        at_source: at the node that the variable is restored from.
        elsewhere: at another node.
        renamed: nowhere, because the last name on it is new. The source has an old name beside it.
    """

    def __init__(self) -> None:
        self.at_source: set[int] = set()
        self.elsewhere: set[int] = set()
        self.renamed: set[int] = set()

    def note(self, variable: Any, source: int, end: int | None, is_renamed: bool) -> None:
        """Note where one path ends, which may be nowhere."""
        if end == source:
            self.at_source.add(id(variable))
        elif end is not None:
            self.elsewhere.add(id(variable))
        elif is_renamed:
            self.renamed.add(id(variable))


def _is_renamed(
    source: int, file_children: dict[str, int], children: dict[str, Any], found: dict[int, Any]
) -> bool:
    """Whether an object had the source as an attribute whose name does not lead to it any more.

    Args:
        source: the node of a variable.
        file_children: the attributes of the object in the file: the node of each name.
        children: its attributes in the program.
        found: the object of the program for each node.
    """
    for name, number in file_children.items():
        is_name_of_source = number == source and not name.isdigit()
        if is_name_of_source and children.get(name) is not found[source]:
            return True
    return False


def _with_other_objects(rows: list[Row], nodes: Any, found: dict[int, Any]) -> list[Row]:
    """Return the rows, with "matched" for what objects restore that are no variables: tables."""
    owners = {}
    for number, thing in found.items():
        for attribute in nodes[number].attributes:
            owners[attribute.checkpoint_key] = type(thing).__name__
    completed = []
    for row in rows:
        # A table has "table-keys" and "table-values".
        key = re.sub("-(keys|values)$", "", row.key)
        if row.status == "unexpected" and key in owners:
            row = row._replace(status="matched", in_model=owners[key])
        completed.append(row)
    return completed


def _not_in_checkpoint(root: Any) -> list[Row]:
    """Return a row for each piece of state below a root that no checkpoint carries."""
    # All to which attributes lead. A layer also lists others: the states of its seeds.
    carried = {id(variable) for _, variable in _variables_below(root)}
    rows = _not_carried(root, carried)
    for _, layer in _layers_below(root):
        # Given a mean, the layer has no variables.
        has_variables = isinstance(layer, keras.layers.Normalization) and layer.input_mean is None
        if has_variables:
            text = f"{layer.name} mean and variance in use"
            rows.append(Row(f"{layer.name}/finalize_state", "not carried", text, ""))
    return rows


# A checkpoint of TensorFlow 1, which has names


def _compare_by_name(root: Any, in_file: dict[str, Spec]) -> list[Row]:
    """Compare as a `tf.train.Checkpoint` restores what a `Saver` saved: by names, one by one."""
    in_model = {}
    for path, variable in _variables_below(root):
        if isinstance(variable, tf.Variable):
            in_model[variable.name.removesuffix(":0")] = _spec("", variable)
        else:
            in_model[path] = _spec(variable.path, variable)  # Keras has no names that are known
    for key in BOOKKEEPING:
        in_model.pop(key, None)
    statuses = {key: _compare_specs(spec, in_file.get(key)) for key, spec in in_model.items()}
    statuses = _stop(statuses, statuses, {"other shape", "other dtype"})
    return _rows_of_checkpoint(in_model, in_file, statuses) + _not_in_checkpoint(root)


def _compare_for_saver(variables: dict[str, Any], in_file: dict[str, Spec]) -> list[Row]:
    """Compare as a TensorFlow 1 `Saver` restores: by names, all of which the file needs to have."""
    in_model = {}
    for name, variable in variables.items():
        if name not in BOOKKEEPING:
            in_model[name] = _spec(getattr(variable, "path", ""), variable)
    statuses = {key: _compare_specs(spec, in_file.get(key)) for key, spec in in_model.items()}
    if not {"missing", "other dtype"}.isdisjoint(statuses.values()):
        statuses = _restores_nothing(statuses)
    elif tf.executing_eagerly():  # in a graph another shape may pass
        statuses = _stop(statuses, sorted(statuses), {"other shape"})
    return _rows_of_checkpoint(in_model, in_file, statuses)


# How a Keras file is read

CHOICE = (
    "give a .keras, a .weights.h5, a .weights.json, a legacy .h5, a folder of save(zipped=False) "
    "or a checkpoint's prefix"
)
WEIGHTS = "model.weights.h5"  # in a .keras and in a folder


def _check_keras_file(path: Path) -> None:
    endings = (".keras", ".weights.h5", ".weights.json", ".h5", ".hdf5")
    is_folder_of_keras = (path / WEIGHTS).is_file()
    is_keras_file = path.is_file() and path.name.endswith(endings)
    if is_keras_file and path.stat().st_size == 0:
        raise ValueError(f"found an empty file: {CHOICE}")
    if is_keras_file or is_folder_of_keras:
        return
    if path.is_dir():
        found = "a folder"
    elif path.exists():
        found = "another file"
    else:
        found = "no such file"
    raise ValueError(f"found {found}: {CHOICE}")


def _check_model(model: Any) -> None:
    if not isinstance(model, keras.Model):
        raise ValueError(f"a Keras file needs a keras.Model, found {type(model).__name__}")
    if not model.built:
        raise ValueError("the model has not yet been built: call it once, or give it an Input")


def _is_legacy(path: Path) -> bool:
    """Whether `load_weights` takes the file for one of Keras 1 or 2: it goes by the ending."""
    return path.name.endswith((".h5", ".hdf5")) and not path.name.endswith(".weights.h5")


class _Contents:
    """What a Keras file holds, without the numbers.

    Attributes:
        tensors: each dataset, by its key.
        groups: the variables in each group: from the name of each to its key.
    """

    def __init__(self) -> None:
        self.tensors: dict[str, Spec] = {}
        self.groups: dict[str, dict[str, str]] = {}

    def add(self, file: Path | io.IOBase) -> None:
        """Add what an HDF5 file holds."""
        with h5py.File(file, "r") as tree:
            keys: list[str] = []
            tree.visit(keys.append)
            for key in sorted(keys, key=_natural):
                item = tree[key]
                group, _, name = key.rpartition("/")
                if isinstance(item, h5py.Dataset):
                    self.tensors[key] = _spec_of_dataset(item)
                    self.groups.setdefault(group, {})[name] = key
                else:
                    self.groups.setdefault(key, {})

    def at(self, place: str) -> dict[str, str]:
        """Return the variables of the layer or optimizer at a place."""
        group = f"{place}/vars".lstrip("/")
        variables = self.groups.get(group, {})
        if not variables and "_layer_checkpoint_dependencies" in self.groups:  # Keras 2.13
            older = group.replace("layers", "_layer_checkpoint_dependencies")
            variables = self.groups.get(older, {})
        return variables


def _read_contents(path: Path) -> _Contents:
    if path.is_dir():
        metadata_file = path / "metadata.json"
        _check_version(metadata_file.read_bytes() if metadata_file.is_file() else b"", "folder")
        return _contents_of([path / WEIGHTS])
    if path.name.endswith(".weights.json"):
        return _contents_of(_shards(path))
    if path.suffix == ".keras":
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            metadata = archive.read("metadata.json") if "metadata.json" in names else b""
            _check_version(metadata, "archive")
            if WEIGHTS not in names:
                raise ValueError(f"the archive has no {WEIGHTS}")
            return _contents_of([_member(file, archive, WEIGHTS)])
    return _contents_of([path])


def _check_version(metadata: bytes, kind: str) -> None:
    """Raise an error if a newer Keras has written a file. What Keras 2 wrote can be loaded."""
    try:
        version = str(json.loads(metadata)["keras_version"])
        major = int(version.partition(".")[0])
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"the {kind} names no Keras version in its metadata.json") from None
    if major > 3:
        raise ValueError(f"saved by Keras {version}, this is {keras.__version__}")


def _shards(path: Path) -> list[Path]:
    """Return the files that a ``.weights.json`` names, which are beside it."""
    try:
        weight_map = json.loads(path.read_text(encoding="utf-8"))["weight_map"]
        names: set[str] = set()
        for shards in weight_map.values():
            # There may be one name, or a list of them.
            names.update([shards] if isinstance(shards, str) else shards)
        files = [path.with_name(name) for name in sorted(names)]
    except (AttributeError, KeyError, TypeError, ValueError):
        raise ValueError("the .weights.json does not say where the weights are") from None
    for file in files:
        if not file.is_file():
            raise ValueError(f"the shard {file.name} is not beside it")
    return files


def _contents_of(files: Iterable[Path | io.IOBase]) -> _Contents:
    contents = _Contents()
    for file in files:
        contents.add(file)
    return contents


def _spec_of_dataset(item: Any) -> Spec:
    """Return what is compared of a dataset, with the name of the layer that it belongs to."""
    layer = str(item.parent.attrs.get("name", ""))
    # HDF5 has no bfloat16. Keras stores its bytes, and writes the dtype beside them.
    dtype = str(item.attrs.get("dtype", item.dtype.name))
    return Spec(layer, item.shape, dtype)


def _member(file: BinaryIO, archive: zipfile.ZipFile, name: str) -> io.IOBase:
    """Return a file inside an archive, after comparing its checksum, without keeping it in memory.

    Args:
        file: the archive, opened.
        archive: the same.
        name: of the file inside.
    """
    with archive.open(name) as member:
        while member.read(1 << 20):  # the end raises an error if the checksum is wrong
            pass
    info = archive.getinfo(name)
    if info.compress_type != zipfile.ZIP_STORED:  # Keras does not compress
        return io.BytesIO(archive.read(name))
    # The file comes after a header of 30 bytes, a name and an extra field. The last four bytes of
    # the header are the sizes of the name and of the extra field.
    file.seek(info.header_offset + 26)
    sizes = file.read(4)
    name_size = int.from_bytes(sizes[:2], "little")
    extra_size = int.from_bytes(sizes[2:], "little")
    return _Window(file, info.header_offset + 30 + name_size + extra_size, info.file_size)


class _Window(io.RawIOBase):
    """A part of an open file, as a file."""

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        super().__init__()
        self._file = file
        self._start = start
        self._size = size
        self._place = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        origins = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}
        self._place = origins[whence] + offset
        return self._place

    def tell(self) -> int:
        return self._place

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._file.seek(self._start + self._place)
        data = self._file.read(min(len(buffer), self._size - self._place))
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)


# How Keras loads its file: object by object, along the attributes of the model


def _compare_keras_file(path: Path, model: Any) -> list[Row]:
    contents = _read_contents(path)
    load = _Load(contents)
    load.visit(model, "", failed=set())

    rows = []
    known = set()
    for part in load.parts.values():
        for name, spec in part.variables.items():
            key = part.key(name)
            in_file = contents.tensors.get(key)
            rows.append(_row(key, part.status(name, in_file), spec, in_file))
            known.add(key)
    for key, spec in contents.tensors.items():
        if key not in known:
            rows.append(_row(key, "unexpected", None, spec))
    return rows + _not_carried(model, load.carried())


class _Part:
    """A layer or an optimizer of a model, and what of it has been loaded.

    Attributes:
        place: where Keras looks first for it in a file, such as "layers/dense".
        variables: what it would save there, by name.
        carried: the ids of the variables that it saves.
        loaded: the keys in the file that variables were loaded from, by name.
        is_at_first_place: whether what was loaded last was at the first place.
        is_optimizer: whether it is one.
        is_counted: whether Keras loads no variable if the file has more of them, or fewer.
    """

    def __init__(self, thing: Any, place: str) -> None:
        self.place = place
        self.is_optimizer = isinstance(thing, keras.optimizers.Optimizer)
        self.carried: set[int] = set()
        self.loaded: dict[str, str] = {}
        self.is_at_first_place = True
        saved = self._note_saved(thing)
        has_own_names = not all(name.isdigit() for name in saved)
        self.is_counted = not has_own_names and not getattr(thing, "lora_enabled", False)
        layer_name = str(getattr(thing, "name", ""))
        self.variables = {name: _spec(layer_name, value) for name, value in saved.items()}

    def _note_saved(self, thing: Any) -> dict[str, Any]:
        """Return what a layer or optimizer saves, by its names in a file. Note that as carried."""
        if self.is_optimizer:  # its own method would copy all numbers
            self.carried.update(id(variable) for variable in thing.variables)
            return {str(number): variable for number, variable in enumerate(thing.variables)}
        saved: dict[str, Any] = {}
        if hasattr(thing, "save_own_variables"):
            thing.save_own_variables(saved)
        # The variables come first, so that an array is not taken for one of them.
        self.carried.update(id(value) for value in saved.values() if _is_variable(value))
        for name, value in saved.items():
            if not hasattr(value, "shape"):
                saved[name] = np.asarray(value)  # which Keras writes for a number of Python
            self.carried.add(id(_variable_of(name, saved[name], thing, self.carried)))
        return saved

    def load(self, place: str, contents: _Contents) -> bool:
        """Note what Keras loads from a place of a file. Return whether it raises no error."""
        keys = contents.at(place)
        if self.is_counted and len(keys) != len(self.variables):
            return self.is_optimizer  # for which Keras only warns
        for name, spec in self.variables.items():
            key = keys.get(name)
            if key is None or contents.tensors[key].shape != spec.shape:
                return False
            self.loaded[name] = key
            self.is_at_first_place = place == self.place
        return True

    def key(self, name: str) -> str:
        """Return the key that a variable is loaded from, or would have."""
        own_key = f"{self.place}/vars/{name}".lstrip("/")
        return self.loaded.get(name, own_key)

    def status(self, name: str, in_file: Spec | None) -> str:
        """Return the status of a variable, given what is at its key."""
        status = _compare_specs(self.variables[name], in_file)
        is_loaded = name in self.loaded
        fits = status in ("matched", "other name", "other dtype")
        if fits and not is_loaded:
            return "skipped"
        if is_loaded and not self.is_at_first_place:
            return "matched by another path"
        return status


def _variable_of(name: str, value: Any, layer: Any, known: set[int]) -> Any:
    """Return what a layer saves under a name: the variable, or the value if it is of none.

    Most layers save the variables themselves. Where LoRA is merged into a kernel, it is an array.
    A layer with its own `save_own_variables` mostly saves an attribute under the attribute's name.
    """
    if _is_variable(value):
        return value
    if hasattr(layer, name):
        attribute = getattr(layer, name)
        return attribute if _is_variable(attribute) else value
    variables = list(getattr(layer, "variables", []))
    variables += [child for child in tf.train.TrackableView.children(layer).values()]
    for variable in variables:
        is_free = _is_variable(variable) and id(variable) not in known
        if is_free and "lora_" not in variable.name and variable.shape == value.shape:
            return variable
    return value


class _Load:
    """Keras' `load_weights`, without the numbers.

    Keras visits a layer at one place after another, until it has been loaded without an error. The
    order of the attributes is Keras' own, and differs between its versions, so Keras is asked.

    Attributes:
        parts: the layers and optimizers that were visited, in order, by their ids.
    """

    def __init__(self, contents: _Contents) -> None:
        try:
            from keras.src.saving.keras_saveable import KerasSaveable
            from keras.src.saving.saving_lib import _walk_saveable
            from keras.src.utils.naming import to_snake_case
        except ImportError:
            version = keras.__version__
            raise ValueError(f"Keras {version} visits layers in a way not known here") from None
        self.parts: dict[int, _Part] = {}
        self._contents = contents
        self._saveable = KerasSaveable
        self._attributes_of = _walk_saveable
        self._snake_case = to_snake_case
        # By their ids: objects loaded with all that is below them, and those that a visit is in.
        self._done: set[int] = set()
        self._begun: set[int] = set()

    def carried(self) -> set[int]:
        """Return the ids of all variables that a file carries."""
        ids: set[int] = set()
        for part in self.parts.values():
            ids |= part.carried
        return ids

    def visit(self, thing: Any, place: str, failed: set[int]) -> None:
        """Visit a layer or another object that Keras saves, and what it has as attributes.

        Args:
            thing: the object.
            place: where it is looked for in the file.
            failed: the ids of objects that could not be loaded so far. The visit adds those that
                cannot be loaded, and removes those that now can.
        """
        identity = id(thing)
        if identity in self._done | self._begun:
            return
        self._begun.add(identity)
        if identity not in self.parts:
            self.parts[identity] = _Part(thing, place)
        is_loaded = self.parts[identity].load(place, self._contents)
        if not is_loaded:
            failed.add(identity)

        failed_before = len(failed)
        for name, child in self._attributes_of(thing):
            child_place = f"{place}/{name}".lstrip("/")
            if isinstance(child, self._saveable):
                self.visit(child, child_place, failed)
            elif isinstance(child, list | dict | tuple):
                self._visit_container(child, child_place, failed, set())
        if is_loaded:
            # Keras, too, goes by the number: one more below means another visit, by another path.
            if len(failed) <= failed_before:
                self._done.add(identity)
            failed.discard(identity)
        self._begun.discard(identity)

    def _visit_container(self, container: Any, place: str, failed: set[int], seen: set) -> None:
        if id(container) in seen:
            return
        seen.add(id(container))
        things = container.values() if isinstance(container, dict) else container
        used: Counter[str] = Counter()
        for thing in list(things):
            if isinstance(thing, self._saveable):
                name = self._snake_case(type(thing).__name__)
                self.visit(thing, f"{place}/{_numbered(name, used)}", failed)
            elif isinstance(thing, list | dict | tuple):
                inner_place = f"{place}/{_numbered('container', used)}"
                is_known = inner_place in self._contents.groups
                # What an older Keras did not save in containers inside containers is no error.
                inner_failed = failed if is_known else set()
                self._visit_container(thing, inner_place, inner_failed, seen)


def _numbered(name: str, used: Counter[str]) -> str:
    """Make "dense", then "dense_1" of "dense": in a container, each class is counted."""
    number = used[name]
    used[name] += 1
    return f"{name}_{number}" if number else name


# How Keras loads a legacy .h5: layer by layer, in the order of the model


class _LegacyLayer(NamedTuple):
    """The variables of a layer, in the order in which Keras 2 saved them, each with its key."""

    name: str
    variables: list[tuple[str, Spec]]


def _compare_legacy_file(path: Path, model: Any) -> list[Row]:
    with h5py.File(path, "r") as tree:
        weights = tree
        if "layer_names" not in tree.attrs and "model_weights" in tree:
            weights = tree["model_weights"]
        file_layers = _legacy_layers(weights)
        model_layers = _layers_with_weights(model)
        is_stopped = len(file_layers) != len(model_layers)
        if "top_level_model_weights" in weights:
            file_layers.append(_legacy_layer(weights, "top_level_model_weights"))
        model_layers.append(_top_level(model))

    rows = []
    for in_file, in_model in zip_longest(file_layers, model_layers, fillvalue=_LegacyLayer("", [])):
        is_stopped = is_stopped or len(in_file.variables) != len(in_model.variables)
        new_rows, is_stopped = _legacy_rows(in_file, in_model, is_stopped)
        rows += new_rows
    weights_of_model = {id(variable) for variable in model.weights}
    return rows + _not_carried(model, weights_of_model)


def _legacy_layers(weights: Any) -> list[_LegacyLayer]:
    """Return the layers of a legacy file that have variables."""
    layers = [_legacy_layer(weights, name) for name in _legacy_names(weights, "layer_names")]
    layers = [layer for layer in layers if layer.variables]
    if not layers:
        raise ValueError(
            "no layers of Keras 1 or 2 in it: if it is of Keras 3, its name must end in .weights.h5"
        )
    return layers


def _legacy_layer(weights: Any, name: str) -> _LegacyLayer:
    group = weights[name]
    variables = []
    for variable in _legacy_names(group, "weight_names"):
        item = group[variable]
        variables.append((item.name.lstrip("/"), Spec(name, item.shape, item.dtype.name)))
    return _LegacyLayer(name, variables)


def _legacy_names(group: Any, attribute: str) -> list[str]:
    """Return names that a legacy file has as an attribute, or as some if they are too long."""
    parts = [attribute] if attribute in group.attrs else []
    while f"{attribute}{len(parts)}" in group.attrs:
        parts.append(f"{attribute}{len(parts)}")
    names = []
    for part in parts:
        for name in group.attrs[part]:
            names.append(name.decode("utf-8") if isinstance(name, bytes) else str(name))
    return names


def _layers_with_weights(model: Any) -> list[_LegacyLayer]:
    """Return the layers of a model that a legacy file would have."""
    layers = []
    for layer in model.layers:
        weights = layer.trainable_weights + layer.non_trainable_weights
        if weights:
            layers.append(_in_legacy_order(layer.name, weights))
    return layers


def _top_level(model: Any) -> _LegacyLayer:
    """Return the variables that a model has beside those of its layers."""
    of_layers = {id(weight) for layer in model.layers for weight in layer.weights}
    own = [weight for weight in model.weights if id(weight) not in of_layers]
    trainable = [weight for weight in own if weight.trainable]
    frozen = [weight for weight in own if not weight.trainable]
    return _in_legacy_order("", trainable + frozen)


def _in_legacy_order(name: str, weights: list[Any]) -> _LegacyLayer:
    return _LegacyLayer(name, [(weight.path, _spec(name, weight)) for weight in weights])


def _legacy_rows(
    in_file: _LegacyLayer, in_model: _LegacyLayer, is_stopped: bool
) -> tuple[list[Row], bool]:
    """Return the rows of a layer, and whether the load stops in it or has stopped before."""
    rows = []
    nothing = ("", None)
    pairs = zip_longest(in_file.variables, in_model.variables, fillvalue=nothing)
    for (file_key, file_spec), (model_key, model_spec) in pairs:
        status = _compare_specs(model_spec, file_spec)
        if status == "other shape":
            is_stopped = True
        elif is_stopped and status in ("matched", "other name", "other dtype"):
            status = "not reached"
        rows.append(_row(file_key or model_key, status, model_spec, file_spec))
    return rows, is_stopped
