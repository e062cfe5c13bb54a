"""The kernel of a notebook under test: a clean start, a death that is noticed."""

import os
import subprocess
import tempfile
import time
from pathlib import Path
from queue import Empty

from tests.gate.settings import clean_environment

from nbformat.v4 import output_from_msg
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, RunningKernel, start_new_kernel

# Seconds. On a busy machine everything may take twenty times as long as on a quiet one.
START_TIMEOUT = 600
OUTPUT_TIMEOUT = 120

OUTPUT_TYPES = {"display_data", "error", "execute_result", "stream"}


def _call_in_kernel(module, function):
    """Return a line for a kernel: it calls a function of this folder, and leaves no name behind."""
    source = Path(__file__).with_name(f"{module}.py").read_text(encoding="utf-8")
    program = f"{source}\n{function}(get_ipython())\n"
    return f"exec({program!r}, {{'__name__': {module!r}}})"


# From then on the facts about each figure go into its output's metadata, and what a cell writes is
# heard before its end.
PREPARATIONS = [
    _call_in_kernel("figure_facts", "record_figures"),
    _call_in_kernel("native_output", "wait_for_native_output"),
]


class Kernel(RunningKernel):
    """A kernel in this very environment, without the settings of the machine."""

    def __init__(self, folder):
        # A profile of the user's can change what the last line of a cell prints.
        self._profile = tempfile.TemporaryDirectory()
        self.km, self.kc = start_new_kernel(
            startup_timeout=START_TIMEOUT,
            kernel_name=CURRENT_ENV_KERNEL_NAME,
            cwd=str(folder),
            # Without PYTEST_CURRENT_TEST, too: where ipykernel sees pytest, it does not catch what
            # C++ code writes to stderr.
            env={**clean_environment(os.environ), "IPYTHONDIR": self._profile.name},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._ensure_iopub_up()
        for source in PREPARATIONS:
            complaints = self.run(source, timeout=START_TIMEOUT)
            if complaints:
                raise RuntimeError(f"the kernel cannot be prepared: {complaints}")

    def stop(self):
        """End the kernel, and forget what it wrote into its profile."""
        super().stop()
        self._profile.cleanup()

    def _ensure_iopub_up(self):
        # A kernel that answers on one channel may not be heard on the other yet, so we ask again.
        for _ in range(START_TIMEOUT):
            msg_id = self.kc.kernel_info()
            self.await_reply(msg_id, START_TIMEOUT)
            try:
                return self.await_idle(msg_id, 1)
            except Empty:
                continue
        raise RuntimeError("the kernel answers, but what it publishes is not heard")

    def await_reply(self, msg_id, timeout=None):
        """Wait as nbval does, but not for a kernel that has died."""
        end = time.monotonic() + timeout
        while True:
            try:
                return super().await_reply(msg_id, timeout=1)
            except Empty:
                if not self.is_alive():
                    raise RuntimeError("the kernel died while it ran this cell") from None
                if time.monotonic() > end:
                    raise

    def run(self, source, timeout):
        """Run some code, and return its outputs, errors among them, as a notebook stores them."""
        msg_id = self.execute_cell_input(source, allow_stdin=False)
        self.await_reply(msg_id, timeout)
        outputs = []
        while True:
            message = self.get_message("iopub", timeout=OUTPUT_TIMEOUT)
            if message["parent_header"].get("msg_id") != msg_id:
                continue
            if message["content"].get("execution_state") == "idle":
                return outputs
            if message["msg_type"] in OUTPUT_TYPES:
                outputs.append(output_from_msg(message))
