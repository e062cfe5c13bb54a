"""The facts about two figures agree: exactly, but for the height and place of what varies."""

import math

from tests.gate import numbers, pictures

# What training draws moves: the mean of a part of a curve by at most this share of what the curves
# of its axes span. Over AVX levels, oneDNN, threads and a single core the most was .16 (one seed),
# mostly .00.
MOVES = 0.2
# A figure whose picture may not vary moves by what the facts are rounded to, and no more.
ROUNDING = 0.01
# The titles of pictures can be guesses of a trained network. So many of them have to be the same.
SAME_TITLES = 0.75


def difference(new, stored, tags=()):
    """Say what has changed about a figure, or nothing.

    Args:
        new: the facts as `figure_facts.facts_of` returns them.
        stored: the same of the stored figure.
        tags: those of the cell. With ``number-varies`` the numbers in texts may vary, with
            ``picture-varies`` some of the texts.
    """
    if not _is_readable(stored):
        return "figure: the stored facts are in an older form, store the notebook again"
    fault = _difference_in_texts(new, stored, tags)
    if fault:
        return f"figure: {fault}"
    if len(new["axes"]) != len(stored["axes"]):
        return f"figure: {len(new['axes'])} axes, stored {len(stored['axes'])}"
    for number, (one, other) in enumerate(zip(new["axes"], stored["axes"], strict=True), start=1):
        fault = _difference_in_texts(one, other, tags) or _difference_in_series(one, other, tags)
        if fault:
            return f"axes {number}: {fault}"
    return _difference_in_colours_of_texts(new["axes"], stored["axes"], tags)


def _is_readable(facts):
    """Tell whether facts are in the form that `figure_facts` writes today."""
    texts = list(facts["legend"])
    for axes in facts["axes"]:
        texts += [*axes["legend"], axes.get("text_colours")]
        for series in axes["series"]:
            texts += [series.get("x", ""), series.get("y", "")]
            if series["kind"] != "image":
                texts.append(series.get("style"))
    return all(isinstance(text, str) for text in texts)


def _difference_in_texts(new, stored, tags):
    lowest = SAME_TITLES if "picture-varies" in tags else 1
    if not _same_texts(new["texts"], stored["texts"], tags, lowest):
        return f"the texts are {new['texts']}, stored {stored['texts']}"
    if not _same_texts(new["legend"], stored["legend"], tags):
        return f"the legend is {new['legend']}, stored {stored['legend']}"
    return None


def _difference_in_colours_of_texts(new, stored, tags):
    colours = [axes["text_colours"] for axes in new]
    stored_colours = [axes["text_colours"] for axes in stored]
    if "picture-varies" in tags:
        # A guess that is wrong has another colour, and which guess is wrong may vary.
        are_right = set(" ".join(colours).split()) <= set(" ".join(stored_colours).split())
    else:
        are_right = colours == stored_colours
    if not are_right:
        return f"figure: the colours of the texts are {colours}, stored {stored_colours}"
    return None


def _same_texts(new, stored, tags, lowest=1):
    """Tell whether at least the share ``lowest`` of the texts, in their order, are the same."""
    if len(new) != len(stored):
        return False
    pairs = zip(new, stored, strict=True)
    same = [pair for pair in pairs if _same_text(*pair, tags)]
    return len(same) >= lowest * len(stored)


def _same_text(new, stored, tags):
    if numbers.TAG in tags:
        return numbers.difference(new, stored) is None
    return new == stored


def _difference_in_series(new, stored, tags):
    if len(new["series"]) != len(stored["series"]):
        return f"{len(new['series'])} curves or other series, stored {len(stored['series'])}"
    moves = MOVES if set(pictures.VARIES) & set(tags) else ROUNDING
    allowed = {axis: moves * _span(stored["series"], axis) for axis in ("x", "y")}
    for one, other in zip(new["series"], stored["series"], strict=True):
        exact = {key: value for key, value in other.items() if key not in ("label", "x", "y")}
        same = {key: one.get(key) for key in exact} == exact
        label, stored_label = one.get("label", ""), other.get("label", "")
        if not same or not _same_text(label, stored_label, tags):
            return f"a series is {one}, stored {other}"
        in_a_row = _lies_in_a_row(other)
        for axis, distance in allowed.items():
            values, stored_values = _values(one, axis), _values(other, axis)
            if in_a_row:  # nobody sees an order: the trials of some seeds, for example
                values, stored_values = sorted(values), sorted(stored_values)
            if not _near(values, stored_values, distance):
                return f"{label or one['kind']} has moved: {one}, stored {other}"
    return None


def _values(series, axis):
    """Return the means of the parts of a series; an image has none."""
    return [float(value) for value in series.get(axis, "").split()]


def _lies_in_a_row(series):
    """Tell whether all points have the same height, or the same place."""
    return any(len(set(_values(series, axis))) == 1 for axis in ("x", "y"))


def _span(series, axis):
    """Return what the values of all series of one axes span, and never nothing."""
    found = [value for one in series for value in _values(one, axis) if math.isfinite(value)]
    if not found:
        return 1
    return (max(found) - min(found)) or abs(max(found)) or 1


def _near(new, stored, distance):
    if len(new) != len(stored):
        return False
    for one, other in zip(new, stored, strict=True):
        both_finite = math.isfinite(one) and math.isfinite(other)
        if both_finite and abs(one - other) > distance:
            return False
        if not both_finite and str(one) != str(other):
            return False
    return True
