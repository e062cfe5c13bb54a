"""The house rules of the notebooks that are facts: how they were stored, and what they point at."""

import base64
import itertools
import re
from pathlib import Path

import nbformat
import pytest

COURSE = Path(__file__).parent.parent
NOTEBOOKS = sorted((COURSE / "notebooks").glob("*.ipynb"))
README = (COURSE / "README.md").read_text()
EXERCISE = {"solution", "check"}
VARIES = {"picture-varies", "chart-varies"}  # compared loosely: see conftest.py
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
MACHINE = re.compile(r"(?<![\w.…])(?:/(?:home|root|tmp|Users|work|mnt|opt)/|[A-Z]:\\)\w", re.ASCII)

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path, kind=None):
    found = nbformat.read(path, as_version=4).cells
    return [cell for cell in found if kind in (None, cell.cell_type)]


def headings(path):
    text = "\n".join(cell.source for cell in cells(path, "markdown"))
    return re.findall(r"^## (.+)$", text, flags=re.MULTILINE)


@each_notebook
def test_stored_from_one_clean_run(path):
    counts = [cell.execution_count for cell in cells(path, "code")]
    assert counts == list(range(1, len(counts) + 1))


@each_notebook
def test_every_cell_is_compared(path):
    for cell in cells(path, "code"):
        assert set(cell.metadata.get("tags", [])) <= EXERCISE | VARIES
        assert not re.search(r"#\s*(NBVAL|PYTEST)_", cell.source), cell.source


@each_notebook
def test_stored_outputs_hold_no_noise_and_no_errors(path):
    for cell in cells(path, "code"):
        for out in cell.outputs:
            assert out.output_type != "error", cell.source
            assert out.get("name") != "stderr", cell.source


@each_notebook
def test_no_timing_and_no_path_of_a_machine(path):
    for cell in cells(path):
        assert set(cell.metadata) <= {"tags", "jupyter"}, "stored with record_timing?"
    assert not MACHINE.search(path.read_text())


@each_notebook
def test_the_steps_are_the_headings(path):
    steps = re.findall(r"^\d\. (.+)$", cells(path)[1].source, flags=re.MULTILINE)
    done = next(cell.source for cell in cells(path) if cell.source.startswith("## What we did"))
    assert 3 <= len(steps) <= 6
    assert headings(path)[: len(steps) + 1] == [*steps, "What we did"]
    assert len(re.findall(r"^\d\. ", done, flags=re.MULTILINE)) == len(steps)
    assert headings(path)[-2:] == ["Your turn", "Where next"]


@each_notebook
def test_exercises_have_a_collapsed_solution_and_a_check_that_can_fail(path):
    sources = [cell.source for cell in cells(path)]
    start = next(i for i, source in enumerate(sources) if source.startswith("## Your turn"))
    kinds, exercises = [], [cell for cell in cells(path)[start:] if cell.cell_type == "code"]
    for cell in exercises:
        [tag] = set(cell.metadata["tags"]) & EXERCISE
        kinds.append(tag)
        if tag == "solution":
            assert cell.metadata["jupyter"] == {"source_hidden": True, "outputs_hidden": True}
        else:
            assert re.search(r"^\s*(assert|with expect_error)\b", cell.source, re.MULTILINE)
            assert cell.outputs
    assert kinds == ["solution", "check"] * (len(kinds) // 2)
    assert 2 <= len(kinds) // 2 <= 3
    assert not any(EXERCISE & set(cell.metadata.get("tags", [])) for cell in cells(path)[:start])


@each_notebook
def test_only_pictures_are_compared_loosely(path):
    for cell in cells(path, "code"):
        if VARIES & set(cell.metadata.get("tags", [])):
            assert any("image/png" in out.get("data", {}) for out in cell.outputs), cell.source


@each_notebook
def test_every_picture_has_a_caption(path):
    found = cells(path)
    for cell, following in itertools.pairwise(found):
        if any("image/png" in out.get("data", {}) for out in cell.get("outputs", [])):
            assert following.source.startswith("*"), f"no caption after: {cell.source}"


@pytest.mark.parametrize("path", [*NOTEBOOKS, COURSE / "README.md"], ids=lambda path: path.stem)
def test_links_lead_to_files_of_the_course(path):
    text = (
        README
        if path.suffix == ".md"
        else "\n".join(cell.source for cell in cells(path, "markdown"))
    )
    for target in LINK.findall(text):
        assert (path.parent / target).exists(), target


def test_readme_table_is_the_list_of_notebooks():
    rows = re.findall(r"^\| (\d\d) \| \[(.+?)\]\(notebooks/(.+?)\) \|", README, re.MULTILINE)
    titles = [cells(path)[0].source.splitlines()[0].removeprefix("# ") for path in NOTEBOOKS]
    names = [path.name for path in NOTEBOOKS]
    assert rows == [(name[:2], title, name) for title, name in zip(titles, names, strict=True)]


@each_notebook
def test_readme_and_title_agree_on_minutes_and_seconds(path):
    title = cells(path)[0].source
    found = re.search(r"^\*(\d+) minutes to read, (\d+) seconds to run", title, re.MULTILINE)
    minutes, seconds = found.groups()
    assert re.search(rf"notebooks/{path.name}\) \|.*\| {minutes} \| {seconds} \|", README)


def test_readme_picture_is_the_one_that_01_drew():
    outputs = [out for cell in cells(NOTEBOOKS[0], "code") for out in cell.outputs]
    [picture] = [out.data["image/png"] for out in outputs if "image/png" in out.get("data", {})]
    assert base64.b64decode(picture) == (COURSE / "notebooks/images/01_save.png").read_bytes()
