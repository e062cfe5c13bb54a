"""Keep checkpoints in a place that is not your disk: copy, read back, publish a marker last.

Needs TensorFlow.

Save to the local disk, publish each checkpoint to the far folder, and fetch the newest one on
another machine. The far folder may be a mounted drive or ``gs://bucket/run``. Here it is ``ram://``:

>>> import tensorflow as tf
>>> from far_away import clean_up, fetch_newest, publish
>>> step = tf.Variable(7)
>>> manager = tf.train.CheckpointManager(tf.train.Checkpoint(step=step), "local", max_to_keep=3)
>>> clean_up("ram://run")
[]
>>> place = publish(manager.save(checkpoint_number=step), "ram://run")

Another machine has another disk:

>>> prefix = fetch_newest("ram://run", "another_disk")
>>> status = tf.train.Checkpoint(step=step).restore(prefix)
>>> status.assert_consumed().__class__.__name__, int(step)
('CheckpointLoadStatus', 7)

What is promised. A program or a machine may die at any moment of ``publish``: then the newest
published checkpoint is the one before, or the new one, with the bytes that were saved. Nothing is
renamed or written over. What a dead program has left is deleted by the next ``clean_up``, and no
published checkpoint is.

What it needs: a file that was written and closed can be read under its name, with these bytes. A
listing that lags behind may hide the newest checkpoint for a while, so an older one is fetched, but
never a damaged one.

What is not promised. There is no lock: give each training a far folder of its own, and let one
program at a time use it. A drive that writes later, such as Google Drive on Colab, may read back
from its own cache, so a machine that dies can take the last copies with it. Checksums notice
accidents, and not an attack, since who can change the files can change the marker.

The price. Each checkpoint travels twice, once to be written and once to be read back, and a third
time when it is fetched. Stores ask for money for each request and for what is read over the
internet.
"""

import hashlib
import os
import re
import tempfile
import uuid
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf

gfile = tf.io.gfile

# The last file of a copy. It lists the others, and its own last line is END.
MARKER = "published"
END = "complete"

COPY = re.compile(r"(?P<name>.+-(?P<number>\d+))\.[0-9a-f]{12}")
PROBE = re.compile(r"probe\.[0-9a-f]{12}")
LINE = re.compile(r"(?P<sha256>[0-9a-f]{64})  (?P<length>\d+)  (?P<file>\S+)")
CHECKPOINT_FILE = re.compile(r"(?P<name>.+)\.(index|data-\d{5}-of-\d{5})")

# What pathlib makes of gs://bucket. A single letter before the colon is a drive of Windows.
LOST_SLASH = re.compile(r"[A-Za-z][\w+.-]+:[\\/](?![\\/])")
BLOCK = 2**24  # bytes that are in memory at once


class Content(NamedTuple):
    """What tells whether two files hold the same bytes."""

    sha256: str
    length: int


def publish(prefix: Path | str, far: Path | str, keep: int = 3) -> str:
    """Copy one checkpoint to a far folder, read the copy back, and publish it by a marker.

    Each copy has a folder of its own, such as ``ckpt-20.3f9a0b1c2d4e``, so nothing is written over.
    The file ``published`` in it is written last. Until then nobody takes the copy for a checkpoint.

    Afterwards the oldest published checkpoints are deleted, their markers first. Damage that came
    after they were published is not looked for, so keep two or more.

    Args:
        prefix: of a checkpoint on the local disk, as ``manager.save()`` returns it. Its name ends
            in a number, by which ``fetch_newest`` finds the newest one. Do not let the manager
            delete it before this returns.
        far: a folder that is there, or a URL such as ``gs://bucket/run``, as text.
        keep: how many published checkpoints stay, the new one among them.

    Returns:
        The folder of the copy.

    Raises:
        FileNotFoundError: no checkpoint has this prefix, or there is no such far folder.
        ValueError: the name has no number, or TensorFlow cannot use this path.
        OSError: the far folder holds other bytes than were written, or another program has cleaned
            up there.
        tensorflow.errors.OpError: the store did not do what it was asked for.
    """
    far = _usable(far)
    files = _files_of(Path(prefix))
    name = f"{Path(prefix).name}.{uuid.uuid4().hex[:12]}"
    if not COPY.fullmatch(name):
        raise ValueError(f"{prefix} has no number at its end: save with a CheckpointManager")

    copy = f"{far}/{name}"
    gfile.makedirs(copy)
    lines = []
    for source in files:
        target = f"{copy}/{source.name}"
        content = _copy(str(source), target)
        if _content_of(target) != content:
            raise OSError(f"{target} holds other bytes than were written: publish again")
        lines.append(f"{content.sha256}  {content.length}  {source.name}")

    # Once more, because another program may have cleaned up. ram:// lists only what was made.
    gfile.makedirs(copy)
    _write_marker(copy, "\n".join([*lines, END, ""]))
    _delete_older(copy, keep)
    return copy


