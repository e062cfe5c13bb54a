"""One source of truth: pyproject.toml, constraints.txt, environment.yml and README.md agree."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import nbformat
import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

COURSE = Path(__file__).parent.parent
SETTINGS = tomllib.loads((COURSE / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = SETTINGS["project"]
DEPENDENCIES = [Requirement(line) for line in PROJECT["dependencies"]]
EXTRAS = [
    Requirement(line) for lines in PROJECT["optional-dependencies"].values() for line in lines
]
PINS = [
    Requirement(line)
    for line in (COURSE / "constraints.txt").read_text(encoding="utf-8").splitlines()
]
README = (COURSE / "README.md").read_text(encoding="utf-8")

PLATFORMS = {
    "Linux": {"sys_platform": "linux", "platform_machine": "x86_64", "os_name": "posix"},
    "Linux on ARM": {"sys_platform": "linux", "platform_machine": "aarch64", "os_name": "posix"},
    "macOS": {"sys_platform": "darwin", "platform_machine": "arm64", "os_name": "posix"},
    "Windows": {"sys_platform": "win32", "platform_machine": "AMD64", "os_name": "nt"},
}
SYSTEMS = {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}

# Packages whose import has another name, and that `packages_distributions` knows under several.
IMPORTED_AS = {"tensorflow": {"tensorflow", "tensorflow-cpu"}}
# They come with a package that we depend on, and it is their purpose that it brings them.
BROUGHT_ALONG = {
    "IPython": "jupyter",
    "absl": "tensorflow",
    "google": "tensorflow",
    "h5py": "tensorflow",
    "jupyter_client": "jupyter",
    "keras": "tensorflow",
    "matplotlib_inline": "jupyter",
    "ml_dtypes": "tensorflow",
    "nbclient": "jupyter",
    "nbconvert": "jupyter",
    "nbformat": "jupyter",
    "packaging": "pytest",
    "psutil": "jupyter",
    "scipy": "scikit-learn",
    "threadpoolctl": "scikit-learn",
    "tornado": "jupyterhub",
    "traitlets": "jupyter",
    "PIL": "matplotlib",
    "yaml": "jupyter",
}
each_platform = pytest.mark.parametrize("platform", PLATFORMS.values(), ids=PLATFORMS)
each_python = pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])


def environment(platform, python):
    """What the markers of a requirement see on such a machine."""
    return {
        **default_environment(),
        **platform,
        "platform_system": SYSTEMS[platform["sys_platform"]],
        "python_version": python,
        "python_full_version": f"{python}.5",
    }


def applies(requirement, where):
    return requirement.marker is None or requirement.marker.evaluate({"extra": "", **where})


def pinned(name, where):
    """The versions that constraints.txt gives a package there; one, if all is well."""
    name = canonicalize_name(name)
    pins = [pin for pin in PINS if canonicalize_name(pin.name) == name and applies(pin, where)]
    return [str(pin.specifier).removeprefix("==") for pin in pins]


def needed(where, roots):
    """All that these requirements install there, as far as the packages of this machine tell."""
    found = set()
    waiting = [(root, "") for root in roots]
    while waiting:
        requirement, asked_by = waiting.pop()
        extras = {"", *requirement.extras}
        if not any(applies(requirement, {**where, "extra": extra}) for extra in ("", asked_by)):
            continue
        name = canonicalize_name(requirement.name)
        for extra in extras:
            if (name, extra) in found:
                continue
            found.add((name, extra))
            try:
                requires = metadata.requires(name) or []
            except metadata.PackageNotFoundError:  # it belongs to another platform
                continue
            waiting += [(Requirement(line), extra) for line in requires]
    return {name for name, _ in found}


@each_python
@each_platform
def test_every_dependency_has_one_pin_that_suits_it(platform, python):
    where = environment(platform, python)
    for dependency in DEPENDENCIES + EXTRAS:
        if applies(dependency, where):
            [version] = pinned(dependency.name, where)
            assert dependency.specifier.contains(version), dependency
    tensorflows = pinned("tensorflow", where) + pinned("tensorflow-cpu", where)
    assert len(tensorflows) == 1, "exactly one build of TensorFlow belongs on a machine"


@each_python
@each_platform
def test_what_comes_along_has_one_pin_too(platform, python):
    where = environment(platform, python)
    names = needed(where, DEPENDENCIES)
    assert len(names) > 100
    assert [name for name in sorted(names) if len(pinned(name, where)) != 1] == []


def test_all_that_is_installed_for_us_is_pinned_at_that_version():
    where = default_environment()
    for name in needed(where, DEPENDENCIES):
        assert pinned(name, where) == [metadata.version(name)], name


def imported():
    """The top-level names that our files and the notebooks import."""
    texts = [path.read_text(encoding="utf-8") for path in COURSE.glob("conftest.py")]
    for folder in ("helpers", "tests"):
        texts += [path.read_text(encoding="utf-8") for path in (COURSE / folder).rglob("*.py")]
    for path in (COURSE / "notebooks").glob("*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        texts += [cell.source for cell in cells if cell.cell_type == "code"]
    names = set()
    for text in texts:
        lines = [line for line in text.splitlines() if not line.lstrip().startswith(("%", "!"))]
        for node in ast.walk(ast.parse("\n".join(lines))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.split(".")[0])
    return names - sys.stdlib_module_names - {"helpers", "tests", "conftest", "translations"}


def test_every_package_that_we_import_is_a_dependency():
    declared = {canonicalize_name(each.name) for each in DEPENDENCIES + EXTRAS}
    distributions = metadata.packages_distributions()
    missing = []
    for name in sorted(imported()):
        package = BROUGHT_ALONG.get(name, name)
        candidates = IMPORTED_AS.get(package, {*distributions.get(package, []), package})
        if declared.isdisjoint(canonicalize_name(each) for each in candidates):
            missing.append(name)
    assert missing == []


def test_every_file_of_the_helpers_travels_with_a_wheel():
    """A folder without an ``__init__.py`` stays behind, and so does data that no pattern names."""
    setuptools = SETTINGS["tool"]["setuptools"]
    assert setuptools["packages"]["find"] == {"include": ["helpers*"]}
    named = set()
    for package, patterns in setuptools["package-data"].items():
        for pattern in patterns:
            found = list(COURSE.joinpath(*package.split(".")).glob(pattern))
            assert found, f"{package}: no file is {pattern}"
            named.update(found)
    for path in (COURSE / "helpers").rglob("*"):
        if path.suffix == ".py":
            assert (path.parent / "__init__.py").is_file(), path
        elif path.is_file() and path.parent.name != "__pycache__":
            assert path in named, path


def test_constraints_are_plain_pins_without_addresses():
    for pin in PINS:
        assert pin.url is None, pin
        assert [specifier.operator for specifier in pin.specifier] == ["=="], pin


def test_environment_yml_points_at_the_two_files_and_repeats_nothing():
    described = yaml.safe_load((COURSE / "environment.yml").read_text(encoding="utf-8"))
    python, pip, packages = described["dependencies"]
    version = python.removeprefix("python=")
    assert SpecifierSet(PROJECT["requires-python"]).contains(version)
    assert pip == "pip"
    assert packages == {"pip": ["-c constraints.txt", "-e ."]}
    assert described["name"] == PROJECT["name"]


@pytest.mark.skipif(sys.platform != "linux", reason="Binder builds on Linux, and so does its tool")
def test_binder_takes_a_python_that_the_course_runs_on():
    ask = (
        "from repo2docker.buildpacks.conda import CondaBuildPack\n"
        "print(CondaBuildPack('.').python_version)"
    )
    taken = subprocess.check_output([sys.executable, "-c", ask], cwd=COURSE, text=True).strip()
    assert SpecifierSet(PROJECT["requires-python"]).contains(taken)


def test_readme_has_the_two_commands():
    commands = re.findall(r"^(?:python3|\.venv/bin/pytest).*$", README, flags=re.MULTILINE)
    assert commands == [
        "python3 -m venv .venv && .venv/bin/pip install -c constraints.txt -e . "
        "&& .venv/bin/jupyter lab notebooks/01_save.ipynb",
        ".venv/bin/pytest",
    ]


def test_the_file_that_asks_for_all_test_files_is_there():
    """It cannot ask for itself."""
    assert (COURSE / "tests" / "test_house.py").is_file()


@pytest.mark.parametrize("command", ["ruff check", "ruff format --check", "mypy"])
def test_checkers_find_nothing(command):
    arguments = command.split()
    subprocess.run([sys.executable, "-m", *arguments], cwd=COURSE, check=True)
