"""Keras' configurations: do they name only classes and functions that are on the list?"""

import builtins
import importlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .findings import Alarm, Finding, Note
from .known_names import KNOWN_NAMES
from .limits import LARGEST_TEXT, LimitError, check_size

KERAS_NAMES = {head: names for head, names in KNOWN_NAMES.items() if head.startswith("keras")}
OLD_NAMES = KNOWN_NAMES["classes of Keras 2"]
NAMES_WITHOUT_MODULE = KNOWN_NAMES["data"].union(OLD_NAMES, *KERAS_NAMES.values())

# Where Keras 2 had what Keras 3 has in another module.
OLD_MODULES = {
    "keras.engine.functional": "keras.src.models.functional",
    "keras.src.engine.functional": "keras.src.models.functional",
    "keras.optimizers.legacy": "keras.optimizers",
}
# Keras 2 writes its own optimizers under this name, as if they were of the user.
OLD_PREFIX = "Custom>"

# Layers by which Keras 2 saves a call of TensorFlow, and the key that says what is called.
CALLING_LAYERS = {
    "ClassMethod": "method_name",
    "InstanceMethod": "attr_name",
    "InstanceProperty": "attr_name",
    "SlicingOpLambda": "function",
    "TensorFlowOpLayer": "node_def",
    "TFOpLambda": "function",
}


class Place(NamedTuple):
    """Where a part of a configuration is: a key or a number in a part that is around it."""

    key: Any
    around: "Place | None" = None

    def __str__(self) -> str:
        """Return all keys on the way from the whole to the part."""
        keys = []
        place: Place | None = self
        while place is not None:
            keys.append(str(place.key))
            place = place.around
        return ".".join(reversed(keys))


def parse_configuration(text: bytes | str, where: str) -> dict[str, Any]:
    """Parse JSON that describes a model.

    Raises:
        LimitError: If it is too long, or nested too deep.
        TypeError: If it is no dictionary.
    """
    if not isinstance(text, bytes | str):
        raise TypeError(f"{where} is no text")
    check_size(where, len(text), LARGEST_TEXT)
    try:
        configuration = json.loads(text)
    except RecursionError:
        raise LimitError(f"{where} is nested too deep") from None
    if not isinstance(configuration, dict):
        raise TypeError(f"{where} describes no model")
    return configuration


def inspect_configuration(configuration: dict[str, Any], where: str) -> Iterator[Finding]:
    """Inspect what a configuration names, however deep: classes, functions, files."""
    waiting: list[tuple[Any, Place]] = [(configuration, Place(where))]
    while waiting:
        part, place = waiting.pop()
        inside: list[tuple[Any, Any]] = []
        if isinstance(part, dict):
            yield from _inspect_part(part, place)
            inside = list(part.items())
        elif isinstance(part, list):
            inside = list(enumerate(part))
        # Reversed, because the last that waits is the next.
        for key, child in reversed(inside):
            if isinstance(child, dict | list):
                waiting.append((child, Place(key, place)))


def _inspect_part(part: dict[str, Any], place: Place) -> Iterator[Finding]:
    """Inspect one dictionary, without what is deeper in it."""
    vocabulary = part.get("vocabulary")
    if isinstance(vocabulary, str):
        yield Alarm(f"vocabulary {vocabulary}", f"a file that {place} reads")
    name = str(part.get("name"))
    if ".." in name.replace("\\", "/").split("/"):
        yield Alarm(f"name {name}", f"leads out of the file in {place}")
    if "class_name" in part:
        yield from _inspect_class(part, place)


def _inspect_class(part: dict[str, Any], place: Place) -> Iterator[Finding]:
    """Inspect a class or function that is named by its module and its name."""
    module = _module_today(part.get("module"))
    name = str(part["class_name"])
    if name == "function":
        name = str(part.get("config"))
    name = _without_old_prefix(name)
    if name in CALLING_LAYERS and _is_of_keras(module):
        yield from _inspect_call(name, part.get("config"), place)
        return

    is_known = _is_known(module, name)
    is_yours = not is_known and _is_yours(module, name)
    # Keras writes the bare name for a class that nobody has registered.
    registered = part.get("registered_name")
    if registered not in (None, name, "function", OLD_PREFIX + name):
        yield Note(f"needs code of yours: {registered}")
    elif is_yours:
        yield Note(f"needs code of yours: {name}")

    if not is_known and not is_yours:
        full_name = name if module is None else f"{module}.{name}"
        yield Alarm(full_name, f"in {place}")


def _inspect_call(layer: str, config: Any, place: Place) -> Iterator[Alarm]:
    """Inspect a layer of Keras 2 that calls TensorFlow: does it do anything but arithmetic?"""
    what = None
    if isinstance(config, Mapping):
        what = config.get(CALLING_LAYERS[layer])
    if not _is_arithmetic(layer, what):
        yield Alarm(f"{layer} of {what}", f"in {place}")


def _is_arithmetic(layer: str, what: Any) -> bool:
    if layer == "TensorFlowOpLayer":
        return _operation(what) in KNOWN_NAMES["tensorflow"]
    if layer in ("InstanceMethod", "InstanceProperty"):
        return what in KNOWN_NAMES["parts of a tensor"]
    if layer == "ClassMethod":
        return False
    function = str(what).removeprefix("compat.v1.")
    module, _, _ = function.rpartition(".")
    return bool({function, f"{module}.*"} & KNOWN_NAMES["functions of TensorFlow"])


def _operation(node: Any) -> Any:
    """Return the operation of a node that is described in JSON."""
    if isinstance(node, str):
        node = parse_configuration(node, "node_def")
    if isinstance(node, Mapping):
        return str(node.get("op"))
    return None


def _module_today(module: Any) -> str | None:
    # Old files name no module. Keras writes "builtins" for functions of your own.
    if module in (None, "builtins"):
        return None
    today = str(module)
    if today == "tf_keras" or today.startswith("tf_keras."):
        today = today.removeprefix("tf_")
    return OLD_MODULES.get(today, today)


def _without_old_prefix(name: str) -> str:
    short_name = name.removeprefix(OLD_PREFIX)
    return short_name if short_name in NAMES_WITHOUT_MODULE else name


def _is_of_keras(module: str | None) -> bool:
    return module is None or module.startswith("keras.")


def _is_known(module: str | None, name: str) -> bool:
    if module is None:
        return name in NAMES_WITHOUT_MODULE
    is_old = name in OLD_NAMES and _is_of_keras(module)
    return is_old or name in KERAS_NAMES.get(module, set())


def _is_yours(module: str | None, name: str) -> bool:
    """Tell whether a name can only mean a class or function of whoever loads the file."""
    is_public = name in PUBLIC_NAMES or name.startswith("__")
    return module is None and not is_public


def _public_names() -> set[str]:
    names = set(dir(builtins))
    for module in KERAS_NAMES:
        names.update(dir(importlib.import_module(module)))
    return names


# All that Python or Keras itself might find under a name without a module.
PUBLIC_NAMES = _public_names()
