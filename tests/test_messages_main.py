"""helpers.messages.__main__: a message on the command line or on standard input is explained."""

import subprocess
import sys
from pathlib import Path

import pytest

COURSE = Path(__file__).parent.parent
MISSING = "ValueError: Can't load save_path when it is None."


def ask(*arguments, text="", options=()):
    command = [sys.executable, *options, "-m", "helpers.messages", *arguments]
    done = subprocess.run(command, cwd=COURSE, capture_output=True, input=text.encode("utf-8"))
    return done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8")


def test_a_message_on_the_command_line_is_explained():
    code, printed, noise = ask(MISSING)
    assert (code, noise) == (0, "")
    assert printed.startswith(f"Message: {MISSING}")


def test_words_without_quotes_are_one_message():
    assert ask(*MISSING.split()) == ask(MISSING)


def test_standard_input_is_explained():
    assert ask(text=f"step 3\nTraceback (most recent call last):\n{MISSING}\n") == ask(MISSING)


def test_an_unknown_message_ends_with_1():
    code, printed, _ = ask("RuntimeError: CUDA out of memory.")
    assert code == 1
    assert printed == "I do not know this message: RuntimeError: CUDA out of memory.\n"


def test_nothing_at_all_ends_with_1():
    code, printed, _ = ask()
    assert (code, printed.splitlines()) == (
        1,
        ["There is no message: paste one, or a whole traceback."],
    )


def test_nobody_waits_for_tensorflow():
    _, _, imported = ask(MISSING, options=["-X", "importtime"])
    modules = {line.rpartition("|")[2].strip() for line in imported.splitlines()}
    assert "helpers.messages.explain" in modules
    assert not modules & {"tensorflow", "keras", "numpy", "matplotlib"}


def test_other_programs_of_the_course_still_import_it_quietly(module, monkeypatch):
    environment = module("helpers.environment")
    monkeypatch.setattr(sys, "argv", ["-m", "a message"])
    for name, expected in {"helpers.messages": True, "helpers.painting.train": False}.items():
        monkeypatch.setattr(sys, "orig_argv", ["python", "-m", name, "a message"])
        assert environment.needs_no_tensorflow() is expected
    monkeypatch.setattr(sys, "argv", ["train.py", "-m", "helpers.messages"])
    monkeypatch.setattr(sys, "orig_argv", ["python", "train.py", "-m", "helpers.messages"])
    assert environment.needs_no_tensorflow() is False


def test_a_terminal_without_a_message_gets_the_usage(module, monkeypatch, capsys):
    main = module("helpers.messages.__main__")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    assert main.main([]) == 1
    assert capsys.readouterr().out.startswith("give a message: python -m helpers.messages")


def test_bytes_that_are_no_text_are_read_all_the_same():
    command = [sys.executable, "-m", "helpers.messages"]
    text = b"\xff\xfe log\n" + MISSING.encode()
    done = subprocess.run(command, cwd=COURSE, capture_output=True, input=text)
    assert done.returncode == 0


def test_a_log_of_an_older_powershell_is_read():
    command = [sys.executable, "-m", "helpers.messages"]
    done = subprocess.run(command, cwd=COURSE, capture_output=True, input=MISSING.encode("utf-16"))
    assert done.stdout.decode("utf-8").startswith(f"Message: {MISSING}")


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_who_asks_for_help_gets_the_usage(option):
    code, printed, _ = ask(option)
    assert code == 0
    assert printed.startswith("give a message: python -m helpers.messages")


@pytest.mark.parametrize("program", ["helpers.messages", "helpers.messages.pages"])
def test_the_programs_that_do_without_tensorflow_exist(module, program):
    assert program in module("helpers.environment").TEXT_PROGRAMS
