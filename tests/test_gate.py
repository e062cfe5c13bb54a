"""The gate: what it lets pass, and what it notices. Each fault here is planted."""

import base64
import copy
import io
import os
import re
import shutil
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

from tests.gate import captions, exercises, figures, litter, numbers, outputs, pictures, settings
from tests.gate.figure_facts import facts_of
from tests.gate.kernels import Kernel
from tests.nested_pytest import run_pytest

import filelock
import numpy as np
import pytest
from nbconvert import HTMLExporter
from nbformat import v4
from PIL import Image

COURSE = Path(__file__).parent.parent


# Numbers that may vary


@pytest.mark.parametrize(
    ("stored", "new"),
    [
        ("accuracy 0.77", "accuracy 0.80"),
        ("77 % right", "79 % right"),
        ("77% right", "75% right"),
        ("loss 1.35 after 3 epochs", "loss 1.50 after 3 epochs"),
        ("2,000 bytes", "2,250 bytes"),
        ("name   score\n-----  -----\nAdam    0.98", "name    score\n------  -----\nAdam     1.01"),
        (" 9 % wrong", "11 % wrong"),
        ("gained -0.01", "gained 0.01"),
        ("[0.12 0.50]", "[0.13 0.49]"),
        ("468 of 500 right", "481 of 500 right"),
        ("18 of 20 right", "19 of 20 right"),
    ],
)
def test_a_number_may_be_as_far_off_as_another_processor_takes_it(stored, new):
    assert numbers.difference(new, stored) is None


@pytest.mark.parametrize(
    ("stored", "new"),
    [
        ("accuracy 0.77", "accuracy 0.81"),
        ("77 % right", "81 % right"),
        ("loss 1.35", "loss 1.60"),
        ("with 0.91, without 0.52", "with 0.52, without 0.91"),
        ("0.77", "0.770"),
        ("0.77", "1"),
        ("77 %", "0.77"),
        ("Adam 0.77", "SGD 0.77"),
        ("0.77 right", "0.77 wrong"),
        ("0.77", "0.77\n0.77"),
        ("0.77", ""),
        ("0.77", "nan"),
        ("float32", "float16"),
        ("ckpt-9", "ckpt-10"),
        ("version 2.20.1", "version 2.21.1"),
        ("1e-07", "1e-08"),
        ("2 models", "3 models"),
        ("difference: 0.000", "difference: 0.001"),
        ("0 of 6 right", "1 of 6 right"),
        ("468 of 500 right", "500 of 500 right"),
    ],
)
def test_another_text_format_or_result_is_noticed(stored, new):
    assert numbers.difference(new, stored) is not None


# Pictures


def picture(kind="PNG", mark=(0, 0, 0), size=64):
    """A grey picture with a mark in it, in base64."""
    pixels = np.full((size, size, 3), 128, np.uint8)
    pixels[:, ::8] = 200
    pixels[8:24, 8:24] = mark
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return base64.b64encode(stream.getvalue()).decode()


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_changed_picture_is_noticed_in_both_formats(kind):
    stored = picture(kind)
    assert pictures.difference(picture(kind), stored) is None
    assert "RMS" in pictures.difference(picture(kind, mark=(60, 0, 0)), stored)
    assert "(32, 32, 3)" in pictures.difference(picture(kind, size=32), stored)


def test_a_picture_that_varies_may_be_noisy_but_not_another_one():
    stored = picture()
    tags = ["picture-varies"]
    assert pictures.difference(picture(mark=(2, 2, 2)), stored, tags) is None
    assert pictures.difference(picture(mark=(250, 0, 0)), stored, tags) is not None


def test_a_picture_of_one_colour_is_like_itself_only():
    one, other = np.zeros(9), np.arange(9.0)
    assert pictures.correlation(one, one) == 1
    assert pictures.correlation(one, other) == 0


# Facts about figures


@pytest.fixture
def chart(plt):
    """Return the facts about a chart of two curves, after a change to it if one is asked for."""

    def draw(change=None, ends=(1.0, 0.2), labels=("with", "without"), title="Loss"):
        figure, axes = plt.subplots()
        for end, label, colour in zip(ends, labels, ["#0072B2", "#D55E00"], strict=True):
            axes.plot(np.linspace(2, end, 40), label=label, color=colour)
        axes.set(title=title, xlabel="step", ylabel="loss")
        axes.set_xticks([0, 20], ["begin", "middle"])
        axes.legend()
        if change:
            change(axes)
        return facts_of(figure)

    return draw


