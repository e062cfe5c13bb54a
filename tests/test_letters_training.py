"""The small network for letters, and the training that many short trials share."""

import keras
import numpy as np
import pytest


@pytest.fixture(scope="module")
def training(module):
    return module("helpers.letters.training")


@pytest.fixture
def few():
    images = np.zeros((20, 24, 24, 1), np.float32)
    images[10:, :, :12] = 1
    return images, np.repeat([0, 1], 10)


def test_the_network_has_a_logit_for_each_class_and_its_seed_decides(training, few):
    first, again, other = (training.build_network(7, seed) for seed in (0, 0, 1))
    assert first(few[0]).shape == (20, 7)
    assert first.layers[-1].name == "head"
    assert np.array_equal(first.get_weights()[0], again.get_weights()[0])
    assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])


def test_training_learns_and_repeats_itself(training, few):
    results = []
    for _ in range(2):
        model = training.build_network(2)
        training.train(model, *few, learning_rate=0.01, steps=15)
        results.append(model.get_weights())
        assert training.accuracy(model, *few) == 1
    assert all(np.array_equal(*pair) for pair in zip(*results, strict=True))


def test_training_gives_the_same_weights_as_fit(training, few):
    fitted, trained = training.build_network(2), training.build_network(2)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    fitted.compile(keras.optimizers.Adam(0.01), loss, jit_compile=False)
    images, labels = few
    drawn = np.random.default_rng(0).integers(20, size=10 * 4)
    fitted.fit(images[drawn], labels[drawn], batch_size=4, shuffle=False, verbose=0)
    training.train(trained, *few, learning_rate=0.01, steps=10, batch=4)
    for one, other in zip(fitted.get_weights(), trained.get_weights(), strict=True):
        assert np.allclose(one, other, rtol=0, atol=1e-5)


def test_only_what_is_trainable_now_is_trained(training, few):
    model = training.build_network(2)
    for layer in model.layers[:-1]:
        layer.trainable = False
    before = model.get_weights()
    training.train(model, *few, learning_rate=0.01, steps=2)
    after = model.get_weights()
    same = [np.array_equal(*pair) for pair in zip(before, after, strict=True)]
    assert same == [True] * 6 + [False] * 2, "the head alone has moved"
    for layer in model.layers:
        layer.trainable = True
    training.train(model, *few, learning_rate=0.01, steps=2)
    moved = zip(after, model.get_weights(), strict=True)
    assert not any(np.array_equal(*pair) for pair in moved)


def test_each_training_begins_with_a_new_optimizer_and_its_own_rate(training, few):
    start = training.build_network(2).get_weights()
    moves = []
    for rate in (0.001, 0.01, 0.001):
        model = training.build_network(2)
        training.train(model, *few, learning_rate=rate, steps=1)
        moves.append(np.abs(model.get_weights()[-2] - start[-2]).max())
    assert moves[0] == moves[2]
    assert moves[1] == pytest.approx(10 * moves[0], rel=0.01), "Adam's first step is the rate"


def test_no_step_changes_nothing(training, few):
    model = training.build_network(2)
    before = model.get_weights()
    training.train(model, *few, learning_rate=0.01, steps=0)
    assert all(np.array_equal(*pair) for pair in zip(before, model.get_weights(), strict=True))


def test_accuracy_is_the_share_of_right_guesses(training):
    def logits(images):
        return images

    images = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
    assert training.accuracy(logits, images, np.array([0, 1, 0, 1])) == 0.5
