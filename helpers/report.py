"""A load report: what a file would bring to a model, and what not, found without loading it."""

from pathlib import Path
from typing import Any, NamedTuple

from helpers.variables import Variable, in_checkpoint, in_keras_file

from tabulate import tabulate


class Row(NamedTuple):
    """One variable: its key in the file, its status, and what the model and the file have."""

    key: str
    status: str
    in_model: str
    in_file: str


class LoadReport(NamedTuple):
    """A row for each variable. ``line`` counts the statuses, ``table`` shows the rows."""

    file: str
    rows: list[Row]

    @property
    def line(self) -> str:
        found = [row.status for row in self.rows]
        counts = [f"{found.count(each)} {each}" for each in dict.fromkeys(["matched", *found])]
        return f"{self.file}: {', '.join(counts)}"

    @property
    def table(self) -> str:
        return tabulate(self.rows, ("key", "status", "in the model", "in the file"))


def load_report(path: Path | str, model: Any) -> LoadReport:
    """Compare the variables of a file and a model as the file's own loader would, changing neither.

    A status is: matched; missing in the file; unexpected in the file; other shape; other dtype
    (Keras casts, TensorFlow refuses); other name (Keras loads it all the same; a number at the
    end does not count); skipped (it fits, but Keras leaves its layer before it).

    Args:
        path: a ``.keras``, a ``.weights.h5``, or the prefix of a checkpoint, also TensorFlow 1's.
        model: a built Keras model. For a checkpoint, the ``tf.train.Checkpoint`` that would
            restore it, or the dict {name in the file: variable} that a Saver takes.

    Raises:
        ValueError: there can be no report; one line says why, and what was found.
    """
    path = Path(str(path))
    is_checkpoint = Path(f"{path}.index").is_file()
    try:
        ours, theirs = (in_checkpoint if is_checkpoint else in_keras_file)(path, model)
    except Exception as error:
        reason = (str(error) or repr(error)).splitlines()[0].replace(f"{path.parent}/", "")
        raise ValueError(f"no report on {path.name}: {reason}") from None
    pairs = {key: (ours.get(key), theirs.get(key)) for key in ours | theirs}
    statuses = {key: _status(*pair) for key, pair in pairs.items()}
    if not is_checkpoint:
        _skip(statuses)
    texts = {key: [str(side or "") for side in pair] for key, pair in pairs.items()}
    short = {key: key.removesuffix("/.ATTRIBUTES/VARIABLE_VALUE") for key in pairs}
    return LoadReport(path.name, [Row(short[key], statuses[key], *texts[key]) for key in pairs])


def _status(ours: Variable | None, theirs: Variable | None) -> str:
    if not (ours and theirs):
        return "missing" if ours else "unexpected"
    if ours.shape != theirs.shape:
        return "other shape"
    if ours.dtype != theirs.dtype:
        return "other dtype"
    names = {side.name.rstrip("_0123456789") for side in (ours, theirs)}
    return "other name" if len(names) == 2 and theirs.name else "matched"


def _skip(statuses: dict[str, str]) -> None:
    """Mark what Keras skips: the rest of a layer after an other shape, or all after a miscount."""
    layers = {key: key.rpartition("/")[0] for key in statuses}
    left = {layers[key] for key in layers if statuses[key] in ("missing", "unexpected")}
    for key, status in statuses.items():
        if status == "other shape":
            left.add(layers[key])
        elif status not in ("missing", "unexpected") and layers[key] in left:
            statuses[key] = "skipped"
