"""Blocks of code in the text, which learners copy: what they import, call and start is there.

A block in Python is parsed. Each module that it imports is found and has the names that are taken
from it, and each call of an imported function fits its signature. A name that a block uses without
an import of its own is looked up in the code of the notebook. In blocks for a terminal, each
``python -m MODULE`` and each file of Python that is named exists.

A rule takes texts and yields what is against it, in words. It yields nothing if all is well.
"""

import ast
import copy
import functools
import importlib
import importlib.util
import inspect
import re
import types
from pathlib import Path
from typing import NamedTuple

from tests.api_index import without_magic

COURSE = Path(__file__).parent.parent.parent
HELPERS = COURSE / "helpers"
RECIPES = HELPERS / "recipes"

PYTHON = {"python"}
TERMINAL = {"", "bash", "console", "sh"}
OTHERS = {"json", "text", "yaml"}

BLOCK = re.compile(r"^```(?P<language>[^`\n]*)\n(?P<text>.*?)^```[ ]*$", re.MULTILINE | re.DOTALL)
# "python -m helpers.messages FILE", up to the next command.
STARTED = re.compile(r"\bpython3? +-m +(?P<module>[\w.]+)(?P<rest>[^\n&|;<>`]*)")
OPTION = re.compile(r"(?<=\s)--[a-z][\w-]*")
PYTHON_FILE = re.compile(r"[\w./-]*\w\.py\b")


class Block(NamedTuple):
    """A block of code: the language that it names, or nothing, and its lines."""

    language: str
    text: str


class Imported(NamedTuple):
    """Where a name comes from: a module, and what is taken from it, or nothing."""

    module: str
    attribute: str


class MissingError(Exception):
    """What a block asks for is not there."""


def blocks_in(text):
    """Return the blocks of code in a text of Markdown."""
    return [Block(match["language"].strip(), match["text"]) for match in BLOCK.finditer(text)]


def complaints_about_text(text, code=""):
    """Yield what is wrong with the blocks of a text.

    Args:
        text: a cell of Markdown, or a page.
        code: what the code cells of the same notebook hold.
    """
    for block in blocks_in(text):
        if block.language in PYTHON:
            yield from complaints_about_python(block.text, text, code)
        elif block.language in TERMINAL:
            yield from complaints_about_files(block.text)
        elif block.language not in OTHERS:
            yield f"a block in {block.language!r}, which no rule reads"
    yield from complaints_about_modules(text)


# Python


def complaints_about_python(block, text="", code=""):
    """Yield what a block in Python imports or calls and does not find."""
    try:
        tree = ast.parse(block)
    except SyntaxError as error:
        yield f"no Python, {error.msg}: {error.text}"
        return
    own = imports_in(tree)
    for imported in own.values():
        try:
            load(imported, text)
        except MissingError as missing:
            yield str(missing)
    known = names_of(code) | own
    for name in assigned_in(tree):
        known.pop(name, None)
    yield from _complaints_about_uses(tree, known, text)


def _complaints_about_uses(tree, known, text):
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            try:
                found(node, known, text)
            except MissingError as missing:
                yield str(missing)
        elif isinstance(node, ast.Call):
            complaint = _complaint_about_call(node, known, text)
            if complaint:
                yield complaint


def _complaint_about_call(call, known, text):
    """Return why a call does not fit the signature of its function, or nothing."""
    try:
        signature = _signature(found(call.func, known, text))
    except MissingError:  # said of the import or of the attribute
        return None
    is_spread = any(isinstance(one, ast.Starred) for one in call.args)
    is_spread = is_spread or any(one.arg is None for one in call.keywords)
    if signature is None or is_spread:
        return None
    try:
        signature.bind(*call.args, **{one.arg: one.value for one in call.keywords})
    except TypeError as error:
        return f"{ast.unparse(call)}: {error}"
    return None


