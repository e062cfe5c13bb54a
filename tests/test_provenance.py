"""helpers.recipes.provenance: a note beside a file, which is believed only if it fits the file."""

import json
import subprocess

import numpy as np
import pytest


@pytest.fixture(scope="module")
def recipe(module):
    return module("helpers.recipes.provenance")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model.keras"
    path.write_bytes(b"weights")
    return path


def test_what_was_written_is_read(recipe, file):
    facts = {"loss": 0.1, "settings": {"rank": 4, "layers": ["a", "ü"]}}
    recipe.write_note(file, facts)
    assert recipe.read_note(file) == facts


def test_a_new_note_replaces_the_old_one_and_nothing_else_is_left(recipe, file):
    recipe.write_note(file, {"epoch": 1})
    recipe.write_note(str(file), {"epoch": 2})
    assert recipe.read_note(str(file)) == {"epoch": 2}
    assert sorted(path.name for path in file.parent.iterdir()) == [
        "model.keras",
        "model.keras.note.json",
    ]


def test_a_file_that_has_changed_is_refused(recipe, file):
    recipe.write_note(file, {})
    file.write_bytes(b"Weights")
    with pytest.raises(ValueError, match=r"^model\.keras is not the file of its note"):
        recipe.read_note(file)


def test_a_note_that_has_moved_to_another_file_is_refused(recipe, file):
    recipe.write_note(file, {})
    other = file.with_name("other.keras")
    other.write_bytes(b"other weights")
    (file.parent / "model.keras.note.json").rename(file.parent / "other.keras.note.json")
    with pytest.raises(ValueError, match=r"^other\.keras is not the file"):
        recipe.read_note(other)


@pytest.mark.parametrize("damage", ["", "{", "[]", "7", "{}", '"sha256"', "\udcff"])
def test_a_damaged_note_is_refused_in_one_line(recipe, file, damage):
    note = file.with_name("model.keras.note.json")
    note.write_text(damage, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(ValueError, match=r"^model\.keras\.note\.json is damaged: take another"):
        recipe.read_note(file)


def test_what_is_missing_is_named(recipe, file):
    with pytest.raises(FileNotFoundError, match=r"no model\.keras\.note\.json in .*write_note"):
        recipe.read_note(file)
    with pytest.raises(FileNotFoundError):
        recipe.write_note(file.with_name("nothing.keras"), {})
    assert not file.with_name("nothing.keras.note.json").exists()


@pytest.mark.parametrize("fact", [np.float32(1), float("nan"), {1, 2}])
def test_a_fact_that_is_no_json_leaves_the_old_note(recipe, file, fact):
    recipe.write_note(file, {"epoch": 1})
    with pytest.raises(ValueError, match=r"^the note of model\.keras cannot be JSON"):
        recipe.write_note(file, {"fact": fact})
    assert recipe.read_note(file) == {"epoch": 1}


def test_the_name_of_the_hash_is_taken(recipe, file):
    with pytest.raises(ValueError, match="'sha256' is the hash of the file"):
        recipe.write_note(file, {"sha256": "mine"})


def test_a_kill_before_the_rename_leaves_the_old_note(recipe, file, monkeypatch):
    recipe.write_note(file, {"epoch": 1})

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(recipe.os, "fsync", stop)
    with pytest.raises(KeyboardInterrupt):
        recipe.write_note(file, {"epoch": 2})
    assert recipe.read_note(file) == {"epoch": 1}


def test_arrays_are_told_apart_by_numbers_shape_type_and_order(recipe):
    one = np.arange(4, dtype="int32")
    others = [one + 1, one.reshape(2, 2), one.astype("uint32"), one[::-1]]
    hashes = {recipe.hash_arrays(array) for array in [one, *others]}
    hashes |= {recipe.hash_arrays(one, one), recipe.hash_arrays(one, one + 1)}
    hashes.add(recipe.hash_arrays(one + 1, one))
    assert len(hashes) == 8
    assert recipe.hash_arrays(one) == recipe.hash_arrays(one.copy())
    assert recipe.hash_arrays(one[::2]) == recipe.hash_arrays(one[::2].copy())


def test_an_array_of_objects_has_no_hash(recipe):
    with pytest.raises(ValueError, match="type object holds addresses"):
        recipe.hash_arrays(np.array(["a", None]))


def test_the_hash_of_a_file_is_that_of_sha256sum(recipe, file):
    assert recipe.hash_file(file).startswith("9a129038d9a0")


def test_without_git_or_repository_the_commit_is_unknown(recipe, tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert recipe.current_commit(tmp_path) == "unknown"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert recipe.current_commit(tmp_path) == "unknown"


def test_the_commit_says_whether_the_code_has_changed_since(recipe, tmp_path):
    def git(*arguments):
        options = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        command = ["git", "-C", str(tmp_path), *options, *arguments]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except FileNotFoundError:
            pytest.skip("there is no git")

    code = tmp_path / "train.py"
    code.write_text("epochs = 5", encoding="utf-8")
    git("init")
    git("add", "train.py")
    git("commit", "-m", "first")
    clean = recipe.current_commit(tmp_path)
    assert set(clean) <= set("0123456789abcdef")
    assert len(clean) >= 7
    code.write_text("epochs = 6", encoding="utf-8")
    assert recipe.current_commit(tmp_path) == f"{clean}-dirty"


def test_the_note_is_a_text_for_people_too(recipe, file):
    recipe.write_note(file, {"loss": 0.1})
    text = file.with_name("model.keras.note.json").read_text(encoding="utf-8")
    assert text.splitlines()[2] == '  "loss": 0.1'
    assert json.loads(text)["loss"] == 0.1
