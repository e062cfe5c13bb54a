"""Start the example hub on loopback, let learners pull the course, and run notebooks at once.

    python -m tests.hub                                    two learners, 01
    python -m tests.hub --learners 8 01_save 02_restore    eight learners, two notebooks

It needs Linux, the extra `classroom`, and configurable-http-proxy from npm: --proxy says where it
is. While the learners work, a correction is sent. It must arrive, and what they wrote must stay.
At the end come failures, peak memory and processor seconds, and nothing is left running.
"""

import argparse
import asyncio
import contextlib
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.costs import Watcher
from tests.hub.learner import Learner
from tests.hub.server import (
    COURSE,
    Hub,
    HubError,
    check_packages,
    find_proxy,
    running_hub,
    still_running,
)

FOLDER = "course"
# What a run of a notebook must print.
SEEN = {"01_save": "24.0", "02_restore": "60.0", "03_tricks": "[4, 5, 6]"}
ANSWER = "my_answer = 'written in class'"
CORRECTION = "A correction from the teacher."


def main(arguments: Sequence[str]) -> int:
    """Try the hub; 0 if every learner saw what they should, 1 if not or if it cannot run."""
    options = parsed(arguments)
    # The usual way to end a process is an interrupt for us, so that the hub is ended too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Its errors reach us as exceptions. What else it logs is about requests that we interrupt.
    logging.getLogger("tornado.application").setLevel(logging.CRITICAL)
    try:
        check_packages()
        proxy = find_proxy(options.proxy)
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            with Watcher() as seen, running_hub(Path(folder), proxy, options.port) as hub:
                repository = make_repository(Path(folder) / "repository")
                failures = asyncio.run(teach(hub, repository, options))
            failures += [f"still running: {line}" for line in still_running(Path(folder))]
    except HubError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; the hub has ended", file=sys.stderr)
        return 1
    for line in failures:
        print(line)
    print(f"{options.learners} learners, {len(failures)} failures")
    memory = seen.peak
    print(f"peak memory {memory.total / 1e9:.2f} GB, {memory.own / 1e9:.2f} GB of it not libraries")
    print(f"processor seconds {seen.seconds:.0f}")
    return 1 if failures else 0


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.hub", description=__doc__.split("\n")[0])
    parser.add_argument("notebooks", nargs="*", default=["01_save"], help="01_save if none")
    parser.add_argument("--learners", type=int, default=2, help="2 if not given")
    parser.add_argument("--proxy", help="configurable-http-proxy, if it is not a command")
    parser.add_argument("--port", type=int, help="a free one if not given")
    options = parser.parse_args(arguments)
    for name in options.notebooks:
        if not (COURSE / "notebooks" / f"{name}.ipynb").is_file():
            parser.error(f"no notebook {name!r}: give names such as 01_save")
    return options


def make_repository(folder: Path) -> Path:
    """Make a git repository with the notebooks of this checkout."""
    notebooks = folder / "notebooks"
    notebooks.mkdir(parents=True)
    for path in (COURSE / "notebooks").glob("*.ipynb"):
        shutil.copy(path, notebooks)
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, "The course")
    return folder


def commit(folder: Path, message: str) -> None:
    """Commit all that is in the repository."""
    git(folder, "add", ".")
    git(folder, "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "--quiet", "-m", message)


def git(folder: Path, *arguments: str) -> None:
    """Call git in a folder."""
    subprocess.run(["git", *arguments], cwd=folder, check=True)


def correct(folder: Path, name: str) -> None:
    """Commit a correction of a notebook: a sentence at its end, in a cell that is there already."""
    path = folder / "notebooks" / f"{name}.ipynb"
    before, heading, after = path.read_text(encoding="utf-8").rpartition('"## Where next\\n",')
    path.write_text(f'{before}{heading}\n    "{CORRECTION}\\n",{after}', encoding="utf-8")
    commit(folder, "A correction")


async def teach(hub: Hub, repository: Path, options: argparse.Namespace) -> list[str]:
    """Let all learners start, pull, run and be corrected, and return what went wrong."""
    learners = [Learner(hub, f"learner{number + 1}") for number in range(options.learners)]
    address = repository.as_uri()
    await asyncio.gather(*(arrive(learner, address) for learner in learners))
    work = [run_all(learner, options.notebooks) for learner in learners]
    failures = [line for lines in await asyncio.gather(*work) for line in lines]
    first = options.notebooks[0]
    for learner in learners:
        await answer(learner, first)
    correct(repository, first)
    checks = [check_correction(learner, address, first) for learner in learners]
    return failures + [line for lines in await asyncio.gather(*checks) for line in lines]


async def arrive(learner: Learner, address: str) -> None:
    """Start a learner's server, and pull the course."""
    await learner.start()
    await learner.pull(address, FOLDER)


async def run_all(learner: Learner, names: Sequence[str]) -> list[str]:
    """Run notebooks one after the other, print a line for each, and return what went wrong."""
    failures = []
    for name in names:
        printed, errors = await learner.run(f"{FOLDER}/notebooks/{name}.ipynb")
        expected = SEEN.get(name, "")
        if expected not in printed:
            errors.append(f"{expected} was not printed")
        failures += [f"{learner.name}: {name}: {error}" for error in errors]
        if not errors:
            print(f"{learner.name}: {name}: no error, {expected or 'all cells run'}")
    return failures


async def answer(learner: Learner, name: str) -> None:
    """Write an answer into the learner's notebook, in the first of its answer cells."""
    path = f"{FOLDER}/notebooks/{name}.ipynb"
    notebook = await learner.read(path)
    cells = [cell for cell in notebook["cells"] if "answer" in cell["metadata"].get("tags", [])]
    cells[0]["source"] = ANSWER
    await learner.write(path, notebook)


async def check_correction(learner: Learner, address: str, name: str) -> list[str]:
    """Pull again, and return what is missing: the correction or the learner's own answer."""
    await learner.pull(address, FOLDER)
    notebook = await learner.read(f"{FOLDER}/notebooks/{name}.ipynb")
    text = "\n".join(cell["source"] for cell in notebook["cells"])
    missing = [what for what in (CORRECTION, ANSWER) if what not in text]
    return [f"{learner.name}: after the correction there is no {what!r}" for what in missing]


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        # The course's own settings are for its kernels, not for the hub.
        os.environ.pop("COURSE_RUNS", None)
        sys.exit(main(sys.argv[1:]))
