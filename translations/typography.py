"""What Chinese typography asks for, and how Markdown reads asterisks between Chinese characters."""

import re
import unicodedata
from collections.abc import Iterator

from translations.facts import CODE_BLOCK, CODE_SPAN, ITEM, LINK

FORMULA = re.compile(r"\$\$.+?\$\$|\$[^$\n]+\$", re.DOTALL)
CHINESE = r"[\u4e00-\u9fff]"
# Italic text of one paragraph, or what comes first and may hold asterisks that are no emphasis.
ITALIC = re.compile(
    r"""^```.*?^```                        # a block of code
    |   (?<!`)(?P<quotes>`+)(?!`).+?(?<!`)(?P=quotes)(?!`)
    |   \$\$.+?\$\$ | \$[^$\n]+\$       # formulas
    |   \\.                              # an asterisk that is shown
    |   (?<!\*)\*(?![*\s])
        (?P<italic>(?:`[^`]*`|[^*`\n]|\n(?!\n))+)
        (?<!\s)\*(?!\*)
    """,
    re.MULTILINE | re.DOTALL | re.VERBOSE,
)
NUMBER_OF_NOTEBOOK = re.compile(r"(?<=\[)\d\d: ")
HALF_WIDTH = re.compile(
    rf".{{0,6}}(?:{CHINESE}[,;:?!]|{CHINESE}\.(?=\s|$|{CHINESE})|[,;:?!.]\s*(?={CHINESE})"
    rf"|{CHINESE}\(|\)(?={CHINESE})|\((?={CHINESE})).{{0,6}}"
)


def wrong_typography(translation: str) -> Iterator[str]:
    """Name half-width punctuation beside Chinese characters, and asterisks that stay visible."""
    prose = FORMULA.sub("X", CODE_SPAN.sub("X", CODE_BLOCK.sub("", translation)))
    prose = LINK.sub(r"[\g<text>]", prose)
    without_markers = ITEM.sub("", NUMBER_OF_NOTEBOOK.sub("", prose))
    for found in HALF_WIDTH.finditer(without_markers):
        yield f"half-width punctuation: {found[0].strip()!r}"
    for excerpt in visible_asterisks(prose):
        yield f"these asterisks are shown, not read as emphasis: {excerpt!r}"


def upright(markdown: str) -> str:
    """Make italic Chinese bold: what shows a notebook would slant characters that are upright."""

    def bold(found: re.Match[str]) -> str:
        italic = found["italic"]
        return f"**{italic}**" if italic and re.search(CHINESE, italic) else found[0]

    return ITALIC.sub(bold, markdown)


def visible_asterisks(prose: str) -> Iterator[str]:
    """Yield where Markdown takes asterisks for text, by the rules of CommonMark.

    An opening one must not stand between a letter and punctuation, nor a closing one between
    punctuation and a letter; a Chinese character is a letter.
    """
    for paragraph in prose.split("\n\n"):
        waiting: list[re.Match[str]] = []
        for run in re.finditer(r"(?<!\\)\*+", paragraph):
            before = paragraph[run.start() - 1] if run.start() else " "
            after = paragraph[run.end()] if run.end() < len(paragraph) else " "
            closes = _leans(after, before)
            opens = _leans(before, after)
            if closes and waiting and waiting[-1][0] == run[0]:
                waiting.pop()
            elif opens:
                waiting.append(run)
            else:
                yield _around(paragraph, run)
        for run in waiting:
            yield _around(paragraph, run)


def _leans(outside: str, inside: str) -> bool:
    """Tell whether asterisks between these two characters belong to the one inside."""
    if inside.isspace():
        return False
    if not _is_punctuation(inside):
        return True
    return outside.isspace() or _is_punctuation(outside)


def _is_punctuation(character: str) -> bool:
    return unicodedata.category(character)[0] in "PS"


def _around(paragraph: str, run: re.Match[str]) -> str:
    return paragraph[max(0, run.start() - 8) : run.end() + 8]
