"""Each recipe stands alone: it works when it is copied beside a program that knows no course.

The docstring of a recipe is its contract, and its form is read here. It has one of the lines

    Needs only Python's standard library.
    Needs TensorFlow.
    Needs TensorFlow and NAME.

and an example, which is run in a new folder that holds nothing but the recipe. The Python that runs
it sees the standard library, what installing TensorFlow brings along, and NAME.
"""

import ast
import doctest
import functools
import json
import re
import shutil
import subprocess
import sys
import sysconfig
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

RECIPES = Path(__file__).parent.parent / "helpers" / "recipes"
NEEDS = re.compile(
    r"^Needs (?:only Python's standard library|(TensorFlow)(?: and (\w+))?)\.$", re.MULTILINE
)
PATIENCE = 600  # seconds, for a machine that is busy with something else

# Python that starts without site packages, and then finds there only what may be seen. It uses
# recipes, each in a folder of its own. For more than one it imports TensorFlow once, if all may see
# it, and uses each in a fork of its own, which knows nothing of the others. What the forks inherit
# is only what every one of them may see.
STRANGER = """
import doctest, gc, importlib, importlib.machinery, json, os, pkgutil, sys, warnings

site_packages, uses = json.loads(sys.argv[1])
without_packages = ["", *sys.path]  # the first is the current folder
sys.path = [*without_packages, *site_packages]

class OnlyVisible(importlib.machinery.PathFinder):
    visible = set.intersection(*[set(visible) for _, _, visible, _ in uses])

    @classmethod
    def find_spec(cls, module, path=None, target=None):
        if path is None and module not in cls.visible:
            path = without_packages
        return super().find_spec(module, path, target)

place = sys.meta_path.index(importlib.machinery.PathFinder)
sys.meta_path[place] = OnlyVisible

def use(name, folder, visible, task):
    OnlyVisible.visible = set(visible)
    os.chdir(folder)
    warnings.filterwarnings("error", category=EncodingWarning, module=name)
    recipe = importlib.import_module(name)
    for part in pkgutil.iter_modules(getattr(recipe, "__path__", [])):
        if part.name != "__main__":
            importlib.import_module(f"{name}.{part.name}")
    if task == "run the examples":
        failed, tried = doctest.testmod(recipe, globs={})
        sys.exit(1 if failed or not tried else 0)

def use_in_a_fork(name, folder, visible, task):
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status)
    output = os.open(f"{folder}.txt", os.O_WRONLY | os.O_CREAT)
    os.dup2(output, sys.stdout.fileno())
    os.dup2(output, sys.stderr.fileno())
    use(name, folder, visible, task)
    sys.exit(0)

if len(uses) == 1:
    use(*uses[0])
else:
    if "keras" in OnlyVisible.visible:
        import keras
        gc.freeze()  # else each fork clears up all of TensorFlow when it ends, for a second
    print(json.dumps([use_in_a_fork(*each) for each in uses]))
"""


class Recipe(NamedTuple):
    """What is copied, and its Python files; the first one has the docstring of the whole."""

    path: Path
    files: list[Path]

    @property
    def name(self):
        return self.path.stem

    @property
    def docstring(self):
        return ast.get_docstring(parse(self.files[0]))

    @property
    def needs(self):
        """The packages that it names, as they are imported."""
        sentence = NEEDS.search(self.docstring)
        if not sentence:
            return []
        return [name.lower() for name in sentence.groups() if name]


def find_recipes():
    found = []
    for path in sorted(RECIPES.iterdir()):
        if path.suffix == ".py" and path.name != "__init__.py":
            found.append(Recipe(path, [path]))
        if (path / "__init__.py").is_file():
            parts = [file for file in path.rglob("*.py") if file != path / "__init__.py"]
            found.append(Recipe(path, [path / "__init__.py", *parts]))
    return found


def parse(file):
    return ast.parse(file.read_text(encoding="utf-8"))


class Use(NamedTuple):
    """What a Python that sees no course does with a recipe, and the packages that it sees."""

    recipe: Recipe
    visible: set[str]
    task: str


