"""Somewhere to save: one new folder for each run of a notebook, named by time, three kept.

Runs lie in ``runs/``, beside the folder of the notebook. The environment variable ``COURSE_RUNS``
names another place, for example for a course that many read and nobody may write to.

A run that another process uses is kept until that process has ended. This process holds a lock for
each run that it uses, and the system takes the lock from a process that ends, however it ends.
"""

import contextlib
import errno
import os
import re
import shutil
import subprocess
import uuid
from datetime import UTC, datetime
from pathlib import Path

import filelock

KEEP = 3
NOTEBOOKS = "[0-9][0-9]_*.ipynb"
TIME = "%Y-%m-%d_%H-%M-%S"
# A run's folder: its time, and a number if another run began in the same second.
RUN_NAME = re.compile(r"(\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d)(?:_(\d+))?")
# Folders without a mark are never deleted: we have not made them.
MARK = ".made_by_"
OUR_MARK = f"{MARK}new_run"
# Beside the runs and not in them: Windows renames no folder that holds an open file.
LOCKS = ".in_use"

START_TIMEOUT = 600  # seconds that a kernel may take to start, on a machine that is busy

# The locks of the runs that this process uses: one of each notebook, the last that it asked for.
_held: dict[str, filelock.BaseFileLock] = {}


