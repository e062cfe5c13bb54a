"""Faults in what a notebook stores: its texts, its pictures and their facts, its properties."""

import base64
import io
import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.faults.code import shortened
from tests.faults.fault import Edit, Fault
from tests.gate import figure_facts, outputs, pictures

import nbformat
import numpy as np
from nbformat import NotebookNode
from nbformat.v4 import new_output
from PIL import Image

COURSE = Path(__file__).parent.parent.parent
SQUARE = 12  # pixels
WIDGET = {outputs.WIDGET: {"model_id": "1", "version_major": 2, "version_minor": 0}}

Change = Callable[[NotebookNode], None]


def edited(change: Change) -> Edit:
    """Turn a change of a notebook into a change of its file's text."""

    def edit(text: str) -> str:
        notebook = nbformat.reads(text, as_version=4)
        change(notebook)
        return nbformat.writes(notebook) + "\n"

    return edit


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """The code cells, numbered as the gate numbers them."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def name_of(cell: NotebookNode) -> str:
    """A cell's first line of code that is no import and no comment, to name it in a fault."""
    lines = [line.strip() for line in cell.source.split("\n")]
    telling = [line for line in lines if line and not line.startswith(("#", "import ", "from "))]
    return shortened((telling or lines)[0])


def plant_texts(path: str, notebook: NotebookNode) -> Iterator[Fault]:
    """For each text that a cell printed: one character changed, a line added, all deleted."""
    sanitize = outputs.read_sanitizer(COURSE / "tests" / "sanitize.cfg")
    for number, cell in enumerate(code_cells(notebook)):
        for place, output in enumerate(cell.outputs):
            text = text_of(output)
            if text is None:
                continue
            changed = with_other_character(text, sanitize)
            if changed is not None:
                what = f"a character of the output of `{name_of(cell)}`"
                yield Fault("text", path, what, edited(new_text(number, place, changed)), number)
            added = f"{text.rstrip()}\nand one line more\n"
            what = f"a line more in the output of `{name_of(cell)}`"
            yield Fault("text", path, what, edited(new_text(number, place, added)), number)
            what = f"no output of `{name_of(cell)}`"
            yield Fault("text", path, what, edited(without_output(number, place)), number)


def text_of(output: NotebookNode) -> str | None:
    """The text of an output that is no picture."""
    if output.output_type == "stream":
        return output.text
    data = output.get("data", {})
    is_text = "text/plain" in data and not set(data) & {*pictures.FORMATS, outputs.WIDGET}
    return data["text/plain"] if is_text else None


def with_other_character(text: str, sanitize: Callable[[str], str]) -> str | None:
    """Change the first digit of one number, or a letter where there is no number to change.

    What every run changes, and the tests therefore leave out, is not touched.
    """
    rng = random.Random(text)
    places = [match.start() for match in re.finditer(r"(?<![\d.])\d", text)]
    rng.shuffle(places)
    letters = [match.start() for match in re.finditer(r"[A-Za-z]", text)]
    rng.shuffle(letters)
    for place in places + letters:
        changed = text[:place] + other_character(text[place]) + text[place + 1 :]
        if sanitize(changed) != sanitize(text):
            return changed
    return None


def other_character(character: str) -> str:
    """A digit for a digit, five further on, a letter for a letter."""
    if character.isdigit():
        return str((int(character) + 5) % 10)
    return "b" if character == "a" else "a"


def new_text(number: int, place: int, text: str) -> Change:
    """Store another text in one output of a cell."""

    def change(notebook: NotebookNode) -> None:
        output = code_cells(notebook)[number].outputs[place]
        if output.output_type == "stream":
            output.text = text
        else:
            output.data["text/plain"] = text

    return change


def without_output(number: int, place: int) -> Change:
    """Delete one output of a cell."""

    def change(notebook: NotebookNode) -> None:
        del code_cells(notebook)[number].outputs[place]

    return change


def plant_pictures(path: str, notebook: NotebookNode) -> Iterator[Fault]:
    """For each picture: a colour changed, a square painted, its facts changed, all deleted."""
    for number, cell in enumerate(code_cells(notebook)):
        for place, output in enumerate(cell.outputs):
            kinds = [kind for kind in pictures.FORMATS if kind in output.get("data", {})]
            if not kinds:
                continue
            varies = set(pictures.VARIES) & set(cell.metadata.get("tags", []))
            name = f"the {'varying ' if varies else ''}picture of `{name_of(cell)}`"
            changes = {
                f"the main colour of {name}": new_pixels(number, place, kinds[0], recoloured),
                f"a square of {SQUARE} pixels in {name}": new_pixels(
                    number, place, kinds[0], with_square
                ),
                f"without {name}": without_output(number, place),
            }
            facts = output.get("metadata", {}).get(figure_facts.KEY)
            for what, other in other_facts(facts) if facts else []:
                changes[f"{what}, in the facts of {name}"] = new_facts(number, place, other)
            for what, change in changes.items():
                yield Fault("picture", path, what, edited(change), number)


