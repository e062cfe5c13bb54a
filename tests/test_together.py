"""helpers.lab.together: a training that comes out the same in as many shares as you like."""

import json
import sys

import pytest

TRAIN = """
def train(folder):
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    index = strategy.cluster_resolver.task_id
    state = make_state(strategy)
    do_step = make_step(strategy, state)
    for step in range(10):
        loss = do_step(tf.constant(make_batch(step)[index::2]))
        print("step", step, "loss", float(loss))
    print(state["weights"].numpy().tolist())
    print(tf.convert_to_tensor(state["total"]).numpy())
"""


@pytest.fixture
def together(module):
    return module("helpers.lab.together")


def test_the_training_learns_that_all_weights_are_one(together, tf):
    strategy = tf.distribute.get_strategy()
    state = together.make_state(strategy)
    do_step = together.make_step(strategy, state)
    losses = [float(do_step(together.make_batch(step))) for step in range(60)]
    assert losses[-1] < losses[0] / 100
    assert state["weights"].numpy().tolist() == pytest.approx([1] * 8, abs=0.1)
    assert state["step"].numpy() == 60
    assert float(state["total"]) == pytest.approx(sum(losses), rel=1e-5)


def test_a_share_of_a_batch_is_weighed_by_the_whole_batch(together, tf):
    strategy = tf.distribute.get_strategy()
    batch = together.make_batch(0)
    losses = []
    for share in [batch, batch[0::2], batch[1::2]]:
        do_step = together.make_step(strategy, together.make_state(strategy))
        losses.append(float(do_step(share)))
    assert losses[1] + losses[2] == pytest.approx(losses[0], rel=1e-5)


def test_each_step_has_its_own_batch_always_the_same(together):
    assert together.make_batch(3).tolist() == together.make_batch(3).tolist()
    assert together.make_batch(3).tolist() != together.make_batch(4).tolist()
    assert together.make_batch(0).shape == (16, 8)
    assert together.make_batch(0).dtype == "float32"


def test_the_total_is_kept_in_parts(together, tf):
    total = together.make_state(tf.distribute.get_strategy())["total"]
    assert total.synchronization == tf.VariableSynchronization.ON_READ
    assert total.aggregation == tf.VariableAggregation.SUM


def test_shares_that_give_each_example_to_one_worker_are_right(together):
    def contiguous(batch, index, workers):
        bounds = [len(batch) * number // workers for number in (index, index + 1)]
        return batch[slice(*bounds)]

    assert together.find_fault_of_shares(contiguous) is None
    assert together.find_fault_of_shares(lambda batch, index, n: batch[index::n]) is None


def test_other_shares_are_told_what_is_wrong(together):
    def fault(share):
        return together.find_fault_of_shares(share)

    assert fault(lambda batch, index, n: batch[: len(batch) // n]) == (
        "16 examples and 4 workers: 12 of them reach no worker"
    )
    assert "come twice" in fault(lambda batch, index, n: batch)
    assert "7 examples and 4 workers: the shares have [1, 1, 1, 4]" in fault(
        lambda batch, i, n: batch[i * (len(batch) // n) :][
            : None if i == n - 1 else len(batch) // n
        ]
    )
    assert "[16, 0, 0, 0]" in fault(lambda batch, index, n: batch[:] if index == 0 else batch[:0])
    assert "[16, 0, 0, 0]" in fault(lambda batch, index, n: batch[batch % n == index]), (
        "the value of an example must not say where it stands"
    )


def test_examples_of_an_own_making_are_no_share_of_the_batch(together):
    def with_copies(batch, index, n):
        return [*batch[index::n], *batch[:1]]

    def with_others(batch, index, n):
        return [*batch[index::n], -1]

    for share in [with_copies, with_others]:
        assert "come twice, or are not in the batch" in together.find_fault_of_shares(share)


def test_a_config_is_that_of_the_last_machine(together):
    machines = ["a:1", "b:2"]
    right = {"cluster": {"worker": machines}, "task": {"type": "worker", "index": 1}}
    wrong = {
        "its keys are": {"task": {}},
        "its cluster is {'worker': ['b:2']}": {**right, "cluster": {"worker": ["b:2"]}},
        "its cluster is ['a:1', 'b:2']": {**right, "cluster": machines},
        "its cluster is {'worker': {'0'": {
            **right,
            "cluster": {"worker": dict(enumerate(machines))},
        },
        "its cluster is {'worker': 'a:": {**right, "cluster": {"worker": "a:1 b:2"}},
        "its cluster is {'chief'": {**right, "cluster": {"chief": machines}},
        "its task is {'index': 1}, and": {**right, "task": {"index": 1}},
        "its task is 1, and": {**right, "task": 1},
        "it cannot be written as JSON": {**right, "task": {"type": "worker", "index": {1}}},
        "b:2 stands in another's": {**right, "cluster": {"worker": ["b:2", "a:1"]}},
        "the task is chief 1": {**right, "task": {"type": "chief", "index": 1}},
        "the task is worker True": {**right, "task": {"type": "worker", "index": True}},
        "worker 0 is another": {**right, "task": {"type": "worker", "index": 0}},
    }
    assert together.find_fault_of_config(right, machines) is None
    for fault, config in wrong.items():
        assert together.find_fault_of_config(config, machines).startswith(fault)


@pytest.mark.skipif(sys.platform == "win32", reason="workers are refused on Windows")
def test_two_workers_train_as_one_process_does(together, tf, module, tmp_path):
    cluster = module("helpers.lab.cluster")
    path = tmp_path / "together.py"
    program = f"{cluster.BEGINNING}\n\n{TRAIN}\n\ntrain(*arguments)\n"
    path.write_text(program, encoding="utf-8")
    ended = cluster.run_workers(path, tmp_path / "saves")
    strategy = tf.distribute.get_strategy()
    state = together.make_state(strategy)
    do_step = together.make_step(strategy, state)
    expected = [float(do_step(together.make_batch(step))) for step in range(10)]
    for worker in ended:
        losses = [float(loss) for loss in worker.losses.values()]
        assert losses == pytest.approx(expected, rel=1e-5), worker.error
        *_, weights, total = worker.lines
        assert json.loads(weights) == pytest.approx(state["weights"].numpy().tolist(), rel=1e-5)
        assert float(total) == pytest.approx(sum(expected), rel=1e-5)
