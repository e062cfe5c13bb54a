"""save_whole, restart and film: killed, damaged, filled and contested, they lose nothing."""

import hashlib
import importlib
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("fcntl", reason="for Linux and Mac")

WORKER = """
import os, sys
import keras, tensorflow as tf
from pathlib import Path
from helpers.recipes.save_whole import save_whole
from helpers.recipes.restart import newest_whole, only_writer

def make_model(number):
    start = keras.initializers.Constant(number)
    layer = keras.layers.Dense(1000, use_bias=False, kernel_initializer=start)
    return keras.Sequential([keras.Input((1000,)), layer])

def save(way, model, folder, number):
    if way == ".keras":
        save_whole(folder / "model.keras", model.save, keras.saving.load_model)
    elif way == ".weights.h5":
        path, spare = folder / "model.weights.h5", make_model(0)
        save_whole(path, model.save_weights, spare.load_weights)
    else:
        checkpoint = tf.train.Checkpoint(model=model)
        tf.train.CheckpointManager(checkpoint, folder, max_to_keep=2).save(number)

if __name__ == "__main__":
    way, folder = sys.argv[1], Path(sys.argv[2])
    model = make_model(0)
    with only_writer(folder):
        for number in range(1, 1000):
            for weight in model.weights:
                weight.assign_add(tf.ones_like(weight))
            print("saving", flush=True)
            save(way, model, folder, number)
            print("saved", flush=True)
"""


@pytest.fixture(scope="module")
def safe(helpers):
    return importlib.import_module("helpers.recipes.save_whole")


@pytest.fixture(scope="module")
def restart(helpers):
    return importlib.import_module("helpers.recipes.restart")


@pytest.fixture(scope="module")
def film(helpers):
    return importlib.import_module("helpers.lab.film").film


@pytest.fixture
def kill(helpers, tmp_path):
    """Kill savers at random moments of their third save or later, until one died inside a save."""
    program = importlib.import_module("helpers.programs").Program
    worker = tmp_path / "worker.py"
    worker.write_text(WORKER)

    def kill(way, folder):
        while True:
            with program(worker, way, folder) as process:
                lines = process.lines()
                times = [time.perf_counter() for _ in range(5) if next(lines)]
                time.sleep(random.random() * (times[3] - times[2]))
            said = ["saving", *lines]
            assert set(said) <= {"saving", "saved"}, said[-1]
            if said[-1] == "saving":
                return said.count("saved") + 2  # whole saves; one more had begun

    return kill


@pytest.mark.parametrize("way", [".keras", ".weights.h5", "checkpoints"])
def test_twenty_kills_in_a_save_lose_nothing(safe, restart, tf, kill, tmp_path, way):
    import keras

    folder = tmp_path / "saves"
    folder.mkdir()
    model = keras.Sequential([keras.Input((1000,)), keras.layers.Dense(1000, use_bias=False)])
    for _ in range(20):
        number = kill(way, folder)
        if way == ".keras":
            model = keras.saving.load_model(safe.checked(folder / "model.keras"))
        elif way == ".weights.h5":
            model.load_weights(safe.checked(folder / "model.weights.h5"))
        else:
            prefix = restart.newest_whole(folder)
            tf.train.Checkpoint(model=model).restore(prefix).assert_existing_objects_matched()
        found = np.unique(model.weights[0].numpy()).tolist()
        assert found in ([number], [number + 1])
        with restart.only_writer(folder):
            stale = [path.name for path in folder.iterdir() if "temp" in path.name]
            assert not list(folder.glob(".saving-*")), "not swept"
            assert not [name for name in stale if list((folder / name).iterdir())], "not swept"


