"""The house rules: a made notebook keeps them all, and each is broken once and noticed."""

import copy

from tests.gate import exercises, rules

import pytest
from nbformat import v4

COLLAPSED = {"source_hidden": True, "outputs_hidden": True}
HIDDEN = {"source_hidden": True}


def code(source, printed="", tags=(), jupyter=None):
    cell = v4.new_code_cell(source)
    if printed:
        cell.outputs = [v4.new_output("stream", name="stdout", text=printed)]
    if tags:
        cell.metadata["tags"] = list(tags)
    if jupyter:
        cell.metadata["jupyter"] = jupyter
    return cell


def chart():
    series = [{"kind": "line", "colours": "#0072b2"}, {"kind": "image", "rows": 4, "columns": 4}]
    axes = {"texts": [], "legend": ["#d55e00 with"], "series": series}
    facts = {"texts": [], "legend": [], "axes": [axes]}
    cell = code("plt.show()", tags=["chart-varies"])
    data = {"image/png": "a picture", "text/plain": "<Figure>"}
    metadata = {"figure": facts, "image/png": {"alt": "It learns."}}
    cell.outputs = [v4.new_output("display_data", data=data, metadata=metadata)]
    return cell


def exercise(name, own):
    solution = f"# Solution\n{own} = 3\n\ncheck_{name}({own})"
    return [
        code(f"# Check\ndef check_{name}(value): ...", "", ["check"], HIDDEN),
        v4.new_markdown_cell(f"**{name.capitalize()}.** Which number is `{name}`?"),
        code(f"{name} = ...\n\ncheck_{name}({name})", "not answered yet\n", ["answer"]),
        code(solution, "right\n", ["solution"], COLLAPSED),
    ]


def made_cells():
    """The cells of a notebook that keeps every rule."""
    return [
        v4.new_markdown_cell(
            "# Save a model\n\nIn this notebook we save.\n\n"
            "*15 minutes to read, 20 for the exercises, 8 seconds to run. It writes to `runs/`.*"
        ),
        v4.new_markdown_cell("Three steps:\n\n1. Save\n2. Look\n3. Restore"),
        code("import keras"),
        v4.new_markdown_cell("## Save\n\nWe save."),
        code("print(accuracy)", "0.77\n", ["number-varies"]),
        v4.new_markdown_cell("## Look\n\nWe look."),
        chart(),
        v4.new_markdown_cell(
            "*It learns.*\n\nBlue and orange, `green`.\n\n```\n## a comment\n```\n\n## Restore"
        ),
        v4.new_markdown_cell("## In practice\n\n- Keep three.\n\n## Your turn"),
        *exercise("tweak", "tweaked"),
        v4.new_markdown_cell("**Bug hunt.** Why does this print 0?"),
        code("print(0)", "0\n"),
        *exercise("bug", "repaired"),
        v4.new_markdown_cell(
            "## What we learned\n\n- One.\n- Two.\n- Three.\n\n## Where next\n\n[02](02.ipynb)"
        ),
    ]


WRONG = {
    check: [exercises.Answer(check, "4"), exercises.Answer(check, "5")]
    for check in ("check_tweak", "check_bug")
}


@pytest.fixture
def book(tmp_path):
    """Store cells as a notebook, after a change if one is asked for, and return it as a `Book`."""

    def store(cells, change=None, wrong_answers=WRONG, name="01_save"):
        notebook = v4.new_notebook(cells=cells)
        notebook.metadata = {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
        }
        notebook = v4.reads(v4.writes(notebook))
        runnable = [cell for cell in notebook.cells if cell.cell_type == "code"]
        for number, cell in enumerate(runnable, start=1):
            cell.execution_count = number
        if change:
            change(notebook)
        path = tmp_path / f"{name}.ipynb"
        path.write_text(v4.writes(notebook), encoding="utf-8")
        return rules.Book(path, copy.deepcopy(wrong_answers))

    return store


def complaints_about(book):
    return {rule.__name__: list(rule(book)) for rule in rules.RULES}


def test_a_notebook_that_keeps_every_rule(book):
    made = book(made_cells())
    assert not any(complaints_about(made).values()), complaints_about(made)


# Each breaks a rule in a notebook. `cell("text")` is the first cell whose source has that text.


class Breaking:
    def __init__(self, notebook):
        self.notebook = notebook

    def cell(self, text):
        return next(cell for cell in self.notebook.cells if text in cell.source)

    def replace(self, old, new):
        cell = self.cell(old)
        cell.source = cell.source.replace(old, new)

    def show(self, text, data):
        self.cell(text).outputs.append(v4.new_output("display_data", data=data))

    def move(self, text, place):
        cell = self.cell(text)
        self.notebook.cells.remove(cell)
        self.notebook.cells.insert(place, cell)