def test_facts_of_a_figure_are_its_texts_colours_and_curves(chart):
    facts = chart()
    assert facts["texts"] == []
    [axes] = facts["axes"]
    assert axes["texts"] == ["Loss", "step", "loss", "begin", "middle"]
    assert axes["legend"] == ["#0072b2 with", "#d55e00 without"]
    first, second = axes["series"]
    assert (first["label"], first["colours"], first["points"]) == ("with", "#0072b2", 40)
    assert first["style"] == "- None"
    assert first["y"] == "1.95 1.82 1.69 1.56 1.44 1.31 1.18 1.05"
    assert second["y"].endswith(" 0.292")


def test_a_chart_whose_curves_moved_a_little_passes(chart):
    moved = chart(ends=(1.1, 0.3))
    assert figures.difference(moved, chart(), ["chart-varies"]) is None
    assert "moved" in figures.difference(moved, chart())
    assert figures.difference(chart(), chart()) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"title": "Accuracy"},
        {"labels": ("without", "with")},
        {"ends": (0.2, 1.0)},
        {"change": lambda axes: axes.lines[0].remove()},
        {"change": lambda axes: axes.lines[0].set_color("black")},
        {"change": lambda axes: axes.lines[0].set_linestyle("--")},
        {"change": lambda axes: axes.lines[0].set_marker("o")},
        {"change": lambda axes: axes.plot([0, 1], [0, 1])},
        {"change": lambda axes: axes.get_legend().remove()},
        {"change": lambda axes: axes.get_legend().get_texts()[0].set_text("today")},
        {"change": lambda axes: axes.get_legend().legend_handles[0].set_color("black")},
        {"change": lambda axes: axes.set(xlabel="epoch")},
        {"change": lambda axes: axes.set_xticks([0, 20], ["middle", "begin"])},
        {"change": lambda axes: axes.text(0, 0, "saved")},
        {"change": lambda axes: axes.title.set_color("#D55E00")},
        {"change": lambda axes: axes.figure.suptitle("Two losses")},
        {"change": lambda axes: axes.figure.add_subplot()},
    ],
)
def test_a_changed_text_colour_or_order_of_a_chart_is_noticed(chart, changed):
    assert figures.difference(chart(**changed), chart(), ["chart-varies"]) is not None


def test_facts_in_an_older_form_ask_for_a_new_store(chart):
    older = chart()
    older["axes"][0]["legend"] = [["with", ["#0072b2"]], ["without", ["#d55e00"]]]
    assert "store the notebook again" in figures.difference(chart(), older)
    older = chart()
    del older["axes"][0]["series"][0]["style"]
    assert "store the notebook again" in figures.difference(chart(), older)
    older = chart()
    del older["axes"][0]["text_colours"]
    assert "store the notebook again" in figures.difference(chart(), older)


def test_guesses_that_vary_have_no_other_colours_than_those_stored(plt):
    def draw(colours):
        figure, panels = plt.subplots(1, 3)
        for axes, colour in zip(panels, colours, strict=True):
            axes.set_title("3", color=colour)
        return facts_of(figure)

    stored = draw(["black", "orange", "black"])
    for colours in (["orange", "black", "black"], ["black", "black", "black"]):
        assert figures.difference(draw(colours), stored, ["picture-varies"]) is None
        assert figures.difference(draw(colours), stored) is not None
    assert figures.difference(draw(["black", "green", "black"]), stored, ["picture-varies"])


def test_another_bar_in_another_colour_is_noticed(plt):
    def draw(colours):
        figure, axes = plt.subplots()
        axes.bar([0, 1, 2], [1, 2, 3], color=colours)
        return facts_of(figure)

    stored = draw(["blue", "blue", "orange"])
    assert figures.difference(draw(["blue", "blue", "orange"]), stored, ["chart-varies"]) is None
    assert (
        figures.difference(draw(["blue", "orange", "blue"]), stored, ["chart-varies"]) is not None
    )
    assert figures.difference(draw("blue"), stored, ["chart-varies"]) is not None


def test_another_mark_for_the_points_of_a_cloud_is_noticed(plt):
    def draw(marker):
        figure, axes = plt.subplots()
        axes.scatter([0, 1], [0, 1], marker=marker)
        return facts_of(figure)

    assert figures.difference(draw("*"), draw("*"), ["chart-varies"]) is None
    assert figures.difference(draw("o"), draw("*"), ["chart-varies"]) is not None


