"""helpers.lab.worker: what a process does before its program begins, and when it prints."""

import json
import os
import signal
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="workers are refused on Windows")

BEGIN = """
import os, sys
from helpers.lab.worker import begin, say

arguments = begin(sys.argv)
os.write(2, b"a long log")
say("step", 1, "of", *arguments)
say("step", 2)
print(os.environ["TF_CONFIG"])
"""
SERVERS = """
def keep(folder, servers):
    resolver = start_servers(int(servers))
    partitioner = tf.distribute.experimental.partitioners.FixedShardsPartitioner(2)
    strategy = tf.distribute.ParameterServerStrategy(resolver, partitioner)
    with strategy.scope():
        weights = tf.Variable(tf.ones([4, 2]))
    for shard in weights.variables:
        print(shard.shape, "on", tf.DeviceSpec.from_string(shard.device).task)
"""


@pytest.fixture
def start(module, tmp_path):
    """Start the program with orders, of which some can be given."""
    program = module("helpers.programs").Program
    script = tmp_path / "begin.py"
    script.write_text(BEGIN, encoding="utf-8")

    def start_with(**given):
        orders = {
            "tf_config": {"task": {"index": 1}},
            "arguments": ["three", "four"],
            "never_starts": False,
            "wait_after": None,
            "go_on": str(tmp_path / "go_on"),
            "log": str(tmp_path / "log"),
        }
        return program(script, json.dumps({**orders, **given}))

    return start_with


def test_a_worker_knows_its_place_and_its_arguments(start, tmp_path):
    with start() as worker:
        first, *lines = worker.wait().splitlines()
    assert first == "started"
    assert lines == ["step 1 of three four", "step 2", '{"task": {"index": 1}}']


def test_the_log_goes_to_a_file(start, tmp_path):
    with start() as worker:
        worker.wait()
    assert "a long log" in (tmp_path / "log").read_text(encoding="utf-8")


def test_it_waits_after_its_line_until_it_may_go_on(start, tmp_path):
    with start(wait_after="step 1 ") as worker:
        lines = worker.lines()
        assert [next(lines), next(lines)] == ["started", "step 1 of three four"]
        worker.kill()
        assert list(lines) == [], "it waits for a file, so it has printed nothing more"
    with start(wait_after="step 1 ") as worker:
        (tmp_path / "go_on").touch()
        assert "step 2" in worker.wait()


def test_an_interrupt_is_for_the_launcher_and_not_for_it(start, tmp_path):
    with start(wait_after="step 1 ") as worker:
        lines = worker.lines()
        assert [next(lines), next(lines)] == ["started", "step 1 of three four"]
        os.kill(worker._process._process.pid, signal.SIGINT)
        (tmp_path / "go_on").touch()
        assert "step 2" in list(lines)


def test_one_that_never_starts_prints_nothing(start):
    with start(never_starts=True, wait_after="step 1 ") as worker:
        worker.kill()
        assert list(worker.lines()) == []


def test_servers_hold_the_shards_of_a_variable(module, tmp_path):
    cluster = module("helpers.lab.cluster")
    path = tmp_path / "keep.py"
    path.write_text(SERVERS, encoding="utf-8")
    names = {}
    exec(compile(SERVERS, str(path), "exec"), names)
    program = cluster.write_worker(tmp_path / "servers.py", names["keep"])
    [two] = cluster.run_workers(program, tmp_path / "saves", 2, workers=1)
    assert two.lines == ["(2, 2) on 0", "(2, 2) on 1"], two.error
    [one] = cluster.run_workers(program, tmp_path / "saves", 1, workers=1)
    assert one.lines == ["(2, 2) on 0", "(2, 2) on 0"], one.error
