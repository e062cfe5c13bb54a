"""What the notebooks share that is not the lesson: places to save to, ways to look, ways to prove.

Importing this package imports TensorFlow with its log quiet, and that is its only side effect:

- ``TF_CPP_MIN_LOG_LEVEL=2`` hides notes and warnings of the C++ part; a value you set wins;
- what the import still writes to stderr is dropped, but shown after all if it fails;
- the Python logger ``tensorflow`` shows errors only; ``tf.get_logger().setLevel("INFO")`` undoes.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


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


with hold_stderr():
    import tensorflow as tf

    tf.config.list_physical_devices("GPU")  # the first look for GPUs writes to stderr too
tf.get_logger().setLevel("ERROR")

from helpers.draw import draw_checkpoint, draw_map, draw_sizes
from helpers.look import find_meta, read_checkpoint, show_checkpoint, show_tree
from helpers.prove import expect_error, expect_log, same_values
from helpers.runs import latest_run, made_here, new_folder, new_run
