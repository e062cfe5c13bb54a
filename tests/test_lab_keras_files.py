"""helpers.lab.keras_files: what Keras' files hold, what comes back, and which layer finds what."""

import zipfile
from itertools import pairwise

import pytest

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture
def keras_files(module, plt):
    return module("helpers.lab.keras_files")


@pytest.fixture
def two_heads(keras):
    """Build a model with heads of these names, whose keys are ``layers/dense``, ``_1``, ``_2``."""

    def build(*names):
        numbers = keras.Input((4,), name="numbers")
        features = keras.layers.Dense(3, name="shared")(numbers)
        return keras.Model(numbers, [keras.layers.Dense(1, name=name)(features) for name in names])

    return build


@pytest.fixture
def trained(keras, two_heads, module):
    np = module("numpy")
    keras.utils.set_random_seed(1)
    model = two_heads("price", "rating")
    model.compile("adam", "mse", run_eagerly=True)
    ones = np.ones((2, 1))
    model.fit(np.ones((2, 4)), [ones, ones], verbose=0)
    return model


def test_examples_are_the_same_each_time_and_learnable(keras_files, module):
    np = module("numpy")
    (x, y), (other_x, other_y) = keras_files.make_examples(5)
    assert x.shape == other_x.shape == (5, 64)
    assert x.dtype == y.dtype == np.float32
    assert np.allclose(other_y, np.tanh(other_x.sum(axis=1, keepdims=True) / 8))
    assert not np.isclose(x, other_x).any()
    (again, _), _ = keras_files.make_examples(5)
    assert module("helpers.prove").same_values(x, again)


@pytest.mark.parametrize("name", ["model.keras", "model.weights.h5"])
def test_arrays_are_read_from_both_files(keras_files, trained, module, tmp_path, name):
    save = trained.save if name.endswith(".keras") else trained.save_weights
    save(tmp_path / name)
    arrays = keras_files.read_arrays(tmp_path / name)
    assert len(arrays) == 6 + 2 + 12
    kernel = trained.get_layer("rating").get_weights()[0]
    assert module("helpers.prove").same_values(arrays["layers/dense_2/vars/0"], kernel)


def test_sizes_add_up_to_the_members_of_the_archive(keras_files, trained, tmp_path):
    path = tmp_path / "model.keras"
    trained.save(path)
    inside = keras_files.sizes_of(path)["model.keras"]
    weights = (5 * 3 + 2 * (3 + 1)) * 4
    assert inside["model.weights.h5"]["weights"] * 1000 == pytest.approx(weights)
    optimizer = 2 * weights + 8 + 4
    assert inside["model.weights.h5"]["state of the optimizer"] * 1000 == pytest.approx(optimizer)
    with zipfile.ZipFile(path) as archive:
        stored = sum(member.file_size for member in archive.infolist())
    total = inside["texts"] + sum(inside["model.weights.h5"].values())
    assert total * 1000 == pytest.approx(stored)