def test_points_in_a_row_have_no_order(plt):
    def draw(trials, row):
        figure, axes = plt.subplots()
        axes.plot(trials, row, "o")
        axes.plot([0, 1], [0, 1])
        return facts_of(figure)

    stored = draw([0.2, 0.8, 0.5], [1, 1, 1])
    assert figures.difference(draw([0.8, 0.5, 0.2], [1, 1, 1]), stored) is None
    assert "moved" in figures.difference(draw([0.8, 0.8, 0.2], [1, 1, 1]), stored, ["chart-varies"])
    stored = draw([0.2, 0.8, 0.5], [1, 2, 2])
    assert "moved" in figures.difference(draw([0.8, 0.5, 0.2], [1, 2, 2]), stored, ["chart-varies"])


def test_bars_and_points_that_changed_places_are_noticed(plt):
    def draw(heights, cloud):
        figure, (left, right) = plt.subplots(1, 2)
        left.bar(["float", "int8"], heights)
        right.scatter(np.arange(20)[::-1], cloud)
        return facts_of(figure)

    rising = np.arange(20.0)
    stored = draw([3, 1], rising)
    assert stored["axes"][0]["texts"] == ["float", "int8"]
    assert figures.difference(draw([3.1, 1.1], rising), stored, ["chart-varies"]) is None
    assert "moved" in figures.difference(draw([1, 3], rising), stored, ["chart-varies"])
    assert "moved" in figures.difference(draw([3, 1], rising * 2), stored, ["chart-varies"])


def test_numbers_in_a_charts_texts_vary_by_the_same_tag_as_printed_ones(chart):
    new, stored = chart(title="77 % right"), chart(title="78 % right")
    assert figures.difference(new, stored, ["chart-varies"]) is not None
    assert figures.difference(new, stored, ["chart-varies", "number-varies"]) is None


def test_of_guesses_above_pictures_a_few_may_change(plt):
    def draw(titles):
        figure, axes = plt.subplots()
        axes.imshow(np.zeros((4, 4)))
        for title in titles:
            axes.text(0, 0, title)
        return facts_of(figure)

    stored = draw("ABCDEFGH")
    tags = ["picture-varies"]
    assert figures.difference(draw("ABCDEFGX"), stored, tags) is None
    assert figures.difference(draw("ABCDEFGX"), stored) is not None
    assert figures.difference(draw("ABCDEXXX"), stored, tags) is not None
    assert figures.difference(draw("ABCDEFG"), stored, tags) is not None


# Outputs of a cell


def stream(text, name="stdout"):
    return v4.new_output("stream", name=name, text=text)


def display(metadata=None, **data):
    """An output of display(); ``text_html="…"`` stands for the MIME type text/html."""
    kinds = {name.replace("_", "/", 1): content for name, content in data.items()}
    return v4.new_output("display_data", data=kinds, metadata=metadata or {})


STORED = [stream("24\n"), display(text_plain="table", text_html="<b>24</b>")]


def test_equal_outputs_pass_however_a_stream_was_cut():
    cut = [stream("2"), STORED[1], stream("4\n")]
    assert outputs.differences(STORED, STORED) == []
    assert outputs.differences(cut, STORED) == []


@pytest.mark.parametrize(
    "stray",
    [
        stream("noise"),
        stream("noise", name="stderr"),
        display(text_html="<b>"),
        display(text_latex="$x$"),
        display(text_markdown="**x**"),
        display(**{"image_svg+xml": "<svg/>"}),
        display(application_json={"a": 1}),
        display(application_javascript="alert()"),
        display(application_x="?"),
        display(image_png=picture()),
        display(image_jpeg=picture("JPEG")),
        display(),
        v4.new_output("execute_result", data={"text/plain": "24"}),
        v4.new_output("error", ename="ValueError", evalue="no", traceback=[]),
    ],
)
def test_a_stray_or_missing_output_of_any_type_is_noticed(stray):
    assert outputs.differences([*STORED, stray], STORED)
    assert outputs.differences(STORED, [*STORED, stray])


