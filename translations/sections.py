"""What the headings of the notebooks are called in both languages."""

import re

from translations.edition import Edition, Source
from translations.facts import headings

# "[04](04_train_further.ipynb), *Evaluate and predict*".
SECTION = re.compile(
    r"\]\((?P<target>(?:[^)]*/)?(?P<name>\d\d_\w+)\.ipynb)\), \*(?P<text>[^*\n]+)\*"
)


class Sections:
    """The translated headings of an edition's notebooks, as far as they are up to date."""

    def __init__(self, edition: Edition) -> None:
        """Read them."""
        self.english_titles: dict[str, str] = {}
        self._headings: dict[tuple[str, str], str] = {}
        for source in edition.sources():
            if source.is_notebook:
                self._read(source)

    def _read(self, source: Source) -> None:
        translated = {piece.key: piece for piece in source.translated()}
        pieces = source.pieces()
        self.english_titles[source.name] = headings(pieces[0].english)[0].text
        for piece in pieces:
            found = translated.get(piece.key)
            if found is None or found.fingerprint != piece.fingerprint:
                continue
            pairs = zip(headings(piece.english), headings(found.text), strict=False)
            for english, heading in pairs:
                self._headings[source.name, english.text] = heading.text

    def heading(self, notebook: str, english: str) -> str:
        """Return a heading's translation; empty if it is not translated."""
        return self._headings.get((notebook, english), "")

    def translate_references(self, text: str) -> str:
        """Translate the sections that are named behind links, and the commas between them."""

        def translated(found: re.Match[str]) -> str:
            heading = self.heading(found["name"], found["text"])
            if not heading:
                return found[0]
            return f"]({found['target']})，*{heading}*"

        return SECTION.sub(translated, text).replace("*; [", "*\uff1b[")
