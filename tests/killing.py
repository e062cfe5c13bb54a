"""Kill a program in the middle of a save, for the tests of what is left."""

import itertools
import random
import time


def kill_in_a_save(program, script, parent, *arguments):
    """Kill a script at a random moment of its third save or of a later one.

    The script is given a new folder and the arguments. It saves the numbers 1, 2, 3 … there, and
    prints ``saving 1`` before the first and ``saved 1`` after it. Where a kill came between two
    saves, the script is started again, in a folder of its own.

    Returns:
        The folder, and the number of the save that was cut off.
    """
    while True:
        folder = new_folder(parent)
        with program(script, folder, *arguments) as running:
            lines = running.lines()
            printed = [next(lines) for _ in range(3)]
            start = time.perf_counter()
            printed += [next(lines) for _ in range(2)]
            length_of_a_save = time.perf_counter() - start
            time.sleep(random.random() * length_of_a_save)
        printed += lines
        word, number = printed[-1].split()
        if word == "saving":
            return folder, int(number)
        assert word == "saved", printed[-1]


def new_folder(parent):
    for number in itertools.count(1):
        folder = parent / str(number)
        if not folder.exists():
            folder.mkdir(parents=True)
            return folder