@pytest.mark.parametrize(
    ("new", "stored"),
    [
        (stream("25\n"), stream("24\n")),
        (stream("24"), stream("24\n")),
        (display(text_html="<i>"), display(text_html="<b>")),
        (display(text_latex="$x$"), display(text_latex="$y$")),
        (display(text_markdown="x"), display(text_markdown="y")),
        (display(application_json={"a": 1}), display(application_json={"a": 2})),
        (display(text_plain="x"), v4.new_output("execute_result", data={"text/plain": "x"})),
        (display(text_plain="x", text_html="x"), display(text_plain="x")),
        (display(image_jpeg=picture("JPEG", (99, 0, 0))), display(image_jpeg=picture("JPEG"))),
        (display(image_png=picture()), display(image_jpeg=picture("JPEG"))),
        (
            v4.new_output("error", ename="ValueError", evalue="no"),
            v4.new_output("error", ename="ValueError", evalue="yes"),
        ),
        (
            display({"image/png": {"width": 300, "alt": "a dog"}}, image_png=picture()),
            display({"image/png": {"width": 200, "alt": "a dog"}}, image_png=picture()),
        ),
    ],
)
def test_a_changed_output_is_noticed(new, stored):
    assert outputs.differences([new], [stored])


def test_a_run_knows_no_alt_text_and_is_not_asked_for_one():
    new = display({"image/png": {"width": 300}, "isolated": True}, image_png=picture())
    stored = copy.deepcopy(new)
    stored.metadata["image/png"]["alt"] = "a dog"
    assert outputs.differences([new], [stored]) == []
    assert outputs.differences([display(image_png=picture())], [stored])
    del stored.metadata["isolated"], stored.metadata["image/png"]["width"]
    assert outputs.differences([display(image_png=picture())], [stored]) == []


@pytest.mark.parametrize(
    ("source", "caption"),
    [
        ("*It learns.*", "It learns."),
        ("*It learns\nand forgets.*\n\nMore *text*.", "It learns and forgets."),
        ("*A `.keras` file.* Photo: [Ada](https://example.org/*).", "A .keras file."),
        ("*As in [01](01_save.ipynb), 3 * 4 is 12.*", "As in 01, 3 * 4 is 12."),
        ("**Bug hunt.** No picture.", ""),
        ("It *learns*.", ""),
        ("", ""),
    ],
)
def test_a_caption_is_read_as_plain_text(source, caption):
    assert captions.caption_of(v4.new_markdown_cell(source)) == caption
    assert captions.caption_of(v4.new_code_cell(source)) == ""


def images_in(page):
    """The attributes of each picture in a page."""
    found = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attributes):
            if tag == "img":
                found.append(dict(attributes))

    Reader().feed(page)
    return found


def test_a_static_page_tells_what_a_picture_shows(caplog):
    shown = display({"image/jpeg": {"width": 300}}, image_jpeg=picture("JPEG"))
    cells = [
        v4.new_code_cell("plot()", outputs=[shown, display(image_png=picture())]),
        v4.new_markdown_cell('*It learns "more" from `a` & b.*'),
    ]
    captions.store_alt_texts(cells)
    page, _ = HTMLExporter(template_name="classic").from_notebook_node(v4.new_notebook(cells=cells))
    images = images_in(page)
    assert [image["alt"] for image in images] == ['It learns "more" from a & b.'] * 2
    assert images[0]["width"] == "300"
    assert "Alternative text is missing" not in caplog.text


def test_a_picture_without_a_caption_loses_an_old_alt_text():
    shown = display({"image/png": {"alt": "a dog"}}, image_png=picture())
    captions.store_alt_texts([v4.new_code_cell("plot()", outputs=[shown])])
    assert shown.metadata == {}


def test_the_order_of_displayed_things_is_compared():
    one, other = display(text_plain="x"), display(text_plain="y")
    assert outputs.differences([one, other], [other, one])


def test_a_progress_bar_is_not_compared():
    bar = display(
        text_plain="0%", **{"application_vnd.jupyter.widget-view+json": {"model_id": "1"}}
    )
    assert outputs.is_widget(bar)
    assert outputs.differences([bar, *STORED], STORED) == []


def test_only_with_the_tag_may_numbers_vary():
    new, stored = [stream("0.77\n")], [stream("0.78\n")]
    assert outputs.differences(new, stored)
    assert outputs.differences(new, stored, ["number-varies"]) == []


def test_every_kind_of_text_is_sanitized():
    sanitize = outputs.read_sanitizer(COURSE / "tests" / "sanitize.cfg")
    stored = "../runs/01_save/2026-11-23_16-51-26/classic"
    new = "../runs/tests_0a1b2c3d/01_save/2027-01-01_00-00-00_2/classic"
    for make in (stream, lambda text: display(text_html=text)):
        assert outputs.differences([make(new)], [make(stored)], sanitize=sanitize) == []
    other_notebook = stored.replace("01_save", "02_restore")
    assert outputs.differences([stream(other_notebook)], [stream(stored)], sanitize=sanitize)


