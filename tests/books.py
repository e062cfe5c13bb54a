"""Notebooks for tests of rules: those of the course, and one that is made of two cells."""

from pathlib import Path

from tests.gate.rules import Book

from nbformat import v4

COURSE = Path(__file__).parent.parent
BOOKS = [Book(path, {}) for path in sorted((COURSE / "notebooks").glob("*.ipynb"))]


def made_book(tmp_path, text, source, printed):
    """Store a cell of text and one of code in a folder, and return them as a `Book`."""
    cell = v4.new_code_cell(source)
    cell.outputs = [v4.new_output("stream", name="stdout", text=printed)]
    notebook = v4.new_notebook(cells=[v4.new_markdown_cell(text), cell])
    path = tmp_path / "01_save.ipynb"
    path.write_text(v4.writes(notebook), encoding="utf-8")
    return Book(path, {})