each_recipe = pytest.mark.parametrize("recipe", find_recipes(), ids=lambda recipe: recipe.name)


@functools.cache
def installed_with(*packages):
    """The names that can be imported once these packages and what they need are installed."""
    names = [tensorflow() if package == "tensorflow" else package for package in packages]
    seen = set()
    while names:
        name = canonicalize_name(names.pop())
        if name in seen:
            continue
        seen.add(name)
        for requirement in map(Requirement, metadata.requires(name) or []):
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                names.append(requirement.name)
    return {module for module, owners in owners_of_modules().items() if seen & owners}


@functools.cache
def owners_of_modules():
    """The packages that bring each module that can be imported here."""
    found = metadata.packages_distributions()
    return {module: {*map(canonicalize_name, owners)} for module, owners in found.items()}


def tensorflow():
    """The name of the build of TensorFlow that is installed here."""
    installed = {canonicalize_name(package.name) for package in metadata.distributions()}
    [name] = {"tensorflow", "tensorflow-cpu"} & installed
    return name


def use(recipe, folder, visible, task):
    """Copy a recipe to an empty folder, and let a Python that sees no course use it there."""
    copy(recipe, folder)
    return start_stranger([(recipe.name, str(folder), sorted(visible), task)])


def use_all(uses, root):
    """Do the same with many, each in a folder of its own; return exit codes and what they printed.

    Where a process can fork, those that see TensorFlow share one import of it, and the others share
    one start of Python.

    Args:
        uses: each `Use`, by a name for its folder.
        root: an empty folder.
    """
    can_share = sys.platform == "linux"
    groups = {}
    for name, one in uses.items():
        folder = root / name
        folder.mkdir()
        copy(one.recipe, folder)
        key = "tensorflow" in one.visible if can_share else name
        given = (one.recipe.name, str(folder), sorted(one.visible), one.task)
        groups.setdefault(key, {})[name] = given
    found = {}
    for group in groups.values():
        ended = start_stranger([*group.values()])
        if len(group) == 1:
            [name] = group
            found[name] = (ended.returncode, ended.stdout + ended.stderr)
            continue
        assert ended.returncode == 0, ended.stderr
        for name, code in zip(group, json.loads(ended.stdout), strict=True):
            printed = root / f"{name}.txt"
            found[name] = (code, printed.read_text(encoding="utf-8", errors="replace"))
    return found


def copy(recipe, folder):
    if recipe.path.is_dir():
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(recipe.path, folder / recipe.path.name, ignore=ignored)
    else:
        shutil.copy(recipe.path, folder)


def start_stranger(uses):
    paths = sysconfig.get_paths()
    site_packages = sorted({paths["purelib"], paths["platlib"]})
    given = json.dumps([site_packages, uses])
    options = ["-I", "-S", "-B", "-X", "warn_default_encoding"]
    return subprocess.run(
        [sys.executable, *options, "-c", STRANGER, given],
        cwd=Path(uses[0][1]).parent,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=PATIENCE,
    )


# Not ours: what becomes of recipes that share an import.
OTHERS = {"good": '""">>> 1 + 1\n2\n"""', "bad": '""">>> 1 + 1\n3\n"""'}


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """What each use of a recipe came to, by its name: its exit code and what it printed."""
    uses = {}
    for recipe in find_recipes():
        # An example may save a model of Keras, also where the recipe itself needs no TensorFlow.
        all_it_needs = installed_with("tensorflow", *recipe.needs)
        uses[recipe.name] = Use(recipe, all_it_needs, "run the examples")
        for package in recipe.needs:
            name = f"{recipe.name} without {package}"
            uses[name] = Use(recipe, all_it_needs - {package}, "import it")
        if "tensorflow" not in recipe.needs:
            name = f"{recipe.name} alone"
            uses[name] = Use(recipe, installed_with(*recipe.needs), "import it")
    root = tmp_path_factory.mktemp("others")
    needs = sorted({package for recipe in find_recipes() for package in recipe.needs})
    greedy = {f"greedy_{package}": f"import {package}" for package in needs}
    for name, source in (OTHERS | greedy).items():
        file = root / f"{name}.py"
        file.write_text(source, encoding="utf-8")
        task = "run the examples" if name in OTHERS else "import it"
        seen = installed_with() if name == "greedy_tensorflow" else installed_with("tensorflow")
        uses[name] = Use(Recipe(file, [file]), seen, task)
    return use_all(uses, tmp_path_factory.mktemp("ended"))


