"""Pictures: what is drawn, and in which colours and words."""

import matplotlib.colors
import pytest


@pytest.fixture
def draw(module, plt):
    return module("helpers.draw")


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


def test_draw_branches_leads_from_the_last_box_of_the_row_to_each_end(draw, plt):
    draw.draw_branches(["a", "b", "c"], ["1", "2"], ["3", "4", "5"])
    axes = plt.gca()
    written = [text.get_text() for text in axes.texts if text.get_text()]
    assert written == ["a", "b", "c", "1", "2", "3", "4", "5"]
    along, *to_ends = arrows_of(axes)
    assert along.xy[0] < to_ends[0].xyann[0]
    assert len({arrow.xyann for arrow in to_ends}) == 1
    places = {text.get_text(): text.get_position() for text in axes.texts}
    assert [arrow.xy[1] for arrow in to_ends] == [places[end][1] for end in "345"]
    assert places["1"][1] == places["2"][1] == pytest.approx(places["4"][1])
    assert all(arrow.xy[0] > arrow.xyann[0] for arrow in (along, *to_ends))


def test_draw_branches_refuses_titles_that_do_not_fit(draw, plt):
    with pytest.raises(ValueError, match="2 texts and the ends need a title each, got"):
        draw.draw_branches(["a", "b"], ["1", "2"], ["3"])


def test_draw_bars_has_a_panel_for_each_kind_of_number_and_what_is_wrong_in_orange(draw, plt):
    draw.draw_bars(["a", "b"], {"kilobytes": [343.6, 4], "right": [7, 0]}, wrong=["b"])
    left, right = plt.gcf().axes
    assert [axes.get_title() for axes in (left, right)] == ["kilobytes", "right"]
    assert [text.get_text() for text in left.texts] == ["344", "4"]
    assert [text.get_text() for text in right.texts] == ["7", "0"]
    top, bottom = right.get_ylim()[::-1]
    assert top < bottom
    for axes in (left, right):
        colours = [bar.get_facecolor() for bar in axes.patches]
        expected = [draw.COLOURS[0], draw.COLOURS[5]]
        assert colours == [matplotlib.colors.to_rgba(colour) for colour in expected]


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


def draw_model(draw, tf, prefix, **parts):
    draw.draw_object_graph(tf.train.Checkpoint(**parts), prefix)


def model_of(tf):
    model = tf.Module()
    model.weights = tf.Variable(tf.zeros([2, 3]))
    return model


def colours_of_texts(axes):
    return {text.get_text(): text.get_color() for text in axes.texts if text.get_text()}


def test_an_arrow_joins_each_variable_and_its_key(draw, tf, prefix, plt):
    draw_model(draw, tf, prefix, model=model_of(tf))
    axes = plt.gca()
    colours = colours_of_texts(axes)
    assert colours["weights"] == colours["model/weights"] == draw.MATCHED
    assert colours["model"] == "black"
    heights = {text.get_text(): text.get_position()[1] for text in axes.texts if text.get_text()}
    assert heights["weights"] == heights["model/weights"]
    assert len(arrows_of(axes)) == 2, "for the weights and for the counter"
    assert [line for line in axes.lines if line.get_color() == draw.BROKEN] == []


def test_what_finds_no_partner_is_broken_off_on_both_sides(draw, tf, prefix, plt):
    draw_model(draw, tf, prefix, net=model_of(tf))
    axes = plt.gca()
    colours = colours_of_texts(axes)
    assert colours["weights"] == colours["model/weights"] == draw.BROKEN
    assert colours["save_counter"] == draw.MATCHED
    assert len(arrows_of(axes)) == 1, "for the counter"
    crosses = [line for line in axes.lines if line.get_marker() == "x"]
    assert len(crosses) == 2


def test_more_keys_than_variables_stand_below(draw, tf, prefix, plt):
    draw_model(draw, tf, prefix)
    colours = colours_of_texts(plt.gca())
    assert colours["model/weights"] == draw.BROKEN
    assert colours[draw.GRAPH_ITSELF] == draw.DARK_GREY


def test_a_classic_checkpoint_has_names_and_no_tree(draw, tf, tmp_path, plt):
    prefix = str(tmp_path / "classic")
    tf.raw_ops.SaveV2(
        prefix=prefix, tensor_names=["bias"], shape_and_slices=[""], tensors=[tf.ones([])]
    )
    draw.draw_object_graph({"bias": tf.Variable(0.0), "scale": tf.Variable(0.0)}, prefix)
    texts = [text.get_text() for text in plt.gca().texts if text.get_text()]
    assert sorted(texts[2:]) == ["bias", "bias", "scale"]


def test_steps_without_a_fork_share_a_line_and_a_variable_has_its_own(draw):
    paths = ["model/body/1/kernel", "model/body/1/bias", "model/body/2/kernel", "step"]
    lines = list(draw._tree_lines(draw._as_tree(paths), "", 1))
    assert lines == [
        (1, "model/body", "model/body"),
        (2, "1", "model/body/1"),
        (3, "kernel", "model/body/1/kernel"),
        (3, "bias", "model/body/1/bias"),
        (2, "2", "model/body/2"),
        (3, "kernel", "model/body/2/kernel"),
        (1, "step", "step"),
    ]


def test_a_text_in_brackets_stands_for_a_thing_that_is_not_there(draw, plt):
    draw.draw_map(["a", "b"], [["1", "2"], ["3", "(no file)"]], arrows=">")
    axes = plt.gca()
    assert len(arrows_of(axes)) == 1
    assert [patch.get_linestyle() for patch in axes.patches] == ["solid", "solid", "solid", "--"]
