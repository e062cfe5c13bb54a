"""The inspector: it tells of every way to hide code that we could think of, and runs none of it."""

import copy
import importlib
import json
import pickle
import random
import shutil
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

# Keras' own, with NumPy 2, whenever it writes a variable to a file.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

RUNS = {"code.__new__", "marshal.loads", "os.system", "pickle.find_class", "subprocess.Popen"}
LOADERS = [
    "keras.saving.load_model", "keras.saving.deserialize_keras_object",
    "keras.src.saving.serialization_lib.deserialize_keras_object",
    "keras.src.utils.python_utils.func_load", "tensorflow.saved_model.load",
    "tensorflow.import_graph_def", "tensorflow.compat.v1.train.import_meta_graph",
    "pickle.load", "pickle.loads",
]  # fmt: skip
LISTENING, HEARD = [], []
sys.addaudithook(lambda event, _: HEARD.append(event) if LISTENING and event in RUNS else None)


@pytest.fixture
def look(helpers, monkeypatch):
    """``inspect_model``, which fails the test if it loads or runs anything."""
    inspect_model = importlib.import_module("helpers.recipes.inspect_model").inspect_model

    def forbidden(*_, **__):
        HEARD.append("a loader")

    def look(path, also=()):
        HEARD.clear()
        with monkeypatch.context() as patch:
            for loader in LOADERS:
                patch.setattr(loader, forbidden)
            first = inspect_model(path, also)  # may import modules, which is not of interest
            HEARD[:] = [each for each in HEARD if each == "a loader"]
            LISTENING.append(True)
            try:
                found = inspect_model(path, also)
            finally:
                LISTENING.clear()
        assert HEARD == []
        assert found == first
        for line in found.alarms + found.notes:
            assert line.isprintable() and 0 < len(line) <= 200
        return found

    return look


@pytest.fixture(scope="module")
def keras(tf):
    return importlib.import_module("keras")


@pytest.fixture
def marker(tmp_path):
    """What every payload here writes, and nothing else: one empty file."""
    return tmp_path / "it_ran"


@pytest.fixture(scope="module")
def protos(tf):
    core = "tensorflow.core.protobuf."
    meta = importlib.import_module(core + "meta_graph_pb2").MetaGraphDef
    return meta, importlib.import_module(core + "saved_model_pb2").SavedModel


# Honest files


