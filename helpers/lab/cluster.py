"""Worker processes that train together on this machine, watched, and never left behind.

A worker is a `Program`. All of them run the same script, each with a ``TF_CONFIG`` that tells it
the addresses of all workers and which one it is. Whoever waits for a cluster can wait for ever,
because TensorFlow does not notice every death. So every wait here has a deadline.
"""

import json
import os
import socket
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Self

from helpers.programs import Program, call_to_its_end, write_script

# A deadline in seconds that a busy machine keeps too.
PATIENCE = 600.0
# How often a cluster is started again because somebody has taken a port that was free.
ATTEMPTS = 3
SPARE_PORTS = 6  # for the servers that a program starts itself
PORT_IS_IN_USE = "Could not start gRPC server"
STARTED = "started"
REPORTED = "aborted by: "

BEGINNING = """\
import sys
import tempfile
from pathlib import Path

from helpers.lab.together import make_batch, make_state, make_step
from helpers.lab.worker import begin, start_servers
from helpers.lab.worker import say as print
from helpers.recipes.worker_save import manager_of_worker

import numpy as np
import tensorflow as tf

arguments = begin(sys.argv)"""


class Moment(NamedTuple):
    """When something happens to a worker: it has printed the line of a step and waits.

    Attributes:
        worker: counted from 0, which is the chief.
        step: whose line begins with ``step 8`` if it is 8.
    """

    worker: int
    step: int

    @property
    def line(self) -> str:
        """The beginning of the line."""
        return f"step {self.step} "


class Ended(NamedTuple):
    """What is left of a worker.

    Attributes:
        lines: what it has printed.
        exit_code: 0 if all is well, and None if the launcher has killed it.
        error: the name and the reason of its error, in one line, or an empty text.
    """

    lines: list[str]
    exit_code: int | None
    error: str

    @property
    def losses(self) -> dict[int, str]:
        """The loss of each step that it has printed as ``step 8 loss 0.5``."""
        words = [line.split() for line in self.lines if line.startswith("step ")]
        return {int(step): loss for _, step, _, loss in words}


def write_worker(path: Path, main: Callable, parts: Sequence[Callable] = ()) -> Path:
    """Write the program of every worker, which calls a function with a folder and more texts.

    It can use numpy, ``Path``, ``tempfile``, TensorFlow, the training of `helpers.lab.together`,
    the recipe ``manager_of_worker`` and `helpers.lab.worker.start_servers`. What it prints leaves
    it at once.

    Args:
        path: the program's file, in a folder that exists.
        main: the function.
        parts: the functions of the notebook that it needs.

    Returns:
        The path.

    Raises:
        OSError: the text of a function is not known.
        TypeError: it is no function that was written in Python.
    """
    return write_script(path, BEGINNING, [*parts, main], f"{main.__name__}(*arguments)")


def run_workers(
    program: Path,
    folder: Path,
    *arguments: object,
    workers: int = 2,
    kill: tuple[int, int] | None = None,
    ask: tuple[int, int] | None = None,
) -> list[Ended]:
    """Run a cluster until all its workers have ended, and return what is left of each.

    Args:
        program: from `write_worker`.
        folder: where the workers save. It is made, but not its parents.
        *arguments: follow the folder, as texts, when the program's function is called.
        workers: how many.
        kill: the number of a worker and of a step. The worker is killed after all workers have
            printed the line of this step.
        ask: the same, for a worker that is asked to stop (SIGTERM).

    Raises:
        OSError: the folder cannot be written to.
        RuntimeError: this is Windows, or free ports are taken again and again.
        TimeoutError: a worker does not start, or one does not end. All are killed.
    """
    chosen = kill or ask
    moment = Moment(*chosen) if chosen else None
    for _ in range(ATTEMPTS):
        with Cluster(program, folder, *arguments, workers=workers, moment=moment) as cluster:
            cluster.wait_for_start()
            if moment and cluster.wait_for(moment):
                if kill:
                    cluster.kill(moment.worker)
                else:
                    cluster.ask_to_stop(moment.worker)
            cluster.go_on()
            ended = cluster.wait()
        if not any(PORT_IS_IN_USE in worker.error for worker in ended):
            return ended
    raise RuntimeError(f"free ports were taken {ATTEMPTS} times: wait a moment, and try again")


