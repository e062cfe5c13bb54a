"""Plant faults in a copy of the course, and print which of them no test notices.

    python -m tests.faults                          some of every kind, everywhere
    python -m tests.faults --notebook 04            in one notebook
    python -m tests.faults --only statement --limit 0 --notebook 04
    python -m tests.faults --file helpers/look.py   in one file

The faults are the same in every run. A survivor is a question: is there a test missing, or may it
survive? In the second case `tests/faults.toml` says why.
"""

import argparse
import contextlib
import os
import queue
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.faults import house, sources, stored
from tests.faults.fault import Accepted, Fault, choose, number_equal_ones, read_accepted
from tests.faults.judge import Bench
from tests.faults.warm import AVAILABLE, WarmPython
from tests.gate.settings import clean_environment

import nbformat
from tabulate import tabulate

COURSE = Path(__file__).parent.parent.parent
LIMIT = 10
IN_NOTEBOOKS = {
    "text": stored.plant_texts,
    "picture": stored.plant_pictures,
    "property": stored.plant_properties,
    "prose": sources.plant_prose,
    "check": sources.plant_checks,
    "constant": sources.plant_constants,
    "statement": sources.plant_statements,
}
IN_MODULES = {"lie": sources.plant_lies, "mutation": sources.plant_mutations}
KINDS = [*IN_NOTEBOOKS, *IN_MODULES, "house"]
STORED = {"text", "picture"}  # judged without running the notebook's own code
RULES = ["tests/test_notebooks.py", "tests/test_prose.py"]
# Those that notice most come first.
ALL_RULES = ["tests/test_house.py", "tests/test_project.py", *RULES, "tests/test_gate.py"]


def main(arguments: Sequence[str]) -> int:
    """Choose the faults, plant them, print the table; 1 if one survived that should not."""
    options = parsed(arguments)
    faults = choose(number_equal_ones(all_faults(options)), options.limit)
    if not faults:
        print("nothing to plant: see --help for the kinds, and what --notebook and --file take")
        return 2
    if options.list:
        for fault in faults:
            print(f"{fault.kind}: {fault}")
        return 0
    with contextlib.ExitStack() as stack:
        judge = Judge(options.workers, stack)
        survivors = judge.survivors(faults)
    return report(faults, survivors, judge.unjudged, read_accepted())


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of the command."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--only", action="append", choices=KINDS, help="this kind; may be repeated")
    parser.add_argument("--notebook", action="append", help="the notebooks that begin so: 04")
    parser.add_argument("--file", action="append", help="this file: helpers/look.py, README.md")
    parser.add_argument(
        "--limit",
        type=int,
        default=LIMIT,
        help=f"at most so many of a kind in one file ({LIMIT}); 0: all",
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="how many at a time")
    parser.add_argument("--list", action="store_true", help="name the faults, plant none")
    return parser.parse_args(arguments)


def all_faults(options: argparse.Namespace) -> Iterator[Fault]:
    """Every fault that the options ask for."""
    kinds = options.only or KINDS
    everywhere = not options.notebook and not options.file
    for path in notebooks():
        if everywhere or is_chosen(path, options):
            notebook = nbformat.read(path, as_version=4)
            for kind, plant in IN_NOTEBOOKS.items():
                if kind in kinds:
                    yield from plant(relative(path), notebook)
    for path in modules():
        if everywhere or is_chosen(path, options):
            for kind, plant in IN_MODULES.items():
                if kind in kinds:
                    yield from plant(relative(path), path.read_text(encoding="utf-8"))
    readme = COURSE / "README.md"
    if "prose" in kinds and (everywhere or is_chosen(readme, options)):
        yield from sources.plant_text_file("README.md", readme.read_text(encoding="utf-8"))
    if "house" in kinds and everywhere:
        yield from house.plant_house(COURSE)


def is_chosen(path: Path, options: argparse.Namespace) -> bool:
    """Tell whether ``--notebook`` or ``--file`` names this file."""
    is_notebook = path.suffix == ".ipynb"
    begins_so = [path.name.startswith(begin) for begin in options.notebook or []]
    return (is_notebook and any(begins_so)) or relative(path) in (options.file or [])


def notebooks() -> list[Path]:
    """The notebooks in their order."""
    return sorted((COURSE / "notebooks").glob("*.ipynb"))


def modules() -> list[Path]:
    """The files of Python that tests protect: the helpers, the gate, the store command."""
    gate = [COURSE / "conftest.py", *sorted((COURSE / "tests" / "gate").glob("*.py"))]
    return [*sorted((COURSE / "helpers").rglob("*.py")), *gate, COURSE / "tests" / "store.py"]


def relative(path: Path) -> str:
    """The path from the course's folder."""
    return path.relative_to(COURSE).as_posix()


def tests_of_module(path: str) -> list[str]:
    """The test files of a file of Python: those of its name, else those that name it.

    ``helpers/letters/images.py`` has ``test_images.py`` or ``test_letters_images.py``.
    """
    parts = [part.strip("_") for part in Path(path).with_suffix("").parts if part != "__init__"]
    names = [f"test_{parts[-1]}.py", f"test_{'_'.join(parts[-2:])}.py"]
    found = [f"tests/{name}" for name in names if (COURSE / "tests" / name).exists()]
    if found:
        return found
    if path == "conftest.py" or path.startswith("tests/gate/"):
        return ["tests/test_gate.py"]
    for wanted in [".".join(parts), ".".join(parts[:-1])]:
        for test in sorted((COURSE / "tests").glob("test_*.py")):
            if wanted in test.read_text(encoding="utf-8"):
                found.append(relative(test))
        if found:
            return found
    return []


