"""The parts of a TensorFlow program: its main graph and its functions, and who calls whom."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import tensorflow as tf
from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef

# Operations that save and restore, and how many of their inputs are paths: the first ones.
SAVES = {"MergeV2Checkpoints": 2, "Save": 1, "SaveSlices": 1, "SaveV2": 1}
RESTORES = {"Restore": 1, "RestoreSlice": 1, "RestoreV2": 1}
PATH_INPUTS = SAVES | RESTORES


class Body(NamedTuple):
    """The main graph of a program, or one of its functions."""

    name: str
    nodes: Sequence[NodeDef]
    is_function: bool
    first_argument: str = ""


def main_graph(program: MetaGraphDef) -> Body:
    """Return the graph of a program, without its functions."""
    return Body("the graph", program.graph_def.node, is_function=False)


def functions(program: MetaGraphDef) -> Iterator[Body]:
    """Yield the functions of a program."""
    for function in program.graph_def.library.function:
        arguments = [argument.name for argument in function.signature.input_arg]
        first_argument = arguments[0] if arguments else ""
        yield Body(function.signature.name, function.node_def, True, first_argument)


def own_operations(bodies: Iterable[Body]) -> set[str]:
    """Return the functions that a graph may name as operations, as TensorFlow allows."""
    # A function that has the name of an operation does not make that operation known.
    return {body.name for body in bodies if not hasattr(tf.raw_ops, body.name)}


def called(node: NodeDef) -> Iterator[str]:
    """Name the functions that a node calls: as its operation, in an attribute, or in a list."""
    yield node.op
    for value in node.attr.values():
        if value.func.name:
            yield value.func.name
        for function in value.list.func:
            yield function.name


def touching(bodies: Iterable[Body], operations: Collection[str]) -> set[str]:
    """Name the functions that use one of these operations, themselves or by what they call."""
    callers: defaultdict[str, set[str]] = defaultdict(set)
    found = set()
    for body in bodies:
        for node in body.nodes:
            if node.op in operations:
                found.add(body.name)
            for name in called(node):
                callers[name].add(body.name)
    return found | closure(found, callers)


def closure(start: Iterable[str], following: Mapping[str, Iterable[str]]) -> set[str]:
    """Return what can be reached from some names, in one step or more. Each is visited once."""
    reached: set[str] = set()
    waiting = list(start)
    while waiting:
        for name in following.get(waiting.pop(), ()):
            if name not in reached:
                reached.add(name)
                waiting.append(name)
    return reached


def node_name(source: str) -> str:
    """Return the node that an input of the main graph means: ``node``, ``node:0`` or ``^node``."""
    return source.removeprefix("^").partition(":")[0]