@pytest.fixture(scope="module")
def saved(tf, keras, tmp_path_factory):
    """A folder with honest files as notebooks 06 and 07 make them."""
    folder = tmp_path_factory.mktemp("saved")
    layers, register = keras.layers, keras.saving.register_keras_serializable(package="course")
    inputs = np.ones((4, 64), "float32")

    @register
    class Centre(layers.Layer):
        def __init__(self, mean, **kwargs):
            super().__init__(**kwargs)
            self.mean = mean

        def call(self, inputs):
            return inputs - self.mean

        def get_config(self):
            return {**super().get_config(), "mean": np.asarray(self.mean).tolist()}

    def plain_loss(y_true, y_pred):
        return keras.ops.mean((y_true - y_pred) ** 2)

    @register
    def careful_loss(y_true, y_pred):
        return plain_loss(y_true, y_pred)

    @register
    class LargestError(keras.metrics.MeanAbsoluteError):
        pass

    Centre.__module__ = LargestError.__module__ = "__main__"  # as in a notebook

    def trained(file, loss="mse", metrics=("mae",), first=None):
        body = [layers.Dense(8, "tanh", name="hidden"), layers.Dropout(0.5), layers.Dense(1)]
        model = keras.Sequential([keras.Input((64,)), *([first] if first else []), *body])
        model.compile(keras.optimizers.Adam(0.01), loss, metrics=list(metrics), run_eagerly=True)
        model.fit(inputs, inputs[:, :1], verbose=0)
        model.save(folder / f"{file}.keras")
        model.save_weights(folder / f"{file}.weights.h5")

    trained("plain")
    trained("own", careful_loss, [LargestError()], Centre(inputs.mean(axis=0)))
    trained("own_loss", plain_loss)
    shared = keras.Input((64,))
    heads = keras.Model(shared, [layers.Dense(1, name=each)(shared) for each in "ab"])
    heads.save_weights(folder / "heads.weights.h5")

    number, numbers = tf.TensorSpec([], tf.float32), tf.TensorSpec([None], tf.float32)

    class Calculator(tf.Module):
        def __init__(self):
            self.bias = tf.Variable(2.0)

        @tf.function(input_signature=[number, number])
        def __call__(self, w1, w2):
            return (w1 + w2) * self.bias

        @tf.function(input_signature=[numbers, numbers])
        def from_numbers(self, w1, w2):
            return {"result": (w1 + w2) * self.bias}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def from_text(self, text):
            values = tf.strings.to_number(tf.strings.split(text, "+").to_tensor())
            return self.from_numbers(values[:, 0], values[:, 1])

    model = Calculator()
    signatures = {"serving_default": model.from_numbers, "from_text": model.from_text}
    tf.saved_model.save(model, folder / "calculator", signatures)

    digits = [layers.Rescaling(1 / 16), layers.Flatten(), layers.Dense(32, "relu")]
    digits = keras.Sequential([keras.Input((8, 8, 1), name="image"), *digits, layers.Dense(10)])
    digits.export(folder / "digits", verbose=False)
    tf.saved_model.save(digits, folder / "plain_digits")

    class Reader(tf.Module):
        def __init__(self):
            self.classifier = digits

        @tf.function(input_signature=[tf.TensorSpec([None, 8, 8, 1], tf.float32)])
        def read(self, image):
            return {"digit": tf.argmax(self.classifier(image), axis=1)}

    reader = Reader()
    tf.saved_model.save(reader, folder / "reader", {"serving_default": reader.read})
    tf1 = tf.compat.v1
    with tf.Graph().as_default(), tf1.Session() as session:
        tf.multiply(tf1.placeholder(tf.float32, name="w1"), tf1.Variable(2.0), name="product")
        session.run(tf1.global_variables_initializer())
        tf1.train.Saver().save(session, str(folder / "classic"))
    return folder


HONEST = [
    "plain.keras", "own.keras", "own_loss.keras", "plain.weights.h5", "own.weights.h5",
    "heads.weights.h5", "calculator", "digits", "plain_digits", "reader", "classic.meta", "classic",
    "digits/variables/variables",
]  # fmt: skip


@pytest.mark.parametrize("name", HONEST)
def test_the_honest_models_of_06_and_07_raise_no_alarm(saved, look, name):
    assert look(saved / name).alarms == []


def test_code_that_the_reader_must_have_is_noted(saved, look):
    own = ["Centre", "careful_loss", "LargestError"]
    assert sorted(look(saved / "own.keras").notes) == sorted(
        f"needs code of yours: course>{name}" for name in own
    )
    assert look(saved / "own_loss.keras").notes == ["needs code of yours: plain_loss"]
    assert look(saved / "plain.keras").notes == []


def test_files_without_code_are_said_to_hold_numbers(keras, saved, look, tmp_path):
    import h5py

    np.save(tmp_path / "a.npy", np.ones(3))
    assert look(tmp_path / "a.npy") == ([], ["numbers and text only"])
    assert look(saved / "plain.weights.h5") == ([], ["numbers only"])
    with h5py.File(tmp_path / "bfloat16.h5", "w") as file:
        file["a"] = np.ones(3, keras.ops.convert_to_numpy(keras.ops.ones(1, "bfloat16")).dtype)
    assert look(tmp_path / "bfloat16.h5") == ([], ["numbers only"])
    assert look(saved / "classic") == ([], ["numbers and text only"])


