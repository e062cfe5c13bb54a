"""helpers.messages.explain: the right row answers, and where none is right, it says so."""

import re
import tomllib
from pathlib import Path

import nbformat
import pytest

TESTS = Path(__file__).parent
REAL = tomllib.loads((TESTS / "real_messages.toml").read_text(encoding="utf-8"))["message"]
FOREIGN = (TESTS / "foreign_messages.txt").read_text(encoding="utf-8").splitlines()
TABLE = TESTS.parent / "helpers" / "messages" / "messages.toml"
ROWS = tomllib.loads(TABLE.read_text(encoding="utf-8"))["message"]
QUOTED = [(row["name"], row["text"]) for row in ROWS if "text" in row]
QUOTED += [(row["name"], older["text"]) for row in ROWS for older in row.get("older", [])]

MISSING = "ValueError: Can't load save_path when it is None."
UNKNOWN = "RuntimeError: CUDA out of memory."
WARNING = "UserWarning: Skipping variable loading for optimizer 'adam'"
DIRECT = "The above exception was the direct cause of the following exception:"
DURING = "During handling of the above exception, another exception occurred:"


@pytest.fixture(scope="module")
def lab(module):
    return module("helpers.messages.explain")


def traceback_of(message):
    return f'Traceback (most recent call last):\n  File "a.py", line 1, in f\n    f()\n{message}\n'


def name_of(lab, text):
    found = lab.find(text)
    return found.row.name if found else "unknown"


# What people posted


@pytest.mark.parametrize("real", REAL, ids=lambda real: f"{real['source']}-{real['row']}")
def test_a_real_message_is_answered_by_its_row(lab, real):
    assert name_of(lab, real["text"]) == real["row"]


def test_most_of_the_real_messages_are_answered():
    answered = [real for real in REAL if real["row"] != "unknown"]
    assert len(REAL) >= 88
    assert len(answered) >= 0.95 * len(REAL)


@pytest.mark.parametrize("message", FOREIGN)
def test_a_message_of_others_is_not_known(lab, message):
    assert lab.explain(message).startswith("I do not know this message: ")
    assert lab.explain(traceback_of(message)).startswith("I do not know this message: ")


def test_enough_messages_of_others_are_tried():
    assert len(set(FOREIGN)) >= 100


@pytest.mark.parametrize(("name", "text"), QUOTED)
def test_a_quoted_wording_is_found_by_its_row_alone(lab, name, text):
    messages = lab.chain_of(text)
    matching = {row.name for row in lab.rows() for each in messages if row.length_in(each, text)}
    assert matching == {name}


PRINTED = re.compile(r"^\w*(?:Error|Timeout|Warning): .+", re.MULTILINE)
# Lines without an answer: one needs its traceback, one is cut off, and one is an exercise of 22.
NEEDS_MORE = (
    "not enough values to unpack (expected 1, got 0)",
    "Error: Shape mismatch",
    "for export. Got 3 with type <class 'int'>.",
)