def test_a_file_is_replaced_with_its_checksum(safe, tmp_path):
    path = tmp_path / "课 model.bin"
    for text in ["old", "new"]:
        safe.save_whole(path, lambda path, text=text: path.write_text(text), Path.read_text)
        assert safe.checked(path).read_text() == text
    digest = hashlib.sha256(b"new").hexdigest()
    assert Path(f"{path}.sha256").read_text() == f"{digest}  {path.name}\n"
    assert sorted(each.name for each in tmp_path.iterdir()) == [path.name, path.name + ".sha256"]
    (tmp_path / "plain").touch()
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode, "other permissions"
    path.chmod(0o600)
    safe.save_whole(path, lambda path: path.write_text("mine"), Path.read_text)
    assert path.stat().st_mode & 0o777 == 0o600, "what only its owner could read"


@pytest.mark.parametrize(
    ("owner", "name"), [(hashlib, "file_digest"), (Path, "read_text"), (Path, "open")]
)
def test_a_save_in_the_middle_of_a_check_is_no_damage(safe, tmp_path, monkeypatch, owner, name):
    path, real, texts = tmp_path / "model.bin", getattr(owner, name), ["new"]
    safe.save_whole(path, lambda path: path.write_text("old"), Path.read_bytes)

    def then_save(*given, **options):
        result = real(*given, **options)
        if texts:
            text = texts.pop()
            safe.save_whole(path, lambda path: path.write_text(text), Path.read_bytes)
        return result

    monkeypatch.setattr(owner, name, then_save)
    assert safe.checked(path) == path
    assert texts == [], "it did not save"
    monkeypatch.undo()
    assert safe.checked(path).read_text() == "new"


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
def test_what_fails_leaves_the_old_file_and_nothing_else(safe, tmp_path, write, read, error):
    path = tmp_path / "model.bin"
    safe.save_whole(path, lambda path: path.write_text("old"), Path.read_text)
    with pytest.raises(error):
        safe.save_whole(path, write, read)
    assert safe.checked(path).read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("protected", [True, False])
@pytest.mark.parametrize("step", range(6))
def test_cut_off_before_any_flush_or_rename(safe, tmp_path, monkeypatch, step, protected):
    """The old file, protected already or not, or the new one is there and passes the check."""
    path, calls = tmp_path / "model.bin", []
    if protected:
        safe.save_whole(path, lambda path: path.write_text("old"), Path.read_text)
    else:
        path.write_text("old")
    rename = Path.replace

    def count(do):
        def counted(*arguments):
            calls.append(arguments)
            if len(calls) > step:
                raise InterruptedError
            return do(*arguments)

        return counted

    monkeypatch.setattr(Path, "replace", count(rename))
    monkeypatch.setattr("helpers.recipes.save_whole._flush", count(lambda path: None))
    with pytest.raises(InterruptedError):
        safe.save_whole(path, lambda path: path.write_text("new"), Path.read_text)
    monkeypatch.undo()
    assert path.read_text() == ("old" if step < 5 else "new")
    if protected or step >= 2:
        safe.checked(path)
    safe.save_whole(path, lambda path: path.write_text("newer"), Path.read_text)
    assert safe.checked(path).read_text() == "newer"


def test_every_file_and_folder_is_flushed_before_and_after_its_rename(safe, tmp_path, monkeypatch):
    path, done = tmp_path / "model.bin", []
    rename, flush = Path.replace, safe._flush
    monkeypatch.setattr(
        Path, "replace", lambda *paths: (done.append(("rename", paths[1].name)), rename(*paths))
    )
    monkeypatch.setattr(
        "helpers.recipes.save_whole._flush",
        lambda path: (done.append(("flush", path.name)), flush(path)),
    )
    safe.save_whole(path, lambda path: path.write_text("x"), Path.read_text)
    names = ["model.bin.sha256", "model.bin", "model.bin.sha256"]
    assert done == [
        step
        for name in names
        for step in [("flush", name), ("rename", name), ("flush", tmp_path.name)]
    ]


