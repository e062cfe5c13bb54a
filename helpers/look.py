"""Something to look with: a tree of files, and what a checkpoint holds."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tabulate import tabulate

NAMED_IN_ERRORS = 4  # files, so that the message stays one line


class Entry(NamedTuple):
    """One tensor of a checkpoint: its key, shape, dtype name and size in bytes."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    size: int


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


def find_meta(folder: Path | str, step: int | None = None) -> Path:
    """Return the one ``.meta`` file in a folder, or the one that was saved at ``step``.

    Raises:
        FileNotFoundError: none matches.
        ValueError: more than one matches.
    """
    folder = Path(folder)
    pattern = "*.meta" if step is None else f"*-{step}.meta"
    found = sorted(folder.glob(pattern))
    if not found:
        raise FileNotFoundError(f"no {pattern} in {_contents(folder)}")
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise ValueError(
            f"{len(found)} files match {pattern} in {folder.as_posix()}: {names}; give a step"
        )
    return found[0]


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
        if dtype == tf.string:  # a text has the length that it has, so here we do load
            size = sum(len(text) for text in np.ravel(reader.get_tensor(name)))
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


def _contents(folder: Path) -> str:
    """Name a folder and what it holds, for an error of one line."""
    if not folder.is_dir():
        return f"{folder.as_posix()}, which does not exist"
    names = sorted(path.name for path in folder.glob("[!.]*"))
    listed = ", ".join(names[:NAMED_IN_ERRORS]) or "nothing"
    if len(names) > NAMED_IN_ERRORS:
        listed += " …"
    return f"{folder.as_posix()}, which holds {listed}"
