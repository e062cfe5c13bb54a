"""What the checkpoints hold that a folder keeps."""

from pathlib import Path
from typing import Any

import tensorflow as tf


def read_kept(folder: Path, name: str) -> dict[str, Any]:
    """Read a variable from each checkpoint that the file ``checkpoint`` of a folder lists.

    Args:
        folder: of a manager or a ``Saver``.
        name: of the variable, an attribute of the object that was saved, such as ``step``.

    Returns:
        For the name of each checkpoint, in the order of the list, the variable's value, or None if
        it holds no such variable. Nothing if the folder has no list.

    Raises:
        tf.errors.OpError, ValueError or RuntimeError: a checkpoint is missing or damaged.
    """
    state = tf.train.get_checkpoint_state(folder)
    prefixes = state.all_model_checkpoint_paths if state else []
    return {Path(prefix).name: _read(prefix, name) for prefix in prefixes}


def _read(prefix: str, name: str) -> Any:
    reader = tf.train.load_checkpoint(prefix)
    key = f"{name}/.ATTRIBUTES/VARIABLE_VALUE"
    return reader.get_tensor(key).tolist() if reader.has_tensor(key) else None
