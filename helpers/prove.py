"""A way to know: the same values to the last bit, and an expected error or log line in one line."""

import contextlib
import logging
import logging.handlers
from collections.abc import Iterator
from typing import Any

from helpers.runs import COURSE

import numpy as np
import tensorflow as tf


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


@contextlib.contextmanager
def expect_error(kind: type[Exception], containing: str = "") -> Iterator[None]:
    """Print the error that the body must raise: its type, and its first line with ``containing``.

    Raises:
        AssertionError: no error came, or one without that text. Another type goes through.
    """
    try:
        yield
    except kind as error:
        _print_line(type(error).__name__, str(error), containing)
    else:
        raise AssertionError(f"expected {kind.__name__}, but nothing was raised")


@contextlib.contextmanager
def expect_log(containing: str) -> Iterator[None]:
    """Print, and hold back, what TensorFlow logs in the body: its first line with ``containing``.

    Raises:
        AssertionError: no error was logged, or none with that text.
    """
    logger, heard = tf.get_logger(), logging.handlers.BufferingHandler(capacity=1000)
    before = logger.handlers, logger.propagate
    logger.handlers, logger.propagate = [heard], False
    try:
        yield
    finally:
        logger.handlers, logger.propagate = before
    if not heard.buffer:
        raise AssertionError("expected a logged error, but nothing was logged")
    text = "\n".join(record.getMessage() for record in heard.buffer)
    _print_line("logged", text, containing)


def _print_line(label: str, text: str, containing: str) -> None:
    lines = [line for line in text.splitlines() or [""] if containing in line]
    if not lines:
        raise AssertionError(f"expected {label} with {containing!r}, but got: {text}")
    print(f"{label}: {lines[0].strip().replace(str(COURSE), '…')}")


def _fingerprint(value: Any) -> tuple:
    array = np.asarray(value)
    return array.shape, array.dtype, array.tolist() if array.dtype == object else array.tobytes()