def test_a_pickle_of_plain_data_raises_no_alarm(look, tmp_path):
    data = {"loss": [0.5, 0.25, -1, 2**70], "notes": ("a", None, True)}
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        plain = [data, b"bytes", {"set"}, frozenset()] if protocol > 3 else data
        (tmp_path / "a.pkl").write_bytes(pickle.dumps(plain, protocol))
        assert look(tmp_path / "a.pkl").alarms == [], protocol


# Code in .keras and .h5


def lambda_model(keras, marker):
    place = str(marker)
    touch = keras.layers.Lambda(lambda x: (x, __import__("pathlib").Path(place).touch())[0])
    model = keras.Sequential([keras.Input((4, 3)), touch, keras.layers.Dense(1)])
    marker.unlink()  # building the model calls the function
    return model


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_a_lambda_is_told_and_runs_only_where_it_is_let(keras, look, marker, ending):
    path = marker.with_name(f"a.{ending}")
    lambda_model(keras, marker).save(path)
    alarms = look(path).alarms
    assert len(alarms) == 2 and "Lambda" in alarms[0] and "__lambda__" in alarms[1]
    with pytest.raises(ValueError, match="arbitrary code execution"):
        keras.saving.load_model(path)
    assert not marker.exists()
    keras.saving.load_model(path, safe_mode=False)
    assert marker.exists(), "this payload is a dud"


REFUSED = {
    "TFSMLayer": {"filepath": "a", "call_endpoint": "serve"},
    "StringLookup": {"vocabulary": "words.txt"},
}


@pytest.mark.parametrize("name", REFUSED)
def test_keras_itself_refuses_two_more_layers(keras, tmp_path, name):
    members(tmp_path / "a.keras", {"config.json": json.dumps(layer(name, **REFUSED[name]))})
    with pytest.raises((TypeError, ValueError), match="override this error by passing `safe_mode"):
        keras.saving.load_model(tmp_path / "a.keras")


LAMBDA = {
    "module": "keras.layers",
    "class_name": "Lambda",
    "config": {"function": {"class_name": "__lambda__", "config": {"code": "", "defaults": None}}},
    "registered_name": None,
}


def layer(name, **config):
    return {"module": "keras.layers", "class_name": name, "config": config}


def function(module, name, **more):
    return {"module": module, "class_name": "function", "config": name, **more}


def nested(node):
    """The same in layers that hold layers, in arguments of layers, and in what is not a layer."""
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


@pytest.mark.parametrize("case", HOSTILE)
def test_code_is_found_anywhere_in_a_configuration(saved, look, tmp_path, case):
    for number, node in enumerate(nested(HOSTILE[case])):
        for kind in ["keras", "h5"]:
            path = tmp_path / f"{number}.{kind}"
            config = json.dumps({"module": "keras", "class_name": "Sequential", "config": [node]})
            if kind == "keras":
                members(path, {"metadata.json": "{}", "config.json": config})
            else:
                import h5py

                with h5py.File(path, "w") as file:
                    file.attrs["model_config"] = config
            assert look(path).alarms, node


def members(path, texts):
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in texts.items():
            archive.writestr(name, text)


def test_an_alarm_says_what_and_where(look, tmp_path):
    config = {"class_name": "Sequential", "config": {"layers": [layer("Dense"), LAMBDA, LAMBDA]}}
    members(tmp_path / "a.keras", {"config.json": json.dumps(config)})
    assert look(tmp_path / "a.keras").alarms == [
        "keras.layers.Lambda: in config.config.layers.1 and 1 more",
        "__lambda__: in config.config.layers.1.config.function and 1 more",
    ]


def test_no_note_hides_an_alarm(look, tmp_path):
    config = {"module": None, "class_name": "A", "registered_name": "a>A", "config": {}}
    name = "needs code of yours: a>A"
    members(tmp_path / "a.keras", {"config.json": json.dumps(config), name: ""})
    assert look(tmp_path / "a.keras") == ([f"{name}: Keras writes no such member"], [name])