def new_folder(parent: Path, name: str) -> Path:
    """Make and return ``parent/name``, or ``parent/name_2``, ``_3`` … if that name is taken.

    Raises:
        ValueError: a name with anything but letters, digits, ``_`` and ``-``.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise ValueError(f"a folder's name takes A-Z a-z 0-9 _ -, got {name!r}: choose another")
    parent.mkdir(parents=True, exist_ok=True)
    folder = parent / name
    number = 1
    while True:
        try:
            folder.mkdir()
            return folder
        except FileExistsError:
            number += 1
            folder = parent / f"{name}_{number}"


def new_run(notebook: str) -> Path:
    """Make ``runs/<notebook>/<UTC time>`` and return it, relative to the working directory.

    Of this notebook's runs, three stay, and those that other processes use. Only folders made here
    are deleted: rename one to keep it.

    Raises:
        FileNotFoundError: there is no such notebook.
        ValueError: the folder for runs has a path that TensorFlow reads as a pattern.
        PermissionError: it cannot be written to.
        OSError: the system's own error, with the folder in it.
    """
    find_notebook(notebook)
    runs = runs_folder()
    _refuse_pattern(runs)
    try:
        run = new_folder(runs / notebook, datetime.now(UTC).strftime(TIME))
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        raise PermissionError(
            f"cannot write to {(runs / notebook).as_posix()}: "
            "set COURSE_RUNS to a folder of your own, and start Jupyter again"
        ) from None
    _use(run)
    (run / OUR_MARK).mkdir()  # from here on another process may delete it, so it is locked before
    _delete_old(notebook, run)
    return relative_to_here(run)


def latest_run(notebook: str, holding: str = "*") -> Path:
    """Return the notebook's newest run that holds a match of the glob pattern ``holding``.

    If there is none, the notebook is run first, from top to bottom, in a process of its own.

    Raises:
        FileNotFoundError: there is no such notebook, or its run holds no match.
        RuntimeError: the notebook had to be run and failed.
    """
    path = find_notebook(notebook)
    found = _runs_of(notebook, holding)
    if not found:
        _run_notebook(path)
        found = _runs_of(notebook, holding)
    if not found:
        raise FileNotFoundError(f"{notebook} ran, but left no {holding!r} in runs/{notebook}")
    _use(found[-1])
    return relative_to_here(found[-1])


def course_folder() -> Path:
    """Return the folder that holds the one of the notebooks.

    For a notebook it is the one above its own, so each copy of the course keeps its own runs, and
    so does each learner. A script, which may work anywhere, gets the copy of the course that this
    file belongs to. If this file is installed without notebooks, it gets its working directory.
    """
    here = Path.cwd()
    beside = Path(__file__).resolve().parent.parent
    if here.name == "notebooks" or _holds_notebooks(here):
        return here.parent
    if _holds_notebooks(beside / "notebooks"):
        return beside
    return here


def find_notebook(name: str) -> Path:
    """Return the path of a notebook of the course, such as ``01_save``.

    The working directory comes first, then the course: a learner may have a part of it only.

    Raises:
        FileNotFoundError: there is no such notebook.
    """
    beside = Path(__file__).resolve().parent.parent / "notebooks"
    folders = [Path.cwd(), course_folder() / "notebooks", beside]
    with_notebooks = [folder for folder in folders if _holds_notebooks(folder)]
    if not with_notebooks:
        raise FileNotFoundError(
            f"no folder {folders[1].as_posix()}: work in the course's own folder notebooks"
        )
    for folder in with_notebooks:
        path = folder / f"{name}.ipynb"
        if path.is_file():
            return path
    folder = with_notebooks[0]
    known = ", ".join(sorted(path.stem for path in folder.glob("*.ipynb")))
    raise FileNotFoundError(f"no notebook {name!r} in {folder.as_posix()}; there are: {known}")


def runs_folder() -> Path:
    """Return the folder for the runs of all notebooks, which need not exist yet."""
    chosen = os.environ.get("COURSE_RUNS")
    if chosen:
        return Path(chosen).expanduser().absolute()
    return course_folder() / "runs"


def relative_to_here(path: Path) -> Path:
    """Make a path relative: checkpoints that are saved to it can be moved with the course."""
    try:
        return Path(os.path.relpath(path))
    except ValueError:  # on Windows it may lie on another drive
        return path


def _holds_notebooks(folder: Path) -> bool:
    return any(folder.glob(NOTEBOOKS))


def _refuse_pattern(folder: Path) -> None:
    """TensorFlow would save elsewhere, or delete what is not its own."""
    without_drive = folder.relative_to(folder.anchor).as_posix()
    found = sorted(set("[]*?\\") & set(without_drive))
    if found:
        raise ValueError(
            f"TensorFlow reads {' '.join(found)} in a path as a pattern: rename {str(folder)!r}"
        )


def _use(run: Path) -> None:
    """Keep other processes from deleting a run until this one ends or uses another one."""
    folder = runs_folder() / LOCKS / run.parent.name
    lock = filelock.FileLock(folder / f"{run.name}.{uuid.uuid4().hex}.lock")
    # Where no lock can be made (a place to read only, a drive without locks) nothing is deleted.
    with contextlib.suppress(OSError, NotImplementedError):
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    before = _held.pop(run.parent.name, None)
    if before is not None:
        before.release()
    _held[run.parent.name] = lock


def _delete_old(notebook: str, mine: Path) -> None:
    """Delete the oldest runs that nobody uses, so that three stay with mine."""
    others = [run for run in _runs_of(notebook) if run != mine]
    unused = [run for run in others if not _is_used(run)]
    too_many = max(len(unused) + 1 - KEEP, 0)
    for run in unused[:too_many]:
        shutil.rmtree(run, ignore_errors=True)
        for lock_file in _lock_files(run):
            lock_file.unlink(missing_ok=True)


def _is_used(run: Path) -> bool:
    return any(_is_held(lock_file) for lock_file in _lock_files(run))


def _is_held(lock_file: Path) -> bool:
    """Tell whether a process holds this lock, or nobody can tell."""
    try:
        with filelock.FileLock(lock_file, blocking=False):
            return False
    except (filelock.Timeout, OSError, NotImplementedError):
        return True


def _lock_files(run: Path) -> list[Path]:
    return sorted((runs_folder() / LOCKS / run.parent.name).glob(f"{run.name}.*.lock"))


def _runs_of(notebook: str, holding: str = "*") -> list[Path]:
    """List the runs that ``new_run`` made and that hold such a file, oldest first."""
    found = []
    for folder in (runs_folder() / notebook).glob("*"):
        named_by_time = RUN_NAME.fullmatch(folder.name)
        if not named_by_time or folder.is_symlink():
            continue
        if any(folder.glob(f"{MARK}*")) and any(folder.glob(holding)):
            time, number = named_by_time.groups()
            found.append((time, int(number or 1), folder))
    return [folder for _, _, folder in sorted(found)]


def _run_notebook(path: Path) -> None:
    import nbclient  # takes two seconds, and is seldom needed
    import nbformat
    from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, KernelSpecManager

    client = nbclient.NotebookClient(
        nbformat.read(path, as_version=4),
        kernel_name=NATIVE_KERNEL_NAME,
        startup_timeout=START_TIMEOUT,
    )
    # Where no kernels are looked for, the native one is this very Python.
    client.create_kernel_manager().kernel_spec_manager = KernelSpecManager(kernel_dirs=[])
    try:
        client.execute(
            cwd=str(path.parent),
            env={**os.environ, "COURSE_RUNS": str(runs_folder())},
            stderr=subprocess.DEVNULL,
        )
    except nbclient.exceptions.CellExecutionError as stop:
        reason = f"{stop.ename}: {stop.evalue}".splitlines()[0]
        raise RuntimeError(f"{path.stem} ran first, but: {reason}") from None