def error():
    return v4.new_output("error", ename="ValueError", evalue="no", traceback=[])


def noise():
    return v4.new_output("stream", name="stderr", text="WARNING")


WIDGET = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "0%"}

BROKEN = [
    ("stored_from_one_clean_run", lambda made: made.cell("print(0)").update(execution_count=None)),
    ("stored_from_one_clean_run", lambda made: made.cell("print(0)").update(execution_count=99)),
    ("every_cell_is_compared", lambda made: made.replace("print(0)", "# NBVAL_SKIP\nprint(0)")),
    (
        "every_cell_is_compared",
        lambda made: made.cell("print(0)").metadata.update(tags=["nbval-ignore-output"]),
    ),
    (
        "no_noise_and_no_errors_but_where_one_is_announced",
        lambda made: made.cell("print(0)").outputs.append(noise()),
    ),
    (
        "no_noise_and_no_errors_but_where_one_is_announced",
        lambda made: made.cell("print(0)").outputs.append(error()),
    ),
    (
        "no_noise_and_no_errors_but_where_one_is_announced",
        lambda made: made.cell("print(0)").metadata.update(tags=["raises-exception"]),
    ),
    (
        "no_timing_and_no_path_of_a_machine",
        lambda made: made.cell("print(0)").metadata.update(
            execution={"iopub.status.busy": "today"}
        ),
    ),
    (
        "no_timing_and_no_path_of_a_machine",
        lambda made: made.replace("print(0)", "print('/home/me/model')"),
    ),
    ("no_widgets_and_no_versions", lambda made: made.show("print(0)", WIDGET)),
    ("no_widgets_and_no_versions", lambda made: made.notebook.metadata.update(widgets={})),
    (
        "no_widgets_and_no_versions",
        lambda made: made.notebook.metadata.language_info.update(version="3.11.7"),
    ),
    (
        "small_enough_to_be_shown_everywhere",
        lambda made: made.show("print(0)", {"text/plain": "x" * 1_000_000}),
    ),
    (
        "only_what_varies_is_compared_loosely",
        lambda made: made.cell("print(0)").metadata.update(tags=["picture-varies"]),
    ),
    (
        "only_what_varies_is_compared_loosely",
        lambda made: made.cell("plt.show").metadata.tags.append("picture-varies"),
    ),
    (
        "only_what_varies_is_compared_loosely",
        lambda made: made.cell("import keras").metadata.update(tags=["number-varies"]),
    ),
    (
        "facts_are_stored_about_figures_that_vary",
        lambda made: made.cell("plt.").outputs[0].metadata.clear(),
    ),
    ("every_picture_has_a_caption", lambda made: made.replace("*It learns.*", "It learns.")),
    (
        "a_notebook_that_is_named_is_linked_too",
        lambda made: made.replace("We look.", "We look, as in [03](03_tricks.ipynb) and in 02."),
    ),
    (
        "every_picture_has_its_caption_as_alt_text",
        lambda made: made.cell("plt.").outputs[0].metadata.pop("image/png"),
    ),
    (
        "every_picture_has_its_caption_as_alt_text",
        lambda made: made.replace("*It learns.*", "*It forgets.*"),
    ),
    (
        "a_text_under_a_picture_names_colours_that_are_in_it",
        lambda made: made.replace("Blue and orange", "Green and orange"),
    ),
    (
        "a_text_under_a_picture_names_colours_that_are_in_it",
        lambda made: made.replace("Blue and orange", "Blue and red"),
    ),
    ("the_title_says_what_it_takes", lambda made: made.replace("# Save a model", "Save a model")),
    ("the_title_says_what_it_takes", lambda made: made.replace("8 seconds", "some seconds")),
    ("the_steps_are_the_headings", lambda made: made.replace("2. Look", "2. See")),
    ("the_steps_are_the_headings", lambda made: made.replace("3. Restore", "")),
    (
        "the_steps_are_the_headings",
        lambda made: made.replace("## What we learned", "## What we did"),
    ),
    ("its_last_sections_are_short", lambda made: made.replace("- Keep three.", "- Keep.\n" * 6)),
    ("its_last_sections_are_short", lambda made: made.replace("- Three.", "")),
    (
        "its_last_sections_are_short",
        lambda made: made.replace(
            "[02](02.ipynb)", "[a](https://a), [b](https://b), [c](https://c)"
        ),
    ),
    ("code_fits_a_projector", lambda made: made.replace("print(0)", f"print(0)  # {'x' * 80}")),
    (
        "code_works_in_a_folder_of_a_class",
        lambda made: made.replace("print(0)", "print('../helpers')"),
    ),
    ("exercise_tags_are_for_exercises", lambda made: made.move("# Solution", 4)),
    (
        "each_exercise_has_a_check_an_answer_and_a_solution",
        lambda made: made.move("# Solution", -1),
    ),
    (
        "each_exercise_has_a_check_an_answer_and_a_solution",
        lambda made: made.notebook.cells.remove(made.cell("# Solution")),
    ),
    (
        "each_exercise_has_a_check_an_answer_and_a_solution",
        lambda made: made.replace("def check_tweak", "def check_twist"),
    ),
    (
        "each_exercise_has_a_check_an_answer_and_a_solution",
        lambda made: made.replace("check_bug(repaired)", "check_tweak(repaired)"),
    ),
    (
        "each_exercise_has_a_check_an_answer_and_a_solution",
        lambda made: made.replace("check_tweak(tweak)", "check_tweak(tweak)\nprint()"),
    ),
    (
        "answers_are_not_given_yet",
        lambda made: made.cell("tweak = ...").outputs[0].update(text="right\n"),
    ),
    ("answers_are_not_given_yet", lambda made: made.cell("tweak = ...").outputs.append(noise())),
    ("answers_are_not_given_yet", lambda made: made.replace("tweak = ...", "tweak = 3")),
    ("solutions_are_right_and_collapsed", lambda made: made.cell("# Solution").outputs.clear()),
    (
        "solutions_are_right_and_collapsed",
        lambda made: made.cell("# Solution").outputs[0].update(text="not yet: 3\n"),
    ),
    (
        "solutions_are_right_and_collapsed",
        lambda made: made.cell("# Solution").metadata.pop("jupyter"),
    ),
    ("solutions_are_right_and_collapsed", lambda made: made.replace("# Solution\n", "")),
    (
        "solutions_use_names_of_their_own",
        lambda made: made.replace("tweaked = 3", "bug = tweaked = 3"),
    ),
    ("checks_give_nothing_away", lambda made: made.cell("# Check").metadata.pop("jupyter")),
    ("checks_give_nothing_away", lambda made: made.replace("# Check\n", "")),
    ("checks_give_nothing_away", lambda made: made.show("# Check", {"text/plain": "3"})),
    (
        "the_text_of_an_exercise_names_its_answers",
        lambda made: made.replace("Which number is `tweak`?", "Which number is `twist`?"),
    ),
    (
        "the_text_of_an_exercise_names_its_answers",
        lambda made: made.replace("`bug`?", "bug?"),
    ),
    ("one_exercise_is_a_bug_hunt", lambda made: made.replace("**Bug hunt.**", "**Twist.**")),
]


