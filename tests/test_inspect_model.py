"""The inspector: an alarm for every way to hide code that we could think of, and nothing runs."""

import contextlib
import json
import os
import pickle
import random
import shutil
import sys
import threading
import zipfile
from pathlib import Path

from tests.hostile import arrays, classic_models, configurations, forged_graphs, saved_models
from tests.hostile.configurations import LAMBDA, layer, sequential, write_h5, write_keras
from tests.hostile.pickles import CALLS, Payload

import h5py
import numpy as np
import pytest

# Keras' own, with NumPy 2, whenever it writes a variable to a file.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

LOADERS = [
    "keras.saving.load_model", "keras.saving.deserialize_keras_object",
    "keras.src.saving.serialization_lib.deserialize_keras_object",
    "keras.src.utils.python_utils.func_load", "tensorflow.saved_model.load",
    "tensorflow.import_graph_def", "tensorflow.compat.v1.train.import_meta_graph",
    "pickle.load", "pickle.loads",
]  # fmt: skip


# What Python itself tells when code is made or run.
EVENTS = {"code.__new__", "marshal.loads", "os.system", "pickle.find_class", "subprocess.Popen"}


class Watch:
    """What has been heard of code that runs. Its hook stays for good, so it is on only at times."""

    def __init__(self):
        self.is_on = False
        self.heard = []
        sys.addaudithook(self.hear)

    def hear(self, event, _):
        if self.is_on and event in EVENTS:
            self.heard.append(event)

    @contextlib.contextmanager
    def listening(self):
        self.is_on = True
        try:
            yield
        finally:
            self.is_on = False


WATCH = Watch()


@pytest.fixture
def inspect_model(module, monkeypatch):
    """``inspect_model``, which fails the test if it loads or runs anything."""
    inspector = module("helpers.recipes.inspect_model")

    def forbidden(*_, **__):
        WATCH.heard.append("a loader")

    def inspect_model(path, also=()):
        WATCH.heard.clear()
        with monkeypatch.context() as patch:
            for loader in LOADERS:
                patch.setattr(loader, forbidden)
            first = inspector.inspect_model(path, also)  # It may import modules, which is fine.
            with WATCH.listening():
                found = inspector.inspect_model(path, also)
        assert WATCH.heard == []
        assert found == first
        for line in found.alarms + found.notes:
            assert line.isprintable() and 0 < len(line) <= 200
        return found

    return inspect_model


@pytest.fixture(scope="module")
def meta_graph(module):
    """The class of a meta graph."""
    return module("tensorflow.core.protobuf.meta_graph_pb2").MetaGraphDef


@pytest.fixture(scope="module")
def honest(module, tmp_path_factory):
    """A folder with honest files."""
    folder = tmp_path_factory.mktemp("honest")
    module("tests.honest_files").save_all(folder)
    return folder


@pytest.fixture
def marker(tmp_path):
    """What every payload here writes, and nothing else: an empty file."""
    return tmp_path / "it_ran"


def name_of(value):
    """A function's name stands for it in the list of tests."""
    return getattr(value, "__name__", None)


# Honest files

HONEST = [
    "plain.keras", "own.keras", "own_loss.keras", "plain.weights.h5", "own.weights.h5",
    "heads.weights.h5", "calculator", "digits", "plain_digits", "reader", "classic.meta", "classic",
    "digits/variables/variables",
]  # fmt: skip


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_model_raises_no_alarm(honest, inspect_model, name):
    assert inspect_model(honest / name).alarms == []


def test_code_that_the_reader_must_have_is_noted(honest, inspect_model):
    own = ["Centre", "careful_loss", "LargestError"]
    assert sorted(inspect_model(honest / "own.keras").notes) == sorted(
        f"needs code of yours: course>{name}" for name in own
    )
    assert inspect_model(honest / "own_loss.keras").notes == ["needs code of yours: plain_loss"]
    assert inspect_model(honest / "plain.keras").notes == []


