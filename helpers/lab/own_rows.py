"""Checks of rows that a learner writes for the table of messages."""

import json
import re
import tempfile
from pathlib import Path
from typing import Any

from helpers.messages.explain import find, make_row, rows
from helpers.runs import find_notebook

import tensorflow as tf

OWN = [
    "ValueError: Layer 'a' not found in h.tflite",
    "ValueError: Layer 'head' not found in model.tflite",
    "ValueError: Layer 'my_head/out_1' not found in a b.tflite",
]
OTHERS = [
    "ModuleNotFoundError: No module named 'x', not found",
    "Layer 'a' not found in model.h5",
    "Layer 'a' in h.tflite",
    "ValueError: Layer 'a' not found in model_tflite.h5",
    "ValueError: Label 'a' not found in h.tflite",
]
OTHER_ERRORS = [
    "ValueError: Expected input batch_size (32) to match target batch_size (16).",
    "ValueError: Got 3 with type <class 'int'>, and a text is needed",
    "RuntimeError: Prepare the model for export first",
]


def find_fault_of_pattern(narrow: str) -> str | None:
    """Say what is wrong with a pattern for a layer that is not found in a .tflite file.

    Args:
        narrow: a regular expression.

    Returns:
        One line, or None if it finds all such messages, and none of the table.

    Raises:
        re.error: it is no regular expression.
    """
    for message in OWN:
        if not re.search(narrow, message):
            return f"it does not find {message!r}"
    for message in [*OTHERS, *_known_messages()]:
        if re.search(narrow, message):
            return f"it finds {message[:80]!r} too"
    return None


def find_fault_of_row(entry: dict[str, Any]) -> str | None:
    """Say what is wrong with a row for what cannot be saved as a SavedModel.

    Args:
        entry: ``begins``, ``pattern``, ``cause``, ``way_out``, ``notebook`` and ``heading``.

    Returns:
        One line, or None if the row answers for this message alone and leads to a notebook.

    Raises:
        ValueError: a key is missing, or not known.
    """
    row = make_row({"name": "own", "group": "SavedModel", **entry})
    for thing in (3, "a text", {"a": 1}):
        message = _message_of_save(thing)
        found = find(message, (row, *rows()))
        if not found or found.row != row:
            return f"the row does not answer for {message[:60]!r}"
        if _beginning(row.begins) not in message:
            return f"begins is {row.begins!r}, and the message begins otherwise"
    for text in [*OTHER_ERRORS, *_known_messages()]:
        if re.search(row.pattern, text):
            return f"its pattern finds {text[:60]!r} too"
    if min(len(row.cause), len(row.way_out)) < 15:
        return "cause and way_out are sentences"
    try:
        headings = _headings(find_notebook(row.notebook))
    except FileNotFoundError:
        return f"there is no notebook {row.notebook!r}"
    if row.heading not in headings:
        return f"{row.notebook} has no heading {row.heading!r}"
    return None


def _beginning(begins: str) -> str:
    """Return the words before the first …, and a text that no message has if there are none."""
    return begins.partition("…")[0].strip() or "\0"


def _headings(notebook: Path) -> list[str]:
    """Return the headings of the sections of a notebook."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    lines = [line for text in texts for line in text.splitlines()]
    return [line.removeprefix("## ") for line in lines if line.startswith("## ")]


def _known_messages() -> list[str]:
    return [row.text or row.begins for row in rows()]


def _message_of_save(thing: Any) -> str:
    with tempfile.TemporaryDirectory() as folder:
        try:
            tf.saved_model.save(thing, folder)
        except ValueError as error:
            return f"ValueError: {error}"
    return ""
