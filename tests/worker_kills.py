"""Kill workers at random steps, and compare every loss with a training that nobody kills.

As a command, it kills each of so many trainings twice:

    python -m tests.worker_kills 6
"""

import importlib
import itertools
import random
import sys
import tempfile
from pathlib import Path

import numpy as np

STEPS = 20
SAVE_EVERY = 5

TRAINING = """
def train(folder, steps, save_every):
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    index = strategy.cluster_resolver.task_id
    workers = strategy.num_replicas_in_sync
    state = make_state(strategy)
    checkpoint = tf.train.Checkpoint(**state)
    prefix = tf.train.latest_checkpoint(folder)
    if prefix:
        checkpoint.restore(prefix).assert_consumed()
    do_step = make_step(strategy, state)
    with manager_of_worker(checkpoint, folder, strategy) as manager:
        while state["step"].numpy() < int(steps):
            share = make_batch(state["step"].numpy())[index::workers]
            loss = do_step(tf.constant(share))
            step = state["step"].numpy()
            print("step", step, "loss", float(loss).hex())
            if step % int(save_every) == 0:
                manager.save(checkpoint_number=step)
"""


def write_training(cluster, folder):
    """Write the program of the workers, and return its path."""
    program = folder / "train.py"
    program.write_text(
        f"{cluster.BEGINNING}\n\n{TRAINING}\n\ntrain(*arguments)\n", encoding="utf-8"
    )
    return program


def find_fault(cluster, parent, seed):
    """Kill a random worker at each of two random steps; say what is wrong, or nothing.

    The losses of all processes and the last checkpoint have to be those of a training that nobody
    kills.
    """
    chance = random.Random(seed)
    program = write_training(cluster, parent)
    whole = run(cluster, program, parent / "whole")
    killed = parent / "killed"
    starts = []
    for first in [2, 11]:  # the second kill comes after a save that the first process did not make
        step = chance.randrange(first, first + 8)
        moment = (chance.randrange(2), step)
        starts.append(run(cluster, program, killed, kill=moment))
    starts.append(run(cluster, program, killed))
    expected = whole[0].losses
    if len(expected) != STEPS:
        return f"the whole training made steps {list(expected)}: {whole[0].error}"
    for worker in itertools.chain(whole, *starts):
        for step, loss in worker.losses.items():
            if loss != expected[step]:
                return f"loss {loss} at step {step}, not {expected[step]}"
    if any(worker.exit_code != 0 for worker in starts[-1]):
        return f"the last start ended with {[worker.error for worker in starts[-1]]}"
    begins = [min(start[0].losses, default=0) for start in starts]
    if max(starts[-1][0].losses) != STEPS or begins[0] != 1 or begins[-1] == 1:
        return f"the starts began at {begins}, and ended at {max(starts[-1][0].losses)}"
    return difference(parent / "whole", killed)


def run(cluster, program, folder, **options):
    return cluster.run_workers(program, folder, STEPS, SAVE_EVERY, **options)


def difference(one, other):
    """Say which value of the last checkpoints differs, or nothing."""
    tf = importlib.import_module("tensorflow")
    readers = [tf.train.load_checkpoint(str(folder)) for folder in (one, other)]
    names = readers[0].get_variable_to_shape_map().keys()
    if names != readers[1].get_variable_to_shape_map().keys():
        return "the last checkpoints hold other names"
    for name in sorted(names):
        left, right = (np.asarray(reader.get_tensor(name)) for reader in readers)
        if name.startswith("total/"):  # the sum of parts, whose order a restart changes
            is_same = np.allclose(left, right, rtol=1e-6)
        else:
            is_same = left.tobytes() == right.tobytes()
        if not is_same:
            return f"{name} differs in the last checkpoints"
    return None


def main(trainings):
    importlib.import_module("helpers")
    cluster = importlib.import_module("helpers.lab.cluster")
    faults = 0
    for seed in range(trainings):
        with tempfile.TemporaryDirectory() as folder:
            fault = find_fault(cluster, Path(folder), seed)
        faults += fault is not None
        print(f"training {seed}: {fault or 'equal to the last bit'}", flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
