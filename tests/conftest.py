"""What tests share: modules that are imported when a test asks for them, and a course of its own."""

import importlib

import pytest


@pytest.fixture(scope="session")
def module():
    """Import a module by its name: ``module("helpers.look")``, ``module("keras")``.

    TensorFlow takes seconds to import, and a process that runs notebooks only, or that collects
    tests, does not need it. So no test file imports it, or a helper, at its top.
    """
    importlib.import_module("helpers")  # first of all, so that TensorFlow's log is quiet
    return importlib.import_module


@pytest.fixture(scope="session")
def helpers(module):
    return module("helpers")


@pytest.fixture(scope="session")
def tf(module):
    return module("tensorflow")


@pytest.fixture
def plt(module):
    """Draw in memory, and close what was drawn."""
    pyplot = module("matplotlib.pyplot")
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
