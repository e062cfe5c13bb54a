"""The course as a web site: what its pages are made of, which needs no Sphinx to be asked.

Building the site is a command of its own, which CI runs: warnings are errors there.
"""

import ast
import importlib
import json
import re
import struct
import sys
from pathlib import Path

import pytest

COURSE = Path(__file__).parent.parent
SITE = COURSE / "site"
NOTEBOOKS = sorted((COURSE / "notebooks").glob("*.ipynb"))
README = (COURSE / "README.md").read_text(encoding="utf-8")
README_ZH = (COURSE / "README.zh.md").read_text(encoding="utf-8")
TEXTS = [*sorted((COURSE / "notebooks").glob("*.md")), *COURSE.glob("[A-Z]*.md")]
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
each_edition = pytest.mark.parametrize("language", ["en", "zh"])


def module_of_site(name):
    """Import a module that lies beside the site's conf.py."""
    sys.path.insert(0, str(SITE))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(SITE))


pages = module_of_site("course_pages")
ENGLISH = pages.EDITIONS["en"]
CHINESE = pages.EDITIONS["zh"]


def settings():
    """Return the settings of conf.py that are written there as plain values."""
    tree = ast.parse((SITE / "conf.py").read_text(encoding="utf-8"))
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            try:
                found[ast.unparse(target)] = ast.literal_eval(node.value)
            except ValueError:
                continue  # it is computed
    return found


def shown(path, edition=ENGLISH):
    """Return the cells of a notebook as the site shows them."""
    text = path.read_text(encoding="utf-8")
    return json.loads(pages.notebook_page(text, path.stem, edition))["cells"]


def tagged(cells, tag):
    return [cell for cell in cells if tag in cell["metadata"].get("tags", [])]


def headings(path):
    """Return the headings of a notebook."""
    return pages.headings(path.read_text(encoding="utf-8"))


# Settings


def test_no_notebook_is_run_and_no_script_comes_from_the_net():
    found = settings()
    assert found["nb_execution_mode"] == "off"
    assert found["nb_ipywidgets_js"] == {}
    assert found["html_math_renderer"] == "course_mathml"
    assert "suppress_warnings" not in found
    for path in SITE.rglob("*"):
        if path.suffix in {".css", ".html", ".js", ".svg"}:
            text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
            assert "//" not in re.sub(r"^ *// .*$", "", text, flags=re.MULTILINE), path


def test_every_file_that_the_settings_name_is_there():
    found = settings()
    for name in (*found["html_css_files"], *(name for name, _ in found["html_js_files"])):
        assert (SITE / "static" / name).is_file()
    assert (SITE / found["html_favicon"]).is_file()
    theme = {"sbt-sidebar-nav.html"}
    for name in set(found["html_sidebars"]["**"]) - theme:
        assert (SITE / "templates" / name).is_file()


def test_without_a_place_to_launch_there_is_no_button():
    assert pages.launch_buttons({}) == {}
    assert pages.launch_buttons({"COURSE_BINDER": "", "COURSE_REPOSITORY": "x"}) == {}


def test_a_place_to_launch_gets_a_button():
    environment = {"COURSE_BINDER": "https://b", "COURSE_REPOSITORY": "https://r/a/b"}
    assert pages.launch_buttons(environment)["binderhub_url"] == "https://b"


def test_a_place_to_launch_without_a_repository_is_refused():
    with pytest.raises(ValueError, match="set COURSE_REPOSITORY"):
        pages.launch_buttons({"COURSE_HUB": "https://hub"})


# Notebooks


@each_edition
@each_notebook
def test_solutions_and_checks_are_folded_under_their_labels(path, language):
    edition = pages.EDITIONS[language]
    cells = shown(path, edition)
    for tag, labels in (("solution", edition.solution), ("check", edition.check)):
        assert tagged(cells, tag)
        for cell in tagged(cells, tag):
            assert "hide-cell" in cell["metadata"]["tags"]
            prompts = cell["metadata"]["mystnb"]
            assert (prompts["code_prompt_show"], prompts["code_prompt_hide"]) == labels
    folded = len(tagged(cells, "hide-cell"))
    assert folded == len(tagged(cells, "solution")) + len(tagged(cells, "check"))


@each_notebook
def test_an_answer_cell_is_open_and_says_what_it_is(path):
    cells = shown(path)
    answers = tagged(cells, "answer")
    assert answers
    for answer in answers:
        label = cells[cells.index(answer) - 1]
        assert ENGLISH.answer in label["source"]
        assert "hide-cell" not in answer["metadata"]["tags"]


@each_notebook
def test_every_picture_is_described(path):
    for cell in shown(path):
        kinds = set().union(*(output.get("data", {}) for output in cell.get("outputs", [])))
        if kinds & {"image/png", "image/jpeg"}:
            assert len(cell["metadata"]["mystnb"]["image"]["alt"]) > 20


