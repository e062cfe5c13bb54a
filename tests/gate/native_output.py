"""What C and C++ code writes, heard before the end of the cell that ran it.

Such code writes to the file descriptors 1 and 2. ipykernel leads them into pipes, which a thread
reads. On a busy machine that thread may get its turn only after the cell has ended: what it reads
then belongs to no cell, and nothing compares it. So each cell waits at its end until the thread has
read everything.

This file runs inside a notebook's kernel, so it imports nothing of the course.
"""

import os
import sys
import threading

# The last byte of what a cell writes. A longer mark could be cut in two by a read.
MARK = "\0"
SECONDS_BETWEEN_LOOKS = 0.001


class MarkedStream:
    """One of ipykernel's two streams, which tells when its pipe is empty."""

    def __init__(self, stream, descriptor):
        self._stream = stream
        self._descriptor = descriptor
        self._mark_has_come = threading.Event()
        # Each thread has hooks of its own, and another thread than this one sends.
        stream.pub_thread.schedule(lambda: stream.register_hook(self._take_the_mark_out))

    def _take_the_mark_out(self, message):
        content = message["content"]
        if MARK not in content["text"]:
            return message
        content["text"] = content["text"].replace(MARK, "")
        self._mark_has_come.set()
        return message if content["text"] else None

    def empty_the_pipe(self):
        """Wait until all that was written before this call is on its way to the reader."""
        self._mark_has_come.clear()
        os.write(self._descriptor, MARK.encode())
        while not self._mark_has_come.wait(SECONDS_BETWEEN_LOOKS):
            self._stream.flush()


def wait_for_native_output(shell):
    """From now on, end no cell of this shell before all it wrote has been read."""
    for stream, descriptor in [(sys.stdout, 1), (sys.stderr, 2)]:
        has_pipe = hasattr(stream, "watch_fd_thread")  # ipykernel makes none on Windows
        if has_pipe:
            marked = MarkedStream(stream, descriptor)
            shell.events.register("post_execute", marked.empty_the_pipe)
