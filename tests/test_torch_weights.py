"""Weights of PyTorch in Keras and back: the same answers, and one line for what does not fit."""

import hashlib
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

NOTEBOOK = Path(__file__).parent.parent / "notebooks" / "13_interchange.ipynb"
# A size for each axis that the table of the notebook names, no two of them equal.
SIZES = {
    "output": 2,
    "input": 3,
    "height": 5,
    "width": 7,
    "batch": 11,
    "channels": 13,
    "units": 16,  # four of each
}


@pytest.fixture(scope="module")
def recipe(module):
    return module("helpers.recipes.torch_weights")


@pytest.fixture(scope="module")
def fixtures(module):
    return module("helpers.exchange.fixtures")


@pytest.fixture(scope="module")
def layers(module):
    return module("keras").layers


@pytest.fixture(scope="module")
def sequential(module):
    """A maker of models: the shape of an input without the batch, then the layers."""
    keras = module("keras")

    def make(shape, *layers):
        return keras.Sequential([keras.Input(shape), *layers])

    return make


@pytest.fixture
def cnn(sequential, layers):
    """A maker of the network in ``digits_cnn.safetensors``, with other layers where they matter."""

    def make(epsilon=1e-5, between=(), data_format="channels_last"):
        return sequential(
            (8, 8, 1),
            layers.Conv2D(8, 3, padding="same", name="conv", data_format=data_format),
            layers.BatchNormalization(epsilon=epsilon, name="norm"),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            *between,
            layers.Dense(10, name="scores"),
        )

    return make


@pytest.fixture
def rnn(sequential, layers):
    lstm = layers.LSTM(16, name="rnn")
    return sequential((8, 8), lstm, layers.Dense(10, name="scores"))


@pytest.fixture
def answers(fixtures):
    return load_file(fixtures.published("answers.safetensors"))


@pytest.fixture
def state(fixtures):
    return load_file(fixtures.published("digits_cnn.safetensors"))


@pytest.fixture
def save(tmp_path):
    """Write arrays to a safetensors file and return its path."""

    def write(arrays):
        path = tmp_path / "changed.safetensors"
        contiguous = {name: np.array(array, order="C") for name, array in arrays.items()}
        save_file(contiguous, path)
        return path

    return write


def ask(model, inputs):
    return model(inputs, training=False).numpy()


