"""The helpers: what they return, what they refuse and in which words, what they leave alone."""

import json
import os
from pathlib import Path

import matplotlib
import numpy as np
import pytest

matplotlib.use("agg")


@pytest.fixture
def prefix(tf, tmp_path):
    """A checkpoint of a 2x3 float32 matrix, named ``model/weights``, and its bookkeeping."""
    model = tf.Module()
    model.weights = tf.Variable(tf.ones([2, 3]))
    return Path(tf.train.Checkpoint(model=model).save(tmp_path / "saved" / "model"))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# Folders and runs


def test_new_folder_never_takes_a_name_twice(helpers, tmp_path):
    made = [helpers.new_folder(tmp_path / "deep", "a") for _ in range(3)]
    assert [folder.name for folder in made] == ["a", "a_2", "a_3"]


@pytest.mark.parametrize("name", ["", "a b", "a/b", "..", "run[1]", "课"])
def test_new_folder_refuses_names_that_tensorflow_or_windows_might(helpers, tmp_path, name):
    with pytest.raises(ValueError, match="choose another"):
        helpers.new_folder(tmp_path, name)
    assert names(tmp_path) == []


def test_new_run_is_relative_sortable_and_new_within_one_second(helpers, course):
    runs = [helpers.new_run("01_save") for _ in range(3)]
    assert len(set(runs)) == 3
    assert sorted(runs) == runs
    for run in runs:
        assert run.is_dir()
        assert run.parts[:3] == ("..", "runs", "01_save")
    assert helpers.latest_run("01_save") == runs[-1]


def test_new_run_keeps_three_and_deletes_only_what_it_made(helpers, course):
    first = helpers.new_run("01_save")
    home = first.resolve().parent
    (first / "weights").write_text("old")
    (home / "mine").mkdir()
    (home / "2000-01-01_00-00-00").mkdir()
    renamed = helpers.new_run("01_save").rename(home / "keep_this")
    elsewhere = course / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / ".made_by_another").mkdir()
    (home / "2000-01-01_00-00-01").symlink_to(elsewhere)
    later = [helpers.new_run("01_save").name for _ in range(3)]
    left = {"mine", renamed.name, "2000-01-01_00-00-00", "2000-01-01_00-00-01"}
    assert set(names(home)) == left | set(later)
    assert names(elsewhere) == [".made_by_another"]


def test_twelve_runs_of_one_second_are_in_order(helpers, course, monkeypatch):
    monkeypatch.setattr("helpers.runs.KEEP", 20)
    runs = [helpers.new_run("01_save") for _ in range(12)]
    assert helpers.latest_run("01_save") == runs[-1]


def test_latest_run_skips_runs_without_what_is_asked_for(helpers, course):
    whole, empty = helpers.new_run("01_save"), helpers.new_run("01_save")
    (whole / "model.index").touch()
    assert helpers.latest_run("01_save", holding="*.index") == whole
    assert helpers.latest_run("01_save") == empty


def store(course, source):
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "outputs": [], "source": source}
    cell["execution_count"] = None
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4}
    path = course / "notebooks" / "01_save.ipynb"
    path.write_text(json.dumps({**notebook, "nbformat_minor": 5}))


def test_latest_run_runs_a_notebook_that_was_never_run(helpers, course):
    # The folder that new_run would make, without importing TensorFlow in the notebook's kernel.
    source = "from pathlib import Path; run = Path('../runs/01_save/2001-01-01_00-00-00');"
    source += "run.mkdir(parents=True); (run / '.made_by_another').mkdir()"
    store(course, source)
    run = helpers.latest_run("01_save")
    assert run == Path("../runs/01_save/2001-01-01_00-00-00")
    assert not helpers.made_here(run)
    with pytest.raises(
        FileNotFoundError, match=r"01_save ran, but left no '\*.index' in runs/01_save"
    ):
        store(course, "pass")
        helpers.latest_run("01_save", holding="*.index")


def test_latest_run_says_in_one_line_why_the_notebook_stopped(helpers, course):
    store(course, "1 / 0")
    with pytest.raises(RuntimeError) as caught:
        helpers.latest_run("01_save")
    expected = "01_save ran first, but: ZeroDivisionError: division by zero"
    assert str(caught.value) == expected


def test_runs_that_lead_nowhere_are_named(helpers, course):
    (course / "runs").symlink_to(course / "gone")
    with pytest.raises(OSError, match="runs"):
        helpers.new_run("01_save")


def test_made_here_knows_its_own_run(helpers, course):
    assert helpers.made_here(helpers.new_run("01_save"))


@pytest.mark.parametrize("act", ["new_run", "latest_run"])
def test_runs_refuse_a_notebook_that_is_not_there(helpers, course, act):
    with pytest.raises(FileNotFoundError, match=r"no notebook '99_none' in .*; there are: 01_save"):
        getattr(helpers, act)("99_none")
    assert names(course) == ["notebooks"]


