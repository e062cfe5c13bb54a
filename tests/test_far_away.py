"""helpers.recipes.far_away: whatever dies, and whenever, a published checkpoint is found again."""

import contextlib
import itertools
from pathlib import Path

from helpers.lab import far_faults
from helpers.lab.far_faults import CHANGED_BYTE, DEATHS, MachineGone, Store, store_of
from helpers.recipes import far_away
from helpers.recipes.far_away import clean_up, fetch_newest, publish

import numpy as np
import pytest
import tensorflow as tf

gfile = tf.io.gfile
new_number = itertools.count()


@pytest.fixture(params=["ram", "local"])
def far(request, tmp_path):
    """An empty far folder: in memory, behind a URL, or on this disk, as a mounted drive is."""
    if request.param == "ram":
        return f"ram://test/{next(new_number)}"
    folder = tmp_path / "drive"
    folder.mkdir()
    return str(folder)


@pytest.fixture
def saved(tmp_path):
    """Save a checkpoint under a number, and return its prefix."""
    disk = tmp_path / "disk"
    disk.mkdir()
    return lambda number: far_faults.save_number(number, disk)


@pytest.fixture
def fetched(tmp_path):
    """Fetch to a new machine, and return the number in the checkpoint, or None."""

    def fetch(far):
        local = tmp_path / f"machine_{next(new_number)}"
        prefix = fetch_newest(far, local)
        names = sorted(path.name for path in local.iterdir())
        if prefix is None:
            assert names == []
            return None
        number = far_faults.restored_number(prefix)
        name = f"ckpt-{number}"
        assert prefix == str(local / name)
        assert names == [f"{name}.data-00000-of-00001", f"{name}.index"]
        return number

    return fetch


def read(path):
    with gfile.GFile(path, "rb") as file:
        return file.read()


def write(path, content):
    if gfile.exists(path):  # ram:// would append
        gfile.remove(path)
    with gfile.GFile(path, "wb") as file:
        file.write(content)


def files_in(far):
    """Return the content of all files below a far folder, by their paths."""
    return {
        f"{folder}/{name}": read(f"{folder}/{name}")
        for folder, _, names in gfile.walk(far)
        for name in names
    }


def deaths(act, **options):
    """Let an act die at each of its changes, in each of the three ways; yield after each death."""
    for number in itertools.count(1):
        for how in DEATHS:
            with store_of(far_away, number, how, **options) as store:
                act()
            if not store.is_gone:
                assert number > 1
                return
            yield


# What is published comes back


def test_a_checkpoint_comes_back_bit_by_bit_on_another_machine(far, tmp_path):
    values = tf.Variable(np.random.default_rng(0).normal(size=[300, 50]))
    text = tf.Variable(["a", "b"])
    saved = tf.train.Checkpoint(values=values, text=text)
    publish(saved.write(str(tmp_path / "ckpt-5")), far)
    before = values.numpy()
    values.assign(tf.zeros_like(values))
    prefix = fetch_newest(far, tmp_path / "not" / "there" / "yet")
    saved.read(prefix).assert_consumed()
    np.testing.assert_array_equal(values.numpy(), before)


def test_a_large_file_travels_in_blocks(far, saved, fetched, monkeypatch):
    monkeypatch.setattr(far_away, "BLOCK", 7)
    publish(saved(3), far)
    assert fetched(far) == 3


def test_the_newest_is_the_one_with_the_highest_number(far, saved, fetched):
    for number in [9, 11, 10]:
        publish(saved(number), far)
    assert fetched(far) == 11


def test_nothing_published_is_none(far, fetched):
    assert fetched(far) is None


def test_a_manager_goes_on_from_what_was_fetched(far, saved, tmp_path):
    publish(saved(4), far)
    prefix = fetch_newest(far, tmp_path / "machine")
    assert tf.train.load_checkpoint(prefix).get_tensor("b/.ATTRIBUTES/VARIABLE_VALUE") == 4


def test_a_file_of_the_same_name_on_the_disk_is_replaced(far, saved, tmp_path):
    publish(saved(4), far)
    (tmp_path / "ckpt-4.index").write_bytes(b"damaged")
    assert far_faults.restored_number(fetch_newest(far, tmp_path)) == 4


