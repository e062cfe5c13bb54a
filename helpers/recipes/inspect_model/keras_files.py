"""The part of ``inspect_model`` for Keras' files: classes that are not known as harmless."""

import builtins
import importlib
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import h5py

from .tensorflow_files import KNOWN, Seen

KERAS = {head: names for head, names in KNOWN.items() if head.startswith("keras")}
BARE = KNOWN["data"].union(*KERAS.values())  # what is known without its module
PUBLIC = set(dir(builtins)).union(*(dir(importlib.import_module(head)) for head in KERAS))
MEMBER = r"metadata\.json|assets/[\w/]+/vocabulary\.txt"


def look_at_keras(path: Path) -> Seen:
    """Look at the list of members, at the architecture and at the arrays of a ``.keras``."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        for name in names:
            size, packed = archive.getinfo(name).file_size, archive.getinfo(name).compress_size
            if names.count(name) > 1:
                yield name, "is in the archive twice"
            elif size > max(10_000_000, 100 * packed):
                yield name, f"unpacks from {packed:,} to {size:,} bytes"
            elif name == "config.json":
                yield from _architecture(archive.read(name), "config")
            elif name == "model.weights.h5":
                yield from _arrays(io.BytesIO(archive.read(name)))
            elif not re.fullmatch(MEMBER, name):
                yield name, "Keras writes no such member"
        archive.getinfo("config.json")  # an error if there is none


def look_at_h5(path: Path) -> Seen:
    """Look at the arrays of a ``.h5``, and at its architecture if there is one."""
    yield from (alarms := [*_arrays(path)])
    with h5py.File(path) as tree:
        configs = {"model_config", "training_config"} & {*tree.attrs}
        for key in sorted(configs):
            yield from _architecture(tree.attrs[key], key)
    if not (configs or alarms):
        yield "numbers only", ""


def _architecture(text: bytes | str, where: str) -> Seen:
    if not isinstance(tree := json.loads(text), dict):
        raise TypeError(f"{where} describes no model")
    yield from _config(tree, where)


def _config(node: Any, where: str) -> Seen:
    if isinstance(node, dict) and "class_name" in node:
        name = str(node.get("config") if node["class_name"] == "function" else node["class_name"])
        module, registered = node.get("module"), node.get("registered_name")
        bare = module in (None, "builtins")
        known = name in (BARE if bare else KERAS.get(str(module), ()))
        foreign = bare and not known and name not in PUBLIC and not name.startswith("__")
        if registered not in (None, name, "function"):
            yield f"needs code of yours: {registered}", ""
        elif foreign:
            yield f"needs code of yours: {name}", ""
        if not (known or foreign):
            yield f"{module}.{name}" if module else name, f"in {where}"
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        if key == "vocabulary" and isinstance(value, str):
            yield f"vocabulary {value}", f"a file that {where} reads"
        elif isinstance(value, dict | list):
            yield from _config(value, f"{where}.{key}")


def _arrays(file: Path | BinaryIO) -> Seen:
    links = {}
    with h5py.File(file) as tree:
        tree.visititems_links(links.__setitem__)
        for name, link in links.items():
            each = tree[name] if isinstance(link, h5py.HardLink) else None
            if isinstance(each, h5py.Dataset):
                numbers = each.dtype.kind in "biufc" or each.dtype == "V2"  # bfloat16
                elsewhere = each.external or each.is_virtual or not numbers
            else:
                elsewhere = not isinstance(each, h5py.Group)
            if elsewhere:
                yield name, "is no array of numbers in this file"
