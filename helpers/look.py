"""Something to look with: a tree of files, what a checkpoint holds, and what would match it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from tabulate import tabulate
from tensorflow.core.protobuf.trackable_object_graph_pb2 import TrackableObjectGraph

# Names that TensorFlow gives: to the entry of the object graph, and to the end of a key.
OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
KEY_ENDING = "/.ATTRIBUTES/VARIABLE_VALUE"

NAMED_IN_ERRORS = 4  # files, so that the message stays one line


class Entry(NamedTuple):
    """One tensor of a checkpoint: its key, shape, dtype name and size in bytes."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    size: int


class Match(NamedTuple):
    """A variable's path in a program and the key of its value in a file; None if there is none."""

    path: str | None
    key: str | None


def show_tree(folder: Path | str) -> None:
    """Print every file under a folder with its size in bytes; hidden ones are left out.

    Raises:
        FileNotFoundError: there is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder {folder.name} in {_contents(folder.parent)}")
    rows = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        is_hidden = any(part.startswith(".") for part in name.parts)
        if path.is_file() and not is_hidden:
            rows.append((name.as_posix(), path.stat().st_size))
    if rows:
        print(tabulate(rows, headers=(f"{folder.name}/", "bytes")))
    else:
        print(f"{folder.name}/ empty")


def read_checkpoint(prefix: Path | str) -> list[Entry]:
    """List what a checkpoint holds, in the order of its keys, without loading the numbers.

    Args:
        prefix: the path without ``.index``, of a TensorFlow 1 or 2 checkpoint.

    Raises:
        FileNotFoundError: no checkpoint has this prefix.
    """
    index = Path(f"{prefix}.index")
    if not index.is_file():
        raise FileNotFoundError(
            f"no {index.name} in {_contents(index.parent)}; give a prefix, without an ending"
        )
    reader = tf.train.load_checkpoint(str(prefix))
    shapes = reader.get_variable_to_shape_map()
    dtypes = reader.get_variable_to_dtype_map()
    entries = []
    for name in sorted(shapes):
        shape = tuple(shapes[name])
        dtype = dtypes[name]
        if dtype == tf.string:  # texts differ in length, so these are loaded
            size = _size_of_texts(list(np.ravel(reader.get_tensor(name))))
        else:
            size = tf.TensorShape(shape).num_elements() * dtype.size
        entries.append(Entry(name, shape, dtype.name, size))
    return entries


def show_checkpoint(prefix: Path | str) -> None:
    """Print the key, shape, dtype and bytes of every tensor in a checkpoint.

    Raises:
        FileNotFoundError: no checkpoint has this prefix.
    """
    print(tabulate(read_checkpoint(prefix), headers=("name", "shape", "dtype", "bytes")))


def match_checkpoint(root: Any, prefix: Path | str) -> list[Match]:
    """Tell which variable of a program finds which key of a checkpoint, without restoring it.

    Args:
        root: what would be restored, for example a ``tf.train.Checkpoint``. For a classic
            checkpoint it is the dict {name in the file: variable} that a ``Saver`` takes.
        prefix: the path without ``.index``.

    Returns:
        A match for each variable, in the order of the program, then one for each key left over.

    Raises:
        FileNotFoundError: no checkpoint has this prefix.
        ValueError: the checkpoint has no object graph, and root is no dict.
    """
    keys = {entry.name for entry in read_checkpoint(prefix)}
    key_of: dict[str, str | None]
    if isinstance(root, Mapping):
        key_of = {name: name if name in keys else None for name in root}
    elif OBJECT_GRAPH in keys:
        key_of = _match_objects(root, str(prefix), keys)
    else:
        name = Path(prefix).name
        raise ValueError(f"{name} is a classic checkpoint: give a dict of names and variables")
    matched = [Match(path, key) for path, key in key_of.items()]
    left_over = keys - {OBJECT_GRAPH} - set(key_of.values())
    return matched + [Match(None, key) for key in sorted(left_over)]


def _size_of_texts(texts: Sequence[bytes]) -> int:
    """The bytes that texts take in a data file: their lengths, a checksum of those, the texts.

    A length is written with seven bits in a byte. Source: tensorflow/core/util/tensor_bundle.
    """
    lengths = sum(max(1, -(-len(text).bit_length() // 7)) for text in texts)
    checksum = 4
    return lengths + checksum + sum(len(text) for text in texts)


def _match_objects(root: Any, prefix: str, keys: set[str]) -> dict[str, str | None]:
    """Find the key for the path of each variable below a root, along the file's object graph."""
    has_counter = f"save_counter{KEY_ENDING}" in keys
    if has_counter and isinstance(root, tf.train.Checkpoint):
        _ = root.save_counter  # made when it is first asked for, as it is by a restore
    graph = tf.train.load_checkpoint(prefix).get_tensor(OBJECT_GRAPH)
    nodes = TrackableObjectGraph.FromString(graph).nodes
    key_of_object: dict[int, str] = {}
    seen = {0}
    waiting = [(root, 0)]  # objects of the program, each with the number of its node in the file
    while waiting:
        thing, number = waiting.pop(0)
        for attribute in nodes[number].attributes:
            # Two paths can lead to one object. A restore takes the one that it reaches first.
            key_of_object.setdefault(id(thing), attribute.checkpoint_key)
        children = _children_of(thing)
        for child in nodes[number].children:
            if child.local_name in children and child.node_id not in seen:
                seen.add(child.node_id)
                waiting.append((children[child.local_name], child.node_id))
    variables = _variables_below(root)
    return {path: key_of_object.get(id(variable)) for path, variable in variables.items()}


def _children_of(thing: Any) -> dict[str, Any]:
    """The objects that an object holds, by the names of a checkpoint's paths."""
    children = tf.train.TrackableView(thing).children(thing)
    root = children.get("root")
    if not isinstance(thing, tf.train.Checkpoint) or root is None:
        return children
    # ``Checkpoint(model)`` without a name: the model itself is the root, and the rest lies beside.
    beside = {name: child for name, child in children.items() if child is not root}
    return _children_of(root) | beside


def _variables_below(root: Any) -> dict[str, Any]:
    """List the variables that a root reaches, each under the shortest path, nearest first."""
    variables: dict[str, Any] = {}
    seen = {id(root)}
    level = {"": root}
    while level:
        next_level: dict[str, Any] = {}
        for path, thing in level.items():
            for name, child in _children_of(thing).items():
                if id(child) not in seen:
                    seen.add(id(child))
                    next_level[f"{path}/{name}".lstrip("/")] = child
        for path, thing in next_level.items():
            if isinstance(thing, tf.Variable | keras.Variable):
                variables[path] = thing
        level = next_level
    return variables


def _contents(folder: Path) -> str:
    """Name a folder and what it holds, for an error of one line."""
    if not folder.is_dir():
        return f"{folder.as_posix()}, which does not exist"
    names = sorted(path.name for path in folder.glob("[!.]*"))
    listed = ", ".join(names[:NAMED_IN_ERRORS]) or "nothing"
    if len(names) > NAMED_IN_ERRORS:
        listed += " …"
    return f"{folder.as_posix()}, which holds {listed}"
