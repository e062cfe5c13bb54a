"""Keras' files: do they name only classes and functions that are on the list?"""

import builtins
import importlib
import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import h5py

from .findings import Alarm, Finding, Note
from .hdf5 import inspect_arrays
from .known_names import KNOWN_NAMES

KERAS_NAMES = {head: names for head, names in KNOWN_NAMES.items() if head.startswith("keras")}
NAMES_WITHOUT_MODULE = KNOWN_NAMES["data"].union(*KERAS_NAMES.values())

# What a .keras holds beside its architecture and its weights.
OTHER_MEMBERS = re.compile(r"metadata\.json|assets/[\w/]+/vocabulary\.txt")
# Numbers do not shrink a hundredfold: a member that does is made to fill the memory.
LARGEST_FACTOR = 100
ALWAYS_FINE = 10_000_000  # bytes


def inspect_keras(path: Path) -> Iterator[Finding]:
    """Inspect the members, the architecture and the weights of a ``.keras``, which is a zip."""
    with zipfile.ZipFile(path) as archive:
        times = Counter(archive.namelist())
        for member in archive.infolist():
            name = member.filename
            if times[name] > 1:
                yield Alarm(name, "is in the archive twice")  # Readers differ in which they take.
            elif _is_bomb(member):
                sizes = f"from {member.compress_size:,} to {member.file_size:,} bytes"
                yield Alarm(name, f"unpacks {sizes}")
            elif name == "config.json":
                yield from _inspect_architecture(archive.read(name), "config")
            elif name == "model.weights.h5":
                yield from inspect_arrays(io.BytesIO(archive.read(name)))
            elif not OTHER_MEMBERS.fullmatch(name):
                yield Alarm(name, "Keras writes no such member")
        archive.getinfo("config.json")  # A KeyError, if there is none.


def inspect_h5(path: Path) -> Iterator[Finding]:
    """Inspect the arrays of a ``.h5``, and its architecture if it has one."""
    alarms = list(inspect_arrays(path))
    yield from alarms
    with h5py.File(path) as tree:
        configurations = {"model_config", "training_config"}.intersection(tree.attrs)
        for key in sorted(configurations):
            yield from _inspect_architecture(tree.attrs[key], key)
    if not configurations and not alarms:
        yield Note("numbers only")


def _is_bomb(member: zipfile.ZipInfo) -> bool:
    return member.file_size > max(ALWAYS_FINE, LARGEST_FACTOR * member.compress_size)


def _inspect_architecture(text: bytes | str, where: str) -> Iterator[Finding]:
    configuration = json.loads(text)
    if not isinstance(configuration, dict):
        raise TypeError(f"{where} describes no model")
    yield from _inspect_tree(configuration, where)


def _inspect_tree(node: dict[str, Any] | list[Any], where: str) -> Iterator[Finding]:
    """Inspect what a part of a configuration names, however deep: classes, functions, files."""
    children: Iterable[tuple[Any, Any]] = enumerate(node)
    if isinstance(node, dict):
        children = node.items()
        if "class_name" in node:
            yield from _inspect_class(node, where)
    for key, child in children:
        if key == "vocabulary" and isinstance(child, str):
            yield Alarm(f"vocabulary {child}", f"a file that {where} reads")
        elif isinstance(child, dict | list):
            yield from _inspect_tree(child, f"{where}.{key}")


def _inspect_class(node: dict[str, Any], where: str) -> Iterator[Finding]:
    """Inspect a class or function that is named by its module and its name."""
    module = node.get("module")
    name = str(node["class_name"])
    if name == "function":
        name = str(node.get("config"))
    is_known = _is_known(module, name)
    is_yours = not is_known and _is_yours(module, name)

    registered = node.get("registered_name")
    if registered not in (None, name, "function"):
        yield Note(f"needs code of yours: {registered}")
    elif is_yours:
        yield Note(f"needs code of yours: {name}")

    if not is_known and not is_yours:
        full_name = f"{module}.{name}" if module else name
        yield Alarm(full_name, f"in {where}")


def _is_known(module: Any, name: str) -> bool:
    if _is_without_module(module):
        return name in NAMES_WITHOUT_MODULE
    return name in KERAS_NAMES.get(str(module), set())


def _is_yours(module: Any, name: str) -> bool:
    """Tell whether a name can only mean a class or function of whoever loads the file."""
    is_public = name in PUBLIC_NAMES or name.startswith("__")
    return _is_without_module(module) and not is_public


def _is_without_module(module: Any) -> bool:
    # Old files name no module. Keras writes "builtins" for functions of your own.
    return module in (None, "builtins")


def _public_names() -> set[str]:
    names = set(dir(builtins))
    for module in KERAS_NAMES:
        names.update(dir(importlib.import_module(module)))
    return names


# All that Python or Keras itself might find under a name without a module.
PUBLIC_NAMES = _public_names()
