"""Each kind of fault changes what it says, and nothing else; a copy is as it was afterwards."""

import base64
import io
import os
import subprocess
import time
from pathlib import Path

from tests.faults import __main__ as command
from tests.faults import code, fault, house, judge, player, sources, stored, warm
from tests.gate import figure_facts, outputs, pictures
from tests.processes import is_running

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

COURSE = Path(__file__).parent.parent
PATH = "notebooks/01_made.ipynb"
# Without plugins, which take seconds to import.
QUICK = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}

# Changes of code


def changes(change, source):
    return {what: text for what, text in change(source)}


def test_each_statement_is_left_out_wherever_it_stands():
    source = (
        'def f(x):\n    """Say."""\n    y = x; y += 1\n    return y\n\n\nfor x in [1]:\n    f(x)\n'
    )
    assert changes(code.without_each_statement, source) == {
        "without `y = x`": source.replace("y = x", "pass"),
        "without `y += 1`": source.replace("y += 1", "pass"),
        "without `return y`": source.replace("return y", "pass"),
        "without `f(x)`": source.replace("    f(x)", "    pass"),
    }


def test_a_statement_of_several_lines_is_left_out_whole_even_after_other_letters():
    source = "name = 'é'\ncall(\n    1,\n    2,\n)\nprint(name)\n"
    found = changes(code.without_each_statement, source)
    assert found["without `call(`"] == "name = 'é'\npass\nprint(name)\n"


def test_the_last_call_of_a_chain_is_cut_off():
    source = "checkpoint.restore(path).assert_consumed()\nf(x)\n"
    assert changes(code.without_each_last_call, source) == {
        "without `.assert_consumed()` in `checkpoint.restore(path).assert_consumed()`": (
            "checkpoint.restore(path)\nf(x)\n"
        )
    }


@pytest.mark.parametrize(
    ("source", "changed"),
    [
        ("x = 2", "x = 3"),
        ("x = -1", "x = -2"),
        ("x = 100", "x = 200"),
        ("x = 0.5", "x = 1.0"),
        ("x = 0.0", "x = 0.5"),
        ("x = 1e-3", "x = 0.002"),
    ],
)
def test_each_number_becomes_another_one(source, changed):
    assert list(changes(code.with_each_number_changed, source).values()) == [changed]


def test_what_is_no_number_of_the_code_stays():
    assert changes(code.with_each_number_changed, "x = True\ny = f'{z:.2f} 7'\n") == {}


@pytest.mark.parametrize(
    ("source", "changed"),
    [
        ("a == b", "a != b"),
        ("a != b", "a == b"),
        ("a < b", "a <= b"),
        ("a >= b", "a > b"),
        ("a in b", "a not in b"),
        ("a is not b", "a is b"),
        ("a and b", "a or b"),
        ("a or b", "a and b"),
        ("not a", "bool(a)"),
        ("f(True)", "f(False)"),
    ],
)
def test_each_operator_becomes_another_one(source, changed):
    assert list(changes(code.with_each_operator_changed, source).values()) == [changed]


def test_every_public_function_lies_and_a_generator_stays_one():
    source = (
        "def same(x) -> bool:\n    '''Say.'''\n    return x\n\n\n"
        "def numbers():\n    yield 1\n\n\ndef _hidden():\n    return 1\n"
    )
    found = changes(code.with_each_public_function_lying, source)
    assert set(found) == {"same returns True", "same returns False", "numbers returns None"}
    for what, expected in [("same returns True", True), ("same returns False", False)]:
        names = {}
        exec(found[what], names)
        assert names["same"](3) is expected
    names = {}
    exec(found["numbers returns None"], names)
    assert list(names["numbers"]()) == []


def test_a_check_accepts_what_each_of_its_conditions_refuses():
    source = (
        "def check_tweak(value):\n"
        "    if value is ...:\n        return print('not answered yet')\n"
        "    if value < 3 or value > 4:\n        return print('not yet: too far')\n"
        "    print('right')\n"
    )
    found = changes(code.accepting_anything, source)
    assert set(found) == {
        "check_tweak returns None",
        "check_tweak accepts what `value is ...` refuses",
        "check_tweak accepts what `value < 3` refuses",
        "check_tweak accepts what `value > 4` refuses",
    }
    weak = found["check_tweak accepts what `value > 4` refuses"]
    assert weak == source.replace("value > 4", "False")


