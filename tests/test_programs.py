"""helpers.programs: a program runs alone, is heard, fails in one line, and is really killed."""

import multiprocessing.connection
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
import pytest

PATIENCE = 600  # seconds, for a machine that is busy with something else
# How a program can be started: everywhere by a new Python, which takes longer, on Linux by a fork.
KINDS = ["fork", "new Python"] if sys.platform == "linux" else ["new Python"]


@pytest.fixture
def start(module, request, monkeypatch):
    """The class Program, as this system has it, or of the kind that a test asks for."""
    programs = module("helpers.programs")
    kind = getattr(request, "param", KINDS[0])
    monkeypatch.setattr(programs, "FORKS", kind == "fork")
    return programs.Program


@pytest.fixture
def without_tensorflow(module, tmp_path_factory, monkeypatch):
    """Let each new Python find a package ``helpers`` that holds ``programs.py`` and nothing else.

    It starts at once, because nothing imports TensorFlow. A fork has imported it already.
    """
    programs = module("helpers.programs")
    programs.prepare()  # the forks of this process, in later tests too, have the whole package
    folder = tmp_path_factory.mktemp("without_tensorflow")
    (folder / "helpers").mkdir()
    (folder / "helpers" / "__init__.py").touch()
    shutil.copy(programs.__file__, folder / "helpers")
    monkeypatch.setenv("PYTHONPATH", str(folder))


either_kind = pytest.mark.parametrize("start", KINDS, indirect=True)


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(source, name="课 program.py"):
        script = tmp_path / name
        script.write_text(source, encoding="utf-8")
        return script

    return write


def wait_until_ended(numbers):
    """Wait for processes that end on their own, as long as it takes on a busy machine."""
    end = time.monotonic() + PATIENCE
    while any(map(psutil.pid_exists, numbers)) and time.monotonic() < end:
        time.sleep(0.1)
    return not any(map(psutil.pid_exists, numbers))


@either_kind
def test_a_program_has_arguments_a_folder_and_a_process_of_its_own(start, write, tmp_path):
    script = write(
        "import os, sys\nimport tensorflow as tf\n"
        "print(sys.argv[1:], tf.executing_eagerly(), __name__)\n"
        "print(os.getcwd(), os.getpid())"
    )
    first, second = start(script, "a b", 3).wait().splitlines()
    assert first == "['a b', '3'] True __main__"
    folder, number = second.rsplit(" ", 1)
    assert Path(folder).samefile(tmp_path)
    assert int(number) != os.getpid()


@pytest.mark.usefixtures("without_tensorflow")
@either_kind
def test_its_temporary_files_are_deleted_when_it_is_killed(start, write):
    program = start(write("import tempfile, time\nprint(tempfile.mkdtemp())\ntime.sleep(3600)"))
    folder = Path(next(program.lines()))
    assert folder.is_dir()
    program.kill()
    assert not folder.parent.exists()
    assert folder.parent != Path(tempfile.gettempdir())


def test_its_temporary_files_are_deleted_when_it_ends(start, write):
    folder = Path(start(write("import tempfile\nprint(tempfile.mkdtemp())")).wait())
    assert not folder.parent.exists()
    assert folder.parent != Path(tempfile.gettempdir())


@pytest.mark.skipif("fork" not in KINDS, reason="forks")
def test_prepare_imports_what_programs_need_before_they_start(start, write):
    script = write("import sys\nprint({'helpers', 'tensorflow', 'keras'} <= sys.modules.keys())")
    assert start(script).wait() == "True"


@pytest.mark.usefixtures("without_tensorflow")
@pytest.mark.skipif("fork" not in KINDS, reason="forks")
def test_prepare_returns_before_the_import_is_over(write, tmp_path):
    write("import sys\nprint('slow' in sys.modules)")
    write("import pathlib, time\nwhile not pathlib.Path('go').exists(): time.sleep(0.1)", "slow.py")
    notebook = write(
        "from pathlib import Path\nfrom helpers import programs\n"
        "if __name__ == '__main__':\n"
        "    programs.PRELOADED = ['slow']\n"
        "    programs.prepare()\n"
        "    Path('go').touch()  # only now slow.py can be imported\n"
        "    print(programs.Program('课 program.py').wait())\n",
        "notebook.py",
    )
    printed = subprocess.run(
        [sys.executable, notebook], capture_output=True, text=True, check=True, timeout=PATIENCE
    )
    assert printed.stdout.split() == ["True"]


