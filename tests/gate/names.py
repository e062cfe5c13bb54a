"""Names in code type in the text: each stands in the code or an output, or says why not.

A name is a word of three characters or more, one of them a letter, in a code span. It counts as
known if it stands in the code or the outputs of its notebook, in the files of ``helpers/`` or in
the name of a file of the course, or if Python has it built in. A page also knows its own blocks of
code. A name with dots that begins with a module, such as ``tf.train.load_variable``, has to be
found in that module as it is written.
"""

import builtins
import importlib
import re
from typing import NamedTuple

from tests.gate import code_blocks, prose
from tests.gate.code_blocks import COURSE, HELPERS

FOLDERS = [".github", "helpers", "notebooks", "site", "tests", "translations"]
SOURCES = {".py", ".toml"}
# What sets up the course, its site and its classes, for the pages that tell about this.
SETTINGS = [".ci/run", "environment.yml", "pyproject.toml"]
MODULES = {
    "h5py": "h5py",
    "helpers": "helpers",
    "json": "json",
    "keras": "keras",
    "np": "numpy",
    "os": "os",
    "pickle": "pickle",
    "sys": "sys",
    "tempfile": "tempfile",
    "tests": "tests",
    "tf": "tensorflow",
    "tf1": "tensorflow.compat.v1",
    "time": "time",
}

LEAST_LENGTH = 3
SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)")
WORD = re.compile(r"\w+")
DOTTED = re.compile(rf"(?<![\w./-])(?:{'|'.join(MODULES)})(?:\.[^\W\d]\w*)+(?![\w/])")


class Name(NamedTuple):
    """A name in code type: the name, and the code span in which it stands."""

    name: str
    span: str


class Reason(NamedTuple):
    """Why a name in the text, or each name of a code span, is right although it stands nowhere."""

    notebook: str
    name: str
    reason: str


def words_in(text):
    """Return the words of a text that may be names."""
    return [word for word in WORD.findall(text) if _is_name(word)]


def spans_in(text):
    """Return the code spans of a text of Markdown."""
    return [" ".join(span.split()) for span in SPAN.findall(code_blocks.BLOCK.sub(" ", text))]


def names_of_the_course():
    """Return the names in the helpers, in the names of the course's files, and those of Python."""
    names = set(dir(builtins))
    for path in COURSE.iterdir():
        names.update(words_in(path.name))
    for folder in FOLDERS:
        for path in (COURSE / folder).rglob("*"):
            if "__pycache__" not in path.parts:
                names.update(words_in(path.name))
    for path in HELPERS.rglob("*"):
        if path.suffix in SOURCES:
            names.update(words_in(path.read_text(encoding="utf-8")))
    return names


def names_of_the_settings():
    """Return the names in what sets up the course, and in the programs of its editions."""
    paths = [COURSE / path for path in SETTINGS]
    paths += [*(COURSE / "site").glob("*.py"), *(COURSE / "translations").glob("*.py")]
    return {word for path in paths for word in words_in(path.read_text(encoding="utf-8"))}


def unknown_names(texts, known):
    """Return the names in the code spans of texts that are not known.

    Args:
        texts: cells of Markdown, or a page.
        known: the names that stand in code, in outputs or in files.
    """
    unknown = []
    for span in [span for text in texts for span in spans_in(text)]:
        for dotted in DOTTED.findall(span):
            if not is_found(dotted):
                unknown.append(Name(dotted, span))
        for word in words_in(DOTTED.sub(" ", span)):
            if word not in known:
                unknown.append(Name(word, span))
    return unknown


def unknown_names_of_book(book, course):
    """Return the names that neither a notebook nor the course knows."""
    known = course | set(words_in(prose.evidence(book)))
    return unknown_names([cell.source for cell in book.prose], known)


def unknown_names_of_page(text, course):
    """Return the names that neither the blocks of code of a page nor the course knows."""
    own = {word for block in code_blocks.blocks_in(text) for word in words_in(block.text)}
    return unknown_names([text], course | own)


def existing(dotted):
    """Return what a name with dots stands for.

    Raises:
        AttributeError, ModuleNotFoundError: it leads nowhere.
    """
    first, *rest = dotted.split(".")
    found = importlib.import_module(MODULES.get(first, first))
    for name in rest:
        if not hasattr(found, name):
            importlib.import_module(f"{found.__name__}.{name}")
        found = getattr(found, name)
    return found


def is_found(dotted):
    """Tell whether a name with dots leads from a module to what it names."""
    try:
        existing(dotted)
    except (AttributeError, ModuleNotFoundError):
        return False
    return True


def is_for(reason, found):
    """Tell whether a reason speaks of a name that is found: a notebook or page, and the name."""
    notebook, name = found
    return reason.notebook == notebook and reason.name in {name.name, name.span}


def _is_name(word):
    return len(word) >= LEAST_LENGTH and any(character.isalpha() for character in word)
