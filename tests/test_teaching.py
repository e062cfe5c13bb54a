"""The teachers' guide: each notebook has its rows, each section exists, each figure is measured."""

import ast
import re
import tomllib
from pathlib import Path

from tests import costs
from tests.gate.rules import COLUMNS, Book

import pytest
import yaml

COURSE = Path(__file__).parent.parent
GUIDE = (COURSE / "TEACHING.md").read_text(encoding="utf-8")
README = (COURSE / "README.md").read_text(encoding="utf-8")
NOTEBOOKS = sorted((COURSE / "notebooks").glob("*.ipynb"))
NUMBERS = [path.stem[:2] for path in NOTEBOOKS]
COSTS = {name[:2]: values for name, values in costs.read().items()}
EIGHT = tomllib.loads((COURSE / "tests" / "hub" / "eight.toml").read_text(encoding="utf-8"))
CONFIG = COURSE / "helpers" / "classroom" / "hub" / "jupyterhub_config.py"

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def section(title):
    """Return the text below a heading of the guide, up to the next one of its level."""
    level = "###" if f"\n### {title}\n" in GUIDE else "##"
    text = GUIDE.split(f"\n{level} {title}\n")[1]
    return re.split(rf"^#{{2,{len(level)}}} ", text, flags=re.MULTILINE)[0]


def rows_of(text):
    """Return the cells of each row of the tables in a text, without their heads."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in rows if not set("".join(row)) <= set("-")]


def rows_by_number(text):
    return {row[0]: row for row in rows_of(text) if re.fullmatch(r"\d\d", row[0])}


ASKED = rows_by_number(section("What to ask, where they stumble, what to draw"))
COSTS_TABLE = rows_by_number(section("Memory, processor and disk"))
README_ROWS = {row[0]: row for row in rows_of(README) if "](notebooks/" in row[1]}


def readme_minutes(text):
    """Add up the README's minutes of notebooks such as ``01, 06 (reading)``."""
    minutes = 0
    for part in text.split(", "):
        number, _, only = part.partition(" ")
        row = README_ROWS[number]
        minutes += int(row[3])
        if not only:
            minutes += int(row[4])
        else:
            assert only == "(reading)"
    return minutes


@each_notebook
def test_each_notebook_has_a_question_a_stumble_and_a_drawing(path):
    _, asked, stumble, drawing = ASKED[path.stem[:2]]
    assert "?" in asked
    assert stumble and drawing


@each_notebook
def test_the_sections_that_the_guide_names_are_in_the_notebook(path):
    headings = Book(path, {}).headings
    named = re.findall(r"\*([^*]+)\*", ASKED[path.stem[:2]][1])
    assert named
    assert [name for name in named if name not in headings] == []


def test_the_longest_line_of_code_that_the_guide_states_is_the_one_that_notebooks_may_have():
    assert re.findall(r"line of code is longer than (\d+) columns", GUIDE) == [str(COLUMNS)]


def test_the_answer_about_the_killed_training_is_what_14_prints():
    [(begins, saved)] = re.findall(r"\((\d+), after the save at (\d+)\)", ASKED["14"][1])
    [path] = [path for path in NOTEBOOKS if path.stem.startswith("14_")]
    stored = path.read_text(encoding="utf-8")
    assert f'"begins at step {begins}\\n"' in stored
    assert f"the last save, which was at step {saved}," in stored


def test_no_row_is_about_a_notebook_that_is_not_there():
    assert list(ASKED) == NUMBERS
    assert list(COSTS_TABLE) == NUMBERS


@each_notebook
def test_the_table_has_the_measured_figures(path):
    measured = COSTS[path.stem[:2]]
    assert COSTS_TABLE[path.stem[:2]][1:] == [
        f"{measured['memory_gb']:.2f}",
        f"{measured['own_gb']:.2f}",
        str(measured["processor_seconds"]),
        f"{measured['disk_mb']:.1f}",
    ]


def test_the_readme_names_the_largest_notebooks_with_the_measured_memory():
    [sentence] = re.findall(r"The largest are (.*?), the processes", README)
    named = dict(re.findall(r"(\d\d) with ([\d.]+)", sentence))
    by_memory = sorted(COSTS, key=lambda number: COSTS[number]["memory_gb"], reverse=True)
    assert len(named) == 3
    assert set(named) == set(by_memory[:3])
    for number, memory in named.items():
        assert float(memory) == COSTS[number]["memory_gb"]


