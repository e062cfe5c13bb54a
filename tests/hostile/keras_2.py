"""What Keras 2 writes: honest files, and calls of TensorFlow that write a file."""

import json

import h5py

from .configurations import LAMBDA


def calling_layer(name, **config):
    """A layer of Keras 2 that calls TensorFlow, as its ``.h5`` writes it."""
    return {"class_name": name, "config": {"name": "call", "dtype": "float32", **config}}


# Each writes any file when Keras 2 loads it, or could call what does.
HOSTILE_CALLS = {
    "a function that writes": calling_layer("TFOpLambda", function="io.write_file"),
    "the same by a slice": calling_layer("SlicingOpLambda", function="io.write_file"),
    "an operation that writes": calling_layer("TFOpLambda", function="raw_ops.WriteFile"),
    "a function that prints": calling_layer("TFOpLambda", function="compat.v1.print"),
    "a loader": calling_layer("TFOpLambda", function="saved_model.load"),
    "Python": calling_layer("TFOpLambda", function="numpy_function"),
    "a name deeper in a module": calling_layer("TFOpLambda", function="math.a.b"),
    "no function": calling_layer("TFOpLambda"),
    "a method of a class": calling_layer("ClassMethod", cls_symbol="a", method_name="shape"),
    "another method": calling_layer("InstanceMethod", attr_name="__reduce__"),
    "another property": calling_layer("InstanceProperty", attr_name="__globals__"),
    "a node": calling_layer("TensorFlowOpLayer", node_def='{"op": "WriteFile"}'),
    "a node that is no JSON": calling_layer("TensorFlowOpLayer", node_def="WriteFile"),
    "a path that is a name": {"class_name": "Dense", "config": {"name": "../../a"}},
}
HONEST_CALLS = {
    "a product": calling_layer("TFOpLambda", function="math.multiply"),
    "a sum": calling_layer("TFOpLambda", function="__operators__.add"),
    "a slice": calling_layer("SlicingOpLambda", function="__operators__.getitem"),
    "a shape": calling_layer("TFOpLambda", function="compat.v1.shape"),
    "an old function": calling_layer("TFOpLambda", function="compat.v1.nn.conv2d"),
    "a method": calling_layer("InstanceMethod", attr_name="to_tensor"),
    "a property": calling_layer("InstanceProperty", attr_name="row_splits"),
    "a node": calling_layer("TensorFlowOpLayer", node_def='{"op": "Mul", "name": "a"}'),
    "a node as a dictionary": calling_layer("TensorFlowOpLayer", node_def={"op": "Mul"}),
    "an optimizer": {"class_name": "Custom>Adam", "config": {"name": "Adam"}},
    "an old layer": {"class_name": "ThresholdedReLU", "config": {}},
    "a layer of ConvNeXt": {"class_name": "LayerScale", "config": {}},
}
MODULES_OF_FUNCTIONAL = [
    "keras.engine.functional", "keras.src.engine.functional", "tf_keras.src.engine.functional",
]  # fmt: skip


def functional(module, *layers):
    """A functional model, as Keras 2 writes it into a ``.keras``."""
    return {
        "module": module,
        "class_name": "Functional",
        "config": {"name": "model", "layers": list(layers)},
        "registered_name": "Functional",
    }


def policy():
    """A policy of types, as Keras 2 writes it."""
    return {
        "module": "keras.mixed_precision",
        "class_name": "Policy",
        "config": {"name": "mixed_float16"},
        "registered_name": None,
    }


def write_op_lambda(path, marker):
    """Write a ``.h5`` that makes the marker when Keras 2 loads it."""
    number = {"class_name": "InputLayer", "name": "number"}
    number["config"] = {"name": "number", "batch_input_shape": [None, 1], "dtype": "float32"}
    number["inbound_nodes"] = []
    call = calling_layer("TFOpLambda", function="io.write_file")
    call["name"] = "call"
    call["inbound_nodes"] = [["_CONSTANT_VALUE", -1, str(marker), {"contents": ""}]]
    outer = {"name": "model", "layers": [number, call]}
    outer["input_layers"] = [["number", 0, 0]]
    outer["output_layers"] = [["number", 0, 0]]
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Functional", "config": outer})
        file.attrs["keras_version"] = "2.15.0"
        file.attrs["backend"] = "tensorflow"
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = [b"number", b"call"]
        for name in ("number", "call"):
            weights.create_group(name).attrs.create("weight_names", [], dtype="S1")


def metadata(kind, is_hostile):
    """The content of a ``keras_metadata.pb``; ``kind`` is the class of its message."""
    layers = [{"class_name": "Dense", "config": {}}]
    if is_hostile:
        layers.append(LAMBDA)
    configuration = {"class_name": "Sequential", "config": {"layers": layers}}
    message = kind()
    message.nodes.add(node_id=0, node_path="root", metadata=json.dumps(configuration))
    return message.SerializeToString()
