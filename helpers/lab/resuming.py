"""Trials of exact resuming: of a data pipeline, of a training step, and of ``fit``."""

import contextlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from helpers import hold_stderr
from helpers.draw import BROKEN, MATCHED, draw_bars
from helpers.prove import same_values
from helpers.runs import new_folder

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

TAKEN = 5  # elements or steps before the save
EPOCHS = 5  # of fit
STEPS = 8  # of an epoch

MakeDataset = Callable[[], tf.data.Dataset]


def make_images() -> tuple[np.ndarray, np.ndarray]:
    """Return 500 images of 32 by 32 random pixels from 0 to 1, float32, and classes from 0 to 9."""
    random = np.random.default_rng(1)
    images = random.random((500, 32, 32), "float32")
    return images, random.integers(10, size=500)


def write_records(images: np.ndarray, folder: Path) -> str:
    """Write images to four TFRecord files, each as its bytes, and return a pattern of their names.

    Args:
        images: their number is a multiple of four.
        folder: where the files go.
    """
    for number, part in enumerate(np.split(images, 4)):
        path = (folder / f"{number}.tfrecord").as_posix()
        with tf.io.TFRecordWriter(path) as writer:
            for image in part:
                writer.write(image.tobytes())
    return (folder / "*.tfrecord").as_posix()


def slowly(number: tf.Tensor) -> tf.Tensor:
    """Return an int64 number as it is: every seventh one after the product of large matrices."""
    size = tf.where(number % 7 == 0, 700, 2)
    square = tf.ones([size, size])
    product = square @ square
    return number + tf.cast(0 * product[0, 0], tf.int64)