@each_notebook
def test_only_title_labels_and_settings_are_added(path):
    stored = json.loads(path.read_text(encoding="utf-8"))["cells"]
    cells = [cell for cell in shown(path) if "answer-label" not in cell["source"]]
    assert len(cells) == len(stored)
    for cell, before in zip(cells[1:], stored[1:], strict=True):
        assert cell["source"] == "".join(before["source"])
        assert cell.get("outputs") == before.get("outputs")
    number = path.stem[:2]
    title = cells[0]["source"].split("\n")[0]
    assert title == f"# {number}: {headings(path)[0]}"


@each_notebook
def test_all_cells_have_names_of_their_own(path):
    names = [cell["id"] for cell in shown(path)]
    assert len(set(names)) == len(names)


def test_two_pictures_of_one_cell_are_refused():
    picture = {"data": {"image/png": ""}, "metadata": {}}
    with pytest.raises(ValueError, match="2 pictures"):
        pages.describe_picture({"metadata": {}, "outputs": [picture, picture]})


# Links


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_a_heading_behind_a_notebook_is_a_link_to_a_section_that_is_there(path):
    text = path.read_text(encoding="utf-8")
    links = re.findall(r"\[([^]]+)\]\(([\w/]+\.ipynb)#([^)]+)\)", pages.with_section_links(text))
    assert len(links) == len(pages.SECTION.findall(text))
    for heading, file, anchor in links:
        there = headings(path.parent / file)
        assert heading in there, f"{file} has no section {heading!r}"
        assert anchor == pages.slug(heading)


def test_the_glossary_has_a_link_for_each_term():
    text = (COURSE / "notebooks" / "glossary.md").read_text(encoding="utf-8")
    terms = [line for line in text.splitlines() if line.startswith("| ")][1:]
    assert len(pages.SECTION.findall(text)) == len(terms)


@pytest.mark.parametrize("name", ["glossary", "which_file"])
def test_a_heading_behind_a_notebook_is_a_link_in_chinese_too(name):
    text = (COURSE / "translations" / "zh" / f"{name}.md").read_text(encoding="utf-8")
    sections = re.findall(r"\.ipynb\)(?:, |，)\*", text)
    links = re.findall(r"\.ipynb\)(?:, |，)\[[^]]+\]\(\w+\.ipynb#", pages.with_section_links(text))
    assert len(sections) > 5
    assert len(links) == len(sections)


def test_a_chinese_comma_stays_in_front_of_a_section():
    text = "[01](01_save.ipynb)，*分清前缀与文件*"
    assert pages.with_section_links(text) == (
        "[01](01_save.ipynb)，[分清前缀与文件](01_save.ipynb#分清前缀与文件)"
    )


def test_a_heading_is_shown_in_the_language_of_the_notebooks():
    text = "[01](01_save.ipynb), *In practice*; [02](02_restore.ipynb), *In practice*"
    links = pages.with_section_links(text, {("01_save.ipynb", "In practice"): "实践要点"})
    assert "[实践要点](01_save.ipynb#实践要点)" in links
    assert "[In practice](02_restore.ipynb#in-practice)" in links


def test_a_comment_in_an_example_is_no_heading():
    cell = {"cell_type": "markdown", "source": ["# One\n", "```\n# no\n```\n", "## Two"]}
    assert pages.headings(json.dumps({"cells": [cell]})) == ["One", "Two"]


@each_notebook
def test_no_two_headings_of_a_notebook_have_one_anchor(path):
    anchors = [pages.slug(heading) for heading in headings(path)]
    assert len(set(anchors)) == len(anchors)


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("Bring a `.h5` file over", "bring-a-h5-file-over"),
        ("What's new?", "what-s-new"),
        ("保存最小的模型", "保存最小的模型"),
    ],
)
def test_an_anchor_has_letters_digits_and_hyphens(heading, anchor):
    assert pages.slug(heading) == anchor


# The table of contents


def entries(text):
    """Return the pages that a table of contents leads to."""
    inside = re.findall(r"```\{toctree\}\n(.*?)```", text, flags=re.DOTALL)
    lines = "".join(inside).splitlines()
    return [line for line in lines if not line.startswith(":")]


def test_every_notebook_of_the_readme_stands_in_its_part():
    in_parts = [page for _, found in pages.parts(README) for page in found]
    assert in_parts == re.findall(r"^\| \d\d \| .*\((notebooks/\w+)\.ipynb\)", README, re.MULTILINE)
    assert len(in_parts) > 20
    assert all(found for _, found in pages.parts(README))


