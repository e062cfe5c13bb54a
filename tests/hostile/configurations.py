"""Classes and functions that a Keras file may name, and the places in which it may hide them."""

import json
import zipfile

import h5py


def write_keras(path, config, **members):
    """Write a ``.keras`` with this architecture, and with other members: name and content."""
    write_members(path, {"config.json": json.dumps(config), **members})


def write_members(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def write_h5(path, config):
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(config)


def lambda_model(keras, marker):
    """A model with a Lambda layer that makes the marker."""
    place = str(marker)
    touch = keras.layers.Lambda(lambda x: (x, __import__("pathlib").Path(place).touch())[0])
    model = keras.Sequential([keras.Input((4, 3)), touch, keras.layers.Dense(1)])
    marker.unlink()  # Building the model calls the function.
    return model


def layer(name, **config):
    return {"module": "keras.layers", "class_name": name, "config": config}


def function(module, name, **more):
    return {"module": module, "class_name": "function", "config": name, **more}


def sequential(*layers):
    return {"module": "keras", "class_name": "Sequential", "config": {"layers": list(layers)}}


LAMBDA = {
    "module": "keras.layers",
    "class_name": "Lambda",
    "config": {"function": {"class_name": "__lambda__", "config": {"code": "", "defaults": None}}},
    "registered_name": None,
}

HOSTILE = {
    "a Lambda": LAMBDA,
    "a Lambda, by its module": {**LAMBDA, "module": "keras.src.layers.core.lambda_layer"},
    "a Lambda, as in old files": {"class_name": "Lambda", "config": {}},
    "a Lambda without a module": {**LAMBDA, "module": None},
    "a Lambda under another's name": {**LAMBDA, "registered_name": "course>Centre"},
    "a Lambda of builtins": {**LAMBDA, "module": "builtins"},
    "a layer of Keras' sources": {**LAMBDA, "module": "keras.src.layers", "class_name": "Layer"},
    "another Keras": {**LAMBDA, "module": "keras_hub.layers", "class_name": "Dense"},
    "a SavedModel": {"module": "keras.layers", "class_name": "TFSMLayer", "config": {}},
    "a module of torch": {"module": "keras.layers", "class_name": "TorchModuleWrapper"},
    "JAX code": {"module": "keras.layers", "class_name": "JaxLayer", "config": {}},
    "bytecode": {"class_name": "__lambda__", "config": {"value": "4wAA"}},
    "a type": {"class_name": "__typespec__", "module": "os", "spec_name": "x", "config": []},
    "os.system": function("os", "system", registered_name="system"),
    "eval": function("builtins", "eval"),
    "exec by another name": function("builtins", "exec", registered_name="function"),
    "a download": function("keras.utils", "get_file", registered_name="get_file"),
    "a load": function("keras.models", "load_model"),
    "a switch": function("keras.config", "enable_unsafe_deserialization"),
    "a maker of objects": function("keras.losses", "deserialize"),
    "a class of Python": {"module": "subprocess", "class_name": "Popen", "config": {}},
    "a class of builtins": {"module": "builtins", "class_name": "type", "config": {}},
    "a loop": {"module": "keras.src.ops.core", "class_name": "Map", "config": {}},
    "a module that is no text": {"module": ["keras"], "class_name": "Dense", "config": {}},
    "a name that is no text": {"module": "keras.layers", "class_name": ["Dense"], "config": {}},
    "an own module": {"module": "mine", "class_name": "A", "registered_name": "m>A", "config": {}},
    "a file to read": layer("StringLookup", vocabulary="/etc/passwd"),
}


def hidden(node):
    """Hide the same node in layers that hold layers, in arguments, and in what is no layer."""
    yield node
    yield layer("Bidirectional", layer=node)
    yield layer("TimeDistributed", layer=layer("Bidirectional", backward_layer=node))
    inner = {"layers": [layer("Dense"), node], "input_layers": []}
    yield {"module": "keras", "class_name": "Sequential", "config": inner}
    yield {"module": "keras.src.models.functional", "class_name": "Functional", "config": inner}
    yield layer("RNN", cell=layer("StackedRNNCells", cells=[layer("LSTMCell"), node]))
    yield layer("Dense", activation=node)
    yield layer("Dense", kernel_initializer={"anything": [[{"deep": node}]]})
    yield {**layer("Dense"), "build_config": {"input_shape": node}}
    yield {**layer("Dense"), "compile_config": {"loss": {"out": node}, "metrics": [node]}}
