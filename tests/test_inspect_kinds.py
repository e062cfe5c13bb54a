"""The inspector knows old and other kinds of files, says their names, and has a command line."""

import json
import os
import pickle
import runpy
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.hostile import forged_graphs, keras_2
from tests.hostile.configurations import LAMBDA, layer, write_h5, write_keras
from tests.hostile.exhausting import COUNTED, EXHAUSTING
from tests.hostile.pickles import Payload

import numpy as np
import pytest
from safetensors.numpy import save_file

RECIPES = Path(__file__).parent.parent / "helpers" / "recipes"
PATIENCE = 600  # seconds


@pytest.fixture(scope="module")
def inspect_model(module):
    return module("helpers.recipes.inspect_model").inspect_model


@pytest.fixture(scope="module")
def calculator(module, tmp_path_factory):
    """An honest SavedModel."""
    folder = tmp_path_factory.mktemp("honest")
    module("tests.honest_files").save_calculator(folder)
    return folder / "calculator"


@pytest.fixture
def copied(calculator, tmp_path):
    """A copy of an honest SavedModel, to be changed."""
    return Path(shutil.copytree(calculator, tmp_path / "copy"))


# Limits


@pytest.mark.parametrize("make", EXHAUSTING, ids=lambda make: make.__name__)
def test_what_would_take_hours_or_all_memory_has_an_alarm(inspect_model, tmp_path, make):
    name, alarm = EXHAUSTING[make]
    make(tmp_path / name)
    alarms = inspect_model(tmp_path / name).alarms
    assert any(line.startswith(alarm) for line in alarms), alarms[-1:]


@pytest.mark.parametrize("make", COUNTED, ids=lambda make: make.__name__)
def test_what_is_counted_one_by_one_has_a_limit(module, inspect_model, tmp_path, monkeypatch, make):
    name, part, limit, most, things = COUNTED[make]
    counter = module(f"helpers.recipes.inspect_model.{part}")
    assert getattr(counter, limit) == most
    monkeypatch.setattr(counter, limit, 300)  # to count to the real one takes seconds
    make(tmp_path / name, 300)
    assert not any("more than" in line for line in inspect_model(tmp_path / name).alarms)
    make(tmp_path / name, 302)
    [alarm] = [line for line in inspect_model(tmp_path / name).alarms if "more than" in line]
    assert alarm.startswith("not judged: ")
    assert f"more than 300 {things}" in alarm


def test_a_folder_of_too_many_files_is_not_judged(module, inspect_model, copied, monkeypatch):
    files = module("helpers.recipes.inspect_model.tensorflow_files")
    count = len(list(copied.rglob("*")))
    monkeypatch.setattr(files, "MOST_FILES", count)
    assert inspect_model(copied).alarms == []
    (copied / "assets" / "one_more").touch()
    assert inspect_model(copied).alarms == [f"not judged: more than {count} files in the folder"]


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no endless file")
@pytest.mark.parametrize("ending", [".keras", ".meta", ".npz", ".pb", ".safetensors", ".tflite"])
def test_a_link_to_an_endless_file_is_not_read(inspect_model, tmp_path, ending):
    (tmp_path / f"a{ending}").symlink_to("/dev/zero")
    [alarm] = inspect_model(tmp_path / f"a{ending}").alarms
    assert alarm == f"not judged: a{ending} is a pipe or a device, not a file"


# Programs


@pytest.mark.parametrize("name", ["a.meta", "a.pb"])
def test_an_empty_program_is_not_judged(inspect_model, tmp_path, name):
    for content in (b"", b"\x12\x00"):
        (tmp_path / name).write_bytes(content)
        [alarm] = inspect_model(tmp_path / name).alarms
        assert alarm.startswith("not judged: ")


def test_a_saved_model_without_a_program_is_not_judged(inspect_model, copied):
    (copied / "saved_model.pb").write_bytes(b"")
    assert inspect_model(copied).alarms == ["not judged: saved_model.pb is empty"]
    (copied / "saved_model.pb").write_bytes(b"\x08\x01")
    assert inspect_model(copied).alarms == ["not judged: saved_model.pb holds no program"]


