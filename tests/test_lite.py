"""A converted model gives the numbers of the SavedModel that it was made from."""

import pytest

PAIR = {"w1": [13.0, 4.0], "w2": [17.0, 8.0]}


@pytest.fixture(scope="module")
def make_model(module):
    tf = module("tensorflow")
    helpers = module("helpers")
    numbers = tf.TensorSpec([2], tf.float32)

    def make(folder, outputs):
        class Model(tf.Module):
            @tf.function(input_signature=[numbers, numbers])
            def add(self, w1, w2):
                return {name: (w1 + w2) * 2 for name in outputs}

        model = Model()
        tf.saved_model.save(model, folder, {"serving_default": model.add})
        converter = tf.lite.TFLiteConverter.from_saved_model(str(folder))
        with helpers.hold_stderr():
            return converter.convert()

    return make


@pytest.fixture
def pair(module):
    np = module("numpy")
    return {name: np.float32(values) for name, values in PAIR.items()}


def test_runs_the_signature_by_the_names_of_its_inputs(module, make_model, pair, tmp_path):
    lite = module("helpers.lab.lite")
    model = make_model(tmp_path, ["result"])
    assert lite.run_lite(model, **pair).tolist() == [60, 24]
    with pytest.raises(ValueError, match="Invalid Input name"):
        lite.run_lite(model, w1=pair["w1"], w3=pair["w2"])


def test_names_the_outputs_if_there_are_several(module, make_model, pair, tmp_path):
    model = make_model(tmp_path, ["sum", "result"])
    with pytest.raises(ValueError, match="expected one output, found: result, sum"):
        module("helpers.lab.lite").run_lite(model, **pair)
