"""Save while training goes on, almost as fast as the disk, and hear of each save that fails.

Needs TensorFlow.

A saver takes a snapshot of some variables, and a thread writes it to a file. The dictionary says
what is saved. Its names are yours, and its values are lists of variables:

>>> import keras
>>> from background_save import BackgroundSaver, restore
>>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
>>> optimizer = keras.optimizers.Adam()
>>> optimizer.build(model.trainable_variables)
>>> parts = {"model": model.variables, "optimizer": optimizer.variables}
>>> with BackgroundSaver(parts) as saver:
...     for step in range(1, 21):
...         # train here
...         if step % 10 == 0:
...             saver.save(f"step_{step}.safetensors")

Another program makes the same parts, with other values, and restores them:

>>> restore("step_20.safetensors", parts)

If the thread cannot write a file, the next ``save`` or the end of the ``with`` block raises a
``FailedSaveError``. A path that cannot be saved to is refused at once:

>>> with BackgroundSaver(parts) as saver:
...     saver.save("no_such_folder/step_30.safetensors")
Traceback (most recent call last):
FileNotFoundError: no folder no_such_folder: make it first

What is promised. The file holds the values of the moment of ``save``, all of one step. It is
written beside its place, flushed and renamed, so on a local disk a killed program leaves the old
file or the new one. Files appear in the order of the saves. Every program that knows the format
safetensors can read them.

What is not promised. A killed program loses a save that is not written yet. A file that was cut off
is refused, and a flipped bit is not noticed: put a checksum beside the file where that matters. The
optimizer has to be built first, as above, because its variables are taken from the list when the
saver is made. Texts and the state of an iterator do not fit into such a file: use
``tf.train.Checkpoint`` for them. Network drives and object stores (``gs://…``, Google Drive) may
not flush or rename.

The price. A snapshot copies nothing, because a tensor never changes. While it is written,
TensorFlow copies each variable at its first update, which takes memory for one copy of the values,
and makes one step slower. A save that comes before the last one is written waits for it.
"""

import contextlib
import json
import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from io import BufferedReader, BufferedWriter
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

# A name for each part, and its variables, of Keras or of TensorFlow.
Parts = Mapping[str, Sequence[Any]]

# The dtypes of TensorFlow, as safetensors calls them.
DTYPES = {
    tf.bool: "BOOL",
    tf.bfloat16: "BF16",
    tf.float16: "F16",
    tf.float32: "F32",
    tf.float64: "F64",
    tf.int8: "I8",
    tf.int16: "I16",
    tf.int32: "I32",
    tf.int64: "I64",
    tf.uint8: "U8",
    tf.uint16: "U16",
    tf.uint32: "U32",
    tf.uint64: "U64",
}
LENGTH = 8  # bytes at the beginning of a file, which say how long the header after them is
ALIGNMENT = 64  # bytes: TensorFlow takes over an array that begins at a multiple, without a copy


class FailedSaveError(Exception):
    """A save in the background has failed. Its cause is the error that the thread met."""


class BackgroundSaver:
    """Saves variables to files, one after the other, in a thread of its own.

    Use it in a ``with`` block, at whose end it waits for the last save. Let one program save to a
    path, and call its methods from one thread.

    Args:
        parts: a name for each part, and its list of variables.

    Raises:
        ValueError: a part has no variables.
        TypeError: a variable holds something else than numbers.
    """

    def __init__(self, parts: Parts) -> None:
        """Note which variables to save."""
        for name, variables in parts.items():
            if not variables:
                raise ValueError(f"{name} has no variables: build it before you make a saver")
        self._variables = dict(_named(parts))
        for name, variable in self._variables.items():
            _check_dtype(name, variable.dtype)
        self._thread: threading.Thread | None = None
        self._path: Path | None = None
        self._error: BaseException | None = None
        self._is_closed = False

    def __enter__(self) -> Self:
        """Return the saver."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it. If the body has raised an error, a failed save is added to that as a note."""
        try:
            self.close()
        except FailedSaveError as failed:
            if error is None:
                raise
            error.add_note(str(failed))

    def save(self, path: Path | str) -> None:
        """Take a snapshot of all values, and return while a thread writes it to a file.

        If the save before is not written yet, this waits for it first. If it has failed, this
        raises that error and saves nothing: call it again to save.

        Args:
            path: the file, which is replaced when the new one is complete. Its folder must exist.

        Raises:
            FailedSaveError: the save before has failed.
            FileNotFoundError: there is no such folder.
            IsADirectoryError: ``path`` is a folder.
            RuntimeError: the saver is closed.
        """
        path = Path(path)
        if self._is_closed:
            raise RuntimeError(f"the saver is closed: make a new one to save {path.name}")
        if path.is_dir():
            raise IsADirectoryError(f"{path.as_posix()} is a folder: save a file in it")
        if not path.parent.is_dir():
            raise FileNotFoundError(f"no folder {path.parent.as_posix()}: make it first")
        self.wait()

        snapshot = {name: variable.read_value() for name, variable in self._variables.items()}
        self._path = path
        # Python waits for such a thread at the end of the program, also if nobody closes the saver.
        self._thread = threading.Thread(target=self._write, args=(path, snapshot))
        self._thread.start()

    def wait(self) -> None:
        """Wait until the last save is on the disk.

        Raises:
            FailedSaveError: it has failed. It is raised once.
        """
        if self._thread:
            self._thread.join()
            self._thread = None
        error = self._error
        self._error = None
        if error:
            kind = type(error).__name__
            where = self._path.as_posix() if self._path else ""
            raise FailedSaveError(
                f"{where} was not saved, and is as it was before: {kind}: {error}"
            ) from error

    def close(self) -> None:
        """Wait until the last save is on the disk, and save no more.

        Raises:
            FailedSaveError: the last save has failed.
        """
        self._is_closed = True
        self.wait()

    def _write(self, path: Path, snapshot: dict[str, tf.Tensor]) -> None:
        try:
            write_whole(path, snapshot)
        except BaseException as error:  # whatever it is, the training has to hear of it
            self._error = error


