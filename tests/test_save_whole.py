"""helpers.recipes.save_whole: killed, damaged or without room, it keeps the old file or the new."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.killing import kill_in_a_save
from tests.power_cut import judge_whole_file, record_whole_file, try_cuts

import numpy as np
import pytest

KILLS = 6  # `python -m tests.killing 200` kills more often
KINDS = [".keras", ".weights.h5"]
WORKER = """
import itertools
import sys
from pathlib import Path

from helpers.recipes.save_whole import save_whole

import keras
import tensorflow as tf


def make_model():
    layer = keras.layers.Dense(1000, use_bias=False, kernel_initializer="zeros")
    return keras.Sequential([keras.Input((1000,)), layer])


folder = Path(sys.argv[1])
kind = sys.argv[2]
model = make_model()
other = make_model()
[weight] = model.weights
for number in itertools.count(1):
    weight.assign_add(tf.ones_like(weight))
    print("saving", number, flush=True)
    if kind == ".keras":
        save_whole(folder / "model.keras", model.save, keras.saving.load_model)
    else:
        save_whole(folder / "model.weights.h5", model.save_weights, other.load_weights)
    print("saved", number, flush=True)
"""


@pytest.fixture(scope="module")
def recipe(module):
    return module("helpers.recipes.save_whole")


@pytest.fixture(scope="module")
def save_text(recipe):
    """Save a text with ``save_whole``."""

    def save_text(path, text):
        recipe.save_whole(path, lambda new: new.write_text(text), Path.read_text)

    return save_text


@pytest.mark.parametrize("kind", KINDS)
def test_kills_in_a_save_lose_nothing(module, tmp_path, kind):
    kill_saves(module, tmp_path, KILLS, kind)


def kill_saves(module, parent, times, kind):
    """Kill the worker in a save so many times, and see what is left."""
    recipe = module("helpers.recipes.save_whole")
    restart = module("helpers.recipes.restart")
    program = module("helpers.programs").Program
    keras = module("keras")
    worker = parent / "worker.py"
    worker.write_text(WORKER, encoding="utf-8")
    model = keras.Sequential([keras.Input((1000,)), keras.layers.Dense(1000, use_bias=False)])
    for _ in range(times):
        folder, number = kill_in_a_save(program, worker, parent / "saves", kind)
        if kind == ".keras":
            model = keras.saving.load_model(recipe.checked(folder / "model.keras"))
        else:
            model.load_weights(recipe.checked(folder / "model.weights.h5"))
        found = np.unique(model.weights[0].numpy()).tolist()
        assert found in ([number - 1], [number])

        with restart.only_writer(folder):
            names = {path.name for path in folder.iterdir()} - {".writer"}
            assert names == {f"model{kind}", f"model{kind}.sha256"}, "not cleaned up"
        shutil.rmtree(folder)


def test_a_file_is_replaced_with_its_checksum(recipe, save_text, tmp_path):
    path = tmp_path / "课 model.bin"
    for text in ["old", "new"]:
        save_text(path, text)
        assert recipe.checked(path).read_text() == text
    digest = hashlib.sha256(b"new").hexdigest()
    line = f"{digest}  {path.name}\n"
    assert Path(f"{path}.sha256").read_bytes() == line.encode()
    names = sorted(found.name for found in tmp_path.iterdir())
    assert names == [path.name, path.name + ".sha256"]


@pytest.mark.skipif(not shutil.which("sha256sum"), reason="asks the command sha256sum")
def test_the_command_sha256sum_reads_its_checksum(save_text, tmp_path):
    save_text(tmp_path / "课 model.bin", "text")
    command = ["sha256sum", "--check", "课 model.bin.sha256"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps permissions in another way")
def test_a_file_keeps_its_permissions(save_text, tmp_path):
    path = tmp_path / "model.bin"
    save_text(path, "first")
    (tmp_path / "plain").touch()
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode, "other permissions"
    path.chmod(0o600)
    save_text(path, "mine")
    assert path.stat().st_mode & 0o777 == 0o600, "what only its owner could read"


@pytest.mark.skipif(os.name != "posix", reason="Windows replaces no file that is open")
@pytest.mark.parametrize(
    ("owner", "name"), [(hashlib, "file_digest"), (Path, "read_text"), (Path, "open")]
)
def test_a_save_in_the_middle_of_a_check_is_no_damage(
    recipe, save_text, tmp_path, monkeypatch, owner, name
):
    path = tmp_path / "model.bin"
    save_text(path, "old")
    texts = ["new"]
    real = getattr(owner, name)

    def then_save(*given, **options):
        result = real(*given, **options)
        if texts:
            save_text(path, texts.pop())
        return result

    monkeypatch.setattr(owner, name, then_save)
    assert recipe.checked(path) == path
    assert texts == [], "it did not save"
    monkeypatch.undo()
    assert recipe.checked(path).read_text() == "new"


def fail(path):
    path.write_text("half")
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("write", "read", "error"),
    [
        (fail, Path.read_text, KeyboardInterrupt),
        (lambda path: path.write_text("x"), fail, KeyboardInterrupt),
        (lambda path: None, Path.read_text, FileNotFoundError),
        (Path.mkdir, Path.iterdir, FileNotFoundError),
    ],
)
def test_what_fails_leaves_the_old_file_and_nothing_else(
    recipe, save_text, tmp_path, write, read, error
):
    path = tmp_path / "model.bin"
    save_text(path, "old")
    with pytest.raises(error):
        recipe.save_whole(path, write, read)
    assert recipe.checked(path).read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 2


class CutOffError(Exception):
    """The process ended here."""


@pytest.fixture
def steps(monkeypatch):
    """What reaches the disk, in order: each flush and each rename. Before a chosen one, cut off.

    A step is ("flush", number of the file or folder) or ("rename", its number, new path). Such a
    number, the inode, stays the same when a file is renamed.
    """
    real_fsync = os.fsync
    real_replace = os.replace

    class Steps(list):
        last = None

        def add(self, *step):
            if len(self) == self.last:
                raise CutOffError
            self.append(step)

    steps = Steps()

    def fsync(descriptor):
        steps.add("flush", os.fstat(descriptor).st_ino)
        real_fsync(descriptor)

    def replace(source, target, **options):
        steps.add("rename", os.stat(source).st_ino, Path(target))  # noqa: PTH116
        real_replace(source, target, **options)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    monkeypatch.setattr(os, "rename", replace)
    return steps


@pytest.mark.parametrize("old_file", ["with a checksum", "without", "damaged"])
def test_cut_off_before_any_flush_or_rename(recipe, save_text, tmp_path, steps, old_file):
    """The old file or the new one is there. The check knows the new one and an intact old one."""
    save_text(tmp_path / "any", "x")
    number_of_steps = len(steps)
    found = []
    for last in range(number_of_steps):
        path = tmp_path / f"{last}.bin"
        sums = Path(f"{path}.sha256")
        steps.last = None
        if old_file != "without":
            save_text(path, "old as it was saved")
        if old_file != "with a checksum":
            path.write_text("old")

        steps.clear()
        steps.last = last
        with pytest.raises(CutOffError):
            save_text(path, "new")
        left = path.read_text()
        found.append(left)
        if old_file == "damaged" and left == "old":
            with pytest.raises(ValueError, match="does not fit"):
                recipe.checked(path)
        elif old_file != "without" or sums.exists():
            recipe.checked(path)

        steps.last = None
        save_text(path, "newer")
        assert recipe.checked(path).read_text() == "newer"
    assert found == sorted(found, reverse=True), "an old file came back"
    assert found[-1] == "new"
    assert found[0] == ("old as it was saved" if old_file == "with a checksum" else "old")


def test_each_file_is_flushed_before_its_rename_and_its_folder_after(save_text, tmp_path, steps):
    path = tmp_path / "model.bin"
    save_text(path, "old")
    save_text(path, "new")
    folder = tmp_path.stat().st_ino
    flushed = set()
    waiting = []  # for a flush of the folder
    renamed = []
    for kind, number, *target in steps:
        if kind == "rename":
            assert number in flushed, "renamed before it was flushed"
            flushed.remove(number)
            assert not waiting, f"{waiting} may not be on the disk yet"
            renamed += target
            if os.name == "posix":
                waiting = target
        elif number == folder:
            waiting = []
        else:
            flushed.add(number)
    assert not waiting
    assert set(renamed) == {path, Path(f"{path}.sha256")}


def test_no_flipped_bit_and_no_cut_gets_past_the_check(recipe, tmp_path):
    path = tmp_path / "model.bin"
    good = bytes(range(100))
    recipe.save_whole(path, lambda path: path.write_bytes(good), Path.read_bytes)
    for bit in range(8 * len(good)):
        bad = bytearray(good)
        bad[bit // 8] ^= 1 << bit % 8
        path.write_bytes(bad)
        with pytest.raises(ValueError, match=r"^model\.bin does not fit model\.bin\.sha256: "):
            recipe.checked(path)
    path.write_bytes(good[:-1])
    with pytest.raises(ValueError, match="does not fit"):
        recipe.checked(path)
    path.write_bytes(good)
    assert recipe.checked(path) == path


def test_a_checksum_that_is_damaged_or_gone_is_told(recipe, save_text, tmp_path):
    path = tmp_path / "model.bin"
    save_text(path, "text")
    Path(f"{path}.sha256").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="does not fit"):
        recipe.checked(path)
    Path(f"{path}.sha256").unlink()
    with pytest.raises(FileNotFoundError, match=r"^no model\.bin\.sha256 in .*: save it with"):
        recipe.checked(path)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"^no model\.bin in .*: save it with"):
        recipe.checked(path)


def test_a_path_that_cannot_be_a_file_is_refused(recipe, tmp_path):
    with pytest.raises(IsADirectoryError, match=r" is a folder: save a file in it$"):
        recipe.save_whole(tmp_path, Path.touch, Path.read_text)
    with pytest.raises(FileNotFoundError, match=r"^no folder .*gone: make it first$"):
        recipe.save_whole(tmp_path / "gone" / "model.bin", Path.touch, Path.read_text)


@pytest.mark.parametrize("url", ["ram://x", "gs://bucket/x", Path("gs://bucket/x")])
def test_a_url_is_refused(recipe, tmp_path, monkeypatch, url):
    monkeypatch.chdir(tmp_path)
    shown = url if isinstance(url, str) else url.as_posix()
    message = f"^{shown} is a URL: save to the local disk, and copy the file there with tf.io.gfile"
    with pytest.raises(ValueError, match=message):
        recipe.save_whole(url, Path.touch, Path.read_text)
    with pytest.raises(ValueError, match=message):
        recipe.checked(url)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="Windows has no pipes with a name")
@pytest.mark.parametrize("name", ["model.bin", "model.bin.sha256"])
def test_a_pipe_is_not_replaced(recipe, save_text, tmp_path, name):
    pipe = tmp_path / name
    os.mkfifo(pipe)
    with pytest.raises(FileExistsError, match=rf"/{name} is no file: save under another name$"):
        save_text(tmp_path / "model.bin", "new")
    assert pipe.is_fifo()
    assert len(list(tmp_path.iterdir())) == 1
    with pytest.raises(FileNotFoundError, match=r"^no model\.bin"):
        recipe.checked(tmp_path / "model.bin")


def test_a_checksum_that_is_a_folder_is_refused_before_the_save(save_text, tmp_path):
    (tmp_path / "model.bin.sha256").mkdir()
    with pytest.raises(IsADirectoryError, match=r"/model\.bin\.sha256 is a folder: save a file"):
        save_text(tmp_path / "model.bin", "new")
    assert len(list(tmp_path.iterdir())) == 1


def test_a_link_is_replaced_and_its_target_stays(recipe, save_text, tmp_path):
    target = tmp_path / "target.bin"
    target.write_text("old", encoding="utf-8")
    link = tmp_path / "model.bin"
    try:
        link.symlink_to(target)
    except OSError as error:  # Windows asks for a privilege
        pytest.skip(str(error))
    save_text(link, "new")
    assert target.read_text(encoding="utf-8") == "old"
    assert not link.is_symlink()
    assert recipe.checked(link).read_text(encoding="utf-8") == "new"


@pytest.mark.skipif(os.name != "posix", reason="the record is made of inodes and of fsync")
def test_a_power_cut_leaves_the_old_file_or_the_new_one(recipe, tmp_path):
    moments = record_whole_file(recipe, tmp_path / "record")
    result = try_cuts(moments, judge_whole_file(recipe), tmp_path / "cut", at_random=20)
    assert result.lost == []
    assert result.states > 100


@pytest.mark.skipif(os.name != "posix", reason="the record is made of inodes and of fsync")
@pytest.mark.parametrize("left_out", ["every flush", "files", "folders"])
def test_without_a_flush_a_power_cut_loses_the_file(recipe, tmp_path, monkeypatch, left_out):
    real = recipe._flush

    def flush(path):
        if left_out == "files" and path.is_dir():
            real(path)
        if left_out == "folders" and path.is_file():
            real(path)

    monkeypatch.setattr(recipe, "_flush", flush)
    moments = record_whole_file(recipe, tmp_path / "record")
    monkeypatch.undo()
    result = try_cuts(moments, judge_whole_file(recipe), tmp_path / "cut", at_random=0)
    assert len(result.lost) > result.states // 10, result


@pytest.mark.skipif(os.name != "posix", reason="Windows has no limit to set")
def test_a_full_disk_leaves_the_old_file_and_nothing_else(recipe, save_text, tmp_path):
    path = tmp_path / "model.bin"
    save_text(path, "old")
    script = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "sys.path.insert(0, sys.argv[2])\n"
        "from save_whole import save_whole\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "save_whole(sys.argv[1], lambda path: path.write_bytes(bytes(2000)), Path.read_bytes)\n"
    )
    command = [sys.executable, "-c", script, str(path), str(Path(recipe.__file__).parent)]
    ended = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    assert "File too large" in ended.stderr
    assert recipe.checked(path).read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 2
