"""Measure what each notebook asks of a machine: memory, processor seconds, disk. Linux only.

    python -m tests.costs                                    all notebooks
    python -m tests.costs notebooks/05_fine_tuning.ipynb     one, or several

The figures go to `tests/costs.toml`, and the teachers' guide has them from there. A busy machine
changes none of them by much: memory is counted as if nobody else had opened the same libraries,
and the seconds are those of the processor. Measure when a notebook or a package has changed.
"""

import argparse
import contextlib
import os
import re
import subprocess
import sys
import tempfile
import threading
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.gate import kernels
from tests.gate.settings import clean_environment
from tests.store import CELL_TIMEOUT, FAILURES

import nbformat
import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, NbvalKernelspecManager

COURSE = Path(__file__).parent.parent
FIGURES = Path(__file__).with_suffix(".toml")
SECONDS_BETWEEN_LOOKS = 0.3

# The first line of a mapping in /proc/PID/smaps: addresses, rights, offset, device, inode, path.
MAPPING = re.compile(r"[0-9a-f]+-[0-9a-f]+ \S+ ([0-9a-f]+) (\S+) (\d+)\s*(.*)")
FIELD = re.compile(r"(Rss|Pss):\s+(\d+) kB")
NEEDS_A_RUN_OF = re.compile(r'latest_run\(\s*"(\w+)"')


class Memory(NamedTuple):
    """Bytes in use: with the libraries' pages, each counted once, and without them."""

    total: int
    own: int


class Cost(NamedTuple):
    """What one notebook took."""

    memory: Memory
    processor_seconds: float
    disk: int


def main(arguments: Sequence[str]) -> int:
    """Measure the notebooks, print a line for each, and store the figures; 1 if one failed."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.costs", description=__doc__.split("\n")[0]
    )
    parser.add_argument("notebooks", nargs="*", type=Path, help="paths; none: all of the course")
    paths = parser.parse_args(arguments).notebooks or sorted(COURSE.glob("notebooks/*.ipynb"))
    if sys.platform != "linux":
        print("the memory is read from /proc, which only Linux has", file=sys.stderr)
        return 1
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder)
        for path in paths:
            try:
                cost = measure(path, runs)
            except (OSError, *FAILURES) as error:
                print(f"{path.name}: {in_one_line(error)}", file=sys.stderr)
                failed = True
            else:
                store(path.stem, cost)
                print(f"{path.stem}: {as_lines(cost).replace(chr(10), ', ')}")
    return 1 if failed else 0


def in_one_line(error: Exception) -> str:
    """Return what went wrong; of a cell's error its name and its first line."""
    if isinstance(error, CellExecutionError):
        return f"{error.ename}: {error.evalue}".splitlines()[0]
    return str(error).strip().splitlines()[-1]


def measure(path: Path, runs: Path) -> Cost:
    """Run a notebook in a new kernel, and return what it took.

    Args:
        path: of the notebook.
        runs: the folder for runs. What the notebook needs there from another one is made first,
            as a learner has it who takes the notebooks in their order.
    """
    notebook = nbformat.read(path, as_version=4)
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    for needed in sorted(set(NEEDS_A_RUN_OF.findall(code))):
        if needed != path.stem and not (runs / needed).exists():
            run(path.with_name(f"{needed}.ipynb"), runs)
    with Watcher() as seen:
        run(path, runs)
    return Cost(seen.peak, seen.seconds, size_of(runs / path.stem))


def run(path: Path, runs: Path) -> None:
    """Run a notebook from top to bottom; it writes its runs to the given folder."""
    client = NotebookClient(
        nbformat.read(path, as_version=4),
        kernel_name=CURRENT_ENV_KERNEL_NAME,
        timeout=CELL_TIMEOUT,
        startup_timeout=kernels.START_TIMEOUT,
    )
    client.create_kernel_manager().kernel_spec_manager = NbvalKernelspecManager()
    environment = {**clean_environment(os.environ), "COURSE_RUNS": str(runs)}
    client.execute(cwd=str(path.parent), env=environment, stderr=subprocess.DEVNULL)