def new_pixels(number: int, place: int, mime: str, repaint: Callable) -> Change:
    """Store a picture with other pixels in one output of a cell."""

    def change(notebook: NotebookNode) -> None:
        data = code_cells(notebook)[number].outputs[place].data
        pixels = np.array(pictures.decode(data[mime]), dtype=np.uint8)
        data[mime] = encoded(repaint(pixels), mime)

    return change


def encoded(pixels: np.ndarray, mime: str) -> str:
    """A picture of shape (rows, columns, 3), uint8, as a notebook stores it."""
    stream = io.BytesIO()
    options = {"quality": 90, "subsampling": 0} if mime == "image/jpeg" else {}
    Image.fromarray(pixels).save(stream, mime.removeprefix("image/"), **options)
    return base64.b64encode(stream.getvalue()).decode()


def recoloured(pixels: np.ndarray) -> np.ndarray:
    """Turn the commonest colour that is no grey, and what is near it, into another colour."""
    coarse = pixels // 32
    spread = pixels.max(axis=2).astype(int) - pixels.min(axis=2)
    colourful = spread > 60
    if not colourful.any():
        return 255 - pixels
    found, counts = np.unique(coarse[colourful], axis=0, return_counts=True)
    commonest = (coarse == found[counts.argmax()]).all(axis=2) & colourful
    changed = pixels.copy()
    changed[commonest] = changed[commonest][:, [1, 2, 0]]
    return changed


def with_square(pixels: np.ndarray) -> np.ndarray:
    """Paint a square in the opposite colours, a third of the way from the upper left corner."""
    changed = pixels.copy()
    top, left = pixels.shape[0] // 3, pixels.shape[1] // 3
    square = changed[top : top + SQUARE, left : left + SQUARE]
    changed[top : top + SQUARE, left : left + SQUARE] = (square.astype(int) + 128) % 256
    return changed


def other_facts(facts: dict) -> Iterator[tuple[str, dict]]:
    """Yield other facts about a figure, each with one thing changed in the facts of its axes."""
    changes = {
        "two colours swapped": swap_colours,
        "two labels swapped in the legend": swap_labels,
        "a moved curve": move_curve,
        "another text": change_text,
        "a text in another colour": recolour_text,
        "another style": change_style,
    }
    for number in range(len(facts["axes"])):
        for what, change in changes.items():
            other = copied(facts)
            change(other["axes"][number])
            if other != facts:
                yield f"{what} of axes {number + 1}", other


def swap_colours(axes: dict) -> None:
    """Give the first series the colours of another one, and that one the first's."""
    coloured = [series for series in axes["series"] if series.get("colours")]
    others = [series for series in coloured if series["colours"] != coloured[0]["colours"]]
    if others:
        first, second = coloured[0], others[0]
        first["colours"], second["colours"] = second["colours"], first["colours"]


def swap_labels(axes: dict) -> None:
    """Let the last two entries of the legend change their labels, but not their colours."""
    places = [place for place, entry in enumerate(axes["legend"]) if entry.startswith("#")]
    if len(places) < 2:
        return
    one, other = places[-2:]
    colour, label = axes["legend"][one].split(" ", 1)
    other_colour, other_label = axes["legend"][other].split(" ", 1)
    axes["legend"][one] = f"{colour} {other_label}"
    axes["legend"][other] = f"{other_colour} {label}"


def move_curve(axes: dict) -> None:
    """Move the end of the first curve far away."""
    curves = [series for series in axes["series"] if series.get("y")]
    if curves:
        *heights, last = curves[0]["y"].split(" ")
        curves[0]["y"] = " ".join([*heights, f"{2 * float(last) + 1:.3g}"])


def change_text(axes: dict) -> None:
    """Make the first text another one."""
    if axes["texts"]:
        axes["texts"][0] += "s"


def recolour_text(axes: dict) -> None:
    """Give the first text a colour that no figure has."""
    if axes["text_colours"]:
        _, *others = axes["text_colours"].split(" ")
        axes["text_colours"] = " ".join(["#ff0000", *others])


def change_style(axes: dict) -> None:
    """Give the first series with a style another one."""
    styled = [series for series in axes["series"] if series.get("style")]
    if styled:
        styled[0]["style"] += "!"


def copied(facts: dict) -> dict:
    """A copy that shares nothing."""
    return json.loads(json.dumps(facts))


def new_facts(number: int, place: int, facts: dict) -> Change:
    """Store other facts about the figure in one output of a cell."""

    def change(notebook: NotebookNode) -> None:
        code_cells(notebook)[number].outputs[place].metadata[figure_facts.KEY] = facts

    return change


def plant_properties(path: str, notebook: NotebookNode) -> Iterator[Fault]:
    """Store what a clean run does not store, or leave out what the form of a notebook asks for."""
    for what, change in property_changes(notebook).items():
        yield Fault("property", path, what, edited(change))


