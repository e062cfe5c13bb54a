"""Tables of exceptions: what is found without a reason, and the reasons that nothing needs."""

import tomllib
from pathlib import Path


def read_reasons(path, kind):
    """Read a table of reasons, which has entries of one name: each becomes an object of a kind."""
    [entries] = tomllib.loads(Path(path).read_text(encoding="utf-8")).values()
    return [kind(**entry) for entry in entries]


def is_for_this_place(reason, found):
    """Tell whether a reason and what is found have the same ``place``, which says where it is."""
    return reason.place == found.place


def without_reason(found, reasons, is_for=is_for_this_place):
    """Return what is found and has no reason.

    Args:
        found: a list of anything.
        reasons: those of a table.
        is_for: tells of a reason and one thing that is found whether they belong together.
    """
    return [one for one in found if not any(is_for(reason, one) for reason in reasons)]


def unused_reasons(found, reasons, is_for=is_for_this_place):
    """Return the reasons for what is no longer found: a text has changed, or it is shown now."""
    return [reason for reason in reasons if not any(is_for(reason, one) for one in found)]
