"""Say what produced a file: a note beside it, which is read back and compared with the file.

Needs only Python's standard library.

A model in a folder does not tell from which code, settings and data it was made, nor how good it
was. ``write_note`` puts this beside the file, and ``read_note`` returns it, but only if the file is
still the one that the note was written for:

>>> from pathlib import Path
>>> from provenance import read_note, write_note
>>> size = Path("model.keras").write_bytes(b"the weights of today")
>>> write_note("model.keras", {"learning_rate": 0.01, "accuracy": 0.9})
>>> read_note("model.keras")["accuracy"]
0.9

A file that was replaced or damaged after the note is noticed:

>>> size = Path("model.keras").write_bytes(b"the weights of tomorrow")
>>> read_note("model.keras")
Traceback (most recent call last):
ValueError: model.keras is not the file of its note: save it and write the note again

What it does not do: it cannot know whether a fact is true, and whoever can change the file can
change the note too. The file and the note are two files. Between the two writes a crash leaves a
note that does not fit, and ``read_note`` says so.
"""

import hashlib
import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FILE_HASH = "sha256"  # the key that `write_note` adds
ENDING = ".note.json"


def write_note(path: Path | str, facts: Mapping[str, Any]) -> None:
    """Write facts about a file into a note beside it, with the hash of the file.

    The note of ``model.keras`` is ``model.keras.note.json``. It is written under another name and
    then renamed, so there is an old note or a new one, and never half of one.

    Args:
        path: a file that has been saved.
        facts: what produced it, by name: numbers, texts, lists and dictionaries of these.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a fact that cannot be written as JSON, or that is called "sha256".
    """
    path = Path(path)
    if FILE_HASH in facts:
        raise ValueError(f"{FILE_HASH!r} is the hash of the file: give this fact another name")
    note = {FILE_HASH: hash_file(path), **facts}
    try:
        text = json.dumps(note, indent=2, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"the note of {path.name} cannot be JSON: {error}") from None

    with tempfile.TemporaryDirectory(prefix=".saving-", dir=path.parent) as folder:
        new = Path(folder) / "note.json"
        with new.open("w", encoding="utf-8", newline="\n") as stream:
            stream.write(text + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(_note_of(path))


def read_note(path: Path | str) -> dict[str, Any]:
    """Return the facts in the note of a file, if the file is the one that it was written for.

    Raises:
        FileNotFoundError: the file or its note is missing.
        ValueError: the file has changed since, or the note is damaged.
    """
    path = Path(path)
    note = _note_of(path)
    if not note.is_file():
        raise FileNotFoundError(f"no {note.name} in {path.parent.as_posix()}: use write_note first")
    try:
        facts = json.loads(note.read_text(encoding="utf-8"))
        written_for = facts.pop(FILE_HASH)
    except (ValueError, KeyError, AttributeError, TypeError):
        raise ValueError(f"{note.name} is damaged: take another copy") from None
    if written_for != hash_file(path):
        raise ValueError(
            f"{path.name} is not the file of its note: save it and write the note again"
        )
    return facts


def hash_file(path: Path | str) -> str:
    """Return the SHA-256 of a file, 64 hexadecimal digits.

    Raises:
        FileNotFoundError: there is no such file.
    """
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def hash_arrays(*arrays: Any) -> str:
    """Return the SHA-256 of NumPy arrays: of their types, shapes and numbers, in this order.

    Args:
        *arrays: arrays of numbers, texts of fixed length or booleans.

    Raises:
        ValueError: an array of Python objects, whose bytes are only addresses.
    """
    digest = hashlib.sha256()
    for array in arrays:
        if array.dtype.hasobject:
            raise ValueError(f"an array of type {array.dtype} holds addresses: hash a file instead")
        digest.update(f"{array.dtype.str} {array.shape};".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def current_commit(folder: Path | str = ".") -> str:
    """Return the commit of the code in a folder, as ``git describe --always --dirty`` prints it.

    It ends in "-dirty" if a file that git knows has changed since the commit. It is "unknown" if
    the folder is in no repository, or if there is no git.
    """
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty"]
    try:
        answer = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
    except OSError:
        return "unknown"
    return answer.stdout.strip() or "unknown"


def _note_of(path: Path) -> Path:
    return path.with_name(path.name + ENDING)
