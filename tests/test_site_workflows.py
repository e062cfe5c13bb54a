"""The workflows of GitHub run what the README says, on the systems that it names."""

import re
from pathlib import Path

import pytest
import yaml

COURSE = Path(__file__).parent.parent
WORKFLOWS = sorted((COURSE / ".github" / "workflows").glob("*.yml"))
README = (COURSE / "README.md").read_text(encoding="utf-8")
each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def read(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def steps(job):
    return job["steps"]


def lines_to_run(job):
    return [step["run"] for step in steps(job) if "run" in step]


def readme_commands():
    """Return the README's commands: the set-up without JupyterLab, the tests, the site."""
    found = re.findall(r"^(?:python3 -m venv|\.venv/bin/(?:pytest|pip)).*$", README, re.MULTILINE)
    set_up, tests, site = found
    return set_up.split(" && .venv/bin/jupyter")[0], tests, site


def on_windows(command, python):
    """Return a command as the README tells to write it in the Command Prompt."""
    assert "write `py -3.13` for `python3` and `.venv\\Scripts\\` for `.venv/bin/`" in README
    return command.replace("python3", f"py -{python}", 1).replace(".venv/bin/", ".venv\\Scripts\\")


def test_there_is_one_for_the_site_and_one_for_the_tests():
    assert {path.stem for path in WORKFLOWS} == {"site", "tests"}


@each_workflow
def test_actions_come_from_github_and_are_pinned_by_their_major_version(path):
    for name, job in read(path)["jobs"].items():
        for step in steps(job):
            assert ("uses" in step) != ("run" in step), name
            if "uses" in step:
                assert re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"])


@each_workflow
def test_a_job_may_only_read_unless_it_publishes_and_ends_some_time(path):
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        if name == "publish":
            assert job["permissions"] == {"pages": "write", "id-token": "write"}
            continue
        assert "permissions" not in job
        assert job["timeout-minutes"] <= 90


@each_workflow
def test_no_failure_is_overlooked(path):
    text = path.read_text(encoding="utf-8")
    assert "continue-on-error" not in text
    assert "|| true" not in text
    # What publishes the site leaves a proposed change alone, and nothing else has a condition.
    conditions = set(re.findall(r"^ *if: (.*)$", text, re.MULTILINE))
    assert conditions <= {"github.event_name != 'pull_request'"}
    assert path.stem == "site" or not conditions


@each_workflow
def test_it_starts_with_each_change(path):
    started_by = read(path)[True]  # YAML takes the word `on` for true
    assert {"push", "pull_request"} <= set(started_by)


def test_the_tests_run_on_three_systems_with_the_oldest_and_the_newest_python():
    jobs = read(COURSE / ".github" / "workflows" / "tests.yml")["jobs"]
    unix, windows = jobs["unix"], jobs["windows"]
    assert unix["strategy"]["matrix"]["os"] == ["ubuntu-latest", "macos-latest"]
    assert windows["runs-on"] == "windows-latest"
    assert windows["defaults"]["run"]["shell"] == "cmd"
    for job in (unix, windows):
        assert job["strategy"]["matrix"]["python"] == ["3.11", "3.13"]
        assert job["strategy"]["fail-fast"] is False


def test_the_tests_are_the_two_commands_of_the_readme():
    jobs = read(COURSE / ".github" / "workflows" / "tests.yml")["jobs"]
    set_up, tests, _ = readme_commands()
    assert lines_to_run(jobs["unix"]) == [set_up, tests]
    python = "${{ matrix.python }}"
    assert lines_to_run(jobs["windows"]) == [on_windows(set_up, python), on_windows(tests, python)]


def chinese_commands(readme):
    """Return the commands that make the Chinese notebooks and the Chinese site, in this order."""
    return re.findall(r"^(?:\.venv/bin/python -m translations|COURSE_LANGUAGE=).*$", readme, re.M)


def test_the_site_is_built_by_the_command_of_the_readme_and_that_folder_is_published():
    build = read(COURSE / ".github" / "workflows" / "site.yml")["jobs"]["build"]
    *_, site = readme_commands()
    environment, set_up, *chinese, english = lines_to_run(build)
    assert environment == "python3 -m venv .venv"
    assert set_up == site.split(" && ")[0]
    assert chinese == chinese_commands(README)
    assert english == site
    [upload] = [step for step in steps(build) if "upload-pages-artifact" in step.get("uses", "")]
    assert upload["with"]["path"] == site.split()[-1] == "build/site"
    assert " -W " in site
    assert " -c constraints.txt " in site


def test_the_chinese_site_is_built_as_the_english_one_into_a_folder_of_it():
    notebooks, chinese = chinese_commands(README)
    english = readme_commands()[-1].split(" && ")[1]
    assert notebooks == ".venv/bin/python -m translations zh"
    in_folder = english.replace("build/site", "build/site/zh")
    in_chinese = in_folder.replace("build/doctrees", "build/doctrees_zh")
    assert chinese == f"COURSE_LANGUAGE=zh {in_chinese}"


def test_both_editions_get_one_address():
    build = read(COURSE / ".github" / "workflows" / "site.yml")["jobs"]["build"]
    builds = [step for step in steps(build) if "sphinx-build" in step.get("run", "")]
    addresses = [step["env"]["COURSE_ADDRESS"] for step in builds]
    assert addresses == ["${{ steps.pages.outputs.base_url }}"] * 2


def test_nothing_is_published_from_a_proposed_change():
    jobs = read(COURSE / ".github" / "workflows" / "site.yml")["jobs"]
    assert jobs["publish"]["if"] == "github.event_name != 'pull_request'"
    assert jobs["publish"]["needs"] == "build"
