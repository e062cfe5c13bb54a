import contextlib

from helpers.lab import crashes
from helpers.recipes.restart import adopt, flush, newest_whole, only_writer

import matplotlib.pyplot as plt
import pytest
import tensorflow as tf


@pytest.mark.parametrize("how", crashes.DAMAGES)
def test_a_crash_leaves_three_intact_checkpoints_and_a_damaged_list(tmp_path, how):
    folder = crashes.crash(tmp_path, how)
    assert crashes.numbers_in(folder) == [1, 2, 3]
    assert newest_whole(folder) == str(folder / "ckpt-3")
    listed = folder / "checkpoint"
    content = listed.read_bytes() if listed.exists() else None
    assert content == crashes.DAMAGES[how]


def test_a_list_that_is_behind_is_one_that_tensorflow_can_read(tmp_path):
    folder = crashes.crash(tmp_path, "behind by one")
    assert tf.train.latest_checkpoint(folder) == str(folder / "ckpt-2")


@pytest.mark.parametrize(
    ("how", "choose", "said"),
    [
        ("missing", tf.train.latest_checkpoint, "after 0, 3 left"),
        ("empty", newest_whole, "ValueError"),
        ("garbage", newest_whole, "UnicodeDecodeError"),
        ("zeros", newest_whole, "after 3, 6 left"),
        ("garbage", adopt, "after 3, 3 left"),
    ],
)
def test_a_start_says_after_which_step_it_went_on_and_what_is_left(tmp_path, how, choose, said):
    assert crashes.start(crashes.crash(tmp_path, how), choose) == said


def test_a_row_for_each_damage_has_what_each_way_says(tmp_path):
    rows = crashes.start_after_each_damage(tmp_path, [newest_whole, adopt])
    assert [row[0] for row in rows] == list(crashes.DAMAGES)
    assert rows[0][1:] == ["after 3, 6 left", "after 3, 3 left"]


def test_each_crash_leaks_one_checkpoint_unless_the_list_is_written_again(tmp_path):
    before = crashes.count_after_crashes(tmp_path, newest_whole, crashes=3)
    after = crashes.count_after_crashes(tmp_path, adopt, crashes=3)
    assert before == [4, 5, 6]
    assert after == [4, 4, 4]


def train_watched(folder, is_locked=True, is_flushed=True):
    state = crashes.make_state()
    lock = only_writer(folder) if is_locked else contextlib.nullcontext()
    with crashes.watch_managers(folder) as watched, lock:
        manager = crashes.make_manager(state, folder)
        for _ in range(4):
            prefix = manager.save()
            if is_flushed:
                flush(prefix)
    return watched


def test_a_manager_is_watched_for_the_lock_and_for_the_flush_of_each_save(tmp_path):
    watched = train_watched(tmp_path)
    assert watched.had_lock
    assert watched.all_flushed
    assert not train_watched(tmp_path, is_locked=False).had_lock
    assert not train_watched(tmp_path, is_flushed=False).all_flushed


def test_a_manager_that_was_made_before_the_lock_is_noticed(tmp_path):
    with crashes.watch_managers(tmp_path) as watched:
        crashes.make_manager(crashes.make_state(), tmp_path)
    assert not watched.had_lock
    assert not watched.saved


def train_seldom(folder, steps, every, flush=flush, only_writer=only_writer, adopt=adopt):
    state = crashes.make_state()
    with only_writer(folder):
        prefix = adopt(folder)
        if prefix:
            state.restore(prefix).assert_consumed()
        manager = crashes.make_manager(state, folder)
        for step in range(int(state.step) + 1, steps + 1):
            state.step.assign(step)
            if step % every == 0 or step == steps:
                flush(manager.save(checkpoint_number=step))


def test_a_training_has_to_save_flush_and_lock_as_asked(tmp_path):
    def fault(name, every=None, **different):
        def train(folder, steps, asked):
            train_seldom(folder, steps, every or asked, **different)

        (tmp_path / name).mkdir()
        return crashes.find_fault_of_training(train, tmp_path / name)

    assert fault("right") is None
    assert fault("fifth", every=5) == "up to step 16, every=7: other saves are left"
    assert fault("unflushed", flush=str) == "not every save was flushed"
    assert fault("unlocked", only_writer=contextlib.nullcontext) == crashes.WITHOUT_LOCK


def test_a_start_has_to_keep_three_clean_up_and_lock(tmp_path):
    def start_again(folder, only_writer=only_writer, adopt=adopt):
        steps = crashes.numbers_in(folder)[-1] + 3
        train_seldom(folder, steps, 1, str, only_writer, adopt)

    def fault(**different):
        return crashes.find_fault_of_start(
            lambda folder: start_again(folder, **different), tmp_path
        )

    @contextlib.contextmanager
    def only_clean(folder):
        with only_writer(folder):
            pass
        yield

    assert fault() is None
    assert fault(adopt=newest_whole) == "list missing, call 1: [1, 2, 3, 4, 5, 6], 3 listed"
    forgotten = fault(adopt=lambda folder: adopt(folder) and None)
    assert forgotten == "list missing, call 1: other weights than before the crash"
    not_cleaned = fault(only_writer=contextlib.nullcontext)
    assert not_cleaned == "list missing: the remains of a save are left"
    assert fault(only_writer=only_clean) == crashes.WITHOUT_LOCK


def test_the_drawing_has_a_line_and_a_label_for_each():
    crashes.draw_counts([4, 5], [4, 4], ["alone", "adopt"])
    [axes] = plt.gcf().axes
    assert [list(line.get_ydata()) for line in axes.lines] == [[4, 5], [4, 4]]
    assert [text.get_text() for text in axes.texts] == ["alone", "adopt"]
    plt.close()


def test_a_killed_save_leaves_its_temporary_folder(tmp_path):
    crashes.kill_a_save(tmp_path)
    assert [path.name for path in tmp_path.glob("*_temp")] == ["ckpt-2_temp"]


def test_a_start_is_killed_before_the_change_that_is_asked_for(tmp_path):
    folder, said = crashes.kill_a_start(tmp_path, 2)
    assert said == "killed before rmdir"
    assert list((folder / "ckpt-4_temp").iterdir()) == []


def test_a_full_disk_is_filled_by_the_third_save(tmp_path):
    pytest.importorskip("resource")
    assert crashes.fill_the_disk(tmp_path).startswith("saved 1\nsaved 2\n3 is not saved: ")


def test_a_script_is_killed_once_for_each_damage_and_then_runs_to_its_end(tmp_path):
    state = tmp_path / "checkpoint"
    script = tmp_path / "script.py"
    lines = [
        "import sys, time",
        "from pathlib import Path",
        "state = Path(sys.argv[1], 'checkpoint')",
        "content = state.read_bytes() if state.exists() else None",
        "print('found', content, flush=True)",
        "is_last = content is not None and content.startswith(b'model')",
        "state.write_bytes(b'ours')",
        "time.sleep(0 if is_last else 900)",
    ]
    script.write_text("\n".join(lines), encoding="utf-8")
    printed = crashes.kill_after_lines(script, tmp_path, lines=1)
    found = [None, *crashes.DAMAGES.values()]
    assert printed == [f"found {content}" for content in found]
    assert state.read_bytes() == b"ours"
