"""Other processes: each runs a Python script of its own, and can be killed at any moment.

A new Python takes seconds to import TensorFlow. So on Linux one process imports it, computes
nothing and waits, and every program runs in a fork of that one: it starts in a fraction of a second
and shares nothing with the notebook or with another program. Windows cannot fork, and on a Mac a
fork is not safe once Apple's frameworks are loaded. There each program imports TensorFlow itself.
"""

import contextlib
import inspect
import multiprocessing
import multiprocessing.connection
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Self

FORKS = sys.platform == "linux"
PRELOADED = ["helpers", "keras"]
# The exit code of a fork comes through a pipe, and can be read once. The start of another fork
# reads it too, for all that have ended. Of two threads that read, the second would be told 255.
ONE_READS_EXIT_CODES = threading.Lock()


def prepare() -> None:
    """Import TensorFlow in the background, for the programs to come, and return at once.

    Without this, the first program waits for the import. A second call does nothing, nor does any
    where no program is a fork.
    """
    if FORKS:
        from multiprocessing import forkserver  # is of no use on Windows

        multiprocessing.get_context("forkserver").set_forkserver_preload(PRELOADED)
        forkserver.ensure_running()


def write_script(path: Path, beginning: str, functions: Sequence[Callable], call: str) -> Path:
    """Write a script with functions of a notebook in it, and return its path.

    Args:
        path: the script, in a folder that exists.
        beginning: what stands before the functions, their imports for example.
        functions: in the order in which their texts stand there.
        call: the last line.

    Raises:
        OSError: the text of a function is not known.
        TypeError: it is no function that was written in Python.
    """
    sources = [inspect.getsource(function).rstrip() for function in functions]
    text = "\n\n\n".join([beginning, *sources, call])
    path.write_text(f"{text}\n", encoding="utf-8")
    return path


def call_to_its_end(function: Callable[[], None]) -> None:
    """Call a function, and hold back an interrupt that comes meanwhile until it has ended.

    Raises:
        KeyboardInterrupt: one has come.
    """
    if threading.current_thread() is not threading.main_thread():
        function()  # no other thread is interrupted
        return
    interrupts = []
    handler = signal.signal(signal.SIGINT, lambda *_: interrupts.append(True))
    try:
        function()
    finally:
        signal.signal(signal.SIGINT, handler)
    if interrupts:
        signal.raise_signal(signal.SIGINT)


class Program:
    """A Python script that runs in a process of its own, killed when its ``with`` block ends.

    It works in the current folder, and its temporary files are deleted with it. If the notebook
    dies, the script is ended: on Linux at once, elsewhere with the next line that it prints.

    Args:
        script: the path of the script.
        *arguments: are text in the script's ``sys.argv[1:]``.

    Raises:
        FileNotFoundError: there is no such script.
    """

    def __init__(self, script: Path | str, *arguments: object) -> None:
        """Start the script."""
        self.script = Path(script).resolve()
        if not self.script.is_file():
            folder = self.script.parent.as_posix()
            raise FileNotFoundError(f"no program {self.script.name} in {folder}")
        # A killed script cannot delete its temporary files. So they go to a folder of this object.
        self._temporary = tempfile.TemporaryDirectory()
        command = [str(self.script), *map(str, arguments)]
        self._process = self._start(command)

    def __enter__(self) -> Self:
        """Return the program, which runs already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Kill it, if it still runs."""
        self.kill()

    def lines(self) -> Iterator[str]:
        """Yield each line that it prints, as it comes, until it ends or is killed."""
        for line in self._process.output:  # one file for all readers: no line is yielded twice
            yield line.removesuffix("\n")
        self._process.wait()
        self._temporary.cleanup()

    def wait(self) -> str:
        """Wait until it ends; return what it has printed and nobody has read.

        Raises:
            RuntimeError: it failed or was killed; its last line is in the message.
        """
        printed = list(self.lines())
        code = self._process.wait()
        if code:
            last = printed[-1] if printed else "it printed nothing"
            raise RuntimeError(f"{self.script.name} ended with exit code {code}: {last}")
        return "\n".join(printed)

    def terminate(self) -> None:
        """Ask it to end, if it still runs: it can save first, or refuse.

        The signal is SIGTERM. Windows has no such request: there this kills it, as ``kill`` does.
        """
        self._process.terminate()

    def exit_code(self) -> int | None:
        """Wait until it ends, and return its exit code. Read its lines before, if it has many.

        Where a signal has killed it, the code is the signal's number with a minus. Windows has
        none: there a program that was killed has the code 1.
        """
        return self._process.wait()

    def kill(self) -> None:
        """Kill it at once, if it still runs: it cannot notice, nor clean up.

        The signal is SIGKILL. On Windows, ``TerminateProcess`` does the same.
        """
        call_to_its_end(self._kill)

    def _start(self, command: list[str]) -> "_Fork | _NewPython":
        started: list[_Fork | _NewPython] = []

        def start() -> None:
            process_of_this_system = _Fork if FORKS else _NewPython
            started.append(process_of_this_system(command, self._temporary.name))

        try:
            call_to_its_end(start)
        except BaseException:  # an interrupt too: nobody else knows the process that runs already
            for process in started:
                process.kill()
                process.wait()
            self._temporary.cleanup()
            raise
        return started[0]

    def _kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._temporary.cleanup()


