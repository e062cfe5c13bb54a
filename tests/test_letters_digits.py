"""A transfer between two tasks of digits is judged by what its networks read and hold."""

import pytest


@pytest.fixture(scope="module")
def training(module):
    return module("helpers.letters.training")


@pytest.fixture(scope="module")
def fault_of_transfer(module):
    return module("helpers.letters.digits").fault_of_transfer


@pytest.fixture(scope="module")
def tasks(module):
    """All digits 0 to 4, ten examples each of 5 to 9, and the test of 5 to 9."""
    tasks = module("helpers.letters.tasks")
    low, stock, test = tasks.load_digit_tasks()
    return low, tasks.choose_examples(*stock, each=10, seed=0), test


@pytest.fixture(scope="module")
def networks(training, tasks):
    """The old network, the reader with its frozen body, and the baseline."""
    low, few, _ = tasks
    old = training.build_network(5)
    training.train(old, *low, learning_rate=0.003, steps=60)
    reader = training.build_network(5, seed=1)
    reader.set_weights(old.get_weights())
    for layer in reader.layers[:-1]:
        layer.trainable = False
    training.train(reader, *few, learning_rate=0.01, steps=60)
    baseline = training.build_network(5)
    training.train(baseline, *few, learning_rate=0.003, steps=60)
    return old, reader, baseline


def test_a_transfer_as_it_was_asked_for_has_no_fault(fault_of_transfer, networks):
    assert fault_of_transfer(*networks) is None


def test_networks_in_each_others_place_are_noticed(fault_of_transfer, networks, training):
    old, reader, baseline = networks
    untrained = training.build_network(5)
    assert "low_file does not read 0 to 4" in fault_of_transfer(baseline, reader, baseline)
    assert "its own examples" in fault_of_transfer(old, untrained, baseline)
    assert "its own examples" in fault_of_transfer(old, reader, untrained)
    assert "keep the body" in fault_of_transfer(old, baseline, baseline)
    assert "all layers of baseline" in fault_of_transfer(old, reader, reader)


def test_a_baseline_that_was_trained_on_the_test_is_noticed(
    fault_of_transfer, networks, training, tasks
):
    old, reader, _ = networks
    cheat = training.build_network(5)
    training.train(cheat, *tasks[2], learning_rate=0.003, steps=60)
    training.train(cheat, *tasks[1], learning_rate=0.001, steps=20)
    assert "more of the test" in fault_of_transfer(old, reader, cheat)


def test_a_baseline_that_goes_on_from_the_old_network_is_noticed(
    fault_of_transfer, networks, training, tasks
):
    old, reader, _ = networks
    continued = training.build_network(5)
    continued.set_weights(old.get_weights())
    training.train(continued, *tasks[1], learning_rate=0.003, steps=60)
    assert "baseline is not build_network(5)" in fault_of_transfer(old, reader, continued)
    longer = training.build_network(5)
    training.train(longer, *tasks[1], learning_rate=0.003, steps=120)
    assert "baseline is not build_network(5)" in fault_of_transfer(old, reader, longer)
