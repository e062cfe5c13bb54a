"""Start pytest in a course that a test has made, as somebody starts it in the terminal."""

import os
import subprocess
import sys
from pathlib import Path

COURSE = Path(__file__).parent.parent
# Where this package is found, jsonschema compiles the grammar of web addresses when it is imported,
# which takes longer than all else here. No notebook that a test makes is checked for an address.
START = "import sys; sys.modules['rfc3987_syntax'] = None; import pytest; sys.exit(pytest.main())"


def run_pytest(course, *arguments, options=()):
    """Run pytest in a folder, with a setting of the machine that no kernel may see.

    Args:
        course: the folder, which has this course's ``conftest.py`` and ``pyproject.toml``.
        arguments: those of pytest.
        options: those of Python.
    """
    environment = {**os.environ, "PYTHONPATH": str(COURSE), "MPLBACKEND": "svg"}
    environment.pop("COURSE_RUNS", None)
    command = [sys.executable, *options, "-c", START, "-n", "0", *arguments]
    return subprocess.run(
        command, cwd=course, env=environment, capture_output=True, encoding="utf-8"
    )