def test_stored_facts_about_a_figure_are_compared(chart):
    def shown(facts=None):
        return [display({"figure": facts} if facts else {}, image_png=picture())]

    swapped = chart(labels=("without", "with"))
    assert outputs.differences(shown(chart()), shown(chart())) == []
    assert outputs.differences(shown(swapped), shown(chart()))
    assert outputs.differences(shown(), shown(chart()))
    assert outputs.differences(shown(chart()), shown()) == []


# Exercises

ANSWER = exercises.Answer("check_tweak", "7")


@pytest.mark.parametrize("text", ["not yet: 7 is not a prefix\n"])
def test_a_wrong_answer_that_is_refused_in_one_line_is_fine(text):
    assert exercises.fault_of(ANSWER, [stream(text)]) is None


@pytest.mark.parametrize(
    "reaction",
    [
        [stream("right\n")],
        [stream("right: 3\n")],
        [stream("not yet: \n")],
        [stream("not yet: 7\nis not a prefix\n")],
        [stream("not answered yet\n")],
        [stream("not yet: 7", name="stderr")],
        [stream("not yet: 7 is none\n"), stream("warning", name="stderr")],
        [v4.new_output("error", ename="TypeError", evalue="no")],
        [],
    ],
)
def test_a_wrong_answer_that_is_accepted_or_refused_otherwise_is_noticed(reaction):
    assert "check_tweak(7)" in exercises.fault_of(ANSWER, reaction)


def test_a_wrong_answer_that_is_refused_for_another_reason_is_noticed():
    answer = ANSWER._replace(hint="is not a prefix")
    assert exercises.fault_of(answer, [stream("not yet: 7 is not a prefix\n")]) is None
    assert "is not a prefix" in exercises.fault_of(answer, [stream("not yet: TypeError\n")])


def test_a_right_answer_that_is_not_accepted_in_one_line_is_noticed():
    answer = ANSWER._replace(expected=exercises.ACCEPTED)
    assert exercises.fault_of(answer, [stream("right\n")]) is None
    for reaction in [
        [stream("not yet: 7 is not a prefix\n")],
        [stream("not answered yet\n")],
        [stream("right: 3\n")],
        [stream("right\nright\n")],
        [stream("right\n"), stream("warning", name="stderr")],
        [v4.new_output("error", ename="TypeError", evalue="no")],
        [],
    ]:
        assert "not the line 'right'" in exercises.fault_of(answer, reaction)


def test_no_answer_is_not_a_wrong_one():
    none = exercises.Answer("check_tweak", "...", expected=exercises.UNANSWERED)
    assert exercises.fault_of(none, [stream("not answered yet\n")]) is None
    assert exercises.fault_of(none, [stream("not yet: not a prefix\n")])


def exercise_cells(answer="tweaked = ...\ncheck_tweak(tweaked)"):
    """A check, an answer and a solution, as a notebook has them, with a decorator of their own."""
    check = (
        "# Check\n"
        "def check_tweak(value):\n"
        "    if value is ...:\n"
        "        print('not answered yet')\n"
        "    elif value == 3:\n"
        "        print('right')\n"
        "    else:\n"
        "        print(f'not yet: {value!r} is not the number')"
    )
    solution = "# Solution\nsolved = 3\ncheck_tweak(solved)"
    return [
        code(check, tags=["check"]),
        v4.new_markdown_cell("*Tweak*: which number?"),
        code(answer, [stream("not answered yet\n")], ["answer"]),
        code(solution, [stream("right\n")], ["solution"]),
    ]


def code(source, stored=(), tags=()):
    metadata = {"tags": list(tags)} if tags else {}
    return v4.new_code_cell(source, outputs=list(stored), execution_count=1, metadata=metadata)


def test_wrong_answers_are_those_of_the_table_and_some_for_every_check():
    notebook = v4.new_notebook(cells=exercise_cells())
    stated = {"check_tweak": [exercises.Answer("check_tweak", "4")]}
    found = [answer.arguments for answer in exercises.wrong_answers(notebook, stated)]
    assert found == ["...", "None", "'no such answer'", "object()", "4"]


def test_a_check_of_two_values_gets_two():
    cells = exercise_cells("a, b = ..., ...\ncheck_tweak(a, b)")
    notebook = v4.new_notebook(cells=cells)
    calls = [answer.call for answer in exercises.wrong_answers(notebook, {})]
    assert calls[:2] == ["check_tweak(..., ...)", "check_tweak(None, None)"]