def with_four_threads(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Give a dataset four threads of its own, so that a machine with one core has as many."""
    options = tf.data.Options()
    options.threading.private_threadpool_size = 4
    return dataset.with_options(options)


def save_iterator(iterator: Any, run: Path) -> str:
    """Save an iterator in a new folder of a run, and return the prefix."""
    prefix = new_folder(run, "place") / "place"
    return tf.train.Checkpoint(iterator=iterator).save(prefix)


def resume_place(make: MakeDataset, run: Path, count: int = 20) -> tuple[list, list]:
    """Take five elements, save, and return the next ones, first expected, then resumed.

    Args:
        make: makes the dataset. It is called again for the iterator that is restored, as a
            restarted program would.
        run: where the checkpoint goes.
        count: how many elements are returned. The dataset has at least five more.
    """
    iterator = iter(make())
    for _ in range(TAKEN):
        next(iterator)
    prefix = save_iterator(iterator, run)
    expected = [next(iterator) for _ in range(count)]

    restored = iter(make())
    tf.train.Checkpoint(iterator=restored).restore(prefix).assert_consumed()
    return expected, [next(restored) for _ in range(count)]


def find_fault(make: MakeDataset, run: Path) -> str | None:
    """Say in one line why a pipeline is no repaired one, or nothing.

    It has to go on exactly over four epochs. Each epoch is made of ten batches of ten, and holds
    the numbers from 0 to 99 once, in another order and in other batches than the epochs before.

    Args:
        make: makes the dataset.
        run: where the checkpoint goes.
    """
    if make() is make():
        return "a program that starts again makes a new dataset"
    try:
        expected, resumed = resume_place(make, run, count=45)
    except StopIteration:
        return "the dataset ends before five epochs"
    if not same_values(resumed, expected):
        return "it goes on with other numbers"
    if any(np.shape(batch) != (10,) for batch in expected):
        return "a batch does not hold ten numbers"
    return _find_fault_of_epochs(np.reshape(expected[5:], (4, 10, 10)))


def refusal(dataset: tf.data.Dataset, run: Path) -> str:
    """Return the readable end of the message with which an iterator is not saved.

    Raises:
        AssertionError: the iterator was saved.
    """
    try:
        save_iterator(iter(dataset), run)
    except tf.errors.FailedPreconditionError as error:
        # Before it stands "{{function_node …}}", behind it "[Op:SerializeIterator] name: ".
        return error.message.split("}} ")[-1].split(" [Op:")[0]
    raise AssertionError("the iterator was saved")


def weigh(dataset: tf.data.Dataset, run: Path) -> int:
    """Return how many bytes of a checkpoint the state of an iterator takes after one element."""
    iterator = iter(dataset)
    next(iterator)
    prefix = save_iterator(iterator, run)
    return Path(f"{prefix}.data-00000-of-00001").stat().st_size


def draw_weights(
    datasets: Mapping[str, tf.data.Dataset], run: Path, wrong: Collection[str] = ()
) -> None:
    """Draw how many kilobytes the state of each dataset's iterator takes, in tens, as bars.

    Args:
        datasets: by their names, from top to bottom.
        run: where the checkpoints go.
        wrong: names of datasets that are drawn in orange.
    """
    kilobytes = [round(weigh(dataset, run), -4) / 1000 for dataset in datasets.values()]
    draw_bars(list(datasets), {"kilobytes": kilobytes}, wrong)


def make_model(optimizer: keras.Optimizer, dtype: str = "float32") -> keras.Model:
    """Return a compiled network with dropout and batch normalisation, always with the same start.

    Args:
        optimizer: is built too. It can be used for one model only.
        dtype: a policy of Keras for the hidden layer, for example ``mixed_float16``.
    """
    keras.utils.set_random_seed(1)
    layers = [
        keras.Input((32, 32)),
        keras.layers.Flatten(),
        keras.layers.Dense(32, "relu", dtype=dtype),
        keras.layers.BatchNormalization(),
        keras.layers.Dropout(0.5, seed=2),
        keras.layers.Dense(10),
    ]
    model = keras.Sequential(layers)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, jit_compile=False)
    optimizer.build(model.trainable_variables)
    return model


def resume_steps(
    make: Callable[[], keras.Model],
    checkpoint_of: Callable[[keras.Model], tf.train.Checkpoint],
    run: Path,
) -> bool:
    """Train five steps, save, train six; tell whether a restored model ends with the same bits.

    All variables of the model and of its optimizer are compared.

    Args:
        make: returns a new model, compiled.
        checkpoint_of: returns the checkpoint that saves or restores a model.
        run: where the checkpoint goes.
    """
    last = TAKEN + 6
    with hold_stderr():  # some processors have no float16 and say so
        model, restored = make(), make()
        _train(model, range(TAKEN))
        prefix = checkpoint_of(model).write(new_folder(run, "steps") / "five")
        _train(model, range(TAKEN, last))
        checkpoint_of(restored).read(prefix).assert_consumed()
        _train(restored, range(TAKEN, last))
    return same_values(_all_values(restored), _all_values(model))


def fit_losses(
    model: keras.Model,
    batches: tf.data.Dataset,
    callback: keras.callbacks.Callback,
    last_step: int | None = None,
    epoch: int = 0,
) -> dict[int, float]:
    """Train with ``fit`` for five epochs of eight steps, and return the loss shown at each step.

    Args:
        model: compiled.
        batches: without an end.
        callback: is called before the one that notes the losses.
        last_step: an exception ends ``fit`` after this step, by the optimizer's count. As after a
            kill, no callback is called any more.
        epoch: the first one, counted from 0.
    """
    recorder = _Recorder(last_step)
    with contextlib.suppress(_InterruptedError):
        model.fit(
            batches,
            epochs=EPOCHS,
            initial_epoch=epoch,
            steps_per_epoch=STEPS,
            callbacks=[callback, recorder],
            shuffle=False,  # otherwise Keras warns that a dataset has an order of its own
            verbose=0,
        )
    return recorder.losses


def draw_gaps(
    expected: Mapping[int, float],
    cases: Mapping[str, Mapping[int, float]],
    wrong: Collection[str] = (),
) -> None:
    """Draw how far the losses of resumed trainings are from those that were expected.

    Args:
        expected: the loss at each step.
        cases: for the name of each training, the loss at each of its steps.
        wrong: names of trainings that are drawn in orange, and the others in blue.
    """
    _, axes = plt.subplots()
    for name, losses in cases.items():
        colour = BROKEN if name in wrong else MATCHED
        gaps = [abs(losses[step] - expected[step]) for step in losses]
        axes.plot(list(losses), gaps, ".-", color=colour, label=name)
    axes.set(xlabel="step", ylabel="difference from the uninterrupted loss")
    axes.legend()


class _InterruptedError(Exception):
    """Ends fit as a kill would."""


class _Recorder(keras.callbacks.Callback):
    def __init__(self, last_step: int | None) -> None:
        super().__init__()
        self.last_step = last_step
        self.losses: dict[int, float] = {}

    def on_train_batch_end(self, batch: int, logs: dict[str, float]) -> None:
        step = int(self.model.optimizer.iterations)
        self.losses[step] = float(logs["loss"])
        if step == self.last_step:
            raise _InterruptedError


def _find_fault_of_epochs(epochs: np.ndarray) -> str | None:
    """Say what is wrong with epochs of batches, an array of shape (epochs, 10, 10), or nothing."""
    orders = [tuple(epoch.ravel()) for epoch in epochs]
    if any(sorted(order) != list(range(100)) for order in orders):
        return "an epoch does not hold each number once"
    if len(set(orders)) < len(orders):
        return "two epochs have the same order"
    if len({_contents(epoch) for epoch in epochs}) < len(orders):
        return "two epochs have the same batches, in another order"
    return None


def _contents(epoch: Sequence[np.ndarray]) -> frozenset:
    """Return the numbers of each batch of an epoch, whatever their order."""
    return frozenset(frozenset(batch.tolist()) for batch in epoch)


def _train(model: keras.Model, steps: Iterable[int]) -> None:
    images, classes = make_images()
    for step in steps:
        start = 50 * (step % 10)
        batch = slice(start, start + 50)
        model.train_on_batch(images[batch], classes[batch])


def _all_values(model: keras.Model) -> list[np.ndarray]:
    variables = model.variables + model.optimizer.variables
    return [variable.numpy() for variable in variables]
