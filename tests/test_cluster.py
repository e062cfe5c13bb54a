"""helpers.lab.cluster: workers that run, die, and leave nothing behind."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests import worker_kills
from tests.processes import is_running

import pytest

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="refused on Windows, in one line"),
    pytest.mark.usefixtures("interrupts_are_heard"),
]

PROGRAMS = """
def count(folder, last, fails="never"):
    import os, time
    name = os.environ["TF_CONFIG"]
    index = json_index(name)
    for step in range(1, int(last) + 1):
        print("step", step, "loss", index + step / 4)
        if fails == f"{index} {step}":
            raise ValueError(f"no more after {step}")
        if fails == f"{index} has no port":
            raise OSError("Could not start gRPC server")
        if last == "1000":
            time.sleep(60)


def json_index(text):
    import json
    return json.loads(text)["task"]["index"]


def asked(folder):
    import signal, sys
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(42))
    index = json_index(__import__("os").environ["TF_CONFIG"])
    print("step", 1, "loss", 0.5)
    if index == 1:
        signal.pause()
"""

# A notebook in which one of two workers never starts. It prints the process of the other one.
# It needs no TensorFlow itself, which the package `helpers` would import: a bare one stands for it.
DIES = """
import sys
import time
import types
from pathlib import Path

program, folder, place = map(Path, sys.argv[1:])
sys.modules["helpers"] = types.ModuleType("helpers")
sys.modules["helpers"].__path__ = [str(place)]

from helpers.lab.cluster import Cluster

with Cluster(program, folder, never_starts=1) as cluster:
    while len(cluster._lines[0]) < 2:
        time.sleep(0.1)
    print(cluster._lines[0][1], flush=True)
    cluster.wait()
