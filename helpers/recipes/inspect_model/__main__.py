"""The command line of ``inspect_model``: ``python -m inspect_model FILE...``."""

import argparse
import sys
from collections.abc import Sequence

from . import inspect_model, printable

DESCRIPTION = """
Inspect model files before anything loads them. What is not known as harmless is an alarm.
Ends with 0 if no file has an alarm, with 1 if one has, with 2 if the command itself is wrong.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Inspect the files that a command names, print what was found, and return its exit code."""
    parser = argparse.ArgumentParser("python -m inspect_model", description=DESCRIPTION)
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="+",
        help=".keras, .h5, .meta, .pb, .npy, .npz, .pkl or .safetensors; the folder of a "
        "SavedModel; the prefix of a checkpoint",
    )
    parser.add_argument(
        "--also",
        metavar="NAME",
        action="append",
        default=[],
        help="a name that you know as harmless, as an alarm writes it before its colon",
    )
    options = parser.parse_args(arguments)

    exit_code = 0
    for file in options.files:
        alarms, notes = inspect_model(file, also=options.also)
        show_findings(file, alarms, notes)
        if alarms:
            exit_code = 1
    return exit_code


def show_findings(file: str, alarms: Sequence[str], notes: Sequence[str]) -> None:
    """Print a file's name, and its alarms and notes below."""
    verdict = "no alarm"
    if alarms:
        verdict = f"ALARM ({len(alarms)})"
    print(f"{printable(file)}: {verdict}")
    for alarm in alarms:
        print(f"  alarm  {alarm}")
    for note in notes:
        print(f"  note   {note}")


if __name__ == "__main__":
    sys.exit(main())
