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
