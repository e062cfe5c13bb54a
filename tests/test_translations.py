"""A translation cannot drift from the English: what is stale, lost or altered is named."""

import base64
import io
import re
import runpy
import shutil
import sys
from functools import cache
from pathlib import Path

from tests.gate import captions
from tests.nested_pytest import run_pytest
from translations import __main__ as command
from translations import build, checks, texts
from translations.edition import COURSE, Edition, languages
from translations.facts import differences, headings
from translations.typography import upright, visible_asterisks, wrong_typography

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

EDITIONS = [Edition(language) for language in languages()]
SOURCES = [(edition, source) for edition in EDITIONS for source in edition.sources()]
TRANSLATED = [(edition, source) for edition, source in SOURCES if source.translation.is_file()]
NAMES = [f"{edition.language}-{source.name}" for edition, source in TRANSLATED]

GLOSSARY = """# Glossary

| Term | Chinese | Meaning | Explained in |
|---|---|---|---|
| prefix | 前缀 | A common beginning. | [01](01_made.ipynb), *Save it* |
| session | 会话（一种对象） | What runs a graph. | [01](01_made.ipynb), *Save it* |
"""
CHINESE_GLOSSARY = """<!-- 21bd7c1c -->
# 术语表

| 术语 | 中文 | 含义 | 讲解 <!-- {head} --> |
|---|---|---|---|
| prefix | 前缀 | 共有的开头。 | [01](01_made.ipynb)，*保存* <!-- {prefix} --> |
| session | 会话（一种对象） | 负责运行图。 | [01](01_made.ipynb)，*保存* <!-- {session} --> |
"""
ENGLISH = {
    "title": "# Make a model\n\nIt has 4 layers.",
    "steps": "1. Save it\n2. Prove it",
    "save": "## Save it\n\n`save` returns a *prefix* after 1,000 steps.",
    "caption": '*A picture of 2 dots.*\n\n<img src="images/dot.png" alt="dots">',
    "prove": "## Prove it\n\n- `load` reads it.\n- See [02: Try it](02_other.ipynb).",
    "next": "## Where next\n\n| a | b |\n|---|---|\n| 1 | 2 |",
}
CHINESE = {
    "title": "# 做一个模型\n\n它有 4 层。",
    "steps": "1. 保存\n2. 证明",
    "save": "## 保存\n\n训练 1000 步以后，`save` 返回一个*前缀*（prefix）。",
    "caption": '*图中有 2 个点。*\n\n<img src="images/dot.png" alt="点">',
    "prove": "## 证明\n\n- `load` 会读取它。\n- 见 [02: 试一试](02_other.ipynb)。",
    "next": "## 接下来\n\n| 甲 | 乙 |\n|---|---|\n| 1 | 2 |",
}


def notebook_of(cells):
    """A notebook with these texts, and a picture before its caption."""
    found = [new_markdown_cell(text, id=name) for name, text in cells.items()]
    picture = new_output("display_data", {"image/png": "aW1hZ2U="})
    found.insert(3, new_code_cell("draw()", id="draw", outputs=[picture], execution_count=1))
    return new_notebook(cells=found)


OLD_RUN = "../runs/01_made/2026-11-23_16-51-26"
WRONG_ANSWER = '[[wrong]]\ncheck = "check_tweak"\nanswers = ["4"]\n'
CHECK = """# Check
def check_tweak(value):
    if value is ...:
        print("not answered yet")
    elif value == 3:
        print("right")
    else:
        print(f"not yet: {value!r} is not the number")"""


def notebook_that_runs():
    """The same texts between cells that run, without TensorFlow, and with their outputs."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "white").save(file, "png")
    shown = new_output(
        "display_data",
        {"image/png": base64.b64encode(file.getvalue()).decode(), "text/plain": "<Image>"},
    )
    draw = f"""class Dots:
    def __repr__(self):
        return "<Image>"

    def _repr_png_(self):
        return {file.getvalue()!r}


