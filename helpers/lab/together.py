"""A small training for many workers: its state, its data, its step, and what is wrong with answers.

A linear model learns eight weights, which are all 1 in truth, by gradient descent with momentum.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

WEIGHTS = 8
BATCH = 16  # examples of a step, over all workers


def make_state(strategy: tf.distribute.Strategy) -> dict[str, tf.Variable]:
    """Return the variables of a training in the scope of a strategy, all of them zero.

    Returns:
        The ``weights`` and their ``momentum``, float32 vectors; the number of the ``step``, int32;
        and the ``total`` of all losses, a float32 scalar of which each worker keeps its own part.
    """
    with strategy.scope():
        return {
            "weights": tf.Variable(tf.zeros([WEIGHTS])),
            "momentum": tf.Variable(tf.zeros([WEIGHTS])),
            "step": tf.Variable(0),
            "total": tf.Variable(
                0.0,
                trainable=False,
                synchronization=tf.VariableSynchronization.ON_READ,
                aggregation=tf.VariableAggregation.SUM,
            ),
        }


def make_batch(step: int) -> np.ndarray:
    """Return the batch that is learned in a step: random float32 numbers of shape (16, 8)."""
    random = np.random.default_rng(step)
    return random.normal(size=[BATCH, WEIGHTS]).astype("float32")


def make_step(
    strategy: tf.distribute.Strategy, state: dict[str, Any]
) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return a function that trains on this worker's share of a batch, together with the others.

    It returns the loss of the whole batch, a float32 scalar, which is the same on each worker.

    Args:
        strategy: all its workers have to call the function, or those who do wait.
        state: of `make_state`.
    """

    def learn(share: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            errors = tf.linalg.matvec(share, state["weights"] - 1)
            loss = tf.reduce_sum(errors**2) / BATCH
        gradient = tape.gradient(loss, state["weights"])
        replica = tf.distribute.get_replica_context()
        gradient = replica.all_reduce("sum", gradient)
        state["momentum"].assign(0.9 * state["momentum"] + gradient)
        state["weights"].assign_sub(0.02 * state["momentum"])
        state["total"].assign_add(loss)
        return loss

    @tf.function
    def do_step(share: tf.Tensor) -> tf.Tensor:
        losses = strategy.run(learn, args=(share,))
        state["step"].assign_add(1)
        return strategy.reduce("sum", losses, axis=None)

    return do_step


def find_fault_of_shares(share: Callable[[np.ndarray, int, int], np.ndarray]) -> str | None:
    """Say in one line what is wrong with a function that divides a batch among workers, or nothing.

    Args:
        share: takes a batch, the number of a worker from 0 on, and how many workers there are, and
            returns the examples of this worker.
    """
    for examples, workers in [(16, 4), (16, 1), (16, 3), (7, 4)]:
        # All are divisible by any number of workers: their values say nothing about their places.
        batch = 60 * np.random.default_rng(examples).permutation(examples)
        shares = [share(batch, index, workers) for index in range(workers)]
        fault = _fault_of_shares(shares, batch)
        if fault:
            return f"{examples} examples and {workers} workers: {fault}"
    return None


def find_fault_of_config(config: dict[str, Any], machines: Sequence[str]) -> str | None:
    """Say in one line what is wrong with the ``TF_CONFIG`` of the last machine, or nothing.

    Args:
        config: the value, as a dictionary.
        machines: the address of each worker, in order.
    """
    try:
        config = json.loads(json.dumps(config))  # a process gets it as a text
    except TypeError as error:
        return f"it cannot be written as JSON: {error}"
    if set(config) != {"cluster", "task"}:
        return f"its keys are {sorted(config)}"
    of_cluster = _fault_of_cluster(config["cluster"], machines)
    return of_cluster or _fault_of_task(config["task"], len(machines) - 1)


def _fault_of_cluster(cluster: Any, machines: Sequence[str]) -> str | None:
    if not isinstance(cluster, dict) or list(cluster) != ["worker"]:
        return f"its cluster is {cluster}"
    found = cluster["worker"]
    if not isinstance(found, list) or len(found) != len(machines):
        return f"its cluster is {cluster}"
    for address, wanted in zip(found, machines, strict=True):
        if address != wanted:
            return f"{address} stands in another's place, or is no address with a port"
    return None


def _fault_of_task(task: Any, last: int) -> str | None:
    if not isinstance(task, dict) or set(task) != {"type", "index"}:
        return f"its task is {task}, and has to have a type and an index"
    kind = task["type"]
    index = task["index"]
    if kind != "worker" or type(index) is not int:
        return f"the task is {kind} {index!r}"
    if index != last:
        return f"worker {index} is another machine, or none"
    return None


def _fault_of_shares(shares: Sequence[np.ndarray], batch: np.ndarray) -> str | None:
    reached = sorted(np.concatenate(shares).tolist())
    missing = set(batch.tolist()) - set(reached)
    if missing:
        return f"{len(missing)} of them reach no worker"
    if reached != sorted(batch.tolist()):
        return "some come twice, or are not in the batch"
    sizes = [len(share) for share in shares]
    if max(sizes) - min(sizes) > 1:
        return f"the shares have {sizes} examples"
    return None
