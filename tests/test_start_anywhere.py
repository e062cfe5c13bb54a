"""The course can be started here, in Codespaces and on Binder, and a notebook alone says how."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
from packaging.specifiers import SpecifierSet

COURSE = Path(__file__).parent.parent
NOTEBOOKS = sorted((COURSE / "notebooks").glob("*.ipynb"))
README = (COURSE / "README.md").read_text(encoding="utf-8")
CONTAINER = json.loads((COURSE / ".devcontainer/devcontainer.json").read_text(encoding="utf-8"))
WITHOUT_COURSE = "# Not found? Run !git clone ADDRESS, and see README.md: When set-up fails."
MOST_WORDS_ABOVE_THE_COMMANDS = 170


def set_up():
    """The README's first command, without the end that starts JupyterLab."""
    [command] = re.findall(r"^python3 -m venv .*$", README, re.MULTILINE)
    return command.partition(" && .venv/bin/jupyter lab ")[0]


def imports_of(path):
    """The source of a notebook's first code cell."""
    cells = nbformat.read(path, as_version=4).cells
    return next(cell.source for cell in cells if cell.cell_type == "code")


# Codespaces


def test_a_codespace_is_set_up_by_the_command_of_the_readme():
    assert CONTAINER["postCreateCommand"] == set_up()
    assert "-c constraints.txt -e ." in set_up()


def test_a_codespace_has_a_python_that_the_course_runs_on():
    name, _, version = CONTAINER["image"].partition(":")
    project = tomllib.loads((COURSE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert name == "python"
    assert SpecifierSet(project["requires-python"]).contains(version)


def test_a_codespace_opens_notebooks_with_the_environment_of_the_course():
    editor = CONTAINER["customizations"]["vscode"]
    assert "ms-toolsai.jupyter" in editor["extensions"]
    interpreter = editor["settings"]["python.defaultInterpreterPath"]
    assert interpreter.endswith("/.venv/bin/python")


# A notebook alone


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_says_above_its_first_import_of_ours_what_to_run(path):
    """Python shows the two lines above the one that fails, so a reader sees it in the error."""
    lines = imports_of(path).splitlines()
    ours = [number for number, line in enumerate(lines) if line.startswith("from helpers")]
    assert lines[ours[0] - 1] == WITHOUT_COURSE, f"put this above {lines[ours[0]]!r}"
    assert lines.count(WITHOUT_COURSE) == 1


def test_a_notebook_alone_shows_that_line_in_its_error(tmp_path):
    source = imports_of(NOTEBOOKS[0])
    program = (
        "import sys\n"
        "sys.modules['helpers'] = None  # as where the course is not installed\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell()\n"
        "shell.colors = 'nocolor'\n"
        f"shell.run_cell({source!r})\n"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert "ModuleNotFoundError" in done.stdout
    assert WITHOUT_COURSE in done.stdout


def test_the_readme_has_the_rows_that_the_line_speaks_of():
    table = README.partition("## When set-up fails")[2].partition("\n## ")[0]
    assert "| `No module named 'helpers'` in a notebook |" in table
    rows = [line.split("|") for line in table.splitlines() if line.startswith("| ")]
    [cure] = [cells[3] for cells in rows if "Colab" in cells[1]]
    assert "`!git clone -q ADDRESS course`" in cure


def test_the_lines_for_colab_find_the_helpers(tmp_path):
    """All lines of the README's row but the clone, in a folder that holds a course."""
    (tmp_path / "course" / "notebooks").mkdir(parents=True)
    helpers = tmp_path / "course" / "helpers"
    helpers.mkdir()
    (helpers / "__init__.py").write_text("FOUND = 24\n", encoding="utf-8")
    [row] = [line for line in README.splitlines() if "!git clone -q ADDRESS course" in line]
    clone, *others = re.findall(r"`([^`]+)`", row.split("|")[3])
    assert clone == "!git clone -q ADDRESS course"
    cell = "\n".join([*others, "from helpers import FOUND", "print(FOUND)"])
    program = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        f"InteractiveShell().run_cell({cell!r}).raise_error()\n"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout.split()[-1] == "24"


# The README's first screen


def test_the_readme_begins_with_what_it_is_a_picture_the_commands_and_the_path():
    first = ["# ", "A course", '<img src="notebooks/', "python3 -m venv", ".venv/bin/pytest\n"]
    places = [README.index(text) for text in [*first, "## The path", "## When set-up fails"]]
    assert places == sorted(places)
    above = README[: README.index(".venv/bin/pytest\n")]
    assert len(re.sub("<img[^>]*>", "", above).split()) <= MOST_WORDS_ABOVE_THE_COMMANDS


def test_pictures_of_the_readme_are_there_and_have_words():
    pictures = re.findall(r'<img src="([^"]+)" width="\d+" alt="([^"]+)">', README)
    assert len(pictures) == README.count("<img") > 0
    for source, words in pictures:
        assert (COURSE / source).is_file()
        assert len(words.split()) > 5
