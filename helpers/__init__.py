"""What notebooks share that is not the lesson: places to save, ways to look, ways to prove.

To import this package is to import TensorFlow with its log quiet:

- ``TF_CPP_MIN_LOG_LEVEL=2`` hides notes and warnings of the C++ part;
- what the import still writes to stderr is dropped, but shown after all if it fails;
- the Python logger ``tensorflow`` shows errors only; ``tf.get_logger().setLevel("INFO")`` undoes.

Only a program in the terminal that explains a message, ``python -m helpers.messages``, does not
wait for TensorFlow.

It also sets back what the machine has set, so that it makes no difference: ``helpers.environment``.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator

from helpers import environment


@contextlib.contextmanager
def hold_stderr() -> Iterator[None]:
    """Hold back file descriptor 2; write what it received only if the body raises."""
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(stderr, held.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


environment.check_python()
environment.set_variables()
environment.set_warnings()
if not environment.needs_no_tensorflow():
    with hold_stderr():
        import tensorflow as tf

        tf.config.list_physical_devices("GPU")  # the first look for GPUs writes to stderr too
    tf.get_logger().setLevel("ERROR")
    environment.check_keras()
    environment.set_figures()

    from helpers.draw import draw_map, draw_object_graph, draw_sizes
    from helpers.look import (
        match_checkpoint,
        read_checkpoint,
        show_checkpoint,
        show_tree,
    )
    from helpers.prove import exercise, expect_error, same_values
    from helpers.runs import latest_run, new_folder, new_run