@pytest.mark.parametrize(
    "operation", ["ParseExample", "ParseExampleV2", "OptionalFromValue", "OptionalNone", "CudnnRNN"]
)
def test_what_servers_and_branches_use_raises_no_alarm(
    inspect_model, calculator, tmp_path, operation
):
    def add(program):
        forged_graphs.add_node(program.graph_def, operation)

    folder = forged_graphs.forge(calculator, tmp_path / "honest", add)
    assert inspect_model(folder).alarms == []


def test_a_frozen_graph_is_inspected(tf, inspect_model, tmp_path):
    with tf.Graph().as_default() as graph:
        tf.constant(1.0)
        (tmp_path / "a.pb").write_bytes(graph.as_graph_def().SerializeToString())
        tf.io.read_file("a")
        (tmp_path / "b.pb").write_bytes(graph.as_graph_def().SerializeToString())
    assert inspect_model(tmp_path / "a.pb") == ([], ["a program of 1 operations"])
    assert inspect_model(tmp_path / "b.pb").alarms == ["ReadFile: in the graph"]


def test_what_a_user_of_a_signature_fills_is_no_path_to_save_to(
    inspect_model, calculator, tmp_path
):
    def be_served(program):
        saver = program.saver_def.filename_tensor_name
        program.signature_def["serving_default"].inputs["path"].name = saver

    folder = forged_graphs.forge(calculator, tmp_path / "hostile", be_served)
    assert any("with a path of its own" in alarm for alarm in inspect_model(folder).alarms)


def test_a_signature_that_saves_is_told(inspect_model, calculator, tmp_path):
    def save_by_a_signature(program):
        saved = program.saver_def.save_tensor_name
        program.signature_def["serving_default"].outputs["saved"].name = saved

    folder = forged_graphs.forge(calculator, tmp_path / "hostile", save_by_a_signature)
    [alarm] = inspect_model(folder).alarms
    assert alarm.endswith("that can save or restore: runs when the model is used")


def test_files_of_a_server_raise_no_alarm(inspect_model, copied):
    (copied / "assets.extra").mkdir()
    (copied / "assets.extra" / "tf_serving_warmup_requests").write_bytes(b"any")
    assert inspect_model(copied).alarms == []


@pytest.mark.skipif(os.name != "posix", reason="links need a privilege there")
def test_a_link_in_a_saved_model_is_noted(inspect_model, copied):
    (copied / "assets" / "a").symlink_to(copied / "saved_model.pb")
    alarms, notes = inspect_model(copied)
    assert alarms == []
    assert "assets/a is a link to another place" in notes


# Keras 2


@pytest.mark.parametrize("case", keras_2.HOSTILE_CALLS)
def test_a_call_of_keras_2_that_is_no_arithmetic_is_told(inspect_model, tmp_path, case):
    for module in keras_2.MODULES_OF_FUNCTIONAL:
        config = keras_2.functional(module, keras_2.HOSTILE_CALLS[case])
        write_keras(tmp_path / "a.keras", config)
        write_h5(tmp_path / "a.h5", config)
        assert inspect_model(tmp_path / "a.keras").alarms
        assert inspect_model(tmp_path / "a.h5").alarms


@pytest.mark.parametrize("case", keras_2.HONEST_CALLS)
def test_an_honest_file_of_keras_2_raises_no_alarm_and_no_false_note(inspect_model, tmp_path, case):
    for module in keras_2.MODULES_OF_FUNCTIONAL:
        config = keras_2.functional(module, keras_2.HONEST_CALLS[case], keras_2.policy())
        write_keras(tmp_path / "a.keras", config)
        write_h5(tmp_path / "a.h5", config)
        assert inspect_model(tmp_path / "a.keras") == ([], [])
        assert inspect_model(tmp_path / "a.h5") == ([], [])


def test_a_calling_layer_of_another_module_is_told(inspect_model, tmp_path):
    call = {"module": "mine", **keras_2.HONEST_CALLS["a product"]}
    write_keras(tmp_path / "a.keras", keras_2.functional("keras.engine.functional", call))
    assert inspect_model(tmp_path / "a.keras").alarms


def test_a_file_that_writes_when_keras_2_loads_it_is_told(inspect_model, tmp_path):
    keras_2.write_op_lambda(tmp_path / "a.h5", tmp_path / "it_ran")
    alarms, notes = inspect_model(tmp_path / "a.h5")
    assert alarms == ["TFOpLambda of io.write_file: in model_config.config.layers.1"]
    assert notes == []