def test_names_that_the_reader_knows_raise_no_alarm(look, tmp_path):
    config = layer("TFSMLayer")
    members(tmp_path / "a.keras", {"config.json": json.dumps(config)})
    assert len(look(tmp_path / "a.keras").alarms) == 1
    assert look(tmp_path / "a.keras", also=["keras.layers.TFSMLayer"]).alarms == []
    assert len(look(tmp_path / "a.keras", also="keras.layers.TFSMLayer").alarms) == 1


@pytest.mark.parametrize(
    "name", ["evil.pkl", "assets/a.pkl", "../a.txt", "/a", "assets/../vocabulary.txt", "x.py"]
)
def test_a_member_that_keras_does_not_write_is_told(saved, look, tmp_path, name):
    shutil.copy(saved / "plain.keras", path := tmp_path / "a.keras")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, "text")
    assert look(path).alarms == [f"{name}: Keras writes no such member"]


def test_tricks_of_zip_are_told(saved, look, tmp_path):
    config = json.dumps(layer("Dense"))
    with zipfile.ZipFile(tmp_path / "twice.keras", "w") as archive:
        archive.writestr("config.json", json.dumps(LAMBDA))
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("config.json", config)
    assert "config.json: is in the archive twice" in look(tmp_path / "twice.keras").alarms[0]
    with zipfile.ZipFile(tmp_path / "bomb.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", config)
        archive.writestr("model.weights.h5", bytes(20_000_000))
    [alarm] = look(tmp_path / "bomb.keras").alarms
    assert "to 20,000,000 bytes" in alarm
    members(tmp_path / "empty.keras", {"model.txt": ""})
    assert any("not judged" in each for each in look(tmp_path / "empty.keras").alarms)


def test_arrays_that_are_not_in_the_file_are_told(saved, look, tmp_path):
    import h5py

    def link(file):
        file["a"] = h5py.ExternalLink("other.h5", "/a")

    def soft_link(file):
        file["a"] = h5py.SoftLink("/layers")

    def outside(file):
        file.create_dataset("a", (3,), "f4", external=[("other", 0, 12)])

    def elsewhere(file):
        layout = h5py.VirtualLayout((3,), "f4")
        layout[:] = h5py.VirtualSource("other.h5", "a", (3,))
        file.create_virtual_dataset("a", layout)

    def text(file):
        file["a"] = "some text"

    def references(file):
        file.create_dataset("a", (1,), h5py.ref_dtype)

    def config(file):
        file.attrs["training_config"] = json.dumps({"optimizer_config": LAMBDA})

    acts = [link, soft_link, outside, elsewhere, text, references, config]
    for number, act in enumerate(acts):
        path = tmp_path / f"{number}.weights.h5"
        shutil.copy(saved / "plain.weights.h5", path)
        with h5py.File(path, "a") as file:
            act(file)
        assert look(path).alarms, act
        content = {"config.json": json.dumps(layer("Dense")), "model.weights.h5": path.read_bytes()}
        members(tmp_path / "a.keras", content)
        assert look(tmp_path / "a.keras").alarms or act is config


# Code in graphs


def starter(tf, act):
    """A model whose resource runs ``act`` when the SavedModel is loaded."""

    class OnLoad(tf.saved_model.experimental.TrackableResource):
        def _create_resource(self):
            return tf.constant(0)

        def _initialize(self):
            act()

    model = tf.Module()
    model.resource, model.bias = OnLoad(), tf.Variable(2.0)
    return model


def write(tf, path):
    tf.io.write_file(path, "")


def write_deep_inside(tf, path):
    @tf.function
    def inner():
        write(tf, path)

    tf.function(lambda: tf.function(lambda: inner())())()


def write_in_a_branch(tf, path):
    def branch():
        write(tf, path)
        return 0

    tf.cond(tf.random.uniform([]) < 2, branch, lambda: 0)


def append(tf, path):
    tf.print("", output_stream=f"file://{path}", end="")


