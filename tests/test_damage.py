"""helpers.lab.damage: flipped bits, files cut off, and what a power cut may leave."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def damage(module):
    return module("helpers.lab.damage")


def test_each_flipped_copy_differs_in_one_bit(damage):
    good = bytes(range(100))
    copies = list(damage.flipped(good, 5))
    assert len(copies) == 5
    for bad in copies:
        [difference] = [one ^ other for one, other in zip(good, bad, strict=True) if one != other]
        assert difference == 16


def test_a_file_is_cut_off_everywhere(damage):
    assert [len(part) for part in damage.cut_off(b"0123456789", 4)] == [0, 3, 6, 9]


def test_each_form_is_loaded_and_judged_and_the_good_file_comes_back(damage, tmp_path):
    path = tmp_path / "ones"
    path.write_bytes(b"good")
    answers = {b"a": [1, 1], b"b": [1, 2]}

    def load(path):
        return answers[path.read_bytes()]  # another form raises a KeyError

    found = damage.load_each(path, load, lambda good: iter([b"a", b"b", b"c"]))
    assert found == [damage.NO_HARM, damage.WRONG, damage.NOTICED]
    assert path.read_bytes() == b"good"


def test_flushes_are_noted_and_a_renamed_file_stays_known(damage, tmp_path):
    flushed_file, other = tmp_path / "new_one", tmp_path / "other"
    other.write_text("x", encoding="utf-8")
    before = os.fsync
    with damage.note_flushes() as flushed, flushed_file.open("w", encoding="utf-8") as file:
        os.fsync(file.fileno())
    renamed = flushed_file.rename(tmp_path / "one")
    assert renamed.stat().st_ino in flushed
    assert other.stat().st_ino not in flushed
    assert os.fsync is before


def test_files_are_loaded_by_their_names(damage, tmp_path):
    path = tmp_path / "ones"
    path.write_bytes(b"good")
    found = damage.load_files({path: Path.read_bytes}, lambda good: iter([b"bad", b"\1\1"]))
    assert found == {"ones": [damage.WRONG, damage.NO_HARM]}


def test_a_power_cut_leaves_zeros_where_nothing_was_flushed(damage, tmp_path):
    (tmp_path / "inner").mkdir()
    flushed, other = tmp_path / "flushed", tmp_path / "inner" / "other"
    with damage.power_cut(tmp_path), flushed.open("w", encoding="utf-8") as file:
        file.write("xyz")
        file.flush()
        os.fsync(file.fileno())
        other.write_text("xyz", encoding="utf-8")
        assert other.read_bytes() == b"xyz"
    assert [flushed.read_bytes(), other.read_bytes()] == [b"xyz", bytes(3)]


def test_a_flipped_bit_changes_the_hash(damage, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert damage.sha256(path) == expected
    damage.flip_one_bit(path)
    assert path.read_bytes() == b"qbc"
    assert damage.sha256(path) != expected


def test_the_picture_has_a_stripe_for_each_form(damage, plt):
    damage.draw_damage({"file": [damage.NOTICED, damage.WRONG]}, "place")
    [axes] = plt.gcf().axes
    assert len(axes.patches) == 2
    assert axes.patches[0].get_facecolor() != axes.patches[1].get_facecolor()
