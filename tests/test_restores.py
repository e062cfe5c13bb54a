"""helpers.lab.restores: pictures of the paths of a restore and of what two judges say."""

import pytest


@pytest.fixture
def restores(module, plt):
    return module("helpers.lab.restores")


def words_in(axes):
    return [text.get_text() for text in axes.texts if text.get_text()]


def test_a_path_that_leads_to_another_variable_is_orange_only_if_it_is_taken(restores, module):
    draw = module("helpers.draw")
    colours = {
        ("a", "a", True): draw.MATCHED,
        ("a", "b", True): draw.BROKEN,
        ("a", "b", False): draw.GREY,
        ("a", "a", False): draw.GREY,
    }
    for (in_file, in_program, is_taken), colour in colours.items():
        assert restores.Path("path", in_file, in_program, is_taken).colour == colour


def test_draw_paths_has_one_box_for_a_variable_and_one_line_for_a_path(restores, plt):
    taken = restores.Path("list/0", "head", "body", is_taken=True)
    dashed = restores.Path("model/body", "body", "body", is_taken=False)
    restores.draw_paths([taken, dashed])
    axes = plt.gca()
    expected = ["in the file", "body", "head", "in the program", "body", "path"]
    assert words_in(axes) == [*expected, "list/0", "model/body"]
    assert len(axes.patches) == 3
    assert [line.get_linestyle() for line in axes.lines] == ["-", "--"]
    ends = [text.xy for text in axes.texts if getattr(text, "arrow_patch", None)]
    assert ends[0] == ends[1], "both lead to the one variable"


def test_draw_verdicts_hatches_the_numbers_that_are_wrong(restores, plt):
    first = restores.Verdict("swapped", "silent", "1 matched, 2 other name", [True, False, False])
    second = restores.Verdict("renamed", "raises", "2 missing", [False])
    restores.draw_verdicts([first, second])
    axes = plt.gca()
    hatches = [square.get_hatch() for square in axes.patches]
    assert hatches == [None, "////", "////", "////"]
    words = words_in(axes)
    assert words[4:] == ["swapped", "silent", first.report, "renamed", "raises", "2 missing"]
    rows = {square.get_y() for square in axes.patches}
    assert len(rows) == 2


def test_a_long_report_takes_two_lines(restores, plt):
    report = "2 matched, 2 other name, 2 missing, 2 unexpected"
    restores.draw_verdicts([restores.Verdict("a", "raises", report, [True])])
    [written] = [word for word in words_in(plt.gca()) if "\n" in word]
    assert written.split() == report.split()
