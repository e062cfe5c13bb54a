"""Small files that would take a reader hours, or more memory than there is.

Each function writes one file, and ``EXHAUSTING`` says how it ends and what an inspection says.
``COUNTED`` has those that an inspection would count one by one, for seconds, before it stops.
"""

import json
import zipfile

import h5py

from .configurations import layer, write_keras


def long_configuration(path):
    layers = [layer("Dense", comment="x" * 10_000_000)]
    write_keras(path, {"class_name": "Sequential", "config": {"layers": layers}})


def deep_configuration(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", '{"a":' * 100_000 + "1" + "}" * 100_000)


def many_classes(path):
    layers = [layer(f"Strange{number}") for number in range(2_000)]
    write_keras(path, {"class_name": "Sequential", "config": {"layers": layers}})


def many_members(path):
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(20_001):
            archive.writestr(str(number), b"")


def long_names_of_members(path):
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(100):
            archive.writestr(f"{number:060000}", b"")


def zeros_as_weights(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", bytes(20_000_000))


def many_links(path, count):
    with h5py.File(path, "w", libver="latest") as file:
        for number in range(count):
            file[str(number)] = h5py.SoftLink("/")


def an_array_of_4_terabytes(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("a", (10**12,), "f4", chunks=(2**20,))


def many_configurations(path):
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = [json.dumps(layer("Dense"))] * 1000


def long_configuration_of_h5(path):
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = "x" * 10_000_001


def an_endless_heap(path):
    """A heap of texts with an object of free space that has no size: HDF5 never leaves it."""
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(layer("Dense"))
    content = path.read_bytes()
    first_object = content.index(b"GCOL") + 16
    path.write_bytes(content[:first_object] + bytes(16) + content[first_object + 16 :])


def a_large_text_beside_a_configuration(path):
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(layer("Dense"))
    with path.open("r+b") as stream:
        stream.truncate(100_000_001)  # Sparse: it takes no place on the disk.


def many_operations(path):
    node = b"\x0a\x06\x12\x04NoOp"
    write_graph(path, node * 200_001)


def many_parts(path, count):
    nodes = count - 1  # in a graph, which is a part too
    write_graph(path, b"\x0a\x00" * nodes)


def many_numbers(path):
    """Numbers of one byte in the file, and of eight in memory."""
    numbers = field(10, bytes(3_000_000))  # int64_val of a tensor
    tensor = field(8, numbers)
    attribute = field(1, b"value") + field(2, tensor)
    write_graph(path, field(1, field(2, b"Const") + field(5, attribute)))


def a_large_program(path):
    with path.open("wb") as stream:
        stream.truncate(100_000_001)


def write_graph(path, graph):
    path.write_bytes(field(2, graph))


def field(number, content):
    """A field of a message of Protocol Buffers."""
    return bytes([number << 3 | 2]) + varint(len(content)) + content


def varint(number):
    encoded = b""
    while number >= 128:
        encoded += bytes([number & 127 | 128])
        number >>= 7
    return encoded + bytes([number])


def many_opcodes(path, count):
    push_and_pop = (count - 2) // 2  # between the first opcode and the last
    path.write_bytes(b"\x80\x04" + b"N0" * push_and_pop + b".")


def a_large_pickle(path):
    with path.open("wb") as stream:
        stream.truncate(100_000_001)


def a_header_of_2_gigabytes(path):
    path.write_bytes(b"\x93NUMPY\x02\x00" + (2**31 - 1).to_bytes(4, "little"))


def an_archive_with_a_header_of_zeros(path):
    beginning = b"\x93NUMPY\x02\x00" + (2**31 - 1).to_bytes(4, "little")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", beginning + bytes(20_000_000))


def a_header_of_8_exabytes(path):
    path.write_bytes((2**63 - 1).to_bytes(8, "little") + b"{}")


def long_names_of_tensors(path):
    """An index whose keys have a million letters each, and take four bytes each."""
    first = varint(0) + varint(1_000_000) + varint(0) + b"a" * 1_000_000
    others = (varint(1_000_000) + varint(1) + varint(0) + b"a") * 10_000
    restarts = (0).to_bytes(4, "little") + (1).to_bytes(4, "little")
    data = first + others + restarts
    handle = varint(0) + varint(len(data))
    index = varint(0) + varint(1) + varint(len(handle)) + b"a" + handle + restarts
    checksum = bytes(5)  # no compression, and a sum that nobody reads
    place = varint(len(data) + 5) + varint(len(index))
    footer = (place * 2).ljust(40, b"\0") + bytes.fromhex("57fb808b247547db")
    path.with_name(f"{path.name}.index").write_bytes(data + checksum + index + checksum + footer)


EXHAUSTING = {
    long_configuration: ("a.keras", "not judged: config.json has 10,000,1"),
    deep_configuration: ("a.keras", "not judged: config is nested too deep"),
    many_classes: ("a.keras", "not judged: more than 1,000 alarms and notes"),
    many_members: ("a.keras", "not judged: the archive has more than 20,000 members"),
    long_names_of_members: ("a.keras", "not judged: the list of members has 6,00"),
    zeros_as_weights: ("a.keras", "model.weights.h5: unpacks from"),
    an_array_of_4_terabytes: ("a.h5", "a: unpacks from 0 to 4,000,000,000,000 bytes"),
    many_configurations: ("a.h5", "not judged: model_config is no text"),
    long_configuration_of_h5: ("a.h5", "not judged: model_config has 10,000,001 bytes"),
    an_endless_heap: ("a.h5", "not judged: a heap of texts is damaged"),
    a_large_text_beside_a_configuration: ("a.h5", "not judged: "),
    many_operations: ("a.meta", "not judged: a program of more than 200,000 operations"),
    many_numbers: ("a.meta", "not judged: the program has more than 3,000,000 parts"),
    a_large_program: ("a.meta", "not judged: a.meta has 100,000,001 bytes"),
    a_large_pickle: ("a.pkl", "not judged: a.pkl has 100,000,001 bytes"),
    a_header_of_2_gigabytes: ("a.npy", "not judged: EOF: reading array header"),
    an_archive_with_a_header_of_zeros: ("a.npz", "not judged: EOF: reading array header"),
    a_header_of_8_exabytes: ("a.safetensors", "not judged: the header has"),
    long_names_of_tensors: ("a", "not judged: the names in the checkpoint are too long"),
}

# How the file ends; the part of the inspector that counts, the name and value of its limit; and how
# an alarm goes on after the limit.
COUNTED = {
    many_links: ("a.h5", "hdf5", "MOST_NAMES", 100_000, "names in the file"),
    many_parts: ("a.meta", "protobufs", "MOST_PARTS", 3_000_000, "parts"),
    many_opcodes: ("a.pkl", "python_files", "MOST_OPCODES", 3_000_000, "opcodes"),
}
