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


def test_an_error_names_four_files_at_most(look, tmp_path):
    for number in range(5):
        (tmp_path / f"file{number}").touch()
    with pytest.raises(FileNotFoundError, match=r"holds file0, file1, file2, file3 …;"):
        look.read_checkpoint(tmp_path / "model")


def test_read_checkpoint_knows_names_shapes_dtypes_and_bytes(look, prefix):
    graph, weights, counter = look.read_checkpoint(prefix)
    assert graph.dtype == "string"
    assert graph.size > 50
    assert weights == ("model/weights/.ATTRIBUTES/VARIABLE_VALUE", (2, 3), "float32", 24)
    assert counter == ("save_counter/.ATTRIBUTES/VARIABLE_VALUE", (), "int64", 8)


@pytest.mark.parametrize("wrong", ["{0}.index", "{0}.data-00000-of-00001", "{0}-2", "gone/model"])
@pytest.mark.parametrize("act", ["read_checkpoint", "show_checkpoint"])
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


def write_texts(tf, folder, texts):
    """A checkpoint of one tensor of texts; its path, and the bytes of its data file."""
    prefix = str(folder / "texts")
    tf.raw_ops.SaveV2(
        prefix=prefix, tensor_names=["texts"], shape_and_slices=[""], tensors=[tf.constant(texts)]
    )
    return prefix, Path(prefix + ".data-00000-of-00001").stat().st_size


@pytest.mark.parametrize(
    "texts", [[b""], [b"a"], [b"a" * 127], [b"a" * 128], [b"ab", b"c" * 20000]]
)
def test_texts_have_the_size_that_they_take_on_the_disk(look, tf, tmp_path, texts):
    prefix, size = write_texts(tf, tmp_path, texts)
    [entry] = look.read_checkpoint(prefix)
    assert entry.size == size


def test_the_entries_of_a_checkpoint_are_all_of_its_data_file(look, prefix):
    size = Path(f"{prefix}.data-00000-of-00001").stat().st_size
    assert sum(entry.size for entry in look.read_checkpoint(prefix)) == size


def module_with(tf, **variables):
    model = tf.Module()
    for name, value in variables.items():
        setattr(model, name, tf.Variable(value))
    return model


WEIGHTS = "model/weights/.ATTRIBUTES/VARIABLE_VALUE"
COUNTER = "save_counter/.ATTRIBUTES/VARIABLE_VALUE"


def test_a_variable_matches_the_key_of_its_path(look, tf, prefix):
    root = tf.train.Checkpoint(model=module_with(tf, weights=tf.zeros([2, 3])))
    expected = [("save_counter", COUNTER), ("model/weights", WEIGHTS)]
    assert sorted(look.match_checkpoint(root, prefix)) == sorted(expected)
    assert root.model.weights.numpy().sum() == 0, "nothing is restored"


def test_a_variable_on_another_path_matches_nothing_and_its_key_is_left_over(look, tf, prefix):
    root = tf.train.Checkpoint(net=module_with(tf, weights=tf.zeros([2, 3])))
    found = look.match_checkpoint(root, prefix)
    assert ("net/weights", None) in found
    assert found[-1] == (None, WEIGHTS)


def test_what_matches_is_what_a_restore_restores(look, tf, prefix):
    model = module_with(tf, weights=tf.zeros([2, 3]), other=5.0)
    root = tf.train.Checkpoint(model=model)
    key_of = dict(look.match_checkpoint(root, prefix))
    root.restore(str(prefix)).expect_partial()
    assert key_of["model/weights"] == WEIGHTS and model.weights.numpy().sum() == 6
    assert key_of["model/other"] is None and model.other.numpy() == 5


def test_a_checkpoint_that_was_written_has_no_counter_to_match(look, tf, tmp_path):
    written = tf.train.Checkpoint(model=module_with(tf, weights=1.0)).write(tmp_path / "written")
    root = tf.train.Checkpoint(model=module_with(tf, weights=0.0))
    assert look.match_checkpoint(root, written) == [("model/weights", WEIGHTS)]


def test_a_classic_checkpoint_is_matched_by_name(look, tf, tmp_path):
    prefix = str(tmp_path / "classic")
    names = ["bias", "slope"]
    ones = [tf.ones([]), tf.ones([])]
    tf.raw_ops.SaveV2(prefix=prefix, tensor_names=names, shape_and_slices=["", ""], tensors=ones)
    found = look.match_checkpoint({"bias": tf.Variable(0.0), "scale": tf.Variable(0.0)}, prefix)
    assert found == [("bias", "bias"), ("scale", None), (None, "slope")]
    with pytest.raises(ValueError, match="classic is a classic checkpoint: give a dict"):
        look.match_checkpoint(tf.train.Checkpoint(), prefix)


def test_a_model_without_a_name_is_itself_the_root(look, tf, prefix, tmp_path):
    root = tf.train.Checkpoint(module_with(tf, weights=tf.zeros([2, 3])))
    assert ("weights", None) in look.match_checkpoint(root, prefix), "the file has model/weights"
    saved = root.save(tmp_path / "root")
    again = tf.train.Checkpoint(module_with(tf, weights=tf.ones([2, 3])))
    expected = [("save_counter", COUNTER), ("weights", "weights/.ATTRIBUTES/VARIABLE_VALUE")]
    assert sorted(look.match_checkpoint(again, saved)) == sorted(expected)


def test_keras_models_and_their_optimizers_match_as_they_are_restored(look, module, tf, tmp_path):
    keras = module("keras")

    def build(seed):
        keras.utils.set_random_seed(seed)
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), keras.layers.Dense(1)])
        optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
        optimizer.build(model.trainable_variables)
        return tf.train.Checkpoint(model=model, optimizer=optimizer)

    saved = build(seed=1).write(tmp_path / "keras")
    matches = look.match_checkpoint(build(seed=2), saved)
    assert len(matches) > 8
    assert all(match.path and match.key for match in matches)
    only_model = tf.train.Checkpoint(model=build(seed=2).model)
    assert all(match.key for match in look.match_checkpoint(only_model, saved) if match.path)


def test_of_two_paths_to_a_variable_the_one_that_a_restore_reaches_first_counts(look, tf, tmp_path):
    def build(body, head, trained):
        layers = module_with(tf, body=body, head=head)
        model = tf.Module()
        model.layers = layers
        trained_variables = [getattr(layers, name) for name in trained]
        return tf.train.Checkpoint(model=model, trained=trained_variables)

    saved = build(1.0, 2.0, trained=["head"]).write(tmp_path / "frozen")
    root = build(0.0, 0.0, trained=["body", "head"])
    key_of = dict(look.match_checkpoint(root, saved))
    root.read(saved).expect_partial()
    reader = tf.train.load_checkpoint(saved)
    assert root.model.layers.body.numpy() == reader.get_tensor(key_of["trained/0"]) == 2
    assert key_of["trained/1"] is None and root.model.layers.head.numpy() == 0