def test_the_index_comes_to_the_disk_last_wherever_the_marker_names_it(
    far, saved, tmp_path, monkeypatch
):
    place = publish(saved(4), far)
    *lines, end = read(f"{place}/published").decode().splitlines()
    assert "ckpt-4.index" in lines[-1]
    write(f"{place}/published", "\n".join([*reversed(lines), end, ""]).encode())
    names = []
    real = Path.replace

    def replace(path, target):
        names.append(target.name)
        return real(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    assert fetch_newest(far, tmp_path / "machine")
    assert names == ["ckpt-4.data-00000-of-00001", "ckpt-4.index"]


@pytest.mark.parametrize("keep", [1, 2, 3])
def test_as_many_stay_as_asked_for(far, saved, keep):
    for number in range(1, 6):
        publish(saved(number), far, keep)
    left = {name.rpartition("/")[2].split(".")[0] for name in map(folder_of, files_in(far))}
    assert left == {f"ckpt-{number}" for number in range(6 - keep, 6)}


def test_the_new_one_stays_even_if_its_number_is_the_lowest(far, saved):
    for number in [7, 8, 2]:
        place = publish(saved(number), far, keep=1)
    assert gfile.exists(f"{place}/published")


def folder_of(path):
    return path.rpartition("/")[0]


# A machine dies


def test_a_death_at_any_change_of_publish_leaves_the_new_one_or_the_one_before(far, saved, fetched):
    newest = publish(saved(1), far)
    number = 1
    moments = 0
    for _ in deaths(lambda: publish(saved(number_after(newest_in(far))), far, keep=1)):
        moments += 1
        found = fetched(far)
        assert found in (number, number + 1)
        before = published_files(far)
        clean_up(far)
        assert files_in(far) == before == published_files(far)
        assert fetched(far) == found
        assert clean_up(far) == []
        number = found
    assert moments >= 12
    assert number > 1  # some deaths came after the marker
    assert not gfile.exists(newest)


def newest_in(far):
    return max(published_files(far))


def number_after(path):
    return int(path.rpartition("ckpt-")[2].partition(".")[0]) + 1


def published_files(far):
    return {
        path: content
        for path, content in files_in(far).items()
        if gfile.exists(f"{folder_of(path)}/published")
        and read(f"{folder_of(path)}/published").endswith(b"complete\n")
    }


def test_a_death_in_the_first_publish_means_to_start_from_the_beginning(far, saved, fetched):
    outcomes = set()
    for _ in deaths(lambda: publish(saved(1), far)):
        outcomes.add(fetched(far))
        for copy in {folder_of(path) for path in files_in(far)}:
            gfile.rmtree(copy)
    assert outcomes == {None, 1}


def test_a_death_while_it_cleans_up_leaves_all_that_was_published(far, saved, fetched):
    publish(saved(1), far)
    publish(saved(2), far)
    before = files_in(far)
    remains = f"{far}/ckpt-3.0123456789ab"

    def clean():
        gfile.makedirs(remains)
        write(f"{remains}/ckpt-3.index", b"a part")
        write(f"{remains}/published", b"0123")
        clean_up(far)

    for _ in deaths(clean):
        assert before.items() <= files_in(far).items()
        assert fetched(far) == 2
    clean_up(far)
    assert files_in(far) == before


def test_a_death_while_it_fetches_changes_nothing_far_away(far, saved, fetched, tmp_path):
    publish(saved(1), far)
    before = files_in(far)
    for _ in deaths(lambda: fetch_newest(far, tmp_path / "machine")):
        assert files_in(far) == before
    assert fetched(far) == 1


# A store does not do what it was told


@pytest.mark.parametrize("write_number", [2, 3, 5])
def test_a_byte_that_arrives_changed_is_noticed_at_once(far, saved, fetched, write_number):
    publish(saved(1), far)
    with pytest.raises(OSError, match="written: publish again"):
        with store_of(far_away, write_number, CHANGED_BYTE):
            publish(saved(2), far)
    assert fetched(far) == 1
    publish(saved(3), far)
    assert fetched(far) == 3


def test_a_byte_changed_later_in_any_file_brings_the_one_before(far, saved, fetched):
    publish(saved(1), far)
    place = publish(saved(2), far)
    for name in gfile.listdir(place):
        path = f"{place}/{name}"
        good = read(path)
        for position in range(0, len(good), step_between_places(far, name)):
            changed = bytes([good[position] ^ 1])
            write(path, good[:position] + changed + good[position + 1 :])
            assert fetched(far) == 1, (name, position)
        write(path, good)
    assert fetched(far) == 2


def step_between_places(far, name):
    """Return how far apart the places are at which a file is damaged.

    Every place in the marker is tried in memory. What is read is judged by the same lines on a
    disk, so there a few places are enough.
    """
    is_in_memory = far.startswith("ram://")
    if name == "published" and is_in_memory:
        return 1
    return 60


def test_a_file_cut_off_at_any_length_brings_the_one_before(far, saved, fetched):
    publish(saved(1), far)
    place = publish(saved(2), far)
    for name in gfile.listdir(place):
        path = f"{place}/{name}"
        good = read(path)
        for length in range(0, len(good), step_between_places(far, name)):
            write(path, good[:length])
            assert fetched(far) == 1, (name, length)
        write(path, good)
    assert fetched(far) == 2


def test_a_marker_that_was_cut_off_publishes_nothing_and_is_deleted(far, saved, fetched):
    place = publish(saved(1), far)
    write(f"{place}/published", read(f"{place}/published")[:-1])
    assert fetched(far) is None
    assert clean_up(far) == [place.rpartition("/")[2]]
    assert files_in(far) == {}


def test_a_marker_without_data_brings_the_one_before(far, saved, fetched):
    publish(saved(1), far)
    place = publish(saved(2), far)
    gfile.remove(f"{place}/ckpt-2.index")
    assert fetched(far) == 1
    assert clean_up(far) == []


def test_if_none_is_intact_it_does_not_start_from_the_beginning(far, saved, tmp_path):
    place = publish(saved(1), far)
    gfile.remove(f"{place}/ckpt-1.index")
    with pytest.raises(ValueError, match=r"none of 1 checkpoints in .* is intact"):
        fetch_newest(far, tmp_path / "machine")


@pytest.mark.parametrize("name", ["../../stolen.index", "/stolen.index", "a b.index", "stolen"])
def test_a_marker_cannot_name_a_file_elsewhere(far, saved, tmp_path, name):
    place = publish(saved(1), far)
    marker = read(f"{place}/published").decode()
    write(f"{place}/published", marker.replace("ckpt-1.data-00000-of-00001", name).encode())
    with pytest.raises(ValueError, match="is intact"):
        fetch_newest(far, tmp_path / "deep" / "machine")
    assert list(tmp_path.rglob("*stolen*")) == []


@pytest.mark.parametrize("lag", [1, 3, 10])
def test_a_listing_that_lags_brings_an_older_one_and_deletes_nothing(far, saved, fetched, lag):
    with store_of(far_away, lag=lag):
        for number in range(1, 8):
            publish(saved(number), far)
            found = fetched(far)
            assert found is None or found in range(1, number + 1)
        before = published_files(far)
        assert clean_up(far) == []
        assert published_files(far) == before
    assert fetched(far) == 7


@pytest.mark.parametrize("lag", [2, 5])
def test_deaths_and_a_late_listing_together_lose_nothing(far, saved, fetched, lag):
    publish(saved(1), far)
    for _ in deaths(lambda: publish(saved(2), far), lag=lag):
        assert fetched(far) in (1, 2)
        clean_up(far)
        assert fetched(far) in (1, 2)


def test_a_store_that_does_not_answer_is_no_reason_for_an_older_checkpoint(
    far, saved, tmp_path, monkeypatch
):
    publish(saved(1), far)
    publish(saved(2), far)

    class Silent(Store):
        def open_file(self, path, mode="r"):
            if "ckpt-2.index" in path:
                raise tf.errors.UnavailableError(None, None, "no network")
            return super().open_file(path, mode)

    monkeypatch.setattr(far_away, "gfile", Silent())
    with pytest.raises(tf.errors.UnavailableError):
        fetch_newest(far, tmp_path / "machine")
    assert list((tmp_path / "machine").iterdir()) == []


# Two programs at once


class Meanwhile(Store):
    """A store in which another program acts just before a change."""

    def __init__(self, number, act):
        super().__init__()
        self.number = number
        self.act = act

    @contextlib.contextmanager
    def change(self, path):
        if self.changes + 1 == self.number:
            self.number = 0
            far_away.gfile = tf.io.gfile
            self.act()
            far_away.gfile = self
        with super().change(path) as is_wrong:
            yield is_wrong


def interleaved(monkeypatch, one, other):
    """Let one program act, and the other before each of its changes in turn; yield after each."""
    for number in itertools.count(1):
        store = Meanwhile(number, other)
        error = None
        monkeypatch.setattr(far_away, "gfile", store)
        try:
            one()
        except (OSError, tf.errors.OpError) as raised:
            error = raised
        monkeypatch.setattr(far_away, "gfile", tf.io.gfile)
        if store.number:
            assert number > 3
            return
        yield error


def test_two_writers_of_one_number_do_not_mix_their_files(far, tmp_path, fetched, monkeypatch):
    prefixes = []
    for writer in ["mine", "theirs"]:
        (tmp_path / writer).mkdir()
        prefixes.append(far_faults.save_number(2, tmp_path / writer))
    mine, theirs = prefixes
    publish(mine, far)
    for error in interleaved(
        monkeypatch, lambda: publish(mine, far, keep=9), lambda: publish(theirs, far, keep=9)
    ):
        assert error is None
        assert fetched(far) == 2
    assert clean_up(far) == []


def test_who_cleans_up_while_another_publishes_costs_at_most_the_new_one(
    far, saved, fetched, monkeypatch
):
    numbers = itertools.count(1)
    publish(saved(0), far)
    before = 0
    noticed = 0
    for error in interleaved(
        monkeypatch, lambda: publish(saved(next(numbers)), far), lambda: clean_up(far)
    ):
        found = fetched(far)
        assert found >= before
        if found == before:
            assert error is not None
            noticed += 1
        before = found
    assert before > 0
    assert noticed > 0


# What is not ours stays


def test_files_and_folders_of_others_stay(far, saved):
    publish(saved(1), far)
    for name in ["notes.txt", "ckpt-7/ckpt-7.index", "ckpt-8.short/x", "ckpt.0123456789ab/x"]:
        gfile.makedirs(folder_of(f"{far}/{name}"))
        write(f"{far}/{name}", b"mine")
    before = files_in(far)
    assert clean_up(far) == []
    assert files_in(far) == before
    publish(saved(2), far, keep=1)
    assert sum(content == b"mine" for content in files_in(far).values()) == 4


def test_a_probe_that_a_dead_program_left_is_deleted(far):
    write(f"{far}/probe.0123456789ab", b"probe")
    assert clean_up(far) == []
    assert files_in(far) == {}


# Bad input


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("s3://bucket/run", "TensorFlow has no s3:// here, only file, gs, ram: mount the store"),
        (Path("gs://bucket/run"), "gs:.bucket.run has lost a slash, as pathlib does it"),
        ("gs:\\bucket", "has lost a slash"),
    ],
)
def test_a_place_that_cannot_be_is_refused_in_one_line(saved, tmp_path, place, message):
    for act in [
        lambda: publish(saved(1), place),
        lambda: fetch_newest(place, tmp_path / "machine"),
        lambda: clean_up(place),
    ]:
        with pytest.raises(ValueError, match=message) as caught:
            act()
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "machine").exists()


