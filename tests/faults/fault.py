"""What a fault is, which ones are chosen, and which may survive."""

import fnmatch
import random
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

ACCEPTED = Path(__file__).parent.parent / "faults.toml"

# Takes the text of a file and returns it with the fault in it, or None: the file is deleted.
Edit = Callable[[str], str | None]


@dataclass(frozen=True)
class Fault:
    """One fault that can be planted.

    Attributes:
        kind: one of the kinds of the table that the command prints.
        path: the file that it changes, from the course's folder, with ``/``.
        what: one line that says what is changed; with kind and path it names the fault.
        edit: plants it.
        cell: where only one cell's stored outputs change, its number as nbval counts it: from 0,
            code cells only. Such faults in different cells do not disturb each other.
    """

    kind: str
    path: str
    what: str
    edit: Edit
    cell: int | None = None

    @property
    def place(self) -> str:
        """The notebook or file as `Accepted` and the progress lines name it."""
        return self.path.removeprefix("notebooks/").removesuffix(".ipynb")

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


@dataclass(frozen=True)
class Accepted:
    """A line of ``faults.toml``: faults that no test needs to notice, and why."""

    kind: str
    place: str
    what: str
    reason: str

    def covers(self, fault: Fault) -> bool:
        """Tell whether the fault is one of these. ``*`` stands for any text."""
        pairs = [(fault.kind, self.kind), (fault.place, self.place), (fault.what, self.what)]
        return all(matches(text, pattern) for text, pattern in pairs)


def matches(text: str, pattern: str) -> bool:
    """Like fnmatch, but only ``*`` is special: code is full of brackets and question marks."""
    escaped = pattern.replace("[", "[[]").replace("?", "[?]")
    return fnmatch.fnmatchcase(text, escaped)


def read_accepted(path: Path = ACCEPTED) -> list[Accepted]:
    """Read the table of accepted survivors."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return [Accepted(**row) for row in table.get("accepted", [])]


def number_equal_ones(faults: Iterable[Fault]) -> list[Fault]:
    """Give each fault a name of its own: the second of the same name gets ``(2)``."""
    counts: dict[str, int] = defaultdict(int)
    named = []
    for fault in faults:
        name = f"{fault.kind} {fault}"
        counts[name] += 1
        if counts[name] > 1:
            what = f"{fault.what} ({counts[name]})"
            fault = Fault(fault.kind, fault.path, what, fault.edit, fault.cell)
        named.append(fault)
    return named


def choose(faults: list[Fault], limit: int) -> list[Fault]:
    """Choose at most ``limit`` faults of each kind in each file, the same ones in every run.

    Args:
        faults: all that can be planted.
        limit: 0 chooses all.
    """
    if limit == 0:
        return faults
    groups: dict[tuple[str, str], list[Fault]] = defaultdict(list)
    for fault in faults:
        groups[fault.kind, fault.path].append(fault)
    chosen = []
    for (kind, path), group in groups.items():
        rng = random.Random(f"{kind} {path}")
        numbers = rng.sample(range(len(group)), min(limit, len(group)))
        chosen += [group[number] for number in sorted(numbers)]
    return chosen
