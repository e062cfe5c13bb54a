"""Folders and runs: what is made where, what is kept, what is deleted, what is refused."""

import contextlib
import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import filelock
import pytest

# A process that uses a run until its input ends. It loads the file alone, without TensorFlow.
USER_OF_A_RUN = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("runs", sys.argv[1])
runs = importlib.util.module_from_spec(spec)
spec.loader.exec_module(runs)
run = getattr(runs, sys.argv[2])("01_save").resolve()
if sys.argv[2] == "new_run":
    (run / "mine").touch()
print(run, flush=True)
sys.stdin.read()
print(run.is_dir() and (run / "mine").is_file())
"""


@pytest.fixture
def runs(module):
    return module("helpers.runs")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def store(course, source):
    """Put a notebook of one cell in the place of ``01_save``."""
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "outputs": [], "source": source}
    cell["execution_count"] = None
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4}
    path = course / "notebooks" / "01_save.ipynb"
    path.write_text(json.dumps({**notebook, "nbformat_minor": 5}), encoding="utf-8")


@contextlib.contextmanager
def user_of_a_run(runs, act="new_run"):
    """Start a process that uses a run, and give the process and the run's folder."""
    command = [sys.executable, "-c", USER_OF_A_RUN, runs.__file__, act]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "encoding": "utf-8"}
    environment = {**os.environ, "PYTHONUTF8": "1"}
    with subprocess.Popen(command, env=environment, **pipes) as process:
        try:
            yield process, Path(process.stdout.readline().strip())
        finally:
            process.kill()


# Folders


def test_new_folder_never_takes_a_name_twice(runs, tmp_path):
    made = [runs.new_folder(tmp_path / "deep", "a") for _ in range(3)]
    assert [folder.name for folder in made] == ["a", "a_2", "a_3"]


@pytest.mark.parametrize("name", ["", "a b", "a/b", "..", "run[1]", "课"])
def test_new_folder_refuses_names_that_tensorflow_or_windows_might(runs, tmp_path, name):
    with pytest.raises(ValueError, match="choose another"):
        runs.new_folder(tmp_path, name)
    assert names(tmp_path) == []


# A new run


def test_new_run_is_relative_sortable_and_new_within_one_second(runs, course):
    made = [runs.new_run("01_save") for _ in range(3)]
    assert len(set(made)) == 3
    assert sorted(made) == made
    for run in made:
        assert run.is_dir()
        assert run.parts[:3] == ("..", "runs", "01_save")
    assert runs.latest_run("01_save") == made[-1]


def test_new_run_keeps_three_and_deletes_only_what_it_made(runs, course):
    first = runs.new_run("01_save")
    home = first.resolve().parent
    (first / "weights").write_text("old", encoding="utf-8")
    (home / "mine").mkdir()
    (home / "2000-01-01_00-00-00").mkdir()
    renamed = runs.new_run("01_save").rename(home / "keep_this")
    left = {"mine", renamed.name, "2000-01-01_00-00-00"}
    later = {runs.new_run("01_save").name for _ in range(3)}
    assert set(names(home)) == left | later


def test_a_run_that_is_a_link_is_no_run_to_delete(runs, course):
    elsewhere = course / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / ".made_by_another").mkdir()
    home = course / "runs" / "01_save"
    home.mkdir(parents=True)
    link = home / "2000-01-01_00-00-01"
    try:
        link.symlink_to(elsewhere, target_is_directory=True)
    except OSError:
        pytest.skip("this user may not make links")
    later = {runs.new_run("01_save").name for _ in range(4)}
    assert link.name in names(home)
    assert len(later & set(names(home))) == 3
    assert names(elsewhere) == [".made_by_another"]


def test_twelve_runs_of_one_second_are_in_order(runs, course, monkeypatch):
    monkeypatch.setattr(runs, "KEEP", 20)
    made = [runs.new_run("01_save") for _ in range(12)]
    assert runs.latest_run("01_save") == made[-1]


