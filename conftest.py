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

# Root mean square over all pixels, 0 to 255. Equal settings give 0, a changed digit 1 or more.
EXACT = 0.5
# What training draws differs between processors, so a cell with one of these tags is compared by
# the means of its square blocks: their side in pixels, and how well they have to correlate. Over
# AVX levels, oneDNN and threads, pictures reach .997 (with other weights .993 at most), charts .94.
VARIES = {"picture-varies": (8, 0.995), "chart-varies": (32, 0.9)}
WIDGET = "application/vnd.jupyter.widget-view+json"
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
    # A progress bar is a widget, alive only while its kernel is.
    test, ref = ([out for out in outs if WIDGET not in out.get("data", {})] for outs in (test, ref))
    if not compare(self, test, ref, skip_compare):
        return False
    tag = next((tag for tag in self.cell.metadata.get("tags", []) if tag in VARIES), None)
    new, stored = pictures(test), pictures(ref)
    faults = [describe_difference(*pair, tag) for pair in zip(new, stored, strict=False)]
    if len(new) != len(stored):
        faults.append(f"{len(new)} pictures, {len(stored)} stored")
    self.comparison_traceback += filter(None, faults)
    return not any(faults)


def pictures(outputs):
    encoded = [out["data"]["image/png"] for out in outputs if "image/png" in out.get("data", {})]
    streams = [io.BytesIO(base64.b64decode(png)) for png in encoded]
    return [255 * matplotlib.image.imread(stream)[..., :3] for stream in streams]


def describe_difference(new, stored, tag):
    """Say how two pictures differ, or nothing if they are as alike as the cell's tag asks."""
    if new.shape != stored.shape:
        return f"a picture of {new.shape}, stored {stored.shape}"
    if tag is None:
        rms = np.sqrt(np.mean((new - stored) ** 2))
        return f"a picture differs by an RMS of {rms:.2f}" if rms > EXACT else None
    side, lowest = VARIES[tag]
    alike = np.corrcoef(block_means(new, side), block_means(stored, side))[0, 1]
    return None if alike >= lowest else f"a picture correlates by {alike:.3f}, not {lowest}"


def block_means(picture, side):
    rows, columns, _ = np.array(picture.shape) // side
    blocks = picture[: rows * side, : columns * side].reshape(rows, side, columns, side, 3)
    return blocks.mean(axis=(1, 3)).ravel()


IPyNbFile.setup, IPyNbFile.teardown = set_up_listening, tear_down_tidy
IPyNbCell.compare_outputs = compare_with_pictures
RunningKernel.await_reply = await_reply_alive
