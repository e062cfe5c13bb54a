"""Write hostile and honest model files into a folder, to be shown to any scanner.

    python -m tests.model_files FOLDER

writes ``FOLDER/hostile`` and ``FOLDER/honest``. All that a hostile file does is to make an empty
file below ``FOLDER``, or to copy, move or read what lies there.
"""

import json
import pickle
import sys
from pathlib import Path

from tests import honest_files
from tests.hostile import classic_models, configurations, forged_graphs, keras_2, saved_models
from tests.hostile.configurations import write_h5, write_keras
from tests.hostile.pickles import CALLS, Payload

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.keras.protobuf.saved_metadata_pb2 import SavedMetadata

FORGERIES = [
    forged_graphs.call_with_a_path, forged_graphs.call_in_a_branch, forged_graphs.call_by_name,
    forged_graphs.begin_with_a_path, forged_graphs.join_with_a_path,
    forged_graphs.be_called_from_outside, forged_graphs.a_function_named_as_an_operation,
]  # fmt: skip
RUN_ON_LOAD = [
    saved_models.write, saved_models.write_deep_inside, saved_models.write_in_a_branch,
    saved_models.append, saved_models.save, saved_models.save_by_a_function,
]  # fmt: skip


def write_hostile(folder: Path, calculator: Path) -> None:
    """Write files that do something when they are loaded, or that could."""
    marker = folder.parent / "it_ran"
    write_hostile_keras(folder, marker)
    write_hostile_programs(folder, calculator, marker)
    for number, content in enumerate(CALLS.values()):
        (folder / f"call_{number}.pkl").write_bytes(content)
    (folder / "object.pkl").write_bytes(pickle.dumps(Payload(marker)))
    objects = np.array([Payload(marker)], dtype=object)
    np.save(folder / "objects.npy", objects)
    np.savez(folder / "objects.npz", objects=objects)


def write_hostile_keras(folder, marker):
    for ending in ("keras", "h5"):
        configurations.lambda_model(keras, marker).save(folder / f"lambda.{ending}")
    for number, node in enumerate(configurations.HOSTILE.values()):
        write_keras(folder / f"named_{number}.keras", configurations.sequential(node))
    for number, node in enumerate(keras_2.HOSTILE_CALLS.values()):
        write_h5(folder / f"keras_2_{number}.h5", configurations.sequential(node))
    keras_2.write_op_lambda(folder / "keras_2_writes.h5", marker)


def write_hostile_programs(folder, calculator, marker):
    for act in RUN_ON_LOAD:
        model = saved_models.model_that_runs(tf, lambda act=act: act(tf, str(marker)))
        tf.saved_model.save(model, folder / f"loaded_{act.__name__}")
    for change in FORGERIES:
        forged_graphs.forge(calculator, folder / f"forged_{change.__name__}", change)
    for act in classic_models.ACTS:
        path = folder / f"classic_{act.__name__}"
        classic_models.save_model(tf, path, act, "../../../victim")
    classic_models.save_model_that_changes_itself(tf, folder / "changes_itself")
    classic_models.save_classic_that_changes_itself(tf, folder / "overwrites")
    for act in (saved_models.write_beside, saved_models.save_beside):
        saved_models.save_classic(tf, folder / f"{act.__name__}", act, marker)
    copy = forged_graphs.forge(calculator, folder / "metadata", forged_graphs.no_change)
    (copy / "keras_metadata.pb").write_bytes(keras_2.metadata(SavedMetadata, is_hostile=True))


def write_honest(folder: Path) -> None:
    """Write files as Keras 2 and 3, TensorFlow 1 and 2 and NumPy write them."""
    honest_files.save_all(folder)
    for number, node in enumerate(keras_2.HONEST_CALLS.values()):
        module = keras_2.MODULES_OF_FUNCTIONAL[number % 3]
        config = keras_2.functional(module, node, keras_2.policy())
        write_keras(folder / f"keras_2_{number}.keras", config)
        write_h5(folder / f"keras_2_{number}.h5", config)
    calculator = folder / "calculator"
    for operation in ("ParseExample", "ParseExampleV2", "OptionalFromValue", "OptionalNone"):

        def add(program, operation=operation):
            forged_graphs.add_node(program.graph_def, operation)

        forged_graphs.forge(calculator, folder / f"uses_{operation}", add)
    copy = forged_graphs.forge(calculator, folder / "metadata", forged_graphs.no_change)
    (copy / "keras_metadata.pb").write_bytes(keras_2.metadata(SavedMetadata, is_hostile=False))
    (copy / "assets.extra").mkdir()
    (copy / "assets.extra" / "requests").write_bytes(b"any")
    np.save(folder / "numbers.npy", np.ones(3))
    np.savez(folder / "numbers.npz", a=np.ones(3))
    for protocol in range(2, 6):
        losses = {"loss": [0.5, 0.25], "settings": json.loads('{"rate": 0.1}')}
        (folder / f"losses_{protocol}.pkl").write_bytes(pickle.dumps(losses, protocol))


def models_in(folder: Path) -> list[Path]:
    """Return what a person would load in a folder: files, and folders of SavedModels."""
    parts = (".index", ".data-00000-of-00001")
    paths = [path for path in sorted(folder.iterdir()) if path.name != "checkpoint"]
    return [path for path in paths if path.suffix not in parts]


def write_all(folder: Path) -> None:
    """Write both kinds."""
    for kind in ("hostile", "honest"):
        (folder / kind).mkdir(parents=True)
    write_honest(folder / "honest")
    write_hostile(folder / "hostile", folder / "honest" / "calculator")


if __name__ == "__main__":
    write_all(Path(sys.argv[1]).resolve())