@pytest.mark.parametrize("path", ["helpers/runs.py", "tests/store.py", "tests/faults/code.py"])
def test_every_change_of_a_real_file_is_python_and_another_text(path):
    source = (COURSE / path).read_text(encoding="utf-8")
    planted = [*sources.plant_lies(path, source), *sources.plant_mutations(path, source)]
    assert len(planted) > 20
    for one in planted:
        changed = one.edit(source)
        assert changed != source, one.what
        compile(changed, path, "exec")


# Changes of a notebook


def picture(colour):
    pixels = np.full((60, 60, 3), 255, dtype=np.uint8)
    pixels[10:50, 10:50] = colour
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png")
    line = {"kind": "line", "style": "- None", "points": 2, "x": "0 1"}
    series = [
        {**line, "label": "a", "colours": "#0072b2", "y": "1 2"},
        {**line, "label": "b", "colours": "#d55e00", "y": "2 3"},
    ]
    legend = ["#0072b2 a", "#d55e00 b"]
    axes = {"texts": ["epoch"], "text_colours": "#000000", "legend": legend, "series": series}
    return new_output(
        "display_data",
        {"image/png": base64.b64encode(file.getvalue()).decode(), "text/plain": "<Figure>"},
        metadata={
            figure_facts.KEY: {"texts": [], "legend": [], "axes": [axes]},
            "image/png": {"alt": "A square."},
        },
    )


@pytest.fixture
def notebook():
    cells = [
        new_markdown_cell("# A title\n\nIt takes 24 steps."),
        new_code_cell("x = 1\nprint(f'{x} of 24')", execution_count=1),
        new_code_cell("plot(x)", execution_count=2, metadata={"tags": ["chart-varies"]}),
        new_markdown_cell("*A square.*"),
        new_markdown_cell("## Your turn"),
        new_code_cell("# Solution\nx", execution_count=3),
    ]
    cells[1].outputs = [new_output("stream", text="1 of 24\n")]
    cells[2].outputs = [picture((0, 114, 178))]
    cells[5].outputs = [new_output("execute_result", {"text/plain": "7"}, execution_count=3)]
    cells[5].metadata = nbformat.from_dict(
        {"tags": ["solution"], "jupyter": {"source_hidden": True, "outputs_hidden": True}}
    )
    metadata = {"language_info": {"name": "python"}}
    return new_notebook(cells=cells, metadata=metadata)


def planted(plant, notebook):
    """What is planted, and the notebook that each fault gives."""
    text = nbformat.writes(notebook) + "\n"
    found = {}
    for one in fault.number_equal_ones(plant(PATH, notebook)):
        changed = one.edit(text)
        assert changed != text, one.what
        found[one.what] = nbformat.reads(changed, as_version=4)
    return found


def test_each_text_loses_a_character_gains_a_line_and_is_deleted(notebook):
    found = planted(stored.plant_texts, notebook)
    assert list(found) == [
        "a character of the output of `x = 1`",
        "a line more in the output of `x = 1`",
        "no output of `x = 1`",
        "a character of the output of `x`",
        "a line more in the output of `x`",
        "no output of `x`",
    ]
    texts = [changed.cells[1].outputs for changed in found.values()]
    assert texts[0][0].text in ("6 of 24\n", "1 of 74\n")
    assert texts[1][0].text == "1 of 24\nand one line more\n"
    assert texts[2] == []
    assert found["a character of the output of `x`"].cells[5].outputs[0].data["text/plain"] == "2"


def test_what_every_run_changes_is_no_fault():
    sanitize = outputs.read_sanitizer(COURSE / "tests" / "sanitize.cfg")
    text = "../runs/a/2026-11-28_00-00-00/x"
    changed = stored.with_other_character(text, sanitize)
    assert "2026-11-28_00-00-00" in changed
    assert changed != text


def test_each_picture_is_recoloured_painted_and_deleted(notebook):
    found = planted(stored.plant_pictures, notebook)
    before = pictures.decode(notebook.cells[2].outputs[0].data["image/png"])
    name = "the varying picture of `plot(x)`"
    recoloured = found[f"the main colour of {name}"].cells[2].outputs[0]
    after = pictures.decode(recoloured.data["image/png"])
    assert (after[30, 30] == [114, 178, 0]).all()
    assert (after[0, 0] == 255).all()
    painted = found[f"a square of 12 pixels in {name}"].cells[2].outputs[0]
    after = pictures.decode(painted.data["image/png"])
    assert (after != before).any(axis=2).sum() == stored.SQUARE**2
    assert found[f"without {name}"].cells[2].outputs == []


