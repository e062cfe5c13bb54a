"""Looking: trees of files, and checkpoints without loading them."""

from pathlib import Path

import pytest


@pytest.fixture
def look(module):
    return module("helpers.look")


def test_show_tree_lists_files_with_sizes_and_hides_hidden_ones(look, tmp_path, capsys):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.txt").write_bytes(b"12345")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "c.txt").touch()
    look.show_tree(tmp_path)
    words = capsys.readouterr().out.split()
    assert words[0] == f"{tmp_path.name}/"
    assert words[-2:] == ["a/b.txt", "5"]
    assert not any("c.txt" in word for word in words)


def test_show_tree_says_that_a_folder_is_empty(look, tmp_path, capsys):
    look.show_tree(tmp_path)
    assert capsys.readouterr().out == f"{tmp_path.name}/ empty\n"


def test_show_tree_refuses_what_is_no_folder(look, tmp_path):
    (tmp_path / "other").mkdir()
    with pytest.raises(FileNotFoundError) as caught:
        look.show_tree(tmp_path / "nothing")
    assert str(caught.value) == f"no folder nothing in {tmp_path.as_posix()}, which holds other"


def test_find_meta_finds_the_one_or_the_step(look, tmp_path):
    (tmp_path / "model-9.meta").touch()
    assert look.find_meta(tmp_path).name == "model-9.meta"
    (tmp_path / "model-19.meta").touch()
    assert look.find_meta(tmp_path, step=9).name == "model-9.meta"


def test_find_meta_refuses_too_many_and_none(look, tmp_path):
    for step in [9, 19]:
        (tmp_path / f"model-{step}.meta").touch()
    place = tmp_path.as_posix()
    for folder, step, kind, message in [
        (
            tmp_path,
            None,
            ValueError,
            f"2 files match *.meta in {place}: model-19.meta, model-9.meta; give a step",
        ),
        (
            tmp_path,
            7,
            FileNotFoundError,
            f"no *-7.meta in {place}, which holds model-19.meta, model-9.meta",
        ),
        (
            tmp_path / "gone",
            None,
            FileNotFoundError,
            f"no *.meta in {place}/gone, which does not exist",
        ),
    ]:
        with pytest.raises(kind) as caught:
            look.find_meta(folder, step=step)
        assert str(caught.value) == message


def test_an_error_names_four_files_at_most(look, tmp_path):
    for number in range(5):
        (tmp_path / f"file{number}").touch()
    with pytest.raises(FileNotFoundError, match=r"holds file0, file1, file2, file3 …$"):
        look.find_meta(tmp_path)


def test_read_checkpoint_knows_names_shapes_dtypes_and_bytes(look, prefix):
    graph, weights, counter = look.read_checkpoint(prefix)
    assert graph.dtype == "string"
    assert graph.size > 50
    assert weights == ("model/weights/.ATTRIBUTES/VARIABLE_VALUE", (2, 3), "float32", 24)
    assert counter == ("save_counter/.ATTRIBUTES/VARIABLE_VALUE", (), "int64", 8)


def test_the_bytes_add_up_to_the_data_file(look, prefix):
    data = Path(f"{prefix}.data-00000-of-00001").stat().st_size
    listed = sum(entry.size for entry in look.read_checkpoint(prefix))
    assert 0 <= data - listed <= 8


@pytest.mark.parametrize("wrong", ["{0}.index", "{0}.data-00000-of-00001", "{0}-2", "gone/model"])
@pytest.mark.parametrize("act", ["read_checkpoint", "show_checkpoint", "draw_checkpoint"])
def test_a_prefix_without_an_index_gets_one_line(helpers, prefix, act, wrong):
    with pytest.raises(FileNotFoundError, match=r"^no .* in .*, which (holds|does not)") as caught:
        getattr(helpers, act)(wrong.format(prefix))
    assert "\n" not in str(caught.value)
    assert "\\" not in str(caught.value)


def test_show_checkpoint_prints_a_line_for_each_tensor(look, prefix, capsys):
    look.show_checkpoint(prefix)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["name", "shape", "dtype", "bytes"]
    assert lines[3].split() == [
        "model/weights/.ATTRIBUTES/VARIABLE_VALUE", "(2,", "3)", "float32", "24",
    ]  # fmt: skip
    assert len(lines) == 5
