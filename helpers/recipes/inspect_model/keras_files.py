"""Keras' files: an architecture, weights, and the words of a vocabulary."""

import re
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import h5py

from .configurations import inspect_configuration, parse_configuration
from .findings import Alarm, Finding, Note
from .hdf5 import check_rest, inspect_arrays, read_text_attribute
from .limits import LARGEST_TEXT, check_size, grows_too_much
from .zip_archives import copy_member, open_archive

# What a .keras holds beside its architecture and its weights.
OTHER_MEMBERS = re.compile(r"metadata\.json|assets/([\w-]+/)+vocabulary\.txt")
FITS_IN_MEMORY = 50_000_000  # bytes


def inspect_keras(path: Path) -> Iterator[Finding]:
    """Inspect the members, the architecture and the weights of a ``.keras``, which is a zip."""
    with open_archive(path) as archive:
        times = Counter(archive.namelist())
        for member in archive.infolist():
            name = member.filename
            if times[name] > 1:
                yield Alarm(name, "is in the archive twice")  # Readers differ in which they take.
            elif grows_too_much(member.compress_size, member.file_size):
                sizes = f"from {member.compress_size:,} to {member.file_size:,} bytes"
                yield Alarm(name, f"unpacks {sizes}")
            elif name == "config.json":
                check_size(name, member.file_size, LARGEST_TEXT)
                configuration = parse_configuration(archive.read(name), "config")
                yield from inspect_configuration(configuration, "config")
            elif name == "model.weights.h5":
                yield from _inspect_weights(archive, name)
            elif not OTHER_MEMBERS.fullmatch(name):
                yield Alarm(name, "Keras writes no such member")
        archive.getinfo("config.json")  # A KeyError, if there is none.


def inspect_h5(path: Path) -> Iterator[Finding]:
    """Inspect the arrays of a ``.h5``, and its architecture if it has one."""
    with path.open("rb") as file:
        alarms = list(inspect_arrays(file))
    yield from alarms
    with h5py.File(path) as tree:
        configurations = {"model_config", "training_config"}.intersection(tree.attrs)
        if configurations:
            check_rest(path, tree)
        for key in sorted(configurations):
            text = read_text_attribute(tree, key, LARGEST_TEXT)
            yield from inspect_configuration(parse_configuration(text, key), key)
    if not configurations and not alarms:
        yield Note("numbers only")


def _inspect_weights(archive: zipfile.ZipFile, name: str) -> Iterator[Alarm]:
    with tempfile.SpooledTemporaryFile(FITS_IN_MEMORY) as copy:
        copy_member(archive, name, copy)
        yield from inspect_arrays(copy)