def test_the_metadata_of_keras_2_is_looked_into(module, inspect_model, copied):
    messages = module("tensorflow.python.keras.protobuf.saved_metadata_pb2")
    file = copied / "keras_metadata.pb"
    file.write_bytes(keras_2.metadata(messages.SavedMetadata, is_hostile=False))
    assert inspect_model(copied).alarms == []
    file.write_bytes(keras_2.metadata(messages.SavedMetadata, is_hostile=True))
    assert any("Lambda" in alarm for alarm in inspect_model(copied).alarms)
    file.write_bytes(b"text")
    assert inspect_model(copied).alarms[0].startswith("not judged: ")


def test_a_configuration_in_an_object_is_looked_into(inspect_model, calculator, tmp_path):
    def add(program):
        text = json.dumps({"class_name": "Model", "config": {"layers": [LAMBDA]}})
        program.object_graph_def.nodes[0].user_object.metadata = text

    folder = forged_graphs.forge(calculator, tmp_path / "hostile", add)
    assert any("Lambda" in alarm for alarm in inspect_model(folder).alarms)


# Other kinds


def test_an_archive_of_arrays_is_looked_into(inspect_model, tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, numbers=np.ones(3), text=np.array(["a"]))
    assert inspect_model(path) == ([], ["numbers and text only"])
    marker = tmp_path / "it_ran"
    np.savez(path, numbers=np.ones(3), objects=np.array([Payload(marker)], dtype=object))
    alarms = inspect_model(path).alarms
    assert alarms == ["a pickle: of objects in objects.npy, for allow_pickle=True"]
    assert not marker.exists()
    np.load(path, allow_pickle=True)["objects"]
    assert marker.exists(), "this payload is a dud"


