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
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from .findings import Alarm, Finding, Note
from .keras_files import inspect_h5, inspect_keras
from .python_files import inspect_npy, inspect_pickle
from .special_files import refuse_pipe_or_device
from .tensorflow_files import inspect_checkpoint, inspect_meta_graph, inspect_saved_model

LONGEST_LINE = 200  # characters


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
        path: A file that ends in ``.keras``, ``.h5``, ``.hdf5``, ``.meta``, ``.npy``, ``.pkl`` or
            ``.pickle``, the folder of a SavedModel, or the prefix of a checkpoint.
        also: Names that you know as harmless, written as an alarm writes them before its colon.

    Returns:
        The alarms and the notes. No file makes it raise an error. One that is missing, damaged, of
        another kind or not ours to read has an alarm that begins with ``not judged``.

    >>> import numpy as np
    >>> from inspect_model import inspect_model
    >>> np.save("numbers.npy", np.ones(3))
    >>> inspect_model("numbers.npy")
    Findings(alarms=[], notes=['numbers and text only'])
    >>> inspect_model("words.txt").alarms
    ['not judged: no file of a kind that is known here, no prefix of a checkpoint']
    """
    path = Path(path)
    places: dict[str, list[str]] = {}  # of each alarm
    notes: dict[str, None] = {}  # each text once, in the order of the file
    try:
        for finding in _inspect(path):
            match finding:
                case Alarm(what, where):
                    places.setdefault(what, []).append(where)
                case Note(text):
                    notes[text] = None
    except Exception as error:  # Whatever it is, the file has not passed.
        reason = str(error).partition("\n")[0]
        places["not judged"] = [reason or type(error).__name__]

    accepted = set(also)
    alarms = [_alarm_line(what, places[what]) for what in places if what not in accepted]
    return Findings(alarms, [_printable(text) for text in notes])


def _inspect(path: Path) -> Iterator[Finding]:
    """Choose who reads a file, by its ending as Keras and NumPy do."""
    if path.is_dir():
        return inspect_saved_model(path)
    refuse_pipe_or_device(path)
    match path.suffix:
        case ".keras":
            return inspect_keras(path)
        case ".h5" | ".hdf5":
            return inspect_h5(path)
        case ".meta":
            return inspect_meta_graph(path)
        case ".npy":
            return inspect_npy(path)
        case ".pkl" | ".pickle":
            return inspect_pickle(path)
        case _:
            return inspect_checkpoint(path)


def _alarm_line(what: str, places: list[str]) -> str:
    line = f"{what}: {places[0]}"
    if len(places) > 1:
        line += f" and {len(places) - 1} more"
    return _printable(line)


def _printable(line: str) -> str:
    """Shorten a line, and leave out what could move the cursor of a terminal."""
    return "".join(filter(str.isprintable, line))[:LONGEST_LINE]
