"""helpers.recipes.worker_save: the chief writes to the folder, others to one that is deleted."""

from pathlib import Path

import pytest


@pytest.fixture
def recipe(module):
    return module("helpers.recipes.worker_save")


class Strategy:
    """A strategy of a worker that is one of several, as far as the recipe asks it."""

    def __init__(self, tf, kind, index, jobs=("worker",)):
        addresses = {job: ["localhost:1", "localhost:2"] for job in jobs}
        spec = tf.train.ClusterSpec(addresses)
        make = tf.distribute.cluster_resolver.SimpleClusterResolver
        self.cluster_resolver = make(spec, task_type=kind, task_id=index)


def test_the_chief_saves_to_the_folder(recipe, tf, tmp_path):
    checkpoint = tf.train.Checkpoint(x=tf.Variable(1.0))
    chief = Strategy(tf, "worker", 0)
    with recipe.manager_of_worker(checkpoint, tmp_path / "saves", chief, max_to_keep=1) as manager:
        for number in [1, 2]:
            manager.save(checkpoint_number=number)
    names = {path.stem for path in (tmp_path / "saves").glob("*.index")}
    assert names == {"ckpt-2"}


def test_another_worker_saves_elsewhere_and_leaves_nothing(recipe, tf, tmp_path):
    checkpoint = tf.train.Checkpoint(x=tf.Variable(1.0))
    with recipe.manager_of_worker(
        checkpoint, tmp_path / "saves", Strategy(tf, "worker", 1), checkpoint_name="other"
    ) as manager:
        path = Path(manager.save())
        assert path.name == "other-1"
        assert path.with_suffix(".index").exists()
    assert not path.parent.exists()
    assert list(tmp_path.iterdir()) == []


def test_its_temporary_folder_is_deleted_after_an_error_too(recipe, tf, tmp_path):
    checkpoint = tf.train.Checkpoint(x=tf.Variable(1.0))
    with pytest.raises(KeyboardInterrupt):
        with recipe.manager_of_worker(checkpoint, tmp_path, Strategy(tf, "worker", 1)) as manager:
            manager.save()
            raise KeyboardInterrupt
    assert not Path(manager.directory).exists()


@pytest.mark.parametrize(
    ("kind", "index", "jobs", "expected"),
    [
        ("worker", 0, ["worker"], True),
        ("worker", 1, ["worker"], False),
        ("chief", 0, ["chief", "worker"], True),
        ("worker", 0, ["chief", "worker"], False),
        ("evaluator", 0, ["worker"], False),
        (None, None, ["worker"], True),
    ],
)
def test_one_worker_is_the_chief(recipe, tf, kind, index, jobs, expected):
    assert recipe.is_chief(Strategy(tf, kind, index, jobs)) is expected


def test_without_a_cluster_the_process_is_the_chief(recipe, tf):
    assert recipe.is_chief(tf.distribute.get_strategy())