def property_changes(notebook: NotebookNode) -> dict[str, Change]:
    """The changes, by their names. Where a cell is needed, it is one in the middle."""
    cells = notebook.cells
    code = [place for place, cell in enumerate(cells) if cell.cell_type == "code"]
    middle = code[len(code) // 2]
    text = next(place for place in code if cells[place].outputs)
    changes = {
        "a cell without an execution count": in_cell(middle, set_key("execution_count", None)),
        "a cell that ran twice": in_cell(middle, set_key("execution_count", len(code) + 1)),
        "stderr in a cell": in_cell(
            text, add_output(new_output("stream", name="stderr", text="a warning\n"))
        ),
        "an error in a cell": in_cell(
            text, add_output(new_output("error", ename="E", evalue="e", traceback=[]))
        ),
        "a widget in a cell": in_cell(
            text, add_output(new_output("display_data", {**WIDGET, "text/plain": "0%"}))
        ),
        "a path of a machine in an output": in_cell(
            text, add_output(new_output("stream", name="stdout", text="/home/ada/course\n"))
        ),
        "the state of widgets": lambda notebook: notebook.metadata.update(widgets={}),
        "a version of Python": lambda notebook: notebook.metadata.language_info.update(
            version="3.11.7"
        ),
        "the times of a run": in_cell(middle, set_metadata("execution", {})),
        "a tag that nbval obeys": in_cell(middle, add_tag("nbval-ignore-output")),
        "a tag that lets a cell fail": in_cell(middle, add_tag("raises-exception")),
        "a comment that nbval obeys": in_cell(middle, add_source("# NBVAL_SKIP\n")),
        "a link to a notebook that is not there": in_cell(0, add_source("[0](00_none.ipynb)\n")),
    }
    for place, cell in enumerate(cells):
        name = f"`{name_of(cell)}`" if cell.cell_type == "code" else ""
        tags = cell.metadata.get("tags", [])
        if "jupyter" in cell.metadata:
            changes[f"not collapsed: {name}"] = in_cell(place, without_metadata("jupyter"))
        for tag in tags:
            changes[f"without the tag {tag}: {name}"] = in_cell(place, without_tag(tag))
        follows_picture = place > 0 and has_picture(cells[place - 1])
        if follows_picture and cell.cell_type == "markdown":
            what = f"no caption: {shortened(cell.source)}"
            changes[what] = in_cell(place, set_key("source", "Here it is."))
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            heading = cell.source.split("\n")[0]
            changed = cell.source.replace(heading, f"{heading}, again", 1)
            changes[f"another heading: {heading}"] = in_cell(place, set_key("source", changed))
        if "alt" in json.dumps(alt_texts(cell)):
            changes[f"no alt text: {name}"] = in_cell(place, without_alt_texts)
    return changes


def has_picture(cell: NotebookNode) -> bool:
    """Tell whether a cell has stored a picture."""
    return any(set(pictures.FORMATS) & set(out.get("data", {})) for out in cell.get("outputs", []))


def alt_texts(cell: NotebookNode) -> list[dict]:
    """What the metadata of a cell's outputs say of their pictures."""
    found = []
    for output in cell.get("outputs", []):
        metadata = output.get("metadata", {})
        found += [metadata[mime] for mime in pictures.FORMATS if mime in metadata]
    return found


def without_alt_texts(cell: NotebookNode) -> None:
    """Delete the alt texts of a cell's pictures."""
    for entry in alt_texts(cell):
        entry.pop("alt", None)


def in_cell(place: int, change: Change) -> Change:
    """Apply a change of a cell to the cell with this number among all cells."""
    return lambda notebook: change(notebook.cells[place])


def set_key(key: str, value: object) -> Change:
    """Give a cell another value under a key."""
    return lambda cell: cell.update({key: value})


def add_output(output: NotebookNode) -> Change:
    """Give a cell one output more."""
    return lambda cell: cell.outputs.append(output)


def add_source(line: str) -> Change:
    """Put a line in front of a cell's source; in a cell of text, behind it."""

    def change(cell: NotebookNode) -> None:
        is_code = cell.cell_type == "code"
        cell.source = line + cell.source if is_code else f"{cell.source}\n\n{line}"

    return change


def set_metadata(key: str, value: object) -> Change:
    """Give a cell's metadata another value under a key."""
    return lambda cell: cell.metadata.update({key: value})


def without_metadata(key: str) -> Change:
    """Delete a key of a cell's metadata."""
    return lambda cell: cell.metadata.pop(key)


def add_tag(tag: str) -> Change:
    """Give a cell one tag more."""
    return lambda cell: cell.metadata.update(tags=[*cell.metadata.get("tags", []), tag])


def without_tag(tag: str) -> Change:
    """Take a tag from a cell."""
    return lambda cell: cell.metadata.tags.remove(tag)