def test_the_table_of_wrong_answers_may_give_lines_that_come_before(tmp_path):
    (tmp_path / "01_save.toml").write_text(
        '[[wrong]]\ncheck = "check_tweak"\nanswers = ["4", "5"]\n'
        '[[wrong]]\ncheck = "check_tweak"\nsetup = "x = 6"\nanswers = ["x", "7"]\nhint = "6"\n'
    )
    first, second = exercises.stated_wrong_answers(tmp_path, "01_save")["check_tweak"]
    assert first.source == "check_tweak(4, 5)"
    assert second.source == "x = 6\ncheck_tweak(x, 7)"
    assert [first.hint, second.hint] == ["", "6"]
    assert exercises.stated_wrong_answers(tmp_path, "02_restore") == {}


def test_the_table_may_give_right_answers_too(tmp_path):
    (tmp_path / "01_save.toml").write_text(
        '[[wrong]]\ncheck = "check_tweak"\nanswers = ["4"]\n'
        '[[right]]\ncheck = "check_tweak"\nsetup = "x = 3"\nanswers = ["x"]\n'
    )
    [right] = exercises.stated_right_answers(tmp_path, "01_save")
    assert right.source == "x = 3\ncheck_tweak(x)"
    assert right.expected == "right"
    [wrong] = exercises.stated_wrong_answers(tmp_path, "01_save")["check_tweak"]
    assert wrong.arguments == "4"
    assert exercises.stated_right_answers(tmp_path, "02_restore") == []


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("x = ...\ncheck_twist(x)", "check_twist"),
        ("check_twist(...)\nx = 1", None),
        ("print(check_twist(...))", None),
        ("x = ...", None),
        ("", None),
    ],
)
def test_the_check_of_an_answer_is_its_last_line(source, name):
    call = exercises.final_check(source)
    assert (call.func.id if call else None) == name


# The machine's settings, the runs of a test command, litter


def test_a_kernel_gets_none_of_the_machines_settings():
    alien = ["KERAS_BACKEND", "KERAS_HOME", "MATPLOTLIBRC", "MPLBACKEND"]
    alien += ["TF_CPP_MIN_LOG_LEVEL", "TF_USE_LEGACY_KERAS"]
    assert set(alien) == settings.ALIEN_NAMES
    alien += ["PYTHONWARNINGS", "IPYTHONDIR", "PYTEST_ADDOPTS"]
    kept = ["PATH", "PYTHONPATH", "TF_ENABLE_ONEDNN_OPTS", "COURSE_RUNS"]
    environment = dict.fromkeys([*alien, *kept], "1")
    assert list(settings.clean_environment(environment)) == kept


def test_two_test_commands_at_once_share_no_runs(tmp_path, monkeypatch):
    monkeypatch.delenv("COURSE_RUNS", raising=False)
    one = settings.RunsFolder(tmp_path)
    (one.path / "01_save").mkdir()
    other = settings.RunsFolder(tmp_path)
    assert one.path != other.path
    assert (one.path / "01_save").exists(), "the other command took it for abandoned"
    other.remove()
    one.remove()
    assert list((tmp_path / "runs").iterdir()) == []


def test_runs_of_a_command_that_was_killed_are_deleted_and_others_are_not(tmp_path, monkeypatch):
    monkeypatch.delenv("COURSE_RUNS", raising=False)
    runs = tmp_path / "runs"
    for name in ("tests_0123abcd", "tests_of_mine", "tests_76543210", "01_save"):
        (runs / name).mkdir(parents=True)
    for name in ("tests_0123abcd", "tests_of_mine"):
        (runs / f"{name}.lock").touch()
    settings.RunsFolder(tmp_path).remove()
    left = sorted(path.name for path in runs.iterdir())
    assert left == ["01_save", "tests_76543210", "tests_of_mine", "tests_of_mine.lock"]


def test_runs_of_a_command_that_is_alive_stay(tmp_path):
    folder = tmp_path / "tests_0123abcd"
    folder.mkdir()
    with filelock.FileLock(tmp_path / "tests_0123abcd.lock"):
        settings.remove_abandoned(tmp_path)
    assert folder.exists()


def test_runs_go_elsewhere_if_the_course_cannot_be_written_to(tmp_path, monkeypatch):
    monkeypatch.delenv("COURSE_RUNS", raising=False)
    course = tmp_path / "a file, so nothing can be made in it"
    course.write_text("")
    runs = settings.RunsFolder(course)
    assert runs.path.is_dir()
    runs.remove()
    assert not runs.path.parent.exists()


