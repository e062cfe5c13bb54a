"""TensorFlow's files: what a SavedModel, a meta graph and a frozen graph consist of."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from .checkpoints import inspect_tensors
from .configurations import inspect_configuration, parse_configuration
from .findings import Alarm, Finding, Note
from .limits import MOST_FILES, at_most, refuse_pipe_or_device
from .programs import inspect_program
from .protobufs import read_message

KERAS_METADATA = "keras_metadata.pb"  # Keras 2 wrote it, from TensorFlow 2.5 to 2.15.
SAVED_MODEL_FILES = re.compile(
    r"saved_model\.pb|fingerprint\.pb|keras_metadata\.pb|assets(\.extra)?/.+"
    r"|variables/variables\.(index|data-[\d-]+of-\d+)"
)


def inspect_saved_model(folder: Path) -> Iterator[Finding]:
    """Inspect the list of files, every program in ``saved_model.pb``, and the variables."""
    yield from _inspect_list_of_files(folder)
    programs = read_message(folder / "saved_model.pb", SavedModel).meta_graphs
    if not programs:
        raise ValueError("saved_model.pb holds no program")
    for program in programs:
        yield from inspect_program(program)
    if (folder / KERAS_METADATA).exists():
        yield from _inspect_keras_metadata(folder / KERAS_METADATA)
    if (folder / "variables").is_dir():
        yield from inspect_tensors(folder / "variables" / "variables")


def inspect_meta_graph(path: Path) -> Iterator[Finding]:
    """Inspect the program in a ``.meta``, which has to be in its binary form."""
    yield from inspect_program(read_message(path, MetaGraphDef))


def inspect_frozen_graph(path: Path) -> Iterator[Finding]:
    """Inspect the graph in a ``.pb``, a program without variables."""
    graph = read_message(path, GraphDef)
    yield from inspect_program(MetaGraphDef(graph_def=graph))


def _inspect_list_of_files(folder: Path) -> Iterator[Finding]:
    for path in sorted(at_most(_files(folder), MOST_FILES, "files in the folder")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            yield Note(f"{name} is a link to another place")
        if path.is_dir():
            continue
        if not SAVED_MODEL_FILES.fullmatch(name):
            yield Alarm(name, "TensorFlow writes no such file")
        else:
            refuse_pipe_or_device(path)


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, and the links to folders, which are not followed."""

    def stop(error: OSError) -> None:
        raise error

    for place, folders, files in os.walk(folder, onerror=stop):
        for name in [*folders, *files]:
            yield Path(place, name)


def _inspect_keras_metadata(path: Path) -> Iterator[Alarm]:
    """Inspect the configurations from which Keras 2 made a model again."""
    # TensorFlow keeps this type for its own Keras, which its other modules do not import.
    from tensorflow.python.keras.protobuf.saved_metadata_pb2 import SavedMetadata

    for node in read_message(path, SavedMetadata).nodes:
        configuration = parse_configuration(node.metadata, KERAS_METADATA)
        for finding in inspect_configuration(configuration, KERAS_METADATA):
            # A SavedModel needs no code of its reader: so no notes.
            if isinstance(finding, Alarm):
                yield finding