def test_the_facts_of_a_figure_are_changed_one_by_one(notebook):
    found = planted(stored.plant_pictures, notebook)
    facts = {}
    for what, changed in found.items():
        if "facts" in what:
            [output] = changed.cells[2].outputs
            facts[what.split(" of axes 1")[0]] = output.metadata[figure_facts.KEY]["axes"][0]
    colours = [series["colours"] for series in facts["two colours swapped"]["series"]]
    assert colours == ["#d55e00", "#0072b2"]
    assert facts["two labels swapped in the legend"]["legend"] == ["#0072b2 b", "#d55e00 a"]
    assert facts["a moved curve"]["series"][0]["y"] == "1 5"
    assert facts["another text"]["texts"] == ["epochs"]
    assert facts["a text in another colour"]["text_colours"] == "#ff0000"
    assert facts["another style"]["series"][0]["style"] == "- None!"


def test_facts_that_have_nothing_to_change_are_left_alone():
    series = [{"kind": "image", "rows": 1}]
    axes = {"texts": [], "text_colours": "", "legend": ["a title"], "series": series}
    assert list(stored.other_facts({"texts": [], "legend": [], "axes": [axes]})) == []


def test_what_a_clean_run_does_not_store_is_stored(notebook):
    found = planted(stored.plant_properties, notebook)
    code_cells = {what: stored.code_cells(changed) for what, changed in found.items()}
    assert code_cells["a cell without an execution count"][1].execution_count is None
    assert code_cells["stderr in a cell"][0].outputs[-1].name == "stderr"
    assert code_cells["an error in a cell"][0].outputs[-1].output_type == "error"
    assert outputs.is_widget(code_cells["a widget in a cell"][0].outputs[-1])
    assert "widgets" in found["the state of widgets"].metadata
    assert "version" in found["a version of Python"].metadata.language_info
    assert code_cells["not collapsed: `x`"][2].metadata == {"tags": ["solution"]}
    assert code_cells["without the tag solution: `x`"][2].metadata.tags == []
    assert "alt" not in str(code_cells["no alt text: `plot(x)`"][1].outputs[0].metadata)
    assert found["no caption: *A square.*"].cells[3].source == "Here it is."
    assert found["another heading: ## Your turn"].cells[4].source == "## Your turn, again"


def test_statements_numbers_and_prose_of_a_notebook_are_changed(notebook):
    assert [*planted(sources.plant_statements, notebook)] == [
        "without `x = 1`",
        "without `print(f'{x} of 24')`",
        "without `plot(x)`",
        "without `x`",
    ]
    [changed] = planted(sources.plant_constants, notebook).values()
    assert changed.cells[1].source == "x = 2\nprint(f'{x} of 24')"
    [changed] = planted(sources.plant_prose, notebook).values()
    assert changed.cells[0].source == "# A title\n\nIt takes 25 steps."


@pytest.mark.parametrize(
    "text",
    [
        "Step `24` of [12: Look](18_trust.ipynb), [a paper](https://a.org/24)",
        "# The 24 steps",
        "12. The twelfth step of three",
        "TensorFlow 2.21, Python 3.12 and 3.13, in 2015, float32, 7 days",
        "```\n24 steps\n```",
    ],
)
def test_code_links_headings_versions_and_small_numbers_are_not_prose(text):
    assert list(sources.with_each_prose_number_changed(text)) == []


def test_cells_that_are_not_python_are_passed_over(notebook):
    notebook.cells[1].source = "%config InlineBackend.figure_formats = ['jpeg']\nx = 1"
    assert "without `x = 1`" not in planted(sources.plant_statements, notebook)


def test_a_player_puts_out_what_is_stored(notebook, tmp_path):
    from tests import store

    played = nbformat.from_dict(notebook)
    player.replace_code(played, notebook)
    store.run(played, tmp_path / "01_made.ipynb")
    found = [cell.outputs for cell in stored.code_cells(played)]
    expected = [cell.outputs for cell in stored.code_cells(notebook)]
    for new, old in zip(found, expected, strict=True):
        assert outputs.differences(new, old) == []


# Names, choice, acceptance


def made_faults(number):
    return [fault.Fault("text", PATH, "the same", str.upper) for _ in range(number)]


