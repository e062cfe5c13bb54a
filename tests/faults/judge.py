"""Runs of pytest in a copy of the course: is a fault noticed?"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults import player
from tests.faults.fault import Edit, Fault

import nbformat
from nbformat import NotebookNode

TIMEOUT = 1200  # seconds for one run of pytest. On a busy machine all takes twenty times as long.
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S.*?)(?: - |$)", re.MULTILINE)
CELL = re.compile(r"::Cell (\d+)$")
OPTIONS = ["-n", "0", "-p", "no:cacheprovider", "-q", "--tb=no", "--no-header", "-r", "fE"]


@dataclass(frozen=True)
class Report:
    """What a run of pytest has said."""

    code: int
    failed: list[str] = field(default_factory=list)
    output: str = ""

    @property
    def failed_cells(self) -> set[int]:
        """The numbers of the cells of code that failed."""
        found = [CELL.search(name) for name in self.failed]
        return {int(match.group(1)) for match in found if match}


def copy_of(course: Path, folder: Path) -> Path:
    """Copy what git has or would add, and make a repository of it, as some tests expect one."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=course,
        check=True,
        stdout=subprocess.PIPE,
    )
    copy = folder / "course"
    for name in listing.stdout.decode().split("\0"):
        source = course / name
        if name and source.is_file():
            target = copy / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    git = ["git", "-c", "user.name=faults", "-c", "user.email=faults@example.org"]
    subprocess.run([*git, "init", "--quiet"], cwd=copy, check=True)
    subprocess.run([*git, "add", "--all"], cwd=copy, check=True)
    subprocess.run([*git, "commit", "--quiet", "--message", "copy"], cwd=copy, check=True)
    return copy


class Bench:
    """A copy of the course, in which faults are planted and tests run.

    Args:
        course: what is copied.
        executable: the Python that runs pytest, or what stands for it.
    """

    def __init__(self, course: Path, executable: Path | str = sys.executable) -> None:
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.course = copy_of(course, Path(self._folder.name))
        self._executable = str(executable)

    def close(self) -> None:
        """Delete the copy."""
        self._folder.cleanup()

    def run(self, tests: Sequence[str], to_the_end: bool = False) -> Report:
        """Run these tests, up to the first failure or to the end.

        A run that takes longer than `TIMEOUT` counts as one that failed.
        """
        command = [self._executable, "-m", "pytest", *OPTIONS, *tests]
        if not to_the_end:
            command.append("-x")
        # The installed course is the checkout. The copy's own modules come before it.
        environment = {**os.environ, "PYTHONPATH": str(self.course)}
        try:
            done = subprocess.run(
                command,
                cwd=self.course,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Report(1, output=f"did not end within {TIMEOUT} seconds")
        output = done.stdout.decode(errors="replace")
        return Report(done.returncode, FAILED.findall(output), output)

    @contextlib.contextmanager
    def planted(self, *faults: Fault) -> Iterator[None]:
        """Plant faults in the copy; take them out again at the end of the block."""
        before = {}
        for fault in faults:
            path = self.course / fault.path
            before.setdefault(path, path.read_bytes())
            changed = fault.edit(path.read_text(encoding="utf-8"))
            if changed is None:
                path.unlink()
            else:
                path.write_text(changed, encoding="utf-8", newline="\n")
        try:
            yield
        finally:
            for path, data in before.items():
                path.write_bytes(data)

    def notices(self, fault: Fault, tests: Sequence[str]) -> bool:
        """Tell whether one of these tests fails with the fault."""
        with self.planted(fault):
            return self.run(tests).code != 0

    def unnoticed_in_stored(self, path: str, faults: Sequence[Fault]) -> list[Fault]:
        """Return the faults in what a notebook stores that the gate does not notice.

        Faults in different cells are planted together, since each cell is compared by itself.
        """
        survivors = []
        for together in in_different_cells(faults):
            failed = self.failed_when_played(path, together)
            survivors += [fault for fault in together if fault.cell not in failed]
        return survivors

    def failed_when_played(self, path: str, faults: Sequence[Fault] = ()) -> set[int]:
        """Return the numbers of the cells that the gate refuses with faults in what is stored.

        The code of the cells is replaced by code that puts out what was stored before the faults,
        so that the notebook runs in a second.
        """
        stored = nbformat.read(self.course / path, as_version=4)
        play = Fault("text", path, "the outputs are played", playing(stored))
        with self.planted(*faults, play):
            return self.run([path], to_the_end=True).failed_cells


def playing(stored: NotebookNode) -> Edit:
    """Have the cells of a notebook put out what is stored in ``stored``."""

    def edit(text: str) -> str:
        notebook = nbformat.reads(text, as_version=4)
        player.replace_code(notebook, stored)
        return nbformat.writes(notebook) + "\n"

    return edit


def in_different_cells(faults: Sequence[Fault]) -> list[list[Fault]]:
    """Put the faults in groups in which no two are in the same cell."""
    groups: list[list[Fault]] = []
    for fault in faults:
        for group in groups:
            if fault.cell not in [other.cell for other in group]:
                group.append(fault)
                break
        else:
            groups.append([fault])
    return groups