def rules_of(path: str) -> list[str]:
    """The house rules, for one notebook: without the tests that are of another one."""
    others = [other.stem for other in notebooks() if relative(other) != path]
    return [*RULES, "-k", f"not ({' or '.join(others)})"] if others else RULES


def tests_of(fault: Fault) -> list[list[str]]:
    """The runs of pytest that may notice a fault, one after another."""
    if fault.kind in IN_MODULES:
        return [tests_of_module(fault.path)]
    if fault.kind == "house":
        return [[name for name in ALL_RULES if name != fault.path]]
    if fault.path == "README.md":
        return [[*RULES, "tests/test_project.py"]]
    if fault.kind == "prose":
        return [rules_of(fault.path)]
    if fault.kind == "property":
        return [rules_of(fault.path), [fault.path]]
    return [[fault.path], rules_of(fault.path)]


class Judge:
    """Plants faults on several benches at a time.

    Attributes:
        unjudged: what could not be judged, because its tests fail without a fault, or are missing.
    """

    def __init__(self, workers: int, stack: contextlib.ExitStack) -> None:
        self.unjudged: list[Fault] = []
        self._sound: dict[tuple[str, ...], bool] = {}
        self._pool = stack.enter_context(ThreadPoolExecutor(workers))
        self._benches: queue.Queue[Bench] = queue.Queue()
        executable: Path | str = sys.executable
        if AVAILABLE:
            environment = clean_environment(os.environ)
            executable = stack.enter_context(WarmPython(COURSE, environment)).executable
        for _ in range(workers):
            bench = Bench(COURSE, executable)
            stack.callback(bench.close)
            self._benches.put(bench)

    def survivors(self, faults: list[Fault]) -> list[Fault]:
        """Plant the faults, and return those that nothing notices."""
        groups: dict[tuple[str, str], list[Fault]] = defaultdict(list)
        for fault in faults:
            groups[fault.path, fault.kind].append(fault)
        found = []
        for (_, kind), group in groups.items():
            place = group[0].place
            survivors = self._survivors_in_one_group(group)
            if group[0] in self.unjudged:
                print(f"{place}, {kind}: not judged", flush=True)
                continue
            print(
                f"{place}, {kind}: {len(group)} planted, {len(survivors)} not noticed", flush=True
            )
            for fault in survivors:
                print(f"    {fault.what}", flush=True)
            found += survivors
        return found

    def _survivors_in_one_group(self, faults: list[Fault]) -> list[Fault]:
        if not self._can_be_judged(faults[0]):
            self.unjudged += faults
            return []
        if faults[0].kind in STORED:
            return self._on_a_bench(Bench.unnoticed_in_stored, faults[0].path, faults)
        noticed = list(self._pool.map(self._is_noticed, faults))
        return [fault for fault, is_noticed in zip(faults, noticed, strict=True) if not is_noticed]

    def _can_be_judged(self, fault: Fault) -> bool:
        """Tell whether the tests that shall notice a fault pass without it."""
        if fault.kind in STORED:
            failed = self._on_a_bench(Bench.failed_when_played, fault.path)
            if failed:
                print(f"{fault.place}: these cells fail without a fault: {sorted(failed)}")
            return not failed
        runs = tests_of(fault)
        return all(tests and self._is_sound(tests) for tests in runs)

    def _is_noticed(self, fault: Fault) -> bool:
        return any(self._on_a_bench(Bench.notices, fault, tests) for tests in tests_of(fault))

    def _is_sound(self, tests: list[str]) -> bool:
        """Tell whether these tests pass without a fault."""
        key = tuple(tests)
        if key not in self._sound:
            first = self._on_a_bench(Bench.run, tests)
            self._sound[key] = first.code == 0
            if not self._sound[key]:
                print(f"without a fault {' '.join(tests)} fails:\n{first.output}")
        return self._sound[key]

    def _on_a_bench(self, act, *arguments):
        bench = self._benches.get()
        try:
            return act(bench, *arguments)
        finally:
            self._benches.put(bench)


def report(
    faults: list[Fault], survivors: list[Fault], unjudged: list[Fault], accepted: list[Accepted]
) -> int:
    """Print what survives and the table; return the exit code."""
    reasons = {fault: reason_for(fault, accepted) for fault in survivors}
    expected = [fault for fault in survivors if reasons[fault]]
    unexpected = [fault for fault in survivors if not reasons[fault]]
    print_survivors("Accepted:", expected, reasons)
    print_survivors("Not noticed by any test:", unexpected, reasons)
    for kind, place in sorted({(fault.kind, fault.place) for fault in unjudged}):
        print(f"Not judged, since its tests fail without a fault: {kind}, {place}")
    for row in accepted:
        covered = {fault for fault in faults if row.covers(fault)} - {*unjudged}
        if covered and not covered & {*survivors}:
            print(f"Noticed by now, so faults.toml need not accept it: {row.place}: {row.what}")
    rows = []
    for kind in KINDS:
        planted, *others = (
            sum(fault.kind == kind for fault in some)
            for some in (faults, expected, unexpected, unjudged)
        )
        if planted:
            rows.append([kind, planted, planted - sum(others), *others])
    print()
    print(tabulate(rows, ["kind", "planted", "noticed", "accepted", "survive", "not judged"]))
    return 1 if unexpected or unjudged else 0


def reason_for(fault: Fault, accepted: list[Accepted]) -> str | None:
    """Why this fault may survive, or None if it may not."""
    return next((row.reason for row in accepted if row.covers(fault)), None)


def print_survivors(title: str, faults: list[Fault], reasons: dict[Fault, str | None]) -> None:
    """Print the faults under a title, with their reasons."""
    if faults:
        print(f"\n{title}")
    for fault in faults:
        reason = reasons[fault]
        print(f"    {fault.kind}, {fault}" + (f" ({reason})" if reason else ""))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
