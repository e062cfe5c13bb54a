"""Faults of a far store, made on purpose: a machine that dies, a changed byte, a late listing.

Code that reaches a store through a global name ``gfile`` gets another object under this name. Each
change that it asks for is counted, and one of them goes wrong.
"""

import contextlib
import itertools
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Self

from helpers.draw import COLOURS
from helpers.recipes import far_away
from helpers.runs import new_folder

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

BEFORE = "before"  # the machine dies before the change
HALF = "half"  # in the middle of it: half of the bytes are written
AFTER = "after"  # when it is done
DEATHS = (BEFORE, HALF, AFTER)
CHANGED_BYTE = "changed byte"  # the machine lives, and one byte arrives as another one

# The files of a folder with which answers are tried.
FOLDER = ("saved_model.pb", "variables/variables.index", "assets/words/list.txt")

# What a new machine restores.
NEW, OLD, LOST = "the new checkpoint", "the one before", "nothing"
COLOUR_OF = {NEW: COLOURS[2], OLD: COLOURS[0], LOST: COLOURS[5]}

Copy = Callable[[str, str], Any]
Fetch = Callable[[str, Path], str | None]


_numbers = itertools.count(1)


class MachineGone(BaseException):
    """The machine has died. It is no Exception, as no program can go on after that."""


class Store:
    """Does what ``tf.io.gfile`` does, counts the changes, and lets one of them go wrong.

    Args:
        fails_at: the number of the change, from 1, or the name of the file that is changed.
        how: one of the ``DEATHS``, or ``CHANGED_BYTE``.
        lag: how many changes pass until a listing shows what has become new.
    """

    def __init__(self, fails_at: int | str = 0, how: str = BEFORE, lag: int = 0) -> None:
        """Begin to count."""
        self.changes = 0
        self.fails_at = fails_at
        self.how = how
        self.lag = lag
        self.is_gone = False
        self.threads: set[int] = set()  # in which changes were asked for
        self.GFile = self.open_file  # the name that it has in TensorFlow
        self._first_seen: dict[str, int] = {}

    def __getattr__(self, name: str) -> Any:
        """Return what the store does not change: ``exists``, ``isdir`` and so on."""
        self.stop_if_gone()
        return getattr(tf.io.gfile, name)

    def open_file(self, path: str, mode: str = "r") -> Any:
        """Open a file. What is written to it arrives when it is closed."""
        self.stop_if_gone()
        if "w" in mode:
            return Upload(self, path)
        return tf.io.gfile.GFile(path, mode)

    def listdir(self, folder: str) -> list[str]:
        """List a folder, without what has become new a moment ago."""
        self.stop_if_gone()
        names = []
        for name in tf.io.gfile.listdir(folder):
            seen = self._first_seen.setdefault(f"{folder}/{name}", self.changes)
            if not self.lag or self.changes - seen >= self.lag:
                names.append(name)
        return names

    def copy(self, source: str, target: str, overwrite: bool = False) -> None:
        """Copy a file, which is a change like a write."""
        with tf.io.gfile.GFile(source, "rb") as reading, self.open_file(target, "wb") as writing:
            writing.write(reading.read())

    def makedirs(self, path: str) -> None:
        """Make a folder."""
        with self.change(path):
            tf.io.gfile.makedirs(path)

    def remove(self, path: str) -> None:
        """Delete a file."""
        with self.change(path):
            tf.io.gfile.remove(path)

    def rmtree(self, path: str) -> None:
        """Delete a folder, file by file, as an object store does."""
        for name in tf.io.gfile.listdir(path):
            self.remove(f"{path}/{name}")
        with self.change(path):
            tf.io.gfile.rmtree(path)

    @contextlib.contextmanager
    def change(self, path: str) -> Iterator[bool]:
        """Count a change, and yield whether it is the one that goes wrong."""
        self.stop_if_gone()
        self.changes += 1
        self.threads.add(threading.get_ident())
        name = path.rpartition("/")[2]
        is_wrong = self.fails_at in (self.changes, name)
        dies = is_wrong and self.how in DEATHS
        if dies and self.how == BEFORE:
            self.is_gone = True
        self.stop_if_gone()
        yield is_wrong
        if dies:
            self.is_gone = True
        self.stop_if_gone()

    def stop_if_gone(self) -> None:
        """Raise what nobody can catch, so that nothing more reaches the store."""
        if self.is_gone:
            raise MachineGone