def random(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def refused(recipe, path, model, line, **options):
    """Assert that a load ends in one line, and that it leaves the model as it was."""
    before = model.get_weights()
    with pytest.raises(ValueError, match=line) as caught:
        recipe.load_torch(path, model, **options)
    assert "\n" not in str(caught.value)
    for old, new in zip(before, model.get_weights(), strict=True):
        assert np.array_equal(old, new)


# The answers of PyTorch


def test_a_network_with_convolution_normalisation_and_flatten_answers_as_in_pytorch(
    recipe, fixtures, cnn, answers
):
    model = cnn()
    recipe.load_torch(fixtures.published("digits_cnn.safetensors"), model)
    images = np.moveaxis(answers["images"], 1, -1)
    assert np.allclose(ask(model, images), answers["cnn"], atol=1e-4)


def test_an_lstm_answers_as_in_pytorch(recipe, fixtures, rnn, answers):
    recipe.load_torch(str(fixtures.published("digits_rnn.safetensors")), rnn)
    assert np.allclose(ask(rnn, answers["images"][:, 0]), answers["rnn"], atol=1e-4)


def test_a_pruned_network_is_the_very_file_that_pytorch_has_read(
    recipe, fixtures, cnn, answers, tmp_path
):
    model = cnn()
    recipe.load_torch(fixtures.published("digits_cnn.safetensors"), model)
    kernel, bias = model.get_layer("scores").get_weights()
    kernel[np.abs(kernel) < 0.1] = 0
    model.get_layer("scores").set_weights([kernel, bias])
    path = tmp_path / "pruned.safetensors"
    recipe.save_torch(model, path)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == fixtures.PRUNED_SHA256
    images = np.moveaxis(answers["images"], 1, -1)
    assert np.allclose(ask(model, images), answers["pruned"], atol=1e-4)


def test_what_stands_between_a_flatten_and_a_dense_layer_does_not_hide_the_flatten(
    recipe, fixtures, cnn, layers, answers
):
    model = cnn(between=[layers.Dropout(0.5), layers.Activation("linear")])
    recipe.load_torch(fixtures.published("digits_cnn.safetensors"), model)
    images = np.moveaxis(answers["images"], 1, -1)
    assert np.allclose(ask(model, images), answers["cnn"], atol=1e-4)


def test_numbers_of_16_bits_become_those_of_the_model(recipe, fixtures, cnn, state):
    model = cnn()
    recipe.load_torch(fixtures.published("digits_cnn_bf16.safetensors"), model)
    bias = model.get_layer("scores").get_weights()[1]
    assert bias.dtype == "float32"
    assert not np.array_equal(bias, state["scores.bias"])
    assert np.allclose(bias, state["scores.bias"], rtol=2**-8)


# Each rule, by the formula in PyTorch's documentation


def test_a_convolution_in_one_dimension_slides_over_the_steps(recipe, sequential, layers, save):
    model = sequential((6, 3), layers.Conv1D(4, 2, name="slide"))
    weight, bias = random(4, 3, 2), random(4)
    recipe.load_torch(save({"slide.weight": weight, "slide.bias": bias}), model)
    inputs = random(1, 6, 3)
    window = inputs[0, 2:4].T  # channels first, as in PyTorch
    expected = (weight * window).sum(axis=(1, 2)) + bias
    assert np.allclose(ask(model, inputs)[0, 2], expected, atol=1e-5)


def test_a_convolution_keeps_height_and_width_apart(recipe, sequential, layers, save):
    model = sequential((5, 4, 3), layers.Conv2D(2, (3, 2), use_bias=False, name="conv"))
    weight = random(2, 3, 3, 2)
    recipe.load_torch(save({"conv.weight": weight}), model)
    inputs = random(1, 5, 4, 3)
    window = np.moveaxis(inputs[0, 1:4, 2:4], -1, 0)
    expected = (weight * window).sum(axis=(1, 2, 3))
    assert np.allclose(ask(model, inputs)[0, 1, 2], expected, atol=1e-5)


def test_an_embedding_and_a_layer_normalisation_are_taken_as_they_are(
    recipe, sequential, layers, save
):
    norm = layers.LayerNormalization(epsilon=1e-5, name="norm")
    model = sequential((2,), layers.Embedding(7, 4, name="words"), norm)
    arrays = {"words.weight": random(7, 4), "norm.weight": random(4), "norm.bias": random(4) + 1}
    recipe.load_torch(save(arrays), model)
    row = arrays["words.weight"][5]
    scaled = (row - row.mean()) / np.sqrt(row.var() + 1e-5)
    expected = scaled * arrays["norm.weight"] + arrays["norm.bias"]
    assert np.allclose(ask(model, np.array([[5, 0]]))[0, 0], expected, atol=1e-5)


def test_a_dense_layer_after_a_flatten_of_a_sequence_takes_its_channels_first(
    recipe, sequential, layers, save
):
    model = sequential((3, 2), layers.Flatten(), layers.Dense(5, name="head"))
    weight, bias = random(5, 6), random(5)
    recipe.load_torch(save({"head.weight": weight, "head.bias": bias}), model)
    inputs = random(1, 3, 2)
    assert np.allclose(ask(model, inputs)[0], weight @ inputs[0].T.ravel() + bias, atol=1e-5)


def test_arrays_that_a_layer_is_built_without_are_not_asked_for(recipe, sequential, layers, save):
    norm = layers.BatchNormalization(epsilon=1e-5, scale=False, center=False, name="norm")
    model = sequential((3,), layers.Dense(3, use_bias=False, name="head"), norm)
    arrays = {"head.weight": random(3, 3)}
    arrays |= {"norm.running_mean": random(3), "norm.running_var": np.full(3, 4, "float32")}
    recipe.load_torch(save(arrays), model)
    inputs = random(1, 3)
    expected = (arrays["head.weight"] @ inputs[0] - arrays["norm.running_mean"]) / 2
    assert np.allclose(ask(model, inputs)[0], expected, atol=1e-4)


def test_a_functional_model_with_operations_between_its_layers_is_read(
    recipe, module, layers, save
):
    keras = module("keras")
    inputs = keras.Input((4, 2))
    flat = keras.ops.relu(layers.Flatten()(inputs))
    model = keras.Model(inputs, layers.Dense(3, name="head")(flat))
    arrays = {"head.weight": random(3, 8), "head.bias": random(3)}
    recipe.load_torch(save(arrays), model)
    asked = random(1, 4, 2)
    expected = arrays["head.weight"] @ np.maximum(asked[0].T.ravel(), 0) + arrays["head.bias"]
    assert np.allclose(ask(model, asked)[0], expected, atol=1e-5)


# Back


def test_what_was_read_is_written_back_to_the_last_bit(recipe, fixtures, cnn, state, tmp_path):
    model = cnn()
    recipe.load_torch(fixtures.published("digits_cnn.safetensors"), model)
    path = tmp_path / "back.safetensors"
    recipe.save_torch(model, path)
    back = load_file(path)
    assert set(back) == set(state) - {"norm.num_batches_tracked"}
    for name, array in back.items():
        assert np.array_equal(array, state[name]), name


def test_the_one_bias_of_an_lstm_is_written_as_a_bias_and_zeros(recipe, fixtures, rnn, tmp_path):
    source = fixtures.published("digits_rnn.safetensors")
    recipe.load_torch(source, rnn)
    path = tmp_path / "back.safetensors"
    recipe.save_torch(rnn, path)
    there, back = load_file(source), load_file(path)
    assert set(back) == set(there)
    added = there["rnn.bias_ih_l0"] + there["rnn.bias_hh_l0"]
    assert np.array_equal(back["rnn.bias_ih_l0"], added)
    assert not back["rnn.bias_hh_l0"].any()
    for name in ["rnn.weight_ih_l0", "rnn.weight_hh_l0", "scores.weight"]:
        assert np.array_equal(back[name], there[name]), name


def test_names_that_differ_are_translated_both_ways(recipe, sequential, layers, tmp_path):
    model = sequential((4,), layers.Dense(3, name="head"))
    path = tmp_path / "named.safetensors"
    prefixes = {"head": "classifier.2"}
    recipe.save_torch(model, path, prefixes)
    assert set(load_file(path)) == {"classifier.2.weight", "classifier.2.bias"}
    other = sequential((4,), layers.Dense(3, name="head"))
    recipe.load_torch(path, other, prefixes)
    assert np.array_equal(other.get_weights()[0], model.get_weights()[0])


def test_two_layers_under_one_name_are_refused(recipe, sequential, layers, tmp_path):
    model = sequential((4,), layers.Dense(4, name="one"), layers.Dense(4, name="two"))
    with pytest.raises(ValueError, match=r"^two layers are called one in PyTorch$"):
        recipe.save_torch(model, tmp_path / "x.safetensors", {"two": "one"})
    assert not (tmp_path / "x.safetensors").exists()


# Files that do not fit


def test_a_missing_name_is_told_with_the_names_that_are_left(recipe, cnn, state, save):
    state["norm.beta"] = state.pop("norm.bias")
    line = r"^changed\.safetensors has no norm\.bias; not used so far: .*norm\.beta.*$"
    refused(recipe, save(state), cnn(), line)


def test_only_a_few_of_many_names_are_told(recipe, cnn, save):
    path = save({f"block.{number}": np.zeros(1, "float32") for number in range(100)})
    refused(recipe, path, cnn(), r"has no conv\.weight; not used so far: .*, 96 more$")


def test_another_shape_is_told_with_both_shapes(recipe, cnn, state, save):
    state["scores.bias"] = np.zeros(12, "float32")
    line = r"^changed\.safetensors: scores\.bias is \(12,\), the model takes \(10,\)$"
    refused(recipe, save(state), cnn(), line)


def test_a_transposed_weight_is_told_by_its_shape(recipe, cnn, state, save):
    state["scores.weight"] = state["scores.weight"].T
    line = r"scores\.weight is \(128, 10\), the model takes \(10, 128\)$"
    refused(recipe, save(state), cnn(), line)


def test_a_name_that_no_layer_takes_is_told(recipe, cnn, state, save):
    state["head.bias"] = np.zeros(3, "float32")
    line = r"^changed\.safetensors: no layer of the model takes head\.bias$"
    refused(recipe, save(state), cnn(), line)


def test_whole_numbers_are_refused(recipe, cnn, state, save):
    state["conv.bias"] = np.zeros(8, "int8")
    line = r"^changed\.safetensors: conv\.bias is int8, and no rule is for that$"
    refused(recipe, save(state), cnn(), line)


def test_a_missing_file_and_a_cut_off_one_are_refused(recipe, cnn, state, save, tmp_path):
    refused(recipe, tmp_path / "none.safetensors", cnn(), r"^there is no file none\.safetensors$")
    path = save(state)
    path.write_bytes(path.read_bytes()[:-7])
    line = r"^changed\.safetensors is no intact safetensors file: "
    refused(recipe, path, cnn(), line)


# Models that do not fit


def test_another_epsilon_is_refused_unless_it_is_asked_for(recipe, cnn, state, save):
    path, model = save(state), cnn(epsilon=1e-3)
    line = r"^layer norm has epsilon=0\.001, in PyTorch it is 1e-05: build the layer with "
    refused(recipe, path, model, line)
    recipe.load_torch(path, model, epsilon=1e-3)
    assert np.array_equal(model.get_layer("norm").get_weights()[0], state["norm.weight"])
    refused(recipe, path, cnn(), r"epsilon=1e-05, in PyTorch it is 0\.001", epsilon=1e-3)


def test_a_layer_without_a_rule_is_named(recipe, sequential, layers, save):
    model = sequential((4, 2), layers.GRU(3, name="gates"))
    line = r"^layer gates is of class GRU, and there is no rule for it$"
    refused(recipe, save({"a": random(1)}), model, line)


def test_a_reshape_is_refused_because_it_has_the_trap_of_the_flatten(
    recipe, sequential, layers, save
):
    model = sequential((2, 3), layers.Reshape((6,), name="row"), layers.Dense(2, name="head"))
    line = r"^layer row is of class Reshape, and there is no rule for it$"
    refused(recipe, save({"head.weight": random(2, 6), "head.bias": random(2)}), model, line)


def test_an_operation_that_moves_axes_is_refused_too(recipe, module, layers, save):
    keras = module("keras")
    inputs = keras.Input((2, 3))
    moved = keras.ops.transpose(inputs, (0, 2, 1))
    model = keras.Model(inputs, layers.Dense(2, name="head")(layers.Flatten()(moved)))
    arrays = {"head.weight": random(2, 6), "head.bias": random(2)}
    refused(recipe, save(arrays), model, r"is of class Transpose, and there is no rule for it$")


def test_a_normalisation_after_a_flatten_is_refused(recipe, cnn, layers, state, save):
    model = cnn(between=[layers.BatchNormalization(epsilon=1e-5, name="late")])
    line = r"^layer late comes after a Flatten: only Dense has a rule for that$"
    refused(recipe, save(state), model, line)


def test_a_flatten_of_what_is_flat_changes_nothing(recipe, sequential, layers, save):
    norm = layers.BatchNormalization(epsilon=1e-5, scale=False, center=False, name="norm")
    model = sequential((3,), layers.Flatten(), norm)
    arrays = {"norm.running_mean": random(3), "norm.running_var": np.full(3, 4, "float32")}
    recipe.load_torch(save(arrays), model)
    inputs = random(1, 3) + 1
    expected = (inputs[0] - arrays["norm.running_mean"]) / 2
    assert np.allclose(ask(model, inputs)[0], expected, atol=1e-4)


def test_a_flatten_to_which_a_number_is_added_is_refused(recipe, module, layers, save):
    keras = module("keras")
    inputs = keras.Input((2, 3))
    model = keras.Model(inputs, layers.Dense(2, name="head")(layers.Flatten()(inputs) + 1.0))
    arrays = {"head.weight": random(2, 6), "head.bias": random(2)}
    refused(recipe, save(arrays), model, r" merges a Flatten: there is no rule for it$")


def test_a_flatten_that_is_merged_is_refused(recipe, module, layers, save):
    keras = module("keras")
    inputs, more = keras.Input((2, 3)), keras.Input((4,))
    merged = layers.Concatenate(name="both")([layers.Flatten()(inputs), more])
    model = keras.Model([inputs, more], layers.Dense(2, name="head")(merged))
    arrays = {"head.weight": random(2, 10), "head.bias": random(2)}
    line = r"^layer both merges a Flatten: there is no rule for it$"
    refused(recipe, save(arrays), model, line)


def test_a_merge_without_a_flatten_is_read(recipe, module, layers, save):
    keras = module("keras")
    inputs = keras.Input((4,))
    hidden = layers.Dense(4, name="hidden")(inputs)
    model = keras.Model(inputs, layers.Dense(2, name="head")(layers.Add()([inputs, hidden])))
    arrays = {"hidden.weight": random(4, 4), "hidden.bias": random(4)}
    arrays |= {"head.weight": random(2, 4), "head.bias": random(2)}
    recipe.load_torch(save(arrays), model)
    asked = random(1, 4)
    added = asked[0] + arrays["hidden.weight"] @ asked[0] + arrays["hidden.bias"]
    expected = arrays["head.weight"] @ added + arrays["head.bias"]
    assert np.allclose(ask(model, asked)[0], expected, atol=1e-4)


def test_channels_first_is_refused(recipe, sequential, layers, save):
    model = sequential((2, 8, 8), layers.MaxPooling2D(data_format="channels_first", name="pool"))
    line = r"^layer pool has its channels first: build it with channels last$"
    refused(recipe, save({"a": random(1)}), model, line)


def test_a_model_that_is_not_built_is_refused(recipe, module, layers, save):
    model = module("keras").Sequential([layers.Dense(2)], name="later")
    line = r"^later is not a built Sequential or functional model$"
    refused(recipe, save({"a": random(1)}), model, line)


def test_a_subclassed_model_is_refused(recipe, module, layers, save):
    class Network(module("keras").Model):
        def __init__(self):
            super().__init__(name="own")
            self.head = layers.Dense(2)

        def call(self, inputs):
            return self.head(inputs)

    model = Network()
    model(random(1, 4))
    line = r"^own is not a built Sequential or functional model$"
    refused(recipe, save({"a": random(1)}), model, line)


# The table of layouts in the notebook


@pytest.fixture(scope="module")
def layouts():
    """The table of layouts: (PyTorch, Keras, rule, what no shape says) by the layer's name."""
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    [text] = [cell.source for cell in cells if "| layer | PyTorch | Keras |" in cell.source]
    rows = {}
    for line in text.splitlines():
        if line.startswith("| "):
            name, *entries = [entry.strip() for entry in line.strip("|").split("|")]
            rows[name] = entries
    return rows


def shape_of(entry):
    """The shape that an entry such as ``(output, input)`` stands for, with the sizes from above."""
    names = re.search(r"\((.*?)\)", entry)[1]
    return tuple(SIZES[name.split()[-1]] for name in names.split(", "))


@pytest.mark.parametrize(
    ("row", "rule", "apply"),
    [
        ("convolution", "`transpose(2, 3, 1, 0)`", lambda array: array.transpose(2, 3, 1, 0)),
        ("linear, dense", "`.T`", lambda array: array.T),
        ("LSTM", "`.T`, biases added", lambda array: array.T),
        ("image", "`moveaxis(images, 1, -1)`", lambda array: np.moveaxis(array, 1, -1)),
    ],
    ids=["convolution", "dense", "lstm", "image"],
)
def test_each_rule_of_the_table_leads_from_the_axes_of_pytorch_to_those_of_keras(
    layouts, row, rule, apply
):
    in_torch, in_keras, stated, _ = layouts[row]
    assert stated == rule
    assert apply(np.zeros(shape_of(in_torch))).shape == shape_of(in_keras)


def test_the_table_names_the_arrays_of_a_normalisation_as_the_recipe_and_keras_do(
    recipe, layers, layouts
):
    in_torch, in_keras, rule, _ = layouts["batch normalisation"]
    layer = layers.BatchNormalization()
    layer.build((None, 3))
    assert rule == "as they are"
    assert re.findall(r"`(\w+)`", in_torch) == list(recipe.RULES["BatchNormalization"].names)
    assert re.findall(r"`(\w+)`", in_keras) == [array.name for array in layer.variables]
