"""Other processes: each runs a program of its own, and can be killed at any moment.

A new Python takes seconds to import TensorFlow. So one process imports it, computes nothing and
waits, and every program runs in a fork of that one: it starts in a fraction of a second and shares
nothing with the notebook or with another program. Windows cannot fork, there each imports anew.
"""

import contextlib
import io
import multiprocessing
import os
import runpy
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator
from multiprocessing import forkserver, parent_process
from multiprocessing.connection import Connection
from pathlib import Path

_CONTEXT = multiprocessing.get_context("forkserver" if os.name == "posix" else "spawn")


def prepare() -> None:
    """Begin that import now, in the background. Without this, the first program waits for it."""
    if os.name == "posix":
        _CONTEXT.set_forkserver_preload(["helpers", "keras"])
        forkserver.ensure_running()


class Program(contextlib.AbstractContextManager):
    """A Python script that runs in a process of its own, killed when its ``with`` block ends.

    Its arguments are text in ``sys.argv[1:]``. A script that is not there: FileNotFoundError.
    """

    def __init__(self, script: Path | str, *arguments: object) -> None:
        self.script = Path(script).resolve()
        if not self.script.is_file():
            raise FileNotFoundError(f"no program {self.script.name} in {self.script.parent}")
        prepare()
        self._hear, say = _CONTEXT.Pipe(duplex=False)
        self._lines, self._begun = [], []  # what is printed and not yet read, whole and in parts
        self._temporary = tempfile.TemporaryDirectory()  # a kill lets nothing clean up after itself
        given = ([str(self.script), *map(str, arguments)], Path.cwd(), self._temporary.name, say)
        self._process = _CONTEXT.Process(target=_run, args=given, daemon=True)
        self._process.start()
        say.close()

    def __exit__(self, *_: object) -> None:
        self.kill()

    def lines(self) -> Iterator[str]:
        """Yield each line that it prints, as it comes, until it ends or is killed."""
        with contextlib.suppress(EOFError, OSError):
            while True:
                while self._lines:
                    yield self._lines.pop(0)
                self._begun.append(self._hear.recv())
                if "\n" in self._begun[-1]:
                    *self._lines, rest = "".join(self._begun).split("\n")
                    self._begun = [rest]
        last, self._begun = "".join(self._begun), []
        if last:
            yield last
        self._process.join()
        self._temporary.cleanup()

    def wait(self) -> str:
        """Wait until it ends; return what it has printed and nobody has read.

        Raises:
            RuntimeError: it failed or was killed; its last line is in the message.
        """
        printed = list(self.lines())
        if code := self._process.exitcode:
            last = printed[-1] if printed else "it printed nothing"
            raise RuntimeError(f"{self.script.name} ended with exit code {code}: {last}")
        return "\n".join(printed)

    def kill(self) -> None:
        """Kill it at once (SIGKILL), if it still runs: it cannot notice, nor clean up."""
        self._process.kill()
        self._process.join()
        self._temporary.cleanup()


def _run(command: list[str], folder: Path, temporary: str, say: Connection) -> None:
    # It ends when the notebook does.
    threading.Thread(target=lambda: parent_process().join() or os._exit(1), daemon=True).start()
    sys.argv, sys.stdout, tempfile.tempdir = command, io.TextIOBase(), temporary
    sys.stdout.write = say.send
    os.chdir(folder)
    try:
        runpy.run_path(command[0], run_name="__main__")
    except Exception:
        with contextlib.suppress(OSError):  # who started it has gone
            say.send(traceback.format_exc().rstrip())
        sys.exit(1)
