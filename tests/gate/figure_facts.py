"""Facts about a figure that survive another processor: its texts, its colours, its curves.

The pixels of a chart vary with the training behind them. What is exact about it is recorded when it
is displayed, in the metadata of the output, where a reader does not meet it:
``{"texts", "legend", "axes": [{"texts", "text_colours", "legend", "series"}]}``. Numbers and
colours are written in one text each, because a stored list takes a line for each number.

This file runs inside a notebook's kernel, so it imports nothing of the course, and matplotlib only
once there is a figure.
"""

from IPython.core.formatters import MimeBundleFormatter

KEY = "figure"
# A series is summed up by the means of so many parts of equal length. Fewer points are kept as
# they are.
PARTS = 8


class FigureFactsFormatter(MimeBundleFormatter):
    """IPython's own formatter, which adds the facts to the metadata of a matplotlib figure."""

    def __call__(self, obj, include=None, exclude=None):
        data, metadata = super().__call__(obj, include=include, exclude=exclude)
        if is_figure(obj):
            metadata = {**metadata, KEY: facts_of(obj)}
        return data, metadata


def record_figures(shell):
    """From now on, record the facts about each figure that this shell displays."""
    display = shell.display_formatter
    formatter = FigureFactsFormatter(parent=display)
    plain = display.mimebundle_formatter
    formatter.type_printers.update(plain.type_printers)
    formatter.deferred_printers.update(plain.deferred_printers)
    display.mimebundle_formatter = formatter


def is_figure(thing):
    """Tell whether it is a matplotlib figure, without importing matplotlib."""
    kinds = type(thing).__mro__
    return any(kind.__module__ == "matplotlib.figure" for kind in kinds)


def facts_of(figure):
    """Return the facts about a figure, of types that JSON has."""
    return {
        "texts": texts_of(figure.texts),
        "legend": [entry for legend in figure.legends for entry in entries_of(legend)],
        "axes": [facts_of_axes(axes) for axes in figure.axes],
    }


def facts_of_axes(axes):
    legend = axes.get_legend()
    titles = [axes.get_title(loc=place) for place in ("left", "center", "right")]
    labels = [axes.get_xlabel(), axes.get_ylabel()]
    ticks = fixed_labels(axes.xaxis) + fixed_labels(axes.yaxis)
    texts = [*titles, *labels, *ticks, *texts_of(axes.texts)]
    return {
        "texts": [text for text in texts if text],
        "text_colours": colours_of_texts(axes),
        "legend": entries_of(legend) if legend else [],
        "series": series_of(axes),
    }


def colours_of_texts(axes):
    """Return the colour that the titles and texts in the axes have, or that of each of them."""
    from matplotlib import colors, text

    texts = [child for child in axes.get_children() if isinstance(child, text.Text)]
    colours = [colors.to_hex(text.get_color()) for text in texts if text.get_text()]
    return one_or_each(colours)


def texts_of(artists):
    return [artist.get_text() for artist in artists if artist.get_text()]


def entries_of(legend):
    """Return the title of a legend, if it has one, and each entry's colours and label."""
    title = legend.get_title().get_text()
    entries = [title] if title else []
    for handle, text in zip(legend.legend_handles, legend.get_texts(), strict=True):
        entries.append(f"{colours_of(handle)} {text.get_text()}")
    return entries


def fixed_labels(axis):
    """Return the tick labels that the program has set; those that follow the data vary."""
    from matplotlib import category, ticker

    locator = axis.get_major_locator()
    formatter = axis.get_major_formatter()
    if isinstance(locator, category.StrCategoryLocator):
        places = locator.tick_values(None, None)
    elif isinstance(locator, ticker.FixedLocator):
        places = locator.locs
    else:
        return []
    if isinstance(formatter, ticker.ScalarFormatter):
        return [f"{place:g}" for place in places]
    return [formatter(place, number) for number, place in enumerate(places)]


def series_of(axes):
    """Return what is drawn from numbers: lines, bars, points, areas and images."""
    found = []
    for line in axes.lines:
        x, y = line.get_xdata(orig=False), line.get_ydata(orig=False)
        found.append(series("line", line, axes, x, y))
    for container in axes.containers:
        bars = [bar for bar in container if hasattr(bar, "get_height")]
        if bars:
            x = [bar.get_x() + bar.get_width() for bar in bars]
            y = [bar.get_y() + bar.get_height() for bar in bars]
            facts = series("bars", bars[0], axes, x, y, label=container.get_label())
            found.append({**facts, "colours": one_or_each([colours_of(bar) for bar in bars])})
    for collection in axes.collections:
        kind = type(collection).__name__
        places = collection.get_offsets() if kind == "PathCollection" else ()
        x = [float(place[0]) for place in places]
        y = [float(place[1]) for place in places]
        found.append(series(kind, collection, axes, x, y))
    for image in axes.images:
        rows, columns = image.get_array().shape[:2]
        found.append({"kind": "image", "rows": rows, "columns": columns})
    return found


def series(kind, artist, axes, x, y, label=None):
    x, y = in_order(x, y)
    name = str(artist.get_label() if label is None else label)
    return {
        "kind": kind,
        "label": "" if name.startswith("_") else name,
        "colours": colours_of(artist),
        "style": style_of(artist),
        "points": len(x),
        "x": parts(x, axes.xaxis),
        "y": parts(y, axes.yaxis),
    }


def in_order(x, y):
    """Return the numbers as arrays: a curve as it is, a cloud of points sorted."""
    import numpy as np

    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    is_cloud = len(x) > PARTS and not np.all(np.diff(x) >= 0)
    return (np.sort(x), np.sort(y)) if is_cloud else (x, y)


def parts(values, axis):
    """Return the means of equal parts of the values, in the axis's own scale, to three digits."""
    import numpy as np

    with np.errstate(all="ignore"):
        values = axis.get_transform().transform(values)
    if len(values) == 0:
        return ""
    pieces = np.array_split(values, min(PARTS, len(values)))
    return " ".join(f"{piece.mean():.3g}" for piece in pieces)


def colours_of(artist):
    """Return the colours of a line, a bar, points or an area in a text, each as ``#rrggbb``."""
    from matplotlib.colors import to_hex, to_rgba_array

    raw = artist.get_color() if hasattr(artist, "get_color") else artist.get_facecolor()
    rows = to_rgba_array(raw)
    if len(rows) == 0:  # nothing is filled
        rows = to_rgba_array(artist.get_edgecolor())
    colours = list(dict.fromkeys(to_hex(row) for row in rows))
    return " ".join(colours) if len(colours) <= PARTS else f"{len(colours)} colours"


def one_or_each(colours):
    """Return the colour that all have, or a text with that of each one in their order."""
    return colours[0] if len(set(colours)) == 1 else " ".join(colours)


def style_of(artist):
    """Return how a line is dashed and its marker, or how many corners the points have."""
    if hasattr(artist, "get_marker"):
        return f"{artist.get_linestyle()} {artist.get_marker()}"
    if type(artist).__name__ == "PathCollection":
        corners = [str(len(path.vertices)) for path in artist.get_paths()]
        return f"{' '.join(corners)} corners"
    return ""