def test_files_without_code_are_said_to_hold_numbers(keras, honest, inspect_model, tmp_path):
    np.save(tmp_path / "a.npy", np.ones(3))
    assert inspect_model(tmp_path / "a.npy") == ([], ["numbers and text only"])
    assert inspect_model(honest / "plain.weights.h5") == ([], ["numbers only"])
    assert inspect_model(honest / "classic") == ([], ["numbers and text only"])
    bfloat16 = keras.ops.convert_to_numpy(keras.ops.ones(1, "bfloat16")).dtype
    with h5py.File(tmp_path / "bfloat16.h5", "w") as file:
        file["a"] = np.ones(3, bfloat16)
    assert inspect_model(tmp_path / "bfloat16.h5") == ([], ["numbers only"])


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_of_plain_data_raises_no_alarm(inspect_model, tmp_path, protocol):
    data = {"loss": [0.5, 0.25, -1, 2**70], "notes": ("a", None, True)}
    plain = [data, b"bytes", {"set"}, frozenset()] if protocol > 3 else data
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(plain, protocol))
    assert inspect_model(tmp_path / "a.pkl").alarms == []


# Code in .keras and .h5


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_a_lambda_is_told_and_runs_only_where_it_is_let(keras, inspect_model, marker, ending):
    path = marker.with_name(f"a.{ending}")
    configurations.lambda_model(keras, marker).save(path)
    first, second = inspect_model(path).alarms
    assert "Lambda" in first
    assert "__lambda__" in second
    with pytest.raises(ValueError, match="arbitrary code execution"):
        keras.saving.load_model(path)
    assert not marker.exists()
    keras.saving.load_model(path, safe_mode=False)
    assert marker.exists(), "this payload is a dud"


@pytest.mark.parametrize(
    "refused",
    [
        layer("TFSMLayer", filepath="a", call_endpoint="serve"),
        layer("StringLookup", vocabulary="words.txt"),
    ],
    ids=lambda refused: refused["class_name"],
)
def test_keras_itself_refuses_two_more_layers(keras, tmp_path, refused):
    write_keras(tmp_path / "a.keras", refused)
    with pytest.raises((TypeError, ValueError), match="override this error by passing `safe_mode"):
        keras.saving.load_model(tmp_path / "a.keras")


@pytest.mark.parametrize("case", configurations.HOSTILE)
def test_code_is_found_anywhere_in_a_configuration(inspect_model, tmp_path, case):
    for number, node in enumerate(configurations.hidden(configurations.HOSTILE[case])):
        config = {"module": "keras", "class_name": "Sequential", "config": [node]}
        write_keras(tmp_path / f"{number}.keras", config, **{"metadata.json": "{}"})
        write_h5(tmp_path / f"{number}.h5", config)
        assert inspect_model(tmp_path / f"{number}.keras").alarms, node
        assert inspect_model(tmp_path / f"{number}.h5").alarms, node


def test_an_alarm_says_what_and_where(inspect_model, tmp_path):
    write_keras(tmp_path / "a.keras", sequential(layer("Dense"), LAMBDA, LAMBDA))
    assert inspect_model(tmp_path / "a.keras").alarms == [
        "keras.layers.Lambda: in config.config.layers.1 and 1 more",
        "__lambda__: in config.config.layers.1.config.function and 1 more",
    ]


def test_no_note_hides_an_alarm(inspect_model, tmp_path):
    config = {"module": None, "class_name": "A", "registered_name": "a>A", "config": {}}
    name = "needs code of yours: a>A"
    write_keras(tmp_path / "a.keras", config, **{name: ""})
    assert inspect_model(tmp_path / "a.keras") == ([f"{name}: Keras writes no such member"], [name])


def test_names_that_the_reader_knows_raise_no_alarm(inspect_model, tmp_path):
    path = tmp_path / "a.keras"
    write_keras(path, layer("TFSMLayer"))
    assert len(inspect_model(path).alarms) == 1
    assert inspect_model(path, also=["keras.layers.TFSMLayer"]).alarms == []
    assert len(inspect_model(path, also="keras.layers.TFSMLayer").alarms) == 1


