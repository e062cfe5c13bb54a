"""helpers.lab.killed_saves: a save dies at a chosen byte, and what it leaves is told."""

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
