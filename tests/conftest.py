"""What tests share: modules imported when a test asks for them, and a course of its own."""

import importlib
import signal
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def module():
    """Import a module by its name: ``module("helpers.look")``, ``module("keras")``.

    TensorFlow takes seconds to import, and so does each of our helpers, which imports it first.
    Whoever runs a single test of a file that needs neither does not have to wait for them.
    """
    importlib.import_module("helpers")  # first of all, so that TensorFlow's log is quiet
    return importlib.import_module


@pytest.fixture(scope="session")
def helpers(module):
    return module("helpers")


@pytest.fixture(scope="session")
def tf(module):
    return module("tensorflow")


@pytest.fixture(scope="session")
def keras(module):
    return module("keras")


@pytest.fixture
def plt(module):
    """Draw in memory, and close what was drawn."""
    pyplot = module("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    yield pyplot
    pyplot.close("all")


@pytest.fixture
def interrupts_are_heard():
    """A shell starts what runs in its background deaf to interrupts, and so might this process."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def course(tmp_path, monkeypatch):
    """An empty course with one notebook, ``01_save``, in whose ``notebooks/`` the test works."""
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    (notebooks / "01_save.ipynb").write_text("{}", encoding="utf-8")
    monkeypatch.delenv("COURSE_RUNS", raising=False)
    monkeypatch.chdir(notebooks)
    return tmp_path


@pytest.fixture
def prefix(tf, tmp_path):
    """A checkpoint of a 2x3 float32 matrix, named ``model/weights``, and its bookkeeping."""
    model = tf.Module()
    model.weights = tf.Variable(tf.ones([2, 3]))
    return Path(tf.train.Checkpoint(model=model).save(tmp_path / "saved" / "model"))