def test_faults_of_the_same_name_are_numbered():
    names = [one.what for one in fault.number_equal_ones(made_faults(3))]
    assert names == ["the same", "the same (2)", "the same (3)"]


def test_the_same_faults_are_chosen_in_every_run():
    faults = fault.number_equal_ones(made_faults(50))
    chosen = fault.choose(faults, 5)
    assert chosen == fault.choose(faults, 5)
    assert len(chosen) == 5
    assert chosen == sorted(chosen, key=faults.index)
    assert fault.choose(faults, 0) == faults


def test_a_survivor_is_accepted_by_kind_place_and_words():
    row = fault.Accepted("text", "01_*", "without `plt.show()[0]` *", "a reason")
    one = fault.Fault("text", PATH, "without `plt.show()[0]` (2)", str.upper)
    assert row.covers(one)
    assert not row.covers(fault.Fault("text", PATH, "without `plt.show()0` (2)", str.upper))
    assert not row.covers(fault.Fault("prose", PATH, one.what, str.upper))
    assert not row.covers(fault.Fault("text", "README.md", one.what, str.upper))


def test_every_accepted_survivor_has_a_kind_a_place_that_is_there_and_a_reason():
    places = {path.stem for path in command.notebooks()} | {"README.md", "pyproject.toml"}
    places |= {command.relative(path) for path in command.modules()}
    places |= {path for path, *_ in house.EDITS}
    for row in fault.read_accepted():
        assert row.kind in command.KINDS
        assert any(fault.matches(place, row.place) for place in places), row.place
        assert len(row.reason.split()) > 2


def test_only_a_survivor_that_is_not_accepted_fails_the_command(capsys):
    one = fault.Fault("text", PATH, "changed", str.upper)
    row = fault.Accepted("text", "01_made", "changed", "it is not seen")
    assert command.report([one], [one], [], []) == 1
    assert "Not noticed by any test:\n    text, 01_made: changed\n" in capsys.readouterr().out
    assert command.report([one], [one], [], [row]) == 0
    assert "text, 01_made: changed (it is not seen)" in capsys.readouterr().out
    assert command.report([one], [], [], [row]) == 0
    assert "need not accept it: 01_made: changed" in capsys.readouterr().out


def test_what_was_not_judged_is_not_counted_as_noticed(capsys):
    faults = fault.number_equal_ones(made_faults(4))
    assert command.report(faults, faults[:1], faults[2:], []) == 1
    printed = capsys.readouterr().out
    assert "Not judged, since its tests fail without a fault: text, 01_made" in printed
    assert printed.splitlines()[-1].split() == ["text", "4", "1", "0", "1", "2"]


def test_the_rules_that_are_weakened_are_those_that_are_there():
    edits = {one.what for one in house.plant_house(COURSE)}
    assert {what for _, what, _, _ in house.EDITS} < edits
    for one in house.plant_house(COURSE):
        text = (COURSE / one.path).read_text(encoding="utf-8")
        assert one.edit(text) != text, one.what


def test_every_file_that_is_changed_has_tests():
    for path in command.modules():
        tests = command.tests_of_module(command.relative(path))
        assert tests, path
        assert all((COURSE / test).exists() for test in tests)


