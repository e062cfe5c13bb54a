"""The edition of the course in one language: which texts there are, and where they are built."""

import tomllib
from pathlib import Path
from typing import NamedTuple

from translations import texts
from translations.texts import Piece, Translated

COURSE = Path(__file__).resolve().parent.parent
GUIDE = "README.md"  # beside the translations, for translators
ROOT_DOCUMENTS = ("README", "TEACHING")


class Source(NamedTuple):
    """A text of the course, and its translation.

    Attributes:
        name: that of the file, without its ending.
        english: the path of the English text.
        translation: the path of the translation, which need not exist.
        built: the path of what is built; None if the translation is read as it is.
    """

    name: str
    english: Path
    translation: Path
    built: Path | None

    @property
    def is_notebook(self) -> bool:
        """Whether it is a notebook, and not another document."""
        return self.english.suffix == ".ipynb"

    def pieces(self) -> list[Piece]:
        """Return the pieces of the English text."""
        if self.is_notebook:
            return texts.pieces_of_notebook(self.english)
        return texts.pieces_of_document(self.english.read_text(encoding="utf-8"))

    def translated(self) -> list[Translated]:
        """Return the pieces of the translation; none if there is no such file."""
        if not self.translation.is_file():
            return []
        text = self.translation.read_text(encoding="utf-8")
        if self.is_notebook:
            return texts.translated_cells(text)
        return texts.translated_blocks(text)


class Edition:
    """The course in one language.

    Attributes:
        language: its code, such as ``zh``.
        texts: the folder with the translations.
        built: the folder for the built notebooks.
        marks: what a built page says below a piece that is not translated.
        headings: the English headings that every notebook has, and how they are translated.
    """

    def __init__(self, language: str, course: Path = COURSE) -> None:
        """Read what an edition says by itself.

        Raises:
            LookupError: there is no edition in this language.
        """
        self.language = language
        self.course = course
        self.texts = course / "translations" / language
        self.built = course / f"notebooks_{language}"
        settings = self.texts / "language.toml"
        if not settings.is_file():
            raise LookupError(
                f"there is no edition in {language!r}, only in: {', '.join(languages(course))}"
            )
        said = tomllib.loads(settings.read_text(encoding="utf-8"))
        self.marks: dict[str, str] = said["marks"]
        self.headings: dict[str, str] = said["headings"]

    def sources(self) -> list[Source]:
        """Return every text of the course that is translated, in the order of its files."""
        found = []
        for path in sorted((self.course / "notebooks").glob("*.ipynb")):
            found.append(self._in_notebooks(path))
        for path in sorted((self.course / "notebooks").glob("*.md")):
            found.append(self._in_notebooks(path))
        for name in ROOT_DOCUMENTS:
            path = self.course / f"{name}.md"
            if path.is_file():
                translation = self.course / f"{name}.{self.language}.md"
                found.append(Source(name, path, translation, None))
        return found

    def _in_notebooks(self, path: Path) -> Source:
        return Source(path.stem, path, self.texts / f"{path.stem}.md", self.built / path.name)

    def chosen(self, names: list[str]) -> list[Source]:
        """Return the texts of these names, or all of them if no name is given.

        Raises:
            LookupError: there is no text of such a name.
        """
        sources = {source.name: source for source in self.sources()}
        for name in names:
            if name not in sources:
                raise LookupError(f"there is no text {name!r}; there are: {', '.join(sources)}")
        return [sources[name] for name in names or sources]

    def strays(self) -> list[Path]:
        """Return the translations of texts that the course does not have."""
        known = {source.translation for source in self.sources()}
        known.add(self.texts / GUIDE)
        return [path for path in sorted(self.texts.glob("*.md")) if path not in known]


def languages(course: Path = COURSE) -> list[str]:
    """Return the languages that the course has an edition in."""
    settings = sorted((course / "translations").glob("*/language.toml"))
    return [path.parent.name for path in settings]