# A run in use


def test_a_run_in_use_is_kept_until_its_process_has_ended(runs, course):
    with user_of_a_run(runs) as (_, used):
        later = {runs.new_run("01_save").name for _ in range(4)}
        kept = set(names(used.parent))
        assert (used / "mine").is_file()  # in the same second, another run may get its name
        assert len(kept & later) == 3
    assert runs.new_run("01_save").name in names(used.parent)
    assert not (used / "mine").exists()
    assert len(names(used.parent)) == 3


def test_a_run_that_is_read_is_in_use_too(runs, course):
    read = runs.new_run("01_save").resolve()
    (read / "mine").touch()
    with user_of_a_run(runs, "latest_run") as (process, found):
        assert found == read
        for _ in range(4):
            runs.new_run("01_save")
        last_words, _ = process.communicate()
        assert last_words == "True\n"
    runs.new_run("01_save")
    assert not (read / "mine").exists()


def test_thirty_that_start_in_one_folder_delete_no_run_of_each_other(runs, course):
    with contextlib.ExitStack() as stack:
        users = [stack.enter_context(user_of_a_run(runs)) for _ in range(30)]
        assert len({run for _, run in users}) == 30
        assert [process.communicate()[0] for process, _ in users] == ["True\n"] * 30
    mine = runs.new_run("01_save").name
    kept = names(course / "runs" / "01_save")
    assert mine in kept
    assert len(kept) == 3
    locks = names(course / "runs" / runs.LOCKS / "01_save")
    assert {lock.split(".")[0] for lock in locks} <= set(kept)


def test_where_nobody_can_lock_nothing_is_deleted(runs, course, monkeypatch):
    def refuse(*_, **__):
        raise NotImplementedError("this file system has no locks")

    with user_of_a_run(runs):
        pass  # its lock is left behind
    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    made = [runs.new_run("01_save") for _ in range(4)]
    assert made[-1].is_dir()
    assert len(names(course / "runs" / "01_save")) == 4


# Where runs lie


def test_each_copy_of_the_course_keeps_its_own_runs(runs, tmp_path, course, monkeypatch):
    run = runs.new_run("01_save")
    notebooks = tmp_path / "another copy" / "notebooks"
    notebooks.mkdir(parents=True)
    (notebooks / "01_save.ipynb").write_text("{}", encoding="utf-8")
    monkeypatch.chdir(notebooks)
    other = runs.new_run("01_save")
    assert other.resolve().parents[2] == notebooks.parent
    assert names(course / "runs" / "01_save") == [run.name]


def test_course_runs_names_another_place(runs, course, monkeypatch):
    place = course / "home" / "of a learner"
    monkeypatch.setenv("COURSE_RUNS", str(place))
    run = runs.new_run("01_save")
    assert run.resolve().parent == place / "01_save"
    assert not run.is_absolute()
    assert runs.latest_run("01_save") == run
    assert not (course / "runs").exists()


def test_course_runs_knows_the_home_of_a_user_and_may_be_empty(runs, course, monkeypatch):
    monkeypatch.setenv("COURSE_RUNS", "~/runs of the course")
    assert runs.runs_folder() == Path.home() / "runs of the course"
    monkeypatch.setenv("COURSE_RUNS", "")
    assert runs.runs_folder() == course / "runs"


