"""Explain a message in a terminal: ``python -m helpers.messages "ValueError: ..."``.

Without an argument it reads standard input, so a log can be piped into it. It ends with 0 if it
knows the message, and with 1 if not.
"""

import sys
from collections.abc import Sequence

from helpers.messages.explain import explain, find

USAGE = 'give a message: python -m helpers.messages "ValueError: ...", or pipe a log into it'


def main(arguments: Sequence[str]) -> int:
    """Print what a message means, and return the exit code.

    Args:
        arguments: the words of a message. Without any, standard input is read.
    """
    if not arguments and sys.stdin.isatty():
        print(USAGE)
        return 1
    if arguments:
        text = " ".join(arguments)
    else:
        text = sys.stdin.buffer.read().decode("utf-8", errors="replace")
    print(explain(text))
    return 0 if find(text) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