class Cluster:
    """Worker processes, which start with a ``with`` block, and are killed when it ends.

    Args:
        program: from `write_worker`.
        folder: where the workers save. It is made, but not its parents.
        *arguments: follow the folder when the program's function is called.
        workers: how many.
        moment: when one of them waits, to be killed or asked.
        ports: one for each worker. Left out, free ones are taken.
        never_starts: the number of a worker whose process does nothing.
        patience: the seconds of each wait but the one for the first worker.

    Raises:
        OSError: the folder cannot be written to, or a port is in use.
        RuntimeError: this is Windows.
    """

    def __init__(
        self,
        program: Path,
        folder: Path,
        *arguments: object,
        workers: int = 2,
        moment: Moment | None = None,
        ports: Sequence[int] | None = None,
        never_starts: int | None = None,
        patience: float = PATIENCE,
    ) -> None:
        """Check that the workers can start."""
        _refuse_windows()
        _make_writable(folder)
        _refuse_ports_in_use(ports or [])
        self.patience = patience
        self.moment = moment
        self.ports = list(ports or free_ports(workers))
        self._program = program
        self._arguments = [str(argument) for argument in (folder, *arguments)]
        self._never_starts = never_starts
        self._logs = tempfile.TemporaryDirectory()
        self._news = threading.Condition()
        self._lines: list[list[str]] = [[] for _ in range(workers)]
        self._ended: set[int] = set()
        self._killed: set[int] = set()
        self._programs: list[Program] = []
        self._readers: list[threading.Thread] = []

    def __enter__(self) -> Self:
        """Start the workers.

        Raises:
            FileNotFoundError: there is no such program.
        """
        try:
            call_to_its_end(self._start_all)
        except BaseException:  # an interrupt too: nobody else knows the workers that run already
            self._kill_all()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Kill all workers that still run."""
        self._kill_all()

    def wait_for_start(self) -> None:
        """Wait until every worker has started, or one has ended.

        Raises:
            TimeoutError: one has not, in the seconds of our patience after the first one. Or the
                first one has not in ten minutes, since the first start is slow on a busy machine.
                All are killed.
        """
        with self._news:
            self._news.wait_for(lambda: any(self._lines) or self._ended, PATIENCE)
        everyone = range(len(self._lines))

        def missing() -> list[int]:
            return [index for index in everyone if not self._lines[index]]

        with self._news:
            self._news.wait_for(lambda: not missing() or self._ended, self.patience)
            late = missing()
        if late and not self._ended:
            self._give_up(f"worker {late[0]} has not started")

    def wait_for(self, moment: Moment) -> bool:
        """Wait until all workers have printed the line; return False if one has ended without it.

        Raises:
            TimeoutError: a worker has done neither. All are killed.
        """

        def missing() -> set[int]:
            lines = enumerate(self._lines)
            return {index for index, printed in lines if not _is_among(moment.line, printed)}

        text = f"not every worker has printed {moment.line.strip()!r}"
        self._wait_until(lambda: not missing() or missing() & self._ended, text)
        return not missing()

    def kill(self, worker: int) -> None:
        """Kill a worker at once. The others are not told."""
        self._killed.add(worker)
        self._programs[worker].kill()

    def ask_to_stop(self, worker: int) -> None:
        """Send SIGTERM to a worker, which may wait."""
        self._programs[worker].terminate()

    def go_on(self) -> None:
        """Let the worker go on that waits, if it still does."""
        self._go_on.touch()

    def wait(self) -> list[Ended]:
        """Wait until every worker has ended, and return what is left of each.

        If a worker has ended because its port was taken, the others would wait for it without an
        end. They are killed.

        Raises:
            TimeoutError: one has not. All are killed.
        """
        everyone = range(len(self._programs))

        def missing() -> set[int]:
            return set(everyone) - self._ended

        text = "a worker has not ended"
        self._wait_until(lambda: not missing() or self._port_was_taken(), text)
        for index in missing():
            self.kill(index)
        for reader in self._readers:
            reader.join()
        return [self._what_is_left(index) for index in everyone]

    def _port_was_taken(self) -> bool:
        lines = [line for index in self._ended for line in self._lines[index]]
        return any(PORT_IS_IN_USE in line for line in lines)

    @property
    def _go_on(self) -> Path:
        return Path(self._logs.name, "go_on")

    def _orders(self, index: int) -> dict:
        addresses = [f"localhost:{port}" for port in self.ports]
        task = {"type": "worker", "index": index}
        waits = self.moment and self.moment.worker == index
        return {
            "tf_config": {"cluster": {"worker": addresses}, "task": task},
            "arguments": self._arguments,
            "never_starts": index == self._never_starts,
            "wait_after": self.moment.line if self.moment and waits else None,
            "go_on": str(self._go_on),
            "log": str(self._log(index)),
            "spare_ports": free_ports(SPARE_PORTS),
        }

    def _log(self, index: int) -> Path:
        return Path(self._logs.name, f"worker_{index}")

    def _start_all(self) -> None:
        for index in range(len(self._lines)):
            orders = json.dumps(self._orders(index))
            self._programs.append(Program(self._program, orders))
            reader = threading.Thread(target=self._read, args=(index,), daemon=True)
            self._readers.append(reader)
            reader.start()

    def _read(self, index: int) -> None:
        """Take over all lines of a worker, in a thread: nobody may wait for one worker only."""
        for line in self._programs[index].lines():
            with self._news:
                self._lines[index].append(line)
                self._news.notify_all()
        with self._news:
            self._ended.add(index)
            self._news.notify_all()

    def _wait_until(self, is_true: Callable[[], object], complaint: str) -> None:
        with self._news:
            has_come = self._news.wait_for(is_true, self.patience)
        if not has_come:
            self._give_up(complaint)

    def _give_up(self, complaint: str) -> None:
        self._kill_all()
        raise TimeoutError(f"{complaint} after {self.patience:g} s: all workers are killed")

    def _what_is_left(self, index: int) -> Ended:
        lines = [line for line in self._lines[index] if line != STARTED]
        if index in self._killed:
            return Ended(lines, None, "")
        code = self._programs[index].exit_code()
        error = ""
        if code:
            error = _error_of(lines)
        was_ended_by_a_signal = code is not None and code < 0
        if was_ended_by_a_signal:
            error = " ".join(_read_log(self._log(index))[-1:])
        return Ended(lines, code, error)

    def _kill_all(self) -> None:
        def kill() -> None:
            for program in self._programs:
                program.kill()
            for reader in self._readers:
                reader.join()
            self._logs.cleanup()

        call_to_its_end(kill)


def free_ports(count: int) -> list[int]:
    """Return the numbers of ports that nobody uses at the moment.

    Somebody can take one before we do.
    """
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("localhost", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def _refuse_windows() -> None:
    if os.name == "nt":
        raise RuntimeError("only on Linux and macOS: workers were not tried on Windows")


def _make_writable(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror
        message = f"cannot write to {folder.as_posix()}: {reason}. Choose another folder"
        raise type(error)(message) from None


def _refuse_ports_in_use(ports: Sequence[int]) -> None:
    for port in ports:
        with socket.socket() as one:
            try:
                one.bind(("localhost", port))
            except OSError:
                message = f"port {port} is in use: end the program that has it, or choose another"
                raise OSError(message) from None


def _is_among(beginning: str, lines: Sequence[str]) -> bool:
    return any(line.startswith(beginning) for line in lines)


def _error_of(lines: Sequence[str]) -> str:
    """Return the error that a traceback among the lines ends with, in one line, or an empty text.

    Workers repeat the reports of others, each with a beginning of its own. The last is the reason.
    """
    starts = [number for number, line in enumerate(lines) if line.startswith("Traceback")]
    if not starts:
        return ""
    after = lines[starts[-1] + 1 :]
    named = [number for number, line in enumerate(after) if not line.startswith(" ")]
    name, _, message = " ".join(after[named[0] :]).partition(": ")
    reason = message.rpartition(REPORTED)[2]
    return f"{name.rpartition('.')[2]}: {reason}"


def _read_log(path: Path) -> list[str]:
    if not path.exists():
        return []
    return path.read_text(encoding="utf-8", errors="replace").splitlines()
