"""What an inspection finds in a file: alarms and notes."""

from typing import NamedTuple


class Alarm(NamedTuple):
    """A thing that is not known as harmless, and its place in the file."""

    what: str
    where: str


class Note(NamedTuple):
    """A fact that is good to know, and no reason for distrust."""

    text: str


Finding = Alarm | Note
