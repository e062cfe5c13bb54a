"""What learners copy from the text works: its modules, names, arguments and files are there."""

from pathlib import Path

from tests.books import BOOKS
from tests.gate import code_blocks

import pytest

COURSE = Path(__file__).parent.parent
PAGES = ["README.md", "TEACHING.md"]


@pytest.fixture(autouse=True)
def _quiet(helpers):
    """Import TensorFlow with its log quiet, before a block asks for it."""


def complaints(text, code=""):
    return list(code_blocks.complaints_about_text(text, code))


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.name)
def test_blocks_of_a_notebook_can_be_copied(book):
    code = code_blocks.code_of(book)
    found = [complaint for cell in book.prose for complaint in complaints(cell.source, code)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("page", PAGES)
def test_blocks_of_a_page_can_be_copied(page):
    found = complaints((COURSE / page).read_text(encoding="utf-8"))
    assert not found, "\n".join(found)


def test_blocks_are_found():
    texts = [cell.source for book in BOOKS for cell in book.prose]
    texts += [(COURSE / page).read_text(encoding="utf-8") for page in PAGES]
    blocks = [block for text in texts for block in code_blocks.blocks_in(text)]
    assert sum(text.count("```") for text in texts) == 2 * len(blocks)
    assert {block.language for block in blocks} >= {"", "python"}


# The rule itself


def python(*lines):
    return "\n".join(["We copy it.", "", "```python", *lines, "```", ""])


def terminal(*lines, language=""):
    return "\n".join(["We start it.", "", f"```{language}", *lines, "```", ""])


CARRY_OVER = "import keras\n\ndef carry_over(path, model, *, names: dict, strict=True): ...\n"


@pytest.mark.parametrize(
    "lines",
    [
        ["from keep_callbacks import KeepCallbacks", "KeepCallbacks('memory.json', [stop])"],
        ["from restart import adopt, flush, only_writer", "with only_writer(folder): ..."],
        ["from train_loop import train", 'train("saves", steps=200, save_every=10)'],
        ["from train_loop import train", "train(*given)", "train(**given)"],
        ["from inspect_model import inspect_model", "inspect_model('a.keras').alarms"],
        ["import tensorflow as tf", "tf.train.Checkpoint(model=model).restore(prefix)"],
        ["import os.path", "os.path.join('a', 'b')", "import keras.saving as saving"],
        ["from helpers.look import show_tree", "from pathlib import Path"],
        ["keras.saving.load_model('a.keras')", "carry_over('ckpt-1', model, names={})"],
        ["train = make()", "train('unknown', to='us')", "layers['conv'] = nn.Conv2d(1, 8)"],
    ],
)
def test_a_block_of_python_that_works_passes(lines):
    assert complaints(python(*lines), CARRY_OVER) == []


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (["from keep_callback import KeepCallbacks"], "no module keep_callback"),
        (["from restart import adopt, flush, one_writer"], "restart has no one_writer"),
        (["from helpers.lok import show"], "no module helpers.lok"),
        (["from .restart import adopt"], "no module .restart"),
        (["import kears"], "no module kears"),
        (["import keras.savings"], "no module keras.savings"),
        (["from keras import savings"], "keras has no savings"),
        (["import tensorflow as tf", "tf.train.Saver()"], "train has no Saver"),
        (["keras.saving.load_models('a')"], "saving has no load_models"),
        (["keras.saving.load_model()"], "missing a required argument: 'filepath'"),
        (["carry_over('a', model, {})"], "too many positional arguments"),
        (["carry_over('a', model, name={})"], "missing a required"),
        (["for step in range(3)"], "no Python"),
        (["from serve import ask"], "no module serve"),
        (
            ["from train_loop import train", 'train("saves", steps=200, every=10)'],
            "unexpected keyword argument 'every'",
        ),
    ],
)
def test_a_block_of_python_that_fails_is_noticed(lines, complaint):
    found = complaints(python(*lines), CARRY_OVER)
    assert len(found) == 1
    assert complaint in found[0]


def test_a_file_of_the_course_that_the_text_names_can_be_copied():
    text = "Copy `helpers/lab/serve.py`.\n\n"
    assert complaints(text + python("from serve import ask, serving")) == []
    assert complaints(text + python("from serve import asked")) == [
        "helpers.lab.serve has no asked"
    ]


def test_a_name_that_the_notebook_assigns_to_may_stand_for_anything():
    code = "from train_loop import train\ntrain = functools.partial(train, every=10)"
    assert complaints(python("train('saves', every=10)"), code) == []


@pytest.mark.parametrize("language", ["", "bash", "console", "sh"])
def test_commands_that_work_pass(language):
    text = terminal(
        "python3 -m venv .venv && cd notebooks",
        ".venv/bin/python -m helpers.messages < training.log",
        "python -m helpers.classroom.marks FOLDER --csv marks.csv",
        "python -m inspect_model stranger.keras",
        "python train_loop.py saves && python helpers/recipes/train_loop.py --verbose",
        'git commit -m "Our class"',
        language=language,
    )
    assert complaints(text) == []


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("python -m helpers.message <", "python -m helpers.message does not exist"),
        ("python -m helpers.lab", "python -m helpers.lab does not exist"),
        ("python -m helper.messages", "python -m helper.messages does not exist"),
        ("python -m helpers.classroom.marks --table a", "helpers.classroom.marks has no --table"),
        ("python train_loops.py saves", "no file train_loops.py in the course"),
        ("python recipes/train_loop.py", "no file recipes/train_loop.py in the course"),
    ],
)
@pytest.mark.parametrize("language", ["", "bash", "console", "sh"])
def test_a_command_that_fails_is_noticed(command, complaint, language):
    found = complaints(terminal(command, language=language))
    assert len(found) == 1
    assert complaint in found[0]


def test_a_module_that_the_text_starts_outside_a_block_is_looked_for_too():
    assert complaints("Start `python -m helpers.messages FILE`.") == []
    assert complaints("Start `python -m helpers.message FILE`.") == [
        "python -m helpers.message does not exist"
    ]


def test_a_block_in_a_language_that_is_not_read_is_noticed():
    assert complaints(terminal("a: 1", language="yaml")) == []
    assert complaints(terminal("import kears", language="pyhton")) == [
        "a block in 'pyhton', which no rule reads"
    ]
