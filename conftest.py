"""What strict nbval does not notice: a dead kernel, noise from C++, a changed picture, litter."""

import base64
import io
import os
import time
from pathlib import Path
from queue import Empty

import matplotlib.image
import numpy as np
from nbval.kernel import RunningKernel
from nbval.plugin import IPyNbCell, IPyNbFile

# Root mean square over all pixels, 0 to 255. Equal settings give 0, a moved digit 1 or more.
PICTURE_TOLERANCE = 0.5
OURS = {
    "runs",
    ".git",
    ".venv",
    ".ipynb_checkpoints",
    ".pytest_cache",
    ".ruff_cache",
    "__pycache__",
}
set_up, tear_down, compare = IPyNbFile.setup, IPyNbFile.teardown, IPyNbCell.compare_outputs
await_reply = RunningKernel.await_reply


def files(root):
    """Every file of the course, but for what git ignores or keeps for itself."""
    found = set()
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in OURS]
        found |= {str(Path(folder, name)) for name in names}
    return found


def set_up_listening(self):
    # Where ipykernel sees pytest, it does not catch what C++ code writes to stderr.
    current = os.environ.pop("PYTEST_CURRENT_TEST", None)
    try:
        set_up(self)
    finally:
        if current:
            os.environ["PYTEST_CURRENT_TEST"] = current
    self.files_before = files(self.config.rootpath)


def tear_down_tidy(self):
    tear_down(self)
    litter = files(self.config.rootpath) - self.files_before
    assert not litter, f"left outside runs/: {sorted(litter)}"


def await_reply_alive(self, msg_id, timeout=None):
    end = time.monotonic() + timeout
    while True:
        try:
            return await_reply(self, msg_id, timeout=1)
        except Empty:
            if not self.is_alive():
                raise RuntimeError("the kernel died while it ran this cell") from None
            if time.monotonic() > end:
                raise


def compare_with_pictures(self, test, ref, skip_compare=None):
    if not compare(self, test, ref, skip_compare):
        return False
    pairs = zip(pictures(test), pictures(ref), strict=False)
    differences = [difference(left, right) for left, right in pairs]
    same = (
        len(pictures(test)) == len(pictures(ref))
        and max(differences, default=0) <= PICTURE_TOLERANCE
    )
    if not same:
        self.comparison_traceback.append(f"pictures differ, RMS of each: {differences}")
    return same


def pictures(outputs):
    return [out["data"]["image/png"] for out in outputs if "image/png" in out.get("data", {})]


def difference(left, right):
    left, right = (
        255 * matplotlib.image.imread(io.BytesIO(base64.b64decode(png))) for png in (left, right)
    )
    return np.sqrt(np.mean((left - right) ** 2)) if left.shape == right.shape else np.inf


IPyNbFile.setup, IPyNbFile.teardown = set_up_listening, tear_down_tidy
IPyNbCell.compare_outputs = compare_with_pictures
RunningKernel.await_reply = await_reply_alive
