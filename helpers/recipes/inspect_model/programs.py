"""TensorFlow's programs: are their operations on the list, and who chooses where they save?

Three operations read and write files although they are harmless in a model: those that save and
restore its variables. They are harmless as long as whoever loads the model chooses the path. The
loader hands it to the main graph as a placeholder, and to a function as its first argument.
TensorFlow itself makes longer paths of it. A path with any other text in it is *foreign*.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

import tensorflow as tf
from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef

from .findings import Alarm, Finding, Note
from .known_names import KNOWN_NAMES

# Operations that save and restore, and how many of their inputs are paths: the first ones.
PATH_INPUTS = {"MergeV2Checkpoints": 2, "RestoreV2": 1, "SaveV2": 1}
# Operations that hand a path on, or make a longer one from parts.
PATH_PARTS = {
    "Identity", "Pack", "PlaceholderWithDefault", "Select", "ShardedFilename",
    "StaticRegexFullMatch", "StringJoin",
}  # fmt: skip
# The texts that TensorFlow itself adds to a path.
ADDED_BY_TENSORFLOW = re.compile(rb"|model|\.part|_temp(_[0-9a-f]{32})?/part")

TEXT = tf.string.as_datatype_enum
HANDLES = {tf.resource.as_datatype_enum, tf.variant.as_datatype_enum}


class Body(NamedTuple):
    """The main graph of a program, or one of its functions."""

    name: str
    nodes: Sequence[NodeDef]
    is_function: bool
    first_argument: str = ""


def inspect_program(program: MetaGraphDef) -> Iterator[Finding]:
    """Inspect every operation of a program, in its main graph and in its functions."""
    main_graph = Body("the graph", program.graph_def.node, is_function=False)
    functions = list(_functions(program))
    bodies = [main_graph, *functions]

    savers = {body.name for body in functions if _saves_or_restores(body)}
    can_be_called = program.object_graph_def.concrete_functions.keys()
    for name in sorted(savers & can_be_called):
        yield Alarm(name, "can save or restore, and can be called")

    # A function that has the name of an operation does not make that operation known.
    own = {body.name for body in functions if not hasattr(tf.raw_ops, body.name)}
    known = KNOWN_NAMES["tensorflow"] | PATH_INPUTS.keys() | own
    for body in bodies:
        for what in _alarms(body, known, savers):
            yield Alarm(what, f"in {body.name}")
    yield Note(f"a program of {sum(len(body.nodes) for body in bodies)} operations")


def _functions(program: MetaGraphDef) -> Iterator[Body]:
    for function in program.graph_def.library.function:
        arguments = [argument.name for argument in function.signature.input_arg]
        first_argument = arguments[0] if arguments else ""
        yield Body(function.signature.name, function.node_def, True, first_argument)


def _saves_or_restores(body: Body) -> bool:
    return any(node.op in PATH_INPUTS for node in body.nodes)


def _alarms(body: Body, known: Collection[str], savers: Collection[str]) -> Iterator[str]:
    """Say what is not known as harmless in one body, node by node."""
    paths = _Paths(body)
    for node in body.nodes:
        calls_a_saver = any(name in savers for name in _called(node))
        # A SavedModel calls such a function from its main graph. Elsewhere a path is not followed.
        is_plain_call = not body.is_function and node.op.endswith("PartitionedCall")

        if node.op not in known:
            yield node.op
        if any(paths.is_foreign(path) for path in _path_inputs(node, calls_a_saver)):
            yield f"{node.op} with a path of its own"
        if calls_a_saver and not is_plain_call:
            yield f"{node.op} that can save or restore"
        if _holds_a_handle(node):
            yield f"{node.op} of a handle"


def _called(node: NodeDef) -> Iterator[str]:
    """Name the functions that a node calls: as its operation, in an attribute, or in a list."""
    yield node.op
    for value in node.attr.values():
        yield value.func.name
        for function in value.list.func:
            yield function.name


def _path_inputs(node: NodeDef, calls_a_saver: bool) -> Sequence[str]:
    count = PATH_INPUTS.get(node.op, 0)
    if calls_a_saver:
        count = max(count, 1)
    return node.input[:count]


def _holds_a_handle(node: NodeDef) -> bool:
    return any(value.tensor.dtype in HANDLES for value in node.attr.values())


class _Paths:
    """Which texts in a body are foreign paths, or parts of them."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self._nodes = {node.name: node for node in body.nodes}

    def is_foreign(self, source: str) -> bool:
        """Tell whether a node's input, as the node names it, is foreign."""
        node = self._node(source)
        if node is None:
            return self._is_foreign_argument(source)
        return node.name in self._foreign_nodes

    def _node(self, source: str) -> NodeDef | None:
        """Return the node that an input comes from, None for an argument of the function.

        In the main graph an input is written ``node`` or ``node:0``. In a function it is written
        ``node:output:0``, or ``argument`` without a colon.
        """
        name, colon, _ = source.partition(":")
        if self._body.is_function and not colon:
            return None
        return self._nodes.get(name)

    def _is_foreign_argument(self, source: str) -> bool:
        return self._body.is_function and source != self._body.first_argument

    @cached_property
    def _foreign_nodes(self) -> set[str]:
        """The names of all nodes that hand on a foreign text.

        Each such text is followed forward, into the longer paths that it becomes a part of. So no
        node is visited twice, however a hostile graph is built.
        """
        foreign = {name for name, node in self._nodes.items() if self._begins_foreign(node)}
        longer_paths = self._longer_paths()
        waiting = list(foreign)
        while waiting:
            for name in longer_paths[waiting.pop()]:
                if name not in foreign:
                    foreign.add(name)
                    waiting.append(name)
        return foreign

    def _begins_foreign(self, node: NodeDef) -> bool:
        """Tell whether a node brings in a foreign text that comes from no other node."""
        if _makes_a_path(node):
            arguments = [part for part in _parts(node) if self._node(part) is None]
            return any(self._is_foreign_argument(argument) for argument in arguments)
        if node.op == "Placeholder":
            return self._body.is_function
        if node.op == "Const":
            return not _is_added_by_tensorflow(node)
        return True

    def _longer_paths(self) -> defaultdict[str, list[str]]:
        """For each node, the nodes that make a longer path of its text."""
        longer_paths = defaultdict(list)
        for name, node in self._nodes.items():
            if not _makes_a_path(node):
                continue
            for part in _parts(node):
                part_node = self._node(part)
                if part_node is not None:
                    longer_paths[part_node.name].append(name)
        return longer_paths


def _makes_a_path(node: NodeDef) -> bool:
    # A separator would be a text of its own between the parts.
    return node.op in PATH_PARTS and not node.attr["separator"].s


def _parts(node: NodeDef) -> list[str]:
    # "^node" says only that the other node runs first.
    return [source for source in node.input if not source.startswith("^")]


def _is_added_by_tensorflow(constant: NodeDef) -> bool:
    value = constant.attr["value"].tensor
    if value.dtype != TEXT:
        return True  # A number becomes no part of a path.
    texts = [*value.string_val, value.tensor_content]
    return all(ADDED_BY_TENSORFLOW.fullmatch(text) for text in texts)
