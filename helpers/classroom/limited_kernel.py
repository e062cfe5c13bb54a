"""A kernel for code that nobody has read: with a limit on time and on output, cell by cell.

It is no sandbox. The code can do all that the user who starts it can do.
"""

import ast
import subprocess
import time
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client import BlockingKernelClient, KernelManager
from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, KernelSpecManager

START_TIMEOUT = 600  # seconds, on a machine that is busy
INTERRUPT_TIMEOUT = 60  # seconds that a cell may take to stop when it is asked to

# It runs in the kernel, and leaves no name behind. After so much text, `print` raises an error.
LIMIT_OUTPUT = """
import sys

written = [0]


def limited(write):
    def write_within_limit(text):
        written[0] += len(text)
        if written[0] > {characters}:
            raise OSError("the output is longer than {megabytes:g} MB")
        return write(text)

    return write_within_limit


def forget():
    written[0] = 0


for stream in [sys.stdout, sys.stderr]:
    stream.write = limited(stream.write)
get_ipython().events.register("pre_execute", forget)
"""


class KernelStoppedError(Exception):
    """The kernel has died, or had to be killed; the message says which."""


class LimitedKernel:
    """A kernel of this very Python, to use in a ``with`` statement."""

    def __init__(
        self, folder: Path, environment: dict[str, str], seconds: float, megabytes: float
    ) -> None:
        """Start the kernel and wait until it answers.

        Args:
            folder: where it works.
            environment: its environment variables.
            seconds: that a cell may take. Then it is interrupted, and killed if this does not help.
            megabytes: of text that a cell may print. Then its `print` raises an error.
        """
        self._seconds = seconds
        self._manager = KernelManager(
            kernel_name=NATIVE_KERNEL_NAME,
            # Where no kernels are looked for, the native one is this very Python.
            kernel_spec_manager=KernelSpecManager(kernel_dirs=[]),
        )
        self._manager.start_kernel(
            cwd=str(folder), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._client: BlockingKernelClient = self._manager.client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=START_TIMEOUT)
        self._client.iopub_channel.stop()  # nobody reads what is printed
        source = LIMIT_OUTPUT.format(characters=int(megabytes * 1e6), megabytes=megabytes)
        # Not as a cell: after each cell IPython puts back the `write` that was there before.
        self.ask(f"str(exec({source!r}, {{'get_ipython': get_ipython}}))")

    def __enter__(self) -> "LimitedKernel":
        """Return the kernel, which runs already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Kill the kernel, if it is alive, and its children."""
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)

    def run(self, source: str) -> str:
        """Run a cell, and return the first line of its error, or no text if there is none.

        Raises:
            KernelStoppedError: the kernel has died, or the cell could not be interrupted.
        """
        return _error_in(self._execute(source))

    def ask(self, expression: str) -> tuple[str, str]:
        """Evaluate an expression that gives a text, and return it and the first line of its error.

        One of both is empty.

        Raises:
            KernelStoppedError: the kernel has died, or the expression could not be interrupted.
        """
        reply = self._execute("", user_expressions={"asked": expression})
        result = reply.get("user_expressions", {}).get("asked", reply)
        if result["status"] == "ok":
            return ast.literal_eval(result["data"]["text/plain"]), ""
        return "", _error_in(result)

    def _execute(self, source: str, **options: Any) -> dict[str, Any]:
        """Run a cell, and return the content of the reply; a cell that takes too long ends."""
        message = self._client.execute(source, silent=True, allow_stdin=False, **options)
        end = time.monotonic() + self._seconds
        interrupted = False
        while True:
            reply = self._next_reply()
            if reply and reply["parent_header"].get("msg_id") == message:
                break
            if not self._manager.is_alive():
                raise KernelStoppedError("the kernel died")
            if time.monotonic() < end:
                continue
            if interrupted:
                raise KernelStoppedError(f"{self._too_long()}, and could not be interrupted")
            interrupted = True
            end = time.monotonic() + INTERRUPT_TIMEOUT
            self._manager.interrupt_kernel()
        if interrupted:
            return {"status": "error", "ename": "TimeoutError", "evalue": self._too_long()}
        return reply["content"]

    def _next_reply(self) -> dict[str, Any] | None:
        try:
            return self._client.get_shell_msg(timeout=1)
        except Empty:
            return None

    def _too_long(self) -> str:
        return f"it took longer than {self._seconds:g} seconds"


def _error_in(reply: dict[str, Any]) -> str:
    if reply["status"] == "ok":
        return ""
    text = f"{reply.get('ename', 'error')}: {reply.get('evalue', '')}"
    return text.strip().splitlines()[0]
