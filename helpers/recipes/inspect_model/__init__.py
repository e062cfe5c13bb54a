"""Inspect a model file before anything loads it, and find what is not known as harmless.

Needs TensorFlow.

Nothing in the file runs: no object is made, no graph is imported, nothing is unpickled. What the
file names is compared with an allowlist, ``known_names.txt``. Everything else is an alarm, so that
a trick which nobody has thought of is an alarm too.

>>> import keras
>>> from inspect_model import inspect_model
>>> code = keras.layers.Lambda(lambda inputs: 2 * inputs)
>>> keras.Sequential([keras.Input((2,)), code]).save("stranger.keras")
>>> for alarm in inspect_model("stranger.keras").alarms:
...     print(alarm)
keras.layers.Lambda: in config.config.layers.1
__lambda__: in config.config.layers.1.config.function

On the command line, ``python -m inspect_model FILE...`` prints the same. It ends with 0 if nothing
was found, with 1 if a file has an alarm, and with 2 if none has, but something could not be
inspected: a file was not judged, the command itself is wrong, or TensorFlow is missing.

What a file does on purpose with its numbers, no inspection can tell: a model may answer wrongly to
one input, or run without an end. And it says nothing of errors in what reads the file.
"""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

from .findings import Alarm, Finding, Note
from .limits import MOST_ALARMS

NOT_JUDGED = "not judged"  # how the alarm of a file begins that could not be inspected
LONGEST_LINE = 200  # characters
LONGEST_NAME = 1_000  # characters of what an alarm names, before any are left out


class Findings(NamedTuple):
    """What an inspection has found, in lines of text that are safe to print.

    Attributes:
        alarms: What is not known as harmless, a colon, and the place where it is.
        notes: What else is good to know.
    """

    alarms: list[str]
    notes: list[str]


def inspect_model(path: Path | str, also: Collection[str] = ()) -> Findings:
    """Find what in a model file is not known as harmless, without loading the file.

    Args:
        path: A file that ends in ``.keras``, ``.h5``, ``.hdf5``, ``.meta``, ``.pb``, ``.npy``,
            ``.npz``, ``.pkl``, ``.pickle`` or ``.safetensors``, the folder of a SavedModel, or the
            prefix of a checkpoint.
        also: Names that you know as harmless, written as an alarm writes them before its colon.

    Returns:
        The alarms and the notes. No file makes it raise an error, wait, or fill the memory: the
        limits are in ``limits.py``. A file that exceeds one, and one that is missing, damaged, of
        another kind or not ours to read, has an alarm that begins with ``not judged``.

    Raises:
        TypeError: If ``path`` is no path.
        ImportError: If TensorFlow is missing.

    >>> import numpy as np
    >>> from inspect_model import inspect_model
    >>> np.save("numbers.npy", np.ones(3))
    >>> inspect_model("numbers.npy")
    Findings(alarms=[], notes=['numbers and text only'])
    >>> inspect_model("words.txt").alarms
    ['not judged: no file of a kind that is known here, no prefix of a checkpoint']
    """
    # Not at the top: only here can the command say in one line that TensorFlow is missing.
    from .kinds import inspect_any

    path = Path(path)
    collected = _Collected()
    try:
        collected.add_all(inspect_any(path))
    except RecursionError:
        collected.add(Alarm(NOT_JUDGED, "nested too deep"))
    except Exception as error:  # Whatever it is, the file has not passed.
        reason = str(error).partition("\n")[0]
        collected.add(Alarm(NOT_JUDGED, reason or type(error).__name__))

    accepted = set(also)
    alarms = [line for what, line in collected.alarm_lines() if what not in accepted]
    return Findings(alarms, [printable(text) for text in collected.notes])


class _Collected:
    """Alarms by what they name, and notes, each in the order of the file and none twice."""

    def __init__(self) -> None:
        self._places: dict[str, str] = {}  # The first one of each alarm.
        self._times: dict[str, int] = {}
        self.notes: dict[str, None] = {}

    def add_all(self, findings: Iterable[Finding]) -> None:
        """Add findings until they are too many to be read."""
        for finding in findings:
            self.add(finding)
            if len(self._places) + len(self.notes) > MOST_ALARMS:
                raise ValueError(
                    f"more than {MOST_ALARMS:,} alarms and notes, the rest is not read"
                )

    def add(self, finding: Finding) -> None:
        """Add one alarm or note."""
        match finding:
            case Alarm(what, where):
                name = what[:LONGEST_NAME]
                self._places.setdefault(name, where[:LONGEST_NAME])
                self._times[name] = self._times.get(name, 0) + 1
            case Note(text):
                self.notes[text[:LONGEST_NAME]] = None

    def alarm_lines(self) -> Iterable[tuple[str, str]]:
        """Yield what each alarm names, and its line."""
        for what, place in self._places.items():
            line = f"{what}: {place}"
            times = self._times[what]
            if times > 1:
                line += f" and {times - 1} more"
            yield what, printable(line)


def printable(line: str) -> str:
    """Shorten a line, and leave out what could move the cursor of a terminal."""
    return "".join(filter(str.isprintable, line))[:LONGEST_LINE]
