"""Who chooses the path where an operation saves or restores: whoever loads the model, or the file?

The loader hands its path to the main graph as a placeholder, and to a function as its first
argument. TensorFlow itself makes longer paths of it. A path is the file's own in two cases:

- a *foreign* text is a part of it: any text that TensorFlow does not add, the name of an asset, or
  what somebody sends who asks the model for an answer;
- it is *loose*: it does not begin with the loader's path.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from functools import cached_property

import tensorflow as tf
from tensorflow.core.framework.node_def_pb2 import NodeDef

from .graphs import Body, closure

# Operations that hand a path on, or make a longer one from parts. A StaticRegexFullMatch tells a
# Select which of two texts to hand on.
PATH_PARTS = {
    "Identity", "Pack", "PlaceholderWithDefault", "Select", "ShardedFilename",
    "StaticRegexFullMatch", "StringJoin",
}  # fmt: skip
# Those inputs with which the path may begin, where it cannot begin with each of them.
LEADING_PARTS = {
    "Select": slice(1, 3),
    "ShardedFilename": slice(0, 1),
    "StringJoin": slice(0, 1),
}
# The texts that TensorFlow itself adds to a path.
ADDED_BY_TENSORFLOW = re.compile(rb"|model|\.part|_temp(_[0-9a-f]{32})?/part")

PLACEHOLDERS = {"Placeholder", "PlaceholderWithDefault"}
TEXT = tf.string.as_datatype_enum


class Paths:
    """Which paths in a body are the file's own."""

    def __init__(self, body: Body, filled: Collection[str] = ()) -> None:
        """Take a main graph or a function, and the placeholders that no saver fills, by name."""
        self._body = body
        self._filled = filled
        self._nodes = {node.name: node for node in body.nodes}

    def is_own(self, source: str) -> bool:
        """Tell whether a node's input, as the node names it, is the file's own path."""
        node = self._node(source)
        if node is None:
            return not self._is_loaders_argument(source)
        return node.name in self._foreign or node.name in self._loose

    def _node(self, source: str) -> NodeDef | None:
        """Return the node that an input comes from.

        It is None for an argument of the function, and for a node that is not there. In the main
        graph an input is written ``node`` or ``node:0``. In a function it is written
        ``node:output:0``, or ``argument`` without a colon.
        """
        name, colon, _ = source.partition(":")
        if self._body.is_function and not colon:
            return None
        return self._nodes.get(name)

    def _is_loaders_argument(self, source: str) -> bool:
        return self._body.is_function and source == self._body.first_argument

    @cached_property
    def _foreign(self) -> set[str]:
        """The names of all nodes that hand on a foreign text."""
        return self._handed_on(self._begins_foreign, _parts)

    @cached_property
    def _loose(self) -> set[str]:
        """The names of all nodes whose path does not begin with the loader's."""
        return self._handed_on(self._begins_loose, _leading_parts)

    def _handed_on(
        self,
        begins: Callable[[NodeDef], bool],
        parts: Callable[[NodeDef], Sequence[str]],
    ) -> set[str]:
        """Follow some nodes forward, into the longer paths that they become a part of.

        So no node is visited twice, however a hostile graph is built.
        """
        start = {name for name, node in self._nodes.items() if begins(node)}
        longer_paths: defaultdict[str, list[str]] = defaultdict(list)
        for name, node in self._nodes.items():
            if _makes_a_path(node):
                for part in parts(node):
                    part_node = self._node(part)
                    if part_node is not None:
                        longer_paths[part_node.name].append(name)
        return start | closure(start, longer_paths)

    def _begins_foreign(self, node: NodeDef) -> bool:
        """Tell whether a node brings in a foreign text that comes from no other node."""
        if node.op in PLACEHOLDERS:
            return self._body.is_function or node.name in self._filled
        if _makes_a_path(node):
            return self._has_foreign_argument(_parts(node))
        if node.op == "Const":
            return not _is_added_by_tensorflow(node)
        return True

    def _begins_loose(self, node: NodeDef) -> bool:
        """Tell whether a node begins a path that is not the loader's."""
        if node.op in PLACEHOLDERS:
            return False  # It is the loader's, or it is foreign.
        if _makes_a_path(node):
            parts = _leading_parts(node)
            return not parts or self._has_foreign_argument(parts)
        return True

    def _has_foreign_argument(self, parts: Sequence[str]) -> bool:
        arguments = [part for part in parts if self._node(part) is None]
        return not all(self._is_loaders_argument(argument) for argument in arguments)


def _makes_a_path(node: NodeDef) -> bool:
    # A separator would be a text of its own between the parts.
    return node.op in PATH_PARTS and not node.attr["separator"].s


def _parts(node: NodeDef) -> list[str]:
    # "^node" says only that the other node runs first.
    return [source for source in node.input if not source.startswith("^")]


def _leading_parts(node: NodeDef) -> list[str]:
    if node.op in PLACEHOLDERS:
        return []  # The loader's path takes the place of a default.
    return _parts(node)[LEADING_PARTS.get(node.op, slice(None))]


def _is_added_by_tensorflow(constant: NodeDef) -> bool:
    value = constant.attr["value"].tensor
    if value.dtype != TEXT:
        return True  # A number becomes no part of a path.
    texts = [*value.string_val, value.tensor_content]
    return all(ADDED_BY_TENSORFLOW.fullmatch(text) for text in texts)