@pytest.mark.parametrize(
    "name", ["evil.pkl", "assets/a.pkl", "../a.txt", "/a", "assets/../vocabulary.txt", "x.py"]
)
def test_a_member_that_keras_does_not_write_is_told(honest, inspect_model, tmp_path, name):
    path = tmp_path / "a.keras"
    shutil.copy(honest / "plain.keras", path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, "text")
    assert inspect_model(path).alarms == [f"{name}: Keras writes no such member"]


def test_a_member_that_is_in_the_archive_twice_is_told(inspect_model, tmp_path):
    write_keras(tmp_path / "twice.keras", LAMBDA)
    with zipfile.ZipFile(tmp_path / "twice.keras", "a") as archive:
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("config.json", json.dumps(layer("Dense")))
    alarms = inspect_model(tmp_path / "twice.keras").alarms
    assert alarms == ["config.json: is in the archive twice and 1 more"]


def test_a_member_that_would_fill_the_memory_is_told(inspect_model, tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", json.dumps(layer("Dense")))
        archive.writestr("model.weights.h5", bytes(20_000_000))
    [alarm] = inspect_model(tmp_path / "bomb.keras").alarms
    assert "to 20,000,000 bytes" in alarm


def test_an_archive_without_an_architecture_is_not_judged(inspect_model, tmp_path):
    configurations.write_members(tmp_path / "empty.keras", {"model.txt": ""})
    alarms = inspect_model(tmp_path / "empty.keras").alarms
    assert any("not judged" in alarm for alarm in alarms)


# Arrays


def changed_weights(honest, folder, change):
    """The weights of an honest model with one change, as ``.weights.h5`` and in a ``.keras``."""
    weights = folder / "a.weights.h5"
    shutil.copy(honest / "plain.weights.h5", weights)
    with h5py.File(weights, "a") as file:
        change(file)
    content = {"model.weights.h5": weights.read_bytes()}
    write_keras(folder / "a.keras", layer("Dense"), **content)
    return weights, folder / "a.keras"


@pytest.mark.parametrize(
    "change",
    [
        arrays.link_to_a_file, arrays.link_to_a_name, arrays.numbers_of_another_file,
        arrays.view_of_another_file, arrays.text, arrays.references,
    ],
    ids=name_of,
)  # fmt: skip
def test_an_array_that_is_not_in_the_file_is_told(honest, inspect_model, tmp_path, change):
    weights, model = changed_weights(honest, tmp_path, change)
    assert inspect_model(weights).alarms == ["a: is no array of numbers in this file"]
    assert inspect_model(model).alarms == ["a: is no array of numbers in this file"]


def test_an_architecture_beside_weights_is_read_where_keras_would_read_it(
    honest, inspect_model, tmp_path
):
    weights, model = changed_weights(honest, tmp_path, arrays.configuration)
    assert inspect_model(weights).alarms
    assert inspect_model(model).alarms == []


def test_groups_that_lie_thousands_deep_or_in_themselves_are_judged(inspect_model, tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        group = file
        for _ in range(3000):
            group = group.create_group("a")
        group["back"] = file["/"]
        group["text"] = "at the bottom"
    [alarm] = inspect_model(tmp_path / "a.h5").alarms
    assert alarm.startswith("a/a/a/a/")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["a/itself"] = file.require_group("a")
        file["b"] = file["a"]
        file["b/text"] = "in both"
    assert inspect_model(tmp_path / "b.h5").alarms == [
        "a/text: is no array of numbers in this file"
    ]


# Code in graphs


@pytest.mark.parametrize(
    ("act", "alarm"),
    [
        (saved_models.write, "WriteFile"),
        (saved_models.write_deep_inside, "WriteFile"),
        (saved_models.write_in_a_branch, "WriteFile"),
        (saved_models.append, "PrintV2"),
        (saved_models.save, "SaveV2"),
        (saved_models.save_by_a_function, "PartitionedCall"),
    ],
    ids=name_of,
)
def test_what_a_saved_model_does_while_it_is_loaded_is_told(
    tf, inspect_model, tmp_path, marker, act, alarm
):
    model = saved_models.model_that_runs(tf, lambda: act(tf, str(marker)))
    tf.saved_model.save(model, tmp_path / "hostile")
    for path in tmp_path.glob("it_ran*"):
        path.unlink()
    alarms = inspect_model(tmp_path / "hostile").alarms
    assert any(alarm in line for line in alarms), alarms
    assert not list(tmp_path.glob("it_ran*"))
    tf.saved_model.load(str(tmp_path / "hostile"))
    assert list(tmp_path.glob("it_ran*")), "this payload is a dud"


def test_what_could_be_called_later_is_told_too(tf, inspect_model, tmp_path):
    model = tf.Module()
    model.later = tf.function(lambda: tf.io.read_file("a"), input_signature=[])
    tf.saved_model.save(model, tmp_path / "hostile")
    assert inspect_model(tmp_path / "hostile").alarms[0].startswith("ReadFile: in __inference_")


@pytest.mark.parametrize(
    ("act", "alarm"),
    [
        (saved_models.write_beside, "WriteFile"),
        (saved_models.save_beside, "SaveV2 with a path of its own"),
    ],
    ids=name_of,
)
def test_what_a_meta_graph_does_while_it_is_restored_is_told(
    tf, inspect_model, tmp_path, marker, act, alarm
):
    tf1 = tf.compat.v1
    saved_models.save_classic(tf, tmp_path / "hostile", act, marker)
    assert f"{alarm}: in the graph" in inspect_model(tmp_path / "hostile.meta").alarms
    with tf.Graph().as_default(), tf1.Session() as session:
        saver = tf1.train.import_meta_graph(str(tmp_path / "hostile.meta"))
        assert not list(tmp_path.glob("it_ran*"))
        saver.restore(session, str(tmp_path / "hostile"))
        assert list(tmp_path.glob("it_ran*")), "this payload is a dud"


@pytest.mark.parametrize("act", classic_models.ACTS, ids=name_of)
def test_what_a_model_of_tensorflow_1_does_while_it_is_loaded_is_told(
    tf, inspect_model, tmp_path, monkeypatch, act
):
    for folder in ("victim", "here"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    classic_models.save(tf, str(tmp_path / "victim" / "model"), [42.0])
    before = sorted(path.name for path in tmp_path.glob("*/*.index"))
    classic_models.save_model(tf, tmp_path / "hostile", act, "../../victim/model")

    alarms = inspect_model(tmp_path / "hostile").alarms
    assert any("runs when the model is used" in alarm for alarm in alarms)
    assert "asset ../../victim/model: lies in another folder" in alarms
    assert sorted(path.name for path in tmp_path.glob("*/*.index")) == before

    model = tf.saved_model.load(str(tmp_path / "hostile"))
    reads_it = model.signatures["serving_default"]()["answer"].numpy() == 42.0
    load_into_a_session(tf, tmp_path / "hostile")  # It runs what the first loader leaves out.
    overwrites_it = restored_number(tf, tmp_path / "victim" / "model") == 666.0
    writes_here = any((tmp_path / "here").iterdir())
    assert reads_it or overwrites_it or writes_here, "this payload is a dud"


def load_into_a_session(tf, folder):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        with contextlib.suppress(
            tf.errors.InvalidArgumentError
        ):  # What the first loader moved away.
            tf.compat.v1.saved_model.load(session, ["serve"], str(folder))


def restored_number(tf, prefix):
    """The number that a checkpoint holds as ``bias``, 666 if the checkpoint is gone."""
    if not prefix.with_suffix(".index").exists():
        return 666.0
    return tf.train.load_variable(str(prefix), "bias")


@pytest.mark.parametrize(
    "collection", ["saved_model_main_op", "legacy_init_op", "table_initializer"]
)
def test_every_collection_of_operations_is_followed(tf, inspect_model, tmp_path, collection):
    act = classic_models.save_where_a_saver_would
    classic_models.save_model(tf, tmp_path / "hostile", act, "words.txt", collection)
    assert inspect_model(tmp_path / "hostile").alarms == [
        "SaveV2 that can save or restore: runs when the model is used"
    ]


def test_an_honest_model_of_tensorflow_1_raises_no_alarm(tf, inspect_model, tmp_path):
    def nothing(tf, asset, bias):
        return tf.no_op("nothing")

    classic_models.save_model(tf, tmp_path / "honest", nothing, "words.txt")
    assert inspect_model(tmp_path / "honest").alarms == []


def test_a_saved_model_that_changes_itself_is_told(tf, inspect_model, tmp_path):
    classic_models.save_model_that_changes_itself(tf, tmp_path / "hostile")
    assert inspect_model(tmp_path / "hostile").alarms == [
        "SaveV2 that can save: runs when the model is restored"
    ]
    answers = []
    for _ in range(2):
        model = tf.saved_model.load(str(tmp_path / "hostile"))
        answers.append(model.signatures["serving_default"]()["answer"].numpy())
    assert answers == [2.0, 666.0], "this payload is a dud"


def test_a_meta_graph_that_overwrites_its_checkpoint_is_told(tf, inspect_model, tmp_path):
    tf1 = tf.compat.v1
    prefix = tmp_path / "hostile"
    classic_models.save_classic_that_changes_itself(tf, prefix)
    assert inspect_model(tmp_path / "hostile.meta").alarms == [
        "SaveV2 that can save: runs when the model is restored"
    ]
    with tf.Graph().as_default(), tf1.Session() as session:
        tf1.train.import_meta_graph(f"{prefix}.meta").restore(session, str(prefix))
    assert restored_number(tf, prefix) == 666.0, "this payload is a dud"


FORGERIES = [
    (forged_graphs.call_with_a_path, "StatefulPartitionedCall with a path of its own"),
    (forged_graphs.call_with_a_packed_path, "StatefulPartitionedCall with a path of its own"),
    (forged_graphs.call_in_a_branch, "If that can save or restore"),
    (forged_graphs.call_in_a_list, "Case that can save or restore"),
    (forged_graphs.call_by_name, "traced_save_"),
    (forged_graphs.begin_with_a_path, "SaveV2 with a path of its own"),
    (forged_graphs.join_with_a_path, "SaveV2 with a path of its own"),
    (forged_graphs.save_the_second_argument, "SaveV2 with a path of its own"),
    (forged_graphs.be_called_from_outside, "can save or restore, and can be called"),
    (forged_graphs.a_function_named_as_an_operation, "WriteFile"),
    (forged_graphs.two_functions_of_a_name, "WriteFile"),
    (forged_graphs.a_handle_as_a_constant, "Const of a handle"),
    (forged_graphs.a_path_of_2_to_the_40_parts, "RestoreV2 with a path of its own"),
]


@pytest.mark.parametrize("is_second", [False, True], ids=["alone", "second"])
@pytest.mark.parametrize(("change", "alarm"), FORGERIES, ids=name_of)
def test_a_forged_graph_is_told(honest, inspect_model, tmp_path, change, alarm, is_second):
    calculator = honest / "calculator"
    copy = forged_graphs.forge(calculator, tmp_path / "copy", forged_graphs.no_change, is_second)
    hostile = forged_graphs.forge(calculator, tmp_path / "hostile", change, is_second)
    assert inspect_model(copy).alarms == []
    alarms = inspect_model(hostile).alarms
    assert any(alarm in line for line in alarms), alarms


@pytest.mark.parametrize(
    "operation",
    [
        "Copy", "DebugIdentityV3", "DecodeJpeg", "EagerPyFunc", "InitializeTableFromTextFileV2",
        "LMDBReader", "MatchingFiles", "NoSuchOp", "PrintV2", "PyFunc", "ReadFile", "SummaryWriter",
        "TextLineDataset", "WriteFile", "XlaCallModule",
    ],
)  # fmt: skip
def test_an_operation_that_touches_files_runs_python_or_is_unknown_is_told(
    honest, inspect_model, tmp_path, operation
):
    def add(program):
        forged_graphs.add_node(program.graph_def, operation)

    folder = forged_graphs.forge(honest / "calculator", tmp_path / "hostile", add)
    assert inspect_model(folder).alarms == [f"{operation}: in the graph"]
    assert inspect_model(folder, also={operation}).alarms == []


@pytest.mark.parametrize(
    "name",
    [
        "saved_model.pbtxt", "saved_model.cpb", "config.json", "keras_metadata.pbtxt", "a.pkl",
        "model.py", "variables/a", "assets.other/a",
    ],
)  # fmt: skip
def test_a_file_that_tensorflow_does_not_write_is_told(honest, inspect_model, tmp_path, name):
    folder = tmp_path / "hostile"
    shutil.copytree(honest / "calculator", folder)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("text", encoding="utf-8")
    assert inspect_model(folder).alarms == [f"{name}: TensorFlow writes no such file"]


def test_a_graph_as_text_is_not_judged(module, honest, inspect_model, tmp_path, meta_graph):
    program = meta_graph.FromString((honest / "classic.meta").read_bytes())
    text = module("google.protobuf.text_format").MessageToString(program)
    (tmp_path / "text.meta").write_text(text, encoding="utf-8")
    assert inspect_model(tmp_path / "text.meta").alarms[0].startswith("not judged: ")
    (tmp_path / "saved_model.pbtxt").write_text("meta_graphs {}", encoding="utf-8")
    assert inspect_model(tmp_path).alarms[-1].startswith("not judged: ")


def test_the_state_of_an_iterator_is_told(tf, inspect_model, tmp_path):
    checkpoint = tf.train.Checkpoint(iterator=iter(tf.data.Dataset.range(3)))
    prefix = checkpoint.save(tmp_path / "a")
    alarms, notes = inspect_model(prefix)
    assert "variant" in alarms[0]
    assert notes == []


def calls_in(act):
    """How many functions ``act`` calls, all in all."""
    calls = 0

    def count(frame, event, _):
        nonlocal calls
        if event in ("call", "c_call"):
            calls += 1

    sys.setprofile(count)
    try:
        act()
    finally:
        sys.setprofile(None)
    return calls


def test_twice_as_many_paths_twice_as_long_are_twice_the_work(module, tmp_path, meta_graph):
    inspector = module("helpers.recipes.inspect_model")

    def work(length):
        path = tmp_path / f"{length}.meta"
        program = meta_graph()
        forged_graphs.many_users_of_a_long_chain(program.graph_def, length)
        path.write_bytes(program.SerializeToString())
        assert inspector.inspect_model(path).alarms == []
        return calls_in(lambda: inspector.inspect_model(path))

    assert work(400) < 2.5 * work(200)


# Pickles


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_calls_is_told(inspect_model, tmp_path, marker, protocol):
    path = tmp_path / "a.pickle"
    path.write_bytes(pickle.dumps({"loss": [0.5, Payload(marker)]}, protocol))
    assert any("REDUCE" in alarm for alarm in inspect_model(path).alarms)
    assert not marker.exists()
    pickle.loads(path.read_bytes())
    assert marker.exists(), "this payload is a dud"


@pytest.mark.parametrize("told", CALLS)
def test_another_way_to_call_is_told(inspect_model, tmp_path, told):
    (tmp_path / "a.pkl").write_bytes(CALLS[told])
    assert any(alarm.startswith(f"{told}:") for alarm in inspect_model(tmp_path / "a.pkl").alarms)


def test_objects_in_an_array_are_told(inspect_model, tmp_path, marker):
    np.save(tmp_path / "a.npy", np.array([Payload(marker)], dtype=object), allow_pickle=True)
    (tmp_path / "b.npy").write_bytes(pickle.dumps(Payload(marker)))
    assert inspect_model(tmp_path / "a.npy").alarms[0].startswith("a pickle: ")
    assert inspect_model(tmp_path / "b.npy").alarms[0].startswith("not judged: the magic string")
    assert not marker.exists()


# What cannot be judged

KINDS = ["a.keras", "a.h5", "a.npy", "a.pkl", "a.meta", "a.pb", "a.txt", "a", "a.KERAS"]


@pytest.mark.parametrize("content", [b"hello", b"PK\x03\x04", bytes(100)])
@pytest.mark.parametrize("name", KINDS)
def test_a_file_that_is_damaged_or_of_another_kind_has_an_alarm(
    inspect_model, tmp_path, name, content
):
    (tmp_path / name).write_bytes(content)
    assert inspect_model(tmp_path / name).alarms


def test_what_is_missing_or_lacks_its_main_file_is_not_judged(honest, inspect_model, tmp_path):
    assert "not judged: no file of a kind" in inspect_model(tmp_path / "gone").alarms[0]
    assert "not judged" in inspect_model(tmp_path / "gone.keras").alarms[0]
    (tmp_path / "empty").mkdir()
    assert "not judged" in inspect_model(tmp_path / "empty").alarms[0]


def test_a_file_beside_an_index_is_not_taken_for_its_checkpoint(honest, inspect_model, tmp_path):
    shutil.copy(honest / "classic.index", tmp_path / "a.index")
    (tmp_path / "a").write_bytes(b"hello")
    assert "not judged" in inspect_model(tmp_path / "a").alarms[0]


@pytest.mark.parametrize("ending", ["", ".keras", ".h5", ".npy", ".pkl", ".meta"])
def test_a_name_that_is_too_long_is_not_judged(inspect_model, tmp_path, ending):
    [alarm] = inspect_model(tmp_path / (300 * "a" + ending)).alarms
    assert alarm.startswith("not judged: ")


@contextlib.contextmanager
def as_nobody():
    """Root may enter every folder, so for a moment the tests run as nobody."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


@pytest.mark.skipif(os.name != "posix", reason="a folder can be closed in another way there")
@pytest.mark.parametrize("name", ["a", "a.keras", "a.h5", "a.npy", "a.pkl", "a.meta"])
def test_a_file_in_a_folder_that_may_not_be_entered_is_not_judged(inspect_model, tmp_path, name):
    closed = tmp_path / "closed"
    closed.mkdir()
    (closed / name).write_text("text", encoding="utf-8")
    closed.chmod(0)
    try:
        with as_nobody():
            [alarm] = inspect_model(closed / name).alarms
    finally:
        closed.chmod(0o700)
    assert alarm.startswith("not judged: [Errno 13] Permission denied")


@contextlib.contextmanager
def a_pipe(path):
    """A pipe. Whoever reads it, although nobody should, finds it empty and need not wait."""
    os.mkfifo(path)
    is_over = threading.Event()

    def feed():
        while not is_over.is_set():
            path.write_bytes(b"")  # It waits until somebody reads.

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        yield
    finally:
        is_over.set()
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        feeder.join()
        os.close(reader)


needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes have no path there")


@needs_pipes
@pytest.mark.parametrize("name", ["a", "a.keras", "a.h5", "a.npy", "a.pkl", "a.meta"])
def test_a_pipe_is_not_judged_and_not_waited_for(inspect_model, tmp_path, name):
    with a_pipe(tmp_path / name):
        alarms = inspect_model(tmp_path / name).alarms
    assert alarms == [f"not judged: {name} is a pipe or a device, not a file"]


@needs_pipes
@pytest.mark.parametrize("name", ["saved_model.pb", "variables/variables.index"])
def test_a_pipe_in_a_saved_model_is_not_judged(honest, inspect_model, tmp_path, name):
    folder = tmp_path / "hostile"
    shutil.copytree(honest / "calculator", folder)
    (folder / name).unlink()
    with a_pipe(folder / name):
        alarms = inspect_model(folder).alarms
    assert alarms == [f"not judged: {Path(name).name} is a pipe or a device, not a file"]


@pytest.mark.skipif(os.name != "posix", reason="devices have no path there")
@pytest.mark.parametrize("name", ["a", "a.keras", "a.h5", "a.npy", "a.pkl", "a.meta"])
def test_a_device_is_not_judged(inspect_model, tmp_path, name):
    (tmp_path / name).symlink_to(os.devnull)
    alarms = inspect_model(tmp_path / name).alarms
    assert alarms == [f"not judged: {name} is a pipe or a device, not a file"]


def test_lines_of_a_hostile_file_do_not_reach_the_terminal(inspect_model, tmp_path):
    write_keras(
        tmp_path / "a.keras",
        {"class_name": "\x1b[2J\n" + 999 * "x", "module": "a", "config": {}},
    )
    assert len(inspect_model(tmp_path / "a.keras").alarms[0]) == 200


@pytest.mark.parametrize(
    "config", ["[" * 100_000, '"x"', "[]", "null"], ids=["too deep", "text", "list", "null"]
)
def test_a_configuration_that_is_none_is_not_judged(inspect_model, tmp_path, config):
    configurations.write_members(tmp_path / "a.keras", {"config.json": config})
    assert "not judged" in inspect_model(tmp_path / "a.keras").alarms[0]


@pytest.mark.parametrize("name", ["plain.keras", "plain.weights.h5", "classic.meta"])
def test_no_flipped_bit_makes_it_fail(honest, inspect_model, tmp_path, name):
    content = (honest / name).read_bytes()
    chance = random.Random(1)
    for _ in range(60):
        broken = bytearray(content)
        broken[chance.randrange(len(broken))] ^= 1 << chance.randrange(8)
        (tmp_path / name).write_bytes(broken)
        inspect_model(tmp_path / name)


def test_what_is_no_path_is_an_error_of_the_caller(inspect_model):
    with pytest.raises(TypeError):
        inspect_model(None)


# The list of known names


@pytest.fixture(scope="module")
def known_names(module):
    return module("helpers.recipes.inspect_model.known_names").KNOWN_NAMES


def test_the_list_is_read_as_groups_of_names(module, tmp_path):
    read_known_names = module("helpers.recipes.inspect_model.known_names").read_known_names
    (tmp_path / "names.txt").write_text("# a comment\n[a.b]\nc d\ne\n[f]\ng\n", encoding="utf-8")
    assert read_known_names(tmp_path / "names.txt") == {"a.b": {"c", "d", "e"}, "f": {"g"}}


def has_symbol(tf, name):
    """Whether TensorFlow has a function or a module of this name, today or in version 1."""
    for place in (tf, tf.compat.v1):
        for part in name.split("."):
            place = getattr(place, part, None)
        if place is not None:
            return True
    return False


def test_every_name_on_the_list_exists(tf, module, known_names):
    for head, names in known_names.items():
        if head.startswith("keras"):
            assert [name for name in names if not hasattr(module(head), name)] == [], head
    assert [name for name in known_names["tensorflow"] if not hasattr(tf.raw_ops, name)] == []
    functions = [name.removesuffix(".*") for name in known_names["functions of TensorFlow"]]
    assert [name for name in functions if not has_symbol(tf, name)] == []
    opcodes = {opcode.name for opcode in module("pickletools").opcodes}
    assert known_names["pickle"] <= opcodes


def test_no_name_on_the_list_is_also_one_of_python(module):
    configurations = module("helpers.recipes.inspect_model.configurations")
    assert not configurations.NAMES_WITHOUT_MODULE & set(dir(module("builtins")))


def test_the_list_leaves_out_what_can_run_code_and_nothing_else_among_layers(keras, known_names):
    listed = [getattr(keras.layers, name) for name in known_names["keras.layers"]]
    classes = {name for name, value in vars(keras.layers).items() if isinstance(value, type)}
    assert {name for name in classes if getattr(keras.layers, name) not in listed} == {
        "FlaxLayer", "InputSpec", "JaxLayer", "Lambda", "Layer", "TFSMLayer",
        "TorchModuleWrapper", "Wrapper",
    }  # fmt: skip


def test_no_operation_on_the_list_reads_writes_or_calls_python(known_names):
    words = "File Print PyFunc Decode Reader Writer Dataset Iterator Xla Remote Send Recv Debug"
    found = [name for name in known_names["tensorflow"] for word in words.split() if word in name]
    assert sorted(found) == ["ShardedFilename", "UnicodeDecode", "UnicodeDecodeWithOffsets"]
