"""A made notebook, to try rules on: one cell of text, and one of code that prints something."""

from tests.gate.rules import Book

from nbformat import v4


def made_book(tmp_path, text, source, printed):
    """Store a notebook in a folder, and return it as a `Book`."""
    cell = v4.new_code_cell(source)
    cell.outputs = [v4.new_output("stream", name="stdout", text=printed)]
    notebook = v4.new_notebook(cells=[v4.new_markdown_cell(text), cell])
    path = tmp_path / "01_save.ipynb"
    path.write_text(v4.writes(notebook), encoding="utf-8")
    return Book(path, {})
