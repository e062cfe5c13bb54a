"""helpers.lab.film: each change in a folder is a line, in order, on the system that reports it."""

import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ON_LINUX = sys.platform == "linux"
ELSEWHERE = ["only on Linux: other systems do not report each change of a folder"]


@pytest.fixture(scope="module")
def film(module):
    return module("helpers.lab.film").film


def test_a_film_shows_changes_in_order(film, tmp_path):
    old = tmp_path / "a b"
    old.write_text("x")
    with film(tmp_path) as lines:
        for _ in range(3):
            old.write_text("y")
        old.rename(tmp_path / f"课.tmp{32 * 'f'}")
        (tmp_path / "inner").mkdir()
        (tmp_path / "inner" / "new").write_text("unseen")
        (tmp_path / "inner" / "new").rename(tmp_path / "new")
        (tmp_path / "new").unlink()
        (tmp_path / "inner").rmdir()
    expected = [
        "write a b",
        "rename a b to 课.tmp…",
        "create inner/",
        "move in new",
        "delete new",
        "delete inner/",
    ]
    assert lines == (expected if ON_LINUX else ELSEWHERE)


def test_lines_that_differ_only_in_what_is_random_are_one(film, tmp_path):
    with film(tmp_path) as lines:
        for digit in "0123":
            (tmp_path / f"checkpoint.tmp{32 * digit}").touch()
    assert lines == (["create checkpoint.tmp…"] if ON_LINUX else ELSEWHERE)


def test_a_film_ends_with_its_block_also_where_the_folder_goes(film, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    with film(folder) as lines:
        (folder / "file").touch()
        (folder / "file").unlink()
        folder.rmdir()
    assert lines == (["create file", "delete file"] if ON_LINUX else ELSEWHERE)


def test_a_folder_that_is_not_there_is_named(film, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"^no folder gone in .*: make it first$"):
        film(tmp_path / "gone").__enter__()


@pytest.mark.skipif(not ON_LINUX, reason="counts what is open in /proc")
def test_a_film_leaves_nothing_open(film, tmp_path):
    open_files = Path("/proc/self/fd")
    before = len(list(open_files.iterdir()))
    with film(tmp_path):
        assert len(list(open_files.iterdir())) > before
    assert len(list(open_files.iterdir())) == before


def test_a_system_that_reports_nothing_has_one_line_instead(module, tmp_path, monkeypatch):
    file = module("helpers.lab.film").__file__
    monkeypatch.setitem(sys.modules, "inotify_simple", None)  # as if it were not installed
    monkeypatch.setattr(sys, "platform", "darwin")
    names = runpy.run_path(file)
    with names["film"](tmp_path) as lines:
        (tmp_path / "file").touch()
    assert lines == ELSEWHERE


@pytest.mark.skipif(not ON_LINUX, reason="makes a report of inotify")
def test_a_film_with_gaps_is_refused(module):
    instrument = module("helpers.lab.film")
    overflow = SimpleNamespace(mask=instrument.flags.Q_OVERFLOW, cookie=0, name="")
    with pytest.raises(RuntimeError, match=r"^more changes than the system keeps: film a shorter"):
        list(instrument._describe([overflow]))


def test_names_lose_what_is_random_in_them(module):
    plain = module("helpers.lab.film").without_random
    assert plain(".saving-4szqwvk3/model.keras") == ".saving-…/model.keras"
    assert plain("ckpt-2.index") == "ckpt-2.index"