@pytest.mark.parametrize("odd", list("[]*?\\") if os.name == "posix" else ["[", "]"])
def test_runs_refuse_a_course_folder_that_tensorflow_reads_as_a_pattern(
    helpers, tmp_path, monkeypatch, odd
):
    monkeypatch.setattr("helpers.runs.COURSE", tmp_path / f"course{odd}1")
    with pytest.raises(ValueError, match="in a path as a pattern: rename"):
        helpers.new_run("01_save")


def test_a_course_folder_with_spaces_and_chinese_is_fine(helpers, course, monkeypatch):
    moved = course.rename(course.with_name("课程 course"))
    monkeypatch.setattr("helpers.runs.COURSE", moved)
    monkeypatch.chdir(moved / "notebooks")
    assert helpers.new_run("01_save").is_dir()


def test_a_full_disk_is_named_and_costs_no_run(helpers, course, monkeypatch):
    kept = [helpers.new_run("01_save") for _ in range(3)]

    def full(path, **_):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "mkdir", full)
    with pytest.raises(OSError, match=r"No space left on device: .*01_save"):
        helpers.new_run("01_save")
    assert all(run.is_dir() for run in kept)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX permissions")
def test_a_read_only_folder_is_named(helpers, course):
    if os.geteuid() == 0:
        (course / "runs").write_text("a file in the way, since root may write anywhere")
    else:
        (course / "runs").mkdir(mode=0o500)
    with pytest.raises(OSError, match="runs"):
        helpers.new_run("01_save")


# Looking


def test_show_tree_lists_files_with_sizes_and_hides_hidden_ones(helpers, tmp_path, capsys):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.txt").write_bytes(b"12345")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "c.txt").touch()
    helpers.show_tree(tmp_path)
    lines = capsys.readouterr().out.split()
    assert lines[0] == f"{tmp_path.name}/"
    assert lines[-2:] == ["a/b.txt", "5"]
    assert not any("c.txt" in line for line in lines)


def test_show_tree_refuses_what_is_no_folder(helpers, tmp_path):
    (tmp_path / "other").mkdir()
    with pytest.raises(FileNotFoundError, match=r"no folder nothing in .*, which holds other"):
        helpers.show_tree(tmp_path / "nothing")