def test_what_is_no_array_in_an_archive_is_told(inspect_model, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", pickle.dumps([]))
    assert inspect_model(tmp_path / "a.npz").alarms == ["a.npy: is no array of NumPy"]


HONEST_TENSOR = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def write_safetensors(path, content=bytes(8), **more):
    tensors = {"weights": HONEST_TENSOR, **more}
    header = json.dumps({"__metadata__": {"a": "b"}, **tensors}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + content)


def test_safetensors_hold_numbers_and_nothing_else(inspect_model, tmp_path):
    path = tmp_path / "a.safetensors"
    write_safetensors(path)
    assert inspect_model(path) == ([], ["numbers only"])
    write_safetensors(path, content=bytes(8) + b"more")
    assert inspect_model(path).alarms == [
        "not judged: the tensors are longer or shorter than the file"
    ]
    gap_or_overlap = "not judged: byte 8 of the numbers belongs to no tensor, or to two"
    later = {"dtype": "U8", "shape": [4], "data_offsets": [12, 16]}
    write_safetensors(path, content=bytes(16), later=later)
    assert inspect_model(path).alarms == [gap_or_overlap]
    write_safetensors(path, overlapping={**later, "data_offsets": [4, 8]})
    assert inspect_model(path).alarms == [gap_or_overlap]
    write_safetensors(path, strange=1)
    assert inspect_model(path).alarms == [
        "not judged: 'strange' has other parts than data_offsets, dtype, shape"
    ]


@pytest.mark.parametrize(
    ("changed", "alarm"),
    [
        ({"shape": [-2]}, "the shape of the tensor 'weights' holds -2"),
        ({"shape": [-2, -1]}, "the shape of the tensor 'weights' holds -2"),
        ({"shape": [2.0]}, "the shape of the tensor 'weights' holds 2.0"),
        ({"shape": [2, True]}, "the shape of the tensor 'weights' holds True"),
        ({"shape": [0, 2**63]}, "the shape of the tensor 'weights' holds 9223372036854775808"),
        ({"shape": 2}, "the shape of the tensor 'weights' is no list"),
        ({"shape": [2] + [1] * 64}, "the tensor 'weights' has more than 64 dimensions"),
        ({"shape": [2**62, 4]}, "the tensor 'weights' is longer or shorter than its shape says"),
        ({"shape": [1]}, "the tensor 'weights' is longer or shorter than its shape says"),
        ({"dtype": "F16"}, "the tensor 'weights' is longer or shorter than its shape says"),
        ({"dtype": "OBJECT"}, "the tensor 'weights' has the unknown dtype 'OBJECT'"),
        ({"dtype": ["F32"]}, "the tensor 'weights' has the unknown dtype ['F32']"),
        ({"data_offsets": [-8, 0]}, "the data_offsets of the tensor 'weights' holds -8"),
        ({"data_offsets": [0.0, 8]}, "the data_offsets of the tensor 'weights' holds 0.0"),
        ({"data_offsets": [8, 0]}, "the tensor 'weights' is longer or shorter than its shape says"),
        ({"data_offsets": [0, 8, 8]}, "the tensor 'weights' has 3 data_offsets, and not 2"),
        ({"code": "any"}, "'weights' has other parts than data_offsets, dtype, shape"),
    ],
)
def test_a_false_header_of_safetensors_has_an_alarm(inspect_model, tmp_path, changed, alarm):
    path = tmp_path / "a.safetensors"
    write_safetensors(path, weights={**HONEST_TENSOR, **changed})
    assert inspect_model(path) == ([f"not judged: {alarm}"], [])


@pytest.mark.parametrize(
    ("texts", "alarm"),
    [(["a"], "__metadata__ is no dictionary"), ({"a": [1]}, "__metadata__ holds more than texts")],
)
def test_metadata_of_safetensors_are_texts(inspect_model, tmp_path, texts, alarm):
    write_safetensors(tmp_path / "a.safetensors", __metadata__=texts)
    assert inspect_model(tmp_path / "a.safetensors").alarms == [f"not judged: {alarm}"]


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('{"weights": TENSOR, "weights": TENSOR}', "weights"),
        ('{"__metadata__": {}, "__metadata__": {}, "weights": TENSOR}', "__metadata__"),
        ('{"__metadata__": {"a": "b", "a": "c"}, "weights": TENSOR}', "a"),
        ('{"weights": {"dtype": "F32", "dtype": "I32", "shape": [2]}}', "dtype"),
    ],
)
def test_a_name_twice_in_safetensors_has_an_alarm(inspect_model, tmp_path, header, name):
    path = tmp_path / "a.safetensors"
    content = header.replace("TENSOR", json.dumps(HONEST_TENSOR)).encode()
    path.write_bytes(len(content).to_bytes(8, "little") + content + bytes(8))
    assert inspect_model(path).alarms == [f"not judged: the header has the name {name!r} twice"]


@pytest.mark.parametrize(
    "dtype", ["bool", "int8", "uint8", "int16", "float16", "int32", "float32", "uint64", "float64"]
)
@pytest.mark.parametrize("shape", [(), (0, 3), (3,), (1,) * 20, (2, 3, 4)])
def test_honest_safetensors_pass(inspect_model, tmp_path, dtype, shape):
    tensors = {"a": np.ones(shape, dtype), "b": np.zeros([2], dtype)}
    save_file(tensors, tmp_path / "a.safetensors", {"format": "np"})
    assert inspect_model(tmp_path / "a.safetensors") == ([], ["numbers only"])


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.tflite", b"any", "a model for LiteRT"),
        ("a", b"\x1c\0\0\0TFL3", "a model for LiteRT"),
        ("a.onnx", b"any", "a model of ONNX"),
        ("a.pt", b"PK\x03\x04", "a file of PyTorch"),
        ("a.pth", b"any", "a file of PyTorch"),
        ("a.joblib", b"any", "a file of joblib"),
        ("a.bin", b"\x80\x04N.", "a pickle"),
        ("a.zip", b"PK\x03\x04", "a zip archive"),
        ("a.data", b"\x89HDF\r\n\x1a\n", "a file of HDF5"),
        ("saved_model.pb", b"any", "a part of a SavedModel: give its folder"),
        ("keras_metadata.pb", b"any", "a part of a SavedModel: give its folder"),
        ("a.index", b"any", "a part of a checkpoint: give its prefix"),
        ("a.data-00000-of-00001", b"any", "a part of a checkpoint: give its prefix"),
        ("checkpoint", b"any", "a list of checkpoints"),
    ],
)
def test_a_file_of_another_kind_is_called_by_its_name(inspect_model, tmp_path, name, content, kind):
    (tmp_path / name).write_bytes(content)
    [alarm] = inspect_model(tmp_path / name).alarms
    assert alarm.startswith(f"not judged: {kind}")