def test_new_files_are_litter_but_for_those_that_git_ignores(tmp_path):
    (tmp_path / ".gitignore").write_text("/runs/\n/*.egg-info/\n__pycache__/\n")
    ignored = ["runs/x", "a.egg-info/x", "notebooks/__pycache__/x", ".git/x"]
    seen = ["notebooks/model.keras", "notebooks/runs/x", "helpers/a.egg-info/x", ".cache/x"]
    for name in [*ignored, *seen]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert litter.files(tmp_path) == {*seen, ".gitignore"}


# A kernel, and the gate as a whole


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    running = Kernel(tmp_path_factory.mktemp("kernel"))
    yield running
    running.stop()


CHART = """
import matplotlib.pyplot as plt
_, axes = plt.subplots()
axes.plot([1, 2], label="{}", color="black")
axes.legend()
plt.show()
"""


def test_a_kernel_records_the_facts_about_a_figure_without_a_trace(kernel):
    [names] = kernel.run("print([name for name in dir() if not name.startswith('_')])", 600)
    assert set(eval(names.text)) <= {"In", "Out", "exit", "quit", "get_ipython", "open"}
    [stored] = kernel.run(CHART.format("with"), 600)
    assert stored.metadata.figure.axes[0].legend == ["#000000 with"]
    assert list(stored.data) == ["text/plain", "image/png"]
    [new] = kernel.run(CHART.format("with"), 600)
    assert outputs.differences([new], [stored], ["chart-varies"]) == []
    [new] = kernel.run(CHART.format("without"), 600)
    assert outputs.differences([new], [stored], ["chart-varies"])


def test_facts_and_an_alt_text_get_along(kernel):
    register = (
        "get_ipython().display_formatter.mimebundle_formatter.for_type_by_name("
        "'matplotlib.figure', 'Figure', lambda figure: ({}, {'image/png': {'alt': 'a line'}}))"
    )
    kernel.run(register + ";", 600)
    [shown] = kernel.run(CHART.format("with"), 600)
    assert shown.metadata["image/png"] == {"alt": "a line"}
    assert shown.metadata.figure.axes


def test_jpeg_figures_have_facts_too(kernel):
    kernel.run("%config InlineBackend.figure_formats = ['jpeg']", 600)
    [shown] = kernel.run(CHART.format("with"), 600)
    assert "image/jpeg" in shown.data
    assert shown.metadata.figure.axes


# As on a busy machine: the thread that reads the pipes hears each noise a little late.
HEAR_LATE = """
import os, time
read = os.read
def read_late(*arguments):
    found = read(*arguments)
    time.sleep(0.1)
    return found
os.read = read_late
done = os.system("echo first; echo first >&2")
"""


@pytest.mark.skipif(os.name == "nt", reason="ipykernel does not hear what C++ code writes there")
def test_what_is_heard_late_belongs_to_its_cell(kernel):
    kernel.run(HEAR_LATE, 600)
    found = kernel.run("done = os.system('echo noise >&2; echo more')", 600)
    kernel.run("os.read = read", 600)
    heard = {(output.name, output.text) for output in found}
    assert heard == {("stderr", "noise\n"), ("stdout", "more\n")}
    assert kernel.run("done = os.system('true')", 600) == []


def division():
    return v4.new_output("error", ename="ZeroDivisionError", evalue="division by zero")


AS_STORED = [
    code(
        "import os\nprint(os.environ['MPLBACKEND'])",
        [stream("module://matplotlib_inline.backend_inline\n")],
    ),
    code(
        "print('../runs/01_save/2027-01-01_00-00-00')",
        [stream("../runs/01_save/2026-11-23_16-51-26\n")],
    ),
    code("print(0.77)", [stream("0.78\n")], ["number-varies"]),
    code("1 / 0", [division()], ["raises-exception"]),
    *exercise_cells(),
]
FAULTS = {
    "HTML": "from IPython.display import HTML, display\ndisplay(HTML('<b>'))",
    "SVG": "from IPython.display import SVG\nSVG('<svg/>')",
    "latex": "from IPython.display import Latex\nLatex('$x$')",
    "javascript": "from IPython.display import Javascript, display\ndisplay(Javascript('x'))",
    "another number": "print(25)",
    "C++ to stderr": "import os\nprint(24)\nos.system('echo noise >&2')",
    "Python to stderr": "import sys\nprint(24)\nprint('noise', file=sys.stderr)",
    "an error": "print(24)\n1 / 0",
    "nothing": "x = 24",
}
WITH_FAULTS = [
    *[code(source, [stream("24\n")]) for source in FAULTS.values()],
    code("1 + 1;", [division()], ["raises-exception"]),
    code("int('x')", [division()], ["raises-exception"]),
]


