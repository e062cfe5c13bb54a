"""The old models in today's code have the layers of the files, in the order that is asked for."""

import pytest


@pytest.fixture(scope="module")
def models(module):
    return module("helpers.old_keras.models")


@pytest.fixture
def handing_out(module):
    return module("helpers.old_keras.handing_out")


@pytest.mark.parametrize("heads", [["animals", "colours"], ["colours", "animals"], ["sizes"]])
def test_the_heads_are_in_the_order_that_is_asked_for(models, heads):
    model = models.build_model(heads)
    names = [layer.name for layer in model.layers if layer.variables]
    assert names == ["hidden", "norm", *heads]


@pytest.mark.parametrize("name", ["functional", "subclassed"])
def test_todays_code_takes_the_weights_of_a_file(models, handing_out, name, tmp_path):
    folder = handing_out.unpack(name, tmp_path)
    model = models.load_into_today(folder / "model.weights.h5")
    assert handing_out.answers_as_before(model, folder)


def test_random_numbers_do_not_answer_as_before(models, handing_out, tmp_path):
    folder = handing_out.unpack("subclassed", tmp_path)
    assert not handing_out.answers_as_before(models.build_heads(), folder)


def test_a_checkpoint_of_keras_2_restores_one_bias_only(tf, models, handing_out, tmp_path):
    folder = handing_out.unpack("subclassed", tmp_path)
    model = models.build_heads()
    before = {v.path: v.numpy() for v in model.variables}
    status = tf.train.Checkpoint(model).read(str(folder / "checkpoint" / "model"))
    changed = [v.path for v in model.variables if (v.numpy() != before[v.path]).any()]
    assert [path.split("/", 1)[1] for path in changed] == ["hidden/bias"]
    with pytest.raises(AssertionError, match="were not bound to checkpointed values"):
        status.assert_existing_objects_matched()


def test_a_folder_of_another_model_has_no_code_of_today(models, handing_out, tmp_path):
    folder = handing_out.unpack("gates", tmp_path)
    assert models.load_into_today(folder / "model.h5") is None


def test_a_saved_model_of_keras_2_answers_as_a_layer(keras, handing_out, tmp_path):
    folder = handing_out.unpack("functional", tmp_path)
    saved_model = str(folder / "saved_model")
    layer = keras.layers.TFSMLayer(saved_model, call_endpoint="serving_default")

    def answer(inputs):
        by_head = layer(inputs)
        return [by_head["animals"], by_head["colours"]]

    assert handing_out.answers_as_before(answer, folder)


def test_gates_of_keras_2_load_without_an_error_and_answer_otherwise(keras, handing_out, tmp_path):
    folder = handing_out.unpack("gates", tmp_path)

    def old_hard_sigmoid(x):
        return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)

    path = folder / "model.h5"
    today = keras.saving.load_model(path, compile=False)
    assert not handing_out.answers_as_before(today, folder)
    gate = {"hard_sigmoid": old_hard_sigmoid}
    as_then = keras.saving.load_model(path, gate, compile=False)
    assert handing_out.answers_as_before(as_then, folder)
