"""Two texts are the same but for their numbers: the rule of the tag ``number-varies``."""

import re

TAG = "number-varies"
# How far a number may be from the stored one. Up to 1, and for a percentage, it is a distance:
# 0.77 may be 0.80, 77 % may be 80 %. Above 1 it is a share of the stored number. A stored zero says
# that two things agree, or that none was found, and so it has to be zero everywhere. A part of a
# hundred or more, such as 468 of 500, may be as far off as a percentage. Over AVX levels,
# oneDNN and threads, the accuracy of one training lay between .772 and .790, its loss between .817
# and .827.
DISTANCE = 0.03
SHARE = 0.15
LARGE_WHOLE = 100

# A number stands alone: the 32 of float32 and the 3 of ckpt-3 are parts of a name. A number with an
# exponent is text as well, since no distance suits 1e-7.
NUMBER = re.compile(
    r"""
    (?<![\w./#-])               # not in a name, a version, a path or a colour
    (?P<sign>[-+]?)
    (?P<whole>\d{1,3}(?:,\d{3})+|\d+)
    (?P<rest>\.\d+)?
    (?![\w/-]|[.:]\w|,\d)       # nor before the rest of one
    (?P<percent>\s?%)?
    """,
    re.VERBOSE,
)
WHOLE = re.compile(r" of (\d+)")
# The columns of a table are as wide as what stands in them.
ALIGNMENT = re.compile(r" {2,}|-{2,}")


def difference(new, stored):
    """Say how the texts differ, or which number is too far from the stored one, or nothing."""
    if pattern(new) != pattern(stored):
        return f"the text differs beside its numbers: {new!r}, stored {stored!r}"
    for one, other in zip(NUMBER.finditer(new), NUMBER.finditer(stored), strict=True):
        of_whole = WHOLE.match(stored, other.end())
        whole = int(of_whole[1]) if of_whole else 0
        if not close(value(one), value(other), whole):
            return f"{one.group()} is too far from {other.group()}, which is stored"
    return None


def pattern(text):
    """Return the text with each number replaced by the number of its decimals."""
    plain = NUMBER.sub(_decimals, text)
    lines = ALIGNMENT.sub(" ", plain).splitlines()
    return [line.strip() for line in lines]


def value(match):
    """Return a number that `NUMBER` has found; a percentage as a part of 1."""
    number = float(match["sign"] + match["whole"].replace(",", "") + (match["rest"] or ""))
    return number / 100 if match["percent"] else number


def close(new, stored, whole=0):
    """Tell whether a number may stand where the other is stored.

    Args:
        new: the number that a cell has printed.
        stored: the one that it printed before.
        whole: what the stored number is a part of, such as 500 in "468 of 500"; else 0.
    """
    if stored == 0:
        return new == 0
    allowed = DISTANCE if abs(stored) <= 1 else SHARE * abs(stored)
    if whole >= LARGE_WHOLE:
        allowed = min(allowed, DISTANCE * whole)
    return abs(new - stored) <= allowed + 1e-9


def _decimals(match):
    decimals = len(match["rest"]) - 1 if match["rest"] else 0
    return f"<{decimals} decimals>{match['percent'] or ''}"
