"""The tests cannot pass by accident: none is missing, none is made blind, CI runs them all.

No test notices these, so a reviewer looks for them: a bound that is looser than before, an
assertion that was dropped from a test that is still there, a stored output that is new, a reason
in one of the tables (``numbers_in_prose.toml``, ``names_in_prose.toml``, ``exercise_texts.toml``,
``restores_without_assertion.toml``, ``wrong_answers/``) that is none, a change to the limits in
``tests/gate``, and a change to this file.
"""

import ast
import io
import re
import shutil
import subprocess
import sys
import tokenize
import tomllib
from collections import Counter
from pathlib import Path

from tests.gate import exercises
from tests.gate.rules import Book

import pytest

COURSE = Path(__file__).parent.parent
TESTS = COURSE / "tests"
SETTINGS = tomllib.loads((COURSE / "pyproject.toml").read_text(encoding="utf-8"))["tool"]

# Tests of what is no helper.
OTHER_TESTS = {
    "test_code_blocks.py",
    "test_exercise_texts.py",
    "test_gate.py",
    "test_house.py",
    "test_names.py",
    "test_notebooks.py",
    "test_project.py",
    "test_prose.py",
    "test_recipes.py",
    "test_restores_asserted.py",
    "test_rules.py",
    "test_site.py",
    "test_translations.py",
}
# A recipe in several files is tested as one, and a program with the helper that starts it.
TESTED_AS_ONE = {
    "helpers/lab/strange_load": "test_strangers",
    "helpers/recipes/inspect_model": "test_inspect",
}
# Raise it when tests are added, so that a part of them cannot get lost.
LEAST_TEST_FUNCTIONS = 1345

RUFF_LINT = {"allowed-confusables", "ignore", "isort", "per-file-ignores", "pydocstyle", "select"}
RUFF_RULES = {"ANN", "B", "D", "E", "F", "I", "N", "PTH", "RUF", "SIM", "UP", "W"}
RUFF_IGNORED = {"ANN401", "SIM102", "SIM108", "SIM110"}
RUFF_IGNORED_IN_FILES = {
    "helpers/__init__.py": {"E402", "F401"},
    "notebooks/*": {"ANN", "D"},
    "{tests/*,conftest.py}": {"ANN", "D", "SIM117"},
}
# Files that pytest, ruff or mypy read in place of ``pyproject.toml``, or with it.
OTHER_SETTINGS = {
    "pytest.ini",
    ".pytest.ini",
    "pytest.toml",
    ".pytest.toml",
    "tox.ini",
    "setup.cfg",
    "ruff.toml",
    ".ruff.toml",
    "mypy.ini",
    ".mypy.ini",
    "pyproject.toml",
    "conftest.py",
}
FOLDERS = ["helpers", "notebooks", "site", "tests", "translations"]
# What work on the course leaves in its folder, and what a commit must not pick up.
LEFT_BEHIND = {
    "/runs/",
    "/.venv/",
    "/*.egg-info/",
    "/build/",
    "/notebooks_zh/",
    "__pycache__/",
    ".ipynb_checkpoints/",
    ".pytest_cache/",
    ".ruff_cache/",
    "/.mypy_cache/",
}
# Comments that silence a checker in one line: at most so many, each with the rule that it silences.
MOST_SILENCED_LINES = 6
SILENCING = re.compile(r"#\s*(?:noqa|type:\s*ignore|ruff:|pylint:|mypy:|pyright:|pragma:)")
SILENCING_ONE_RULE = re.compile(r"#\s*(?:noqa: [A-Z]+\d+|type: ignore\[[a-z-]+\])")


def has_test(helper, present):
    """Tell whether a helper's file has its own test file, with or without its folder's name."""
    name = helper.relative_to(COURSE).as_posix()
    for folder, beginning in TESTED_AS_ONE.items():
        if name.startswith(folder):
            return any(test.startswith(beginning) for test in present)
    stem = helper.stem.strip("_")
    return bool(present & {f"test_{stem}.py", f"test_{helper.parent.name}_{stem}.py"})


def is_a_sentence(path):
    """Tell whether a file is a docstring and nothing else."""
    return len(ast.parse(path.read_text(encoding="utf-8")).body) == 1


def sources():
    """Return all files of Python, those of the site and of the translations too."""
    return [
        COURSE / "conftest.py",
        *sorted((COURSE / "helpers").rglob("*.py")),
        *sorted((COURSE / "site").rglob("*.py")),
        *sorted((COURSE / "translations").rglob("*.py")),
        *sorted(TESTS.rglob("*.py")),
    ]


