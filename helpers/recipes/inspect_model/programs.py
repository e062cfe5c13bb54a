"""TensorFlow's programs: are their operations on the list, and who chooses where they save?

A few operations read and write files although they are harmless in a model: those that save and
restore its variables. They are harmless as long as whoever loads the model chooses the path
(``paths.py``), and as long as they run only when somebody saves or restores (``runs.py``).
"""

from collections.abc import Collection, Iterator, Sequence

import tensorflow as tf
from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef

from .configurations import inspect_configuration, parse_configuration
from .findings import Alarm, Finding, Note
from .graphs import PATH_INPUTS, Body, called, functions, main_graph, own_operations
from .known_names import KNOWN_NAMES
from .limits import MOST_OPERATIONS, LimitError
from .paths import Paths
from .runs import assets, filled_by_others, inspect_runs

HANDLES = {tf.resource.as_datatype_enum, tf.variant.as_datatype_enum}


def inspect_program(program: MetaGraphDef) -> Iterator[Finding]:
    """Inspect every operation of a program, in its main graph and in its functions.

    Raises:
        ValueError: If there is none.
        LimitError: If there are too many.
    """
    graph = main_graph(program)
    own_functions = list(functions(program))
    bodies = [graph, *own_functions]
    count = sum(len(body.nodes) for body in bodies)
    if count == 0:
        raise ValueError("an empty program, or no program at all")
    if count + len(bodies) > MOST_OPERATIONS:
        raise LimitError(f"a program of more than {MOST_OPERATIONS:,} operations")

    saving_functions = {body.name for body in own_functions if _saves_or_restores(body)}
    can_be_called = program.object_graph_def.concrete_functions.keys()
    for name in sorted(saving_functions & can_be_called):
        yield Alarm(name, "can save or restore, and can be called")

    known = KNOWN_NAMES["tensorflow"] | PATH_INPUTS.keys() | own_operations(own_functions)
    filled = filled_by_others(program)
    for body in bodies:
        paths = Paths(body, () if body.is_function else filled)
        for what in _not_known_as_harmless(body, paths, known, saving_functions):
            yield Alarm(what, f"in {body.name}")

    yield from inspect_runs(program, graph, own_functions)
    yield from _inspect_assets(program)
    yield from _inspect_objects(program)
    yield Note(f"a program of {count} operations")


def _saves_or_restores(body: Body) -> bool:
    return any(node.op in PATH_INPUTS for node in body.nodes)


def _not_known_as_harmless(
    body: Body, paths: Paths, known: Collection[str], saving_functions: Collection[str]
) -> Iterator[str]:
    """Say what is not known as harmless in one body, node by node.

    A saving function is one that saves or restores.
    """
    for node in body.nodes:
        calls_saving = any(name in saving_functions for name in called(node))
        # A SavedModel saves so: its main graph calls a function, and gives it the loader's path. No
        # path is followed from one function into another, or into a branch or a loop.
        is_plain_call = not body.is_function and node.op.endswith("PartitionedCall")

        if node.op not in known:
            yield node.op
        if _has_its_own_path(node, paths, calls_saving):
            yield f"{node.op} with a path of its own"
        if calls_saving and not is_plain_call:
            yield f"{node.op} that can save or restore"
        if _holds_a_handle(node):
            yield f"{node.op} of a handle"


def _has_its_own_path(node: NodeDef, paths: Paths, calls_saving: bool) -> bool:
    count = PATH_INPUTS.get(node.op, 0)
    if calls_saving:
        count = max(count, 1)  # The function takes its path as its first argument.
    inputs: Sequence[str] = node.input[:count]
    return len(inputs) < count or any(paths.is_own(source) for source in inputs)


def _holds_a_handle(node: NodeDef) -> bool:
    return any(value.tensor.dtype in HANDLES for value in node.attr.values())


def _inspect_assets(program: MetaGraphDef) -> Iterator[Alarm]:
    """Inspect the paths of the files that the loader hands to the program."""
    for asset in assets(program):
        name = asset.filename
        folders = name.replace("\\", "/").split("/")
        is_absolute = folders[0] == "" or ":" in folders[0]
        if is_absolute or ".." in folders:
            yield Alarm(f"asset {name}", "lies in another folder")


def _inspect_objects(program: MetaGraphDef) -> Iterator[Alarm]:
    """Inspect what the first Keras of TensorFlow 2 wrote into its objects: configurations."""
    for node in program.object_graph_def.nodes:
        metadata = node.user_object.metadata
        if metadata.startswith("{"):
            configuration = parse_configuration(metadata, "an object")
            for finding in inspect_configuration(configuration, "an object"):
                if isinstance(finding, Alarm):
                    yield finding
