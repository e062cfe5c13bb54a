"""A way to know: the same values or bytes, an expected error, a right answer."""

import contextlib
import functools
import hashlib
import inspect
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from helpers.runs import course_folder, relative_to_here, runs_folder

import numpy as np
import tensorflow as tf

UNFINISHED = (":", "{", "[", "(", ",")  # the end of a line that does not end a sentence


def same_values(one: Any, other: Any) -> bool:
    """Tell whether two tensors, arrays, variables or nests of them are equal to the last bit.

    Structure, shapes and dtypes have to agree too. NaN equals NaN if its bits do, and 0.0 is not
    -0.0.
    """
    try:
        tf.nest.assert_same_structure(one, other)
    except (TypeError, ValueError):
        return False
    pairs = zip(tf.nest.flatten(one), tf.nest.flatten(other), strict=True)
    return all(_fingerprint(left) == _fingerprint(right) for left, right in pairs)


def compute_sha256(path: Path) -> str:
    """Return the SHA-256 of all bytes of a file, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def refuse_other_bytes(path: Path, published: str, remedy: str) -> None:
    """Do nothing if the bytes of a file are the published ones.

    Args:
        path: the file.
        published: the SHA-256 of the right one, as 64 hexadecimal digits.
        remedy: what to do if it is another one, for the message.

    Raises:
        ValueError: its SHA-256 is another one.
    """
    found = compute_sha256(path)
    if found != published:
        hashes = f"SHA-256 is {found[:12]}…, published is {published[:12]}…"
        raise ValueError(f"{path.name}: {hashes}: do not load it, {remedy}")


@contextlib.contextmanager
def expect_error(kind: type[Exception], containing: str = "") -> Iterator[None]:
    """Print the error that the body must raise: its type, and its first line with ``containing``.

    A line that ends in a colon or a bracket is followed by the next ones, up to 160 characters.

    Raises:
        AssertionError: no error came, or one without that text. Another type goes through.
    """
    try:
        yield
    except kind as error:
        _print_line(type(error).__name__, str(error), containing)
    else:
        raise AssertionError(f"expected {kind.__name__}, but nothing was raised")


def exercise(check: Callable[..., str | None]) -> Callable[..., None]:
    """Turn the check of an exercise into the function that an answer cell calls.

    The new function prints one line: "not answered yet" while an answer is still ``...``;
    "not yet: " and the reason; or "right". It never raises.

    Args:
        check: takes the learner's answers and returns in one line what is wrong with them, or None
            if nothing is. An annotation of a parameter is the type that this answer has to have.

    Example:
        >>> @exercise
        ... def check_sum(number: int):
        ...     if number != 12:
        ...         return f"4 + 8 is not {number}"
        >>> check_sum(...)
        not answered yet
        >>> check_sum("twelve")
        not yet: number should be of type int, found 'twelve'
        >>> check_sum(13)
        not yet: 4 + 8 is not 13
        >>> check_sum(12)
        right
    """

    @functools.wraps(check)
    def judge(*answers: Any) -> None:
        print(_verdict(check, answers))

    return judge


def _print_line(label: str, text: str, containing: str) -> None:
    lines = text.splitlines() or [""]
    matching = [number for number, line in enumerate(lines) if containing in line]
    if not matching:
        raise AssertionError(f"expected {label} with {containing!r}, but got: {text}")
    line = lines[matching[0]].strip()
    if line.endswith(UNFINISHED):
        line = _one_line(" ".join(lines[matching[0] :]))
    print(f"{label}: {_without_this_machine(line)}")


def _without_this_machine(line: str) -> str:
    """Write the paths of the course as they are on every machine, wherever its runs lie."""
    relative = relative_to_here(runs_folder())
    if relative.parts[0] == "..":  # a shorter path could stand in any word
        line = _rename(line, relative, "../runs")
    line = _rename(line, runs_folder(), "…/runs")
    return _rename(line, course_folder(), "…")


def _rename(line: str, folder: Path, name: str) -> str:
    """Write another name for a folder, and ``/`` in the paths that lead into it."""

    def renamed(path: re.Match) -> str:
        return name + path["rest"].replace(os.sep, "/")

    if folder == folder.parent:  # the root is no name to look for
        return line
    spellings = "|".join(re.escape(spelling) for spelling in (str(folder), folder.as_posix()))
    return re.sub(rf"(?:{spellings})(?P<rest>\S*)", renamed, line)


def _fingerprint(value: Any) -> tuple:
    array = np.asarray(value)
    if array.dtype == object:  # texts, whose bytes are no part of the array
        content = array.tolist()
    else:
        content = array.tobytes()
    return array.shape, array.dtype, content


def _verdict(check: Callable[..., str | None], answers: tuple[Any, ...]) -> str:
    if any(answer is ... for answer in answers):
        return "not answered yet"
    parameters = inspect.signature(check).parameters.values()
    if len(answers) != len(parameters):
        return f"not yet: {check.__name__} takes {len(parameters)} answers, found {len(answers)}"
    for parameter, answer in zip(parameters, answers, strict=True):
        wrong_type = _wrong_type(parameter, answer)
        if wrong_type:
            return f"not yet: {wrong_type}"
    try:
        reason = check(*answers)
    # An answer can be anything, a function that ends the program too: what it causes is one line.
    except (Exception, SystemExit) as error:
        reason = f"the check met {type(error).__name__}: {error}"
    return f"not yet: {_one_line(reason)}" if reason else "right"


def _wrong_type(parameter: inspect.Parameter, answer: Any) -> str:
    wanted = parameter.annotation
    if wanted is parameter.empty or isinstance(answer, wanted):
        return ""
    name = getattr(wanted, "__name__", str(wanted))
    return f"{parameter.name} should be of type {name}, found {_one_line(repr(answer))}"


def _one_line(text: str, longest: int = 160) -> str:
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