class Watcher:
    """While it is entered, it watches all processes below this one.

    Attributes:
        peak: the most memory that those used at one moment which were not there before.
        seconds: their processor seconds, by our own count or by the system's, whichever is more.
            Ours may be a little short, because a process works after the last look at it. But
            nobody waits for a program that is started by a fork server, so the system's lacks it.
    """

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self.peak = Memory(0, 0)
        # Such as a fork server that waits for programs of others. It may work on, so its seconds
        # count from here.
        self._older: dict[psutil.Process, float] = {}
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                self._older[process] = seconds_of(process)
        self._seconds: dict[psutil.Process, float] = {}
        self._ended_before = seconds_of_ended_children()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "Watcher":
        """Begin to watch."""
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Stop to watch."""
        self._stop.set()
        self._thread.join()

    @property
    def seconds(self) -> float:
        """Add up what each process had used when it was last seen, or since it was waited for."""
        when_last_seen = sum(self._seconds.values())
        before = self._ended_before + sum(
            seconds for process, seconds in self._older.items() if not process.is_running()
        )
        return max(when_last_seen, seconds_of_ended_children() - before)

    def _watch(self) -> None:
        while not self._stop.wait(SECONDS_BETWEEN_LOOKS):
            processes = psutil.Process().children(recursive=True)
            for process in processes:
                with contextlib.suppress(psutil.Error):
                    before = self._older.get(process, 0)
                    self._seconds[process] = seconds_of(process) - before
            memory = memory_of(process for process in processes if process not in self._older)
            total = max(self.peak.total, memory.total)
            self.peak = Memory(total, max(self.peak.own, memory.own))


def memory_of(processes: Iterable[psutil.Process]) -> Memory:
    """Add up the memory of processes, each page once, whoever else has the same files open."""
    own = 0
    pages_of_files: dict[tuple[str, ...], int] = {}
    for process in processes:
        try:
            maps = Path(f"/proc/{process.pid}/smaps").read_text(encoding="utf-8", errors="replace")
        except OSError:  # it has ended
            continue
        own_here, files_here = memory_in(maps)
        own += own_here
        for part_of_file, size in files_here.items():
            pages_of_files[part_of_file] = max(size, pages_of_files.get(part_of_file, 0))
    return Memory(own + sum(pages_of_files.values()), own)


def memory_in(maps: str) -> tuple[int, dict[tuple[str, ...], int]]:
    """Read a text of ``/proc/PID/smaps``.

    Returns:
        The bytes that belong to no file, where a page that is shared after a fork counts in
        parts, and the bytes of each part of a file: its offset, device and inode.
    """
    own = 0
    files: dict[tuple[str, ...], int] = {}
    part_of_file: tuple[str, ...] | None = None
    for line in maps.splitlines():
        mapping = MAPPING.fullmatch(line)
        if mapping:
            offset, device, inode, path = mapping.groups()
            part_of_file = (offset, device, inode) if path.startswith("/") else None
            continue
        field = FIELD.fullmatch(line)
        if not field:
            continue
        name, size = field[1], int(field[2]) * 1024
        if name == "Pss" and part_of_file is None:
            own += size
        if name == "Rss" and part_of_file is not None:
            files[part_of_file] = max(size, files.get(part_of_file, 0))
    return own, files


def seconds_of(process: psutil.Process) -> float:
    """Return the processor seconds of a process so far.

    Raises:
        psutil.Error: it has ended.
    """
    times = process.cpu_times()
    return times.user + times.system


def seconds_of_ended_children() -> float:
    """Return the processor seconds of all processes below this one that were waited for."""
    times = os.times()
    return times.children_user + times.children_system


def size_of(folder: Path) -> int:
    """Return the bytes that the files in a folder take on the disk."""
    return sum(512 * path.lstat().st_blocks for path in folder.rglob("*") if path.is_file())


def read() -> dict[str, dict[str, float]]:
    """Return the stored figures of each notebook by its name."""
    return tomllib.loads(FIGURES.read_text(encoding="utf-8"))


def store(name: str, cost: Cost) -> None:
    """Put the figures of a notebook into the file, and leave those of the others."""
    text = FIGURES.read_text(encoding="utf-8") if FIGURES.is_file() else ""
    heading, *parts = re.split(r"^(?=\[)", text, flags=re.MULTILINE)
    parts = [part.strip() for part in parts if not part.startswith(f"[{name}]")]
    parts.append(f"[{name}]\n{as_lines(cost)}")
    FIGURES.write_text("\n\n".join([heading.strip(), *sorted(parts)]) + "\n", encoding="utf-8")


def as_lines(cost: Cost) -> str:
    """Write the figures as they are stored, in lines of TOML."""
    return (
        f"memory_gb = {cost.memory.total / 1e9:.2f}\n"
        f"own_gb = {cost.memory.own / 1e9:.2f}\n"
        f"processor_seconds = {cost.processor_seconds:.0f}\n"
        f"disk_mb = {cost.disk / 1e6:.1f}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
