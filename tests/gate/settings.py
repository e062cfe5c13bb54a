"""What a test command keeps to itself: its environment variables, and a folder for its runs."""

import os
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
RUNS_PREFIX = "tests_"


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
        name = f"{RUNS_PREFIX}{uuid.uuid4().hex[:8]}"
        try:
            self.path = place / name
            self.path.mkdir(parents=True)
        except OSError:
            self.path = Path(tempfile.mkdtemp(), name)
            self.path.mkdir()
        self._lock = _lock_of(self.path)
        self._lock.acquire()
        remove_abandoned(self.path.parent)

    def remove(self):
        """Delete the folder with all that the notebooks have written."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.release()
        Path(self._lock.lock_file).unlink(missing_ok=True)


def remove_abandoned(place):
    """Delete the folders of test commands that were killed: nobody holds their lock."""
    for folder in place.glob(f"{RUNS_PREFIX}*/"):
        lock = _lock_of(folder)
        try:
            with lock.acquire(blocking=False):
                shutil.rmtree(folder, ignore_errors=True)
        except filelock.Timeout:
            continue
        Path(lock.lock_file).unlink(missing_ok=True)


def _lock_of(folder):
    return filelock.FileLock(folder.with_name(f"{folder.name}.lock"))
