"""helpers.lab.own_rows: a good row passes, and each fault is named."""

import pytest

GOOD = {
    "begins": "ValueError: Expected an object of type `Trackable`",
    "pattern": "Expected an object of type `Trackable`",
    "cause": "A SavedModel holds a tf.Module, and this object is none.",
    "way_out": "Make it an attribute of a tf.Module, and save that.",
    "notebook": "09_saved_model",
    "heading": "Let a stranger run it",
}


@pytest.fixture(scope="module")
def lab(module):
    return module("helpers.lab.own_rows")


def test_a_good_row_and_a_good_pattern_have_no_fault(lab):
    assert lab.find_fault_of_row(GOOD) is None
    assert lab.find_fault_of_pattern(r"Layer '[^']+' not found in .+\.tflite") is None


def test_the_notebook_of_a_row_is_found_from_an_empty_folder_too(lab, tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    assert lab.find_fault_of_row(GOOD) is None


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"pattern": "Got 3 with type"}, "the row does not answer for 'ValueError: Expected"),
        ({"pattern": ".*"}, "its pattern finds "),
        ({"cause": "None."}, "cause and way_out are sentences"),
        ({"way_out": ""}, "cause and way_out are sentences"),
        ({"notebook": "99_all"}, "there is no notebook '99_all'"),
        ({"heading": "Everything"}, "09_saved_model has no heading 'Everything'"),
        ({"heading": "Let"}, "09_saved_model has no heading 'Let'"),
        ({"heading": ""}, "09_saved_model has no heading ''"),
        ({"begins": "…"}, "begins is '…', and the message begins otherwise"),
        ({"begins": "KeyError: 3"}, "begins is 'KeyError: 3', and the message begins otherwise"),
        ({"pattern": "ValueError: Expected "}, "its pattern finds 'ValueError: Expected input"),
        ({"pattern": "Got .* with type"}, 'its pattern finds "ValueError: Got 3 with type'),
        ({"pattern": "for export"}, "its pattern finds 'RuntimeError: Prepare the model"),
    ],
)
def test_each_fault_of_a_row_is_named(lab, change, fault):
    assert lab.find_fault_of_row({**GOOD, **change}).startswith(fault)


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        ("Layer 'head'", "it does not find \"ValueError: Layer 'a'"),
        ("not found", "it finds \"ModuleNotFoundError: No module named 'x'"),
        ("Layer '[^']+' not found", "it finds \"Layer 'a' not found in model.h5\""),
        (r"not found in .+\.tflite", "it finds \"ValueError: Label 'a'"),
        ("Layer '[^']+' not found in .*tflite", "it finds \"ValueError: Layer 'a' not found in mo"),
        ("Layer .*tflite", "it finds \"Layer 'a' in h.tflite\""),
        (r"Layer '[^']+' (?:not found in .+\.tflite|expected)", 'it finds "ValueError: … Layer'),
    ],
)
def test_each_fault_of_a_pattern_is_named(lab, pattern, fault):
    assert lab.find_fault_of_pattern(pattern).startswith(fault)