def save(tf, path, value=1.0):
    names = {"tensor_names": ["a"], "shape_and_slices": [""]}
    saved = tf.raw_ops.SaveV2(prefix=path, tensors=[value], **names)
    with tf.control_dependencies([saved]):  # TensorFlow leaves out what nothing waits for
        tf.Assert(tf.random.uniform([]) < 2, [0])


def save_elsewhere(tf, path):
    @tf.function
    def saver(value, path):
        save(tf, path, value)

    saver(tf.constant(1.0), tf.constant(path))


ACTS = {
    write: "WriteFile", write_deep_inside: "WriteFile", write_in_a_branch: "WriteFile",
    append: "PrintV2", save: "SaveV2", save_elsewhere: "PartitionedCall",
}  # fmt: skip


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_what_a_saved_model_does_while_it_is_loaded_is_told(tf, look, tmp_path, marker, act):
    tf.saved_model.save(starter(tf, lambda: act(tf, str(marker))), tmp_path / "hostile")
    for each in tmp_path.glob("it_ran*"):
        each.unlink()
    alarms = look(tmp_path / "hostile").alarms
    assert any(ACTS[act] in alarm for alarm in alarms), alarms
    assert not list(tmp_path.glob("it_ran*"))
    tf.saved_model.load(str(tmp_path / "hostile"))
    assert list(tmp_path.glob("it_ran*")), "this payload is a dud"


def test_what_could_be_called_later_is_told_too(tf, look, tmp_path):
    model = tf.Module()
    model.later = tf.function(lambda: tf.io.read_file("a"), input_signature=[])
    tf.saved_model.save(model, tmp_path / "hostile")
    assert look(tmp_path / "hostile").alarms[0].startswith("ReadFile: in __inference_")


def write_beside(tf, _, marker):
    return tf.io.write_file(str(marker), "")


def save_beside(tf, prefix, marker):
    path = tf.strings.join([prefix, "model"], separator=f"_temp/../{marker.name}")
    one = {"tensor_names": ["a"], "shape_and_slices": [""], "tensors": [tf.constant(1.0)]}
    return tf.raw_ops.SaveV2(prefix=path, **one)


@pytest.mark.parametrize(
    ("act", "alarm"),
    [(write_beside, "WriteFile"), (save_beside, "SaveV2 with a path of its own")],
)
def test_what_a_meta_graph_does_while_it_is_restored_is_told(
    tf, look, tmp_path, marker, act, alarm
):
    tf1 = tf.compat.v1
    with tf.Graph().as_default() as graph, tf1.Session() as session:
        tf1.get_variable("bias", initializer=2.0)
        session.run(tf1.global_variables_initializer())
        saver = tf1.train.Saver()
        prefix = graph.get_tensor_by_name(saver.saver_def.filename_tensor_name)
        with tf.control_dependencies([act(tf, prefix, marker)]):
            restore = tf.group(graph.get_operation_by_name(saver.saver_def.restore_op_name))
        saver.saver_def.restore_op_name = restore.name
        saver.save(session, str(tmp_path / "hostile"))
    assert look(tmp_path / "hostile.meta").alarms == [f"{alarm}: in the graph"]
    with tf.Graph().as_default(), tf1.Session() as session:
        saver = tf1.train.import_meta_graph(str(tmp_path / "hostile.meta"))
        assert not list(tmp_path.glob("it_ran*"))
        saver.restore(session, str(tmp_path / "hostile"))
        assert list(tmp_path.glob("it_ran*")), "this payload is a dud"


def node(graph, op, name="hostile", inputs=(), **functions):
    new = graph.node.add(op=op, name=name, input=inputs)
    for key, value in functions.items():
        new.attr[key].func.name = value
    return new


def text_constant(graph, name, text, packed=False):
    new = node(graph, "Const", name)
    new.attr["dtype"].type = new.attr["value"].tensor.dtype = 7
    if packed:
        new.attr["value"].tensor.tensor_content = bytes([len(text)]) + text
    else:
        new.attr["value"].tensor.string_val.append(text)