def test_nothing_of_one_program_reaches_the_next(start, write):
    script = write("import tensorflow as tf\nprint(hasattr(tf, 'mark'))\ntf.mark = 1")
    assert [start(script).wait() for _ in range(2)] == ["False", "False"]


@pytest.mark.usefixtures("without_tensorflow")
@either_kind
def test_lines_come_while_it_runs_and_it_is_killed_with_its_block(start, write):
    script = write("import os, time\nprint(os.getpid())\nprint('half', end='')\ntime.sleep(3600)")
    with start(script) as program:
        number = int(next(program.lines()))
        assert psutil.pid_exists(number)
    assert wait_until_ended([number])
    assert list(program.lines()) in ([], ["half"])
    code = -signal.SIGKILL if os.name == "posix" else 1
    with pytest.raises(RuntimeError, match=f"ended with exit code {code}: it printed nothing"):
        program.wait()


def test_what_one_reader_leaves_the_next_one_gets(start, write):
    with start(write("print('a\\nb\\nc')\nprint('d', end='')")) as program:
        assert next(program.lines()) == "a"
        assert program.wait() == "b\nc\nd"
        assert program.wait() == ""


@pytest.mark.usefixtures("without_tensorflow")
@either_kind
def test_its_output_is_a_text_file_and_may_be_one_long_line(start, write):
    script = write(
        "import sys\nsys.stdout.writelines(['课', str(sys.stdout.isatty()), '\\r'])\n"
        "for _ in range(5000): print('x' * 1000, end='')"
    )
    assert start(script).wait() == "课False\r" + 5_000_000 * "x"


def test_killed_in_the_middle_of_much_output(start, write):
    with start(write("while True: print('x' * 1000)")) as program:
        lines = program.lines()
        assert next(lines) == 1000 * "x"
        program.kill()
        assert all(set(line) <= {"x"} for line in lines)


@pytest.mark.usefixtures("without_tensorflow")
@either_kind
def test_a_failure_is_told_in_one_line(start, write):
    with pytest.raises(
        RuntimeError, match=r"^课 program.py ended with exit code 1: ValueError: no$"
    ):
        start(write("print('yes')\nraise ValueError('no')")).wait()


def test_an_exit_code_is_told_in_one_line(start, write):
    with pytest.raises(RuntimeError, match=r"exit code 42: it printed nothing"):
        start(write("import sys\nsys.exit(42)")).wait()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
@pytest.mark.usefixtures("without_tensorflow")
@either_kind
def test_a_program_that_is_asked_to_end_can_finish_its_work_first(start, write):
    script = write(
        "import signal, sys, time\n"
        "asked = []\n"
        "signal.signal(signal.SIGTERM, lambda *_: asked.append(True))\n"
        "print('ready')\n"
        "while not asked: time.sleep(0.01)\n"
        "print('saved')\n"
        "sys.exit(143)"
    )
    with start(script) as program:
        assert next(program.lines()) == "ready"
        program.terminate()
        assert list(program.lines()) == ["saved"]
        assert program.exit_code() == 143
        program.terminate()  # it has ended: nothing happens


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
@pytest.mark.usefixtures("without_tensorflow")
@either_kind
def test_a_program_that_does_not_listen_is_ended_by_the_request(start, write):
    with start(write("import time\nprint('ready')\ntime.sleep(3600)")) as program:
        assert next(program.lines()) == "ready"
        program.terminate()
        assert program.exit_code() == -signal.SIGTERM


def test_a_program_that_has_done_its_work_ends_with_0(start, write):
    program = start(write("print('done')"))
    assert program.wait() == "done"
    assert program.exit_code() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="exit codes come through a pipe on Linux")
