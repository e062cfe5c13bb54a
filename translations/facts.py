"""What has to be the same in both languages: code, numbers, link targets, headings, tables."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

CODE_BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<target>[^)]+)\)")
IMAGE = re.compile(r'<img src="([^"]+)"')
NUMBER = re.compile(r"\d+(?:\.\d+)?")
BETWEEN_THOUSANDS = re.compile(r"(?<=\d)[,，](?=\d{3})")
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
ITEM = re.compile(r"^ *(?:-|\d+\.) ", re.MULTILINE)


class Heading(NamedTuple):
    """A heading: its number signs, and its text."""

    level: str
    text: str


def headings(text: str) -> list[Heading]:
    """Return the headings of a text, but not lines of code that look like one."""
    found = HEADING.findall(CODE_BLOCK.sub("", text))
    return [Heading(level, heading) for level, heading in found]


def differences(english: str, translation: str) -> Iterator[str]:
    """Say in what a translation differs that should be as in English."""
    ours, theirs = _facts(english), _facts(translation)
    for name, facts in ours.items():
        lost = facts - theirs[name]
        added = theirs[name] - facts
        if lost or added:
            yield f"{name}: {_in_words(lost, 'not here')}{_in_words(added, 'only here')}".strip()


def _in_words(facts: Counter[str], where: str) -> str:
    if not facts:
        return ""
    return f"{where}: {', '.join(facts.elements())} "


def _facts(text: str) -> dict[str, Counter[str]]:
    """Return what a translation keeps, by the name that a fault calls it."""
    code_blocks = [_neutral(block) for block in CODE_BLOCK.findall(text)]
    text = CODE_BLOCK.sub("", text)
    spans = [found[0] for found in CODE_SPAN.finditer(text)]
    text = CODE_SPAN.sub("X", text)
    targets = [link["target"] for link in LINK.finditer(text)] + IMAGE.findall(text)
    text = BETWEEN_THOUSANDS.sub("", LINK.sub(r"[\g<text>]", text))
    return {
        "code blocks": Counter(code_blocks),
        "code": Counter(spans),
        "links": Counter(_neutral(target) for target in targets),
        "numbers": Counter(NUMBER.findall(text)),
        "headings": Counter(level for level, _ in HEADING.findall(text)),
        "list items": Counter(["item"] * len(ITEM.findall(text))),
        "comments": Counter(COMMENT.findall(text)),
        "columns": Counter(["column"] * _columns(text)),
    }


def _neutral(text: str) -> str:
    """Return a command or a link's target as both languages have it."""
    text = re.sub(r" && \S+python -m translations \w+(?= &&)", "", text)
    text = re.sub(r"notebooks_\w+(?=/)", "notebooks", text)
    text = re.sub(r"(README|TEACHING)\.\w+\.md", r"\1.md", text)
    return re.sub(r"(?<=\.md#).+", "a heading", text)


def _columns(text: str) -> int:
    return sum(line.count("|") for line in text.splitlines() if line.startswith("|"))
