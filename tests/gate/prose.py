"""Numbers in prose: each stands in an output or in the code beside it, or says why not.

A number counts if it has two digits or more, or a percent sign, or if it is a word from *eleven*
on, or one from *fifth* to *tenth*. Smaller ones ("three files", "the second way") are left to the
reader of the text.
"""

import re
from typing import NamedTuple

from tests.gate import figure_facts

NUMBER_WORDS = {
    "eleven": 11,
    "twelve": 12,
    "dozen": 12,
    "thirteen": 13,
    "fourteen": 14,
    "fifteen": 15,
    "sixteen": 16,
    "seventeen": 17,
    "eighteen": 18,
    "nineteen": 19,
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
    # "It saves every fifth step" is a setting that stands in the code.
    "fifth": 5,
    "sixth": 6,
    "seventh": 7,
    "eighth": 8,
    "ninth": 9,
    "tenth": 10,
}
NUMBER = re.compile(
    rf"""
    (?<![\w.\\])                            # not in a name, a version or a formula
    (?P<digits>\d{{1,3}}(?:[,_]\d{{3}})+|\d+)
    (?P<decimals>\.\d+)?
    (?!\w|\.\w)
    (?P<percent>[ ]?(?:%|percent))?
    |
    \b(?P<word>{"|".join(NUMBER_WORDS)})\b
    """,
    re.VERBOSE | re.IGNORECASE,
)
# In code and outputs a number may be a part of a name: my_saved_model-1000, 28x28, int8.
LOOSE_NUMBER = re.compile(r"\d{1,3}(?:[,_]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")

# What is no statement about the notebook, each with an example.
NO_STATEMENTS = [
    re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL),  # a block of code
    re.compile(r"`[^`]*`"),  # `ckpt-1000`
    re.compile(r"\[\d\d(?:: [^]]*)?\]\([^)]*\)"),  # [12: Look before …](18_trust.ipynb)
    re.compile(r"\]\([^)]*\)"),  # ](https://arxiv.org/abs/1508.06576)
    re.compile(r"https?://\S+"),
    re.compile(r"^\*\d+ minutes to read.*$", re.MULTILINE),  # tested by itself
    re.compile(r"^\d+\. ", re.MULTILINE),  # 10. the tenth step
    re.compile(r"(?<![\d.,])0\d\b(?!\.\d)"),  # "as 02 showed": a notebook
    re.compile(r"\b(?:19|20)\d\d\b"),  # Gatys 2015
    re.compile(r"\b\d+\.\d+\.\d+\b"),  # 2.21.0
    re.compile(r"\b(?:TensorFlow|Keras|NumPy|CC BY|Apache|Attribution)(?: version)? \d+(?:\.\d+)*"),
    re.compile(r"(?<![\d.,])3\.1[0-9]\b"),  # Python 3.11
]


class Number(NamedTuple):
    """A number in prose: its words, its value, and the text around it."""

    words: str
    value: float
    is_percentage: bool
    around: str


class Reason(NamedTuple):
    """Why a number in prose stands neither in an output nor in the code."""

    notebook: str
    words: str
    reason: str


def statements(text):
    """Return the prose with a blank in the place of what states nothing."""
    for pattern in NO_STATEMENTS:
        text = pattern.sub(" ", text)
    return text


def numbers_in(text):
    """Return the numbers that a piece of prose states."""
    text = statements(text)
    found = []
    for match in NUMBER.finditer(text):
        around = text[max(0, match.start() - 60) : match.end() + 60]
        number = Number(
            match.group(), _value(match), bool(match["percent"]), " ".join(around.split())
        )
        is_large = match["word"] or len(re.findall(r"\d", number.words)) >= 2
        if is_large or number.is_percentage:
            found.append(number)
    return found


def numbers_shown_in(text):
    """Return the values of all numbers in code or an output."""
    digits = {float(re.sub("[,_]", "", number)) for number in LOOSE_NUMBER.findall(text)}
    words = {value for word, value in NUMBER_WORDS.items() if re.search(rf"\b{word}\b", text)}
    return digits | words


def is_shown(number, shown):
    """Tell whether a number is among those shown: 77 % also as 0.77."""
    if number.value in shown:
        return True
    return number.is_percentage and round(number.value / 100, 10) in shown


def texts_in_figure(facts):
    """Return the titles, labels and legends of a figure about which facts are stored."""
    if not facts:
        return []
    texts = facts["texts"] + facts["legend"]
    for axes in facts["axes"]:
        texts += axes["texts"] + axes["legend"]
    return [str(text) for text in texts]


def evidence(book):
    """Return the code of a notebook and the texts of its outputs, those in figures too."""
    texts = []
    for cell in book.code:
        texts.append(cell.source)
        for output in cell.outputs:
            texts.append(output.get("text", ""))
            data = output.get("data", {})
            texts += [str(data[mime]) for mime in data if mime.startswith("text/")]
            texts += texts_in_figure(output.get("metadata", {}).get(figure_facts.KEY))
    return "\n".join(texts)


def unsupported_numbers(book):
    """Return the numbers in a notebook's prose that its code and outputs do not show."""
    shown = numbers_shown_in(evidence(book))
    found = [number for cell in book.prose for number in numbers_in(cell.source)]
    return [number for number in found if not is_shown(number, shown)]


def is_for(reason, found):
    """Tell whether a reason speaks of a number that is found: a notebook or page, and the number.

    The reason's words have the number, and stand in the text around it.
    """
    notebook, number = found
    words = " ".join(statements(reason.words).split())
    is_here = reason.notebook == notebook and words in number.around
    return is_here and number.words in reason.words


def _value(match):
    if match["word"]:
        return NUMBER_WORDS[match["word"].lower()]
    digits = re.sub("[,_]", "", match["digits"])
    return float(digits + (match["decimals"] or ""))
