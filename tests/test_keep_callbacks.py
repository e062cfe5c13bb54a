"""helpers.recipes.keep_callbacks: a training that is restarted is watched as if it were not."""

import json

import pytest

# h5py and TensorFlow have not followed numpy 2 in this yet.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

EPOCHS = 12


@pytest.fixture(scope="module")
def recipe(module):
    return module("helpers.recipes.keep_callbacks")


@pytest.fixture(scope="module")
def ones(tf):
    """One batch that is ready: of arrays, Keras would make one with graphs of its own each time."""
    batch = tf.ones((4, 2))
    return tf.data.Dataset.from_tensors((batch, batch))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "memory.json"


@pytest.fixture
def fit(keras, ones):
    """Train an idle model from one epoch to another; return the learning rates of its epochs."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    # What is tested happens between two epochs, and an eager model begins its first one sooner.
    model.compile(keras.optimizers.SGD(1e-12), "mse", run_eagerly=True)

    def fit(callbacks, first, last, **options):
        options |= {"initial_epoch": first, "epochs": last, "shuffle": False, "verbose": 0}
        history = model.fit(ones, callbacks=callbacks, **options)
        return history.history.get("learning_rate", [None] * len(history.epoch))

    fit.model = model
    return fit


def stopper(keras, **options):
    return keras.callbacks.EarlyStopping("loss", patience=3, **options)


@pytest.mark.parametrize("every", [1, 2, 3])
def test_early_stopping_waits_over_restarts(recipe, keras, fit, path, every):
    trained = 0
    while not getattr(fit.model, "stop_training", False):
        assert trained < EPOCHS, "it goes on for ever"
        stop = stopper(keras)
        keep = recipe.KeepCallbacks(path, [stop])
        trained += len(fit([stop, keep], trained, trained + every))
    assert trained == 4


def test_without_it_early_stopping_never_stops(keras, fit):
    for first in range(0, EPOCHS, 2):
        assert len(fit([stopper(keras)], first, first + 2)) == 2


@pytest.mark.parametrize("every", [1, 2, 5])
def test_the_learning_rate_falls_as_in_a_training_without_restarts(
    recipe, keras, fit, tmp_path, every
):
    def make(name):
        options = {"factor": 0.5, "patience": 2, "cooldown": 3}
        plateau = keras.callbacks.ReduceLROnPlateau("loss", **options)
        return [plateau, recipe.KeepCallbacks(tmp_path / name, [plateau])]

    wanted = fit(make("one"), 0, EPOCHS)
    assert len(set(wanted)) > 2
    fit.model.optimizer.learning_rate = 1e-12
    found = []
    for first in range(0, EPOCHS, every):
        found += fit(make("many"), first, min(first + every, EPOCHS))
    assert found == wanted


def test_the_best_model_is_not_replaced_by_a_worse_one(recipe, keras, fit, path, tmp_path):
    file = tmp_path / "best.weights.h5"

    def make():
        best = keras.callbacks.ModelCheckpoint(
            file, "loss", save_best_only=True, save_weights_only=True
        )
        return [best, recipe.KeepCallbacks(path, [best])]

    fit(make(), 0, 2)
    before = file.read_bytes()
    fit.model.set_weights([weight + 9 for weight in fit.model.get_weights()])
    fit(make(), 2, 4)
    assert file.read_bytes() == before


def test_a_restart_may_go_back_by_one_epoch(recipe, keras, fit, path):
    """A kill came after the epoch was written here, and before the model was saved."""
    stop = stopper(keras)
    fit([stop, recipe.KeepCallbacks(path, [stop])], 0, 3)
    again = stopper(keras)
    assert len(fit([again, recipe.KeepCallbacks(path, [again])], 2, 9)) == 2
    third = stopper(keras)
    with pytest.raises(ValueError, match=r"memory\.json holds nothing of epoch 1"):
        fit([third, recipe.KeepCallbacks(path, [third])], 1, 9)


def test_a_new_training_begins_with_nothing(recipe, keras, fit, path):
    for _ in range(2):
        stop = stopper(keras)
        assert len(fit([stop, recipe.KeepCallbacks(path, [stop])], 0, 9)) == 4


def test_it_goes_on_after_backup_and_restore(recipe, keras, fit, path, tmp_path):
    class Kill(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    def make():
        stop = stopper(keras)
        backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
        return [stop, backup, recipe.KeepCallbacks(path, [stop])]

    with pytest.raises(KeyboardInterrupt):
        fit([*make(), Kill()], 0, 9)
    assert len(fit(make(), 0, 9)) == 2


def test_a_callback_of_ones_own_needs_names(recipe, keras, fit, path):
    class Count(keras.callbacks.Callback):
        seen = 0

        def on_epoch_end(self, epoch, logs=None):
            self.seen += 1

    with pytest.raises(ValueError, match="no attributes of Count are known: give them in names"):
        recipe.KeepCallbacks(path, [Count()])
    for first in [0, 2]:
        count = Count()
        fit([count, recipe.KeepCallbacks(path, [count], {Count: ["seen"]})], first, first + 2)
    assert count.seen == 4


def test_best_weights_are_refused(recipe, keras, path):
    with pytest.raises(ValueError, match="cannot give EarlyStopping its best weights"):
        recipe.KeepCallbacks(path, [stopper(keras, restore_best_weights=True)])


def test_the_file_of_other_callbacks_is_refused(recipe, keras, fit, path):
    stop = stopper(keras)
    fit([stop, recipe.KeepCallbacks(path, [stop])], 0, 2)
    plateau = keras.callbacks.ReduceLROnPlateau("loss")
    with pytest.raises(ValueError, match="was written for others than ReduceLROnPlateau"):
        fit([plateau, recipe.KeepCallbacks(path, [plateau])], 2, 4)


def test_a_damaged_file_is_refused_and_a_missing_one_is_said(recipe, keras, fit, path):
    stop = stopper(keras)
    with pytest.warns(UserWarning, match=r"no memory\.json: the callbacks begin again"):
        fit([stop, recipe.KeepCallbacks(path, [stop])], 2, 3)
    path.write_text('{"3": [', encoding="utf-8")
    with pytest.raises(ValueError, match=r"memory\.json is damaged"):
        fit([stop, recipe.KeepCallbacks(path, [stop])], 3, 4)


def test_a_kill_before_the_rename_leaves_the_old_file(recipe, keras, fit, path, monkeypatch):
    stop = stopper(keras)
    keep = recipe.KeepCallbacks(path, [stop])
    fit([stop, keep], 0, 1)
    before = path.read_text(encoding="utf-8")

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(recipe.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fit([stop, keep], 1, 2)
    assert path.read_text(encoding="utf-8") == before
    assert [file.name for file in path.parent.iterdir()] == ["memory.json"]


def test_the_file_holds_two_epochs_and_plain_numbers(recipe, keras, fit, path):
    stop = stopper(keras)
    fit([stop, recipe.KeepCallbacks(path, [stop])], 0, 3)
    states = json.loads(path.read_text(encoding="utf-8"))
    assert list(states) == ["2", "3"]
    [state] = states["3"]
    assert state["class"] == "EarlyStopping"
    assert state["memory"]["wait"] == 2
    assert state["memory"]["best"] == stop.best
