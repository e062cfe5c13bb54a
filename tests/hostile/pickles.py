"""Pickles that call a function when they are loaded."""

from pathlib import Path


class Payload:
    """An object that makes the marker when it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


# What an inspection says, and the pickle, in the language of pickles.
CALLS = {
    "opcode INST": b"(S'true'\nios\nsystem\n.",
    "opcode REDUCE": b"cos\nsystem\n(S'true'\ntR.",
    "opcode GLOBAL": b"c__builtin__\neval\n.",
    "opcode EXT1": b"\x80\x02\x82\x01.",
    "opcode PERSID": b"Pname\n.",
    "opcode OBJ": b"(cos\nsystem\no.",
    "opcode NEXT_BUFFER": b"\x80\x05\x97.",
    "more bytes": b"N.cos\nsystem\n.",
    "not judged": b"cos\nsystem\n(S'true'\ntR garbage",
}
