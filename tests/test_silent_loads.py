"""helpers.lab.silent_loads: seven loads, none of which raises, and what two judges say of each."""

import pytest

# h5py and TensorFlow have not followed numpy 2 in this yet.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

EXPECTED = [
    ("a head less (.weights.h5)", "silent", "unexpected", "rrrr"),
    ("heads swapped (.weights.h5)", "silent", "other name", "rrwwww"),
    ("64-bit model (.weights.h5)", "silent", "other dtype", "rrrr"),
    ("renamed layer (checkpoint)", "raises", "missing", "rrww"),
    ("model not called (checkpoint)", "silent", "unexpected", "wrrr"),
    ("no longer frozen (checkpoint)", "raises", "missing", "wwww"),
    ("other shape (Saver)", "silent", "other shape", "w"),
]


@pytest.fixture(scope="module")
def verdicts(module, tmp_path_factory):
    folder = tmp_path_factory.mktemp("loads")
    return module("helpers.lab.silent_loads").silent_loads(folder)


def letters(verdict):
    return "".join("r" if is_right else "w" for is_right in verdict.is_right)


def test_each_load_is_judged_as_it_was(verdicts):
    found = [(verdict.load, verdict.usual, letters(verdict)) for verdict in verdicts]
    assert found == [(load, usual, numbers) for load, usual, _, numbers in EXPECTED]


def test_the_report_objects_to_each(verdicts):
    for verdict, (_, _, status, _) in zip(verdicts, EXPECTED, strict=True):
        assert status in verdict.report, verdict


@pytest.fixture
def loads(module):
    return module("helpers.lab.silent_loads")


def test_a_judge_raises_warns_or_is_silent(loads, module):
    warnings = module("warnings")

    def refuse():
        raise ValueError("no")

    assert loads.said_by(refuse) == "raises"
    assert loads.said_by(warnings.warn, "look") == "warns"
    assert loads.said_by(warnings.warn, "look", category=DeprecationWarning) == "silent"
    assert loads.said_by(int, "7") == "silent"


@pytest.fixture
def saved(loads, tf, tmp_path):
    """A model, and where it lies as a checkpoint of its layers and as a file of Keras."""
    model = loads.build_model(seed=1, animals=3)
    prefix, file = tmp_path / "parts", tmp_path / "three.weights.h5"
    tf.train.Checkpoint(**loads.layers_of(model)).write(prefix)
    model.save_weights(file)
    return model, prefix, file


@pytest.mark.parametrize(
    ("heads", "said"),
    [
        ({"animals": 3}, ["silent", "silent", "silent", "silent", "silent"]),
        ({"species": 3}, ["raises", "raises", "silent", "silent", "silent"]),
        ({"animals": 5}, ["raises", "raises", "raises", "raises", "warns"]),
    ],
)
def test_each_judge_is_asked(loads, saved, heads, said):
    _, prefix, file = saved
    judges = loads.ask_judges(loads.build_model(seed=2, **heads), prefix, file)
    assert list(judges.values()) == said


def test_the_same_layer_has_the_same_weights(loads, saved):
    model, _, file = saved
    other = loads.build_model(seed=2, animals=3)
    assert not loads.same_layer(model, other, "hidden")
    other.load_weights(file)
    assert loads.same_layer(model, other, "hidden")
    assert list(loads.layers_of(other)) == ["hidden", "animals"]
    assert not loads.same_layer(model, other, "animals", "hidden")
    renamed = loads.build_model(seed=1, species=3)
    assert loads.same_layer(model, renamed, "animals", "species")


def test_a_refusal_leaves_the_model_as_it_was(loads, saved):
    _, _, file = saved

    def refuse(file, model):
        raise ValueError("no")

    def load_and_refuse(file, model):
        model.load_weights(file)
        raise ValueError("too late")

    other = loads.build_model(seed=2, animals=3)
    assert loads.refusal(refuse, file, other) == "no"
    assert loads.refusal(load_and_refuse, file, other) == ""
    assert loads.refusal(lambda file, model: None, file, other) == ""
