"""helpers.programs: a program runs alone, is heard, fails in one line, and is really killed."""

import importlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def start(helpers):
    return importlib.import_module("helpers.programs").Program


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(source):
        script = tmp_path / "课 program.py"
        script.write_text(source, encoding="utf-8")
        return script

    return write


def runs(pid):
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    return True


def test_a_program_has_arguments_a_folder_and_a_process_of_its_own(start, write, tmp_path):
    script = write(
        "import os, sys\nimport tensorflow as tf\n"
        "print(sys.argv[1:], tf.executing_eagerly(), __name__)\n"
        "print(os.getcwd(), os.getpid())"
    )
    first, second = start(script, "a b", 3).wait().splitlines()
    assert first == "['a b', '3'] True __main__"
    folder, pid = second.rsplit(" ", 1)
    assert folder == str(tmp_path)
    assert int(pid) != os.getpid()


@pytest.mark.parametrize("end", ["kill", "wait"])
def test_its_temporary_files_go_with_it(start, write, end):
    script = write(
        "import sys, tempfile, time\nprint(tempfile.mkdtemp())\n"
        "if sys.argv[1] == 'kill':\n    time.sleep(60)"
    )
    program = start(script, end)
    folder = Path(next(program.lines()))
    assert folder.is_dir() or end == "wait"
    getattr(program, end)()
    assert not folder.parent.exists()
    assert folder.parent != Path(tempfile.gettempdir())


@pytest.mark.skipif(os.name != "posix", reason="forks")
def test_prepare_imports_tensorflow_in_the_background(write, tmp_path):
    write("import tensorflow\nprint('ready')")
    notebook = tmp_path / "notebook.py"
    notebook.write_text(
        "import time\nfrom helpers.programs import Program, prepare\nif __name__ == '__main__':\n"
        "    times = [time.monotonic()]\n    prepare()\n    times.append(time.monotonic())\n"
        "    print(Program('课 program.py').wait())\n    times.append(time.monotonic())\n"
        "    print(10 * (times[1] - times[0]) < times[2] - times[1])",
        encoding="utf-8",
    )
    printed = subprocess.run([sys.executable, notebook], capture_output=True, text=True, check=True)
    assert printed.stdout.split() == ["ready", "True"]


def test_nothing_of_one_program_reaches_the_next(start, write):
    script = write("import tensorflow as tf\nprint(hasattr(tf, 'mark'))\ntf.mark = 1")
    assert [start(script).wait() for _ in range(2)] == ["False", "False"]


def test_lines_come_while_it_runs_and_it_is_killed_with_its_block(start, write):
    script = write("import os, time\nprint(os.getpid())\nprint('half', end='')\ntime.sleep(600)")
    with start(script) as program:
        pid = next(program.lines())
        assert runs(pid)
    assert not runs(pid)
    assert list(program.lines()) in ([], ["half"])
    with pytest.raises(RuntimeError, match="ended with exit code -9"):
        program.wait()


def test_what_one_reader_leaves_the_next_one_gets(start, write):
    with start(write("print('a\\nb\\nc')\nprint('d', end='')")) as program:
        assert next(program.lines()) == "a"
        assert program.wait() == "b\nc\nd"
        assert program.wait() == ""


def test_its_output_is_a_text_file_and_may_be_one_long_line(start, write):
    script = write(
        "import sys\nsys.stdout.writelines(['a', str(sys.stdout.isatty())])\n"
        "for _ in range(5000): print('x' * 1000, end='')"
    )
    begin = time.monotonic()
    assert start(script).wait() == "aFalse" + 5_000_000 * "x"
    assert time.monotonic() - begin < 20


def test_killed_in_the_middle_of_much_output(start, write):
    with start(write("while True: print('x' * 1000)")) as program:
        lines = program.lines()
        assert next(lines) == 1000 * "x"
        program.kill()
        assert all(set(line) <= {"x"} for line in lines)


def test_a_failure_is_told_in_one_line(start, write):
    with pytest.raises(
        RuntimeError, match=r"^课 program.py ended with exit code 1: ValueError: no$"
    ):
        start(write("print('yes')\nraise ValueError('no')")).wait()
    with pytest.raises(RuntimeError, match=r"exit code 42: it printed nothing"):
        start(write("import sys\nsys.exit(42)")).wait()


def test_a_program_that_is_not_there_is_named(start, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"^no program gone.py in "):
        start(tmp_path / "gone.py")


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
def test_programs_end_when_the_notebook_dies(write, tmp_path):
    write("import os, time\nprint(os.getpid(), os.getppid())\ntime.sleep(600)")
    notebook = tmp_path / "notebook.py"
    notebook.write_text(
        "import time\nfrom helpers.programs import Program\nif __name__ == '__main__':\n"
        "    print(next(Program('课 program.py').lines()), flush=True)\n    time.sleep(600)",
        encoding="utf-8",
    )
    with subprocess.Popen([sys.executable, notebook], stdout=subprocess.PIPE, text=True) as process:
        pids = process.stdout.readline().split()
        assert [runs(pid) for pid in pids] == [True, True]
        process.send_signal(signal.SIGKILL)
    end = time.monotonic() + 20
    while any(map(runs, pids)) and time.monotonic() < end:
        time.sleep(0.1)
    assert [runs(pid) for pid in pids] == [False, False]