def test_facts_that_are_the_same_are_told_from_others(
    keras_files, keras, trained, capsys, tmp_path
):
    trained.save(tmp_path / "model.keras")
    restored = keras.saving.load_model(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    again.compile("sgd", "mae")
    keras_files.show_facts(trained, [".keras", "again"], [restored, again])
    head, _, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == [".keras", "again"]
    answers = {" ".join(row.split()[:-2]): row.split()[-2:] for row in rows}
    assert answers["weights"] == ["yes", "yes"]
    assert answers["steps"] == ["yes", "-"]
    assert answers["momentum"] == ["yes", "-"]
    assert answers["loss"] == ["yes", "-"]


def test_a_table_with_fewer_titles_than_models_is_refused(keras_files, trained):
    with pytest.raises(ValueError, match=r"each model needs a title, got 1 for 2"):
        keras_files.show_facts(trained, [".keras"], [trained, trained])


def test_facts_of_a_model_that_is_not_compiled_are_refused(keras_files, two_heads):
    with pytest.raises(ValueError, match=r"not compiled: call its method compile first"):
        keras_files.facts_of(two_heads("price"))


def boxes_drawn(plt):
    """Return the innermost boxes, which are filled, and the frames around them."""
    patches = plt.gca().patches
    filled = [patch for patch in patches if patch.get_alpha()]
    return filled, [patch for patch in patches if patch not in filled]


def test_areas_of_innermost_boxes_are_as_their_sizes(keras_files, plt):
    keras_files.draw_boxes({"zip": {"texts": 3.0, "h5": {"weights": 34.0, "state": 68.0}}})
    filled, frames = boxes_drawn(plt)
    areas = [box.get_width() * box.get_height() for box in filled]
    assert [area / areas[0] for area in areas] == pytest.approx([1, 34 / 3, 68 / 3])
    texts = [text.get_text() for text in plt.gca().texts]
    assert texts == ["zip: 105 kB", "texts, 3 kB", "h5: 102 kB", "weights\n34 kB", "state\n68 kB"]
    outer, inner = (frame.get_bbox() for frame in frames)
    assert outer.x0 < inner.x0 < inner.x1 < outer.x1
    assert outer.y0 < inner.y0 < inner.y1 < outer.y1
    for box in filled:
        assert outer.contains(*box.get_bbox().min)
        assert outer.contains(*box.get_bbox().max)
    for left, right in pairwise(filled):
        assert left.get_bbox().x1 < right.get_bbox().x0


@pytest.mark.parametrize("boxes", [{}, {"a": 0.0}, {"a": {"b": -1.0, "c": 2.0}}])
def test_boxes_without_a_size_are_refused(keras_files, boxes):
    with pytest.raises(ValueError, match=r"each box needs a size above 0, got \["):
        keras_files.draw_boxes(boxes)


@pytest.mark.parametrize("name", ["model.keras", "model.weights.h5"])
def test_layers_are_matched_with_the_names_noted_in_the_file(
    keras_files, two_heads, tmp_path, name
):
    saved = two_heads("price", "rating")
    save = saved.save if name.endswith(".keras") else saved.save_weights
    save(tmp_path / name)
    found = keras_files.match_layers(two_heads("rating", "price", "extra"), tmp_path / name)
    kernels = [slot for slot in found if slot.variable == "kernel"]
    assert [tuple(slot) for slot in kernels] == [
        ("shared", "kernel", "layers/dense/vars/0", "shared"),
        ("rating", "kernel", "layers/dense_1/vars/0", "price"),
        ("price", "kernel", "layers/dense_2/vars/0", "rating"),
        ("extra", "kernel", "layers/dense_3/vars/0", None),
    ]
    assert [slot.is_match for slot in kernels] == [True, False, False, False]


def test_the_numbers_that_a_load_brings_are_those_of_the_noted_layer(
    keras_files, two_heads, module, tmp_path
):
    same_values = module("helpers.prove").same_values
    saved = two_heads("price", "rating")
    saved.save_weights(tmp_path / "model.weights.h5")
    other = two_heads("rating", "price")
    found = keras_files.match_layers(other, tmp_path / "model.weights.h5")
    other.load_weights(tmp_path / "model.weights.h5")
    for slot in found:
        position = ["kernel", "bias"].index(slot.variable)
        loaded = other.get_layer(slot.layer).weights[position]
        assert same_values(loaded, saved.get_layer(slot.saved_from).weights[position])


def test_a_model_that_is_not_built_is_refused(keras_files, keras, tmp_path):
    with pytest.raises(ValueError, match=r"has no weights: build it by calling it on some input"):
        keras_files.match_layers(keras.Sequential([keras.layers.Dense(1)]), tmp_path / "x.keras")


def test_the_picture_of_a_file_has_a_colour_for_each_verdict(keras_files, two_heads, plt, tmp_path):
    two_heads("price").save_weights(tmp_path / "model.weights.h5")
    model = two_heads("rating", "extra")
    keras_files.draw_weights_file(model, tmp_path / "model.weights.h5")
    axes = plt.gca()
    colours = {text.get_text(): text.get_color() for text in axes.texts}
    blue, orange = keras_files.MATCHED, keras_files.BROKEN
    assert colours["layers/dense/vars/0"] == blue
    assert colours["layers/dense_1/vars/0"] == orange
    assert colours["price"] == orange
    assert colours["(not in the file)"] == orange
    arrows = [text for text in axes.texts if getattr(text, "arrow_patch", None)]
    assert len(arrows) == 4
    assert [line.get_marker() for line in axes.lines].count("x") == 2


def test_files_and_memory_are_told_apart_by_their_epochs(keras_files, trained, module, tmp_path):
    np = module("numpy")
    best, last = tmp_path / "best.keras", tmp_path / "last.keras"
    trained.save(best)
    kept = trained.get_weights()
    ones = np.ones((2, 1))
    trained.fit(np.ones((2, 4)), [ones, ones], epochs=2, verbose=0)
    trained.save(last)
    assert (keras_files.epoch_of(best), keras_files.epoch_of(last)) == (1, 3)
    in_files = {"best.keras": 1, "last.keras": 3, "optimizer in memory": 3}
    found = keras_files.find_epochs(trained, [best, last])
    assert found == in_files | {"weights in memory": 3}
    trained.set_weights(kept)
    found = keras_files.find_epochs(trained, [best, last])
    assert found == in_files | {"weights in memory": 1}
    trained.set_weights([2 * weight for weight in kept])
    assert keras_files.find_epochs(trained, [best, last]) == in_files


def test_a_file_without_an_optimizer_has_no_epoch(keras_files, two_heads, tmp_path):
    two_heads("price").save(tmp_path / "plain.keras")
    with pytest.raises(ValueError, match=r"plain.keras holds no optimizer: compile its model"):
        keras_files.epoch_of(tmp_path / "plain.keras")


def test_the_epoch_of_the_lowest_value_is_blue_and_others_are_orange(keras_files, plt):
    holders = {"best": 2, "weights": 2, "last": 3}
    keras_files.draw_epochs([0.5, 0.1, 7.0], "val_loss", holders)
    axes = plt.gca()
    _, best, last = axes.lines
    assert list(best.get_xydata()[0]) == [2, 0.1]
    assert list(last.get_xydata()[0]) == [3, 7.0]
    assert (best.get_color(), last.get_color()) == (keras_files.MATCHED, keras_files.BROKEN)
    assert [text.get_text() for text in axes.texts] == ["best\nweights", "last"]
    assert axes.get_ylabel() == "val_loss"


def test_an_epoch_without_a_value_is_refused(keras_files):
    with pytest.raises(ValueError, match=r"there are epochs 1 to 2, got \{'last': 3\}"):
        keras_files.draw_epochs([0.5, 0.1], "val_loss", {"best": 1, "last": 3})
