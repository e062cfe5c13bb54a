"""What a cell prints and draws agrees with what is stored: every output, of any type."""

import difflib
import json
import re
from pathlib import Path

from tests.gate import captions, figure_facts, figures, numbers, pictures

from nbval.plugin import get_sanitize_patterns

WIDGET = "application/vnd.jupyter.widget-view+json"
# As much of a long text as a terminal shows.
SHOWN = 3000


def read_sanitizer(path):
    """Return a function that replaces what no two runs have in common, as a file of nbval says."""
    replacements = get_sanitize_patterns(Path(path).read_text(encoding="utf-8"))

    def sanitize(text):
        for pattern, replacement in replacements:
            text = re.sub(pattern, replacement, text)
        return text

    return sanitize


def differences(new, stored, tags=(), sanitize=str):
    """List what the gate has against the outputs of a cell, in words; nothing if they agree.

    Args:
        new: the outputs of the cell that ran now.
        stored: the outputs in the notebook.
        tags: those of the cell, which say what may vary.
        sanitize: a function of a text, as `read_sanitizer` returns it.
    """
    new_streams, new_rest = _split(new)
    stored_streams, stored_rest = _split(stored)
    faults = []
    for name in sorted({*new_streams, *stored_streams}):
        texts = new_streams.get(name, ""), stored_streams.get(name, "")
        faults.append(_difference_in_text(name, *texts, tags, sanitize))
    kinds = [kind(output) for output in new_rest]
    stored_kinds = [kind(output) for output in stored_rest]
    if kinds == stored_kinds:
        for one, other in zip(new_rest, stored_rest, strict=True):
            faults += _differences_in_output(one, other, tags, sanitize)
    else:
        faults.append(f"outputs: {kinds or 'none'}, stored: {stored_kinds or 'none'}")
    return [fault for fault in faults if fault]


def is_widget(output):
    """Tell whether an output is what a progress bar leaves: dead without its kernel."""
    return WIDGET in output.get("data", {})


def kind(output):
    """Name an output by its type and its MIME types: what has to agree before its content."""
    return " ".join([output["output_type"], *sorted(output.get("data", {}))])


def _split(outputs):
    """Return the texts of the streams by their names, and the other outputs in their order.

    The system decides when it hands over what was written to a stream. So the parts of one stream
    belong together, and its place among the other outputs means nothing.
    """
    streams = {}
    rest = []
    for output in outputs:
        if output["output_type"] == "stream":
            streams[output["name"]] = streams.get(output["name"], "") + output["text"]
        elif not is_widget(output):
            rest.append(output)
    return streams, rest


def _differences_in_output(new, stored, tags, sanitize):
    if new["output_type"] == "error":
        for key in ("ename", "evalue"):
            yield _difference_in_text(key, new[key], stored[key], tags, sanitize)
        return
    for mime, content in stored["data"].items():
        if mime in pictures.FORMATS:
            yield pictures.difference(new["data"][mime], content, tags)
        else:
            texts = _as_text(new["data"][mime]), _as_text(content)
            yield _difference_in_text(mime, *texts, tags, sanitize)
    yield _difference_in_metadata(new.get("metadata", {}), stored.get("metadata", {}), tags)


def _difference_in_metadata(new, stored, tags):
    """Compare the facts about a figure, if some are stored, and all other metadata as it is.

    An alt text is not compared here: a house rule compares it with the caption.
    """
    new, stored = captions.without_alt(new), captions.without_alt(stored)
    facts = new.pop(figure_facts.KEY, None)
    stored_facts = stored.pop(figure_facts.KEY, None)
    if new != stored:
        return f"metadata: {new}, stored: {stored}"
    if stored_facts is None:
        return None
    if facts is None:
        return "metadata: no facts about a figure, but some are stored"
    return figures.difference(facts, stored_facts, tags)


def _as_text(content):
    """Return a MIME bundle's content as text; what is JSON in one order of its keys."""
    if isinstance(content, str):
        return content
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False)


def _difference_in_text(name, new, stored, tags, sanitize):
    new = sanitize(new)
    stored = sanitize(stored)
    if new == stored:
        return None
    if numbers.TAG in tags:
        fault = numbers.difference(new, stored)
        return f"{name}: {fault}" if fault else None
    lines = difflib.unified_diff(
        stored.splitlines(), new.splitlines(), "stored", "new", lineterm=""
    )
    shown = "\n".join(lines) or f"stored {stored!r}, new {new!r}"
    return f"{name}:\n{shown[:SHOWN]}"