def printed_messages():
    """Return the errors that cells of the notebooks print, each with its notebook."""
    found = {}
    for path in sorted((TESTS.parent / "notebooks").glob("*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            for output in cell.get("outputs", []):
                for line in PRINTED.findall(output.get("text", "")):
                    found[line] = path.stem
    return found


def test_what_notebooks_print_as_an_error_is_answered(lab):
    printed = printed_messages()
    assert len(printed) > 25
    for line, notebook in printed.items():
        # 22 lists how messages begin, and test_raised.py asks about the whole of each.
        is_listed = notebook == "22_errors" and ("…" in line or " | " in line)
        if not is_listed and not line.endswith(NEEDS_MORE):
            assert name_of(lab, line) != "unknown", f"{notebook} prints {line}"


# The answer


def test_an_answer_has_the_row_in_four_lines(lab):
    lines = lab.explain(MISSING).splitlines()
    [row] = [row for row in lab.rows() if row.name == "saver-none"]
    assert lines == [
        f"Message: {row.begins}",
        f"Cause:   {row.cause}",
        f"Way out: {row.way_out}",
        "Read on: 01_save.ipynb, Tell a prefix from a file",
    ]


def test_every_answer_has_at_most_five_lines(lab):
    for name, text in QUOTED:
        assert 4 <= len(lab.explain(text).splitlines()) <= 5, name


def test_a_quoted_message_comes_with_its_version(lab):
    quoted = lab.explain("AttributeError: 'str' object has no attribute 'quantization_mode'")
    assert quoted.splitlines()[-1] == "Said by: Keras 3"


@pytest.mark.parametrize("text", ["", "  \n\t"])
def test_no_message_is_said_to_be_none(lab, text):
    assert lab.explain(text) == "There is no message: paste one, or a whole traceback."


@pytest.mark.parametrize("value", [None, 3, b"ValueError", ValueError("x")])
def test_what_is_no_text_is_refused_in_one_line(lab, value):
    kind = type(value).__name__
    with pytest.raises(TypeError, match=f"the text of a message, found {kind}: paste it"):
        lab.explain(value)


def test_an_unknown_message_is_shortened(lab):
    answer = lab.explain(f"RuntimeError: {'x' * 1000}")
    assert answer.endswith("…")
    assert len(answer) < 150


# Tracebacks and logs


def test_the_last_exception_counts_first(lab):
    text = traceback_of("ValueError: No variables to save") + traceback_of(MISSING)
    assert name_of(lab, text) == "saver-none"


@pytest.mark.parametrize("link", [DIRECT, DURING])
def test_a_cause_answers_where_the_last_exception_is_unknown(lab, link):
    text = f"{traceback_of(MISSING)}\n{link}\n\n{traceback_of(UNKNOWN)}"
    found = lab.find(text)
    assert found.row.name == "saver-none"
    assert found.is_cause
    assert "(a cause of the last error)" in lab.explain(text).splitlines()[0]


@pytest.mark.parametrize("link", [DIRECT, DURING])
def test_a_cause_is_told_from_the_last_exception_in_a_coloured_traceback_too(lab, link):
    text = f"{traceback_of(MISSING)}\n{link}\n\n{traceback_of(UNKNOWN)}"
    coloured = re.sub(r"^(\w+Error)", "\x1b[1;35m\\1\x1b[0m", text, flags=re.MULTILINE)
    assert coloured.count("\x1b[0m") == 2
    assert "(a cause of the last error)" in lab.explain(coloured).splitlines()[0]
    assert lab.explain(coloured) == lab.explain(text)


@pytest.mark.parametrize("before", [traceback_of(MISSING), f"a.py:7: {WARNING}\n", f"{MISSING}\n"])
def test_what_stands_before_an_unknown_exception_does_not_answer(lab, before):
    assert name_of(lab, before + traceback_of(UNKNOWN)) == "unknown"
    assert UNKNOWN in lab.explain(before + traceback_of(UNKNOWN))


def test_the_nearest_cause_comes_first(lab):
    first = traceback_of("ValueError: No variables to save")
    second = traceback_of(MISSING)
    text = f"{first}\n{DIRECT}\n\n{second}\n{DURING}\n\n{traceback_of(UNKNOWN)}"
    assert name_of(lab, text) == "saver-none"
    assert len(lab.chain_of(text)) == 3


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ("filepath=C:\\My models\\m.json. Keras 3 only supports V3 `.keras` files", "format-json"),
        ("filepath=/a b/m.pt. Keras 3 only supports V3 `.keras` files", "unknown"),
        ("filepath=/a.json/model. Keras 3 only supports V3 `.keras` files", "format-not-supported"),
    ],
)
def test_a_path_may_have_blanks_and_endings_of_its_own(lab, message, name):
    assert name_of(lab, f"ValueError: File format not supported: {message}") == name