def test_a_drive_that_is_not_mounted_is_not_made(saved, tmp_path):
    place = tmp_path / "drive"
    for act in [
        lambda: publish(saved(1), place),
        lambda: fetch_newest(place, tmp_path / "machine"),
        lambda: clean_up(place),
    ]:
        with pytest.raises(FileNotFoundError, match=r"no folder .*drive: mount its drive"):
            act()
    assert not place.exists()


def test_a_place_that_cannot_be_written_is_noticed_before_the_training(far, monkeypatch):
    class ReadOnly(Store):
        def open_file(self, path, mode="r"):
            if "w" in mode:
                raise tf.errors.PermissionDeniedError(None, None, "read-only\nand more")
            return super().open_file(path, mode)

    monkeypatch.setattr(far_away, "gfile", ReadOnly())
    with pytest.raises(OSError, match=r"cannot write to .*: read-only$"):
        clean_up(far)


def test_a_prefix_without_files_or_without_a_number_is_refused(far, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no checkpoint ckpt-1 in .*: give publish"):
        publish(tmp_path / "ckpt-1", far)
    prefix = tf.train.Checkpoint(x=tf.Variable(1)).write(str(tmp_path / "best"))
    with pytest.raises(ValueError, match="best has no number at its end"):
        publish(prefix, far)
    assert files_in(far) == {}


def test_a_death_is_no_error_that_a_program_can_catch():
    assert not issubclass(MachineGone, Exception)
