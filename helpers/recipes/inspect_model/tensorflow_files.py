"""TensorFlow's files: what a SavedModel, a meta graph and a checkpoint consist of."""

import re
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from .findings import Alarm, Finding, Note
from .programs import inspect_program
from .special_files import refuse_pipe_or_device

SAVED_MODEL_FILES = re.compile(
    r"saved_model\.pb|fingerprint\.pb|assets/.+|variables/variables\.(index|data-[\d-]+of-\d+)"
)


def inspect_saved_model(folder: Path) -> Iterator[Finding]:
    """Inspect the list of files, every program in ``saved_model.pb``, and the variables."""
    yield from _inspect_list_of_files(folder)
    content = (folder / "saved_model.pb").read_bytes()
    for program in SavedModel.FromString(content).meta_graphs:
        yield from inspect_program(program)
    if (folder / "variables").is_dir():
        yield from _inspect_tensors(folder / "variables" / "variables")


def inspect_meta_graph(path: Path) -> Iterator[Finding]:
    """Inspect the program in a ``.meta``, which has to be in its binary form."""
    yield from inspect_program(MetaGraphDef.FromString(path.read_bytes()))


def inspect_checkpoint(prefix: Path) -> Iterator[Finding]:
    """Inspect the types of what a checkpoint holds."""
    alarms = list(_inspect_tensors(prefix))
    yield from alarms
    if not alarms:
        yield Note("numbers and text only")


def _inspect_list_of_files(folder: Path) -> Iterator[Alarm]:
    for path in sorted(path for path in folder.rglob("*") if not path.is_dir()):
        name = path.relative_to(folder).as_posix()
        if not SAVED_MODEL_FILES.fullmatch(name):
            yield Alarm(name, "TensorFlow writes no such file")
        else:
            refuse_pipe_or_device(path)


def _inspect_tensors(prefix: Path) -> Iterator[Alarm]:
    if prefix.is_file() or not Path(f"{prefix}.index").is_file():
        raise FileNotFoundError("no file of a kind that is known here, no prefix of a checkpoint")
    dtypes = tf.train.load_checkpoint(str(prefix)).get_variable_to_dtype_map()
    for name, dtype in sorted(dtypes.items()):
        if dtype in (tf.resource, tf.variant):
            yield Alarm(name, f"is a {dtype.name}, neither numbers nor text")