def write_whole(path: Path, tensors: Mapping[str, tf.Tensor]) -> None:
    """Write a file so that ``path`` holds the old one or the new one, complete and flushed.

    Raises:
        OSError: the system's own error. The old file is as it was.
    """
    # It has the same name each time, so what a killed save has left is written over by the next.
    new = path.with_name(f".saving-{path.name}")
    try:
        with new.open("wb") as file:
            write(file, tensors)
            file.flush()
            _flush(file.fileno())
        new.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            new.unlink()
        raise
    if os.name == "posix":  # elsewhere a folder cannot be flushed
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            _flush(folder)
        finally:
            os.close(folder)


def write(file: BufferedWriter, tensors: Mapping[str, tf.Tensor]) -> None:
    """Write tensors in the format safetensors: a header in JSON, and all the numbers."""
    header: dict[str, dict[str, Any]] = {}
    end = 0
    for name, tensor in tensors.items():
        begin = end
        end += tensor.dtype.size * tensor.shape.num_elements()
        header[name] = {
            "dtype": DTYPES[tensor.dtype],
            "shape": tensor.shape.as_list(),
            "data_offsets": [begin, end],
        }
    encoded = json.dumps(header).encode()
    encoded += b" " * (-(LENGTH + len(encoded)) % ALIGNMENT)
    file.write(len(encoded).to_bytes(LENGTH, "little"))
    file.write(encoded)
    for tensor in tensors.values():
        numbers = np.asarray(tf.reshape(tensor, [-1]))  # on a CPU it is a view, and no copy
        file.write(numbers.view(np.uint8).data)


def restore(path: Path | str, parts: Parts) -> None:
    """Give variables the values of a file that a `BackgroundSaver` has written.

    All names, shapes and dtypes are compared first. If they do not fit, nothing is changed.

    Args:
        path: the file.
        parts: the same names and lists as in the save, with variables of the same shapes and
            dtypes.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is cut off or no file of this kind, or it does not fit the parts.
    """
    path = Path(path)
    variables = dict(_named(parts))
    with path.open("rb") as file:
        header, start = _read_header(path, file)
        _check_fit(path, header, variables)
        for name, variable in variables.items():
            file.seek(start + header[name]["data_offsets"][0])
            variable.assign(_read_numbers(file, variable))


def _read_header(path: Path, file: BufferedReader) -> tuple[dict[str, Any], int]:
    """Return the header of a file, and the place where its numbers start."""
    size = path.stat().st_size
    start = LENGTH + int.from_bytes(file.read(LENGTH), "little")
    try:
        header = json.loads(file.read(start - LENGTH)) if start <= size else {}
        header.pop("__metadata__", None)
        end = start + max(entry["data_offsets"][1] for entry in header.values())
    except (AttributeError, LookupError, TypeError, ValueError):
        end = None
    if size != end:
        raise ValueError(f"{path.name} is damaged or no safetensors file: take another one")
    return header, start


def _check_fit(path: Path, header: dict[str, Any], variables: dict[str, tf.Variable]) -> None:
    differing = sorted(header.keys() ^ variables.keys())
    if differing:
        who = "the file has" if differing[0] in header else "the parts have"
        raise ValueError(f"{path.name} does not fit: only {who} {differing[0]}")
    for name, variable in variables.items():
        _check_dtype(name, variable.dtype)
        found = (header[name]["dtype"], header[name]["shape"])
        expected = (DTYPES[variable.dtype], variable.shape.as_list())
        if found != expected:
            raise ValueError(f"{path.name} does not fit: {name} is {found}, expected {expected}")


def _read_numbers(file: BufferedReader, variable: tf.Variable) -> np.ndarray:
    """Read what a variable holds into new memory, which TensorFlow can take over."""
    size = variable.dtype.size * variable.shape.num_elements()
    memory = np.empty(size + ALIGNMENT, np.uint8)
    first = -memory.ctypes.data % ALIGNMENT
    numbers = memory[first : first + size]
    file.readinto(numbers.data)
    return numbers.view(variable.dtype.as_numpy_dtype).reshape(variable.shape)


def _named(parts: Parts) -> Iterator[tuple[str, tf.Variable]]:
    """Yield a name such as ``model/0`` and a variable of TensorFlow, also for one of Keras."""
    for part, variables in parts.items():
        for number, variable in enumerate(variables):
            is_of_keras = isinstance(variable, keras.Variable)
            yield f"{part}/{number}", variable.value if is_of_keras else variable


def _check_dtype(name: str, dtype: tf.DType) -> None:
    if dtype not in DTYPES:
        raise TypeError(
            f"{name} is of dtype {dtype.name}, which a safetensors file cannot hold: "
            "save it with tf.train.Checkpoint"
        )


def _flush(descriptor: int) -> None:
    """Wait until the disk has it. The training does not wait, because this is in the thread."""
    os.fsync(descriptor)
    if sys.platform == "darwin":  # there it stops at the cache of the drive
        import fcntl

        with contextlib.suppress(OSError):  # not every file system can do more
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
