"""Pictures are shown as one JPEG, each under its name, and no figure stays open."""

import io

import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter
from PIL import Image, JpegImagePlugin


@pytest.fixture
def draw(module, plt, monkeypatch):
    """Draw pictures, and return the figure and what a notebook would store of it."""
    drawing = module("helpers.painting.drawing")
    notebook = DisplayFormatter()
    # This is how a notebook comes to show every figure as PNG.
    notebook.formatters["image/png"].for_type(plt.Figure, lambda figure: b"a PNG")

    def draw(pictures, columns):
        shown = []
        monkeypatch.setattr(
            drawing, "display", lambda figure, **options: shown.append((figure, options))
        )
        drawing.draw_pictures(pictures, columns)
        [(figure, options)] = shown
        return figure, notebook.format(figure, **options)

    return draw


def picture(colour, shape=(40, 60)):
    return np.full((*shape, 3), colour, np.float32)


def test_each_picture_is_drawn_under_its_name_in_rows(draw, plt):
    pictures = {name: picture(value) for name, value in [("a", 0.0), ("b", 0.5), ("c", 1.0)]}
    figure, _ = draw(pictures, columns=2)
    assert [axes.get_title() for axes in figure.axes] == ["a", "b", "c"]
    for axes, value in zip(figure.axes, pictures.values(), strict=True):
        [image] = axes.get_images()
        assert np.array_equal(image.get_array(), value)
    rows = [round(axes.get_position().y0, 2) for axes in figure.axes]
    assert rows[0] == rows[1] > rows[2]
    assert plt.get_fignums() == [], "a notebook would show it again"


def test_what_is_out_of_range_is_drawn_as_black_or_white(draw):
    figure, _ = draw({"dark": picture(-2.0), "light": picture(3.0)}, columns=2)
    drawn = [axes.get_images()[0].get_array().mean() for axes in figure.axes]
    assert drawn == [0, 1]


def test_it_is_stored_as_a_jpeg_with_fine_colours_and_a_text_for_those_who_cannot_see(draw):
    """Red next to blue: with colours at half the size, the seam would be purple."""
    halves = np.zeros((100, 100, 3), np.float32)
    halves[:, :50, 0] = 1
    halves[:, 50:, 2] = 1
    _, (data, metadata) = draw({"Red and blue": halves}, columns=1)
    assert sorted(data) == ["image/jpeg", "text/plain"]
    assert metadata["image/jpeg"] == {"alt": "Pictures: Red and blue"}
    stored = Image.open(io.BytesIO(data["image/jpeg"]))
    assert stored.format == "JPEG"
    assert JpegImagePlugin.get_sampling(stored) == 0, "4:4:4"
    pixels = np.asarray(stored.convert("RGB"), float)
    seams = np.abs(pixels - [255, 0, 0]).sum(axis=2) < 60
    assert seams.mean() > 0.3