def imports_in(tree):
    """Return where each name that a program imports comes from."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name] = Imported(alias.name, "")
                if not alias.asname:
                    package = alias.name.partition(".")[0]
                    names[package] = Imported(package, "")
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            for alias in node.names:
                names[alias.asname or alias.name] = Imported(module, alias.name)
    return names


def assigned_in(tree):
    """Return the names to which a program assigns."""
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    return {node.id for node in names if isinstance(node.ctx, ast.Store)}


@functools.cache
def names_of(code):
    """Return what the names of a notebook's code stand for: an import, or a function of its own.

    A name that is also assigned to may stand for anything, and is left out.
    """
    tree = ast.parse(code)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    names = imports_in(tree) | functions
    for name in assigned_in(tree):
        names.pop(name, None)
    return names


def code_of(book):
    """Return the code of a notebook as one program."""
    return "\n".join(without_magic(cell.source) for cell in book.code)


def found(node, known, text):
    """Return the object of a name or of a name with dots, or None if it is no known one."""
    if isinstance(node, ast.Name) and node.id in known:
        name = known[node.id]
        return load(name, text) if isinstance(name, Imported) else name
    if isinstance(node, ast.Attribute):
        owner = found(node.value, known, text)
        is_loaded = owner is not None and not isinstance(owner, ast.FunctionDef)
        return _attribute(owner, node.attr) if is_loaded else None
    return None


def load(imported, text=""):
    """Import a module, or what is taken from it.

    Raises:
        MissingError: there is no such module, or it has no such name.
    """
    module = find_module(imported.module, text)
    if module is None:
        raise MissingError(f"no module {imported.module}")
    if imported.attribute in {"", "*"}:
        return module
    return _attribute(module, imported.attribute)


def find_module(name, text=""):
    """Import a module by the name that it has in a block, or return None.

    A learner copies recipes, and files of the course that the text names, to a place beside the
    program. There they are called by their bare names.
    """
    beside = [RECIPES / f"{name}.py", RECIPES / name / "__init__.py"]
    beside += [path for path in sorted(HELPERS.rglob(f"{name}.py")) if path.name in text]
    for path in beside:
        if path.is_file():
            parts = path.relative_to(COURSE).with_suffix("").parts
            return importlib.import_module(".".join(parts).removesuffix(".__init__"))
    if name.startswith("."):
        return None
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        return None


def _attribute(owner, name):
    if hasattr(owner, name):
        return getattr(owner, name)
    called = getattr(owner, "__name__", type(owner).__name__)
    part = None
    if isinstance(owner, types.ModuleType):
        part = find_module(f"{called}.{name}")
    if part is None:
        raise MissingError(f"{called} has no {name}")
    return part


def _signature(function):
    """Return the signature of what is called, or None if it is unknown or tells none."""
    if isinstance(function, ast.FunctionDef):
        function = _without_body(function)
    if not callable(function):
        return None
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):  # of a builtin
        return None


def _without_body(node):
    """Return a function that takes the arguments of a definition, and does nothing."""
    arguments = copy.deepcopy(node.args)
    for argument in ast.walk(arguments):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    nothing = ast.Constant(None)
    arguments.defaults = [nothing for _ in arguments.defaults]
    arguments.kw_defaults = [value and nothing for value in arguments.kw_defaults]
    function = ast.Expression(ast.Lambda(arguments, nothing))
    return eval(compile(ast.fix_missing_locations(function), node.name, "eval"))


# Commands


def complaints_about_modules(text):
    """Yield the modules that ``python -m`` does not find, and options that they do not have."""
    for command in STARTED.finditer(text):
        file = file_that_starts(command["module"])
        if file is None:
            yield f"python -m {command['module']} does not exist"
        elif file.is_relative_to(COURSE):
            source = file.read_text(encoding="utf-8")
            for option in OPTION.findall(command["rest"]):
                if option not in source:
                    yield f"python -m {command['module']} has no {option}"


def file_that_starts(module):
    """Return the file that ``python -m`` runs, in the course or beside a copied recipe, or None."""
    copied = RECIPES / module / "__main__.py"
    if copied.is_file():
        return copied
    try:
        spec = importlib.util.find_spec(module)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = importlib.util.find_spec(f"{module}.__main__")
    except ModuleNotFoundError:
        return None
    return Path(spec.origin) if spec is not None else None


def complaints_about_files(block):
    """Yield the files of Python that a block for a terminal names and the course does not have."""
    for name in PYTHON_FILE.findall(block):
        if not is_file_of_the_course(name):
            yield f"no file {name} in the course"


def is_file_of_the_course(name):
    """Tell whether a path leads from the course to a file, or a bare name is that of a helper."""
    if "/" in name:
        return (COURSE / name).is_file()
    return any(HELPERS.rglob(name))
