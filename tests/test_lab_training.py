"""helpers.lab.training: a small training in which each part of its state makes a difference."""

import pytest


@pytest.fixture
def training(module):
    return module("helpers.lab.training")


@pytest.fixture
def make_state(training, tf):
    def make_state():
        model, optimizer = training.make_model()
        optimizer.build(model.trainable_variables)
        return {
            "model": model,
            "optimizer": optimizer,
            "step": tf.Variable(0, dtype=tf.int64),
            "iterator": iter(training.make_data()),
            "generator": tf.random.Generator.from_seed(3),
            "metric": tf.Variable(0.0),
        }

    return make_state


def test_two_trainings_are_the_same_and_learn(training, make_state, helpers):
    one = training.advance(make_state(), 40)
    other = training.advance(make_state(), 40)
    assert helpers.same_values(one, other)
    losses = list(one["losses"].values())
    assert sum(losses[-5:]) < 0.5 * sum(losses[:5])


def test_advance_goes_on_from_the_step_of_the_state(training, make_state):
    state = make_state()
    training.advance(state, 2)
    found = training.advance(state, 5)
    assert list(found["losses"]) == list(found["metric"]) == [3, 4, 5]
    rise = found["metric"][5] - found["metric"][4]
    assert rise == pytest.approx(found["losses"][5], abs=1e-5)
    assert len(found["weights"]) == len(state["model"].get_weights()) == 8


def test_data_come_in_batches_without_an_end_and_in_other_orders(training):
    batches = [classes.numpy().tolist() for _, classes in training.make_data().take(10)]
    assert [len(batch) for batch in batches] == [64] * 10
    classes = [number for batch in batches for number in batch]
    first, second = classes[:320], classes[320:]
    assert set(first) == set(range(10))
    assert first != second
    assert sorted(first) == sorted(second)


def test_noise_comes_from_the_generator_of_the_state(training, make_state, tf):
    states = [make_state(), make_state()]
    states[1]["generator"] = tf.random.Generator.from_seed(4)
    one, other = [training.advance(state, 1)["losses"][1] for state in states]
    assert one != other
