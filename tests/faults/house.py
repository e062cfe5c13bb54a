"""Faults in the rules themselves: the configuration, the gate, the commands, the tests."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.faults.fault import Edit, Fault

# What is planted: the file, what is weaker then, a pattern in the file, what replaces it. A pattern
# that is not found is an error, so that this table stays true.
EDITS = [
    ("pyproject.toml", "warnings are no errors", r'    "error",\n', ""),
    ("pyproject.toml", "outputs are not compared", r'"--nbval",', '"--nbval-lax",'),
    (
        "pyproject.toml",
        "the kernel is the one that the notebook names",
        r'"--nbval-current-env",',
        "",
    ),
    ("pyproject.toml", "run times are compared", r'"--nbval-sanitize-with=.*?",', ""),
    ("pyproject.toml", "notebooks are not tested", r'"tests", "notebooks"', '"tests"'),
    ("pyproject.toml", "tests are not run", r'"tests", "notebooks"', '"notebooks"'),
    ("pyproject.toml", "a notebook's cells go to two workers", r'"--dist=loadfile",', ""),
    ("pyproject.toml", "any Python", r"requires-python = .*\n", ""),
    ("pyproject.toml", "another TensorFlow", r"tensorflow==\d+\.\d+", "tensorflow==2.20"),
    ("pyproject.toml", "a dependency less", r'    "filelock",\n', ""),
    ("pyproject.toml", "functions need no types", "disallow_untyped_defs = true\n", ""),
    ("pyproject.toml", "longer lines", "line-length = 100", "line-length = 200"),
    ("constraints.txt", "a pin less", r"^numpy==.*\n", ""),
    ("constraints.txt", "a looser pin", r"^numpy==(.*)$", r"numpy>=\1"),
    ("environment.yml", "no constraints", r"-c constraints\.txt", "-e ."),
    ("tests/sanitize.cfg", "any line counts as a run's time", r"^regex: .*$", "regex: .*"),
    (".ci/run", "errors are passed over", "set -euo pipefail", "set -u"),
    (".ci/run", "a failed command is forgiven", r'eval "(.*)"', r'eval "\1" || true'),
    (".gitignore", "caches are committed", r"__pycache__/\n", ""),
]
RULES = re.compile(r"^select = \[(.*?)\]", re.MULTILINE)


def plant_house(course: Path) -> Iterator[Fault]:
    """Weaken the rules: each edit of the table, no rule of ruff, each test file deleted."""
    for path, what, pattern, replacement in EDITS:
        text = (course / path).read_text(encoding="utf-8")
        if not re.search(pattern, text, re.MULTILINE):
            raise LookupError(f"{path} holds no {pattern!r}: correct the table in {__name__}")
        yield Fault("house", path, what, substituted(pattern, replacement))
    text = (course / "pyproject.toml").read_text(encoding="utf-8")
    for rule in re.findall(r'"(\w+)"', RULES.search(text).group(1)):
        what = f"ruff does not look for {rule}"
        yield Fault("house", "pyproject.toml", what, substituted(rf'"{rule}",? ?', ""))
    for path in sorted((course / "tests").glob("test_*.py")):
        name = path.relative_to(course).as_posix()
        yield Fault("house", name, "deleted", lambda _: None)


def substituted(pattern: str, replacement: str) -> Edit:
    """Replace the first match of a pattern in a file's text."""
    return lambda text: re.sub(pattern, replacement, text, count=1, flags=re.MULTILINE)
