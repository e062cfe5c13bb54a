"""One source of truth: pyproject.toml, constraints.txt, environment.yml and README.md agree."""

import ast
import os
import re
import shlex
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
READMES = {path.name: path.read_text(encoding="utf-8") for path in COURSE.glob("README*.md")}
GUIDES = {path.name: path.read_text(encoding="utf-8") for path in COURSE.glob("TEACHING*.md")}
CONDA = yaml.safe_load((COURSE / "environment.yml").read_text(encoding="utf-8"))

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
PYTHONS = ["3.11", "3.12", "3.13"]
each_python = pytest.mark.parametrize("python", PYTHONS)
each_readme = pytest.mark.parametrize("readme", READMES.values(), ids=READMES)


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
    python, pip, packages = CONDA["dependencies"]
    version = python.removeprefix("python=")
    assert SpecifierSet(PROJECT["requires-python"]).contains(version)
    assert pip == "pip"
    assert packages == {"pip": ["-c constraints.txt", "-e ."]}
    assert CONDA["name"] == PROJECT["name"]
    assert CONDA["channels"] == ["conda-forge"]


@each_readme
def test_the_environment_that_the_readme_activates_is_the_one_that_it_creates(readme):
    commands = re.findall(r"`(conda [^`]+)`", readme)
    assert commands == ["conda env create -f environment.yml", f"conda activate {CONDA['name']}"]


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


def test_the_pythons_that_are_tried_here_are_all_that_the_course_runs_on():
    possible = [f"3.{minor}" for minor in range(100)]
    assert list(SpecifierSet(PROJECT["requires-python"]).filter(possible)) == PYTHONS


@pytest.mark.parametrize("text", [*READMES.values(), *GUIDES.values()], ids=[*READMES, *GUIDES])
def test_where_a_text_lists_pythons_they_are_those_of_the_course(text):
    lists = re.findall(r"\d\.\d+(?:(?:, |、)\d\.\d+)* (?:or|或) \d\.\d+", text)
    assert lists
    for each in lists:
        assert re.findall(r"\d\.\d+", each) == PYTHONS, each


@each_readme
def test_every_python_that_a_readme_names_is_one_of_the_course(readme):
    named = re.findall(r"(?:Python |py -|python)(3\.\d+)", readme)
    assert len(named) >= 4
    assert set(named) <= set(PYTHONS)


def test_what_22_says_that_its_helper_needs_is_the_oldest_python_of_the_course():
    [notebook] = COURSE.glob("notebooks/22_*.ipynb")
    prose = [cell.source for cell in nbformat.read(notebook, as_version=4).cells]
    assert re.findall(r"needs Python (\d\.\d+)", "\n".join(prose)) == [PYTHONS[0]]


@each_readme
def test_an_update_brings_new_notebooks_and_leaves_what_else_a_learner_has_changed(
    readme, tmp_path, monkeypatch
):
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, os.devnull)
    [line] = re.findall(r"^2\. .*`git .*", readme, re.MULTILINE)
    commands = re.findall(r"`(git [^`]+)`", line)
    assert len(commands) == 2
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    write_course(ours, "notebook", "program")
    git(ours, "git init --quiet")
    commit(ours)
    git(tmp_path, "git clone --quiet ours theirs")
    write_course(ours, "newer notebook", "program")
    commit(ours)
    write_course(theirs, "notebook that was run", "program of a learner")
    renamed = theirs / "notebooks" / "my_01.ipynb"
    renamed.write_text("notes", encoding="utf-8")

    for command in commands:
        git(theirs, command)
    assert (theirs / "notebooks" / "01.ipynb").read_text(encoding="utf-8") == "newer notebook"
    assert (theirs / "program.py").read_text(encoding="utf-8") == "program of a learner"
    assert renamed.read_text(encoding="utf-8") == "notes"


def write_course(folder, notebook, program):
    (folder / "notebooks").mkdir(parents=True, exist_ok=True)
    (folder / "notebooks" / "01.ipynb").write_text(notebook, encoding="utf-8")
    (folder / "program.py").write_text(program, encoding="utf-8")


def git(folder, command):
    subprocess.run(shlex.split(command), cwd=folder, check=True)


def commit(folder):
    git(folder, "git add .")
    git(folder, "git -c user.name=a -c user.email=a@example.org commit --quiet -m edition")


def test_the_file_that_asks_for_all_test_files_is_there():
    """It cannot ask for itself."""
    assert (COURSE / "tests" / "test_house.py").is_file()


@pytest.mark.parametrize("command", ["ruff check", "ruff format --check", "mypy"])
def test_checkers_find_nothing(command):
    arguments = command.split()
    subprocess.run([sys.executable, "-m", *arguments], cwd=COURSE, check=True)
