"""helpers.lab.far_faults: a store that fails exactly as told, and counts."""

import itertools
import sys
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

from helpers.lab import far_faults
from helpers.lab.far_faults import AFTER, BEFORE, CHANGED_BYTE, DEATHS, HALF, LOST, NEW, OLD
from helpers.recipes import far_away

import numpy as np
import pytest
import tensorflow as tf

gfile = tf.io.gfile
new_number = itertools.count()


@pytest.fixture
def code():
    """A module that reaches a store by the name ``gfile``."""
    module = ModuleType("code")
    module.gfile = gfile
    return module


@pytest.fixture
def far():
    return f"ram://faults/{next(new_number)}"


def put(code, path, content=b"12345678"):
    with code.gfile.GFile(path, "wb") as file:
        file.write(content)


def content(path):
    if not gfile.exists(path):
        return None
    with gfile.GFile(path, "rb") as file:
        return file.read()


def test_without_a_fault_it_is_a_store_like_any_other_and_counts(code, far):
    with far_faults.store_of(code) as store:
        code.gfile.makedirs(f"{far}/a")
        put(code, f"{far}/a/x")
        put(code, f"{far}/a/x", b"again")
        with code.gfile.GFile(f"{far}/a/x", "rb") as file:
            assert file.read() == b"again"
        assert code.gfile.listdir(f"{far}/a") == ["x"]
        assert code.gfile.exists(f"{far}/a/x")
        assert store.changes == 3
        code.gfile.rmtree(f"{far}/a")
        assert store.changes == 5
        assert not store.is_gone
    assert code.gfile is gfile
    assert not gfile.exists(f"{far}/a/x")


@pytest.mark.parametrize(
    ("how", "left"),
    [(BEFORE, None), (HALF, b"1234"), (AFTER, b"12345678")],
)
def test_the_machine_dies_at_the_second_change_and_nothing_comes_after(code, far, how, left):
    with far_faults.store_of(code, 2, how) as store:
        put(code, f"{far}/first")
        try:
            put(code, f"{far}/second")
        finally:
            put(code, f"{far}/third")
    assert store.is_gone
    assert content(f"{far}/first") == b"12345678"
    assert content(f"{far}/second") == left
    assert content(f"{far}/third") is None


def test_a_dead_machine_reads_nothing_either(code, far):
    with far_faults.store_of(code, 1, AFTER) as store:
        put(code, f"{far}/first")
    for act in [
        lambda: store.exists(far),
        lambda: store.listdir(far),
        lambda: store.GFile(f"{far}/first", "rb"),
    ]:
        with pytest.raises(far_faults.MachineGone):
            act()


def test_a_copy_is_a_change_like_a_write(code, far):
    put(code, f"{far}/x")
    with far_faults.store_of(code, 2, CHANGED_BYTE) as store:
        code.gfile.copy(f"{far}/x", f"{far}/y")
        code.gfile.copy(f"{far}/x", f"{far}/z")
    assert store.changes == 2
    assert content(f"{far}/y") == b"12345678"
    assert content(f"{far}/z") == b"12344678"


def test_one_byte_changes_and_the_machine_lives(code, far):
    with far_faults.store_of(code, 1, CHANGED_BYTE) as store:
        put(code, f"{far}/x")
        put(code, f"{far}/y")
    assert not store.is_gone
    assert content(f"{far}/x") == b"12344678"
    assert content(f"{far}/y") == b"12345678"


def test_a_file_that_is_named_arrives_changed_whenever_it_comes(code, far):
    for order in [["x", "xy"], ["xy", "x"]]:
        with far_faults.store_of(code, "x", CHANGED_BYTE):
            for name in order:
                put(code, f"{far}/{name}")
        assert content(f"{far}/x") == b"12344678"
        assert content(f"{far}/xy") == b"12345678"


def test_an_error_of_the_program_goes_through(code):
    with pytest.raises(ZeroDivisionError):
        with far_faults.store_of(code):
            raise ZeroDivisionError
    assert code.gfile is gfile


def test_a_listing_lags_by_so_many_changes(code, far):
    with far_faults.store_of(code, lag=2):
        put(code, f"{far}/x")
        assert code.gfile.listdir(far) == []
        put(code, f"{far}/y")
        assert code.gfile.listdir(far) == []
        put(code, f"{far}/z")
        assert code.gfile.listdir(far) == ["x"]


