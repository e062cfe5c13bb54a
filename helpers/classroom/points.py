"""A point for an exercise, which a teacher's program can count.

A notebook's check answers the learner. A point answers the teacher, so it asks the check as it was
before the learner's answer: what an answer puts in the place of a function does not count. This is
no protection against somebody who wants to deceive, because the answer runs in the same process.
"""

import contextlib
import inspect
import io
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from helpers.prove import exercise

# What checks compare and read with. Other packages replace functions of their own while they work.
GUARDED = {"hashlib", "helpers", "json", "keras", "math", "numpy", "shutil", "tensorflow"}
DEPTH = 2  # tf, tf.train; np, np.testing

# The functions of the cells with checks, by their names.
_checks: dict[str, Callable[..., Any]] = {}
# What a notebook has imported, by the names that it uses.
_imported: dict[str, Any] = {}
# The functions and classes in the guarded modules, each with its module and its name there.
_originals: list[tuple[Any, str, Any]] = []


def remember(names: dict[str, Any], checks: Sequence[str]) -> None:
    """Keep a notebook's checks and imports as they are now, before they are answered.

    Args:
        names: the names of the notebook, `globals()`.
        checks: the functions that a cell with a check has defined.
    """
    for check in checks:
        _checks[check] = names[check]
    for name, value in names.items():
        if _is_imported(value):
            _imported.setdefault(name, value)
    if not _originals:
        _originals.extend(_guarded(names))


def restore(names: dict[str, Any]) -> None:
    """Put back the imports that were remembered, before the next check is defined with them.

    Args:
        names: the names of the notebook, `globals()`, which are changed.
    """
    _put_back()
    names.update(_imported)


def point(check: str, *answers: Any) -> int:
    """Return 1 if a check that was remembered says "right" to these answers, and 0 if not.

    Raises:
        RuntimeError: the check was not remembered.
    """
    return int(judge(check, *answers) == "right")


def judge(check: str, *answers: Any) -> str:
    """Return the line that a check that was remembered prints of these answers.

    Args:
        check: its name.
        answers: the learner's.

    Raises:
        RuntimeError: the check was not remembered.
    """
    if check not in _checks:
        raise RuntimeError(f"nobody remembers {check}: run all cells, from the top")
    _put_back()
    printed = io.StringIO()
    # What an answer prints is neither a verdict nor a fault.
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
        exercise(_as_remembered(check))(*answers)
    return printed.getvalue().splitlines()[-1]


def _is_imported(value: Any) -> bool:
    if isinstance(value, types.ModuleType):
        return True
    is_definition = isinstance(value, type | types.FunctionType | types.BuiltinFunctionType)
    return is_definition and getattr(value, "__module__", None) != "__main__"


def _as_remembered(check: str) -> Callable[..., str | None]:
    """Return a check that sees the imports and the other checks as they were remembered."""
    names: dict[str, Any] = {}
    copies: dict[str, Callable[..., Any]] = {}
    for name, function in _checks.items():
        if name == check:
            function = inspect.unwrap(function)  # without the `exercise` around it
        copies[name] = _copy_with(names, function)
    names.update(_imported)
    names.update(copies)
    return copies[check]


def _copy_with(names: dict[str, Any], function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that looks up names in a dictionary, which gets those of the notebook."""
    # What a decorator has made of a function has no names of the notebook.
    if not isinstance(function, types.FunctionType) or function.__closure__:
        return function
    names.update(function.__globals__)
    copy = types.FunctionType(function.__code__, names, function.__name__, function.__defaults__)
    copy.__annotations__ = function.__annotations__
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def _guarded(names: dict[str, Any]) -> Iterator[tuple[Any, str, Any]]:
    """List what must not be replaced: functions of guarded modules, and methods of `Path`."""
    imported = [value for value in names.values() if isinstance(value, types.ModuleType)]
    ours = [module for name, module in sys.modules.items() if name.startswith("helpers.")]
    for module in _modules_in([*imported, *ours]):
        for name, value in list(vars(module).items()):
            if callable(value):
                yield module, name, value
    methods: dict[str, Any] = {}
    for base in reversed(Path.__mro__):  # from Python 3.13 on, Path inherits most of its methods
        if base is not object:
            methods.update(vars(base))
    for name, value in methods.items():
        if callable(value):
            yield Path, name, value


def _modules_in(modules: Sequence[types.ModuleType]) -> list[types.ModuleType]:
    """Return the guarded ones of some modules, and the modules in them."""
    found: dict[int, types.ModuleType] = {}
    for _ in range(DEPTH):
        guarded = [module for module in modules if _root_of(module) in GUARDED]
        found.update({id(module): module for module in guarded})
        inside = [value for module in guarded for value in vars(module).values()]
        modules = [value for value in inside if isinstance(value, types.ModuleType)]
    return list(found.values())


def _root_of(module: types.ModuleType) -> str:
    """Return the first part of a module's name; a module that is not loaded yet has none."""
    return vars(module).get("__name__", "").split(".")[0]


def _put_back() -> None:
    for owner, name, original in _originals:
        if vars(owner).get(name) is not original:
            setattr(owner, name, original)
