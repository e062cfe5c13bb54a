"""What the notebooks share that is not the lesson: places to save to, ways to look, ways to prove.

Importing this package imports TensorFlow with its log quiet, and that is its only side effect:

- ``TF_CPP_MIN_LOG_LEVEL=2`` hides notes and warnings of the C++ part, ``TF_ENABLE_ONEDNN_OPTS=0``
  its note on rounding (and makes sums come out alike on more processors); a value you set wins;
- the lines that some builds write to stderr whatever the settings are dropped, but shown after
  all if the import fails;
- the Python logger ``tensorflow`` shows errors only; ``tf.get_logger().setLevel("INFO")`` undoes.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")


@contextlib.contextmanager
def _stderr_on_failure() -> Iterator[None]:
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


with _stderr_on_failure():
    import tensorflow as tf

    tf.config.list_physical_devices("GPU")  # the first look for GPUs writes to stderr too
tf.get_logger().setLevel("ERROR")

from helpers.draw import draw_checkpoint, draw_map
from helpers.look import find_meta, read_checkpoint, show_checkpoint, show_tree
from helpers.prove import expect_error, expect_log, same_values
from helpers.runs import latest_run, made_here, new_folder, new_run
