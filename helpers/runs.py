"""Somewhere to save: one new folder for each run of a notebook, named by time, three kept."""

import os
import re
import shutil
import subprocess
import uuid
from datetime import UTC, datetime
from pathlib import Path

import nbclient
import nbformat

COURSE = Path(__file__).resolve().parent.parent
KEEP = 3
_MARK = ".run"
_NAME = re.compile(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d(_\d+)?")
_PROCESS = uuid.uuid4().hex


def new_folder(parent: Path, name: str) -> Path:
    """Make and return ``parent/name``, or ``parent/name_2``, ``_3`` … if that name is taken.

    Raises:
        ValueError: a name with anything but letters, digits, ``_`` and ``-``.
        OSError: the system's own error, with the folder in it.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise ValueError(f"a folder's name takes A-Z a-z 0-9 _ -, got {name!r}: choose another")
    parent.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        folder = parent / (name if number == 1 else f"{name}_{number}")
        try:
            folder.mkdir()
            return folder
        except FileExistsError:
            number += 1


def new_run(notebook: str) -> Path:
    """Make ``runs/<notebook>/<UTC time>`` and return it, relative to the working directory.

    Of this notebook's runs the newest three stay. Only folders that this function made are
    counted and deleted: rename one to keep it.

    Raises:
        ValueError: the course lies in a folder whose name TensorFlow reads as a pattern.
        FileNotFoundError: there is no such notebook.
        OSError: the system's own error, with the folder in it.
    """
    _check(notebook)
    run = new_folder(COURSE / "runs" / notebook, datetime.now(UTC).strftime("%Y-%m-%d_%H-%M-%S"))
    try:
        (run / _MARK).write_text(_PROCESS)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(run)) from None
    for old in _runs(notebook)[:-KEEP]:
        shutil.rmtree(old, ignore_errors=True)
    return Path(os.path.relpath(run))


def latest_run(notebook: str, holding: str = "*") -> Path:
    """Return the notebook's newest run that holds a match of the glob pattern ``holding``.

    If there is none, the notebook is run first, from top to bottom, in a process of its own.

    Raises:
        FileNotFoundError: there is no such notebook, or its run holds no match.
        RuntimeError: the notebook had to be run and failed.
    """
    path = _check(notebook)
    if not (found := [run for run in _runs(notebook) if any(run.glob(holding))]):
        try:
            client = nbclient.NotebookClient(nbformat.read(path, as_version=4))
            client.execute(cwd=str(path.parent), stderr=subprocess.DEVNULL)
        except nbclient.exceptions.CellExecutionError as error:
            reason = f"{error.ename}: {error.evalue}"
            raise RuntimeError(f"{notebook} had to be run first, and stopped: {reason}") from None
        found = [run for run in _runs(notebook) if any(run.glob(holding))]
    if not found:
        raise FileNotFoundError(f"{notebook} ran, but left no {holding!r} in runs/{notebook}")
    return Path(os.path.relpath(found[-1]))


def made_here(run: Path) -> bool:
    """Tell whether this very process made the run."""
    return (run / _MARK).read_text() == _PROCESS


def _runs(notebook: str) -> list[Path]:
    """The runs that ``new_run`` made, oldest first."""
    ours = [run for run in (COURSE / "runs" / notebook).glob("*") if _NAME.fullmatch(run.name)]
    ours = [run for run in ours if (run / _MARK).is_file() and not run.is_symlink()]
    return sorted(ours, key=lambda run: (run.name[:19], int(run.name[20:] or 1)))


def _check(notebook: str) -> Path:
    """Return the notebook's path; raise if it, or the course folder's own path, won't do."""
    if odd := sorted(set("[]*?\\") & set(COURSE.relative_to(COURSE.anchor).as_posix())):
        odd = " ".join(odd)
        raise ValueError(f"TensorFlow reads {odd} in a path as a pattern: rename {str(COURSE)!r}")
    path = COURSE / "notebooks" / f"{notebook}.ipynb"
    if not path.is_file():
        known = ", ".join(sorted(other.stem for other in path.parent.glob("*.ipynb")))
        raise FileNotFoundError(f"no notebook {notebook!r} in {path.parent}; there are: {known}")
    return path