def test_a_file_of_others_that_is_missing_is_no_save(lab):
    missing = "FileNotFoundError: [Errno 2] No such file or directory: 'a/model.keras'"
    line = '  File "keras/src/saving/saving_lib.py", line 144, in save_model\n'
    assert name_of(lab, missing) == "unknown"
    assert name_of(lab, line + missing) == "keras-no-folder"


def test_a_warning_alone_is_a_message(lab):
    assert name_of(lab, f"/usr/lib/keras/saving_lib.py:713: {WARNING}") == "optimizer-skipped"


@pytest.mark.parametrize(
    "pasted",
    [
        f"> {MISSING}",
        f"E   {MISSING}",
        f"[rank0]: {MISSING}",
        f"\x1b[0;31mValueError\x1b[0m: {MISSING.partition(': ')[2]}",
        MISSING.partition(": ")[2],
        MISSING.replace(" when ", "\n when "),
        f"builtins.{MISSING}",
    ],
)
def test_a_message_is_known_however_it_was_pasted(lab, pasted):
    assert name_of(lab, pasted) == "saver-none"


def test_a_row_that_needs_a_line_of_the_traceback_asks_for_it(lab):
    message = "ValueError: not enough values to unpack (expected 1, got 0)"
    line = '  File "a.py", line 3\n    [meta] = folder.glob("*-7.meta")\n'
    assert name_of(lab, message) == "unknown"
    assert name_of(lab, line + message) == "meta-of-no-step"


@pytest.mark.parametrize(
    "line",
    [
        "x",
        '2026-11-29 INFO step 3 Key The name \'a Serving signature key "loss" 3.2 Layer #1',
        "File not found: filepath= Key TensorBundle at Parent directory of Shape Layer '",
        traceback_of(UNKNOWN),
        traceback_of(MISSING),
    ],
)
def test_a_megabyte_is_answered(lab, line):
    number = 1_000_000 // len(line)
    for log in (line * number, f"{line}\n" * number):
        assert len(lab.explain(log)) < 1000


def test_no_pattern_has_to_look_through_all_of_a_long_log(lab):
    """A run of any signs has an end that is stated, so the time grows with the length alone."""
    for row in lab.rows():
        for pattern in (row.pattern, row.unless, row.within):
            assert not re.search(r"\.[*+]|\.\{\d+,\}", pattern.replace("\\.", "")), row.name


# The table


def test_the_most_specific_row_wins(lab):
    entry = {**ROWS[0], "name": "wide", "pattern": "save_path"}
    assert name_of(lab, MISSING) == "saver-none"
    assert lab.find(MISSING, (lab.make_row(entry), *lab.rows())).row.name == "saver-none"
    assert lab.find("no save_path", (lab.make_row(entry), *lab.rows())).row.name == "wide"


def test_names_are_unique_and_rows_are_written_out(lab):
    names = [row.name for row in lab.rows()]
    assert len(names) == len(set(names)) >= 100
    for row in lab.rows():
        assert row.group in lab.GROUPS, row.name
        for sentence in (row.cause, row.way_out):
            assert 15 < len(sentence) <= 110, (row.name, sentence)
            assert sentence.endswith("."), (row.name, sentence)


def test_a_row_with_an_unknown_key_is_named(lab):
    with pytest.raises(ValueError, match="the row 'tf1-name' does not have the keys name, group"):
        lab.make_row({**ROWS[0], "colour": "red"})


def test_a_row_without_a_key_is_named(lab):
    short = {key: value for key, value in ROWS[0].items() if key != "cause"}
    with pytest.raises(ValueError, match=r"'tf1-name' does not have the keys .*'cause'"):
        lab.make_row(short)


def test_a_pattern_that_cannot_be_read_is_named(lab):
    with pytest.raises(ValueError, match="the row 'tf1-name' has a pattern"):
        lab.make_row({**ROWS[0], "pattern": "("})
