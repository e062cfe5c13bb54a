"""helpers.lab.resuming: its trials tell what goes on exactly from what does not."""

from helpers.draw import BROKEN, MATCHED
from helpers.lab import resuming
from helpers.prove import same_values

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
import tensorflow as tf


def make_order(**options):
    return tf.data.Dataset.range(100).shuffle(100, **options).repeat()


def checkpoint_of(model):
    variables = model.non_trainable_variables
    seeds = [one.value for one in variables if one.path.endswith("seed_generator_state")]
    return tf.train.Checkpoint(model=model, optimizer=model.optimizer, seeds=seeds)


def test_a_pipeline_with_a_seed_goes_on_and_one_without_does_not(tmp_path):
    expected, resumed = resuming.resume_place(lambda: make_order(seed=1), tmp_path, 200)
    assert len(expected) == 200
    assert same_values(expected, resumed)
    assert not same_values(*resuming.resume_place(make_order, tmp_path, 200))


def test_a_pipeline_begins_after_five_elements(tmp_path):
    expected, resumed = resuming.resume_place(lambda: tf.data.Dataset.range(8), tmp_path, 3)
    assert [int(number) for number in expected] == [5, 6, 7]
    assert [int(number) for number in resumed] == [5, 6, 7]


def test_records_hold_the_images(tmp_path):
    images, classes = resuming.make_images()
    assert classes.shape == (500,)
    files = tf.data.Dataset.list_files(resuming.write_records(images, tmp_path), shuffle=False)
    read = list(tf.data.TFRecordDataset(files).as_numpy_iterator())
    assert len(list(tmp_path.iterdir())) == 4
    assert b"".join(read) == images.tobytes()


def test_what_is_slow_at_times_changes_no_number():
    numbers = tf.data.Dataset.range(15).map(resuming.slowly)
    assert [int(number) for number in numbers] == list(range(15))


def test_four_threads_are_the_datasets_own(tf):
    dataset = resuming.with_four_threads(tf.data.Dataset.range(3))
    assert dataset.options().threading.private_threadpool_size == 4
    assert [int(number) for number in dataset] == [0, 1, 2]


def repaired():
    return make_order(seed=1).batch(10)


def test_a_repaired_pipeline_has_no_fault(tmp_path):
    assert resuming.find_fault(repaired, tmp_path) is None


def test_one_dataset_for_both_is_no_restart(tmp_path):
    only = make_order().batch(10)
    assert "makes a new dataset" in resuming.find_fault(lambda: only, tmp_path)


def two_orders():
    numbers = tf.data.Dataset.range(100)
    orders = [numbers.shuffle(100, seed, reshuffle_each_iteration=False) for seed in (1, 2)]
    return orders[0].concatenate(orders[1]).repeat().batch(10)


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (lambda: make_order().batch(10), "goes on with other numbers"),
        (lambda: repaired().take(30), "ends before"),
        (lambda: make_order(seed=1).batch(20), "ten numbers"),
        (lambda: make_order(seed=1), "ten numbers"),
        (lambda: make_order(seed=1).map(lambda one: 2 * one).batch(10), "each number once"),
        (two_orders, "the same order"),
        (
            lambda: tf.data.Dataset.range(100).batch(10).shuffle(10, seed=1).repeat(),
            "the same batches",
        ),
    ],
)
def test_each_fault_of_a_pipeline_is_told(make, fault, tmp_path):
    assert fault in resuming.find_fault(make, tmp_path)


def test_the_figure_shows_how_far_losses_are_away():
    expected = {1: 0.5, 2: 0.25, 3: 0.125}
    cases = {"late": {2: 0.5, 3: 0.0}, "exact": {3: 0.125}}
    resuming.draw_gaps(expected, cases, wrong=["late"])
    late, exact = plt.gca().lines
    assert list(late.get_xdata()) == [2, 3]
    assert list(late.get_ydata()) == [0.25, 0.125]
    assert list(exact.get_ydata()) == [0]
    assert late.get_color() == BROKEN
    assert exact.get_color() == MATCHED
    plt.close("all")


def test_a_refusal_is_told_by_the_readable_end_of_its_message(tmp_path):
    noisy = tf.data.Dataset.range(3).map(lambda number: tf.random.normal([]))
    assert resuming.refusal(noisy, tmp_path) == "RandomStandardNormal is stateful."
    with pytest.raises(AssertionError, match="was saved"):
        resuming.refusal(tf.data.Dataset.range(3), tmp_path)


def test_a_state_weighs_as_much_as_its_shuffle_buffer(tmp_path):
    images, _ = resuming.make_images()
    heavy = tf.data.Dataset.from_tensor_slices(images).shuffle(500, seed=1)
    assert images.nbytes < resuming.weigh(heavy, tmp_path) < 1.2 * images.nbytes
    assert resuming.weigh(tf.data.Dataset.range(500), tmp_path) < 10_000


def test_the_figure_of_weights_is_in_kilobytes(tmp_path):
    images, _ = resuming.make_images()
    heavy = tf.data.Dataset.from_tensor_slices(images).shuffle(500, seed=1)
    cases = {"heavy": heavy, "light": tf.data.Dataset.range(500)}
    resuming.draw_weights(cases, tmp_path, wrong=["heavy"])
    bars = plt.gca().patches
    assert [bar.get_width() for bar in bars] == [pytest.approx(2140, abs=90), 0]
    assert plt.gca().get_title() == "kilobytes"
    plt.close("all")


def test_a_training_goes_on_exactly_with_all_its_parts_and_not_without_one(tmp_path):
    def make():
        return resuming.make_model(keras.optimizers.Adam(0.01))

    assert resuming.resume_steps(make, checkpoint_of, tmp_path)
    without_seeds = resuming.resume_steps(
        make, lambda model: tf.train.Checkpoint(model=model, optimizer=model.optimizer), tmp_path
    )
    assert not without_seeds


def test_fit_notes_each_step_and_can_be_interrupted():
    images, classes = resuming.make_images()
    batches = tf.data.Dataset.from_tensor_slices((images, classes)).batch(50).repeat()
    ended = []
    callback = keras.callbacks.LambdaCallback(on_train_end=ended.append)

    model = resuming.make_model(keras.optimizers.SGD(0.01))
    losses = resuming.fit_losses(model, batches, callback, last_step=11)
    assert list(losses) == list(range(1, 12))
    assert np.isfinite(list(losses.values())).all()
    assert ended == []

    losses = resuming.fit_losses(model, batches, callback, epoch=3)
    assert list(losses) == list(range(12, 28))
    assert len(ended) == 1