class Upload:
    """A file that is being written: ``write`` collects, and the end of the block sends it."""

    def __init__(self, store: Store, path: str) -> None:
        """Send nothing yet."""
        self.store = store
        self.path = path
        self.content = b""

    def write(self, block: bytes | str) -> None:
        """Collect a block of bytes, or of text."""
        self.content += block if isinstance(block, bytes) else block.encode()

    def __enter__(self) -> Self:
        """Return the file."""
        return self

    def __exit__(self, kind: Any, *_: object) -> None:
        """Send it, unless the block has failed."""
        if kind is None:
            self.send()

    def send(self) -> None:
        """Put the bytes in the place of what was there, or half of them, or wrong ones."""
        with self.store.change(self.path) as is_wrong:
            content = self.content
            if is_wrong and self.store.how == HALF:
                content = content[: len(content) // 2]
            if is_wrong and self.store.how == CHANGED_BYTE:
                content = change_a_byte(content)
            # On ram:// a second write would be appended.
            if tf.io.gfile.exists(self.path):
                tf.io.gfile.remove(self.path)
            with tf.io.gfile.GFile(self.path, "wb") as file:
                file.write(content)


def change_a_byte(content: bytes) -> bytes:
    """Return bytes with another one in the middle."""
    middle = len(content) // 2
    other = bytes([content[middle] ^ 1])
    return content[:middle] + other + content[middle + 1 :]


@contextlib.contextmanager
def store_of(
    code: ModuleType | dict[str, Any], fails_at: int | str = 0, how: str = BEFORE, lag: int = 0
) -> Iterator[Store]:
    """Let code reach a store with faults, instead of ``tf.io.gfile``, for the block.

    The death of the machine ends the block without an error.

    Args:
        code: a module, or the ``globals()`` of a notebook, with the name ``gfile``.
        fails_at: as for `Store`, and so are the others.
        how: which fault.
        lag: of the listing.
    """
    names = vars(code) if isinstance(code, ModuleType) else code
    store = Store(fails_at, how, lag)
    before = names["gfile"]
    names["gfile"] = store
    try:
        with contextlib.suppress(MachineGone):
            yield store
    finally:
        names["gfile"] = before


def new_place() -> str:
    """Return a URL below which nothing has been written yet."""
    return f"ram://faults/place-{next(_numbers)}"


def save_number(number: int, folder: Path) -> str:
    """Save a checkpoint of two variables that hold a number; return its prefix."""
    values = {"a": tf.Variable(tf.fill([50], float(number))), "b": tf.Variable(number)}
    return tf.train.Checkpoint(**values).write(str(folder / f"ckpt-{number}"))


def restored_number(prefix: str) -> int:
    """Return the number that all values of such a checkpoint hold.

    Raises:
        ValueError: the values are of different checkpoints.
        tensorflow.errors.OpError: the checkpoint is damaged.
    """
    # tf.train.load_checkpoint takes a prefix on ram:// for a folder.
    a = tf.Variable(tf.zeros([50]))
    b = tf.Variable(0)
    tf.train.Checkpoint(a=a, b=b).read(prefix).assert_consumed()
    if not np.all(a == float(b)):
        raise ValueError(f"values of different checkpoints: {a[0]} and {int(b)}")
    return int(b)


def die_at_each_change(
    copy: Copy, fetch: Fetch, code: ModuleType | dict[str, Any], parent: Path
) -> list[str]:
    """Copy a second checkpoint to a far folder, and let the machine die at each of its changes.

    Args:
        copy: takes a prefix and a far folder.
        fetch: takes the far folder and a local one; returns the prefix of the newest checkpoint.
        code: where both look for ``gfile``.
        parent: a local folder for what is saved and fetched.

    Returns:
        What a new machine restores, NEW, OLD or LOST, after a death before, in the middle of and
        after each change, in the order of time.
    """
    disk = new_folder(parent, "disk")
    places = new_place()
    first = save_number(1, disk)
    second = save_number(2, disk)
    restored: list[str] = []
    while True:
        for how in DEATHS:
            far = f"{places}/{len(restored)}"
            copy(first, far)
            with store_of(code, len(restored) // len(DEATHS) + 1, how) as store:
                copy(second, far)
            if not store.is_gone:  # the copy has fewer changes than that
                return restored
            restored.append(what_is_restored(fetch, far, new_folder(parent, "machine")))


def what_is_restored(fetch: Fetch, far: str, local: Path) -> str:
    """Say what a new machine gets out of a far folder: NEW, OLD or LOST."""
    try:
        number = restored_number(str(fetch(far, local)))
    except (tf.errors.OpError, OSError, LookupError, ValueError, RuntimeError):
        return LOST
    return {1: OLD, 2: NEW}[number]


# Two ways of copying without a marker, and how a new machine finds what they left. They reach the
# store by this module's own name.
gfile = tf.io.gfile
FILES = (".index", ".data-00000-of-00001")


def copy_over(prefix: str, far: str) -> None:
    """Copy a checkpoint over the same two names each time."""
    for ending in FILES:
        _copy(f"{prefix}{ending}", f"{far}/latest{ending}")


def newest_over(far: str, local: Path) -> str:
    """Return the prefix that every copy has."""
    return f"{far}/latest"


def copy_beside(prefix: str, far: str) -> None:
    """Copy a checkpoint under its own name, which has a number."""
    for ending in FILES:
        _copy(f"{prefix}{ending}", f"{far}/{Path(prefix).name}{ending}")


def newest_beside(far: str, local: Path) -> str:
    """Return the prefix with the highest number."""
    indexes = gfile.glob(f"{far}/*.index")
    return str(max(indexes)).removesuffix(".index")


def newest_marked(far: str, local: Path) -> str:
    """Return the prefix with the highest number among those beside which a marker lies."""
    name = str(max(gfile.glob(f"{far}/*/published"))).split("/")[-2]
    return f"{far}/{name}/{name}"


def die_in_each_way(
    copy_and_mark: Copy, names: dict[str, Any], parent: Path
) -> dict[str, list[str]]:
    """Return what `die_at_each_change` tells of four ways, by their names.

    Args:
        copy_and_mark: copies the files of ``ckpt-1`` to a folder of this name, and a marker last.
        names: the ``globals()`` in which it finds ``gfile``.
        parent: a local folder.
    """
    here = sys.modules[__name__]
    recipe = far_away
    return {
        "over one name": die_at_each_change(copy_over, newest_over, here, parent),
        "highest number": die_at_each_change(copy_beside, newest_beside, here, parent),
        "our marker": die_at_each_change(copy_and_mark, newest_marked, names, parent),
        "far_away": die_at_each_change(recipe.publish, recipe.fetch_newest, recipe, parent),
    }


def _copy(source: str, target: str) -> None:
    with gfile.GFile(target, "wb") as file:
        file.write(Path(source).read_bytes())


def draw_deaths(restored: Mapping[str, Sequence[str]]) -> None:
    """Draw a row of squares for each way of copying, a square for each moment of a death.

    Args:
        restored: what `die_at_each_change` has returned, by the way of copying.
    """
    size = (10, 1.3 + 0.45 * len(restored))
    figure, axes = plt.subplots(figsize=size, layout="constrained")
    for row, outcomes in enumerate(restored.values()):
        colours = [COLOUR_OF[outcome] for outcome in outcomes]
        axes.scatter(range(len(outcomes)), [row] * len(outcomes), s=170, c=colours, marker="s")
    for outcome, colour in COLOUR_OF.items():
        axes.scatter([], [], s=110, color=colour, marker="s", label=outcome)
    axes.set_yticks(range(len(restored)), list(restored))
    axes.set_ylim(len(restored) - 0.4, -0.6)
    axes.set_xticks([])
    axes.set_xlabel("moment of the death: before, in the middle of, and after each change")
    axes.spines[["top", "right", "bottom", "left"]].set_visible(False)
    figure.legend(
        loc="outside upper center", ncols=3, frameon=False, title="a new machine restores"
    )
    plt.show()


def new_manager(parent: Path) -> tf.train.CheckpointManager:
    """Return a manager of a checkpoint of one number, in a new folder, that keeps three."""
    checkpoint = tf.train.Checkpoint(step=tf.Variable(0))
    return tf.train.CheckpointManager(checkpoint, new_folder(parent, "disk"), max_to_keep=3)


def find_fault_of_background(repaired: Callable, parent: Path) -> str | None:
    """Say in one line what is wrong with a function that publishes in the background, or nothing.

    Args:
        repaired: takes a manager and a far folder, saves and publishes three checkpoints, and
            raises the error of a copy that fails.
        parent: a local folder.
    """
    far = new_place()
    with store_of(far_away) as store:
        error = _error_of(repaired, far, parent)
    if error:
        return f"{type(error).__name__} is raised, although nothing went wrong: {error}"
    published = tf.io.gfile.glob(f"{far}/*/published")
    if len(published) != 3:
        return f"of three checkpoints, {len(published)} are published"
    if threading.get_ident() in store.threads:
        return "the thread that saves also copies, and waits for it: copy in the background"

    # The file is named, because copies may overlap in an order that differs each time.
    for file in ["ckpt-1.index", "ckpt-2.index", "ckpt-3.index"]:
        with store_of(far_away, file, CHANGED_BYTE):
            error = _error_of(repaired, new_place(), parent)
        if error is None:
            return f"with a wrong byte in the copy of {file}, no error is raised"
        if "holds other bytes" not in str(error):
            name = type(error).__name__
            return f"with a wrong byte in the copy of {file}, {name} is not the error of the copy"
    return None


def _error_of(repaired: Callable, far: str, parent: Path) -> Exception | None:
    """Return the error that a function raises while it saves and publishes, or None."""
    try:
        repaired(new_manager(parent), far)
    except Exception as error:
        return error
    return None


def find_fault_of_folders(
    publish_folder: Callable[[Path, str, int], Any],
    newest_folder: Callable[[str], str | None],
    code: dict[str, Any],
    parent: Path,
) -> str | None:
    """Say in one line what is wrong with two functions that publish folders, or nothing.

    Args:
        publish_folder: copies a local folder with its subfolders to a far one, under a number.
        newest_folder: returns the path of the newest published copy, or None.
        code: the ``globals()`` in which both find ``gfile``.
        parent: a local folder.
    """
    far = new_place()
    if newest_folder(f"{far}/empty") is not None:
        return "of a far folder that does not exist yet, the newest copy should be None"
    tf.io.gfile.makedirs(f"{far}/made/9")
    if newest_folder(f"{far}/made") is not None:
        return "of a far folder where nothing is published, the newest copy should be None"
    for number in [9, 10]:
        with store_of(code) as store:
            publish_folder(_folder_of(number, parent), f"{far}/whole", number)
        if not store.changes:
            return "nothing was written by way of gfile: copy each file by copy_file"
        wrong = _find_wrong_copy(newest_folder(f"{far}/whole"), [number])
        if wrong:
            return f"after {number} was published, {wrong}"
    return _find_after_faults(publish_folder, newest_folder, code, parent)


def _find_after_faults(
    publish_folder: Callable[[Path, str, int], Any],
    newest_folder: Callable[[str], str | None],
    code: dict[str, Any],
    parent: Path,
) -> str | None:
    for change in itertools.count(1):
        for how in (*DEATHS, CHANGED_BYTE):
            far = new_place()
            publish_folder(_folder_of(1, parent), far, 1)
            with store_of(code, change, how) as store:
                try:
                    publish_folder(_folder_of(2, parent), far, 2)
                except OSError:
                    if how != CHANGED_BYTE:  # only a changed byte has to be told by an error
                        raise
            if store.changes < change:  # the copy has fewer changes than that
                return None
            wrong = _find_wrong_copy(newest_folder(far), [1, 2])
            if wrong:
                fault = how if how == CHANGED_BYTE else "death"
                return f"after a {fault} at change {change} of the second copy, {wrong}"
    return None


def _folder_of(number: int, parent: Path) -> Path:
    """Make a local folder with files and subfolders, all of which hold a number."""
    folder = new_folder(parent, "folder")
    for name in FOLDER:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes([number]) * 100)
    return folder


def _find_wrong_copy(copy: str | None, numbers: Sequence[int]) -> str | None:
    """Say what is wrong with a copy that should hold one of some numbers, or nothing."""
    if copy is None:
        return "no copy is found"
    contents = set()
    for name in FOLDER:
        path = f"{copy}/{name}"
        if not tf.io.gfile.exists(path):
            return f"the newest copy has no {name}"
        with tf.io.gfile.GFile(path, "rb") as file:
            contents.add(file.read())
    if contents not in [{bytes([number]) * 100} for number in numbers]:
        return "the newest copy does not hold what was published"
    return None
