"""Somewhere to save: one new folder for each run of a notebook, named by time, three kept."""

import os
import re
import shutil
import subprocess
import uuid
from datetime import UTC, datetime
from pathlib import Path

COURSE = Path(__file__).resolve().parent.parent
KEEP = 3
_MARK = f".made_by_{uuid.uuid4().hex}"
_NAME = re.compile(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d(_\d+)?")


def new_folder(parent: Path, name: str) -> Path:
    """Make and return ``parent/name``, or ``parent/name_2``, ``_3`` … if that name is taken.

    Raises:
        ValueError: a name with anything but letters, digits, ``_`` and ``-``.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise ValueError(f"a folder's name takes A-Z a-z 0-9 _ -, got {name!r}: choose another")
    parent.mkdir(parents=True, exist_ok=True)
    folder, number = parent / name, 1
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
        ValueError: the course lies in a folder whose name TensorFlow reads as a pattern.
        FileNotFoundError: there is no such notebook.
        OSError: the system's own error, with the folder in it.
    """
    _notebook(notebook)
    run = new_folder(COURSE / "runs" / notebook, datetime.now(UTC).strftime("%Y-%m-%d_%H-%M-%S"))
    (run / _MARK).mkdir()
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
    path = _notebook(notebook)
    if not (found := _runs(notebook, holding)):
        import nbclient  # takes two seconds, and is seldom needed
        import nbformat

        try:
            client = nbclient.NotebookClient(nbformat.read(path, as_version=4))
            client.execute(cwd=str(path.parent), stderr=subprocess.DEVNULL)
        except nbclient.exceptions.CellExecutionError as stop:
            raise RuntimeError(f"{notebook} ran first, but: {stop.ename}: {stop.evalue}") from None
        if not (found := _runs(notebook, holding)):
            raise FileNotFoundError(f"{notebook} ran, but left no {holding!r} in runs/{notebook}")
    return Path(os.path.relpath(found[-1]))


def made_here(run: Path) -> bool:
    """Tell whether this very process made the run."""
    return (run / _MARK).is_dir()


def _runs(notebook: str, holding: str = "*") -> list[Path]:
    """The runs that ``new_run`` made and that hold such a file, oldest first."""
    runs = (COURSE / "runs" / notebook).glob("*")
    ours = [run for run in runs if _NAME.fullmatch(run.name) and not run.is_symlink()]
    whole = [run for run in ours if any(run.glob(".made_by_*")) and any(run.glob(holding))]
    return sorted(whole, key=lambda run: (run.name[:19], int(run.name[20:] or 1)))


def _notebook(name: str) -> Path:
    """The notebook's path, if it exists and the course folder's own path will do."""
    odd = " ".join(sorted(set("[]*?\\") & set(COURSE.relative_to(COURSE.anchor).as_posix())))
    if odd:
        raise ValueError(f"TensorFlow reads {odd} in a path as a pattern: rename {str(COURSE)!r}")
    folder = COURSE / "notebooks"
    known = sorted(path.stem for path in folder.glob("*.ipynb"))
    if name not in known:
        raise FileNotFoundError(f"no notebook {name!r} in {folder}; there are: {', '.join(known)}")
    return folder / f"{name}.ipynb"
