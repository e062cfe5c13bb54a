"""What a machine may have set makes no difference, or is refused in one line."""

import base64
import io
import json
import os
import subprocess
import sys

import matplotlib.image
import nbformat
import numpy as np
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient

# From Python 3.12 on, the kernel itself does not start where every warning is an error.
WARNINGS_AS_ERRORS = "error" if sys.version_info < (3, 12) else "error::FutureWarning"
# What a user may have in the way, for every part of a notebook that can be told something.
VARIABLES = {
    "KERAS_BACKEND": "jax",
    "KERAS_MAX_EPOCHS": "1",
    "MPLBACKEND": "agg",
    "PYTHONWARNINGS": WARNINGS_AS_ERRORS,
    "TF_CPP_MAX_VLOG_LEVEL": "1",
    "TF_CPP_MIN_LOG_LEVEL": "0",
    "TF_USE_LEGACY_KERAS": "1",
}
KERAS_JSON = {
    "floatx": "float64",
    "epsilon": 1e-3,
    "backend": "torch",
    "image_data_format": "channels_first",
}
IPYTHON_CONFIG = """
c.InlineBackend.figure_formats = ["retina", "svg"]
c.InlineBackend.print_figure_kwargs = {"bbox_inches": None}
"""
MATPLOTLIBRC = "figure.dpi: 200\nfont.size: 20\naxes.grid: True\nno_such_key: 1\n"
FILES = {
    ".ipython/profile_default/ipython_kernel_config.py": IPYTHON_CONFIG,
    ".keras/keras.json": json.dumps(KERAS_JSON),
    "matplotlibrc": MATPLOTLIBRC,
}
FACTS = f"""
import json, os, sys, warnings
import helpers
import keras
import tensorflow as tf

warnings.warn_explicit("a library is old", DeprecationWarning, "library.py", 1, "library")
with warnings.catch_warnings(record=True) as shown:
    warnings.warn_explicit("a library will change", FutureWarning, "library.py", 2, "library")
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
model.save_weights("saved.weights.h5")  # warns inside
with tf.Graph().as_default(), tf.compat.v1.Session() as session:  # the C++ part has notes on it
    session.run(tf.constant(0))
print(json.dumps({{
    "keras": [keras.config.backend(), model.dtype, keras.config.epsilon(),
              keras.config.image_data_format(), keras.config.max_epochs()],
    "tf.keras": tf.keras.__version__ == keras.__version__,
    "eager": tf.executing_eagerly(),
    "warnings": [len(shown), sys.warnoptions],
    "variables": {{name: os.environ[name] for name in {[*VARIABLES]} if name in os.environ}},
}}))
"""
DRAW = """
import matplotlib.pyplot as plt
figure, axes = plt.subplots(figsize=(3, 2))
axes.plot([1, 2], label="a line")
axes.legend()
plt.show()
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The home folder of a user who has settings of all kinds."""
    home = tmp_path_factory.mktemp("home")
    for name, text in FILES.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return home


@pytest.fixture(scope="module")
def outputs(home):
    """What two cells print and draw in a kernel of that user."""
    cells = [nbformat.v4.new_code_cell(source) for source in [FACTS, DRAW]]
    client = NotebookClient(nbformat.v4.new_notebook(cells=cells), startup_timeout=600, timeout=600)
    # Where no kernels are looked for, the native one is this very Python.
    client.create_kernel_manager().kernel_spec_manager = KernelSpecManager(kernel_dirs=[])
    environment = {**os.environ, **VARIABLES, "HOME": str(home), "USERPROFILE": str(home)}
    environment["IPYTHONDIR"] = str(home / ".ipython")
    environment["MPLCONFIGDIR"] = matplotlib.get_cachedir()  # to list the fonts again takes seconds
    environment.pop("KERAS_HOME", None)
    # Where ipykernel sees pytest, it does not catch what C++ code writes to stderr.
    environment.pop("PYTEST_CURRENT_TEST", None)
    client.execute(cwd=str(home), env=environment, stderr=subprocess.DEVNULL)
    return [cell.outputs for cell in cells]


def test_tensorflow_and_keras_are_as_on_every_machine_and_quiet(outputs):
    [printed] = outputs[0]
    assert printed.name == "stdout", printed.text
    assert json.loads(printed.text) == {
        "keras": ["tensorflow", "float32", 1e-7, "channels_last", None],
        "tf.keras": True,
        "eager": True,
        "warnings": [1, []],
        "variables": {
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
            "TF_CPP_MIN_LOG_LEVEL": "2",
        },
    }


def test_the_users_own_files_stay_as_they_are(outputs, home):
    found = {name: (home / name).read_text(encoding="utf-8") for name in FILES}
    assert found == FILES


def test_a_figure_is_one_png_as_on_every_machine(outputs, plt):
    [drawn] = outputs[1]
    assert set(drawn.data) == {"image/png", "text/plain"}
    shown = io.BytesIO(base64.b64decode(drawn.data["image/png"]))
    expected = io.BytesIO()
    with plt.style.context("default"):
        figure, axes = plt.subplots(figsize=(3, 2))
        axes.plot([1, 2], label="a line")
        axes.legend()
        figure.savefig(expected, bbox_inches="tight")
    expected.seek(0)
    assert np.array_equal(matplotlib.image.imread(shown), matplotlib.image.imread(expected))


def refusal(arguments, **variables):
    """The last line with which the import of helpers fails in a new Python."""
    command = [sys.executable, *arguments, "-c", "import helpers"]
    environment = {**os.environ, **variables}
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8")
    assert done.returncode == 1, done.stderr
    return done.stderr.splitlines()[-1]


@pytest.mark.parametrize(("arguments", "value"), [(["-O"], "0"), ([], "1")])
def test_a_python_that_skips_asserts_is_refused(arguments, value):
    assert refusal(arguments, PYTHONOPTIMIZE=value) == (
        "ImportError: Python skips every assert, so a check would take any answer for right: "
        "unset PYTHONOPTIMIZE, or leave out -O, and start again"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="file names are UTF-8 on other systems")
def test_file_names_that_tensorflow_would_not_find_are_refused():
    line = refusal([], LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert line == (
        "ImportError: Python writes file names in ascii, and TensorFlow in utf-8: "
        "set PYTHONUTF8=1, and start Jupyter again"
    )


@pytest.mark.parametrize(
    ("setting", "value"), [("floatx", "float64"), ("image_data_format", "channels_first")]
)
def test_keras_that_was_imported_before_with_other_settings_is_refused(module, setting, value):
    config = module("keras").config
    set_it = getattr(config, f"set_{setting}")
    before = getattr(config, setting)()
    set_it(value)
    try:
        with pytest.raises(ImportError, match=f"its {setting} is {value}, .*import helpers first"):
            module("helpers.environment").check_keras()
    finally:
        set_it(before)


def test_a_script_keeps_the_backend_that_draws_its_figures(module, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "pdf")
    module("helpers.environment").set_variables()
    assert os.environ["MPLBACKEND"] == "pdf"