@pytest.mark.parametrize(("name", "breaking"), BROKEN)
def test_a_broken_rule_is_noticed(book, name, breaking):
    made = book(made_cells(), lambda notebook: breaking(Breaking(notebook)))
    assert complaints_about(made)[name]


@pytest.mark.parametrize(
    "wrong_answers",
    [
        {},
        {**WRONG, "check_bug": WRONG["check_bug"][:1]},
        {**WRONG, "check_bug": [exercises.Answer("check_bug", "4, 5")] * 2},
        {**WRONG, "check_other": WRONG["check_bug"]},
    ],
)
def test_too_few_or_unsuitable_wrong_answers_are_noticed(book, wrong_answers):
    made = book(made_cells(), wrong_answers=wrong_answers)
    assert complaints_about(made)["every_check_has_wrong_answers_to_refuse"]


def test_every_rule_is_broken_here_once():
    names = {name for name, _ in BROKEN} | {"every_check_has_wrong_answers_to_refuse"}
    assert {rule.__name__ for rule in rules.RULES} == names


def test_a_notebook_of_pictures_may_take_two_megabytes(book):
    def grow(notebook):
        Breaking(notebook).show("print(0)", {"text/plain": "x" * 1_500_000})

    rule = rules.small_enough_to_be_shown_everywhere
    assert list(rule(book(made_cells(), grow)))
    assert not list(rule(book(made_cells(), grow, name="06_style_transfer")))


def test_an_answer_of_two_values_may_be_one_line(book):
    def change(notebook):
        breaking = Breaking(notebook)
        breaking.replace("tweak = ...", "tweak, more = ..., ...")
        breaking.replace("check_tweak(tweak)", "check_tweak(tweak, more)")

    assert not list(rules.answers_are_not_given_yet(book(made_cells(), change)))
