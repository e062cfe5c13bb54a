"""The costs of a notebook are counted once, stored beside the others, and left if a run fails."""

import subprocess
import sys
import time
from pathlib import Path

from tests import costs

import psutil
import pytest
from nbformat import v4

ONE = """\
7f00-7f10 r-xp 00001000 08:01 42 /lib/python/tensor flow.so
Rss:                100 kB
Pss:                 25 kB
7f10-7f20 rw-p 00000000 00:00 0 [heap]
Rss:                 40 kB
Pss:                 20 kB
7f20-7f30 rw-p 00000000 00:00 0
Rss:                  8 kB
Pss:                  8 kB
"""

# It needs memory until somebody makes a file, and gives up in the end.
HOLD = """\
import pathlib, sys, time
data = bytearray(300_000_000)
for _ in range(1200):
    if pathlib.Path(sys.argv[1]).exists():
        break
    time.sleep(0.1)
"""

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")


@pytest.fixture
def figures(monkeypatch, tmp_path):
    path = tmp_path / "costs.toml"
    path.write_text("# What it means.\n\n[02_restore]\nmemory_gb = 9.99\n", encoding="utf-8")
    monkeypatch.setattr(costs, "FIGURES", path)
    return path


def made_notebook(path, source):
    path.write_text(v4.writes(v4.new_notebook(cells=[v4.new_code_cell(source)])), encoding="utf-8")
    return path


def cost(memory=1_234_000_000, own=567_000_000, seconds=12.4, disk=3_440_000):
    return costs.Cost(costs.Memory(memory, own), seconds, disk)


def test_pages_of_a_file_are_told_from_memory_of_ones_own():
    own, files = costs.memory_in(ONE)
    assert own == 28 * 1024
    assert files == {("00001000", "08:01", "42"): 100 * 1024}


@on_linux
def test_a_file_that_two_processes_map_counts_once_and_their_own_memory_twice():
    hold = "import sys; data = bytearray(50_000_000); print('ready', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", hold]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as one, subprocess.Popen(command, **pipes) as other:
        for process in (one, other):
            process.stdout.readline()
        alone = costs.memory_of([psutil.Process(one.pid)])
        both = costs.memory_of([psutil.Process(one.pid), psutil.Process(other.pid)])
        one.stdin.close()
        other.stdin.close()
    assert both.own > alone.own + 50_000_000
    files_alone = alone.total - alone.own
    files_of_both = both.total - both.own
    assert files_alone <= files_of_both < 1.5 * files_alone


def test_figures_are_stored_in_order_and_those_of_others_stay(figures):
    costs.store("01_save", cost())
    costs.store("03_tricks", cost(seconds=7))
    costs.store("01_save", cost(disk=9_960_000))
    stored = costs.read()
    assert list(stored) == ["01_save", "02_restore", "03_tricks"]
    assert stored["02_restore"] == {"memory_gb": 9.99}
    assert stored["01_save"] == {
        "memory_gb": 1.23,
        "own_gb": 0.57,
        "processor_seconds": 12,
        "disk_mb": 10.0,
    }
    assert figures.read_text(encoding="utf-8").startswith("# What it means.\n\n[01_save]\n")


@on_linux
def test_a_run_is_measured_with_its_processes_and_without_what_it_needs(
    figures, tmp_path, monkeypatch
):
    seen = tmp_path / "seen"
    memory_of = costs.memory_of

    def memory_with_a_sign(processes):
        """As the original, and once it has found the process's memory, the process may end."""
        memory = memory_of(processes)
        if memory.own > 300_000_000:
            seen.touch()
        return memory

    monkeypatch.setattr(costs, "memory_of", memory_with_a_sign)
    write = "import os, pathlib\nruns = pathlib.Path(os.environ['COURSE_RUNS'])\n"
    needed = f"{write}(runs / '01_save').mkdir()\n(runs / '01_save' / 'a').write_text('a')"
    made_notebook(tmp_path / "01_save.ipynb", needed)
    source = (
        f'{write}assert (runs / "01_save").is_dir()  # latest_run("01_save")\n'
        "(runs / '02_restore').mkdir()\n"
        "(runs / '02_restore' / 'b').write_bytes(b'b' * 300_000)\n"
        "import subprocess, sys\n"
        f"subprocess.run([sys.executable, '-c', {HOLD!r}, {str(seen)!r}], check=True)"
    )
    path = made_notebook(tmp_path / "02_restore.ipynb", source)
    assert costs.main([str(path)]) == 0
    stored = costs.read()["02_restore"]
    assert 0.3 <= stored["own_gb"] < stored["memory_gb"] < 0.9
    assert stored["disk_mb"] == 0.3
    assert stored["processor_seconds"] >= 0


@on_linux
def test_a_notebook_that_fails_keeps_its_figures_and_is_named_in_one_line(
    figures, tmp_path, capsys
):
    path = made_notebook(tmp_path / "02_restore.ipynb", "raise ValueError('no file')")
    assert costs.main([str(path)]) == 1
    assert costs.read() == {"02_restore": {"memory_gb": 9.99}}
    [line] = capsys.readouterr().err.splitlines()
    assert line == "02_restore.ipynb: ValueError: no file"


def test_every_notebook_has_its_figures():
    stored = costs.read()
    names = {path.stem for path in Path(costs.COURSE).glob("notebooks/*.ipynb")}
    assert set(stored) == names
    for name, values in stored.items():
        assert set(values) == {"memory_gb", "own_gb", "processor_seconds", "disk_mb"}, name
        assert values["own_gb"] < values["memory_gb"], name


def wait_for_seconds(seen, seconds):
    for _ in range(6000):
        if seen.seconds >= seconds:
            break
        time.sleep(0.1)


@on_linux
def test_seconds_of_a_program_that_nobody_waits_for_are_counted():
    # Twice what we wait for, because the system counts in ticks of its clock.
    work = "import time\nwhile time.process_time() < 1: pass\ninput()"
    start = (
        "import subprocess, sys\n"
        "sys.stdin.readline()\n"
        f"left = subprocess.Popen([sys.executable, '-c', {work!r}], stdin=subprocess.PIPE)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen([sys.executable, "-c", start], stdin=subprocess.PIPE) as process:
        with costs.Watcher() as seen:
            process.stdin.write(b"begin\n")
            process.stdin.flush()
            wait_for_seconds(seen, 0.5)
        process.kill()
    assert seen.seconds >= 0.5
    assert seen.peak.total > seen.peak.own > 0


@on_linux
def test_seconds_of_a_program_that_was_there_before_count_from_the_first_look():
    work = (
        "import time\n"
        "while time.process_time() < 1: pass\n"
        "print('done', flush=True)\n"
        "input()\n"
        "while time.process_time() < 1.5: pass\n"
        "input()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", work], **pipes) as process:
        process.stdout.readline()
        with costs.Watcher() as seen:
            process.stdin.write(b"go on\n")
            process.stdin.flush()
            wait_for_seconds(seen, 0.2)
        process.kill()
    assert 0.2 <= seen.seconds < 1
    assert seen.peak == costs.Memory(0, 0)
