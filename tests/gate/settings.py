"""What a test command keeps to itself: its environment variables, and a folder for its runs."""

import os
import re
import shutil
import sys
import tempfile
import uuid
from pathlib import Path

import filelock

# These change what Python, IPython, matplotlib and Keras print or draw. `helpers` sets back for a
# reader what it can, so nothing is hidden here that a reader would meet. Variables that stand for
# another processor (threads, instruction sets) stay: the gate has to bear them.
ALIEN_PREFIXES = ("PYTHON", "IPYTHON", "PYTEST_")
ALIEN_NAMES = {
    "KERAS_BACKEND",
    "KERAS_HOME",
    "MATPLOTLIBRC",
    "MPLBACKEND",
    "TF_CPP_MIN_LOG_LEVEL",
    "TF_USE_LEGACY_KERAS",
}
# These say where packages and caches are, not what is printed.
KEPT_NAMES = {
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONHOME",
    "PYTHONNOUSERSITE",
    "PYTHONPATH",
    "PYTHONPYCACHEPREFIX",
}
RUNS_NAME = re.compile(r"tests_[0-9a-f]{8}")


def is_alien(name):
    """Tell whether an environment variable is a setting of the machine, not of the course."""
    if name in KEPT_NAMES:
        return False
    return name in ALIEN_NAMES or name.startswith(ALIEN_PREFIXES)


def clean_environment(environment):
    """Return the variables without the machine's own settings."""
    return {name: value for name, value in environment.items() if not is_alien(name)}


def complaint_about_python():
    """Say why this Python must not run tests, or nothing."""
    if sys.flags.optimize:
        return (
            "Python skips every assert, so no check could fail: "
            "unset PYTHONOPTIMIZE, or leave out -O"
        )
    return None


class RunsFolder:
    """A folder for the runs of one test command, which no other command prunes or reads.

    It lies in ``runs/``, or where ``COURSE_RUNS`` says, or in the system's temporary folder if the
    course cannot be written to. A lock tells the living from those that were killed.
    """

    def __init__(self, course):
        place = Path(os.environ.get("COURSE_RUNS") or Path(course, "runs"))
        name = f"tests_{uuid.uuid4().hex[:8]}"
        self._temporary = None
        try:
            self._make(place / name)
        except OSError:
            self._temporary = tempfile.TemporaryDirectory()
            self._make(Path(self._temporary.name, name))
        remove_abandoned(self.path.parent)

    def _make(self, path):
        """Make the folder, with its lock first, so that it never looks abandoned."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._lock = _lock_of(path)
        self._lock.acquire()
        path.mkdir()

    def remove(self):
        """Delete the folder with all that the notebooks have written."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.release()
        _lock_file(self.path).unlink(missing_ok=True)
        if self._temporary:
            self._temporary.cleanup()


def remove_abandoned(place):
    """Delete the folders of test commands that were killed: nobody holds their lock."""
    for folder in place.glob("*/"):
        is_ours = RUNS_NAME.fullmatch(folder.name) and _lock_file(folder).exists()
        if not is_ours:
            continue
        try:
            with _lock_of(folder).acquire(blocking=False):
                shutil.rmtree(folder, ignore_errors=True)
        except filelock.Timeout:
            continue
        _lock_file(folder).unlink(missing_ok=True)


def _lock_file(folder):
    return folder.with_name(f"{folder.name}.lock")


def _lock_of(folder):
    return filelock.FileLock(_lock_file(folder))
