"""A look into a model file before anything loads it: what it names that is not known as harmless.

Nothing in the file is run: no object is made, no graph imported, nothing unpickled. What a file may
name is in ``known_names.txt``. All else is told, so what nobody has thought of is told too.
"""

import pickletools
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .keras_files import look_at_h5, look_at_keras
from .tensorflow_files import KNOWN, Seen, look_at_checkpoint, look_at_meta, look_at_saved_model


class Findings(NamedTuple):
    """Lines: what is not known as harmless, and what else there is to know."""

    alarms: list[str]
    notes: list[str]


def inspect_model(path: Path | str, also: Collection[str] = ()) -> Findings:
    """Look into a ``.keras``, ``.h5``, ``.meta``, ``.npy`` or ``.pkl``, a SavedModel, a checkpoint.

    ``path`` is a file, the folder of a SavedModel or the prefix of a checkpoint. ``also`` are names
    that you know as harmless. A file that is damaged or of another kind is an alarm, not an error.
    """
    path, alarms, notes = Path(path), {}, {}
    look = look_at_saved_model if path.is_dir() else LOOKS.get(path.suffix, look_at_checkpoint)
    try:
        for what, where in look(path):
            (alarms if where else notes).setdefault(what, []).append(where)
    except Exception as error:  # whatever it is: what breaks the look has not passed it
        alarms["not judged"] = [str(error).partition("\n")[0] or type(error).__name__]
    lines = []
    for what in [what for what in alarms if what not in {*also}]:
        first, *rest = alarms[what]
        lines.append(_printable(f"{what}: {first}{f' and {len(rest)} more' if rest else ''}"))
    return Findings(lines, [_printable(what) for what in notes])


def _printable(line: str) -> str:
    """A line without what could move the cursor of a terminal, and not without end."""
    return "".join(filter(str.isprintable, line))[:200]


def _look_at_npy(path: Path) -> Seen:
    with path.open("rb") as stream:
        if np.lib.format.read_magic(stream) == (1, 0):
            _, _, dtype = np.lib.format.read_array_header_1_0(stream)
        else:
            _, _, dtype = np.lib.format.read_array_header_2_0(stream)
    if dtype.hasobject:
        yield "a pickle", "of objects, which allow_pickle=True would load"
    else:
        yield "numbers and text only", ""


def _look_at_pickle(path: Path) -> Seen:
    with path.open("rb") as stream:
        for opcode, argument, position in pickletools.genops(stream):
            if opcode.name not in KNOWN["pickle"]:
                yield f"opcode {opcode.name}", f"at byte {position} {argument or ''}".rstrip()
        if stream.read(1):
            yield "more bytes", "after the end of the pickle"


LOOKS = {".keras": look_at_keras, ".h5": look_at_h5, ".hdf5": look_at_h5, ".meta": look_at_meta}
LOOKS |= {".npy": _look_at_npy, ".pkl": _look_at_pickle, ".pickle": _look_at_pickle}
