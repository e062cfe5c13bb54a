"""Pictures: what is drawn, and in which colours and words."""

import pytest


@pytest.fixture
def draw(module, plt):
    return module("helpers.draw")


def test_draw_checkpoint_has_a_bar_as_long_as_each_tensor(draw, prefix, plt):
    draw.draw_checkpoint(prefix)
    axes = plt.gca()
    labels = [label.get_text() for label in axes.get_yticklabels()]
    widths = {labels[round(bar.get_y() + 0.4)]: bar.get_width() for bar in axes.patches}
    assert list(widths) == ["object graph", "model/weights", "save_counter"]
    assert widths["model/weights"] == 24
    assert [text.get_text() for text in axes.get_legend().get_texts()][1] == "model: 24 bytes"


def test_draw_sizes_adds_up_each_owner_and_writes_whole_or_small_numbers(draw, plt):
    rows = [("a", "first", 32768), ("b", "second", 0.512), ("a", "third", 4)]
    draw.draw_sizes("What it holds", rows, "kilobytes")
    axes = plt.gca()
    assert [text.get_text() for text in axes.texts] == ["32,768", "4", "0.51"]
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["a: 32,772 kilobytes", "b: 0.51 kilobytes"]
    assert axes.patches[0].get_facecolor() == axes.patches[1].get_facecolor()
    assert axes.get_xlabel() == "kilobytes"


def arrows_of(axes):
    return [text for text in axes.texts if getattr(text, "arrow_patch", None)]


def test_draw_map_draws_an_arrow_only_between_things_that_are_there(draw, plt):
    draw.draw_map(["a", "b", "c"], [["1", "2", "3"], ["4", "5", None]], arrows="<>")
    axes = plt.gca()
    assert len(arrows_of(axes)) == 3
    assert len(axes.patches) == 6
    written = [text.get_text() for text in axes.texts if text.get_text()]
    assert written == ["a", "b", "c", "1", "2", "3", "4", "5"]


def test_draw_map_lets_arrows_point_as_they_are_told(draw, plt):
    draw.draw_map(["a", "b", "c"], [["1", "2", "3"]], arrows="<>")
    to_the_left, to_the_right = arrows_of(plt.gca())
    head, tail = to_the_left.xy, to_the_left.xyann
    assert head[0] < tail[0]
    head, tail = to_the_right.xy, to_the_right.xyann
    assert head[0] > tail[0]


def test_draw_map_dashes_the_box_of_what_is_not_there(draw, plt):
    draw.draw_map(["a", "b"], [["1", None]], arrows=">")
    there, missing = plt.gca().patches
    assert there.get_linestyle() == "solid"
    assert missing.get_linestyle() == "--"
    assert there.get_edgecolor() != missing.get_edgecolor()


@pytest.mark.parametrize(
    ("rows", "arrows", "message"),
    [
        ([["1"]], ">", "2 titles, but 1 texts in a row"),
        ([["1", "2"]], "", "2 titles need 1 arrows, got ''"),
        ([["1", "2"]], ">>", "2 titles need 1 arrows, got '>>'"),
    ],
)
def test_draw_map_refuses_rows_and_arrows_that_do_not_fit(draw, plt, rows, arrows, message):
    with pytest.raises(ValueError, match=message):
        draw.draw_map(["a", "b"], rows, arrows)
    assert plt.get_fignums() == []
