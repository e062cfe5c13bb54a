"""The cheat sheet: one A4 page of the calls that one types, each with its trap.

``python -m tests.cheat_sheet`` makes ``notebooks/images/cheat_sheet.pdf`` to print, and a PNG to
look at, from the table ``cheat_sheet.toml``. Both are the same bytes each time.
"""

import io
import tomllib
from pathlib import Path

from helpers.draw import COLOURS, DARK_GREY

import matplotlib.style
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

IMAGES = Path(__file__).parent.parent / "notebooks" / "images"
TABLE = Path(__file__).with_suffix(".toml")
PDF = IMAGES / "cheat_sheet.pdf"
PNG = IMAGES / "cheat_sheet.png"

TITLE = "Save and restore models in TensorFlow: what to type"
LEGEND = (
    "Below each line: its trap, and the notebook that shows it. tf1 is tensorflow.compat.v1. "
    "Calls such as flush are recipes of the course."
)

# The measures of a page of A4, in inches, and its letters, in points.
WIDTH, HEIGHT = 8.27, 11.69
MARGIN = 0.38
COLUMN_WIDTH = 3.64
COLUMN_GAP = WIDTH - 2 * MARGIN - 2 * COLUMN_WIDTH
TOP = 0.95
HEAD = 0.3  # of a section, with the gap below it
ENTRY = 0.366
SECTION_GAP = 0.12
LINE_STEP, TRAP_STEP = 0.14, 0.28  # from the top of an entry to the middle of its lines
INDENT = 0.14
TITLE_SIZE, HEAD_SIZE, LINE_SIZE, TRAP_SIZE = 15, 9.5, 7.5, 7.5
WARNING = COLOURS[5]
DOTS_PER_INCH = 120
# Those of the figure in which_file: back in Keras, going on with training, giving away, given.
KERAS, TRAINING, GIVING, GIVEN = COLOURS[2], COLOURS[0], COLOURS[3], DARK_GREY
SECTION_COLOURS = (KERAS, TRAINING, KERAS, GIVEN, GIVING, TRAINING)


def read_sections():
    """Read the sections of calls, as the table has them."""
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))["section"]


def draw(sections):
    """Draw the page; return the figure."""
    with matplotlib.style.context("default"):
        figure = Figure(figsize=(WIDTH, HEIGHT), facecolor="white")
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, WIDTH), ylim=(-HEIGHT, 0))
        axes.axis("off")
        axes.text(MARGIN, -0.52, TITLE, size=TITLE_SIZE, weight="bold", va="center")
        axes.text(MARGIN, -0.78, LEGEND, size=TRAP_SIZE, va="center")
        tops = {1: -TOP, 2: -TOP}
        for section, colour in zip(sections, SECTION_COLOURS, strict=True):
            column = section["column"]
            left = MARGIN + (column - 1) * (COLUMN_WIDTH + COLUMN_GAP)
            _draw_section(axes, section, left, tops[column], colour)
            tops[column] -= HEAD + ENTRY * len(section["call"]) + SECTION_GAP
    return figure


def _draw_section(axes, section, left, top, colour):
    height = HEAD - 0.06
    corner = (left, top - height)
    head = Rectangle(corner, COLUMN_WIDTH, height, fc=to_rgba(colour, 0.25), ec=colour, lw=1.2)
    axes.add_patch(head)
    title = {"size": HEAD_SIZE, "weight": "bold", "va": "center_baseline"}
    axes.text(left + 0.08, top - height / 2, section["title"], **title)
    for number, call in enumerate(section["call"]):
        _draw_call(axes, call, left + 0.04, top - HEAD - ENTRY * number)


def _draw_call(axes, call, left, top):
    line, trap = top - LINE_STEP, top - TRAP_STEP
    code = {"size": LINE_SIZE, "family": "monospace", "weight": "bold"}
    axes.text(left, line, call["line"], va="center_baseline", **code)
    mark = {"size": TRAP_SIZE, "weight": "bold", "color": WARNING, "va": "center_baseline"}
    axes.text(left, trap, "!", **mark)
    axes.text(left + INDENT, trap, call["trap"], size=TRAP_SIZE, va="center_baseline")
    number = {"size": TRAP_SIZE, "ha": "right", "va": "center_baseline", "color": "#444444"}
    axes.text(left + COLUMN_WIDTH - 0.06, trap, call["notebook"][:2], **number)


def make_pdf(sections):
    """Return the bytes of the page as PDF, without a date and without compression.

    Uncompressed, they do not depend on the version of zlib.
    """
    stream = io.BytesIO()
    nothing = {"Creator": None, "Producer": None, "CreationDate": None}
    with matplotlib.rc_context({"pdf.compression": 0}):
        metadata = {"Title": TITLE, **nothing}
        draw(sections).savefig(stream, format="pdf", metadata=metadata)
    return stream.getvalue()


def make_png(sections):
    """Return the bytes of the page as PNG."""
    stream = io.BytesIO()
    options = {"dpi": DOTS_PER_INCH, "metadata": {"Software": None}}
    draw(sections).savefig(stream, format="png", **options)
    return stream.getvalue()


def main():
    """Write both files."""
    sections = read_sections()
    PDF.write_bytes(make_pdf(sections))
    PNG.write_bytes(make_png(sections))


if __name__ == "__main__":
    main()
