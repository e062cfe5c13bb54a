"""helpers.lab.silent_loads: seven loads, none of which raises, and what two judges say of each."""

import pytest

# h5py and TensorFlow have not followed numpy 2 in this yet.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

EXPECTED = [
    ("a head less (.weights.h5)", "silent", "unexpected", "rrrr"),
    ("heads swapped (.weights.h5)", "silent", "other name", "rrwwww"),
    ("64-bit model (.weights.h5)", "silent", "other dtype", "rrrr"),
    ("renamed layer (checkpoint)", "raises", "missing", "rrww"),
    ("model not called (checkpoint)", "silent", "unexpected", "wrrr"),
    ("no longer frozen (checkpoint)", "raises", "missing", "wwww"),
    ("other shape (Saver)", "silent", "other shape", "w"),
]


@pytest.fixture(scope="module")
def verdicts(module, tmp_path_factory):
    folder = tmp_path_factory.mktemp("loads")
    return module("helpers.lab.silent_loads").silent_loads(folder)


def letters(verdict):
    return "".join("r" if is_right else "w" for is_right in verdict.is_right)


def test_each_load_is_judged_as_it_was(verdicts):
    found = [(verdict.load, verdict.usual, letters(verdict)) for verdict in verdicts]
    assert found == [(load, usual, numbers) for load, usual, _, numbers in EXPECTED]


def test_the_report_objects_to_each(verdicts):
    for verdict, (_, _, status, _) in zip(verdicts, EXPECTED, strict=True):
        assert status in verdict.report, verdict


def test_a_judge_raises_warns_or_is_silent(module):
    said_by = module("helpers.lab.silent_loads").said_by
    warnings = module("warnings")

    def refuse():
        raise ValueError("no")

    assert said_by(refuse) == "raises"
    assert said_by(warnings.warn, "look") == "warns"
    assert said_by(int, "7") == "silent"
