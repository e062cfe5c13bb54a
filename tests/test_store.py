"""Storing a notebook changes what has changed, and nothing else.

A run takes a second or two. Where another thing than the run is tried, the cells get the outputs
of one run that several tests share.
"""

import base64
import copy
import io
import json
import runpy
import sys
import tomllib
from pathlib import Path

from tests import store
from tests.gate import figure_facts, outputs

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

COURSE = Path(__file__).parent.parent
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
# The cells of a notebook without TensorFlow, so that each run takes a second.
SOURCES = [
    "import sys, time\nprint('one')\nprint('two', flush=True)",
    "print(f'runs/x/{time.strftime(\"%Y-%m-%d_%H-%M-%S\")}_{time.time_ns()}')\n6 * 7",
    "import random\nprint(f'about {0.77 + random.uniform(-0.01, 0.01):.4f}')",
    "from matplotlib import pyplot as plt\n%matplotlib inline\nplt.plot([1, 3, 2])\nplt.show()",
]
TAGS = [[], [], ["number-varies"], []]
CHANGED = SOURCES[0].replace("two", "three")


def made(sources=SOURCES, tags=TAGS):
    cells = [new_code_cell(source) for source in sources]
    for cell, some in zip(cells, tags, strict=True):
        if some:
            cell.metadata.tags = some
    return new_notebook(
        cells=[new_markdown_cell("# A title"), *cells],
        metadata={"kernelspec": KERNEL, "language_info": {"name": "python"}},
    )


def written(notebook, folder):
    path = folder / "01_made.ipynb"
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")
    return path


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A notebook that was stored once."""
    path = written(made(), tmp_path_factory.mktemp("course"))
    store.store(path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What each cell gives in a second run, later than that of the stored notebook."""
    notebook = made([*SOURCES, CHANGED], [*TAGS, []])
    store.run(notebook, tmp_path_factory.mktemp("course") / "01_made.ipynb")
    return {cell.source: cell.outputs for cell in notebook.cells if cell.cell_type == "code"}


@pytest.fixture
def second_run(found, monkeypatch):
    """Let cells give what they gave in the second run."""

    def run(notebook, path):
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        for count, cell in enumerate(code, start=1):
            cell.outputs = copy.deepcopy(found[cell.source])
            cell.execution_count = count

    monkeypatch.setattr(store, "run", run)


@pytest.fixture
def path(stored, tmp_path):
    path = tmp_path / "01_made.ipynb"
    path.write_bytes(stored)
    return path


def code_cells(path):
    cells = nbformat.read(path, as_version=4).cells
    return [cell for cell in cells if cell.cell_type == "code"]


def stream(text, name="stdout"):
    return new_output("stream", name=name, text=text)


def picture(pixels, **metadata):
    file = io.BytesIO()
    Image.fromarray(np.asarray(pixels, dtype=np.uint8)).save(file, "png")
    data = {"image/png": base64.b64encode(file.getvalue()).decode(), "text/plain": "<Figure>"}
    return new_output("display_data", data, metadata=metadata)


def test_what_runs_for_the_first_time_is_stored(stored, path):
    first, second, third, fourth = code_cells(path)
    assert [cell.execution_count for cell in (first, second, third, fourth)] == [1, 2, 3, 4]
    assert first.outputs == [stream("one\ntwo\n")]
    assert [output.output_type for output in second.outputs] == ["stream", "execute_result"]
    assert second.outputs[1].data == {"text/plain": "42"}
    assert third.outputs[0].text.startswith("about 0.7")
    assert "image/png" in fourth.outputs[-1].data
    assert fourth.outputs[-1].metadata[figure_facts.KEY]["axes"][0]["series"]


def test_an_unchanged_notebook_stays_as_it_is_to_the_last_byte(stored, path, capsys, second_run):
    before = path.stat().st_mtime_ns
    assert store.main([str(path)]) == 0
    assert capsys.readouterr().out == "01_made.ipynb: no output has changed\n"
    assert path.read_bytes() == stored
    assert path.stat().st_mtime_ns == before


def test_a_second_run_is_not_the_same_to_the_last_byte(stored, found):
    """So the tests below say something."""
    one, of_its_time = nbformat.reads(stored.decode(), as_version=4).cells[1:3]
    assert found[one.source] == one.outputs
    assert found[of_its_time.source] != of_its_time.outputs


