"""The command that tries the hub: what it says when it cannot, and what it leaves running."""

import importlib.util
import signal
import socket
import subprocess
import sys

from tests.hub import __main__ as command
from tests.hub import learner, server

import nbformat
import psutil
import pytest


def test_a_missing_package_is_named_with_what_installs_it(monkeypatch):
    found = importlib.util.find_spec
    missing = {"nbgitpuller": None, "jupyterhub": True, "jupyterhub_idle_culler": True}
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: missing.get(name, found))
    with pytest.raises(server.HubError, match=r"here: nbgitpuller\. .* -e '\.\[classroom\]'"):
        server.check_packages()


def test_a_missing_proxy_is_named_with_what_installs_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(server.HubError, match="npm install --prefix FOLDER configurable-http-"):
        server.find_proxy(None)


@pytest.mark.skipif(sys.platform == "win32", reason="JupyterHub does not run on Windows")
def test_a_proxy_without_node_is_told_so(monkeypatch, tmp_path):
    proxy = tmp_path / "configurable-http-proxy"
    proxy.write_text("#!/usr/bin/env node\n", encoding="utf-8")
    proxy.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(server.HubError, match="needs node"):
        server.find_proxy(None)
    (tmp_path / "node").write_text("#!/bin/sh\n", encoding="utf-8")
    (tmp_path / "node").chmod(0o755)
    assert server.find_proxy(None) == str(proxy)
    assert server.find_proxy(str(proxy)) == str(proxy)


def test_a_port_in_use_is_refused_and_other_ports_are_free_and_three():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        with pytest.raises(server.HubError, match=f"port {taken}: .* Leave --port out"):
            server.choose_ports(taken)
    ports = server.choose_ports(taken)
    assert ports[0] == taken
    assert len(set(ports)) == 3


def test_what_is_missing_is_said_in_one_line(monkeypatch, capsys):
    def refuse():
        raise server.HubError("not installed here: jupyterhub")

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(command, "check_packages", refuse)
    try:
        assert command.main([]) == 1
    finally:
        signal.signal(signal.SIGTERM, before)
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "not installed here: jupyterhub\n")


def test_an_unknown_notebook_is_refused_before_anything_starts(capsys):
    with pytest.raises(SystemExit):
        command.main(["99_nothing"])
    assert "no notebook '99_nothing': give names such as 01_save" in capsys.readouterr().err


def test_stop_ends_what_a_hub_has_left_behind():
    """A server in a session of its own, as a spawner starts it, that outlives the hub."""
    hold = "import sys; print('ready', flush=True); sys.stdin.read()"
    program = (
        "import subprocess, sys, time\n"
        f"left = subprocess.Popen([sys.executable, '-c', {hold!r}], stdin=subprocess.PIPE,\n"
        "    start_new_session=True)\n"
        "time.sleep(600)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    process.stdout.readline()
    [left] = psutil.Process(process.pid).children()
    server.stop(process)
    process.stdout.close()
    assert process.returncode is not None
    assert not left.is_running()


def test_a_hub_that_does_not_start_says_the_last_line_of_its_log(tmp_path):
    log = tmp_path / "hub.log"
    log.write_text("a first line\nthe reason\n", encoding="utf-8")
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    with pytest.raises(server.HubError, match="did not start at port 7: the reason"):
        server.wait_until_it_listens(process, 7, log)


def test_a_correction_is_a_commit_that_keeps_the_notebook_valid(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = command.make_repository(tmp_path / "repository")
    path = folder / "notebooks" / "01_save.ipynb"
    before = nbformat.read(path, as_version=4)
    command.correct(folder, "01_save")
    after = nbformat.read(path, as_version=4)
    nbformat.validate(after)
    changed = [new for old, new in zip(before.cells, after.cells, strict=True) if old != new]
    assert [command.CORRECTION in cell.source for cell in changed] == [True]
    log = ["git", "log", "--format=%s"]
    said = subprocess.check_output(log, cwd=folder, text=True, encoding="utf-8")
    assert said.splitlines() == ["A correction", "The course"]


def test_the_example_is_read_before_the_lines_that_make_it_a_trial(tmp_path):
    values = {"ports": [1, 2, 3], "proxy": "p", "token": "t", "homes": "h"}
    text = server.OVERRIDES.format(config=str(server.CONFIG), **values)
    assert server.CONFIG.is_file()
    assert text.index("load_subconfig") < text.index("c.JupyterHub.bind_url")
    compile(text, "config.py", "exec")


def test_a_cell_is_asked_for_under_the_name_that_its_answers_carry():
    request = learner.execute_request("name", "print(24)")
    assert request["header"]["msg_id"] == "name"
    assert request["content"]["code"] == "print(24)"
    assert not request["content"]["stop_on_error"]


def test_only_processes_of_a_folder_count_as_still_running(tmp_path):
    assert server.still_running(tmp_path) == []
    hold = "import sys; print('ready', flush=True); sys.stdin.read()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", hold], cwd=tmp_path, **pipes) as process:
        process.stdout.readline()
        assert len(server.still_running(tmp_path)) == 1
        process.stdin.close()
