"""Scripts for a process that something happens to: a kill while it saves or starts, a full disk.

``Program`` runs this file with the name of a script and a folder:

    Program(crash_scripts.__file__, "save", folder)
    Program(crash_scripts.__file__, "start", folder, 2)
    Program(crash_scripts.__file__, "full_disk", folder)
"""

import sys
import time

from helpers.recipes.restart import adopt, only_writer

import tensorflow as tf

# What Python reports before it deletes or renames something.
CHANGES = ("os.remove", "os.rmdir", "os.rename")
A_WHILE = 3600  # seconds: longer than anybody waits before the kill
LIMIT = 500_000  # bytes that a file may have when the disk is "full"
FLOATS = 250_000  # of four bytes each, so a checkpoint is twice as long


def save(folder: str) -> None:
    """Save 40 MB under the name ``ckpt-2`` again and again, and say so before each save."""
    values = tf.Variable(tf.zeros([10_000_000]))
    while True:
        print("saving", flush=True)
        tf.train.Checkpoint(values=values).write(f"{folder}/ckpt-2")


def start(folder: str, number: int) -> None:
    """Lock a folder, clean up and adopt, but wait to be killed before this change of the disk.

    Args:
        folder: has the checkpoints.
        number: of the change, counted from 1. If there are fewer, the start is completed.
    """
    changes = []

    def wait_before_it(event: str, _: tuple) -> None:
        if event not in CHANGES:
            return
        changes.append(event)
        if len(changes) == number:
            print("killed before", event.removeprefix("os."), flush=True)
            time.sleep(A_WHILE)

    sys.addaudithook(wait_before_it)
    with only_writer(folder):
        adopt(folder)
    print("not killed", flush=True)


def full_disk(folder: str) -> None:
    """Save three checkpoints, the last one after the system has limited the size of files.

    Any user can set this limit on Linux and macOS. Where it does not exist, one line says so.
    """
    step = tf.Variable(0)
    checkpoint = tf.train.Checkpoint(step=step, values=tf.Variable(tf.zeros([FLOATS])))
    manager = tf.train.CheckpointManager(checkpoint, folder, max_to_keep=3)
    for number in [1, 2]:
        step.assign(number)
        manager.save(number)
        print("saved", number, flush=True)
    try:
        import resource
    except ImportError:
        print("this system has no limit for the size of a file")
        return
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT))
    step.assign(3)
    try:
        manager.save(3)
    except tf.errors.OpError as error:
        print("3 is not saved:", type(error).__name__)


if __name__ == "__main__":
    script, where, *rest = sys.argv[1:]
    if script == "save":
        save(where)
    elif script == "start":
        start(where, int(rest[0]))
    else:
        full_disk(where)