def test_every_page_stands_in_the_contents_once_whether_the_readme_names_it_or_not():
    found = [f"notebooks/{path.stem}" for path in NOTEBOOKS]
    found += ["notebooks/99_new", "notebooks/glossary", "TEACHING"]
    text = pages.contents(README, found, ENGLISH)
    assert sorted(entries(text)) == sorted(found)
    order = ["notebooks/99_new", "notebooks/glossary", ENGLISH.teaching, "TEACHING"]
    assert sorted(order, key=text.index) == order


@pytest.mark.parametrize("last_part", ["| | **To look things up** | |", "| | **The end** | |"])
def test_pages_to_look_things_up_stand_in_one_part(last_part):
    readme = f"{last_part}\n| 22 | [Errors](notebooks/22_errors.ipynb) | | |"
    text = pages.contents(readme, ["notebooks/22_errors", "notebooks/glossary"], ENGLISH)
    assert text.count(f":caption: {ENGLISH.look_up}\n") == 1
    assert text.index(ENGLISH.look_up) < text.index("notebooks/glossary")


def test_a_page_that_is_not_there_is_left_out():
    assert entries(pages.contents(README, ["notebooks/01_save"], ENGLISH)) == ["notebooks/01_save"]


def test_without_a_table_the_notebooks_are_listed_all_the_same():
    assert entries(pages.contents("# Title", ["notebooks/01_save"], ENGLISH)) == [
        "notebooks/01_save"
    ]


# The other edition


@pytest.mark.parametrize(
    ("page", "other"),
    [
        ("README", "README.zh"),
        ("notebooks/01_save", "notebooks_zh/01_save"),
        ("TEACHING", "TEACHING.zh"),
    ],
)
def test_a_page_knows_its_counterpart_in_the_other_edition(page, other):
    assert pages.counterpart(page, ENGLISH, CHINESE) == other
    assert pages.counterpart(other, CHINESE, ENGLISH) == page


def test_a_page_that_only_one_edition_has_leads_to_the_front_page():
    assert pages.counterpart("LICENCE", ENGLISH, CHINESE) == "README.zh"


@pytest.mark.parametrize("text", [README, README_ZH])
def test_the_two_front_pages_lead_to_each_other(text):
    languages = "[English](README.md) · [中文](README.zh.md)\n"
    assert text.count(languages) == 1
    to_chinese = pages.with_edition_link(text, CHINESE, "zh/README.zh.html")
    assert '[English](README.md) · <a href="zh/README.zh.html">中文</a>\n' in to_chinese
    to_english = pages.with_edition_link(text, ENGLISH, "../README.html")
    assert '<a href="../README.html">English</a> · [中文](README.zh.md)\n' in to_english


def test_a_line_that_leads_to_an_edition_that_is_not_built_is_left_out():
    text = "one\n[English](README.md) · [中文](README.zh.md)\ntwo\n"
    assert pages.with_edition_link(text, CHINESE, None) == "one\ntwo\n"


@pytest.mark.parametrize("given", ["https://a/course", "https://a/course/"])
def test_the_address_of_an_edition_ends_in_a_slash(given):
    environment = {"COURSE_ADDRESS": given}
    assert pages.address(environment, ENGLISH) == "https://a/course/"
    assert pages.address(environment, CHINESE) == "https://a/course/zh/"
    assert pages.address({}, CHINESE) == pages.address({"COURSE_ADDRESS": ""}, ENGLISH) == ""


def test_parts_are_called_as_in_the_readme():
    for edition, readme in ((ENGLISH, README), (CHINESE, README_ZH)):
        last_part, _ = pages.parts(readme)[-1]
        found = [page for _, in_part in pages.parts(readme) for page in in_part]
        if f"{edition.notebooks}/22_errors" in found:
            assert last_part == edition.look_up


def test_editions_share_no_file():
    english, chinese = (set(pages.patterns(edition)) for edition in pages.EDITIONS.values())
    assert not english & chinese


def test_the_search_of_chinese_pages_learns_the_terms_of_the_glossary():
    text = (COURSE / "notebooks" / "glossary.md").read_text(encoding="utf-8")
    terms = pages.chinese_terms(text)
    assert {"检查点", "元图", "允许列表"} <= set(terms)
    assert not [term for term in terms if not re.fullmatch(r"[\u4e00-\u9fff]{2,}", term)]


# The card


def test_the_card_is_as_large_as_other_sites_ask_for(tmp_path):
    card = tmp_path / "card.png"
    picture = COURSE / "notebooks" / "images" / "01_save.png"
    module_of_site("course_card").draw_card(ENGLISH.title, picture, card)
    data = card.read_bytes()
    assert struct.unpack(">II", data[16:24]) == (1200, 630)
    empty = tmp_path / "empty.png"
    module_of_site("course_card").draw_card("", picture, empty)
    assert len(data) > len(empty.read_bytes()), "the title is drawn"