def test_checkpoints_of_two_numbers_are_told_apart(tmp_path):
    one = far_faults.save_number(1, tmp_path)
    two = far_faults.save_number(2, tmp_path)
    assert far_faults.restored_number(one) == 1
    assert far_faults.restored_number(two) == 2
    mixed = {"a": tf.Variable(tf.fill([50], 1.0)), "b": tf.Variable(2)}
    prefix = tf.train.Checkpoint(**mixed).write(str(tmp_path / "mixed"))
    with pytest.raises(ValueError, match="of different checkpoints"):
        far_faults.restored_number(prefix)


def test_deaths_at_each_change_tell_a_bad_way_from_the_recipe(code, tmp_path):
    def over(prefix, far):
        for ending in ["data-00000-of-00001", "index"]:
            with gfile.GFile(f"{prefix}.{ending}", "rb") as file:
                put(code, f"{far}/ckpt.{ending}", file.read())

    def fetch(far, local):
        return f"{far}/ckpt"

    assert far_faults.die_at_each_change(over, fetch, code, tmp_path) == [
        *[OLD, LOST, LOST],
        *[LOST, LOST, NEW],
    ]
    recipe = far_faults.die_at_each_change(
        far_away.publish, far_away.fetch_newest, far_away, tmp_path
    )
    assert recipe == [OLD] * 14 + [NEW]
    assert len(recipe) % len(DEATHS) == 0


def test_the_picture_has_a_row_for_each_way_and_a_square_for_each_moment(plt, monkeypatch):
    monkeypatch.setattr(plt, "show", lambda: None)
    far_faults.draw_deaths({"over": [OLD, LOST, NEW], "beside": [OLD, OLD, OLD, NEW]})
    axes = plt.gcf().axes[0]
    rows = [squares for squares in axes.collections if len(squares.get_offsets())]
    assert [len(row.get_offsets()) for row in rows] == [3, 4]
    colours = np.round(rows[0].get_facecolors(), 3)
    assert len({tuple(colour) for colour in colours}) == 3
    assert [label.get_text() for label in axes.get_yticklabels()] == ["over", "beside"]


def copy_and_mark(prefix, far):
    name = prefix.rpartition("/")[2]
    for ending in [".index", ".data-00000-of-00001"]:
        with gfile.GFile(f"{prefix}{ending}", "rb") as file:
            put(here(), f"{far}/{name}/{name}{ending}", file.read())
    put(here(), f"{far}/{name}/published")


def here():
    """This module, in which ``gfile`` may be another store for a moment."""
    return sys.modules[__name__]


def test_only_a_marker_that_is_read_survives_every_death(tmp_path):
    restored = far_faults.die_in_each_way(copy_and_mark, globals(), tmp_path)
    assert restored == {
        "over one name": [OLD, LOST, LOST, LOST, LOST, NEW],
        "highest number": [OLD, LOST, LOST, LOST, LOST, NEW],
        "our marker": [OLD] * 7 + [NEW, NEW],
        "far_away": [OLD] * 14 + [NEW],
    }


def in_the_background(manager, far, copies=3):
    with ThreadPoolExecutor(1) as pool:
        tasks = []
        for number in range(1, copies + 1):
            tasks.append(pool.submit(far_away.publish, manager.save(number), far))
        for task in tasks:
            task.result()


def unheard(manager, far):
    with ThreadPoolExecutor(1) as pool:
        for number in [1, 2, 3]:
            pool.submit(far_away.publish, manager.save(number), far)


def asks_the_last(manager, far):
    with ThreadPoolExecutor(1) as pool:
        for number in [1, 2, 3]:
            task = pool.submit(far_away.publish, manager.save(number), far)
        task.result()


def always_fails(manager, far):
    raise OSError("no space")


def publishes_two(manager, far):
    in_the_background(manager, far, copies=2)


def in_the_foreground(manager, far):
    for number in [1, 2, 3]:
        far_away.publish(manager.save(number), far)


def counts_the_markers(manager, far):
    unheard(manager, far)
    if len(gfile.glob(f"{far}/*/published")) < 3:
        raise OSError("one is missing")


def wraps_the_error(manager, far):
    try:
        in_the_background(manager, far)
    except OSError:
        raise RuntimeError("a copy failed") from None


def test_a_function_that_asks_every_copy_has_no_fault(tmp_path):
    assert far_faults.find_fault_of_background(in_the_background, tmp_path) is None