def test_minutes_of_the_plans_are_sums_of_the_readmes():
    plans = rows_of(section("Plans"))[1:]
    assert len(plans) == 8
    for _, notebooks, work, in_all in plans:
        assert int(work) == readme_minutes(notebooks), notebooks
        assert int(in_all) > int(work)


def test_what_eight_learners_took_is_what_was_measured_and_thirty_are_in_proportion():
    text = section("Memory, processor and disk")
    assert f"None of the {EIGHT['learners'] * EIGHT['notebooks']} runs failed" in text
    assert EIGHT["failures"] == 0
    assert f"took {EIGHT['memory_gb']:.1f} GB" in text
    assert f"{EIGHT['own_gb']:.1f} GB of it their own" in text
    assert f"{EIGHT['processor_seconds']} processor seconds" in text
    shared = EIGHT["memory_gb"] - EIGHT["own_gb"]
    thirty = shared + 30 / 8 * EIGHT["own_gb"]
    seconds = 30 / 8 * EIGHT["processor_seconds"]
    assert f"{thirty:.0f} GB and {seconds:.0f} processor seconds" in text
    assert f"{seconds / 4 / 60:.0f} minutes on four cores" in text


def test_advice_on_memory_follows_from_the_figures():
    text = section("Memory, processor and disk")
    [server] = re.findall(r"JupyterLab needs about ([\d.]+) GB more", text)
    lab = float(server)
    first_three = sum(COSTS[number]["own_gb"] for number in ["01", "02", "03"])
    assert f"keep the kernels of 01 to 03 open need {30 * (first_three + lab):.0f} GB" in text
    named = re.findall(r"\d\d", re.findall(r"Let half the room at a time start (.*?)\.", text)[0])
    assert named == [number for number in NUMBERS if COSTS[number]["own_gb"] > 0.7]


def test_limits_for_a_learner_hold_every_notebook_and_agree_everywhere():
    [block] = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    values = yaml.safe_load(block)
    memory = values["singleuser"]["memory"]
    limit, guarantee = (float(memory[name].removesuffix("G")) for name in ("limit", "guarantee"))
    needed = sorted(cost["memory_gb"] + 0.15 for cost in COSTS.values())
    assert limit > needed[-1]
    assert guarantee >= needed[len(needed) // 2]
    assert f'mem_limit = "{memory["limit"]}"' in CONFIG.read_text(encoding="utf-8")
    assert f"limits.memory {memory['limit']}" in GUIDE
    assert f"plan {limit:.0f} GB for each learner" in README
    assert f"timeout {values['cull']['timeout']}" in GUIDE


def file_of(module):
    """Return the file that ``python -m`` runs for a module of the course."""
    path = COURSE.joinpath(*module.split("."))
    return path / "__main__.py" if path.is_dir() else path.with_suffix(".py")


def test_every_command_of_the_course_that_the_guide_gives_exists():
    modules = set(re.findall(r"python -m ((?:helpers|tests)\.[\w.]+)", GUIDE))
    assert modules >= {
        "helpers.classroom.students",
        "helpers.classroom.marks",
        "helpers.classroom.hub.link",
        "tests.costs",
        "tests.hub",
    }
    for name in modules:
        assert file_of(name).is_file(), name


def test_options_that_the_guide_gives_are_the_commands_own():
    for name, rest in re.findall(r"python -m ((?:helpers|tests)[\w.]+)([^`\n]*)", GUIDE):
        tree = ast.parse(file_of(name).read_text(encoding="utf-8"))
        texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
        for option in re.findall(r"--[a-z]+", rest):
            assert option in texts, f"{name} {option}"


def test_links_of_the_guide_lead_somewhere_and_the_readme_leads_to_it():
    assert "](TEACHING.md)" in README
    anchors = {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", README, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)]+)\)", GUIDE):
        path, _, anchor = target.partition("#")
        assert (COURSE / path).is_file(), target
        assert not anchor or anchor in anchors, target


def test_tables_have_as_many_cells_in_each_row():
    for block in re.findall(r"(?:^\|.*\n)+", GUIDE, re.MULTILINE):
        widths = {line.count("|") for line in block.splitlines()}
        assert len(widths) == 1, block.splitlines()[0]


def test_the_pins_are_given_for_the_stick_and_nothing_is_left_of_the_network():
    text = section("Set up a room without thirty downloads")
    [download] = re.findall(r"^\.venv/bin/pip download .*$", text, re.MULTILINE)
    [install] = re.findall(r"^\.venv/bin/pip install .*$", text, re.MULTILINE)
    for command in (download, install):
        assert "-c constraints.txt" in command
    assert "--no-index --find-links wheels" in install
    assert "-d wheels" in download