def fetch_newest(far: Path | str, local: Path | str) -> str | None:
    """Copy the newest intact checkpoint that was published to the local disk.

    It is compared with the checksums of its marker. If it is damaged or incomplete, the one before
    it is taken. A file of the same name in the local folder is replaced.

    Args:
        far: the folder, or the URL, to which checkpoints were published.
        local: a folder on this machine's disk, which is made if it is missing.

    Returns:
        The prefix, for ``tf.train.Checkpoint.restore``. None says that nothing was ever published:
        then start from the beginning.

    Raises:
        ValueError: checkpoints were published, but none is intact. Or TensorFlow cannot use this
            path.
        FileNotFoundError: there is no such far folder.
        tensorflow.errors.OpError: the store did not answer. An older checkpoint is not taken then.
    """
    far = _usable(far)
    local = Path(local)
    local.mkdir(parents=True, exist_ok=True)
    published = _published(far)
    for copy in reversed(published):
        prefix = _fetch(copy, local)
        if prefix:
            return prefix
    if published:
        raise ValueError(
            f"none of {len(published)} checkpoints in {far} is intact: "
            "bring one back from a copy, or begin in another folder"
        )
    return None


def clean_up(far: Path | str) -> list[str]:
    """Delete what was never published, and only that. Call it once, before the training starts.

    First it writes a small file and deletes it, so that a place that cannot be written to is
    noticed now and not after the first hour.

    A copy that another program is about to publish looks like one whose program has died. So call
    this when no other program publishes to the same folder. If it happens all the same,
    ``fetch_newest`` finds an older checkpoint.

    Returns:
        The names of the folders that were deleted.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: TensorFlow cannot use this path.
        OSError: the folder cannot be written to.
    """
    far = _usable(far)
    _try_to_write(far)
    deleted = []
    for name in _names_in(far):
        path = f"{far}/{name}"
        if PROBE.fullmatch(name):
            gfile.remove(path)
        elif COPY.fullmatch(name) and not _is_published(path):
            _delete(path)
            deleted.append(name)
    return deleted


def _usable(far: Path | str) -> str:
    text = os.fspath(far)
    if LOST_SLASH.match(text):
        raise ValueError(f"{text} has lost a slash, as pathlib does it: give the URL as text")
    scheme, separator, _ = text.partition("://")
    if separator:
        known = sorted(filter(None, gfile.get_registered_schemes()))
        if scheme not in known:
            raise ValueError(
                f"TensorFlow has no {scheme}:// here, only {', '.join(known)}: "
                "mount the store as a folder, or install a package that adds it"
            )
    elif not gfile.isdir(text):
        # To make it would hide that a drive is not mounted.
        raise FileNotFoundError(f"no folder {text}: mount its drive, or make it first")
    return text.rstrip("/")


def _try_to_write(far: str) -> None:
    probe = f"{far}/probe.{uuid.uuid4().hex[:12]}"
    try:
        gfile.makedirs(far)
        with gfile.GFile(probe, "wb") as file:
            file.write(b"probe")
        gfile.remove(probe)
    except tf.errors.OpError as error:
        reason = error.message.splitlines()[0]
        raise OSError(f"cannot write to {far}: {reason}") from None


def _files_of(prefix: Path) -> list[Path]:
    """Return the files of a checkpoint on the local disk, in order."""
    files = []
    for path in sorted(prefix.parent.glob("*")):
        match = CHECKPOINT_FILE.fullmatch(path.name)
        if match and match["name"] == prefix.name:
            files.append(path)
    if prefix.with_name(f"{prefix.name}.index") not in files:
        where = prefix.parent.as_posix()
        raise FileNotFoundError(
            f"no checkpoint {prefix.name} in {where}: give publish what manager.save() returned"
        )
    return files