def test_the_exit_code_of_one_is_right_also_while_another_one_starts(start, write, monkeypatch):
    from multiprocessing import forkserver  # Windows has none

    script = write("print('done')")
    first = start(script)
    multiprocessing.connection.wait([first._process._process.sentinel])  # it has ended
    read = forkserver.read_signed

    def read_late(descriptor):
        time.sleep(0.2)  # so that the thread and the start below would read at the same time
        return read(descriptor)

    monkeypatch.setattr(forkserver, "read_signed", read_late)
    codes = []
    thread = threading.Thread(target=lambda: codes.append(first.exit_code()))
    thread.start()
    second = start(script)
    thread.join()
    codes += [first.exit_code(), second.exit_code()]
    for program in (first, second):
        program.kill()
    assert codes == [0, 0, 0]


def test_a_program_that_is_not_there_is_named(start, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"^no program gone.py in "):
        start(tmp_path / "gone.py")


@pytest.mark.usefixtures("without_tensorflow")
@either_kind
def test_programs_end_when_the_notebook_dies(start, write, request):
    forks = request.node.callspec.params["start"] == "fork"
    # The fork waits in silence in C, where no thread of Python can run meanwhile. The other one
    # notices when nobody is there to read its line.
    silent = "ctypes.PyDLL(None).sleep(3600)"
    wait = silent if forks else "while True: print('tick'); time.sleep(0.1)"
    write(f"import ctypes, os, time\nprint(os.getpid(), os.getppid())\n{wait}")
    notebook = write(
        "import time\nfrom helpers import programs\n"
        "if __name__ == '__main__':\n"
        f"    programs.FORKS = {forks}\n"
        "    programs.PRELOADED = []\n"
        "    program = programs.Program('课 program.py')\n"
        "    print(next(program.lines()), flush=True)\n"
        "    time.sleep(3600)",
        "notebook.py",
    )
    with subprocess.Popen([sys.executable, notebook], stdout=subprocess.PIPE, text=True) as process:
        numbers = [int(number) for number in process.stdout.readline().split()]
        assert all(map(psutil.pid_exists, numbers))
        process.kill()
    assert wait_until_ended(numbers)


@pytest.mark.usefixtures("without_tensorflow", "interrupts_are_heard")
@either_kind
def test_an_interrupt_during_the_start_leaves_no_process_and_no_file(
    start, write, module, monkeypatch, tmp_path
):
    programs = module("helpers.programs")
    name = "_Fork" if programs.FORKS else "_NewPython"
    started = []

    class Interrupted(getattr(programs, name)):
        def __init__(self, command, temporary):
            super().__init__(command, temporary)
            started.append(self._process.pid)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(programs, name, Interrupted)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    with pytest.raises(KeyboardInterrupt):
        start(write("import time\ntime.sleep(3600)"))
    assert len(started) == 1
    assert not psutil.pid_exists(started[0])
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.usefixtures("without_tensorflow", "interrupts_are_heard")
@either_kind
def test_an_interrupt_does_not_cut_a_kill_in_two(start, write, monkeypatch):
    program = start(write("import tempfile, time\nprint(tempfile.mkdtemp())\ntime.sleep(3600)"))
    folder = Path(next(program.lines()))
    number = program._process._process.pid
    wait = program._process.wait

    def wait_slowly():
        signal.raise_signal(signal.SIGINT)
        return wait()

    monkeypatch.setattr(program._process, "wait", wait_slowly)
    with pytest.raises(KeyboardInterrupt):
        program.kill()
    assert not psutil.pid_exists(number)
    assert not folder.parent.exists()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_in_a_thread_a_program_is_started_and_killed_as_well(start, write):
    ended = []

    def run():
        with start(write("print('here')")) as program:
            ended.append(program.wait())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert ended == ["here"]


def test_a_script_holds_its_beginning_the_functions_and_the_call(module, tmp_path):
    programs = module("helpers.programs")
    path = tmp_path / "script.py"
    functions = [tempfile.gettempdir, tempfile.gettempdirb]
    assert programs.write_script(path, "import os", functions, "gettempdir()") == path
    first, *texts, last = path.read_text(encoding="utf-8").split("\n\n\n")
    assert first == "import os"
    assert [text.splitlines()[0] for text in texts] == ["def gettempdir():", "def gettempdirb():"]
    assert last == "gettempdir()\n"
