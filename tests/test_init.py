"""The import of the helpers: quiet, unless it fails."""

import os

import pytest


def test_the_import_is_quiet_but_shows_a_failure(helpers, capfd):
    with helpers.hold_stderr():
        os.write(2, b"noise")
    assert capfd.readouterr().err == ""
    with pytest.raises(ImportError), helpers.hold_stderr():
        os.write(2, b"the reason")
        raise ImportError
    assert capfd.readouterr().err == "the reason"


def test_the_import_leaves_its_documented_settings(helpers, tf):
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "2"
    assert "TF_CPP_MIN_LOG_LEVEL=2" in helpers.__doc__
    assert tf.get_logger().level == 40
