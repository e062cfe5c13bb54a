"""What runs when a program is loaded, restored or asked for an answer: does it touch files?

The file names the operations that a loader runs. Restoring may restore, and nothing else may save
or restore: otherwise a model could write files, or change itself, as soon as it is loaded.
"""

from collections.abc import Collection, Iterator

from tensorflow.core.framework.variable_pb2 import VariableDef
from tensorflow.core.protobuf.meta_graph_pb2 import AssetFileDef, MetaGraphDef
from tensorflow.core.protobuf.saver_pb2 import SaverDef

from .findings import Alarm
from .graphs import PATH_INPUTS, SAVES, Body, called, closure, node_name, touching
from .protobufs import parse_message

# Collections that TensorFlow looks for by these names.
ASSETS = "saved_model_assets"
SAVERS = "savers"


def inspect_runs(
    program: MetaGraphDef, graph: Body, own_functions: Collection[Body]
) -> Iterator[Alarm]:
    """Inspect what the operations bring about that a loader runs in the main graph."""
    restoring = {saver.restore_op_name for saver in _savers(program)}
    forbidden = SAVES.keys() | touching(own_functions, SAVES)
    for operation in _operations(graph, restoring, forbidden):
        yield Alarm(f"{operation} that can save", "runs when the model is restored")

    others = set(_run_names(program)) - restoring
    forbidden = PATH_INPUTS.keys() | touching(own_functions, PATH_INPUTS)
    for operation in _operations(graph, others, forbidden):
        yield Alarm(f"{operation} that can save or restore", "runs when the model is used")


def filled_by_others(program: MetaGraphDef) -> set[str]:
    """Name the placeholders that are filled with the path of an asset or with somebody's input."""
    names = {asset.tensor_info.name for asset in assets(program)}
    for signature in program.signature_def.values():
        names.update(tensor.name for tensor in signature.inputs.values())
    return {node_name(name) for name in names}


def assets(program: MetaGraphDef) -> Iterator[AssetFileDef]:
    """Yield the assets of a program: files beside it, whose paths the loader hands to it."""
    yield from program.asset_file_def
    if ASSETS in program.collection_def:
        for packed in program.collection_def[ASSETS].any_list.value:
            yield parse_message(packed.value, AssetFileDef)


def _savers(program: MetaGraphDef) -> Iterator[SaverDef]:
    yield program.saver_def
    if SAVERS in program.collection_def:
        for packed in program.collection_def[SAVERS].bytes_list.value:
            yield parse_message(packed, SaverDef)


def _run_names(program: MetaGraphDef) -> Iterator[str]:
    """Name the operations and tensors that are run to initialize the model and to get answers."""
    for signature in program.signature_def.values():
        for tensor in signature.outputs.values():
            yield tensor.name
    for name, collection in program.collection_def.items():
        yield from collection.node_list.value
        if "variables" in name or name == "global_step":
            for packed in collection.bytes_list.value:
                variable = parse_message(packed, VariableDef)
                yield variable.initializer_name
                yield variable.snapshot_name


def _operations(graph: Body, start: Collection[str], wanted: Collection[str]) -> list[str]:
    """Find the wanted operations and functions that running some nodes brings about."""
    sources = {node.name: [node_name(source) for source in node.input] for node in graph.nodes}
    first = {node_name(name) for name in start}
    reached = first | closure(first, sources)

    found: set[str] = set()
    for node in graph.nodes:
        if node.name in reached:
            found.update(name for name in called(node) if name in wanted)
    return sorted(found)
