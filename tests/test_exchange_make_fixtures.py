"""The script that made the files with PyTorch: it says what it needs, and its files agree with it.

PyTorch is not installed here, so nothing of the script's training is run again.
"""

import importlib
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file


@pytest.fixture(scope="module")
def make_fixtures(module):
    return module("helpers.exchange.make_fixtures")


@pytest.fixture(scope="module")
def files(make_fixtures):
    return {path.stem: load_file(path) for path in make_fixtures.FILES.iterdir()}


def test_without_pytorch_one_line_says_which_environment_to_use(make_fixtures, monkeypatch):
    def refuse(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(make_fixtures, "importlib", SimpleNamespace(import_module=refuse))
    line = (
        r"^no PyTorch here: use the environment that the docstring of make_fixtures\.py describes$"
    )
    with pytest.raises(ModuleNotFoundError, match=line):
        make_fixtures.main()


def test_the_networks_that_it_builds_are_those_in_the_files(make_fixtures, files):
    """Modules that only note their arguments tell which shapes the real ones have."""

    class Notes:
        def __getattr__(self, kind):
            return lambda *arguments, **options: (kind, arguments, options)

    nn = Notes()
    nn.Sequential = dict
    nn.ModuleDict = dict
    cnn, rnn = make_fixtures.build_cnn(nn), make_fixtures.build_rnn(nn)
    _, (inputs, outputs), options = cnn["conv"]
    size = options["kernel_size"]
    assert files["digits_cnn"]["conv.weight"].shape == (outputs, inputs, size, size)
    for name, network in {"digits_cnn": cnn, "digits_rnn": rnn}.items():
        _, (inputs, outputs), _ = network["scores"]
        assert files[name]["scores.weight"].shape == (outputs, inputs)
    _, (inputs, units), _ = rnn["rnn"]
    assert files["digits_rnn"]["rnn.weight_ih_l0"].shape == (4 * units, inputs)
    assert files["digits_rnn"]["rnn.weight_hh_l0"].shape == (4 * units, units)


def test_the_answers_are_for_the_first_images_that_were_not_trained_on(make_fixtures, files):
    images = importlib.import_module("sklearn.datasets").load_digits().images
    first = images[-make_fixtures.TEST_IMAGES :][: make_fixtures.ANSWERED_IMAGES]
    answers = files["answers"]
    assert np.array_equal(answers["images"][:, 0], (first / 16).astype("float32"))
    for name in ["cnn", "rnn", "pruned"]:
        assert answers[name].shape == (make_fixtures.ANSWERED_IMAGES, 10)


def test_the_file_of_half_the_size_holds_the_same_numbers_in_bfloat16(files):
    whole, half = files["digits_cnn"], files["digits_cnn_bf16"]
    assert set(whole) - set(half) == {"norm.num_batches_tracked"}
    for name, array in half.items():
        assert array.dtype.name == "bfloat16"
        assert np.array_equal(array, whole[name].astype(array.dtype))


def test_the_files_say_that_they_are_pytorchs(make_fixtures):
    for name in ["digits_cnn", "digits_cnn_bf16", "digits_rnn"]:
        with safe_open(make_fixtures.FILES / f"{name}.safetensors", "np") as file:
            assert file.metadata() == {"format": "pt"}