def _copy(source: str, target: str) -> Content:
    """Copy a file, and return what was read and sent."""
    digest = hashlib.sha256()
    length = 0
    with gfile.GFile(source, "rb") as reading, gfile.GFile(target, "wb") as writing:
        block = reading.read(BLOCK)
        while block:
            writing.write(block)
            digest.update(block)
            length += len(block)
            block = reading.read(BLOCK)
    return Content(digest.hexdigest(), length)


def _content_of(path: str) -> Content:
    digest = hashlib.sha256()
    length = 0
    with gfile.GFile(path, "rb") as file:
        block = file.read(BLOCK)
        while block:
            digest.update(block)
            length += len(block)
            block = file.read(BLOCK)
    return Content(digest.hexdigest(), length)


def _write_marker(copy: str, text: str) -> None:
    with gfile.GFile(f"{copy}/{MARKER}", "wb") as file:
        file.write(text.encode())
    # Another program may have cleaned up a moment before.
    is_there = all(gfile.exists(f"{copy}/{name}") for name in _contents_in(text))
    if _read_marker(copy) != text or not is_there:
        _delete(copy)
        raise OSError(f"{copy} is not as it was written: publish again, and let no other clean up")


def _read_marker(copy: str) -> str | None:
    """Return the text of a marker, or None if there is none."""
    try:
        with gfile.GFile(f"{copy}/{MARKER}", "rb") as file:
            return file.read().decode(errors="replace")
    except tf.errors.NotFoundError:
        return None


def _is_published(copy: str) -> bool:
    """Ask for the marker by its name, which is surer than a listing.

    A marker without its last line was cut off, so the copy was never published.
    """
    text = _read_marker(copy)
    return text is not None and text.endswith(f"\n{END}\n")


def _contents_in(marker: str) -> dict[str, Content]:
    """Return what the files of a copy have to hold, or nothing if the marker is damaged."""
    contents = {}
    for line in marker.split("\n")[:-2]:
        match = LINE.fullmatch(line)
        if not match or not CHECKPOINT_FILE.fullmatch(match["file"]) or "/" in match["file"]:
            return {}
        contents[match["file"]] = Content(match["sha256"], int(match["length"]))
    return contents


def _published(far: str) -> list[str]:
    """Return the folders of the published copies, by their numbers."""
    found = []
    for name in _names_in(far):
        match = COPY.fullmatch(name)
        if match and _is_published(f"{far}/{name}"):
            found.append((int(match["number"]), f"{far}/{name}"))
    return [copy for _, copy in sorted(found)]


def _fetch(copy: str, local: Path) -> str | None:
    """Copy a checkpoint to a local folder, or return None if it is not intact."""
    contents = _contents_in(_read_marker(copy) or "")
    name = copy.rpartition("/")[2].rpartition(".")[0]
    index = f"{name}.index"
    if index not in contents:
        return None
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=local) as folder:
        for file, content in contents.items():
            try:
                fetched = _copy(f"{copy}/{file}", str(Path(folder, file)))
            except tf.errors.NotFoundError:
                return None
            if fetched != content:
                return None
        # The index comes last, because a checkpoint without one is none.
        others = [file for file in contents if file != index]
        for file in [*others, index]:
            Path(folder, file).replace(local / file)
    return str(local / name)


def _delete_older(newest: str, keep: int) -> None:
    far = newest.rpartition("/")[0]
    others = [copy for copy in _published(far) if copy != newest]
    surplus = len(others) + 1 - keep
    for copy in others[: max(surplus, 0)]:
        _delete(copy)


def _delete(copy: str) -> None:
    """Delete a copy, its marker first: if this is cut off, the rest was never published."""
    try:
        if gfile.exists(f"{copy}/{MARKER}"):
            gfile.remove(f"{copy}/{MARKER}")
        gfile.rmtree(copy)
    except tf.errors.NotFoundError:  # another program was faster
        pass


def _names_in(folder: str) -> list[str]:
    """Return the names in a folder. A store has no empty folders, so a missing one is empty."""
    try:
        return [name.rstrip("/") for name in gfile.listdir(folder)]
    except tf.errors.NotFoundError:
        return []
