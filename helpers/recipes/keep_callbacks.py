"""Keep what the callbacks of `fit` remember, so that it survives a restart.

Needs TensorFlow.

It is made for Keras 3. `EarlyStopping`, `ReduceLROnPlateau` and `ModelCheckpoint` remember the best
value and how long there was none better, and no file of Keras holds it. After a restart they begin
again, without a message. `KeepCallbacks` writes it to a file after each epoch, and gives it back
before the first epoch of the next `fit`:

>>> import keras, numpy as np
>>> from keep_callbacks import KeepCallbacks
>>> def train_on(model, first_epoch):
...     stop = keras.callbacks.EarlyStopping("loss", patience=3)
...     keep = KeepCallbacks("callbacks.json", [stop])
...     x = np.ones((8, 2))
...     options = {"initial_epoch": first_epoch, "epochs": first_epoch + 2, "verbose": 0}
...     model.fit(x, x, callbacks=[stop, keep], **options)
...     return stop.wait
>>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
>>> model.compile(keras.optimizers.SGD(0.0), "mse")  # which does not learn
>>> train_on(model, first_epoch=0)
1
>>> train_on(model, first_epoch=2)
3

What it does not do: it keeps no model. Save that as before, with `ModelCheckpoint` or
`BackupAndRestore`, and continue at the epoch that was saved.
"""

import json
import os
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

# What each callback of Keras changes while it watches a training.
REMEMBERED: dict[type, tuple[str, ...]] = {
    keras.callbacks.EarlyStopping: ("best", "wait", "stopped_epoch"),
    keras.callbacks.ReduceLROnPlateau: ("best", "wait", "cooldown_counter"),
    keras.callbacks.ModelCheckpoint: ("best",),
}
# The state before the epoch that comes next, and the one before the last epoch. A kill between the
# save of the model and the write of this file leaves one of the two as the right one.
EPOCHS_KEPT = 2


class KeepCallbacks(keras.callbacks.Callback):
    """Keeps the memory of other callbacks in a file.

    Give it to `fit` as the last one, because callbacks are called in their order: what it writes
    has to be what the others remember after the epoch.
    """

    def __init__(
        self,
        path: Path | str,
        watched: Sequence[keras.callbacks.Callback],
        names: Mapping[type, Sequence[str]] | None = None,
    ) -> None:
        """Keep the memory of some callbacks.

        Args:
            path: a JSON file, which need not exist yet. Its folder must exist. A training of its
                own needs a file of its own.
            watched: the other callbacks, always in the same order.
            names: for classes of your own, the attributes that change in a training. They hold
                numbers, texts, None, or lists of these.

        Raises:
            ValueError: a callback whose class is not known, or an `EarlyStopping` with
                ``restore_best_weights``, which remembers weights too.
        """
        super().__init__()
        self.path = Path(path)
        self.watched = list(watched)
        known = REMEMBERED | {kind: tuple(given) for kind, given in (names or {}).items()}
        self._names = [_names_of(callback, known) for callback in self.watched]
        self._is_first_epoch = True

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Note that the next epoch is the first one."""
        self._is_first_epoch = True

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Give back what was remembered when this epoch began in an earlier `fit`.

        Without a file they begin again, with a warning.

        Raises:
            ValueError: the file is damaged, or was written for other callbacks, or epochs were
                trained of which it holds nothing.
        """
        if not self._is_first_epoch:
            return
        self._is_first_epoch = False
        if epoch == 0:  # a new training, whatever the file holds
            return
        if not self.path.is_file():
            warnings.warn(f"no {self.path.name}: the callbacks begin again", stacklevel=2)
            return
        states = self._read().get(str(epoch))
        if states is None:
            raise ValueError(
                f"{self.path.name} holds nothing of epoch {epoch}: is it from another training?"
            )
        kinds = [type(callback).__name__ for callback in self.watched]
        if [state["class"] for state in states] != kinds:
            raise ValueError(f"{self.path.name} was written for others than {', '.join(kinds)}")
        for callback, state in zip(self.watched, states, strict=True):
            vars(callback).update(state["memory"])

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Write what the callbacks remember now, when the next epoch can begin."""
        states = []
        for callback, names in zip(self.watched, self._names, strict=True):
            memory = {name: _plain(getattr(callback, name)) for name in names}
            states.append({"class": type(callback).__name__, "memory": memory})
        kept = self._read() if epoch > 0 else {}
        kept.pop(str(epoch + 1), None)
        kept[str(epoch + 1)] = states
        newest = list(kept)[-EPOCHS_KEPT:]
        self._write({number: kept[number] for number in newest})

    def _read(self) -> dict[str, Any]:
        if not self.path.is_file():
            return {}
        try:
            return dict(json.loads(self.path.read_text(encoding="utf-8")))
        except ValueError:
            raise ValueError(f"{self.path.name} is damaged: take another copy") from None

    def _write(self, states: Mapping[str, Any]) -> None:
        """Write to another name and rename, so that a kill leaves the old file or the new one."""
        with tempfile.TemporaryDirectory(prefix=".saving-", dir=self.path.parent) as folder:
            new = Path(folder) / "callbacks.json"
            with new.open("w", encoding="utf-8") as stream:
                json.dump(states, stream)
                stream.flush()
                os.fsync(stream.fileno())
            new.replace(self.path)


def _names_of(
    callback: keras.callbacks.Callback, known: Mapping[type, tuple[str, ...]]
) -> tuple[str, ...]:
    kind = type(callback)
    if getattr(callback, "restore_best_weights", False):
        raise ValueError(
            f"a restart cannot give {kind.__name__} its best weights: leave out "
            "restore_best_weights, and keep the best model with ModelCheckpoint"
        )
    if kind not in known:
        raise ValueError(f"no attributes of {kind.__name__} are known: give them in names")
    return known[kind]


def _plain(value: Any) -> Any:
    """Turn a number of NumPy or Keras into one of Python, which JSON can hold to the last bit."""
    is_plain = value is None or isinstance(value, bool | int | float | str | list)
    return value if is_plain else float(value)