def test_no_flipped_bit_and_no_cut_gets_past_the_check(safe, tmp_path):
    path = tmp_path / "model.bin"
    safe.save_whole(path, lambda path: path.write_bytes(bytes(range(100))), Path.read_bytes)
    good = path.read_bytes()
    for bit in range(8 * len(good)):
        bad = bytearray(good)
        bad[bit // 8] ^= 1 << bit % 8
        path.write_bytes(bad)
        with pytest.raises(ValueError, match=r"^model\.bin does not fit model\.bin\.sha256: "):
            safe.checked(path)
    path.write_bytes(good[:-1])
    with pytest.raises(ValueError, match="does not fit"):
        safe.checked(path)
    path.write_bytes(good)
    Path(f"{path}.sha256").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="does not fit"):
        safe.checked(path)
    Path(f"{path}.sha256").unlink()
    with pytest.raises(FileNotFoundError, match=r"^no model\.bin\.sha256 in .*: save it with"):
        safe.checked(path)
    with pytest.raises(IsADirectoryError, match=r" is a folder: save a file in it$"):
        safe.save_whole(tmp_path, Path.touch, Path.read_text)
    with pytest.raises(FileNotFoundError, match=r"^no folder .*gone: make it first$"):
        safe.save_whole(tmp_path / "gone" / "model.bin", Path.touch, Path.read_text)


def test_a_full_disk_leaves_the_old_file_and_nothing_else(safe, tmp_path):
    path = tmp_path / "model.bin"
    safe.save_whole(path, lambda path: path.write_bytes(b"old"), Path.read_bytes)
    script = (
        "import resource, sys\nfrom pathlib import Path\nsys.path.insert(0, sys.argv[2])\n"
        "import save_whole as safe\nresource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "safe.save_whole(sys.argv[1], lambda path: path.write_bytes(bytes(2000)), Path.read_bytes)"
    )
    command = [sys.executable, "-c", script, str(path), str(Path(safe.__file__).parent)]
    ended = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    assert "File too large" in ended.stderr
    assert safe.checked(path).read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 2


@pytest.fixture
def three(tf, tmp_path):
    """A folder with ckpt-8, ckpt-9 and ckpt-10, each with an iterator and a step."""
    iterator = iter(tf.data.Dataset.range(9).shuffle(5, seed=1))
    step = tf.Variable(0)
    checkpoint = tf.train.Checkpoint(step=step, words=tf.Variable("a"), iterator=iterator)
    manager = tf.train.CheckpointManager(checkpoint, tmp_path, max_to_keep=5)
    for number in [8, 9, 10]:
        step.assign(number)
        manager.save(number)
    return tmp_path


def test_the_newest_whole_checkpoint_is_chosen(restart, three):
    assert restart.newest_whole(three) == str(three / "ckpt-10")
    (three / "checkpoint").unlink()
    data = three / "ckpt-10.data-00000-of-00001"
    good = data.read_bytes()
    for place in range(0, len(good), 97):
        data.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        assert restart.newest_whole(three) == str(three / "ckpt-9"), place
    data.write_bytes(good)
    assert restart.newest_whole(three) == str(three / "ckpt-10")
    data.unlink()
    index = three / "ckpt-9.index"
    for damaged in [b"", index.read_bytes()[:-30], bytes(index.stat().st_size)]:
        index.write_bytes(damaged)
        assert restart.newest_whole(three) == str(three / "ckpt-8")
    (three / "ckpt-8.index").write_bytes(b"")
    with pytest.raises(ValueError, match=r"^none is whole of 3 checkpoints in "):
        restart.newest_whole(three)


def test_a_first_save_that_was_cut_off_blocks_no_start(restart, tmp_path):
    (tmp_path / "ckpt-1.index").touch()
    assert restart.newest_whole(tmp_path) is None
    (tmp_path / "checkpoint").write_text("")
    with pytest.raises(ValueError, match="none is whole of 1 checkpoints"):
        restart.newest_whole(tmp_path)


def test_a_single_damaged_checkpoint_is_no_cut_off_save(restart, three):
    for file in [*three.glob("ckpt-8.*"), *three.glob("ckpt-9.*"), three / "checkpoint"]:
        file.unlink()
    data = three / "ckpt-10.data-00000-of-00001"
    data.write_bytes(bytes(data.stat().st_size))
    with pytest.raises(ValueError, match="none is whole of 1 checkpoints"):
        restart.newest_whole(three)
    data.unlink()
    with pytest.raises(ValueError, match="none is whole of 1 checkpoints"):
        restart.newest_whole(three)


