"""Is a transfer from the digits 0 to 4 to the digits 5 to 9 what an exercise asks for?"""

from helpers.letters.tasks import choose_examples, load_digit_tasks
from helpers.letters.training import accuracy
from helpers.prove import same_values

import keras


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
    return None