def test_the_command_names_its_faults_without_planting_them(capsys):
    assert command.main(["--list", "--notebook", "01", "--only", "text", "--limit", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("text: 01_") for line in lines)
    assert command.main(["--list", "--notebook", "no_such"]) == 2


# A copy, and runs in it


@pytest.fixture
def bench(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setattr(judge, "OPTIONS", [one for one in judge.OPTIONS if one not in ("-n", "0")])
    course = tmp_path / "course"
    course.mkdir()
    (course / "pyproject.toml").write_text('[project]\nname = "x"\n', encoding="utf-8")
    (course / ".gitignore").write_text("/runs/\n", encoding="utf-8")
    (course / "lines.py").write_text("def lines():\n    return 3\n", encoding="utf-8")
    (course / "test_lines.py").write_text(
        "from lines import lines\n\n\ndef test_lines():\n    assert lines() == 3\n",
        encoding="utf-8",
    )
    (course / "runs").mkdir()
    (course / "runs" / "old.txt").touch()
    subprocess.run(["git", "init", "--quiet"], cwd=course, check=True)
    made = judge.Bench(course)
    yield made
    made.close()


def lie(path, text):
    return next(sources.plant_lies(path, text))


def test_a_fault_is_noticed_in_a_copy_and_taken_out_again(bench):
    before = (bench.course / "lines.py").read_text(encoding="utf-8")
    one = lie("lines.py", before)
    assert bench.run(["test_lines.py"]).code == 0
    assert bench.notices(one, ["test_lines.py"])
    assert (bench.course / "lines.py").read_text(encoding="utf-8") == before
    harmless = fault.Fault("text", "lines.py", "a comment", lambda text: text + "# more\n")
    assert not bench.notices(harmless, ["test_lines.py"])


def test_a_deleted_file_comes_back(bench):
    one = fault.Fault("house", "lines.py", "deleted", lambda _: None)
    with bench.planted(one):
        assert not (bench.course / "lines.py").exists()
    assert (bench.course / "lines.py").exists()


def test_the_copy_has_what_git_has_or_would_add(bench):
    names = {path.name for path in bench.course.iterdir()}
    assert names == {".git", ".gitignore", "lines.py", "pyproject.toml", "test_lines.py"}


def test_a_report_names_the_cells_that_failed():
    lines = "FAILED notebooks/01.ipynb::Cell 3 - x\nERROR notebooks/01.ipynb::Cell 12\n1 failed\n"
    report = judge.Report(1, judge.FAILED.findall(lines))
    assert report.failed_cells == {3, 12}


def test_faults_in_different_cells_are_planted_together():
    faults = [fault.Fault("text", PATH, str(cell), str.upper, cell) for cell in (0, 0, 1, 2, 1)]
    groups = [[one.cell for one in group] for group in judge.in_different_cells(faults)]
    assert groups == [[0, 1, 2], [0, 1]]


# A warm Python


@pytest.fixture(scope="module")
def warm_python(tmp_path_factory):
    if not warm.AVAILABLE:
        pytest.skip("it needs Linux")
    course = tmp_path_factory.mktemp("course")
    (course / "helpers").mkdir()
    (course / "helpers" / "__init__.py").write_text("AGE = 'old'\n", encoding="utf-8")
    with warm.WarmPython(course, dict(os.environ), ["helpers", "pytest"]) as server:
        yield server


def run_warm(warm_python, folder, test):
    (folder / "test_it.py").write_text(test, encoding="utf-8")
    return subprocess.run(
        [warm_python.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(folder),
            "ASKED": "yes",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )


def test_a_warm_python_runs_pytest_as_a_new_one_would(warm_python, tmp_path):
    (tmp_path / "helpers.py").write_text("AGE = 'new'\n", encoding="utf-8")
    done = run_warm(
        warm_python,
        tmp_path,
        "import os, sys, pathlib, helpers\n\n\ndef test_it():\n"
        f"    assert pathlib.Path.cwd() == pathlib.Path({str(tmp_path)!r})\n"
        "    assert os.environ['ASKED'] == 'yes'\n"
        "    assert helpers.AGE == 'new'\n"
        f"    assert sys.executable == {str(warm_python.executable)!r}\n",
    )
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_a_warm_python_tells_that_a_test_has_failed(warm_python, tmp_path):
    done = run_warm(warm_python, tmp_path, "def test_it():\n    assert 1 == 2\n")
    assert done.returncode == 1
    assert "assert 1 == 2" in done.stdout


def test_a_warm_python_does_anything_else_as_the_plain_one(warm_python):
    answer = subprocess.check_output([warm_python.executable, "-c", "import sys; print(sys.path)"])
    assert "site-packages" in answer.decode()


def test_a_killed_warm_python_takes_its_program_with_it(warm_python, tmp_path):
    sign = tmp_path / "pid"
    (tmp_path / "test_it.py").write_text(
        "import os, pathlib, time\n\n\ndef test_it():\n"
        f"    pathlib.Path({str(sign)!r}).write_text(str(os.getpid()))\n    time.sleep(600)\n",
        encoding="utf-8",
    )
    program = subprocess.Popen(
        [warm_python.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"],
        cwd=tmp_path,
        env=QUICK,
        stdout=subprocess.DEVNULL,
    )
    while not (sign.exists() and sign.read_text(encoding="utf-8")):
        assert program.poll() is None
        time.sleep(0.05)
    program.kill()
    program.wait()
    number = int(sign.read_text(encoding="utf-8"))
    while is_running(number):  # pytest has no time limit of its own: a program that stays hangs
        time.sleep(0.05)