def test_no_checkpoint_is_none_and_a_bad_folder_is_named(restart, tmp_path):
    assert restart.newest_whole(tmp_path) is None
    with pytest.raises(FileNotFoundError, match=r"^no folder gone in "):
        restart.newest_whole(tmp_path / "gone")
    (tmp_path / "run[1]").mkdir()
    for refuse in [restart.newest_whole, lambda folder: restart.only_writer(folder).__enter__()]:
        with pytest.raises(ValueError, match=r"^TensorFlow reads \[ \] in a path as a pattern: "):
            refuse(tmp_path / "run[1]")


def test_only_what_is_stale_is_swept(restart, tmp_path):
    part, state = "part-00000-of-00001.data-00000-of-00001", ".tempstate123"
    stale = {
        "ckpt-2_temp": [part + state, "part-00000-of-00001.index"],
        "ckpt-3_temp": [],
        ".saving-ab_12345": ["model.keras"],
        "ckpt-1.index.tempstate7": None,
        "ckpt-1.data-00000-of-00001.tempstate7": None,
        "checkpoint.tmp" + 32 * "a": None,
        "saved_model.pb.tmp" + 32 * "0": None,
    }
    ours = {
        "empty_temp": [],
        "notes_temp": ["part-00000-of-00001.index", "notes.txt"],
        "part-00000-of-00001.index": None,
        "ckpt-1.index": None,
        "ckpt-1.data-00000-of-00001": None,
        "checkpoint": None,
        "checkpoint.tmp": None,
        "model.tempstate7": None,
        ".saving-mine": ["model.keras"],
    }
    for name, inside in (stale | ours).items():
        if inside is None:
            (tmp_path / name).touch()
        else:
            (tmp_path / name).mkdir()
            for each in inside:
                (tmp_path / name / each).touch()
    (tmp_path / "link_temp").symlink_to(tmp_path / "notes_temp")
    with restart.only_writer(tmp_path) as swept:
        assert swept == sorted(stale)
    found = {path.name for path in tmp_path.iterdir()}
    assert found == {*ours, "link_temp", ".writer"}
    with restart.only_writer(tmp_path) as swept:
        assert swept == []


def test_a_claim_is_refused_until_its_process_ends_and_nothing_is_swept(restart, kill, tmp_path):
    claimed = tmp_path / "claimed"
    claimed.mkdir()
    program = importlib.import_module("helpers.programs").Program
    with program(tmp_path / "worker.py", "checkpoints", claimed) as process:
        lines = process.lines()
        next(lines)
        for _ in range(50):
            with pytest.raises(RuntimeError, match=r"claimed has a writer: wait, or save else"):
                restart.only_writer(claimed).__enter__()
        assert next(lines) == "saved"
    with restart.only_writer(claimed), pytest.raises(RuntimeError, match="has a writer"):
        restart.only_writer(claimed).__enter__()
    with restart.only_writer(claimed):
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="asks inotify")
def test_a_film_shows_changes_in_order(film, tmp_path):
    old = tmp_path / "a b"
    old.write_text("x")
    with film(tmp_path) as seen:
        for _ in range(3):
            old.write_text("y")
        old.rename(tmp_path / f"课.tmp{32 * 'f'}")
        (tmp_path / "inner").mkdir()
        (tmp_path / "inner" / "new").write_text("unseen")
        (tmp_path / "inner" / "new").rename(tmp_path / "new")
        (tmp_path / "new").unlink()
        (tmp_path / "inner").rmdir()
    assert seen == [
        "write a b",
        "rename a b to 课.tmp…",
        "create inner/",
        "move in new",
        "delete new",
        "delete inner/",
    ]
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(OSError, match="gone"):
        film(tmp_path / "gone").__enter__()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
