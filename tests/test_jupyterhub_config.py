"""The example hub: its settings, read without JupyterHub, are those that the guide explains."""

import re
import runpy
import sys
from pathlib import Path

import pytest
from traitlets.config import Config

COURSE = Path(__file__).parent.parent
FILE = COURSE / "helpers" / "classroom" / "hub" / "jupyterhub_config.py"
GUIDE = (COURSE / "TEACHING.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def settings():
    config = Config()
    runpy.run_path(str(FILE), {"get_config": lambda: config})
    return config


def arguments(settings):
    return dict(argument.removeprefix("--").split("=") for argument in settings.Spawner.args)


def test_runs_go_to_the_home_of_whoever_runs_the_notebook(settings, module, monkeypatch, tmp_path):
    runs = module("helpers.runs")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("COURSE_RUNS", settings.Spawner.environment["COURSE_RUNS"])
    folder = module("helpers.classroom.hub.link").FOLDER
    assert runs.runs_folder() == tmp_path / folder / "runs"


def test_learners_get_the_python_that_starts_the_hub(settings):
    programs = Path(sys.prefix) / "bin"
    assert settings.Spawner.cmd == [str(programs / "jupyterhub-singleuser")]
    assert settings.Spawner.environment["PATH"].split(":")[0] == str(programs)


def test_idle_kernels_end_although_their_tab_is_open(settings):
    kernels = arguments(settings)
    assert kernels["MappingKernelManager.cull_connected"] == "True"
    timeout = int(kernels["MappingKernelManager.cull_idle_timeout"])
    assert int(kernels["MappingKernelManager.cull_interval"]) < timeout
    assert timeout == 20 * 60
    assert "A kernel that has done nothing for twenty minutes ends" in GUIDE


def test_the_culler_of_servers_is_a_service_that_may_end_them(settings):
    [service] = settings.JupyterHub.services
    [role] = settings.JupyterHub.load_roles
    assert service["command"] == [sys.executable, "-m", "jupyterhub_idle_culler", "--timeout=3600"]
    assert role["services"] == [service["name"]]
    assert {"list:users", "read:servers", "delete:servers"} <= set(role["scopes"])
    assert "and a server after an hour" in GUIDE


def test_only_members_of_the_class_may_log_in(settings):
    assert settings.JupyterHub.authenticator_class == "pam"
    assert settings.LocalAuthenticator.allowed_groups == {"learners"}
    assert "allow_all" not in settings.Authenticator
    assert "in the group `learners`" in GUIDE


def test_the_limit_of_memory_is_the_guides(settings):
    [limit] = re.findall(r"the limit of (\d+) GB for each learner holds", GUIDE)
    assert settings.Spawner.mem_limit == f"{limit}G"
