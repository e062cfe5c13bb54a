"""helpers.lab.kills: a program of functions, killed after so many lines, and the pictures of it."""

import pytest

# The first two processes would go on without a kill, the third one ends.
COUNTING = """
def count(folder):
    from pathlib import Path
    number = len(list(Path(folder).iterdir()))
    Path(folder, f"process_{number}").touch()
    for line in [[1, 2, 3, 4], [3, 4], [3, 4, 5, 6]][number]:
        print(line)
"""


@pytest.fixture
def kills(module, plt):
    return module("helpers.lab.kills")


@pytest.fixture
def count(tmp_path, module):
    """A function in a file of its own, which is killed twice and counts to six."""
    path = tmp_path / "counting.py"
    path.write_text(COUNTING, encoding="utf-8")
    names = {}
    exec(compile(COUNTING, str(path), "exec"), names)
    return names["count"]


def test_a_program_goes_on_where_it_was_killed_and_the_last_process_ends(kills, count, tmp_path):
    script = kills.write_program(tmp_path / "count.py", count)
    folder = tmp_path / "started"
    folder.mkdir()
    processes = list(kills.kill_and_go_on(script, folder, [3, 1]))
    assert processes == [["1", "2", "3"], ["3"], ["3", "4", "5", "6"]]


def test_a_program_waits_for_its_kill_after_so_many_lines(kills, count, tmp_path):
    script = kills.write_program(tmp_path / "count.py", count)
    folder = tmp_path / "started"
    folder.mkdir()
    processes = kills.kill_and_go_on(script, folder, [2])
    assert next(processes) == ["1", "2"]
    assert next(processes) == ["3", "4"], "the last process waits for nobody"


def test_a_program_that_fails_says_so(kills, count, tmp_path):
    script = kills.write_program(tmp_path / "count.py", count)
    with pytest.raises(RuntimeError, match=r"count\.py ended with exit code 1"):
        list(kills.kill_and_go_on(script, tmp_path / "missing", []))


def test_a_program_holds_its_parts_above_the_function_that_it_calls(kills, tmp_path):
    script = kills.write_program(tmp_path / "a.py", kills.read_numbers, [kills.draw_kills])
    text = script.read_text(encoding="utf-8")
    assert text.index("def draw_kills") < text.index("def read_numbers")
    assert text.endswith("\n\n\nread_numbers(*sys.argv[1:])\n")
    compile(text, "a.py", "exec")


@pytest.mark.parametrize(
    ("processes", "fault"),
    [
        ([["1", "2"], ["2", "3"]], None),
        ([["1", "2"], ["1", "2", "3"]], "the processes begin with 1, 1"),
        ([["1", "2"], []], "the processes begin with 1, nothing"),
        ([["1", "2"], ["2", "4"]], "without kills it does not print '4'"),
        ([["1", "2"], ["2"]], "it ends with '2'"),
        ([["1", "2"], ["3"]], "the processes begin with 1, 3"),
    ],
)
def test_find_fault_compares_with_a_process_that_nobody_kills(kills, processes, fault):
    assert kills.find_fault(processes, ["1", "2", "3"], begins=[1, 2]) == fault


def test_read_numbers_leaves_out_iterators_and_nothing_else(kills, tf, tmp_path):
    iterator = iter(tf.data.Dataset.range(3))
    checkpoint = tf.train.Checkpoint(number=tf.Variable(7.0), iterator=iterator)
    checkpoint.save(tmp_path / "saved")
    found = kills.read_numbers(tmp_path)
    assert [key.split("/")[0] for key in sorted(found)] == [
        "_CHECKPOINTABLE_OBJECT_GRAPH",
        "number",
        "save_counter",
    ]
    assert found["number/.ATTRIBUTES/VARIABLE_VALUE"] == 7.0


def test_find_unsaved_reads_the_newest_checkpoint(kills, tf, tmp_path):
    assert kills.find_unsaved(tmp_path, "seven", 7.0) == "no checkpoint is in the folder"
    number = tf.Variable(7.0)
    checkpoint = tf.train.Checkpoint(number=number)
    checkpoint.save(tmp_path / "saved")
    assert kills.find_unsaved(tmp_path, "seven", number.numpy()) is None
    number.assign(8.0)
    checkpoint.save(tmp_path / "saved")
    fault = kills.find_unsaved(tmp_path, "seven", tf.constant(7.0).numpy())
    assert fault == "the newest checkpoint does not hold seven"


def bars_of(axes, colour):
    """The row and both ends of each bar of a colour that has a width."""
    from matplotlib.colors import same_color

    bars = [bar for bar in axes.patches if same_color(bar.get_facecolor(), colour)]
    rows = [round(bar.get_y() + bar.get_height() / 2) for bar in bars]
    ends = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in bars]
    return [(row, *pair) for row, pair in zip(rows, ends, strict=True) if pair[0] < pair[1]]


def test_draw_kills_has_light_steps_ticks_at_saves_and_a_cross_at_each_kill(kills, plt, module):
    draw = module("helpers.draw")
    kills.draw_kills([[1, 2, 3], [3, 4], [3], [3, 4, 5, 6]], save_every=2)
    axes = plt.gca()
    assert bars_of(axes, draw.MATCHED) == [(1, 0, 3), (2, 3, 4), (4, 4, 6)]
    assert bars_of(axes, kills.AGAIN) == [(2, 2, 3), (3, 2, 3), (4, 2, 4)]
    saves, crosses = [list(zip(*line.get_data(), strict=True)) for line in axes.lines]
    assert saves == [(2, 1), (4, 2), (4, 4), (6, 4)]
    assert crosses == [(3, 1), (4, 2), (3, 3)]
    words = {text.get_text() for text in axes.get_legend().get_texts()}
    assert words == {"save", "kill", "a step", "a step that is done again"}
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("step", "process")


def test_the_rows_of_draw_kills_can_stand_for_something_else(kills, plt):
    kills.draw_kills([[1], [2]], save_every=2, row="start")
    assert plt.gca().get_ylabel() == "start"


def test_draw_differences_is_blue_only_where_all_is_the_same(kills, plt, module):
    draw = module("helpers.draw")
    expected = {3: 1.0, 4: 0.5}
    cases = {"same": {**expected, 1: 9.0}, "other": {3: 1.0, 4: 0.75}}
    kills.draw_differences(expected, cases)
    panels = plt.gcf().axes
    assert [axes.get_title() for axes in panels] == ["same", "other", "", ""]
    lines = [axes.lines[-1] for axes in panels[:2]]
    assert [line.get_color() for line in lines] == [draw.MATCHED, draw.BROKEN]
    assert [list(line.get_ydata()) for line in lines] == [[0, 0], [0, 0.25]]
    assert list(lines[0].get_xdata()) == [3, 4]