def test_a_changed_cell_changes_its_own_outputs_only(stored, path, second_run):
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].source = CHANGED
    written(notebook, path.parent)
    assert store.store(path) == [1]
    changed = stored.decode().replace("two\\n", "three\\n").replace("'two'", "'three'")
    assert path.read_text(encoding="utf-8") == changed


def test_noise_of_an_editor_is_cleaned_up(stored, path, second_run):
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.widgets = {"application/vnd.jupyter.widget-state+json": {"state": {}}}
    notebook.metadata.language_info = {"name": "python", "version": "3.11.7"}
    notebook.cells[1].metadata.execution = {"iopub.execute_input": "2026-11-28T00:00:00Z"}
    notebook.cells[1].outputs = [stream("one\n"), stream("two\n")]
    notebook.cells[2].execution_count = 17
    notebook.cells[3].outputs.append(
        new_output("display_data", {outputs.WIDGET: {"model_id": "1"}, "text/plain": "0%"})
    )
    path.write_text(nbformat.writes(notebook, indent=4), encoding="utf-8")
    store.store(path)
    assert path.read_bytes() == stored


def test_a_cell_that_fails_is_named_and_nothing_is_stored(tmp_path, capsys):
    sources = ["print('one')", "\nvalue = {}\nvalue['lost']"]
    path = written(made(sources, [[], []]), tmp_path)
    before = path.read_bytes()
    assert store.main([str(path)]) == 1
    error = capsys.readouterr().err
    assert error == (
        "01_made.ipynb: cell [2], 'value = {}': KeyError: 'lost'. The stored file is as it was.\n"
    )
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_kernel_that_dies_is_reported_in_one_line(tmp_path, capsys):
    path = written(made(["import os\nos._exit(1)"], [[]]), tmp_path)
    assert store.main([str(path)]) == 1
    assert "cell [1], 'import os': its kernel died." in capsys.readouterr().err


