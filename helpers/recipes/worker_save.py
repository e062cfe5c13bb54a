"""Who writes where, when many workers save one checkpoint together.

Needs TensorFlow.

Under ``MultiWorkerMirroredStrategy`` every worker has to call ``save``, because a variable that is
kept in parts, such as a metric, is added up over all workers at that moment. A worker that does not
call leaves the others waiting, or ends them with an error. Yet only one of them may write to the
folder. So the chief, which is worker 0, saves to the folder, and every other worker saves to a
temporary folder of its own, which is deleted at the end:

>>> from pathlib import Path
>>> import tensorflow as tf
>>> from worker_save import manager_of_worker
>>> strategy = tf.distribute.get_strategy()
>>> with strategy.scope():
...     checkpoint = tf.train.Checkpoint(weights=tf.Variable([1.0, 2.0]))
>>> with manager_of_worker(checkpoint, "saves", strategy, max_to_keep=2) as manager:
...     for step in [10, 20, 30]:
...         prefix = manager.save(checkpoint_number=step)
>>> Path(tf.train.latest_checkpoint("saves")).name
'ckpt-30'

Every worker restores from the folder, so all of them need to see it: one disk on one machine, a
network drive or a bucket on many. With a strategy for one machine, or with none, the only process
is the chief, and the same lines work.
"""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf


@contextlib.contextmanager
def manager_of_worker(
    checkpoint: tf.train.Checkpoint,
    folder: Path | str,
    strategy: tf.distribute.Strategy,
    *,
    max_to_keep: int | None = 3,
    **options: Any,
) -> Iterator[tf.train.CheckpointManager]:
    """Yield the manager with which this worker saves, at the same steps as all the others.

    >>> import tensorflow as tf
    >>> from worker_save import manager_of_worker
    >>> checkpoint = tf.train.Checkpoint(x=tf.Variable(1.0))
    >>> with manager_of_worker(checkpoint, "one", tf.distribute.get_strategy()) as manager:
    ...     manager.directory
    'one'

    Args:
        checkpoint: what is saved. Its variables were made in the scope of the strategy.
        folder: for the checkpoints. The chief makes it if there is none.
        strategy: the one under which this worker trains.
        max_to_keep: checkpoints that stay in the folder.
        **options: of ``tf.train.CheckpointManager``.

    Raises:
        OSError: the temporary folder cannot be made.
        tf.errors.OpError: from the manager, if the folder cannot be made or written to.
    """
    with contextlib.ExitStack() as stack:
        place = str(folder)
        if not is_chief(strategy):
            place = stack.enter_context(tempfile.TemporaryDirectory())
        yield tf.train.CheckpointManager(checkpoint, place, max_to_keep, **options)


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Tell whether this process is the worker whose files count.

    It is the one of type ``chief``, or worker 0 where there is none.

    >>> import tensorflow as tf
    >>> from worker_save import is_chief
    >>> is_chief(tf.distribute.get_strategy())
    True
    """
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.task_type:
        return True
    if resolver.task_type == "chief":
        return True
    has_chief = "chief" in resolver.cluster_spec().jobs
    return resolver.task_type == "worker" and resolver.task_id == 0 and not has_chief
