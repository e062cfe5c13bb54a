"""The picture of the flatten order: each number has its place in both rows, and its colour."""

import numpy as np
import pytest
from matplotlib.colors import to_hex


@pytest.fixture
def drawing(module, plt):
    return module("helpers.exchange.drawing")


def test_a_pixel_is_named_by_its_channel_and_its_place(drawing):
    names = drawing.name_pixels(height=2, width=3, channels=2)
    assert names.shape == (2, 3, 2)
    assert names[:, :, 0].tolist() == [["a1", "a2", "a3"], ["a4", "a5", "a6"]]
    assert names[1, 2].tolist() == ["a6", "b6"]


def test_the_two_rows_have_the_orders_of_pytorch_and_of_keras(drawing, plt, keras):
    drawing.draw_flatten_orders(height=2, width=3, channels=2)
    texts = [text.get_text() for text in plt.gca().texts]
    torch, flat = texts.index("PyTorch flattens"), texts.index("Keras flattens")
    assert " ".join(texts[torch + 1 : flat]) == "a1 a2 a3 a4 a5 a6 b1 b2 b3 b4 b5 b6"

    # Keras' own layer puts numbers in the order of the second row.
    names = drawing.name_pixels(height=2, width=3, channels=2)
    places = np.arange(names.size).reshape(1, *names.shape)
    order = np.asarray(keras.layers.Flatten()(places)).astype(int)[0]
    assert texts[flat + 1 :] == names.ravel()[order].tolist()
    assert texts[flat + 1 : flat + 5] == ["a1", "b1", "a2", "b2"]


def test_each_cell_has_the_colour_of_its_channel(drawing, plt):
    drawing.draw_flatten_orders(height=1, width=2, channels=3)
    axes = plt.gca()
    names = [text.get_text() for text in axes.texts if len(text.get_text()) == 2]
    colours = [to_hex(cell.get_facecolor()).upper() for cell in axes.patches]
    assert len(names) == len(colours) == 3 * 6
    for name, colour in zip(names, colours, strict=True):
        assert colour == drawing.COLOURS["abc".index(name[0])]


def test_all_cells_lie_inside_the_picture(drawing, plt):
    drawing.draw_flatten_orders(height=2, width=3, channels=3)
    axes = plt.gca()
    lowest, highest = axes.get_ylim()
    leftmost, rightmost = axes.get_xlim()
    for cell in axes.patches:
        assert leftmost <= cell.get_x() <= cell.get_x() + cell.get_width() <= rightmost
        assert lowest <= cell.get_y() <= cell.get_y() + cell.get_height() <= highest
