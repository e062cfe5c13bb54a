"""Requests to stop that are sent to this very process, where they cannot end it."""

import contextlib
import signal
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any


class UnheardRequests:
    """Notes each SIGTERM for which nobody else has a handler.

    Attributes:
        have_come: whether there was one. It would have ended a program.
    """

    have_come = False

    def note(self, number: int, frame: FrameType | None) -> None:
        """Be the handler of the signal."""
        self.have_come = True

    def is_handler(self) -> bool:
        """Tell whether it still is, or again, the handler of the signal."""
        return signal.getsignal(signal.SIGTERM) == self.note


@contextlib.contextmanager
def hear_requests() -> Iterator[UnheardRequests]:
    """Note each SIGTERM that nobody in the block handles, and bring the old handler back."""
    unheard = UnheardRequests()
    before = signal.signal(signal.SIGTERM, unheard.note)
    try:
        yield unheard
    finally:
        signal.signal(signal.SIGTERM, before)


def ask_in_the_middle(items: Iterable[Any], number: int) -> Iterator[Any]:
    """Yield items, and send SIGTERM to this process while the one with this number is fetched.

    Args:
        items: anything.
        number: of an item, counted from 0.
    """
    for place, item in enumerate(items):
        if place == number:
            signal.raise_signal(signal.SIGTERM)
        yield item


def steps_of(lines: Iterable[str]) -> list[int]:
    """Return the number of each step among the lines that ``train_loop.py`` prints.

    Example:
        >>> steps_of(["going on after ckpt-2", "step 3 loss 0.5", "saved ckpt-3"])
        [3]
    """
    return [int(line.split()[1]) for line in lines if line.startswith("step ")]


def find_fault(
    add_up: Callable[[Iterator[int], Path], Any], folder: Path, other: Path
) -> str | None:
    """Say in one line what is wrong with a function that adds numbers until it is asked to stop.

    SIGTERM comes while it waits for number 7 of the numbers from 0 to 19. It is called again with
    the rest of them, and once with another folder.

    Args:
        add_up: takes an iterator of numbers and a folder, and returns the total.
        folder: new, where the total is saved.
        other: new too.

    Raises:
        TypeError: a total is no number.
    """
    numbers = ask_in_the_middle(range(20), number=7)
    with hear_requests() as unheard:
        first = int(add_up(numbers, folder))
        if unheard.have_come:
            return "the request came, and nobody heard it"
        if not unheard.is_handler():
            return "the old handler is not back"
        rest = list(numbers)
        if rest != list(range(8, 20)):
            return f"{len(rest)} of 20 numbers were left after a request at the eighth"
        if first != sum(range(8)):
            return f"after the request it returned {first}"
        total = int(add_up(iter(rest), folder))
        if total != sum(range(20)):
            return f"called again with the rest, it returned {total}"
        total = int(add_up(iter([1, 2]), other))
        if total != sum([1, 2]):
            return f"in a new folder it returned {total} for 1 and 2"
    return None
