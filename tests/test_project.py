"""One source of truth: pyproject.toml, constraints.txt, environment.yml and README.md agree."""

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

COURSE = Path(__file__).parent.parent
PROJECT = tomllib.loads((COURSE / "pyproject.toml").read_text())["project"]
PINS = [Requirement(line) for line in (COURSE / "constraints.txt").read_text().splitlines()]
README = (COURSE / "README.md").read_text()

PLATFORMS = [
    {"sys_platform": "linux", "platform_machine": "x86_64", "os_name": "posix"},
    {"sys_platform": "linux", "platform_machine": "aarch64", "os_name": "posix"},
    {"sys_platform": "darwin", "platform_machine": "arm64", "os_name": "posix"},
    {"sys_platform": "win32", "platform_machine": "AMD64", "os_name": "nt"},
]


def applies(requirement, **environment):
    return requirement.marker is None or requirement.marker.evaluate(environment)


def pinned(name, **environment):
    """The versions that constraints.txt gives a package; one, if all is well."""
    name = canonicalize_name(name)
    pins = [pin for pin in PINS if canonicalize_name(pin.name) == name]
    return [str(pin.specifier).removeprefix("==") for pin in pins if applies(pin, **environment)]


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda each: each["platform_machine"])
def test_every_dependency_has_one_pin_that_suits_it(platform, python):
    environment = {**platform, "python_version": python, "python_full_version": python + ".5"}
    for dependency in map(Requirement, PROJECT["dependencies"]):
        if applies(dependency, **environment):
            [version] = pinned(dependency.name, **environment)
            assert dependency.specifier.contains(version), dependency
    tensorflows = pinned("tensorflow", **environment) + pinned("tensorflow-cpu", **environment)
    assert len(tensorflows) == 1, "exactly one build of TensorFlow belongs on a machine"


def test_all_that_is_installed_for_us_is_pinned_at_that_version():
    seen, queue = set(), [Requirement(PROJECT["name"])]
    while queue:
        requirement = queue.pop()
        name = canonicalize_name(requirement.name)
        if (name, *requirement.extras) in seen:
            continue
        seen.add((name, *requirement.extras))
        package = metadata.distribution(name)
        if name != PROJECT["name"]:
            assert pinned(name, **default_environment()) == [package.version], name
        for needed in map(Requirement, package.requires or []):
            if any(applies(needed, extra=extra) for extra in ("", *requirement.extras)):
                queue.append(needed)
    assert len(seen) > 100


def test_constraints_are_plain_pins_without_addresses():
    for pin in PINS:
        assert pin.url is None, pin
        assert [specifier.operator for specifier in pin.specifier] == ["=="], pin


def test_environment_yml_points_at_the_two_files_and_repeats_nothing():
    environment = yaml.safe_load((COURSE / "environment.yml").read_text())
    python, pip, packages = environment["dependencies"]
    assert SpecifierSet(python.removeprefix("python ")) == SpecifierSet(PROJECT["requires-python"])
    assert pip == "pip"
    assert packages == {"pip": ["-c constraints.txt", "-e ."]}
    assert environment["name"] == PROJECT["name"]


def test_readme_has_the_two_commands():
    commands = re.findall(r"^(?:python3|\.venv/bin/pytest).*$", README, flags=re.MULTILINE)
    assert commands == [
        "python3 -m venv .venv && .venv/bin/pip install -c constraints.txt -e . "
        "&& .venv/bin/jupyter lab notebooks/01_save.ipynb",
        ".venv/bin/pytest",
    ]


@pytest.mark.parametrize("command", ["check", "format --check"])
def test_ruff_is_clean(command):
    subprocess.run([sys.executable, "-m", "ruff", *command.split(), "."], cwd=COURSE, check=True)