def weak_exercise():
    """An exercise whose check accepts None, and raises an error at anything but a number."""
    cells = exercise_cells()
    cells[0].source = cells[0].source.replace("value == 3", "value in [3, None]")
    cells[0].source = cells[0].source.replace("{value!r}", "{value:.2f}")
    return cells


def narrow_exercise():
    """An exercise whose check accepts the solution's spelling of a right answer only."""
    cells = exercise_cells()
    cells[0].source = cells[0].source.replace("value == 3", "repr(value) == '3'")
    return cells


RIGHT = """
[[right]]
check = "check_tweak"
answers = ["3"]
[[right]]
check = "check_tweak"
setup = "three = 3.0"
answers = ["three"]
"""
MADE = {
    "as_stored": AS_STORED,
    "with_faults": WITH_FAULTS,
    "weak_exercise": weak_exercise(),
    "narrow_exercise": narrow_exercise(),
    "kernel_dies": [code("import os\nos._exit(1)")],
    "litter": [code("open('model.keras', 'w').close()")],
}


@pytest.fixture(scope="module")
def made_course(tmp_path_factory):
    """A course of made notebooks, with the gate of this one."""
    course = tmp_path_factory.mktemp("course")
    (course / "tests/wrong_answers").mkdir(parents=True)
    (course / "tests/wrong_answers/narrow_exercise.toml").write_text(RIGHT, encoding="utf-8")
    for name in ["conftest.py", "pyproject.toml", "tests/sanitize.cfg"]:
        shutil.copy(COURSE / name, course / name)
    ignored = "/runs/\n.pytest_cache/\n__pycache__/\n"
    (course / ".gitignore").write_text(ignored, encoding="utf-8")
    for name, cells in MADE.items():
        text = v4.writes(v4.new_notebook(cells=cells))
        (course / f"{name}.ipynb").write_text(text, encoding="utf-8")
    return course


@pytest.fixture(scope="module")
def printed(made_course):
    """What pytest prints about all made notebooks: one run of it, because its start takes long."""
    notebooks = [f"{name}.ipynb" for name in MADE]
    return run_pytest(made_course, "-rA", *notebooks).stdout


def outcomes(printed, name):
    """Count how the cells and answers of a made notebook ended."""
    summary = re.findall(r"^([A-Z]+) (\w+)\.ipynb::", printed, re.MULTILINE)
    return Counter(outcome for outcome, notebook in summary if notebook == name)


def test_the_gate_lets_a_notebook_pass_that_is_as_it_was_stored(printed):
    assert outcomes(printed, "as_stored") == {"PASSED": 11}


def test_the_gate_notices_planted_faults(printed):
    assert outcomes(printed, "with_faults") == {"FAILED": len(WITH_FAULTS)}


def test_the_gate_notices_a_check_that_accepts_or_raises(printed):
    assert outcomes(printed, "weak_exercise") == {"PASSED": 4, "FAILED": 3}
    for line in [
        r"check_tweak\(None\) gives 'right\\n', not one line that starts with 'not yet: '",
        r"check_tweak\('no such answer'\) gives .*ValueError: ",
        r"check_tweak\(object\(\)\) gives .*TypeError: ",
    ]:
        assert re.search(f"^{line}", printed, re.MULTILINE), line


def test_the_gate_notices_a_check_that_refuses_a_right_answer(printed):
    assert outcomes(printed, "narrow_exercise") == {"PASSED": 8, "FAILED": 1}
    line = r"^check_tweak\(three\) gives 'not yet: 3\.0 .*, not the line 'right'"
    assert re.search(line, printed, re.MULTILINE)
    assert "narrow_exercise.ipynb::Right answer 2 to check_tweak" in printed


def test_the_gate_notices_a_kernel_that_dies(printed):
    assert outcomes(printed, "kernel_dies") == {"FAILED": 1}
    assert "the kernel died while it ran this cell" in printed


def test_the_gate_notices_litter(printed):
    assert outcomes(printed, "litter") == {"PASSED": 1, "ERROR": 1}
    line = r"^new files outside runs/ after litter\.ipynb: model\.keras"
    assert re.search(line, printed, re.MULTILINE)


def test_without_assert_no_test_runs(made_course):
    done = run_pytest(made_course, options=["-O"])
    assert re.search(r"Python skips every assert.*unset PYTHONOPTIMIZE", done.stderr)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
