"""The helpers, imported by the tests that need them: importing TensorFlow takes seconds."""

import importlib

import pytest


@pytest.fixture(scope="session")
def helpers():
    return importlib.import_module("helpers")


@pytest.fixture(scope="session")
def tf(helpers):
    return importlib.import_module("tensorflow")


@pytest.fixture
def plt():
    """Draw in memory, and close what was drawn."""
    pyplot = importlib.import_module("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    yield pyplot
    pyplot.close("all")


@pytest.fixture
def course(helpers, tmp_path, monkeypatch):
    """An empty course with one notebook, ``01_save``, that `helpers` takes for its own."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "01_save.ipynb").write_text("{}")
    monkeypatch.setattr("helpers.runs.COURSE", tmp_path)
    monkeypatch.chdir(tmp_path / "notebooks")
    return tmp_path
