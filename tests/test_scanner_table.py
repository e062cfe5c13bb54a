"""The table of scanners in 18: its files and its first row are those of ``tests.model_files``."""

import re
from pathlib import Path

import nbformat
import pytest

# h5py and TensorFlow have not followed numpy 2 in this yet.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

NOTEBOOK = Path(__file__).parent.parent / "notebooks" / "18_trust.ipynb"
COUNTS = re.compile(r"write (\d+) hostile files and (\d+) honest ones")
FIRST_ROW = re.compile(r"^\| our `inspect_model` \|.*\| (\d+) \| (\d+) \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def alarmed(tmp_path_factory):
    """Whether each file has an alarm: a list for the hostile ones and one for the honest ones."""
    from helpers.recipes.inspect_model import inspect_model
    from tests import model_files

    folder = tmp_path_factory.mktemp("models")
    model_files.write_all(folder)
    return [
        [bool(inspect_model(path).alarms) for path in model_files.models_in(folder / kind)]
        for kind in ("hostile", "honest")
    ]


@pytest.fixture(scope="module")
def prose():
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def test_as_many_files_as_the_notebook_says(alarmed, prose):
    assert [str(len(alarms)) for alarms in alarmed] == [*COUNTS.search(prose).groups()]


def test_the_row_of_the_inspector_is_what_it_finds(alarmed, prose):
    assert [str(sum(alarms)) for alarms in alarmed] == [*FIRST_ROW.search(prose).groups()]


def test_every_hostile_file_has_an_alarm_and_no_honest_one(alarmed):
    hostile, honest = alarmed
    assert all(hostile)
    assert not any(honest)