def test_the_recipes_are_found():
    names = {recipe.name for recipe in find_recipes()}
    assert names >= {"inspect_model", "load_report", "restart", "save_whole"}


@each_recipe
def test_its_docstring_says_what_it_needs_and_has_an_example(recipe):
    assert len(NEEDS.findall(recipe.docstring)) == 1
    assert doctest.DocTestParser().get_examples(recipe.docstring)


@each_recipe
def test_it_imports_only_what_it_names(recipe):
    allowed = sys.stdlib_module_names | installed_with(*recipe.needs)
    for file in recipe.files:
        for node in ast.walk(parse(file)):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 1, f"{file.name} leaves its folder in line {node.lineno}"
            for name in names:
                assert name.partition(".")[0] in allowed, f"{file.name}, line {node.lineno}"


def test_what_needs_no_tensorflow_can_be_imported_where_there_is_none(ended):
    """Of the others, the examples ask as much: they see no more than what the recipe names."""
    recipes = [recipe for recipe in find_recipes() if "tensorflow" not in recipe.needs]
    assert recipes
    for recipe in recipes:
        code, printed = ended[f"{recipe.name} alone"]
        assert code == 0, printed


@each_recipe
def test_its_examples_come_true_in_an_empty_folder(recipe, ended):
    code, printed = ended[recipe.name]
    assert code == 0, printed


@pytest.mark.parametrize(
    ("recipe", "package"),
    [
        pytest.param(recipe, package, id=f"{recipe.name}-{package}")
        for recipe in find_recipes()
        for package in recipe.needs
    ],
)
def test_without_a_package_that_it_needs_one_line_names_it(recipe, package, ended):
    code, printed = ended[f"{recipe.name} without {package}"]
    assert code != 0
    last = printed.splitlines()[-1]
    if package == "tensorflow":
        assert last == "ModuleNotFoundError: No module named 'tensorflow'"
    else:
        line = f"{recipe.path.name} needs {package}: pip install {package}"
        assert last == f"ModuleNotFoundError: {line}"


@pytest.mark.parametrize(
    ("source", "task", "complaint"),
    [
        ("import helpers", "import it", "No module named 'helpers'"),
        ("import matplotlib", "import it", "No module named 'matplotlib'"),
        ("from pathlib import Path\nPath('a').write_text('b')", "import it", "EncodingWarning"),
        ('""">>> 1 + 1\n3\n"""', "run the examples", "Expected:"),
        ('"""No example."""', "run the examples", ""),
    ],
)
def test_this_test_notices_what_does_not_stand_alone(source, task, complaint, tmp_path):
    file = tmp_path / "bad.py"
    file.write_text(source, encoding="utf-8")
    folder = tmp_path / "empty"
    folder.mkdir()
    ended = use(Recipe(file, [file]), folder, installed_with("tensorflow"), task)
    assert ended.returncode != 0
    assert complaint in ended.stdout + ended.stderr


def test_this_test_notices_it_also_of_recipes_that_share_an_import(ended):
    assert ended["good"] == (0, "")
    code, printed = ended["bad"]
    assert code == 1
    assert "Expected:" in printed


@pytest.mark.parametrize(
    "package", sorted({package for recipe in find_recipes() for package in recipe.needs})
)
def test_what_one_recipe_may_see_is_hidden_from_another_that_does_not_name_it(package, ended):
    code, printed = ended[f"greedy_{package}"]
    assert code == 1
    assert printed.endswith(f"ModuleNotFoundError: No module named '{package}'\n")
