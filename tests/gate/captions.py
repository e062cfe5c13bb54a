"""The caption of a picture, and the alt text that repeats it for those who cannot see the picture.

A notebook has the caption as the italic text that follows the picture. The alt text is stored where
nbconvert's templates `classic` and `basic` (nbviewer's) read it: in the metadata of the output,
under the picture's MIME type. Its template `lab` writes no alt text, whatever is stored.
"""

import itertools
import re

from tests.gate import pictures

ALT = "alt"
CAPTION = re.compile(r"\*(?!\*)(.+?)(?<![\s*])\*(?!\w)", re.DOTALL)
LINK = re.compile(r"\[([^]]*)\]\([^)]*\)")
# The colours of `helpers.draw`, as texts call them, and those that no figure has.
COLOUR_NAMES = {
    "blue": {"#0072b2", "#56b4e9"},
    "orange": {"#e69f00", "#d55e00"},
    "green": {"#009e73"},
    "pink": {"#cc79a7"},
    "grey": {"#999999", "#666666"},
    "black": {"#000000"},
    "red": set(),
    "yellow": set(),
    "purple": set(),
}
COLOUR_NAME = re.compile(rf"\b(?:{'|'.join(COLOUR_NAMES)})\b", re.IGNORECASE)


def caption_of(cell):
    """Return the caption that a cell begins with, as plain text; empty if there is none."""
    paragraph = cell.source.split("\n\n")[0]
    found = CAPTION.match(paragraph) if cell.cell_type == "markdown" else None
    if not found:
        return ""
    without_links = LINK.sub(r"\1", found[1])
    return " ".join(without_links.replace("`", "").split())


def pictures_with_captions(cells):
    """Yield each output that is a picture, its MIME type and its caption."""
    for cell, following in itertools.pairwise([*cells, None]):
        for output in cell.get("outputs", []):
            for mime in pictures.FORMATS:
                if mime in output.get("data", {}):
                    yield output, mime, caption_of(following) if following else ""


def colours_named_in(text):
    """Return the names of colours in a text, in lower case."""
    return {name.lower() for name in COLOUR_NAME.findall(text)}


def colours_in(facts):
    """Return the colours of the series and the legends of a figure, each as ``#rrggbb``.

    There are none without facts, or where a figure has photographs only.
    """
    if not facts:
        return set()
    texts = list(facts["legend"])
    for axes in facts["axes"]:
        texts += axes["legend"]
        texts += [series.get("colours", "") for series in axes["series"]]
    return set(re.findall(r"#[0-9a-f]{6}\b", " ".join(texts)))


def alt_of(output, mime):
    """Return the alt text that is stored with a picture; empty if there is none."""
    return output.metadata.get(mime, {}).get(ALT, "")


def store_alt_texts(cells):
    """Give each picture its caption as alt text."""
    for output, mime, caption in pictures_with_captions(cells):
        of_picture = {**output.metadata.get(mime, {}), ALT: caption}
        if not caption:
            del of_picture[ALT]
        output.metadata[mime] = of_picture
        if not of_picture:
            del output.metadata[mime]


def without_alt(metadata):
    """Return the metadata of an output without alt texts, which no run of a cell can know."""
    rest = dict(metadata)
    for mime in pictures.FORMATS:
        if ALT not in rest.get(mime, {}):
            continue
        of_picture = {key: value for key, value in rest.pop(mime).items() if key != ALT}
        if of_picture:
            rest[mime] = of_picture
    return rest