def test_find_meta_finds_the_one_or_the_step(helpers, tmp_path):
    (tmp_path / "model-9.meta").touch()
    assert helpers.find_meta(tmp_path).name == "model-9.meta"
    (tmp_path / "model-19.meta").touch()
    assert helpers.find_meta(tmp_path, step=9).name == "model-9.meta"
    with pytest.raises(ValueError, match=r"2 files match .*: model-19.meta, model-9.meta; give a"):
        helpers.find_meta(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no \*-7.meta in .*, which holds model-19.meta, "):
        helpers.find_meta(tmp_path, step=7)
    with pytest.raises(FileNotFoundError, match="gone, which does not exist"):
        helpers.find_meta(tmp_path / "gone")


def test_read_checkpoint_knows_names_shapes_dtypes_and_bytes(helpers, prefix):
    graph, weights, counter = helpers.read_checkpoint(prefix)
    assert graph.dtype == "string"
    assert graph.size > 50
    assert weights == ("model/weights/.ATTRIBUTES/VARIABLE_VALUE", (2, 3), "float32", 24)
    assert counter == ("save_counter/.ATTRIBUTES/VARIABLE_VALUE", (), "int64", 8)


def test_the_bytes_add_up_to_the_data_file(helpers, prefix):
    data = Path(f"{prefix}.data-00000-of-00001").stat().st_size
    listed = sum(entry.size for entry in helpers.read_checkpoint(prefix))
    assert 0 <= data - listed <= 8


@pytest.mark.parametrize("wrong", ["{0}.index", "{0}.data-00000-of-00001", "{0}-2", "gone/model"])
@pytest.mark.parametrize("act", ["read_checkpoint", "show_checkpoint", "draw_checkpoint"])
def test_a_prefix_without_an_index_gets_one_line(helpers, prefix, act, wrong):
    with pytest.raises(FileNotFoundError, match=r"^no .* in .*, which (holds|does not)") as caught:
        getattr(helpers, act)(wrong.format(prefix))
    assert "\n" not in str(caught.value)


def test_show_checkpoint_prints_a_line_for_each_tensor(helpers, prefix, capsys):
    helpers.show_checkpoint(prefix)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["name", "shape", "dtype", "bytes"]
    assert lines[3].split() == [
        "model/weights/.ATTRIBUTES/VARIABLE_VALUE", "(2,", "3)", "float32", "24",
    ]  # fmt: skip
    assert len(lines) == 5


def test_draw_checkpoint_has_a_bar_as_long_as_each_tensor(helpers, prefix, plt):
    helpers.draw_checkpoint(prefix)
    axes = plt.gca()
    labels = [label.get_text() for label in axes.get_yticklabels()]
    widths = {labels[round(bar.get_y() + 0.4)]: bar.get_width() for bar in axes.patches}
    assert list(widths) == ["object graph", "model/weights", "save_counter"]
    assert widths["model/weights"] == 24
    assert [text.get_text() for text in axes.get_legend().get_texts()][1] == "model: 24 bytes"


def test_draw_sizes_adds_up_each_owner_and_writes_whole_or_small_numbers(helpers, plt):
    rows = [("a", "first", 32768), ("b", "second", 0.512), ("a", "third", 4)]
    helpers.draw_sizes("What it holds", rows, "kilobytes")
    axes = plt.gca()
    assert [text.get_text() for text in axes.texts] == ["32,768", "4", "0.51"]
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["a: 32,772 kilobytes", "b: 0.51 kilobytes"]
    assert axes.patches[0].get_facecolor() == axes.patches[1].get_facecolor()
    assert axes.get_xlabel() == "kilobytes"


def test_draw_map_draws_an_arrow_only_between_things_that_are_there(helpers, plt):
    helpers.draw_map(["a", "b", "c"], [["1", "2", "3"], ["4", "5", None]], arrows="<>")
    axes = plt.gca()
    heads = [text.arrow_patch for text in axes.texts if getattr(text, "arrow_patch", None)]
    assert len(heads) == 3
    assert len(axes.patches) == 6
    written = [text.get_text() for text in axes.texts if text.get_text()]
    assert written == ["a", "b", "c", "1", "2", "3", "4", "5"]


# Proving


def test_same_values_is_exact(helpers, tf):
    one = {"a": tf.Variable([1.0, np.nan]), "b": [np.int64(3)]}
    assert helpers.same_values(one, {"a": np.array([1.0, np.nan], "float32"), "b": [np.int64(3)]})
    base = np.array([1.0, 0.0], "float32")
    for other in [
        np.nextafter(base, np.float32(2)),
        np.array([1.0, -0.0], "float32"),
        base.astype("float64"),
        base.reshape(2, 1),
        [base],
        [base, base],
    ]:
        assert not helpers.same_values(base, other)
    assert not helpers.same_values([base], [base, base])
    assert helpers.same_values(tf.constant(["ab", "c"]), tf.constant(["ab", "c"]))
    assert not helpers.same_values(tf.constant(["ab", "c"]), tf.constant(["ab", "d"]))
    assert not helpers.same_values({"a": base}, {"b": base})


def test_expect_error_prints_one_line_and_hides_the_path(helpers, capsys):
    course = Path(helpers.__file__).parent.parent
    with helpers.expect_error(ValueError, containing="second"):
        raise ValueError(f"first\n  second in {course / 'runs'}\nthird")
    assert capsys.readouterr().out == f"ValueError: second in …{os.sep}runs\n"


def test_expect_error_fails_if_none_comes_or_another(helpers):
    with pytest.raises(AssertionError, match="expected ValueError, but nothing was raised"):
        with helpers.expect_error(ValueError):
            pass
    with pytest.raises(AssertionError, match="with 'x', but got: y"):
        with helpers.expect_error(ValueError, containing="x"):
            raise ValueError("y")
    with helpers.expect_error(ValueError):
        raise ValueError
    with pytest.raises(KeyError), helpers.expect_error(ValueError):
        raise KeyError("z")


def test_expect_log_prints_the_line_and_puts_the_log_back(helpers, tf, capfd):
    logger = tf.get_logger()
    before = logger.handlers, logger.propagate
    with helpers.expect_log("two"):
        logger.error("one\ntwo %d", 2)
    assert capfd.readouterr() == ("logged: two 2\n", "")
    with pytest.raises(AssertionError, match="expected a logged error, but nothing"):
        with helpers.expect_log("three"):
            pass
    assert (logger.handlers, logger.propagate) == before


# The import


def test_the_import_is_quiet_but_shows_a_failure(helpers, capfd):
    with helpers.hold_stderr():
        os.write(2, b"noise")
    assert capfd.readouterr().err == ""
    with pytest.raises(ImportError), helpers.hold_stderr():
        os.write(2, b"the reason")
        raise ImportError
    assert capfd.readouterr().err == "the reason"


def test_the_import_leaves_its_documented_settings(helpers, tf):
    assert "TF_CPP_MIN_LOG_LEVEL" in os.environ
    assert "TF_CPP_MIN_LOG_LEVEL=2" in helpers.__doc__
    assert tf.get_logger().level == 40