def test_a_script_works_with_the_course_that_helpers_belongs_to(runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert runs.course_folder() == Path(runs.__file__).resolve().parent.parent


@pytest.fixture
def installed(runs, tmp_path, monkeypatch):
    """The folder of packages that helpers was installed into, without the notebooks."""
    packages = tmp_path / "site-packages"
    (packages / "helpers").mkdir(parents=True)
    monkeypatch.setattr(runs, "__file__", str(packages / "helpers" / "runs.py"))
    monkeypatch.delenv("COURSE_RUNS", raising=False)
    return packages


def test_nothing_is_saved_beside_packages_that_are_installed(
    runs, installed, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (installed / "notebooks").mkdir()  # another package may bring a folder of this name
    with pytest.raises(FileNotFoundError, match="work in the course's own folder notebooks"):
        runs.new_run("01_save")
    assert runs.course_folder() == tmp_path
    assert names(installed) == ["helpers", "notebooks"]


def test_with_packages_that_are_installed_runs_lie_beside_the_notebooks(runs, course, installed):
    run = runs.new_run("01_save")
    assert run.resolve().parent == course / "runs" / "01_save"
    assert names(installed) == ["helpers"]


@pytest.fixture
def shared(runs, tmp_path, monkeypatch):
    """A course that everybody reads, which ``helpers`` belongs to."""
    place = tmp_path / "shared"
    for name in ["helpers", "notebooks"]:
        (place / name).mkdir(parents=True)
    for name in ["01_save", "02_restore"]:
        (place / "notebooks" / f"{name}.ipynb").write_text("{}", encoding="utf-8")
    monkeypatch.setattr(runs, "__file__", str(place / "helpers" / "runs.py"))
    monkeypatch.delenv("COURSE_RUNS", raising=False)
    return place


def test_each_learner_of_a_shared_course_has_runs_of_their_own(runs, shared, monkeypatch):
    before = sorted(shared.rglob("*"))
    for learner in ["ada", "bea"]:
        home = shared.parent / learner
        home.mkdir()
        monkeypatch.setenv("COURSE_RUNS", str(home / "runs"))
        monkeypatch.chdir(shared / "notebooks")
        run = runs.new_run("01_save").resolve()
        assert run.parent == home / "runs" / "01_save"
        assert names(run.parent) == [run.name]
    assert sorted(shared.rglob("*")) == before


def test_a_learners_folder_may_hold_a_part_of_the_course(runs, shared, monkeypatch):
    before = sorted(shared.rglob("*"))
    mine = shared.parent / "class" / "week 1"
    mine.mkdir(parents=True)
    (mine / "02_restore.ipynb").write_text("{}", encoding="utf-8")
    monkeypatch.chdir(mine)
    for name in ["01_save", "02_restore"]:
        assert runs.new_run(name).resolve().parent == mine.parent / "runs" / name
    assert sorted(shared.rglob("*")) == before


def test_a_notebook_that_has_to_run_first_writes_to_the_same_runs(runs, shared, monkeypatch):
    lines = ["import os, pathlib", "home = pathlib.Path(os.environ['COURSE_RUNS'], '01_save')"]
    lines.append("(home / '2001-01-01_00-00-00' / '.made_by_another').mkdir(parents=True)")
    store(shared, "\n".join(lines))
    mine = shared.parent / "class"
    mine.mkdir()
    (mine / "02_restore.ipynb").write_text("{}", encoding="utf-8")
    monkeypatch.chdir(mine)
    run = runs.latest_run("01_save")
    assert run.resolve() == shared.parent / "runs" / "01_save" / "2001-01-01_00-00-00"


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_a_course_that_nobody_may_write_to_gets_one_line(runs, course, monkeypatch, number):
    def refuse(path, **_):
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(PermissionError) as caught:
        runs.new_run("01_save")
    assert str(caught.value) == (
        f"cannot write to {course.as_posix()}/runs/01_save: "
        "set COURSE_RUNS to a folder of your own, and start Jupyter again"
    )


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX permissions")
def test_a_read_only_folder_is_named(runs, course):
    if os.geteuid() == 0:
        (course / "runs").write_text("a file in the way, since root may write anywhere")
    else:
        (course / "runs").mkdir(mode=0o500)
    with pytest.raises(OSError, match="runs"):
        runs.new_run("01_save")


def test_runs_that_lead_nowhere_are_named(runs, course):
    try:
        (course / "runs").symlink_to(course / "gone")
    except OSError:
        pytest.skip("this user may not make links")
    with pytest.raises(OSError, match="runs"):
        runs.new_run("01_save")


def test_a_full_disk_is_named_and_costs_no_run(runs, course, monkeypatch):
    kept = [runs.new_run("01_save") for _ in range(3)]

    def full(path, **_):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Path, "mkdir", full)
    with pytest.raises(OSError, match=r"No space left on device: .*01_save"):
        runs.new_run("01_save")
    assert all(run.is_dir() for run in kept)


# The latest run


def test_latest_run_skips_runs_without_what_is_asked_for(runs, course):
    whole = runs.new_run("01_save")
    empty = runs.new_run("01_save")
    (whole / "model.index").touch()
    assert runs.latest_run("01_save", holding="*.index") == whole
    assert runs.latest_run("01_save") == empty


def test_latest_run_runs_a_notebook_that_was_never_run(runs, course):
    # The folder that new_run would make, without importing TensorFlow in the notebook's kernel.
    source = "from pathlib import Path; run = Path('../runs/01_save/2001-01-01_00-00-00');"
    source += "run.mkdir(parents=True); (run / '.made_by_another').mkdir()"
    store(course, source)
    run = runs.latest_run("01_save")
    assert run == Path("../runs/01_save/2001-01-01_00-00-00")
    store(course, "pass")
    with pytest.raises(
        FileNotFoundError, match=r"01_save ran, but left no '\*.index' in runs/01_save"
    ):
        runs.latest_run("01_save", holding="*.index")


def test_latest_run_runs_it_in_this_python_whatever_kernels_a_user_has(
    runs, course, monkeypatch, tmp_path
):
    kernel = tmp_path / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    spec = {"argv": ["no-such-python", "{connection_file}"], "display_name": "", "language": ""}
    (kernel / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    monkeypatch.setenv("JUPYTER_PATH", str(kernel.parent.parent))
    store(course, f"import sys; assert sys.executable == {sys.executable!r}, sys.executable")
    with pytest.raises(FileNotFoundError, match="01_save ran, but left no"):
        runs.latest_run("01_save")


def test_latest_run_says_in_one_line_why_the_notebook_stopped(runs, course):
    store(course, "raise ValueError('the first line\\nand a second one')")
    with pytest.raises(RuntimeError) as caught:
        runs.latest_run("01_save")
    assert str(caught.value) == "01_save ran first, but: ValueError: the first line"


# What is refused


@pytest.mark.parametrize("act", ["new_run", "latest_run"])
def test_runs_refuse_a_notebook_that_is_not_there(runs, course, act):
    with pytest.raises(FileNotFoundError) as caught:
        getattr(runs, act)("99_none")
    place = f"{course.as_posix()}/notebooks"
    assert str(caught.value) == f"no notebook '99_none' in {place}; there are: 01_save"
    assert names(course) == ["notebooks"]


@pytest.mark.parametrize("odd", list("[]*?\\") if os.name == "posix" else ["[", "]"])
@pytest.mark.parametrize("chosen", [False, True], ids=["the course", "COURSE_RUNS"])
def test_runs_refuse_a_folder_that_tensorflow_reads_as_a_pattern(
    runs, course, monkeypatch, odd, chosen
):
    place = course.parent / f"{course.name}{odd}1"
    if chosen:
        monkeypatch.setenv("COURSE_RUNS", str(place))
    else:
        monkeypatch.chdir(course.parent)
        course.rename(place)
        monkeypatch.chdir(place / "notebooks")
    with pytest.raises(ValueError, match="in a path as a pattern: rename") as caught:
        runs.new_run("01_save")
    assert f"reads {odd} in" in str(caught.value)
    assert not place.exists() or names(place) == ["notebooks"]


def test_a_course_folder_with_spaces_and_chinese_is_fine(runs, course, monkeypatch):
    monkeypatch.chdir(course.parent)  # Windows renames no folder in which somebody works
    moved = course.rename(course.with_name("课程 course"))
    monkeypatch.chdir(moved / "notebooks")
    assert runs.new_run("01_save").is_dir()
