"""The part of ``inspect_model`` for TensorFlow's files: operations not known as harmless."""

import re
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf
from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

LIST = Path(__file__).with_name("known_names.txt").read_text(encoding="utf-8")
KNOWN = {head: {*names.split()} for head, names in re.findall(r"^\[(.+)\]\n([^[]+)", LIST, re.M)}
FILE = r"saved_model\.pb|fingerprint\.pb|assets/.+|variables/variables\.(index|data-[\d-]+of-\d+)"
SAVING = {"MergeV2Checkpoints": 2, "RestoreV2": 1, "SaveV2": 1}  # so many inputs are paths
ON_PATHS = {"Identity", "Pack", "PlaceholderWithDefault", "Select", "ShardedFilename"}
ON_PATHS |= {"StaticRegexFullMatch", "StringJoin"}
ADDED = rb"|model|\.part|_temp(_[0-9a-f]{32})?/part"  # what TensorFlow itself adds to a path
STRING, *HANDLES = (each.as_datatype_enum for each in (tf.string, tf.resource, tf.variant))
Seen = Iterator[tuple[str, str]]  # what, and where; a note is nowhere


def look_at_saved_model(folder: Path) -> Seen:
    """Look at the list of files, at every program in ``saved_model.pb``, and at the variables."""
    for file in sorted(path for path in folder.rglob("*") if not path.is_dir()):
        if not re.fullmatch(FILE, name := file.relative_to(folder).as_posix()):
            yield name, "TensorFlow writes no such file"
    for program in SavedModel.FromString((folder / "saved_model.pb").read_bytes()).meta_graphs:
        yield from _program(program)
    if (folder / "variables").is_dir():
        yield from _tensors(folder / "variables" / "variables")


def look_at_meta(path: Path) -> Seen:
    """Look at a meta graph, which has to be in its binary form."""
    yield from _program(MetaGraphDef.FromString(path.read_bytes()))


def look_at_checkpoint(prefix: Path) -> Seen:
    """Look at the types of what a checkpoint holds."""
    yield from (alarms := [*_tensors(prefix)])
    if not alarms:
        yield "numbers and text only", ""


def _tensors(prefix: Path) -> Seen:
    if prefix.is_file() or not Path(f"{prefix}.index").is_file():
        raise FileNotFoundError("no file of a kind that is known here, no prefix of a checkpoint")
    dtypes = tf.train.load_checkpoint(str(prefix)).get_variable_to_dtype_map()
    for name, dtype in sorted(dtypes.items()):
        if dtype in (tf.resource, tf.variant):
            yield name, f"is a {dtype.name}, neither numbers nor text"


def _program(program: MetaGraphDef) -> Seen:
    bodies = [("the graph", "", "", program.graph_def.node)]  # and then the functions
    for each in program.graph_def.library.function:
        first = each.signature.input_arg[0].name if each.signature.input_arg else ""
        bodies.append((each.signature.name, first, ":", each.node_def))
    savers = {name for name, _, _, nodes in bodies[1:] if SAVING.keys() & {n.op for n in nodes}}
    known = {name for name, *_ in bodies[1:] if not hasattr(tf.raw_ops, name)}
    known |= KNOWN["tensorflow"] | SAVING.keys()
    for name in sorted(savers & program.object_graph_def.concrete_functions.keys()):
        yield name, "can save or restore, and can be called"
    for body, first, colon, nodes in bodies:
        parts = {node.name + colon: node for node in nodes}
        for node in nodes:
            values = node.attr.values()
            called = {node.op, *(value.func.name for value in values)}
            called |= {func.name for value in values for func in value.list.func}
            is_call = bool(called & savers)
            paths = node.input[: SAVING.get(node.op, is_call)]
            sources = {source for path in paths for source in _sources(path, parts, colon)}
            if node.op not in known:
                yield node.op, f"in {body}"
            if sources - {first} if colon else None in sources:
                yield f"{node.op} with a path of its own", f"in {body}"
            if is_call and (colon or not node.op.endswith("PartitionedCall")):
                yield f"{node.op} that can save or restore", f"in {body}"
            if any(value.tensor.dtype in HANDLES for value in values):
                yield f"{node.op} of a handle", f"in {body}"
    yield f"a program of {sum(len(nodes) for *_, nodes in bodies)} operations", ""


def _sources(path: str, parts: dict[str, NodeDef], colon: str) -> set[str | None]:
    """Of what a path is made: arguments, placeholders, and None for a text not TensorFlow's."""
    todo, found = [path], set()
    for source in todo:  # which grows on the way
        node = parts.get(re.sub(":.*", colon, source))
        if node is None or node.op == "Placeholder":
            found.add(source)
        elif node.op in ON_PATHS and not node.attr["separator"].s:
            todo += [each for each in node.input if each not in todo and not each.startswith("^")]
        elif node.op == "Const":
            value = node.attr["value"].tensor
            texts = (*value.string_val, value.tensor_content) if value.dtype == STRING else ()
            found |= {None for text in texts if not re.fullmatch(ADDED, text)}
        else:
            found.add(None)
    return found
