"""Files of strangers: which load runs the code in them? Each load has a process of its own.

All that such a file does is to make a *marker*, an empty file with the name ``it_ran`` in the same
folder.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from helpers.draw import COLOURS, draw_map
from helpers.lab.damage import sha256
from helpers.programs import Program, prepare
from helpers.prove import same_values

import absl.logging
import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
import tensorflow.compat.v1 as tf1
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

__all__ = [
    "FILES", "INSPECTION", "LOADS", "attempt", "draw_hand_over", "draw_outcomes", "find_loaded",
    "is_refused", "prepare", "read_program", "save_others",
]  # fmt: skip

MARKER = "it_ran"
SCRIPT = Path(__file__).with_name("strange_load.py")

USUAL = "loaded as usual"
GUARD_OFF = "guard switched off"
NUMBERS = "only its numbers"
COLUMNS = (USUAL, GUARD_OFF, NUMBERS)
CLASSIC = "with tf.Graph().as_default(), tf1.Session() as session:\n    "

# Measures of the picture, in inches.
CELL_WIDTH = 2.6
CELL_HEIGHT = 0.6
NAME_WIDTH = 1.4


class Load(NamedTuple):
    """A way to load a file.

    Attributes:
        file: its name.
        column: as usual, with its guard off, or only its numbers.
        call: what a person would call it.
        code: the code, as ``strange_load.py`` runs it.
    """

    file: str
    column: str
    call: str
    code: str


class Outcome(NamedTuple):
    """What happened in a load.

    Attributes:
        ended: ``loaded``, or the name of the error.
        code_ran: whether the marker is there.
    """

    ended: str
    code_ran: bool

    @property
    def words(self) -> str:
        """The outcome in two words."""
        if self.code_ran:
            return "code ran"
        return "nothing ran" if self.ended == "loaded" else "refused"

    @property
    def colour(self) -> str:
        """Orange if code ran, and blue if none did."""
        return COLOURS[5] if self.code_ran else COLOURS[4]


def _keras_loads(file: str) -> list[Load]:
    return [
        Load(file, USUAL, "load_model", "keras.saving.load_model(path)"),
        Load(
            file, GUARD_OFF, "load_model, safe_mode=False",
            "keras.saving.load_model(path, safe_mode=False)",
        ),
        Load(file, NUMBERS, "load_weights", "ours.load_weights(path)"),
    ]  # fmt: skip


LOADS = [
    *_keras_loads("lambda.keras"),
    *_keras_loads("lambda.h5"),
    Load("saved_model", USUAL, "tf.saved_model.load", "tf.saved_model.load(path)"),
    Load(
        "saved_model", NUMBERS, "Checkpoint.read",
        "tf.train.Checkpoint(bias=bias).read(path + '/variables/variables')",
    ),
    Load(
        "classic.meta", USUAL, "import_meta_graph, restore",
        CLASSIC + "tf1.train.import_meta_graph(path).restore(session, prefix)",
    ),
    Load(
        "classic.meta", NUMBERS, "Saver.restore",
        CLASSIC + "tf1.train.Saver([tf.Variable(0.0, name='bias')]).restore(session, prefix)",
    ),
    Load("object.pkl", USUAL, "pickle.load", "pickle.load(open(path, 'rb'))"),
    Load("object.npy", USUAL, "np.load", "np.load(path)"),
    Load("object.npy", GUARD_OFF, "np.load, allow_pickle=True", "np.load(path, allow_pickle=True)"),
]  # fmt: skip

FILES = list(dict.fromkeys(load.file for load in LOADS))
INSPECTION = "from helpers.recipes.inspect_model import inspect_model\ninspect_model(path)"


def attempt(path: Path, code: str) -> Outcome:
    """Load a file in another process, and tell how it ended and whether code of the file ran.

    Args:
        path: the file, beside which the marker would be.
        code: Python code that may use ``path`` and the other names of ``strange_load.py``.
    """
    marker = path.parent / MARKER
    marker.unlink(missing_ok=True)
    lines = Program(SCRIPT, path, code).wait().splitlines()
    return Outcome(lines[-1], marker.exists())


def save_others(folder: Path, model: keras.Model, payload: object) -> None:
    """Save what else can run code when it is loaded, into the folder that holds the marker.

    Args:
        folder: where to write ``lambda.h5``, ``classic.meta`` and ``object.npy``.
        model: is saved as an old ``.h5``.
        payload: an object that runs code when it is unpickled.
    """
    before = absl.logging.get_verbosity()
    absl.logging.set_verbosity("error")  # or Keras says that this format is old
    model.save(folder / "lambda.h5")
    absl.logging.set_verbosity(before)
    save_classic(folder / "classic")
    np.save(folder / "object.npy", np.array([payload], dtype=object))


def save_classic(prefix: Path) -> None:
    """Save a classic checkpoint whose ``.meta`` makes the marker during each restore.

    The ``.meta`` names the operation that a ``Saver`` has to run for a restore. Here that
    operation waits for one that writes a file.
    """
    marker = prefix.resolve().with_name(MARKER)
    with tf.Graph().as_default() as graph, tf1.Session() as session:
        tf1.get_variable("bias", initializer=2.0)
        session.run(tf1.global_variables_initializer())
        saver = tf1.train.Saver()
        restore = graph.get_operation_by_name(saver.saver_def.restore_op_name)
        both = tf.group(restore, tf.io.write_file(str(marker), ""))
        saver.saver_def.restore_op_name = both.name
        saver.save(session, str(prefix))


def read_program(folder: Path) -> MetaGraphDef:
    """Parse the first program of a SavedModel as data. Nothing of it runs."""
    content = (folder / "saved_model.pb").read_bytes()
    return SavedModel.FromString(content).meta_graphs[0]


def is_refused(load: Callable[..., Any], model: keras.Model, path: Path, published: str) -> bool:
    """Tell whether a load raises a ValueError and leaves the model as it was.

    Args:
        load: takes the model, the path of a file, and the published hash of the file.
        model: what to load into.
        path: the file.
        published: the hash.
    """
    before = model.get_weights()
    try:
        load(model, path, published)
    except ValueError:
        return same_values(before, model.get_weights())
    return False


def find_loaded(
    load: Callable[..., Any],
    model: keras.Model,
    file: Path,
    tampered: Path,
    others: Sequence[Path],
) -> str | None:
    """Say in one line which file is loaded that should be refused, or nothing.

    Args:
        load: takes the model, the path of a file, and the published hash of the file.
        model: what to load into.
        file: the published file. With hashes that are nearly its own it should be refused.
        tampered: should be refused with the hash of the published file.
        others: should be refused even with their own hash.
    """
    published = sha256(file)
    cases = [(tampered, published)]
    cases += [(other, sha256(other)) for other in others]
    cases += [(file, published[:-1]), (file, f"{published[:-1]}?"), (file, f"?{published[1:]}")]
    for path, given in cases:
        if not is_refused(load, model, path, given):
            return f"{path.name} with the hash {given} is loaded"
    return None


def draw_hand_over(file: str) -> None:
    """Draw how numbers and their hash go from a teacher to a learner.

    Args:
        file: the name of the file with the numbers.
    """
    titles = ["The teacher", "On the way", "The learner"]
    numbers = ["the numbers\nof a model", f"{file}\nby mail"]
    numbers.append("3. loads the numbers\ninto a model from code")
    hashed = ["the SHA-256\nof the file", "64 characters\non a page you trust"]
    hashed.append("1. compares the hash\n2. inspects the file")
    draw_map(titles, [numbers, hashed], arrows=">>")


def draw_outcomes(outcomes: Mapping[Load, Outcome]) -> None:
    """Draw a field for each load: a row for its file, a column for the way of loading.

    Args:
        outcomes: what happened in each of the loads.
    """
    files = list(dict.fromkeys(load.file for load in outcomes))
    width = NAME_WIDTH + CELL_WIDTH * len(COLUMNS)
    height = CELL_HEIGHT * (len(files) + 1)
    figure = plt.figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)

    for number, column in enumerate(COLUMNS):
        middle = NAME_WIDTH + CELL_WIDTH * (number + 0.5)
        axes.text(middle, CELL_HEIGHT / 2, column, ha="center", va="center", weight="bold")
    for number, file in enumerate(files):
        middle = CELL_HEIGHT * (number + 1.5)
        axes.text(0.05, middle, file, va="center", family="monospace")
    for load, outcome in outcomes.items():
        left = NAME_WIDTH + CELL_WIDTH * COLUMNS.index(load.column)
        top = CELL_HEIGHT * (files.index(load.file) + 1)
        _draw_field(axes, left, top, load.call, outcome)
    plt.show()


def _draw_field(axes: Axes, left: float, top: float, call: str, outcome: Outcome) -> None:
    gap = 0.03
    corner = (left + gap, top + gap)
    size = (CELL_WIDTH - 2 * gap, CELL_HEIGHT - 2 * gap)
    axes.add_patch(Rectangle(corner, *size, color=outcome.colour))
    middle = left + CELL_WIDTH / 2
    axes.text(middle, top + 0.2, call, ha="center", va="center", family="monospace", size=9)
    weight = "bold" if outcome.code_ran else "normal"
    axes.text(middle, top + 0.42, outcome.words, ha="center", va="center", weight=weight)