def saver_of(graph):
    return next(f for f in graph.library.function if "traced_save" in f.signature.name)


def call_with_a_path(program):
    text_constant(program.graph_def, "path", b"/a")
    node(program.graph_def, "StatefulPartitionedCall", inputs=["path"],
         f=saver_of(program.graph_def).signature.name)  # fmt: skip


def call_with_a_packed_path(program):
    text_constant(program.graph_def, "path", b"/a", packed=True)
    node(program.graph_def, "StatefulPartitionedCall", inputs=["path"],
         f=saver_of(program.graph_def).signature.name)  # fmt: skip


def call_in_a_branch(program):
    text_constant(program.graph_def, "path", b"/a")
    node(program.graph_def, "If", inputs=["saver_filename", "path"],
         then_branch=saver_of(program.graph_def).signature.name)  # fmt: skip


def call_in_a_list(program):
    new = node(program.graph_def, "Case", inputs=["saver_filename"])
    new.attr["branches"].list.func.add(name=saver_of(program.graph_def).signature.name)


def call_by_name(program):
    text_constant(program.graph_def, "path", b"/a")
    node(program.graph_def, saver_of(program.graph_def).signature.name, inputs=["path"])


def save_another_way(program):
    saver = saver_of(program.graph_def)
    text_constant(program.graph_def, "path", b"/a")
    saver.node_def.append(program.graph_def.node[-1])
    for each in saver.node_def:
        if each.op == "StringJoin":
            each.input[0] = "path:output:0"


def join_with_a_path(program):
    for each in saver_of(program.graph_def).node_def:
        if each.op == "StringJoin":
            each.attr["separator"].s = b"/../../a"


def save_the_second_argument(program):
    saver = saver_of(program.graph_def)
    saver.signature.input_arg.insert(0, copy.deepcopy(saver.signature.input_arg[0]))
    saver.signature.input_arg[0].name = "first"


def save_from_outside(program):
    name = saver_of(program.graph_def).signature.name
    program.object_graph_def.concrete_functions[name].bound_inputs.append(0)


def decoy(program):
    program.graph_def.library.function.add().signature.name = "WriteFile"
    node(program.graph_def, "WriteFile")


def two_of_a_name(program):
    functions = program.graph_def.library.function
    node_def = functions.add()
    node_def.CopyFrom(functions[0])
    functions[0].node_def.add(op="WriteFile", name="hostile")


def a_handle_as_constant(program):
    node(program.graph_def, "Const").attr["value"].tensor.dtype = 21


def a_loop_of_paths(program):
    graph = program.graph_def
    for number in range(40):  # 2 to the 40 ways, for whoever follows each of them
        node(graph, "Pack", f"p{number}", [f"p{number - 1}" if number else "saver_filename"] * 2)
    node(graph, "Identity", "a", ["b"])
    node(graph, "Identity", "b", ["a"])
    node(graph, "StringJoin", "all", ["p39", "a", "unknown"])
    text_constant(graph, "path", b"/a")
    graph.node[-2].input.append("path")
    node(graph, "RestoreV2", inputs=["all"])


MUTATIONS = [
    call_with_a_path, call_with_a_packed_path, call_in_a_branch, call_in_a_list, call_by_name,
    save_another_way, join_with_a_path, save_the_second_argument, save_from_outside, decoy,
    two_of_a_name, a_handle_as_constant, a_loop_of_paths,
]  # fmt: skip
OPS = [
    "Copy", "DebugIdentityV3", "DecodeJpeg", "EagerPyFunc", "InitializeTableFromTextFileV2",
    "LMDBReader", "MatchingFiles", "NoSuchOp", "PrintV2", "PyFunc", "ReadFile", "SaveSlices",
    "SummaryWriter", "TextLineDataset", "WriteFile", "XlaCallModule",
]  # fmt: skip


