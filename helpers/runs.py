"""Somewhere to save: one new folder for each run of a notebook, named by time, three kept.

Runs lie in ``runs/``, beside ``notebooks/``. The environment variable ``COURSE_RUNS`` names another
place, for example for a course that many read and nobody may write to.
"""

import errno
import os
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

KEEP = 3
TIME = "%Y-%m-%d_%H-%M-%S"
# A run's folder: its time, and a number if another run began in the same second.
RUN_NAME = re.compile(r"(\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d)(?:_(\d+))?")
# Folders without a mark are never deleted: we have not made them.
MARK = ".made_by_"
OUR_MARK = f"{MARK}new_run"

START_TIMEOUT = 600  # seconds that a kernel may take to start, on a machine that is busy


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

    Of this notebook's runs, three stay. Only folders made here are deleted: rename one to keep it.

    Raises:
        FileNotFoundError: there is no such notebook.
        ValueError: the folder for runs has a path that TensorFlow reads as a pattern.
        PermissionError: it cannot be written to.
        OSError: the system's own error, with the folder in it.
    """
    _find_notebook(notebook)
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
    (run / OUR_MARK).mkdir()
    for old in _runs_of(notebook)[:-KEEP]:
        shutil.rmtree(old, ignore_errors=True)
    return relative_to_here(run)


def latest_run(notebook: str, holding: str = "*") -> Path:
    """Return the notebook's newest run that holds a match of the glob pattern ``holding``.

    If there is none, the notebook is run first, from top to bottom, in a process of its own.

    Raises:
        FileNotFoundError: there is no such notebook, or its run holds no match.
        RuntimeError: the notebook had to be run and failed.
    """
    path = _find_notebook(notebook)
    found = _runs_of(notebook, holding)
    if not found:
        _run_notebook(path)
        found = _runs_of(notebook, holding)
    if not found:
        raise FileNotFoundError(f"{notebook} ran, but left no {holding!r} in runs/{notebook}")
    return relative_to_here(found[-1])


def course_folder() -> Path:
    """Return the folder that holds ``notebooks/``.

    For a notebook it is the one above its own, so each copy of the course keeps its own runs. A
    script, which may work anywhere, gets the copy that this file belongs to.
    """
    here = Path.cwd()
    if here.name == "notebooks":
        return here.parent
    return Path(__file__).resolve().parent.parent


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


def _find_notebook(name: str) -> Path:
    folder = course_folder() / "notebooks"
    path = folder / f"{name}.ipynb"
    if path.is_file():
        return path
    if not folder.is_dir():
        raise FileNotFoundError(
            f"no folder {folder.as_posix()}: work in the course's own folder notebooks"
        )
    known = ", ".join(sorted(path.stem for path in folder.glob("*.ipynb")))
    raise FileNotFoundError(f"no notebook {name!r} in {folder.as_posix()}; there are: {known}")


def _refuse_pattern(folder: Path) -> None:
    """TensorFlow would save elsewhere, or delete what is not its own."""
    without_drive = folder.relative_to(folder.anchor).as_posix()
    found = sorted(set("[]*?\\") & set(without_drive))
    if found:
        raise ValueError(
            f"TensorFlow reads {' '.join(found)} in a path as a pattern: rename {str(folder)!r}"
        )


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
        client.execute(cwd=str(path.parent), stderr=subprocess.DEVNULL)
    except nbclient.exceptions.CellExecutionError as stop:
        reason = f"{stop.ename}: {stop.evalue}".splitlines()[0]
        raise RuntimeError(f"{path.stem} ran first, but: {reason}") from None