"""


@pytest.fixture
def cluster(module):
    return module("helpers.lab.cluster")


@pytest.fixture
def programs(cluster, tmp_path):
    """Two small programs that need no strategy: one that counts, and one that can be asked."""
    path = tmp_path / "programs.py"
    path.write_text(PROGRAMS, encoding="utf-8")
    names = {}
    exec(compile(PROGRAMS, str(path), "exec"), names)
    parts = [names["json_index"]]
    return {
        name: cluster.write_worker(tmp_path / f"{name}_worker.py", names[name], parts)
        for name in ["count", "asked"]
    }


@pytest.fixture
def count(programs):
    return programs["count"]


def pids_of(cluster):
    """Return the process of each worker."""
    return [program._process._process.pid for program in cluster._programs]


def test_every_worker_runs_with_its_own_number(cluster, count, tmp_path):
    ended = cluster.run_workers(count, tmp_path / "saves", 2, workers=3)
    assert [worker.losses for worker in ended] == [
        {1: "0.25", 2: "0.5"},
        {1: "1.25", 2: "1.5"},
        {1: "2.25", 2: "2.5"},
    ]
    assert [worker.exit_code for worker in ended] == [0, 0, 0]
    assert [worker.error for worker in ended] == ["", "", ""]


def test_a_killed_worker_waits_at_the_line_and_prints_no_more(cluster, count, tmp_path):
    chief, other = cluster.run_workers(count, tmp_path / "saves", 9, kill=(1, 4))
    assert (max(other.losses), other.exit_code) == (4, None)
    assert (max(chief.losses), chief.exit_code) == (9, 0)


def test_an_error_is_told_in_its_own_words(cluster, count, tmp_path):
    chief, other = cluster.run_workers(count, tmp_path / "saves", 9, "1 3", kill=(0, 5))
    assert (other.exit_code, other.error) == (1, "ValueError: no more after 3")
    assert (chief.exit_code, max(chief.losses)) == (0, 9), "it must not wait for a kill for ever"


def test_a_worker_that_waits_is_asked_and_then_goes_on(cluster, programs, tmp_path):
    chief, other = cluster.run_workers(programs["asked"], tmp_path / "saves", ask=(1, 1))
    assert (chief.exit_code, other.exit_code) == (0, 42)


def test_a_worker_that_never_starts_is_named_and_all_are_killed(cluster, count, tmp_path):
    with cluster.Cluster(count, tmp_path / "saves", 1000, never_starts=1, patience=0.1) as running:
        pids = pids_of(running)
        with pytest.raises(TimeoutError, match=r"^worker 1 has not started after 0.1 s: all wo"):
            running.wait_for_start()
        assert [pid for pid in pids if is_running(pid)] == []


def test_a_worker_that_does_not_end_is_killed_after_the_deadline(cluster, count, tmp_path):
    with cluster.Cluster(count, tmp_path / "saves", 1000) as running:
        running.wait_for_start()
        running.patience = 0.1
        with pytest.raises(TimeoutError, match=r"^a worker has not ended after 0.1 s: all work"):
            running.wait()
        assert not any(is_running(pid) for pid in pids_of(running))


def test_a_step_that_never_comes_is_named(cluster, count, tmp_path):
    with cluster.Cluster(count, tmp_path / "saves", 1000) as running:
        running.wait_for_start()
        running.patience = 0.1
        with pytest.raises(TimeoutError, match=r"^not every worker has printed 'step 2' after 0"):
            running.wait_for(cluster.Moment(1, 2))


def test_an_interrupt_leaves_no_process_and_no_file(cluster, count, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        with cluster.Cluster(count, tmp_path / "saves", 1000) as running:
            running.wait_for_start()
            pids = pids_of(running)
            logs = Path(running._logs.name)
            assert all(is_running(pid) for pid in pids)
            signal.raise_signal(signal.SIGINT)
    assert [pid for pid in pids if is_running(pid)] == []
    assert not logs.exists()


def test_an_interrupt_during_the_start_leaves_no_process(cluster, count, tmp_path, monkeypatch):
    started = []

    class Interrupted(cluster.Program):
        def __init__(self, *arguments):
            if started:
                raise KeyboardInterrupt
            super().__init__(*arguments)
            started.append(self._process._process.pid)

    monkeypatch.setattr(cluster, "Program", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        with cluster.Cluster(count, tmp_path / "saves", 1000):
            raise AssertionError("the block must not begin")
    assert len(started) == 1
    assert not is_running(started[0])


@pytest.mark.parametrize("worker", [0, 1])
def test_an_interrupt_in_the_middle_of_a_start_leaves_no_process(
    cluster, count, tmp_path, monkeypatch, worker
):
    started = []

    class Interrupting(cluster.Program):
        """It has started, and whoever starts it does not know it yet."""

        def __init__(self, *arguments):
            super().__init__(*arguments)
            started.append(self._process._process.pid)
            if len(started) == worker + 1:
                signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(cluster, "Program", Interrupting)
    with pytest.raises(KeyboardInterrupt):
        with cluster.Cluster(count, tmp_path / "saves", 1000):
            raise AssertionError("the block must not begin")
    assert len(started) > worker
    assert [pid for pid in started if is_running(pid)] == []


def test_a_second_interrupt_does_not_cut_the_first_ones_kills_in_two(
    cluster, count, tmp_path, monkeypatch
):
    killed = []

    class KilledSlowly(cluster.Program):
        def kill(self):
            killed.append(self)
            if len(killed) == 1:
                signal.raise_signal(signal.SIGINT)
            super().kill()

    monkeypatch.setattr(cluster, "Program", KilledSlowly)
    with pytest.raises(KeyboardInterrupt):
        with cluster.Cluster(count, tmp_path / "saves", 1000) as running:
            running.wait_for_start()
            pids = pids_of(running)
            raise KeyboardInterrupt
    assert [pid for pid in pids if is_running(pid)] == []
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a worker ends with its next line")
def test_no_worker_survives_a_notebook_that_dies_while_it_starts(cluster, tmp_path):
    """A strategy waits in C++ for the worker that never starts, and stops all threads of Python."""
    program = tmp_path / "waits.py"
    lines = [cluster.BEGINNING, "import os", "print(os.getpid())"]
    lines.append("tf.distribute.MultiWorkerMirroredStrategy()")
    program.write_text("\n".join(lines), encoding="utf-8")
    helpers = Path(cluster.__file__).parents[1]
    arguments = [program, tmp_path / "saves", helpers]
    command = [sys.executable, "-c", DIES, *map(str, arguments)]
    notebook = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    with notebook.stdout:
        pid = int(notebook.stdout.readline())
        time.sleep(2)  # it has begun to wait by then, on a machine that is not too busy
        notebook.kill()
        notebook.wait()
    deadline = time.monotonic() + 120
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not is_running(pid)


def test_a_port_in_use_is_one_line_and_nothing_starts(cluster, count, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "Program", None)
    with socket.socket() as one:
        one.bind(("localhost", 0))
        port = one.getsockname()[1]
        with pytest.raises(OSError, match=rf"^port {port} is in use: end the program that has it"):
            cluster.Cluster(count, tmp_path / "saves", ports=[port, *cluster.free_ports(1)])


def test_a_port_that_is_taken_in_between_is_another_attempt(cluster, tmp_path, monkeypatch):
    ended = [cluster.Ended([], 1, "UnknownError: Could not start gRPC server"), None]
    attempts = []

    class Refused:
        def __init__(self, *arguments, **options):
            attempts.append(arguments)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def wait_for_start(self):
            pass

        def go_on(self):
            pass

        def wait(self):
            return ended[:1] if len(attempts) < taken else [cluster.Ended([], 0, "")]

    monkeypatch.setattr(cluster, "Cluster", Refused)
    taken = 3
    assert cluster.run_workers(tmp_path, tmp_path)[0].exit_code == 0
    assert len(attempts) == 3
    attempts.clear()
    taken = 4
    with pytest.raises(RuntimeError, match=r"^free ports were taken 3 times: wait a moment"):
        cluster.run_workers(tmp_path, tmp_path)


@pytest.mark.parametrize("without", [0, 1])
def test_who_waits_for_a_worker_without_a_port_is_killed(cluster, count, tmp_path, without):
    with cluster.Cluster(count, tmp_path / "saves", 1000, f"{without} has no port") as running:
        running.wait_for_start()
        ended = running.wait()
    assert ended[without].error == "OSError: Could not start gRPC server"
    assert ended[1 - without].exit_code is None


def test_tensorflow_says_what_we_look_for_where_a_port_is_taken(module, cluster):
    tf = module("tensorflow")
    with socket.socket() as one:
        one.bind(("localhost", 0))
        one.listen()
        address = f"localhost:{one.getsockname()[1]}"
        with pytest.raises(tf.errors.OpError, match=cluster.PORT_IS_IN_USE):
            tf.distribute.Server(tf.train.ClusterSpec({"worker": [address]}), "worker", 0)


def test_a_folder_that_cannot_be_written_is_one_line(cluster, count, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "Program", None)
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"^cannot write to .*/file: File exists\. Choose another"):
        cluster.Cluster(count, tmp_path / "file")
    with pytest.raises(OSError, match=r"^cannot write to .*/no/saves: No such file or directory"):
        cluster.Cluster(count, tmp_path / "no" / "saves")


def test_windows_gets_one_clear_line(cluster, count, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster.os, "name", "nt")
    with pytest.raises(RuntimeError, match=r"^only on Linux and macOS: workers were not tried"):
        cluster.Cluster(count, tmp_path / "saves")


def test_free_ports_differ_and_can_be_bound(cluster):
    ports = cluster.free_ports(20)
    assert len(set(ports)) == 20
    with socket.socket() as one:
        one.bind(("localhost", ports[0]))


def test_the_error_is_the_name_and_the_reason(cluster):
    traceback = ["step 1 loss 2", "Traceback (most recent call last):", "  File a", "KeyError: b"]
    assert cluster._error_of([*traceback, "more of it"]) == "KeyError: b more of it"
    assert cluster._error_of([*traceback, *traceback[1:3], "c.d.Other: e"]) == "Other: e"
    reported = "a.B: Collective ops is aborted by: Collective ops is aborted by: no worker"
    assert cluster._error_of([*traceback[:3], reported]) == "B: no worker"
    assert cluster._error_of(["one", "two"]) == ""


def test_a_worker_that_a_signal_ends_tells_the_end_of_its_log(cluster, tmp_path):
    program = tmp_path / "aborts.py"
    lines = [cluster.BEGINNING, "import os", "os.write(2, b'first\\nthe last')", "os.abort()"]
    program.write_text("\n".join(lines), encoding="utf-8")
    [worker] = cluster.run_workers(program, tmp_path / "saves", workers=1)
    assert (worker.exit_code, worker.error) == (-signal.SIGABRT, "the last")


def test_a_training_of_two_kills_is_equal_to_the_last_bit(cluster, tmp_path):
    """With this seed one kill hits each worker. `python -m tests.worker_kills 6` kills more."""
    assert worker_kills.find_fault(cluster, tmp_path, seed=6) is None