def test_every_helper_has_its_test_file():
    present = {path.name for path in TESTS.glob("test_*.py")}
    helpers = [path for path in (COURSE / "helpers").rglob("*.py") if not is_a_sentence(path)]
    assert len(helpers) > 10
    assert [path for path in helpers if not has_test(path, present)] == []


def test_no_test_file_of_the_project_itself_is_missing():
    present = {path.name for path in TESTS.glob("test_*.py")}
    assert present >= OTHER_TESTS


def test_there_are_as_many_tests_as_ever():
    written = 0
    for path in TESTS.glob("test_*.py"):
        written += len(re.findall(r"^def test_", path.read_text(encoding="utf-8"), re.MULTILINE))
    assert written >= LEAST_TEST_FUNCTIONS


def test_pytest_is_strict_and_leaves_nothing_out():
    assert SETTINGS["pytest"]["ini_options"] == {
        "testpaths": ["tests", "notebooks"],
        "addopts": [
            "--nbval",
            "--nbval-current-env",
            "--nbval-cell-timeout=600",
            "--nbval-sanitize-with=tests/sanitize.cfg",
            "--numprocesses=2",
            "--dist=loadfile",
        ],
        "filterwarnings": [
            "error",
            "ignore:assertions not in test modules:pytest.PytestConfigWarning",
            "ignore:.*unexpected keyword argument '___pyct_anno':DeprecationWarning",
            "ignore::pytest.PytestCacheWarning",
        ],
    }


def test_no_other_file_changes_the_settings_of_a_tool():
    found = {path for path in COURSE.iterdir() if path.name in OTHER_SETTINGS}
    for folder in FOLDERS:
        found |= {path for path in (COURSE / folder).rglob("*") if path.name in OTHER_SETTINGS}
    names = {path.relative_to(COURSE).as_posix() for path in found}
    assert names == {"pyproject.toml", "conftest.py", "tests/conftest.py", "notebooks/.ruff.toml"}
    of_notebooks = (COURSE / "notebooks" / ".ruff.toml").read_text(encoding="utf-8")
    assert tomllib.loads(of_notebooks) == {"extend": "../pyproject.toml", "line-length": 79}


def test_the_sanitizer_hides_no_more_than_the_time_of_a_run():
    lines = (TESTS / "sanitize.cfg").read_text(encoding="utf-8").splitlines()
    [pattern] = [line.removeprefix("regex: ") for line in lines if line.startswith("regex: ")]
    assert re.search(pattern, "runs/01_save/2026-11-23_16-51-26")
    for other in ["other", "3 files", "2026-11-23", "2026-11-23_16-51"]:
        assert not re.search(pattern, f"runs/01_save/{other}"), other
    beside = "runs/01_save/2026-11-23_16-51-26_2/ckpt-3 and a line"
    assert re.sub(pattern, "", beside) == "/ckpt-3 and a line"


