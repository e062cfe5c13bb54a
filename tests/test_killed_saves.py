"""helpers.lab.killed_saves: a save dies at a chosen byte, and what it leaves is told."""

import contextlib
import os
import shutil
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest

pytestmark = [
    # h5py and TensorFlow have not followed numpy 2 in this yet.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]
DATA = "model.data-00000-of-00001"
TEMPORARY_DATA = "model_temp/part-00000-of-00001.data-00000-of-00001.tempstate…"


@pytest.fixture(scope="module")
def kills(module):
    return module("helpers.lab.killed_saves")


def restored(deaths):
    return [death.restored for death in deaths]


def test_a_checkpoint_of_one_name_is_lost_only_between_its_values_and_its_index(kills):
    during, between, end = kills.kill_saves("one checkpoint", [2, 5, 7])
    assert restored([during, between, end]) == [kills.BEFORE, kills.LOST, kills.NEW]
    assert during.files == {DATA: "old", "model.index": "old", TEMPORARY_DATA: "temporary"}
    assert (between.files[DATA], between.files["model.index"]) == ("new", "unfinished")
    assert end.files == {DATA: "new", "model.index": "new"}


def test_a_keras_file_is_lost_from_the_first_byte_on(kills):
    deaths = kills.kill_saves("one .keras", [0, 4, 7])
    assert restored(deaths) == [kills.LOST, kills.LOST, kills.NEW]
    states = [death.files["model.keras"] for death in deaths]
    assert states == ["unfinished", "unfinished", "new"]


def test_numbered_checkpoints_and_save_whole_lose_nothing(kills):
    for way in ["numbered checkpoints", "save_whole, .weights.h5"]:
        assert kills.LOST not in restored(kills.kill_saves(way, [1, 5, 6]))


def test_a_mixture_of_two_saves_is_lost(kills, tmp_path):
    model = kills.make_model(1)
    kernel = model.weights[0].numpy()
    kernel[0, 0] = 2
    model.weights[0].assign(kernel)
    kills.save_in_a_way("one .weights.h5", model, tmp_path, 1)
    assert kills.what_is_restored("one .weights.h5", tmp_path) == kills.LOST


def test_a_worker_that_fails_otherwise_is_no_death(kills, monkeypatch):
    monkeypatch.setattr(kills, "_sizes_after_a_save", lambda way, model: {"file": 9})
    with pytest.raises(RuntimeError, match=r"but: ValueError: no way of saving 'by hand'"):
        kills.kill_saves("by hand", [0])


def test_windows_gets_one_clear_line(kills, monkeypatch):
    monkeypatch.setattr(kills.os, "name", "nt")
    with pytest.raises(RuntimeError, match=r"^only on Linux and macOS: Windows cannot"):
        kills.kill_saves("one .keras")


def test_survivors_are_counted(kills):
    deaths = [kills.Death(restored, {}) for restored in [kills.BEFORE, kills.LOST, kills.NEW]]
    assert kills.survived(deaths) == "2 of 3"


def test_a_loader_restores_from_the_folder_of_a_file(kills, tmp_path):
    kills.save_in_a_way("one .weights.h5", kills.make_model(3, width=2), tmp_path, 1)
    weights = kills.loader("one .weights.h5", width=2)(tmp_path / "model.weights.h5")
    assert [weight.tolist() for weight in weights] == [[[3, 3], [3, 3]]] * 2


def test_files_come_with_the_functions_that_load_them(kills, tmp_path):
    loads = kills.save_files(tmp_path, ["one checkpoint", "one .keras"], width=2)
    assert [path.name for path in loads] == [DATA, "model.index", "model.keras"]
    for path, load in loads.items():
        assert [weight.tolist() for weight in load(path)] == [[[1, 1], [1, 1]]] * 2
    [*_, keras_file] = loads
    keras_file.unlink()
    with pytest.raises(ValueError, match="File not found"):
        loads[keras_file](keras_file)


def test_values_are_read_if_they_fit_the_index(kills, tf, tmp_path):
    for number in [1, 2]:
        (tmp_path / str(number)).mkdir()
        kills.save("one checkpoint", tmp_path / str(number), number, width=2)
    values = kills.read_values(tmp_path / "1" / "model")
    kernels = [value.tolist() for key, value in values.items() if "_CHECKPOINTABLE" not in key]
    assert kernels == [[[1, 1], [1, 1]]] * 2
    (tmp_path / "2" / DATA).replace(tmp_path / "1" / DATA)
    with pytest.raises(tf.errors.OpError, match="Checksum does not match"):
        kills.read_values(tmp_path / "1" / "model")


def test_of_two_saves_the_second_is_restored(kills, tmp_path):
    kills.save_twice("numbered checkpoints", tmp_path, width=2)
    assert kills.what_is_restored("numbered checkpoints", tmp_path, width=2) == kills.NEW


@pytest.mark.skipif(sys.platform != "linux", reason="other systems report no changes")
def test_a_film_shows_the_second_save_only(kills, tmp_path):
    lines = kills.film_a_save("one checkpoint", tmp_path)
    assert lines == [
        "create model_temp/",
        f"move in {DATA}",
        "write model.index",
        "delete model_temp/",
    ]


def test_each_way_is_killed(kills, monkeypatch):
    monkeypatch.setattr(kills, "kill_saves", lambda way: [way.upper()])
    assert kills.kill_each(["one", "two"]) == {"one": ["ONE"], "two": ["TWO"]}


def test_a_script_is_killed_until_its_file_is_damaged(kills, tmp_path):
    script, path = tmp_path / "saver.py", tmp_path / "file.zip"
    source = """
        import sys, zipfile
        from pathlib import Path

        for _ in range(2):
            with zipfile.ZipFile(sys.argv[1], "w") as archive:
                archive.writestr("member", "text")
            if Path(sys.argv[1] + ".seen").exists():
                Path(sys.argv[1]).write_bytes(b"half")
            Path(sys.argv[1] + ".seen").touch()
            print("saved", flush=True)
            while True: pass
    """
    script.write_text(textwrap.dedent(source), encoding="utf-8")
    assert kills.kill_until_damaged(script, path) == 2
    assert path.read_bytes() == b"half"


def test_the_table_has_a_row_for_each_way(kills):
    deaths = [kills.Death(kills.LOST, {}), kills.Death(kills.NEW, {})]
    table = kills.table_of_crashes({"by hand": deaths}, {"by hand": kills.BEFORE})
    words = table.splitlines()[-1].split()
    assert words == ["by", "hand", "1", "of", "2", "the", "save", "before"]


def save_with_recipe(kills, model, path):
    other = kills.make_model(0, width=2)
    kills.save_whole(path, model.save_weights, other.load_weights)


def test_a_save_has_to_be_whole(kills, tmp_path):
    def save_whole(model, path):
        save_with_recipe(kills, model, path)

    def swallow(model, path):
        with contextlib.suppress(OSError):
            save_with_recipe(kills, model, path)

    def save_another(model, path):
        model.save_weights(tmp_path / "elsewhere.weights.h5")
        save_with_recipe(kills, kills.make_model(4, width=2), path)

    def read_into_the_same(model, path):
        kills.save_whole(path, model.save_weights, model.load_weights)

    def read_nothing(model, path):
        kills.save_whole(path, model.save_weights, lambda path: None)

    def replace_first(model, path):
        if isinstance(model, kills.BrokenModel):
            good = kills.make_model(6, width=2)
            save_with_recipe(kills, good, path)
        save_whole(model, path)

    def fault(save, name):
        return kills.find_fault_of_save(save, tmp_path / f"{name}.weights.h5")

    assert fault(save_whole, "whole") is None
    assert fault(replace_first, "replaced") == "a save that failed has replaced the file"
    assert fault(lambda model, path: model.save_weights(path), "plain").startswith("there is no")
    assert fault(save_another, "another").startswith("the file does not hold")
    assert fault(swallow, "swallow") == "a save that failed raises no error"
    assert fault(read_into_the_same, "same").startswith("the file is read back into the model")
    assert fault(read_nothing, "nothing") == "a file that cannot be read back raises no error"


def test_a_note_has_to_be_written_by_the_save(kills, tmp_path):
    def note_of(path):
        return path.with_name(f"{path.name}.note")

    def save(model, path):
        model.save_weights(path)
        note_of(path).write_text(kills.damage.sha256(path), encoding="utf-8")

    def fits(path):
        note = note_of(path)
        return note.exists() and note.read_text(encoding="utf-8") == kills.damage.sha256(path)

    def fault(save, fits, name):
        return kills.find_fault_of_note(save, fits, tmp_path / f"{name}.weights.h5")

    assert fault(save, fits, "right") is None
    assert fault(lambda model, path: model.save_weights(path), fits, "none").startswith("the save")
    assert fault(save, lambda path: False, "never") == "a file as it was saved should be True"
    assert fault(save, lambda path: True, "always") == "a damaged file should be False"


def test_a_note_has_to_be_of_the_whole_file(kills, tmp_path):
    def beginning_of(path):
        return str(path.read_bytes()[:512])

    def save(model, path):
        model.save_weights(path)
        path.with_name(f"{path.name}.note").write_text(beginning_of(path), encoding="utf-8")

    def fits(path):
        note = path.with_name(f"{path.name}.note")
        return note.exists() and note.read_text(encoding="utf-8") == beginning_of(path)

    fault = kills.find_fault_of_note(save, fits, tmp_path / "a.weights.h5")
    assert fault == "a damaged file should be False"


def test_a_published_model_has_to_be_whole_numbered_and_flushed(kills, tf, tmp_path):
    def publish(module, shelf, flush=True, place=None, flush_late=False, number=next_number):
        with tempfile.TemporaryDirectory(dir=place or shelf) as temporary:
            beside = Path(temporary) / "model"
            tf.saved_model.save(module, beside)
            if flush:
                flush_files(beside)
            published = beside.rename(shelf / str(number(shelf)))
            if flush_late:
                flush_files(published)
            return published

    def fault(name, function=publish, **different):
        (tmp_path / name).mkdir()
        return kills.find_fault_of_publish(
            lambda module, shelf: function(module, shelf, **different), tmp_path / name
        )

    def always_one(module, shelf):
        shutil.rmtree(shelf / "1", ignore_errors=True)
        return publish(module, shelf)

    def swallow(module, shelf):
        with contextlib.suppress(ValueError):
            return publish(module, shelf)

    assert fault("right") is None
    assert fault("one", always_one).startswith("save 2 was published as")
    assert fault("counted", number=count).startswith("save 11 was published as")
    assert fault("unflushed", flush=False) == "after a power cut 1 cannot be loaded"
    assert fault("swallow", swallow) == "a save that fails raises no error"
    late = fault("late", flush=False, flush_late=True)
    assert late == "1 was there before its files were flushed"
    outside = fault("outside", place=tmp_path)
    assert outside == "the temporary folder is not inside the folder"


def next_number(shelf):
    return 1 + max([int(path.name) for path in shelf.iterdir() if path.name.isdigit()], default=0)


def count(shelf):
    return len(list(shelf.iterdir()))


def flush_files(folder):
    for path in folder.rglob("*"):
        if path.is_file():
            flush_file(path)


def flush_file(path):
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def test_the_picture_has_a_square_for_each_kill_and_a_lane_for_each_file(kills, plt):
    alive = kills.Death(kills.BEFORE, {"a.tempstate…": "temporary", "model.keras": "old"})
    dead = kills.Death(kills.LOST, {"model.keras": "unfinished"})
    kills.draw_kills({"one": [alive, dead]}, lanes=["one"])
    above, below = plt.gcf().axes
    assert [len(above.patches), len(below.patches)] == [2, 3]
    names = [label.get_text() for label in below.get_yticklabels()]
    assert names == ["model.keras", "a"]
    colours = [patch.get_facecolor() for patch in above.patches]
    assert colours[0] != colours[1]