@pytest.mark.parametrize("name", ["notes.txt", "no_such.ipynb", "broken.ipynb", "."])
def test_what_is_no_notebook_is_refused_in_one_line(name, tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("{}", encoding="utf-8")
    (tmp_path / "broken.ipynb").write_text("{", encoding="utf-8")
    assert store.main([str(tmp_path / name)]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "notebook" in error
    assert (tmp_path / name).as_posix() in error


def test_the_command_ends_with_one_line_and_an_exit_code(monkeypatch, capsys):
    monkeypatch.chdir(COURSE)
    monkeypatch.setattr(sys, "argv", ["store.py", "README.md"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(store.__file__, run_name="__main__")
    assert ended.value.code == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == "README.md is no notebook: give paths of .ipynb files, or none\n"


def test_one_failure_does_not_keep_the_next_notebook_from_being_stored(
    tmp_path, capsys, second_run
):
    good = written(made(SOURCES[:1], TAGS[:1]), tmp_path)
    assert store.main([str(tmp_path / "none.ipynb"), str(good)]) == 1
    assert code_cells(good)[0].outputs == [stream("one\ntwo\n")]
    assert capsys.readouterr().out == "01_made.ipynb: new outputs of [1]\n"


def test_the_line_of_a_run_stays_where_another_line_has_changed():
    old = stream("runs/x/2026-01-01_00-00-00\nepoch 1\nrest\n")
    new = stream("runs/x/2027-02-02_11-11-11_2\nepoch 2\nrest\n")
    [settled] = store.settled([new], [old], [])
    assert settled.text == "runs/x/2026-01-01_00-00-00\nepoch 2\nrest\n"


def test_many_lines_of_runs_stay_too():
    old = stream("runs/x/2026-01-01_00-00-00\n" * 300)
    new = stream("runs/x/2027-02-02_11-11-11\n" * 300 + "one more\n")
    [settled] = store.settled([new], [old], [])
    assert settled.text == old.text + "one more\n"


@pytest.mark.parametrize(
    ("tags", "text", "kept"),
    [
        (["number-varies"], "accuracy 0.78\n", True),
        (["number-varies"], "accuracy 0.98\n", False),
        (["number-varies"], "precision 0.77\n", False),
        ([], "accuracy 0.78\n", False),
    ],
)
def test_a_number_may_vary_only_in_a_cell_that_says_so(tags, text, kept):
    [settled] = store.settled([stream(text)], [stream("accuracy 0.77\n")], tags)
    assert settled.text == ("accuracy 0.77\n" if kept else text)


def test_a_picture_that_looks_the_same_keeps_its_bytes_and_a_changed_one_does_not():
    pixels = np.full((64, 64, 3), 200)
    nearly = pixels.copy()
    nearly[0, 0] = 201
    other = pixels.copy()
    other[:20, :20] = 0
    old = picture(pixels)
    assert store.settled([picture(nearly)], [old], []) == [old]
    assert store.settled([picture(other)], [old], []) == [picture(other)]


def test_each_picture_of_a_cell_is_compared_by_itself():
    grey = [np.full((32, 32, 3), value) for value in (10, 100, 200)]
    nearly = grey[0].copy()
    nearly[0, 0] = 11
    one, two, three = (picture(pixels) for pixels in grey)
    assert store.settled([picture(nearly), three], [one, two], []) == [one, three]


def test_each_output_is_compared_with_the_stored_one_of_its_kind():
    old = picture(np.full((32, 32, 3), 10))
    nearly = np.full((32, 32, 3), 10)
    nearly[0, 0] = 11
    text = stream("a\n")
    assert store.settled([picture(nearly), text], [text, old], []) == [old, text]


def test_new_metadata_is_stored_beside_a_picture_that_keeps_its_bytes():
    pixels = np.full((64, 64, 3), 200)
    nearly = pixels.copy()
    nearly[0, 0] = 201
    old = picture(pixels, **{"image/png": {"width": 64}})
    new = picture(nearly, **{"image/png": {"width": 32}})
    [settled] = store.settled([new], [old], [])
    assert settled.data == old.data
    assert settled.metadata == new.metadata


def test_the_caption_below_a_picture_becomes_its_alt_text(stored, path, second_run):
    assert "alt" not in json.loads(stored)["cells"][4]["outputs"][0]["metadata"]
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(new_markdown_cell("*A line through `three` points.* Drawn by hand."))
    written(notebook, path.parent)
    assert store.store(path) == [4]
    [shown] = code_cells(path)[3].outputs
    assert shown.metadata["image/png"]["alt"] == "A line through three points."
    assert store.store(path) == []
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[-1].source = "*Another caption.*"
    written(notebook, path.parent)
    assert store.store(path) == [4]
    assert code_cells(path)[3].outputs[0].metadata["image/png"]["alt"] == "Another caption."


def test_facts_about_a_figure_are_added_to_what_was_stored_without_them():
    facts = {"texts": [], "legend": [], "axes": []}
    old = picture(np.full((64, 64, 3), 200))
    new = picture(np.full((64, 64, 3), 200), **{figure_facts.KEY: facts})
    [settled] = store.settled([new], [old], [])
    assert settled.metadata == {figure_facts.KEY: facts}


def test_progress_bars_are_left_out_and_streams_come_in_one_piece():
    bar = new_output("display_data", {outputs.WIDGET: {"model_id": "1"}, "text/plain": "0%"})
    pieces = [bar, stream("a\n"), stream("10%\r100%\n"), picture([[[0, 0, 0]]]), stream("b\n")]
    settled = store.settled(pieces, [], [])
    assert [output.get("text") for output in settled] == ["a\n100%\n", None, "b\n"]


def test_a_deleted_output_is_no_longer_stored():
    assert store.settled([stream("a\n")], [stream("a\n"), stream("b\n", "stderr")], []) == [
        stream("a\n")
    ]


def test_an_interrupted_write_leaves_the_stored_file_and_nothing_beside_it(tmp_path, monkeypatch):
    path = written(made(), tmp_path)
    before = path.read_bytes()

    def no_room(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(store.shutil, "copymode", no_room)
    with pytest.raises(OSError, match="no space left"):
        store.replace(path, "{}")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_cell_may_take_as_long_as_in_the_tests():
    settings = tomllib.loads((COURSE / "pyproject.toml").read_text(encoding="utf-8"))
    options = settings["tool"]["pytest"]["ini_options"]["addopts"]
    assert f"--nbval-cell-timeout={store.CELL_TIMEOUT}" in options
