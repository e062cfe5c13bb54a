"""Which file, which recipe: make the page and the figure from the table ``which_file.toml``.

``python -m tests.which_file`` writes ``notebooks/which_file.md`` and its picture. The test of the
same name compares both with the table, and the table with the notebooks.
"""

import hashlib
import io
import tomllib
from pathlib import Path

from helpers.draw import COLOURS, DARK_GREY

import matplotlib.style
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.text import Text
from PIL import Image

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
TABLE = Path(__file__).with_suffix(".toml")
PAGE = NOTEBOOKS / "which_file.md"
PICTURE = NOTEBOOKS / "images" / "which_file.png"
NOTE = "Description"  # the name of the note in the picture

CAPTION = (
    "Four answers, each in a colour of its own, lead to a kind of file or to a first step. Beside "
    "it stand what will be missing, and the number of the notebook that explains it."
)
INTRODUCTION = f"""\
# Which file, which recipe?

Begin with what you want back. The figure shows the choices that most people need, and the table \
below has all of them, with the lines to type.

![{CAPTION}](images/which_file.png)

*{CAPTION}*

| You have | You want | Call | What is missing | Taught in, recipe to copy |
|---|---|---|---|---|
"""
END = """
A recipe is a file that works when you copy it alone to a place beside your program. Put your own \
paths and variables into the calls. Each of them stands in a cell of the notebook that teaches it.

Two tables go into every detail. [12: Save more than the weights](12_more_than_weights.ipynb) \
tries pieces of state with three kinds of files. \
[11: Bring a TensorFlow 1 checkpoint to today, and back](11_migrate.ipynb) tries 36 pairs of a \
file and a reader.
"""

# The measures of the figure, in inches, and its letters, in points.
WIDTH = 14.0
ROW = 0.62
GROUP_GAP = 0.3
TOP = 0.75
BOX = 0.46
LEADS, CHOICES, FILES, GONE, NUMBERS = 0.15, 3.7, 7.2, 9.95, 13.45  # left edges
LEAD_WIDTH = 2.75
FILE_WIDTH = 2.6
LARGE, MEDIUM, SMALL = 22, 16, 14
GROUP_COLOURS = (COLOURS[2], COLOURS[0], COLOURS[3], DARK_GREY)


def read_groups():
    """Read the groups of choices, as the table has them."""
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))["group"]


def drawn_choices(group):
    """Return the choices of a group that are in the figure."""
    return [choice for choice in group["choice"] if "short" in choice]


# The page


def make_page(groups):
    """Return the text of the page."""
    lines = []
    for group in groups:
        lines.append(f"| **{group['name']}** | | | | |")
        lines += [_row(choice) for choice in group["choice"]]
    return INTRODUCTION + "\n".join(lines) + "\n" + END


def _row(choice):
    calls = "<br>".join(f"`{call}`" for call in choice["calls"])
    gone = "; ".join(one["what"] for one in choice["gone"])
    cells = [choice["have"], _want(choice), calls, gone, _places(choice)]
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")


def _want(choice):
    if "kept" not in choice:
        return choice["want"]
    return f"{choice['want']} ({', '.join(choice['kept'])})"


def _places(choice):
    """Return the heading that teaches a choice, and the recipe if there is one, as links."""
    notebook = choice["notebook"]
    taught = f"[{notebook[:2]}]({notebook}.ipynb), *{choice['heading']}*"
    if "recipe" not in choice:
        return taught
    path = Path(choice["recipe"])
    name = path.parent.name if path.name == "__init__.py" else path.name
    return f"{taught}<br>[`{name}`](../helpers/{path.as_posix()})"


# The figure


def draw(groups):
    """Draw the choices as a tree that is read from left to right; return the figure."""
    rows = sum(len(drawn_choices(group)) for group in groups)
    height = TOP + ROW * rows + GROUP_GAP * (len(groups) - 1) + 0.15
    with matplotlib.style.context("default"):
        figure = Figure(figsize=(WIDTH, height), dpi=100, facecolor="white")
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, WIDTH), ylim=(-height, 0))
        axes.axis("off")
        heads = {LEADS: "What do you want?", FILES: "Take", GONE: "Missing", NUMBERS: "See"}
        for left, head in heads.items():
            axes.text(left, -TOP / 2, head, size=MEDIUM, weight="bold", va="center")
        top = -TOP
        for group, colour in zip(groups, GROUP_COLOURS, strict=True):
            choices = drawn_choices(group)
            _draw_group(axes, group["lead"], choices, top, colour)
            top -= ROW * len(choices) + GROUP_GAP
    return figure


def _draw_group(axes, lead, choices, top, colour):
    height = ROW * len(choices)
    _draw_box(axes, LEADS, top - height + 0.06, LEAD_WIDTH, height - 0.12, colour, 0.2)
    middle = top - height / 2
    centre = LEADS + LEAD_WIDTH / 2
    centred = {"ha": "center", "va": "center"}
    axes.text(centre, middle, lead, size=LARGE, weight="bold", **centred)
    for number, choice in enumerate(choices):
        y = top - ROW * (number + 0.5)
        start = LEADS + LEAD_WIDTH
        axes.plot([start, CHOICES - 0.1], [middle, y], color=colour, lw=3)
        _draw_choice(axes, choice, y, colour)


def _draw_choice(axes, choice, y, colour):
    axes.text(CHOICES, y, choice["short"], size=MEDIUM, va="center")
    _draw_box(axes, FILES, y - BOX / 2, FILE_WIDTH, BOX, colour, 0.0)
    name = choice.get("file", choice.get("act"))
    style = {"weight": "bold"} if "file" in choice else {"style": "italic"}
    centred = {"ha": "center", "va": "center"}
    axes.text(FILES + FILE_WIDTH / 2, y, name, size=MEDIUM, **centred, **style)
    axes.text(GONE, y, note_of(choice), size=SMALL, va="center")
    axes.text(NUMBERS, y, choice["notebook"][:2], size=MEDIUM, weight="bold", va="center")


def note_of(choice):
    """Return what the figure says of a choice: the most important of what is not in the file."""
    return ", ".join(one["short"] for one in choice["gone"] if "short" in one)


def _draw_box(axes, left, bottom, width, height, colour, tint):
    style = "round,pad=0,rounding_size=0.1"
    face = to_rgba(colour, tint)
    box = FancyBboxPatch((left, bottom), width, height, style, fc=face, ec=colour, lw=2.5)
    axes.add_patch(box)


def make_picture(groups):
    """Return the bytes of the picture, which are the same each time."""
    stream = io.BytesIO()
    figure = draw(groups)
    note = {"Software": None, NOTE: words_of(figure)}
    figure.savefig(stream, format="png", metadata=note)
    return stream.getvalue()


def words_of(figure):
    """Return a hash of all that the figure says, which the picture holds as a note."""
    said = [text.get_text() for text in figure.findobj(Text)]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


def stored_words():
    """Return the note of the stored picture."""
    with Image.open(PICTURE) as picture:
        return picture.text[NOTE]


def main():
    """Write the page and the picture."""
    groups = read_groups()
    PAGE.write_text(make_page(groups), encoding="utf-8", newline="\n")
    PICTURE.write_bytes(make_picture(groups))


if __name__ == "__main__":
    main()
