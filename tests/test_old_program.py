"""helpers.lab.old_program: an old training that stops and goes on, and batches for Keras."""

import numpy as np
import pytest

WEIGHTS = [
    "batch_normalization/beta",
    "batch_normalization/gamma",
    "batch_normalization/moving_mean",
    "batch_normalization/moving_variance",
    "dense/kernel",
    "dense_1/bias",
    "dense_1/kernel",
]


@pytest.fixture(scope="module")
def old_program(module):
    return module("helpers.lab.old_program")


def test_a_training_goes_on_where_it_stopped(old_program, tmp_path):
    whole, scores = old_program.train(range(6), tmp_path / "whole")
    first, _ = old_program.train(range(4), tmp_path / "first")
    second, same_scores = old_program.train(range(4, 6), tmp_path / "second", tmp_path / "first")
    assert np.allclose([*first, *second], whole, rtol=0, atol=1e-6)
    assert np.allclose(scores, same_scores, atol=1e-5)
    assert scores.shape == (297, 10)


@pytest.mark.parametrize(
    ("optimizer", "entries"), [("adam", 7 + 2 * 5 + 3), ("momentum", 7 + 5 + 1)]
)
def test_a_checkpoint_has_the_names_of_tensorflow_1(old_program, tf, tmp_path, optimizer, entries):
    make_optimizer = getattr(old_program, optimizer)
    old_program.train(range(3), tmp_path / "old", make_optimizer=make_optimizer)
    names = [name for name, _ in tf.train.list_variables(tmp_path / "old")]
    assert len(names) == entries
    assert set(WEIGHTS) < set(names)
    assert tf.train.load_variable(tmp_path / "old", "global_step") == 3


def test_training_with_momentum_has_slots_of_momentum(old_program, tf, tmp_path):
    first, _ = old_program.train_with_momentum(range(2), tmp_path / "first")
    second, _ = old_program.train_with_momentum([2], tmp_path / "second", tmp_path / "first")
    losses, _ = old_program.train(range(3), tmp_path / "old", None, old_program.momentum)
    assert np.allclose([*first, *second], losses, rtol=0, atol=1e-6)
    slot = tf.train.load_variable(tmp_path / "second", "dense/kernel/Momentum")
    assert np.any(slot != 0)


def test_keras_scores_the_test_images(old_program, module):
    keras = module("keras")
    network = keras.Sequential([keras.Input((64,)), keras.layers.Dense(10)])
    scores = old_program.score_keras(network)
    assert scores.shape == (297, 10)
    assert np.allclose(scores, old_program.TEST_IMAGES @ network.get_weights()[0], atol=1e-4)


# The parser of the tool has not followed Python 3.12.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_tool_of_tensorflow_renames_a_saver_but_no_layer(module, tmp_path):
    tools = "tensorflow.tools.compatibility"
    spec = module(f"{tools}.tf_upgrade_v2").TFAPIChangeSpec()
    old, new = tmp_path / "old.py", tmp_path / "new.py"
    old.write_text("tf.train.Saver()\ntf.layers.dense(x, 3)\n", encoding="utf-8")
    module(f"{tools}.ast_edits").ASTCodeUpgrader(spec).process_file(str(old), str(new))
    upgraded = new.read_text(encoding="utf-8").split()
    assert upgraded == ["tf.compat.v1.train.Saver()", "tf.layers.dense(x,", "3)"]


def test_the_layers_and_the_shim_of_tensorflow_1_need_an_older_keras(module):
    tf1 = module("tensorflow.compat.v1")
    with pytest.raises(AttributeError, match="not available with Keras 3"):
        _ = tf1.layers.dense
    assert not hasattr(tf1.keras.utils, "track_tf1_style_variables")


def test_a_batch_is_the_next_25_images(old_program):
    images, labels = old_program.batch(1)
    assert images.shape == (25, 64)
    assert images.dtype == np.float32
    assert labels.shape == (25,)
    assert not np.array_equal(images, old_program.batch(0)[0])
    with pytest.raises(IndexError, match="batches 0 to 59, got 60"):
        old_program.batch(60)


def test_the_accuracy_is_a_share(old_program):
    right = np.eye(10)[old_program.TEST_LABELS]
    assert old_program.accuracy(right) == 1
    assert old_program.accuracy(np.roll(right, 1, axis=1)) == 0


def test_keras_gets_the_same_batches_and_gives_the_loss_of_each(old_program, module):
    keras = module("keras")
    network = keras.Sequential([keras.Input((64,)), keras.layers.Dense(10, "softmax")])
    network.compile(keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    losses = old_program.train_keras(network, [3, 4])
    expected = [network.evaluate(*old_program.batch(step), verbose=0) for step in (3, 4)]
    assert np.allclose(losses, expected, rtol=1e-5)
