"""Changes to an open HDF5 file of weights: one function for each thing that is no array in it."""

import json

import h5py

from .configurations import LAMBDA


def link_to_a_file(file):
    file["a"] = h5py.ExternalLink("other.h5", "/a")


def link_to_a_name(file):
    file["a"] = h5py.SoftLink("/layers")


def numbers_of_another_file(file):
    file.create_dataset("a", (3,), "f4", external=[("other", 0, 12)])


def view_of_another_file(file):
    layout = h5py.VirtualLayout((3,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "a", (3,))
    file.create_virtual_dataset("a", layout)


def text(file):
    file["a"] = "some text"


def references(file):
    file.create_dataset("a", (1,), h5py.ref_dtype)


def configuration(file):
    """An architecture, which only a whole ``.h5`` has. In a ``.keras`` nobody reads it here."""
    file.attrs["training_config"] = json.dumps({"optimizer_config": LAMBDA})
