"""Zip archives, which Keras and NumPy write."""

import io
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from .limits import MOST_MEMBERS, LimitError, check_size

LONGEST_LIST = 5_000_000  # bytes, of the names of members and what is said of them


class _BoundedFile(io.FileIO):
    """A file whose list of members is not read if it is too long.

    ``zipfile`` reads that list at once, makes an object of each of its entries, and only then
    tells how many they are.
    """

    is_bounded = True

    def read(self, size: int | None = -1) -> bytes:
        if self.is_bounded and size is not None:
            check_size("the list of members", size, LONGEST_LIST)
        return super().read(size) or b""


@contextmanager
def open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip archive that has not too many members, each stored or deflated."""
    with _BoundedFile(path) as file, zipfile.ZipFile(file) as archive:
        file.is_bounded = False
        members = archive.infolist()
        if len(members) > MOST_MEMBERS:
            raise LimitError(f"the archive has more than {MOST_MEMBERS:,} members")
        for member in members:
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError(f"{member.filename} is compressed in an unusual way")
        yield archive


def copy_member(archive: zipfile.ZipFile, name: str, target: IO[bytes]) -> None:
    """Unpack a member into a file, a piece at a time."""
    with archive.open(name) as member:
        shutil.copyfileobj(member, target)
    target.seek(0)