@pytest.mark.parametrize(
    ("function", "fault"),
    [
        (unheard, "with a wrong byte in the copy of ckpt-1.index, no error is raised"),
        (asks_the_last, "with a wrong byte in the copy of ckpt-1.index, no error is raised"),
        (always_fails, "OSError is raised, although nothing went wrong: no space"),
        (publishes_two, "of three checkpoints, 2 are published"),
        (in_the_foreground, "the thread that saves also copies, and waits for it: copy in the "),
        (counts_the_markers, "with a wrong byte in the copy of ckpt-1.index, OSError is not"),
        (wraps_the_error, "with a wrong byte in the copy of ckpt-1.index, RuntimeError is not"),
    ],
)
def test_a_fault_of_a_function_that_publishes_in_the_background_is_told(tmp_path, function, fault):
    told = far_faults.find_fault_of_background(function, tmp_path)
    assert told.startswith(fault)


def publish_folder(folder, far, number):
    """A right answer to the exercise, by the ``gfile`` of this file."""
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        target = f"{far}/{number}/{path.relative_to(folder).as_posix()}"
        with gfile.GFile(target, "wb") as file:
            file.write(path.read_bytes())
        if content(target) != path.read_bytes():
            raise OSError("other bytes")
    with gfile.GFile(f"{far}/{number}/published", "wb") as file:
        file.write(b"complete")


def newest_folder(far):
    found = [
        marker.removesuffix("/published")
        for marker in gfile.glob(f"{far}/*/published")
        if content(marker) == b"complete"
    ]
    return max(found, key=lambda path: int(path.rpartition("/")[2]), default=None)


def test_two_functions_that_publish_folders_have_no_fault(tmp_path):
    faults = far_faults.find_fault_of_folders(publish_folder, newest_folder, globals(), tmp_path)
    assert faults is None


def newest_of_all(far):
    """Take every folder, also without a marker."""
    folders = {path.rpartition("/")[0] for path in gfile.glob(f"{far}/*/saved_model.pb")}
    return max(folders, key=lambda path: int(path.rpartition("/")[2]), default=None)


def newest_or_empty_text(far):
    return newest_folder(far) or ("" if gfile.isdir(far) else None)


def newest_as_text(far):
    markers = gfile.glob(f"{far}/*/published")
    return max(markers, default="none").removesuffix("/published") if markers else None


def marker_first(folder, far, number):
    with gfile.GFile(f"{far}/{number}/published", "wb") as file:
        file.write(b"complete")
    publish_folder(folder, far, number)


def without_read_back(folder, far, number):
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        with gfile.GFile(f"{far}/{number}/{path.relative_to(folder).as_posix()}", "wb") as file:
            file.write(path.read_bytes())
    with gfile.GFile(f"{far}/{number}/published", "wb") as file:
        file.write(b"complete")


def one_level_of_subfolders(folder, far, number):
    for path in [*folder.glob("*.pb"), *folder.glob("*/*.index")]:
        with gfile.GFile(f"{far}/{number}/{path.relative_to(folder).as_posix()}", "wb") as file:
            file.write(path.read_bytes())
    with gfile.GFile(f"{far}/{number}/published", "wb") as file:
        file.write(b"complete")


def without_subfolders(folder, far, number):
    with gfile.GFile(f"{far}/{number}/saved_model.pb", "wb") as file:
        file.write((folder / "saved_model.pb").read_bytes())
    with gfile.GFile(f"{far}/{number}/published", "wb") as file:
        file.write(b"complete")


def by_another_name(folder, far, number):
    with far_faults.store_of(globals()) as real:
        globals()["gfile"] = tf.io.gfile
        publish_folder(folder, far, number)
        globals()["gfile"] = real


@pytest.mark.parametrize(
    ("publish", "newest", "fault"),
    [
        (publish_folder, lambda far: "x", "the newest copy should be None"),
        (
            publish_folder,
            newest_or_empty_text,
            "where nothing is published, the newest copy should",
        ),
        (publish_folder, lambda far: None, "after 9 was published, no copy is found"),
        (publish_folder, newest_as_text, "after 10 was published, the newest copy does not hold"),
        (publish_folder, newest_of_all, "of the second copy, the newest copy"),
        (marker_first, newest_folder, "after a death at change 1"),
        (without_subfolders, newest_folder, "has no variables/variables.index"),
        (one_level_of_subfolders, newest_folder, "has no assets/words/list.txt"),
        (without_read_back, newest_folder, "after a changed byte at change 1 of the second copy"),
        (by_another_name, newest_folder, "nothing was written by way of gfile"),
    ],
)
def test_a_fault_of_two_functions_that_publish_is_told(tmp_path, publish, newest, fault):
    told = far_faults.find_fault_of_folders(publish, newest, globals(), tmp_path)
    assert fault in told
