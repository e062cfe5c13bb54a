"""Requests to stop that are sent to this very process, where they cannot end it."""

import contextlib
import signal
from collections.abc import Iterable, Iterator
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
