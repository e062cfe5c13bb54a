"""The social card: the picture that other sites show beside a link to the course."""

import textwrap
from pathlib import Path

from matplotlib import image
from matplotlib.figure import Figure

SIZE = (1200, 630)  # pixels, the shape that most sites ask for
DOTS_PER_INCH = 100
DARK = "#1f2933"
BLUE = "#0072b2"  # one of Okabe and Ito's colours


def draw_card(title: str, picture: Path, card: Path) -> None:
    """Draw the title above a picture, and write it as a PNG file.

    Args:
        title: one line, up to about 60 letters.
        picture: a PNG file, which keeps its proportions.
        card: the file to write; its folder exists.
    """
    width, height = SIZE
    figure = Figure(figsize=(width / DOTS_PER_INCH, height / DOTS_PER_INCH), dpi=DOTS_PER_INCH)
    lines = textwrap.wrap(title, width=40)
    figure.text(0.05, 0.93, "\n".join(lines), fontsize=30, weight="bold", color=DARK, va="top")
    figure.text(0.05, 0.06, "A course in Jupyter notebooks", fontsize=20, color=BLUE)
    axes = figure.add_axes((0.05, 0.15, 0.9, 0.64))
    axes.imshow(image.imread(picture))
    axes.axis("off")
    figure.savefig(card)