def copied(saved, tmp_path, change, second=False):
    """A copy of the honest calculator, with a changed program or with a second one."""
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    shutil.copytree(saved / "calculator", folder := tmp_path / "hostile")
    model = SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    if second:
        model.meta_graphs.append(model.meta_graphs[0])
    change(model.meta_graphs[-1])
    (folder / "saved_model.pb").write_bytes(model.SerializeToString())
    return folder


@pytest.mark.parametrize("second", [False, True])
@pytest.mark.parametrize("change", MUTATIONS, ids=lambda act: act.__name__)
def test_a_forged_graph_is_told(saved, look, tmp_path, change, second):
    assert look(copied(saved, tmp_path, lambda program: None, second)).alarms == []
    shutil.rmtree(tmp_path / "hostile")
    assert look(copied(saved, tmp_path, change, second)).alarms


@pytest.mark.parametrize("op", OPS)
def test_operations_that_touch_files_run_python_or_are_unknown_are_told(saved, look, tmp_path, op):
    folder = copied(saved, tmp_path, lambda program: node(program.graph_def, op))
    assert look(folder).alarms == [f"{op}: in the graph"]
    assert look(folder, also={op}).alarms == []


FILES = [
    "saved_model.pbtxt", "saved_model.cpb", "config.json", "keras_metadata.pb", "a.pkl", "model.py",
    "variables/a", "assets.extra/a",
]  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_files_that_tensorflow_does_not_write_are_told(saved, look, tmp_path, name):
    folder = copied(saved, tmp_path, lambda program: None)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("text")
    assert look(folder).alarms == [f"{name}: TensorFlow writes no such file"]


def test_graphs_as_text_are_not_judged(saved, look, tmp_path, protos):
    from google.protobuf import text_format

    text = text_format.MessageToString(protos[0].FromString((saved / "classic.meta").read_bytes()))
    (tmp_path / "text.meta").write_text(text)
    assert look(tmp_path / "text.meta").alarms[0].startswith("not judged: ")
    (tmp_path / "saved_model.pbtxt").write_text("meta_graphs {}")
    assert look(tmp_path).alarms[-1].startswith("not judged: ")


def test_the_state_of_an_iterator_is_told(tf, look, tmp_path):
    checkpoint = tf.train.Checkpoint(iterator=iter(tf.data.Dataset.range(3)))
    prefix = checkpoint.save(tmp_path / "a")
    alarms, notes = look(prefix)
    assert "variant" in alarms[0]
    assert notes == []


# Pickles


class Payload:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


def test_a_pickle_that_calls_is_told_in_every_protocol(look, tmp_path, marker):
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        path = tmp_path / "a.pickle"
        path.write_bytes(pickle.dumps({"loss": [0.5, Payload(marker)]}, protocol))
        assert any("REDUCE" in alarm for alarm in look(path).alarms)
        assert not marker.exists()
        pickle.loads(path.read_bytes())
        assert marker.exists(), "this payload is a dud"
        marker.unlink()


@pytest.mark.parametrize(
    "content",
    [
        b"(S'true'\nios\nsystem\n.", b"cos\nsystem\n(S'true'\ntR.", b"c__builtin__\neval\n.",
        b"\x80\x02\x82\x01.", b"Pname\n.", b"(cos\nsystem\no.", b"N.cos\nsystem\n.",
        b"cos\nsystem\n(S'true'\ntR garbage", b"\x80\x05\x97.",
    ],
)  # fmt: skip
def test_other_ways_to_call_are_told(look, tmp_path, content):
    (tmp_path / "a.pkl").write_bytes(content)
    assert look(tmp_path / "a.pkl").alarms


def test_objects_in_an_array_are_told(look, tmp_path, marker):
    np.save(tmp_path / "a.npy", np.array([Payload(marker)], dtype=object), allow_pickle=True)
    (tmp_path / "b.npy").write_bytes(pickle.dumps(Payload(marker)))
    assert look(tmp_path / "a.npy").alarms[0].startswith("a pickle: ")
    assert look(tmp_path / "b.npy").alarms[0].startswith("not judged: the magic string")
    assert not marker.exists()