display(Dots())"""
    picture = new_code_cell(draw, id="draw", outputs=[shown], execution_count=1)
    prose = [new_markdown_cell(text, id=name) for name, text in ENGLISH.items()]
    place = list(ENGLISH).index("caption")
    prose.insert(place, picture)
    return new_notebook(
        cells=[
            *prose,
            printing("print(open('images/dot.png').read())", "image", "read"),
            printing("print('../runs/01_made/2027-01-01_00-00-00')", OLD_RUN, "run"),
            new_code_cell(CHECK, id="check", metadata={"tags": ["check"]}),
            printing("answer = ...\ncheck_tweak(answer)", "not answered yet", "answer", ["answer"]),
            printing("# Solution\ncheck_tweak(3)", "right", "solution", ["solution"]),
        ]
    )


def printing(source, line, name, tags=()):
    """A code cell that prints one line."""
    stream = new_output("stream", name="stdout", text=f"{line}\n")
    metadata = {"tags": list(tags)} if tags else {}
    return new_code_cell(source, id=name, outputs=[stream], metadata=metadata, execution_count=1)


def translation_of(english, chinese):
    parts = []
    for key, text in chinese.items():
        parts.append(f"<!-- {key} {texts.fingerprint(english[key])} -->\n{text}\n")
    return "\n".join(parts)


@pytest.fixture
def edition(tmp_path):
    """The Chinese edition of a small course, without a fault."""
    for folder in ["notebooks/images", "translations/zh"]:
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "notebooks/images/dot.png").write_bytes(b"image")
    settings = COURSE / "translations/zh/language.toml"
    shutil.copy(settings, tmp_path / "translations/zh/language.toml")
    other = {"title": "# Try it"}
    nbformat.write(notebook_of(ENGLISH), tmp_path / "notebooks/01_made.ipynb")
    nbformat.write(
        new_notebook(cells=[new_markdown_cell(other["title"], id="title")]),
        tmp_path / "notebooks/02_other.ipynb",
    )
    write(tmp_path / "translations/zh/01_made.md", translation_of(ENGLISH, CHINESE))
    write(tmp_path / "translations/zh/02_other.md", translation_of(other, {"title": "# 试一试"}))
    write(tmp_path / "notebooks/glossary.md", GLOSSARY)
    keys = [piece.key for piece in texts.pieces_of_document(GLOSSARY)]
    chinese = CHINESE_GLOSSARY.replace("21bd7c1c", keys[0])
    chinese = chinese.format(head=keys[1], prefix=keys[2], session=keys[3])
    write(tmp_path / "translations/zh/glossary.md", chinese)
    return Edition("zh", tmp_path)


def write(path, text):
    path.write_text(text, encoding="utf-8")


def change(path, before, after):
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1, before
    write(path, text.replace(before, after))


def faults(edition, name="01_made"):
    checker = checks.Checker(edition)
    [source] = edition.chosen([name])
    return [str(fault) for fault in checker.faults(source)]


def built(edition, name="01_made"):
    [source] = edition.chosen([name])
    [result] = build.build(edition, [source])
    return result


def built_notebook(edition):
    return nbformat.read(built(edition).path, as_version=4)


# The texts of the course


@cache
def checker_of(edition):
    """It reads all notebooks and changes nothing, so one is enough for all texts."""
    return checks.Checker(edition)


@pytest.mark.parametrize(("edition", "source"), TRANSLATED, ids=NAMES)
def test_a_translation_has_no_fault(edition, source):
    found = [str(fault) for fault in checker_of(edition).faults(source)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("edition", EDITIONS, ids=languages())
def test_a_link_to_a_section_of_a_page_leads_to_one_of_its_headings(edition):
    language = edition.language
    pages = {path.name: path for path in COURSE.glob(f"*.{language}.md")}
    for page in pages.values():
        links = re.findall(r"\]\(([\w.]+\.md)#([^)]+)\)", page.read_text(encoding="utf-8"))
        for target, anchor in links:
            text = pages[target].read_text(encoding="utf-8")
            anchors = [heading.text.lower().replace(" ", "-") for heading in headings(text)]
            assert anchor in anchors, f"{page.name} leads to {target}#{anchor}"


@pytest.mark.parametrize("edition", EDITIONS, ids=languages())
def test_a_section_that_the_guide_asks_about_is_in_the_notebook_of_its_row(edition):
    guide = (COURSE / f"TEACHING.{edition.language}.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d\d) \| (\*.+)", guide, re.MULTILINE)
    assert len(rows) == len(list((COURSE / "notebooks").glob("[0-9]*.ipynb")))
    for number, questions in rows:
        [translation] = edition.texts.glob(f"{number}_*.md")
        known = {one.text for one in headings(translation.read_text(encoding="utf-8"))}
        named = re.findall(r"\*([^*]+)\*：", questions)
        assert named, number
        assert set(named) <= known, number


@pytest.mark.parametrize("edition", EDITIONS, ids=languages())
def test_every_translation_is_one_of_a_text_of_the_course(edition):
    assert edition.strays() == []


@pytest.mark.parametrize(("edition", "source"), TRANSLATED, ids=NAMES)
def test_a_built_notebook_has_the_english_code_and_outputs(edition, source):
    if not source.is_notebook:
        return
    english = nbformat.read(source.english, as_version=4)
    translated = nbformat.reads(build.text_of(edition, source), as_version=4)
    nbformat.validate(translated)
    assert translated.metadata == english.metadata
    for cell, original in zip(translated.cells, english.cells, strict=True):
        if cell.cell_type == "markdown":
            cell.source = original.source
        for output in [*cell.get("outputs", []), *original.get("outputs", [])]:
            if "metadata" in output:
                output.metadata = captions.without_alt(output.metadata)
        assert cell == original


@pytest.mark.parametrize("edition", EDITIONS, ids=languages())
def test_the_readme_has_the_two_commands_and_the_first_builds_the_edition(edition):
    path = COURSE / f"README.{edition.language}.md"
    if not path.is_file():
        return
    beginning = re.compile(r"^(?:python3|\.venv/bin/pytest).*$", re.MULTILINE)
    english, tests = beginning.findall((COURSE / "README.md").read_text(encoding="utf-8"))
    folder = edition.built.name
    opens = ".venv/bin/jupyter lab notebooks/01_save.ipynb"
    builds = f".venv/bin/python -m translations {edition.language}"
    first = english.replace(opens, f"{builds} && {opens.replace('notebooks', folder)}")
    assert first != english
    assert beginning.findall(path.read_text(encoding="utf-8")) == [first, tests]


def test_git_ignores_what_is_built():
    ignored = (COURSE / ".gitignore").read_text(encoding="utf-8").splitlines()
    for edition in EDITIONS:
        assert f"/{edition.built.name}/" in ignored


# Faults that are planted


def test_the_small_edition_has_no_fault(edition):
    assert [faults(edition, name) for name in ["01_made", "02_other", "glossary"]] == [[], [], []]
    assert edition.strays() == []


def test_an_english_word_that_changed_makes_its_cell_stale(edition):
    notebook = notebook_of({**ENGLISH, "caption": "*A picture of 2 spots.*"})
    nbformat.write(notebook, edition.course / "notebooks/01_made.ipynb")
    [fault] = faults(edition)
    now = texts.fingerprint("*A picture of 2 spots.*")
    assert fault.startswith("01_made.md, cell caption: stale")
    assert f"<!-- caption {now} -->" in fault


PLANTED = {
    "number": ("4 层", "5 层", "cell title: numbers: not here: 4 only here: 5"),
    "link": ("(02_other.ipynb)", "(02_outer.ipynb)", "cell prove: links: not here: 02_other.ipynb"),
    "image": ("images/dot.png", "images/dots.png", "cell caption: links: not here: images/dot.png"),
    "code": ("`load`", "`加载`", "cell prove: code: not here: `load` only here: `加载`"),
    "block": (CHINESE["caption"], "", "cell caption: missing"),
    "key": ("<!-- caption", "<!-- captain", "cell captain: there is no such cell"),
    "level": ("## 证明", "### 证明", "cell prove: headings: not here: ## only here: ###"),
    "item": ("\n- 见", "\n见", "cell prove: list items: not here: item"),
    "column": ("| 1 | 2 |", "| 1 2 |", "cell next: columns: not here: column"),
    "comment": ("它有", "<!-- old -->它有", "cell title: comments: only here: <!-- old -->"),
    "heading": ("## 接下来", "## 下一步", "'Where next' is '接下来' in every notebook"),
    "step": ("2. 证明", "2. 证实", "steps: the steps are"),
    "title": ("02: 试一试", "02: 尝试", "the link to 02_other should read [02: 试一试]"),
    "term": ("*前缀*", "*词头*", "the glossary's word for 'prefix' is '前缀'"),
    "width": ("它有 4 层。", "它有 4 层.", "half-width punctuation"),
    "emphasis": ("*图中有 2 个点。*", "*图中有 2 个点。*见", "these asterisks are shown"),
}


@pytest.mark.parametrize(("before", "after", "expected"), PLANTED.values(), ids=PLANTED)
def test_a_planted_fault_is_named_with_its_cell(edition, before, after, expected):
    path = edition.texts / "01_made.md"
    if before == CHINESE["caption"] and not after:
        before = f"<!-- caption {texts.fingerprint(ENGLISH['caption'])} -->\n{before}"
    change(path, before, after)
    found = faults(edition)
    assert any(expected in fault for fault in found), found
    assert all(fault.startswith("01_made.md, ") for fault in found)


def test_a_cell_that_is_translated_twice_is_named(edition):
    path = edition.texts / "01_made.md"
    text = path.read_text(encoding="utf-8")
    write(path, f"{text}\n{text.split('<!-- steps')[0]}")
    assert any("cell title: translated twice" in fault for fault in faults(edition))


def test_text_before_the_first_comment_is_named(edition):
    path = edition.texts / "01_made.md"
    write(path, f"前言\n\n{path.read_text(encoding='utf-8')}")
    assert any("without the comment" in fault for fault in faults(edition))


def test_a_text_without_translation_is_one_fault(edition):
    (edition.texts / "02_other.md").unlink()
    assert faults(edition, "02_other") == ["02_other.md, no file: this text is not translated"]


def test_a_translation_of_no_text_is_named(edition):
    write(edition.texts / "99_none.md", "")
    write(edition.texts / "README.md", "For translators.")
    assert edition.strays() == [edition.texts / "99_none.md"]


def test_a_row_of_the_glossary_that_changed_is_named_alone(edition):
    change(edition.course / "notebooks/glossary.md", "A common", "The common")
    missing, gone = faults(edition, "glossary")
    assert "'| prefix |" in missing and "its English has changed: its key is" in missing
    assert "'| prefix |" in gone and "its English has changed or is gone" in gone


def test_a_section_is_named_as_it_is_called_in_its_notebook(edition):
    change(
        edition.texts / "glossary.md",
        "运行图。 | [01](01_made.ipynb)，*保存*",
        "运行图。 | [01](01_made.ipynb)，*存储*",
    )
    [fault] = faults(edition, "glossary")
    assert "the section 'Save it' of 01_made is called *保存*" in fault


def test_a_block_without_its_comment_is_named_and_one_of_our_own_is_not(edition):
    path = edition.texts / "glossary.md"
    text = path.read_text(encoding="utf-8")
    write(path, f"{text}\n<!-- own -->\n中文版才有的一段。\n")
    assert faults(edition, "glossary") == []
    write(path, f"{text}\n多出来的一段。\n")
    [fault] = faults(edition, "glossary")
    assert "a piece without the comment" in fault and "多出来的一段" in fault


@pytest.mark.parametrize(
    "text",
    [
        "模型,变量",
        "模型: 变量",
        "模型.",
        "`save`, 然后",
        "模型(model)",
        "(模型)",
        "完成!",
    ],
)
def test_half_width_punctuation_beside_chinese_is_a_fault(text):
    assert list(wrong_typography(text))


@pytest.mark.parametrize(
    "text",
    [
        "输入 4 和 8，得到 (4 + 8) × 2 = 24。",
        "[01: 保存模型](01_save.ipynb) 之后",
        "1. 保存\n2. 恢复",
        "文件 `a, b` 和 `f(x)`：见 [08](08_x.ipynb)。",
        "Keras 3.15 的 .keras 文件",
        "$f(x), 其中$ 可以",
        "```\n# 模型, 变量\n```",
    ],
)
def test_correct_chinese_is_none(text):
    assert list(wrong_typography(text)) == []


@pytest.mark.parametrize(
    "text", ["**“模型”**是", "是**“模型”**", "*模型", "这是*模型。*然后", "a * b"]
)
def test_asterisks_that_no_page_reads_as_emphasis_are_a_fault(text):
    assert list(visible_asterisks(text))


@pytest.mark.parametrize(
    "text",
    ["这是*模型*（model）。", "**模型。** 然后", "“**模型**”", "*图中*有**两个**点", r"2 \* 3"],
)
def test_asterisks_that_are_read_as_emphasis_are_none(text):
    assert list(visible_asterisks(text)) == []


@pytest.mark.parametrize(
    ("english", "translation"),
    [
        ("[01](notebooks/01_save.ipynb)", "[01](notebooks_zh/01_save.ipynb)"),
        ("[it](../TEACHING.md)", "[它](../TEACHING.zh.md)"),
        ("[it](README.md#start)", "[它](README.zh.md#开始)"),
        ("[it](README.md#the-path)", "[它](README.zh.md#学习路线)"),
        (
            "```\npip install && .venv/bin/jupyter lab notebooks/01_save.ipynb\n```",
            "```\npip install && .venv/bin/python -m translations zh "
            "&& .venv/bin/jupyter lab notebooks_zh/01_save.ipynb\n```",
        ),
    ],
)
def test_what_leads_to_this_edition_is_no_difference(english, translation):
    assert list(differences(english, translation)) == []
    assert list(differences(english, translation.replace("zh", "zz/zh")))


# What is built


def test_a_built_notebook_has_the_translations_and_captions_as_alt_texts(edition):
    notebook = built_notebook(edition)
    prose = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    assert prose == [upright(text) for text in CHINESE.values()]
    [code] = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code.outputs[0].metadata["image/png"] == {"alt": "图中有 2 个点。"}
    assert (edition.built / "images/dot.png").read_bytes() == b"image"


def test_a_stale_cell_and_a_missing_one_are_english_with_a_mark(edition):
    english = {**ENGLISH, "save": f"{ENGLISH['save']} New.", "more": "More."}
    nbformat.write(notebook_of(english), edition.course / "notebooks/01_made.ipynb")
    by_id = {cell.id: cell.source for cell in built_notebook(edition).cells}
    assert by_id["save"] == f"{english['save']}\n\n{edition.marks['stale']}"
    assert by_id["more"] == f"More.\n\n{edition.marks['missing']}"
    assert by_id["prove"] == CHINESE["prove"]


def test_a_notebook_without_any_translation_has_one_mark(edition):
    (edition.texts / "01_made.md").unlink()
    prose = [cell.source for cell in built_notebook(edition).cells if cell.cell_type == "markdown"]
    title, *rest = ENGLISH.values()
    assert prose == [f"{title}\n\n{edition.marks['no_translation']}", *rest]


def test_a_document_without_any_translation_has_one_mark_too(edition):
    (edition.texts / "glossary.md").unlink()
    text = built(edition, "glossary").path.read_text(encoding="utf-8")
    mark = edition.marks["no_translation"]
    assert text == GLOSSARY.replace("# Glossary", f"# Glossary\n\n{mark}")


def test_a_built_document_has_no_keys_and_marks_a_row_that_is_not_translated(edition):
    change(edition.course / "notebooks/glossary.md", "A common", "The common")
    text = built(edition, "glossary").path.read_text(encoding="utf-8")
    assert text.startswith("# 术语表\n\n| 术语 |")
    assert "<!--" not in text
    [row] = [line for line in text.splitlines() if line.startswith("| prefix")]
    assert "The common beginning" in row
    assert row.endswith(f"{edition.marks['row']} |")
    assert "| session | 会话（一种对象） | 负责运行图。 |" in text


def test_a_row_of_references_alone_is_translated_by_itself(edition):
    row = "| `a.b` | [01](01_made.ipynb), *Save it*; [02](02_other.ipynb), *New* | [02](x) |"
    text = f"# Index\n\n| Name | Where | Also |\n|---|---|---|\n{row}\n"
    write(edition.course / "notebooks/index.md", text)
    head = "| Name | Where | Also |"
    assert [piece.english for piece in texts.pieces_of_document(text)] == ["# Index", head]
    write(edition.texts / "index.md", f"<!-- {texts.fingerprint('# Index')} -->\n# 索引\n")
    lines = built(edition, "index").path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# 索引"
    expected = "[01](01_made.ipynb)，*保存*\uff1b[02](02_other.ipynb), *New* | [02](x) |"
    assert lines[-1] == f"| `a.b` | {expected}"


def test_a_link_to_the_readme_leads_to_the_one_in_this_language(edition):
    text = "见 [首页](../README.md)。"
    english = {"title": "# See [it](../README.md)"}
    notebook = new_notebook(cells=[new_markdown_cell(english["title"], id="title")])
    nbformat.write(notebook, edition.course / "notebooks/01_made.ipynb")
    write(edition.texts / "01_made.md", translation_of(english, {"title": text}))
    assert built_notebook(edition).cells[0].source == text
    write(edition.course / "README.zh.md", "# 首页")
    assert built_notebook(edition).cells[0].source == "见 [首页](../README.zh.md)。"


def test_a_notebook_that_a_learner_has_changed_is_kept(edition):
    path = built(edition).path
    assert not built(edition).kept
    write(path, "an answer")
    assert built(edition).kept
    assert path.read_text(encoding="utf-8") == "an answer"
    [result] = build.build(edition, edition.chosen(["01_made"]), replace=True)
    assert not result.kept
    assert nbformat.read(path, as_version=4).cells[0].source == CHINESE["title"]


def test_a_built_notebook_passes_the_gate_from_its_own_folder(edition):
    """As ``pytest notebooks_zh`` does it with all that ``python -m translations zh`` has built.

    All of them have the English code and outputs, see above. So here it is the folder that counts.
    """
    for name in ["conftest.py", "pyproject.toml", ".gitignore"]:
        shutil.copy(COURSE / name, edition.course / name)
    (edition.course / "tests/wrong_answers").mkdir(parents=True)
    shutil.copy(COURSE / "tests/sanitize.cfg", edition.course / "tests/sanitize.cfg")
    write(edition.course / "tests/wrong_answers/01_made.toml", WRONG_ANSWER)
    nbformat.write(notebook_that_runs(), edition.course / "notebooks/01_made.ipynb")
    path = built(edition).path
    asked = ["-q", "-p", "no:cacheprovider", path.relative_to(edition.course).as_posix()]
    done = run_pytest(edition.course, *asked)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    cells = nbformat.read(path, as_version=4).cells
    alt_texts = [
        output.metadata["image/png"]["alt"]
        for cell in cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    assert alt_texts == ["图中有 2 个点。"]
    code = [cell for cell in cells if cell.cell_type == "code"]
    # The check is asked about "..." and three wrong answers too, and about the one in the table.
    assert f"{len(code) + 5} passed" in done.stdout


def test_a_built_notebook_keeps_its_runs_beside_its_folder_and_finds_its_neighbours(
    module, edition, monkeypatch
):
    runs = module("helpers.runs")
    path = built(edition).path
    monkeypatch.delenv("COURSE_RUNS", raising=False)
    monkeypatch.chdir(edition.built)
    assert runs.find_notebook("01_made") == path
    assert runs.new_run("01_made").parent == Path("../runs/01_made")
    assert (edition.course / "runs/01_made").is_dir()


# The command


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["xx"], "there is no edition in 'xx', only in: zh"),
        (["zh", "01_saved"], "there is no text '01_saved'; there are: 01_save, 02_restore"),
    ],
)
def test_bad_input_is_told_in_one_line(arguments, line, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["translations", *arguments])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(command.__file__, run_name="__main__")
    assert ended.value.code.startswith(line)
    assert len(ended.value.code.splitlines()) == 1


@pytest.fixture
def ask(edition, monkeypatch, capsys):
    """Call the command for the small course."""

    def ask_for(*arguments):
        monkeypatch.setattr(command, "Edition", lambda language: edition)
        code = command.main(["zh", *arguments])
        return code, capsys.readouterr().out.splitlines()

    return ask_for


def test_the_check_counts_faults_and_fails_if_there_is_one(ask, edition):
    assert ask("--check") == (0, ["0 faults in 3 texts"])
    write(edition.texts / "99_none.md", "")
    change(edition.texts / "01_made.md", "4 层", "5 层")
    code, [number, stray, count] = ask("--check")
    assert code == 1
    assert number.startswith("01_made.md, cell title: numbers")
    assert stray == "99_none.md: the course has no text of this name"
    assert count == "2 faults in 3 texts"


def test_the_coverage_counts_pieces(ask, edition):
    english = {**ENGLISH, "save": "## Save it", "more": "More."}
    nbformat.write(notebook_of(english), edition.course / "notebooks/01_made.ipynb")
    change(edition.course / "notebooks/glossary.md", "A common", "The common")
    code, lines = ask("--coverage")
    rows = {line.split()[0]: line.split()[1:] for line in lines}
    assert code == 0
    assert rows["01_made"] == ["7", "5", "1", "1"]
    assert rows["glossary"] == ["4", "3", "1", "0"]
    assert rows["all"] == ["12", "9", "2", "1"]


def test_the_keys_are_the_pieces_that_wait_and_can_be_pasted(ask, edition):
    english = {**ENGLISH, "save": "## Save it\n\nNow."}
    nbformat.write(notebook_of(english), edition.course / "notebooks/01_made.ipynb")
    change(edition.course / "notebooks/glossary.md", "A common", "The common")
    _, lines = ask("--keys")
    row = "| prefix | 前缀 | The common beginning. | [01](01_made.ipynb), *Save it* |"
    assert lines == [
        f"<!-- save {texts.fingerprint(english['save'])} -->",
        *english["save"].splitlines(),
        "",
        texts.with_key_of_row(row, texts.fingerprint(row)),
        "",
    ]


def test_the_build_names_what_it_wrote_and_what_it_kept(ask, edition):
    assert ask("01_made") == (0, ["notebooks_zh/01_made.ipynb"])
    write(edition.built / "01_made.ipynb", "an answer")
    _, [line] = ask("01_made")
    assert line.startswith("notebooks_zh/01_made.ipynb was changed since it was built and is kept")
    assert ask("01_made", "--replace") == (0, ["notebooks_zh/01_made.ipynb"])


@pytest.mark.parametrize(
    ("translation", "shown"),
    [
        ("叫作*检查点*（checkpoint）", "叫作**检查点**（checkpoint）"),
        ("*读 `a*b` 的\n图。* 照片：*见* [x](y)", "**读 `a*b` 的\n图。** 照片：**见** [x](y)"),
        ("**改一改。** 把*前缀*换掉", "**改一改。** 把**前缀**换掉"),
        ("*Run All* 与 `*.index`、`*.meta`", "*Run All* 与 `*.index`、`*.meta`"),
        ("$a*b$ 与 $c*d$，2\\*3 与 4\\*5", "$a*b$ 与 $c*d$，2\\*3 与 4\\*5"),
        ("```\n*中*\n```\n*一\n\n二*", "```\n*中*\n```\n*一\n\n二*"),
    ],
)
def test_italic_chinese_is_built_bold(translation, shown):
    assert upright(translation) == shown


@pytest.mark.parametrize(("edition", "source"), TRANSLATED, ids=NAMES)
def test_no_built_notebook_slants_chinese_and_none_shows_an_asterisk(edition, source):
    if not source.is_notebook:
        return
    notebook = nbformat.reads(build.text_of(edition, source), as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            assert upright(cell.source) == cell.source
            assert not [fault for fault in wrong_typography(cell.source) if "asterisk" in fault]
