"""A Python that has imported TensorFlow already, for programs that start hundreds of times.

One process, the server, imports what takes seconds and computes nothing. `WarmPython.executable`
stands for ``python``: it has the server fork, and the fork runs the program as ``python -m`` would.
The executable waits, and ends as the program ends; killed, it takes its program with it. Tests and
kernels run in this way; with any other arguments the executable is the plain Python.

This needs Linux. Elsewhere a plain Python does the same, in more time.
"""

import importlib
import json
import os
import runpy
import select
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

AVAILABLE = sys.platform == "linux"
# What takes time to import. `helpers` comes first, because it keeps TensorFlow's log quiet.
MODULES = ["helpers", "keras", "sklearn.datasets", "ipykernel.kernelapp", "nbformat", "pytest"]
PROGRAMS = ["ipykernel_launcher", "pytest"]
INLINE = "module://matplotlib_inline.backend_inline"
REQUEST_LIMIT = 1 << 20


class WarmPython:
    """The server, for as long as the ``with`` block lasts.

    Args:
        course: the folder whose ``helpers`` are imported.
        environment: the server's own environment; what TensorFlow reads at import stands in it.
        modules: what the server imports.
    """

    def __init__(
        self, course: Path, environment: dict[str, str], modules: Sequence[str] = MODULES
    ) -> None:
        self._folder = tempfile.TemporaryDirectory()
        address = Path(self._folder.name, "socket")
        self.executable = Path(self._folder.name, "python")
        # Without site-packages it starts in twenty milliseconds.
        words = [sys.executable, "-S", "-E", __file__, str(address), str(self.executable)]
        self.executable.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n', encoding="utf-8")
        self.executable.chmod(0o700)
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--serve", str(address), *modules],
            env={**environment, "PYTHONPATH": str(course)},
        )
        while not address.exists():
            if self._process.poll() is not None:
                raise RuntimeError("the warm Python did not start: its error stands above")
            time.sleep(0.05)

    def __enter__(self) -> "WarmPython":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        self._folder.cleanup()


def ask(address: str, executable: str, arguments: list[str]) -> int:
    """Have the server run ``-m MODULE ARGUMENT …`` and return its exit code."""
    request = {
        "arguments": arguments,
        "executable": executable,
        "folder": str(Path.cwd()),
        "variables": {**os.environ},
    }
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.connect(address)
        socket.send_fds(connection, [json.dumps(request).encode()], [0, 1, 2])
        # An interrupt is meant for the program. A kill needs no forwarding: the server notices.
        signal.signal(signal.SIGINT, lambda *_: connection.send(b"interrupt"))
        signal.signal(signal.SIGTERM, lambda *_: os._exit(1))
        answer = connection.recv(100)
    code = int(answer) if answer else 1
    return code if code >= 0 else 128 - code


def serve(address: str, *modules: str) -> None:
    """Import the modules, then fork a program for each request, until this process is ended."""
    for name in modules:
        importlib.import_module(name)
    # Each program shall read the helpers of its own copy of the course.
    ours = [name for name in sys.modules if name.split(".")[0] == "helpers"]
    for name in ours:
        del sys.modules[name]
    sys.path.remove(os.environ["PYTHONPATH"])
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(address + "_")
        listener.listen(16)
        Path(address + "_").rename(address)  # whoever sees it can connect
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a guard that has ended
        while True:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                guard(connection)
            connection.close()


def guard(connection: socket.socket) -> None:
    """Run one program, tell how it ended, and end it where whoever asked for it has gone."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    request, files, _, _ = socket.recv_fds(connection, REQUEST_LIMIT, 3)
    program = os.fork()
    if program == 0:
        connection.close()
        os.setsid()  # its own group, so that what it starts ends with it
        run_program(json.loads(request), files)
    for file in files:
        os.close(file)  # or whoever reads a pipe would wait for this process too
    ended = os.pidfd_open(program)
    while True:
        ready, _, _ = select.select([ended, connection], [], [])
        if ended in ready:
            break
        if not connection.recv(100):
            os.killpg(program, signal.SIGKILL)
            os._exit(1)
        os.kill(program, signal.SIGINT)
    _, status = os.waitpid(program, 0)
    connection.send(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def run_program(request: dict, files: list[int]) -> None:
    """Become the program: its files, folder, environment and arguments, then its module."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["variables"])
    os.environ.pop("JPY_PARENT_PID", None)  # a kernel would look for another parent, and end
    _, module, *arguments = request["arguments"]
    # As python -m finds modules: the folder first, then PYTHONPATH.
    added = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[0:1] = [str(Path.cwd()), *filter(None, added)]
    sys.argv = [module, *arguments]
    if module == "pytest":
        sys.executable = request["executable"]  # so that the kernels that it starts are warm too
    elif "matplotlib" in sys.modules:
        # A kernel says so in the environment, which matplotlib reads at its import: too late here.
        sys.modules["matplotlib"].rcParams["backend"] = INLINE
    code = 0
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main(address: str, executable: str, *arguments: str) -> None:
    """Be the executable: ask the server where it can help, or become the plain Python."""
    can_help = arguments[:1] == ("-m",) and arguments[1] in PROGRAMS
    if not can_help:
        os.execv(sys.executable, [sys.executable, *arguments])
    sys.exit(ask(address, executable, list(arguments)))


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        serve(*sys.argv[2:])
    else:
        main(*sys.argv[1:])