class _Fork:
    """A script in a fork of the process that has imported TensorFlow."""

    def __init__(self, command: list[str], temporary: str) -> None:
        prepare()
        self._reader, writer = multiprocessing.Pipe(duplex=False)
        self._process = multiprocessing.get_context("forkserver").Process(
            target=_run_in_fork, args=(command, Path.cwd(), temporary, writer), daemon=True
        )
        with ONE_READS_EXIT_CODES:
            self._process.start()
        writer.close()  # the script has its own end; the output ends when that is closed
        # What it printed may be read after its end. The reader closes itself with this object.
        self.output = _text_file(self._reader.fileno(), "r")

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()

    def wait(self) -> int | None:
        multiprocessing.connection.wait([self._process.sentinel])
        with ONE_READS_EXIT_CODES:
            self._process.join()
        return self._process.exitcode


class _NewPython:
    """A script in a new Python, which has yet to import TensorFlow."""

    def __init__(self, command: list[str], temporary: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "helpers.programs", temporary, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout
        self.output = _text_file(self._process.stdout.fileno(), "r")
        # As in a fork, the pipe is closed with this object. Left open, it would raise a warning.
        weakref.finalize(self, self._process.stdout.close)

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()

    def wait(self) -> int:
        return self._process.wait()


def _run_in_fork(
    command: list[str], folder: Path, temporary: str, writer: multiprocessing.connection.Connection
) -> None:
    _end_with_the_notebook()
    os.chdir(folder)
    sys.stdout = _text_file(writer.fileno(), "w")
    _run(command, temporary)


def _end_with_the_notebook() -> None:
    """Let Linux end this process with the notebook, also while no thread of Python can run.

    A library that waits in C++ can hold the interpreter's lock meanwhile. The sentinel is a pipe
    that the notebook's end closes. Linux then sends SIGIO, which ends a process.
    """
    import fcntl  # Windows has none

    notebook = multiprocessing.parent_process()
    assert notebook
    sentinel = notebook.sentinel
    fcntl.fcntl(sentinel, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(sentinel, fcntl.F_GETFL)
    fcntl.fcntl(sentinel, fcntl.F_SETFL, flags | os.O_ASYNC)
    has_ended_before = multiprocessing.connection.wait([sentinel], timeout=0)
    if has_ended_before:
        os._exit(1)


def _run_in_new_python() -> None:
    temporary, *command = sys.argv[1:]
    sys.stdout = _text_file(1, "w")
    _run(command, temporary)


def _run(command: list[str], temporary: str) -> None:
    tempfile.tempdir = temporary
    sys.argv = command
    try:
        runpy.run_path(command[0], run_name="__main__")
    except Exception:
        # Printed and not raised, because the notebook reads only what is printed.
        with contextlib.suppress(OSError):  # whoever started it has gone
            print(traceback.format_exc().rstrip())
        sys.exit(1)


def _text_file(descriptor: int, mode: str) -> IO[str]:
    """Open one end of a pipe as a text file, which leaves it to its owner to close it.

    Only a line feed ends a line. A carriage return, with which progress bars begin, does not.
    """
    return open(
        descriptor,
        mode,
        buffering=1,
        encoding="utf-8",
        errors="replace",
        newline="\n",
        closefd=False,
    )


if __name__ == "__main__":
    _run_in_new_python()
