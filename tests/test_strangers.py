"""helpers.lab.strangers: loads of hostile files, each in a process of its own."""

import pickle

from tests.hostile.pickles import Payload

import matplotlib
import pytest
from matplotlib import pyplot as plt

# h5py and TensorFlow have not followed numpy 2 in this yet.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture
def strangers(module):
    return module("helpers.lab.strangers")


@pytest.fixture
def marker(tmp_path):
    return tmp_path / "it_ran"


def save_others(strangers, folder, marker):
    import keras

    place = str(marker)
    touch = keras.layers.Lambda(lambda x: (__import__("pathlib").Path(place).touch(), x)[1])
    model = keras.Sequential([keras.Input((2,)), touch, keras.layers.Dense(1)])
    strangers.save_others(folder, model, Payload(marker))


def test_a_load_that_runs_code_is_told_from_one_that_runs_none(strangers, tmp_path, marker):
    path = tmp_path / "object.pkl"
    path.write_bytes(pickle.dumps(Payload(marker)))
    assert strangers.attempt(path, "pickle.load(open(path, 'rb'))") == ("loaded", True)
    assert strangers.attempt(path, "open(path, 'rb').read()") == ("loaded", False)


def test_an_error_of_a_load_is_named(strangers, tmp_path):
    assert strangers.attempt(tmp_path / "none", "open(path)") == ("FileNotFoundError", False)


def test_a_marker_of_an_earlier_load_does_not_count(strangers, tmp_path, marker):
    marker.touch()
    assert strangers.attempt(tmp_path / "none", "pass") == ("loaded", False)
    assert not marker.exists()


def test_the_other_files_run_code_only_where_the_notebook_says_so(strangers, tmp_path, marker):
    save_others(strangers, tmp_path, marker)
    codes = {(load.file, load.column): load.code for load in strangers.LOADS}
    expected = {
        ("lambda.h5", strangers.USUAL): ("ValueError", False),
        ("lambda.h5", strangers.GUARD_OFF): ("loaded", True),
        ("lambda.h5", strangers.NUMBERS): ("loaded", False),
        ("classic.meta", strangers.USUAL): ("loaded", True),
        ("classic.meta", strangers.NUMBERS): ("loaded", False),
        ("object.npy", strangers.USUAL): ("ValueError", False),
        ("object.npy", strangers.GUARD_OFF): ("loaded", True),
    }
    found = {key: strangers.attempt(tmp_path / key[0], codes[key]) for key in expected}
    assert found == expected


def test_the_import_of_a_meta_graph_runs_nothing_before_the_restore(strangers, tmp_path):
    strangers.save_classic(tmp_path / "classic")
    code = strangers.CLASSIC + "tf1.train.import_meta_graph(path)"
    assert strangers.attempt(tmp_path / "classic.meta", code) == ("loaded", False)


def test_inspections_of_these_files_run_nothing_and_find_all(strangers, tmp_path, marker):
    from helpers.recipes.inspect_model import inspect_model

    save_others(strangers, tmp_path, marker)
    for file in ("lambda.h5", "classic.meta", "object.npy"):
        outcome = strangers.attempt(tmp_path / file, strangers.INSPECTION)
        assert outcome == ("loaded", False)
        assert inspect_model(tmp_path / file).alarms


class Model:
    """A stand-in for a model of Keras."""

    def __init__(self):
        self.weights = [1.0]

    def get_weights(self):
        return list(self.weights)


def test_a_refusal_is_an_error_that_leaves_the_model_alone(strangers):
    def refuse(model, path, published):
        raise ValueError("no")

    def load_and_refuse(model, path, published):
        model.weights = [2.0]
        raise ValueError("no")

    def load(model, path, published):
        model.weights = [2.0]

    assert strangers.is_refused(refuse, Model(), "path", "hash")
    assert not strangers.is_refused(load_and_refuse, Model(), "path", "hash")
    assert not strangers.is_refused(load, Model(), "path", "hash")


def test_a_file_is_refused_with_a_hash_that_is_nearly_right(strangers, tmp_path):
    published, tampered, other = [tmp_path / f"{name}.weights.h5" for name in "abc"]
    published.write_bytes(b"right")
    tampered.write_bytes(b"wrong")
    other.write_bytes(b"other")

    def fault(is_right):
        def load(model, path, given):
            found = strangers.sha256(path)
            if path == other or not is_right(found, given):
                raise ValueError("refused")

        return strangers.find_loaded(load, Model(), published, tampered, [other])

    digest = strangers.sha256(published)
    assert fault(lambda found, given: found == given) is None
    assert fault(lambda found, given: True) == f"{tampered.name} with the hash {digest} is loaded"
    nearly = f"{published.name} with the hash "
    assert fault(str.startswith) == f"{nearly}{digest[:-1]} is loaded"
    assert fault(lambda found, given: found[0] == given[0]).startswith(nearly)
    assert fault(lambda found, given: found[:63] == given[:63]).startswith(nearly)
    assert fault(lambda found, given: found[1:] == given[1:]) == f"{nearly}?{digest[1:]} is loaded"

    def load_other(model, path, given):
        if path != other:
            raise ValueError("refused")

    found = strangers.find_loaded(load_other, Model(), published, tampered, [other])
    assert found.startswith(f"{other.name} with the hash ")


def test_the_picture_has_a_field_in_orange_for_each_load_that_ran_code(strangers, monkeypatch):
    monkeypatch.setattr(plt, "show", lambda: None)
    loads = strangers.LOADS
    outcomes = {load: strangers.Outcome("loaded", False) for load in loads}
    outcomes[loads[0]] = strangers.Outcome("ValueError", False)
    outcomes[loads[1]] = strangers.Outcome("loaded", True)
    strangers.draw_outcomes(outcomes)
    [axes] = plt.gcf().axes
    texts = [text.get_text() for text in axes.texts]
    colours = [matplotlib.colors.to_hex(patch.get_facecolor()).upper() for patch in axes.patches]
    plt.close("all")
    assert texts.count("refused") == 1
    assert texts.count("code ran") == 1
    assert texts.count("nothing ran") == len(loads) - 2
    assert colours.count(strangers.COLOURS[5]) == 1
    assert set(strangers.FILES) <= set(texts)


def test_the_hand_over_names_the_file(strangers, monkeypatch):
    monkeypatch.setattr(plt, "show", lambda: None)
    strangers.draw_hand_over("numbers.npy")
    texts = [text.get_text() for axes in plt.gcf().axes for text in axes.texts]
    plt.close("all")
    assert "numbers.npy\nby mail" in texts