# The command line


@pytest.fixture
def command(module, capsys):
    """Run the command in this process: its exit code and what it prints."""
    main = module("helpers.recipes.inspect_model.__main__").main

    def command(*arguments):
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as ended:
            code = ended.code
        return code, capsys.readouterr().out

    return command


def test_the_command_says_what_it_found_and_ends_with_1_if_it_was_an_alarm(command, tmp_path):
    np.save(tmp_path / "a.npy", np.ones(3))
    write_keras(tmp_path / "b.keras", layer("TFSMLayer"))
    quiet = f"{tmp_path / 'a.npy'}: no alarm\n  note   numbers and text only\n"
    loud = f"{tmp_path / 'b.keras'}: ALARM (1)\n  alarm  keras.layers.TFSMLayer: in config\n"
    assert command(tmp_path / "a.npy") == (0, quiet)
    assert command(tmp_path / "b.keras", tmp_path / "a.npy") == (1, loud + quiet)
    code, _ = command("--also", "keras.layers.TFSMLayer", tmp_path / "b.keras")
    assert code == 0


def test_a_wrong_command_ends_with_2(command):
    assert command()[0] == 2
    assert command("--unknown", "a")[0] == 2


def test_what_could_not_be_inspected_ends_with_2_and_an_alarm_beside_it_with_1(command, tmp_path):
    np.save(tmp_path / "a.npy", np.ones(3))
    write_keras(tmp_path / "b.keras", layer("TFSMLayer"))
    (tmp_path / "c.npy").write_bytes(b"text")
    assert command(tmp_path / "gone")[0] == 2
    assert command(tmp_path)[0] == 1  # a folder with files that are in no SavedModel
    assert command(tmp_path / "a.npy", tmp_path / "c.npy")[0] == 2
    assert command(tmp_path / "c.npy", tmp_path / "b.keras")[0] == 1


def test_a_name_of_a_file_does_not_reach_the_terminal(command, tmp_path):
    _, text = command(tmp_path / "\x1b[2Ja")
    assert "\x1b" not in text


@pytest.fixture
def alone(tmp_path, monkeypatch):
    """The current folder, which holds a copy of the recipe and nothing else."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(RECIPES / "inspect_model", tmp_path / "inspect_model", ignore=ignored)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def without_the_course(tf, monkeypatch):
    """TensorFlow is imported here, and nothing of the course can be."""
    for name in [*sys.modules]:
        if name.partition(".")[0] == "helpers":
            monkeypatch.setitem(sys.modules, name, None)


def test_the_folder_that_is_copied_alone_is_a_command(
    alone, without_the_course, monkeypatch, capsys
):
    """In this process, which has TensorFlow; the next test starts another."""
    np.save("a.npy", np.ones(3))
    Path("b.npy").write_bytes(b"text")
    monkeypatch.syspath_prepend(alone)
    monkeypatch.setattr(sys, "argv", ["inspect_model", "a.npy", "b.npy"])
    try:
        with pytest.raises(SystemExit) as ended:
            runpy.run_module("inspect_model", run_name="__main__", alter_sys=True)
        assert Path(sys.modules["inspect_model"].__file__).parent.parent == alone
    finally:
        for name in [*sys.modules]:
            if name.partition(".")[0] == "inspect_model":
                del sys.modules[name]
    printed = capsys.readouterr().out
    assert ended.value.code == 2, printed
    assert printed.startswith("a.npy: no alarm\n")
    assert "b.npy: ALARM (1)\n" in printed


def test_without_tensorflow_the_command_says_so_in_one_line_and_ends_with_2(alone):
    program = """
import runpy
import sys
sys.path.insert(0, ".")
sys.modules["tensorflow"] = None
runpy.run_module("inspect_model", run_name="__main__", alter_sys=True)
"""
    command = [sys.executable, "-I", "-c", program, "a.npy"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=PATIENCE)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("inspect_model needs TensorFlow, and cannot import it: ")
    assert done.stderr.count("\n") == 1
