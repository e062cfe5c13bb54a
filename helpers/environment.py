"""What the machine has set makes no difference: notebooks print and draw the same everywhere.

``helpers`` calls these functions when it is imported. They set back what others have set, for this
process and for the programs that it starts, and change no file. What cannot be set back is refused
in one line.
"""

import logging
import os
import sys
import warnings
from pathlib import Path
from typing import Any

VARIABLES = {
    # A folder with Keras' own defaults, in place of the keras.json in the user's folder.
    "KERAS_HOME": str(Path(__file__).with_name("keras_home")),
    # The C++ part of TensorFlow logs errors, but no notes and no warnings.
    "TF_CPP_MIN_LOG_LEVEL": "2",
}
REMOVED_NAMES = {"PYTHONWARNINGS", "TF_USE_LEGACY_KERAS"}
REMOVED_PREFIXES = ("KERAS_", "TF_CPP_")
KERAS_SETTINGS = {
    "backend": "tensorflow",
    "floatx": "float32",
    "image_data_format": "channels_last",
}

INLINE_BACKEND = "module://matplotlib_inline.backend_inline"
# Programs in a terminal that read and write texts, for which nobody should wait for TensorFlow.
TEXT_PROGRAMS = {"helpers.messages", "helpers.messages.pages"}


def needs_no_tensorflow() -> bool:
    """Tell whether Python was started by ``python -m`` with one of the programs for texts."""
    # Python imports the package before the program, and meanwhile calls the program "-m".
    if sys.argv[:1] != ["-m"]:
        return False
    return sys.orig_argv[-len(sys.argv)] in TEXT_PROGRAMS


def check_python() -> None:
    """Refuse a Python in which the notebooks cannot keep their promises.

    Raises:
        ImportError: it skips asserts, or its file names are not UTF-8, as TensorFlow's are.
    """
    if sys.flags.optimize:
        raise ImportError(
            "Python skips every assert, so a check would take any answer for right: "
            "unset PYTHONOPTIMIZE, or leave out -O, and start again"
        )
    encoding = sys.getfilesystemencoding()
    if encoding != "utf-8":
        raise ImportError(
            f"Python writes file names in {encoding}, and TensorFlow in utf-8: "
            "set PYTHONUTF8=1, and start Jupyter again"
        )


def set_variables() -> None:
    """Set the environment variables that TensorFlow, Keras and matplotlib read at their import."""
    for name in list(os.environ):
        if name in REMOVED_NAMES or name.startswith(REMOVED_PREFIXES):
            del os.environ[name]
    os.environ.update(VARIABLES)
    if _notebook_shell():
        os.environ["MPLBACKEND"] = INLINE_BACKEND


def set_warnings() -> None:
    """Show the warnings that Python shows by default, and none about a file of the user's."""
    logging.getLogger("matplotlib").setLevel("ERROR")
    if not sys.warnoptions:  # neither PYTHONWARNINGS nor -W
        return
    sys.warnoptions.clear()  # multiprocessing would hand them on
    warnings.resetwarnings()
    for kind in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
        warnings.simplefilter("ignore", kind)
    warnings.filterwarnings("default", category=DeprecationWarning, module="__main__")


def check_keras() -> None:
    """Make sure that Keras has not been imported before, with other settings.

    Raises:
        ImportError: it has.
    """
    from keras import config

    for setting, wanted in KERAS_SETTINGS.items():
        found = getattr(config, setting)()
        if found != wanted:
            raise ImportError(
                f"Keras was imported before helpers, and its {setting} is {found}, not {wanted}: "
                "restart the kernel, and import helpers first"
            )


def set_figures() -> None:
    """Draw with matplotlib's own defaults, and show each figure in a notebook as one plain PNG."""
    import matplotlib

    matplotlib.rcdefaults()
    shell = _notebook_shell()
    if shell:
        _show_inline(shell)


def _notebook_shell() -> Any | None:
    """Return the IPython shell of the notebook that this process runs, if it runs one."""
    ipython = sys.modules.get("IPython")  # a notebook has imported it, a script need not
    shell = ipython.get_ipython() if ipython else None
    return shell if hasattr(shell, "kernel") else None


def _show_inline(shell: Any) -> None:
    from matplotlib_inline.config import InlineBackend

    shell.run_line_magic("matplotlib", "inline")
    settings = InlineBackend.instance()
    settings.close_figures = True
    settings.figure_formats = {"png"}
    settings.print_figure_kwargs = {"bbox_inches": "tight"}
