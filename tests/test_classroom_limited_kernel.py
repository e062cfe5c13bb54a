"""A kernel for learners' code: errors in one line, limits that hold, a death that is told."""

import os

import pytest


@pytest.fixture(scope="module")
def limited(module):
    return module("helpers.classroom.limited_kernel")


@pytest.fixture(scope="module")
def kernel(limited, tmp_path_factory):
    folder = tmp_path_factory.mktemp("kernel")
    environment = {**os.environ, "A_VARIABLE": "of ours"}
    with limited.LimitedKernel(folder, environment, seconds=600, megabytes=1) as kernel:
        yield kernel


def test_it_works_in_the_folder_with_the_environment_that_it_is_given(kernel):
    assert kernel.run("import os, pathlib") == ""
    assert kernel.ask("os.environ['A_VARIABLE']") == ("of ours", "")
    place, _ = kernel.ask("pathlib.Path.cwd().name")
    assert place.startswith("kernel")


def test_an_error_is_its_first_line(kernel):
    assert kernel.run("raise ValueError('one\\ntwo')") == "ValueError: one"
    assert kernel.run("def (").startswith("SyntaxError: invalid syntax")
    assert kernel.run("input()").startswith("StdinNotImplementedError")
    assert kernel.ask("no_such_name") == ("", "NameError: name 'no_such_name' is not defined")


def test_endless_output_ends_and_the_next_cell_may_print(kernel):
    endless = "while True:\n    print('x' * 100_000, file=sys.{})"
    for stream in ["stdout", "stderr"]:
        kernel.run("import sys")
        assert kernel.run(endless.format(stream)) == "OSError: the output is longer than 1 MB"
        assert kernel.run("print('x' * 500_000)") == ""
        assert kernel.run("print('x' * 900_000)") == ""


def test_an_endless_loop_is_interrupted_and_the_kernel_goes_on(kernel, monkeypatch):
    monkeypatch.setattr(kernel, "_seconds", 0.5)
    assert kernel.run("while True: pass") == "TimeoutError: it took longer than 0.5 seconds"
    monkeypatch.setattr(kernel, "_seconds", 600)
    assert kernel.ask("str(1 + 1)") == ("2", "")


def test_a_loop_that_cannot_be_interrupted_stops_the_kernel(limited, tmp_path, monkeypatch):
    monkeypatch.setattr(limited, "INTERRUPT_TIMEOUT", 0.5)
    deaf = "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\ntime.sleep(600)"
    with limited.LimitedKernel(tmp_path, dict(os.environ), 600, 1) as kernel:
        kernel._seconds = 0.5
        with pytest.raises(limited.KernelStoppedError, match="could not be interrupted"):
            kernel.run(deaf)


def test_a_kernel_that_dies_is_told(limited, tmp_path):
    with limited.LimitedKernel(tmp_path, dict(os.environ), 600, 1) as kernel:
        with pytest.raises(limited.KernelStoppedError, match="the kernel died"):
            kernel.run("import os; os._exit(1)")
