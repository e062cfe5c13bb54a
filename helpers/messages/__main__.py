"""Explain a message in a terminal: ``python -m helpers.messages "ValueError: ..."``.

Without an argument it reads standard input, for example a log. It ends with 0 if it knows the
message, and with 1 if not.
"""

import codecs
import sys
from collections.abc import Sequence

from helpers.messages.explain import find, in_words

USAGE = (
    'give a message: python -m helpers.messages "ValueError: ...", or redirect a log into it: < log'
)


def main(arguments: Sequence[str]) -> int:
    """Print what a message means, and return the exit code.

    Args:
        arguments: the words of a message. Without any, standard input is read.
    """
    asks_for_help = list(arguments) in (["-h"], ["--help"])
    if asks_for_help:
        print(USAGE)
        return 0
    if not arguments and sys.stdin.isatty():
        print(USAGE)
        return 1
    if arguments:
        text = " ".join(arguments)
    else:
        text = _decoded(sys.stdin.buffer.read())
    found = find(text)
    print(in_words(text, found))
    return 0 if found else 1


def _decoded(log: bytes) -> str:
    """Return the text of a log, which an older PowerShell writes as UTF-16."""
    is_utf_16 = log.startswith(codecs.BOM_UTF16_LE) and b"\0" in log
    return log.decode("utf-16" if is_utf_16 else "utf-8", errors="replace")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
