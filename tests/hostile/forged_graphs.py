"""Programs that TensorFlow would not write: one function for each change to a SavedModel's own."""

import copy
import shutil

TEXT = 7  # DT_STRING
VARIANT = 21  # DT_VARIANT


def forge(source, folder, change, is_second=False):
    """Copy a SavedModel to a folder, with its program changed, or with a second one changed."""
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    shutil.copytree(source, folder)
    file = folder / "saved_model.pb"
    model = SavedModel.FromString(file.read_bytes())
    if is_second:
        model.meta_graphs.append(model.meta_graphs[0])
    change(model.meta_graphs[-1])
    file.write_bytes(model.SerializeToString())
    return folder


def no_change(program):
    pass


def add_node(graph, op, name="hostile", inputs=(), **functions):
    """Add a node; ``functions`` are attributes that name a function each."""
    node = graph.node.add(op=op, name=name, input=inputs)
    for attribute, function in functions.items():
        node.attr[attribute].func.name = function
    return node


def add_text(graph, name, text):
    constant = add_node(graph, "Const", name)
    constant.attr["dtype"].type = TEXT
    constant.attr["value"].tensor.dtype = TEXT
    constant.attr["value"].tensor.string_val.append(text)


def add_packed_text(graph, name, text):
    """Add a text in the other form that TensorFlow reads: its length, then its bytes."""
    constant = add_node(graph, "Const", name)
    constant.attr["dtype"].type = TEXT
    constant.attr["value"].tensor.dtype = TEXT
    constant.attr["value"].tensor.tensor_content = bytes([len(text)]) + text


def saver_of(program):
    """The function by which the program saves itself: its first argument is the path."""
    functions = program.graph_def.library.function
    return next(each for each in functions if "traced_save" in each.signature.name)


# Another path for the function that saves


def call_with_a_path(program):
    add_text(program.graph_def, "path", b"/a")
    saver = saver_of(program).signature.name
    add_node(program.graph_def, "StatefulPartitionedCall", inputs=["path"], f=saver)


def call_with_a_packed_path(program):
    add_packed_text(program.graph_def, "path", b"/a")
    saver = saver_of(program).signature.name
    add_node(program.graph_def, "StatefulPartitionedCall", inputs=["path"], f=saver)


def call_in_a_branch(program):
    add_text(program.graph_def, "path", b"/a")
    saver = saver_of(program).signature.name
    add_node(program.graph_def, "If", inputs=["saver_filename", "path"], then_branch=saver)


def call_in_a_list(program):
    case = add_node(program.graph_def, "Case", inputs=["saver_filename"])
    case.attr["branches"].list.func.add(name=saver_of(program).signature.name)


def call_by_name(program):
    add_text(program.graph_def, "path", b"/a")
    add_node(program.graph_def, saver_of(program).signature.name, inputs=["path"])


# Another path in the function that saves


def begin_with_a_path(program):
    add_text(program.graph_def, "path", b"/a")
    saver = saver_of(program)
    saver.node_def.append(program.graph_def.node[-1])
    for node in saver.node_def:
        if node.op == "StringJoin":
            node.input[0] = "path:output:0"


def join_with_a_path(program):
    for node in saver_of(program).node_def:
        if node.op == "StringJoin":
            node.attr["separator"].s = b"/../../a"


def save_the_second_argument(program):
    arguments = saver_of(program).signature.input_arg
    arguments.insert(0, copy.deepcopy(arguments[0]))
    arguments[0].name = "first"


def be_called_from_outside(program):
    saver = saver_of(program).signature.name
    program.object_graph_def.concrete_functions[saver].bound_inputs.append(0)


# Other tricks


def a_function_named_as_an_operation(program):
    program.graph_def.library.function.add().signature.name = "WriteFile"
    add_node(program.graph_def, "WriteFile")


def two_functions_of_a_name(program):
    functions = program.graph_def.library.function
    functions.add().CopyFrom(functions[0])
    functions[0].node_def.add(op="WriteFile", name="hostile")


def a_handle_as_a_constant(program):
    add_node(program.graph_def, "Const").attr["value"].tensor.dtype = VARIANT


def a_path_of_2_to_the_40_parts(program):
    """Nobody should follow each of them, or run in a circle."""
    graph = program.graph_def
    previous = "saver_filename"
    for number in range(40):
        add_node(graph, "Pack", f"p{number}", [previous, previous])
        previous = f"p{number}"
    add_node(graph, "Identity", "a", ["b"])
    add_node(graph, "Identity", "b", ["a"])
    add_text(graph, "path", b"/a")
    add_node(graph, "StringJoin", "all", [previous, "a", "unknown", "path"])
    add_node(graph, "RestoreV2", inputs=["all"])


def many_users_of_a_long_chain(graph, length):
    """In the graph, so many operations restore from a path that so many others hand on."""
    add_node(graph, "Placeholder", "0")
    for number in range(length):
        add_node(graph, "Identity", str(number + 1), [str(number)])
        add_node(graph, "RestoreV2", f"restore_{number}", [str(length)])
