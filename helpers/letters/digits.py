"""Is a transfer from the digits 0 to 4 to the digits 5 to 9 what an exercise asks for?"""

from helpers.letters.tasks import Examples, choose_examples, load_digit_tasks
from helpers.letters.training import accuracy, build_network, train
from helpers.prove import same_values

import keras
import numpy as np


def fault_of_transfer(old: keras.Model, reader: keras.Model, baseline: keras.Model) -> str | None:
    """Say in one line what is wrong with a transfer, or return None.

    Args:
        old: the network that was trained on 0 to 4.
        reader: has the frozen body of ``old``, and a head trained on ten examples each of 5 to 9.
        baseline: was trained on the same examples from random weights.
    """
    low, stock, test = load_digit_tasks()
    new = choose_examples(*stock, each=10, seed=0)
    if accuracy(old, *low) < 0.9:
        return "the network in low_file does not read 0 to 4"
    if min(accuracy(reader, *new), accuracy(baseline, *new)) < 0.85:
        return "reader or baseline does not read its own examples"
    if not same_values(reader.get_weights()[:-2], old.get_weights()[:-2]):
        return "reader has to keep the body of low_file"
    if len(baseline.trainable_variables) < len(baseline.variables):
        return "all layers of baseline have to be trained"
    if accuracy(baseline, *test) > 0.95:
        return "baseline reads more of the test than ten examples teach"
    if not _is_near(baseline, _train_baseline(new)):
        return "baseline is not build_network(5) after 60 steps at 0.003 on the examples"
    return None


def _train_baseline(examples: Examples) -> keras.Model:
    """Train a new network on the examples alone, as the exercise asks."""
    network = build_network(5)
    train(network, *examples, learning_rate=0.003, steps=60)
    return network


def _is_near(network: keras.Model, expected: keras.Model) -> bool:
    """Tell whether all weights are those expected, but for sums that are rounded differently."""
    weights, others = network.get_weights(), expected.get_weights()
    if [array.shape for array in weights] != [array.shape for array in others]:
        return False
    pairs = zip(weights, others, strict=True)
    return all(np.abs(one - other).max() < 0.01 for one, other in pairs)