def test_git_ignores_what_work_leaves_behind():
    lines = (COURSE / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert set(lines) >= LEFT_BEHIND


def test_ruff_asks_for_as_much_as_ever():
    lint = SETTINGS["ruff"]["lint"]
    assert set(lint) == RUFF_LINT
    assert set(lint["select"]) >= RUFF_RULES
    assert set(lint["ignore"]) <= RUFF_IGNORED
    for pattern, ignored in lint["per-file-ignores"].items():
        assert set(ignored) <= RUFF_IGNORED_IN_FILES[pattern], pattern
    assert set(SETTINGS["ruff"]) == {"line-length", "lint"}
    assert SETTINGS["ruff"]["line-length"] == 100


def test_mypy_asks_for_as_much_as_ever():
    assert SETTINGS["mypy"] == {
        "files": ["helpers", "translations"],
        "disallow_untyped_defs": True,
        "ignore_missing_imports": True,
        "follow_imports": "silent",
        "overrides": [{"module": ["keras.*", "tensorflow.*"], "follow_imports": "skip"}],
    }


def test_few_lines_silence_a_checker_and_each_says_which_rule():
    silenced = []
    for path in sources():
        text = path.read_text(encoding="utf-8")
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT and SILENCING.search(token.string):
                assert SILENCING_ONE_RULE.search(token.string), f"{path}: {token.string}"
                silenced.append(f"{path}: {token.string}")
    assert len(silenced) <= MOST_SILENCED_LINES, "\n".join(silenced)


def test_no_test_is_skipped_for_good_or_may_fail():
    for path in TESTS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                name = ast.unparse(node)
                assert name not in {"pytest.mark.skip", "pytest.mark.xfail", "pytest.xfail"}, path


# What is collected


@pytest.fixture(scope="module")
def collected(request):
    """Count what the README's second command collects: tests or cells of each file.

    It may be the command that this test runs in. If not, another process is asked.
    """
    found = Counter(item.path.relative_to(COURSE).as_posix() for item in request.session.items)
    files = [*TESTS.glob("test_*.py"), *(COURSE / "notebooks").glob("*.ipynb")]
    is_in_all_files = found.keys() >= {path.relative_to(COURSE).as_posix() for path in files}
    is_a_selection = request.config.option.keyword or request.config.option.markexpr
    if is_in_all_files and not is_a_selection:
        return found
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-n", "0"]
    done = subprocess.run(command, cwd=COURSE, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout[-2000:]
    ids = [line for line in done.stdout.splitlines() if "::" in line]
    return Counter(line.split("::")[0] for line in ids)


def test_every_test_that_is_written_is_collected(collected):
    for path in TESTS.glob("test_*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        written = [node for node in tree.body if getattr(node, "name", "").startswith("test_")]
        assert written, path.name
        assert collected[f"tests/{path.name}"] >= len(written), path.name


def test_every_cell_and_every_answer_is_collected(collected):
    for path in (COURSE / "notebooks").glob("*.ipynb"):
        book = Book(path, exercises.stated_wrong_answers(TESTS / "wrong_answers", path.stem))
        wrong = exercises.wrong_answers(book.notebook, book.wrong_answers)
        right = exercises.stated_right_answers(TESTS / "wrong_answers", path.stem)
        expected = len(book.code) + len(wrong) + len(right)
        assert collected[f"notebooks/{path.name}"] == expected, path.name


# What CI runs, on a made project


SITE = ".venv/bin/pip install site && .venv/bin/sphinx-build\n"


@pytest.fixture
def run_ci(tmp_path):
    """Run the course's ``.ci/run`` in a project whose commands are the scripts that are given."""
    if sys.platform != "linux":
        pytest.skip("CI runs on Linux")
    project = tmp_path / "project"
    (project / ".ci").mkdir(parents=True)
    shutil.copy(COURSE / ".ci" / "run", project / ".ci" / "run")

    def git(*arguments):
        author = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main"]
        subprocess.run(["git", *author, *arguments], cwd=project, check=True, capture_output=True)

    def run(script, readme=f".venv/bin/pytest\n{SITE}", set_up="true", site="true", pip="true"):
        (project / "scripts").mkdir()
        for name, text in (("pytest", script), ("sphinx-build", site), ("pip", pip)):
            program = project / "scripts" / name
            program.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
            program.chmod(0o755)
        begin = "python3 -m venv --help >/dev/null && mkdir -p .venv/bin"
        copy = "cp scripts/* .venv/bin/"
        lab = ".venv/bin/jupyter lab notebooks/01_save.ipynb"
        text = f"{begin} && {copy} && {set_up} && {lab}\n\n{readme}"
        (project / "README.md").write_text(text, encoding="utf-8")
        (project / ".gitignore").write_text(".venv/\n", encoding="utf-8")
        git("init")
        git("add", ".")
        git("commit", "-m", "all")
        (project / "not_committed").touch()
        command = ["bash", str(project / ".ci" / "run")]
        return subprocess.run(command, capture_output=True, text=True, encoding="utf-8")

    return run


def test_ci_passes_if_all_commands_do(run_ci):
    done = run_ci("echo all tests passed", site="echo the site is built", pip="echo with $*")
    assert done.returncode == 0, done.stderr
    for line in ("all tests passed", "with install site", "the site is built"):
        assert line in done.stdout.splitlines()


def test_ci_fails_if_the_tests_fail(run_ci):
    assert run_ci("exit 1").returncode != 0


def test_ci_fails_if_the_set_up_fails(run_ci):
    assert run_ci("true", set_up="false").returncode != 0


def test_ci_fails_if_the_site_cannot_be_built(run_ci):
    assert run_ci("true", site="false").returncode != 0


def test_ci_fails_if_what_the_site_needs_cannot_be_installed(run_ci):
    assert run_ci("true", pip="false").returncode != 0


def test_ci_fails_if_a_command_leaves_a_file(run_ci):
    done = run_ci("true", site="touch left_behind")
    assert done.returncode != 0
    assert "left_behind" in done.stdout


@pytest.mark.parametrize(
    "readme", ["", ".venv/bin/pytest\n", SITE, f".venv/bin/pytest\n{SITE}{SITE}"]
)
def test_ci_fails_if_the_readme_has_other_commands(run_ci, readme):
    assert run_ci("true", readme=readme).returncode != 0


def test_ci_tests_what_is_committed_in_a_folder_with_an_awkward_name(run_ci):
    done = run_ci("test ! -e not_committed && pwd")
    assert done.returncode == 0
    folder = next(line for line in done.stdout.splitlines() if line.startswith("/"))
    assert " " in folder
    assert not folder.isascii()