# Damage, and kinds that are not known


def test_what_is_damaged_or_of_another_kind_is_not_judged(saved, look, tmp_path):
    for name in ["a.keras", "a.h5", "a.npy", "a.pkl", "a.meta", "a.pb", "a.txt", "a", "a.KERAS"]:
        for content in [b"hello", b"PK\x03\x04", bytes(100)]:
            (tmp_path / name).write_bytes(content)
            assert look(tmp_path / name).alarms, name
    assert "not judged: no file of a kind" in look(tmp_path / "gone").alarms[0]
    assert "not judged" in look(tmp_path / "gone.keras").alarms[0]
    (tmp_path / "empty").mkdir()
    assert "not judged" in look(tmp_path / "empty").alarms[0]
    shutil.copy(saved / "classic.index", tmp_path / "a.index")
    assert "not judged" in look(tmp_path / "a").alarms[0], "a pickle beside an index"


def test_lines_of_a_hostile_file_do_not_reach_the_terminal(look, tmp_path):
    config = {"class_name": "\x1b[2J\n" + 999 * "x", "module": "a", "config": {}}
    members(tmp_path / "a.keras", {"config.json": json.dumps(config)})
    assert len(look(tmp_path / "a.keras").alarms[0]) == 200


def test_a_file_that_nests_too_deep_or_holds_no_configuration_is_not_judged(look, tmp_path):
    for config in ["[" * 100_000, '"x"', "[]", "null"]:
        members(tmp_path / "a.keras", {"config.json": config})
        assert "not judged" in look(tmp_path / "a.keras").alarms[0]


@pytest.mark.parametrize("name", ["plain.keras", "plain.weights.h5", "classic.meta"])
def test_no_flipped_bit_makes_it_fail(saved, look, tmp_path, name):
    content, chance = (saved / name).read_bytes(), random.Random(1)
    for _ in range(60):
        broken = bytearray(content)
        broken[chance.randrange(len(broken))] ^= 1 << chance.randrange(8)
        (tmp_path / name).write_bytes(broken)
        look(tmp_path / name)


# The list


def test_every_name_on_the_list_exists(tf, keras):
    from helpers.recipes.inspect_model.tensorflow_files import KNOWN

    for head, names in KNOWN.items():
        if head.startswith("keras"):
            module = importlib.import_module(head)
            assert [name for name in names if not hasattr(module, name)] == [], head
    assert [name for name in KNOWN["tensorflow"] if not hasattr(tf.raw_ops, name)] == []


def test_no_name_on_the_list_is_also_one_of_python(helpers):
    from helpers.recipes.inspect_model.keras_files import BARE

    assert not BARE & set(dir(importlib.import_module("builtins")))


def test_the_list_leaves_out_what_can_run_code_and_nothing_else_among_layers(keras):
    from helpers.recipes.inspect_model.tensorflow_files import KNOWN

    listed = [getattr(keras.layers, name) for name in KNOWN["keras.layers"]]
    classes = {name for name, each in vars(keras.layers).items() if isinstance(each, type)}
    assert {name for name in classes if getattr(keras.layers, name) not in listed} == {
        "FlaxLayer", "InputSpec", "JaxLayer", "Lambda", "Layer", "TFSMLayer",
        "TorchModuleWrapper", "Wrapper",
    }  # fmt: skip


def test_no_operation_on_the_list_reads_writes_or_calls_python(tf):
    from helpers.recipes.inspect_model.tensorflow_files import KNOWN

    words = "File Print PyFunc Decode Reader Writer Dataset Iterator Xla Remote Send Recv Debug"
    found = [op for op in KNOWN["tensorflow"] for word in words.split() if word in op]
    assert sorted(found) == ["ShardedFilename", "UnicodeDecode", "UnicodeDecodeWithOffsets"]
