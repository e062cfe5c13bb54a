"""The command line of ``inspect_model``: ``python -m inspect_model FILE...``."""

import argparse
import sys
from collections.abc import Sequence

from . import NOT_JUDGED, inspect_model, printable

NOTHING_FOUND, ALARM, NOT_INSPECTED = 0, 1, 2  # exit codes
DESCRIPTION = """
Inspect model files before anything loads them. What is not known as harmless is an alarm.
Ends with 0 if nothing was found, with 1 if a file has an alarm, and with 2 if none has, but
something could not be inspected: a file was not judged, the command itself is wrong, or TensorFlow
is missing.
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

    found: list[str] = []
    try:
        for file in options.files:
            alarms, notes = inspect_model(file, also=options.also)
            show_findings(file, alarms, notes)
            found += alarms
    except ImportError as error:
        reason = printable(str(error).partition("\n")[0])
        print(f"inspect_model needs TensorFlow, and cannot import it: {reason}", file=sys.stderr)
        return NOT_INSPECTED
    return exit_code(found)


def exit_code(alarms: Sequence[str]) -> int:
    """Return the exit code for the alarms of all files: one that names something comes first."""
    if not alarms:
        return NOTHING_FOUND
    only_not_judged = all(alarm.startswith(NOT_JUDGED) for alarm in alarms)
    return NOT_INSPECTED if only_not_judged else ALARM


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
