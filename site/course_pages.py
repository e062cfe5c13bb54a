"""What the site makes of the course's files: text in, text out, without Sphinx.

A notebook's tags say what an exercise's cells are. Here they become what MyST-NB knows: cells that
are folded under a label. A README's table of the path becomes the table of contents.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

HEADING = re.compile(r"^# (?=\S)", re.MULTILINE)
ANY_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
CODE_BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
NUMBERED = re.compile(r"\d\d(?=_)")
PART = re.compile(r"^\| *\| \*\*(?P<title>[^*|]+)\*\*", re.MULTILINE)
NOTEBOOK = re.compile(r"^\| \d\d \| \[[^]]+\]\((?P<path>\w+/\w+)\.ipynb\)", re.MULTILINE)
SECTION = re.compile(
    r"(?P<link>\[\d\d[^]]*\]\((?P<file>[\w/]+\.ipynb)\))(?P<comma>, |，)\*(?P<heading>[^*|\n]+)\*"
)
TERM = re.compile(r"^\| [^|]+ \| ([^|]+) \|", re.MULTILINE)
IMAGES = ("image/png", "image/jpeg")


@dataclass(frozen=True)
class Edition:
    """The course in one language.

    Attributes:
        title: the name of the site.
        language: what the language is called by those who read it.
        sphinx_language: Sphinx' name of the language.
        folder: where it stands in the folder of the whole site.
        front_page: the page that the others hang on, without its suffix.
        notebooks: the folder of the notebooks.
        other_pages: further files of the edition, in the same order in each edition.
        solution: what the label of a folded solution says, closed and open.
        check: what the label of a folded check says, closed and open.
        answer: the line above an answer cell.
        look_up: the title of the pages where things are looked up.
        teaching: the title of the pages for teachers.
        card_alt: what the picture shows that stands beside a link to the site.
    """

    title: str
    language: str
    sphinx_language: str
    folder: str
    front_page: str
    notebooks: str
    other_pages: tuple[str, ...]
    solution: tuple[str, str]
    check: tuple[str, str]
    answer: str
    look_up: str
    teaching: str
    card_alt: str


EDITIONS = {
    "en": Edition(
        title="Save and restore models in TensorFlow",
        language="English",
        sphinx_language="en",
        folder="",
        front_page="README",
        notebooks="notebooks",
        other_pages=("TEACHING.md",),
        solution=("Open the solution", "Close the solution"),
        check=("Open the check", "Close the check"),
        answer="Your answer (in JupyterLab)",
        look_up="To look things up",
        teaching="To teach",
        card_alt="The title of the course above a drawing: which file holds which part of a model.",
    ),
    "zh": Edition(
        title="TensorFlow 模型的保存与恢复",
        language="中文",
        sphinx_language="zh_CN",
        folder="zh",
        front_page="README.zh",
        notebooks="notebooks_zh",
        other_pages=("TEACHING.zh.md",),
        solution=("展开参考答案", "收起参考答案"),
        check=("展开检查代码", "收起检查代码"),
        answer="你的答案（在 JupyterLab 中填写）",
        look_up="速查",
        teaching="教学",
        card_alt="课程标题，下面是一幅图：模型的各个部分分别保存在哪个文件里。",
    ),
}


def patterns(edition: Edition) -> list[str]:
    """Return the patterns of all files that belong to an edition, as paths from the course."""
    return [
        f"{edition.front_page}.md",
        f"{edition.notebooks}/*.ipynb",
        f"{edition.notebooks}/*.md",
        *edition.other_pages,
    ]


def address(environment: Mapping[str, str], edition: Edition) -> str:
    """Return where an edition will stand; nothing if the environment does not say it."""
    whole_site = environment.get("COURSE_ADDRESS", "")
    if not whole_site:
        return ""
    # Without the last slash, a link that is joined to it would replace its last part.
    parts_of_address = [whole_site.rstrip("/"), edition.folder]
    return "".join(f"{part}/" for part in parts_of_address if part)


def launch_buttons(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the theme's launch buttons: one for each place that the environment names.

    Raises:
        ValueError: there is a place to launch, but no repository from which it could load.
    """
    places = {
        "binderhub_url": environment.get("COURSE_BINDER", ""),
        "jupyterhub_url": environment.get("COURSE_HUB", ""),
        "colab_url": environment.get("COURSE_COLAB", ""),
    }
    named = {key: address for key, address in places.items() if address}
    if not named:
        return {}
    if not environment.get("COURSE_REPOSITORY"):
        raise ValueError(
            "a place to launch notebooks is named, but not where their files are: "
            "set COURSE_REPOSITORY to the address of the course's repository"
        )
    return {"notebook_interface": "jupyterlab", **named}


def slug(heading: str) -> str:
    """Return the anchor of a heading: small letters and digits, joined by hyphens."""
    return re.sub(r"[^\w]+", "-", heading.lower()).strip("-")


def notebook_page(text: str, name: str, edition: Edition) -> str:
    """Return the notebook to show: its number in the title, exercises labelled, pictures described.

    Args:
        text: the notebook, as its file holds it.
        name: the name of the file without its suffix, for example ``01_save``.
        edition: whose labels to use.
    """
    notebook = json.loads(text)
    cells = []
    for number, cell in enumerate(notebook["cells"]):
        cell["source"] = "".join(cell["source"])
        if "answer" in tags_of(cell):
            cells.append(answer_label(f"label-{number}", edition))
        label_exercise(cell, edition)
        describe_picture(cell)
        cells.append(cell)
    notebook["cells"] = cells
    numbered = NUMBERED.match(name)
    if numbered:
        cells[0]["source"] = HEADING.sub(f"# {numbered[0]}: ", cells[0]["source"], count=1)
    return json.dumps(notebook)


def tags_of(cell: Mapping[str, Any]) -> list[str]:
    """Return the tags of a cell."""
    return cell["metadata"].get("tags", [])


def answer_label(identifier: str, edition: Edition) -> dict[str, Any]:
    """Return a cell that says that the learner's answer belongs into the next one."""
    source = f"{{.answer-label}}\n{edition.answer}"
    return {"cell_type": "markdown", "id": identifier, "metadata": {}, "source": source}


def label_exercise(cell: dict[str, Any], edition: Edition) -> None:
    """Fold a solution or a check under a label; other cells stay as they are."""
    for tag, labels in (("solution", edition.solution), ("check", edition.check)):
        if tag in tags_of(cell):
            cell["metadata"]["tags"] = [*tags_of(cell), "hide-cell"]
            closed, opened = labels
            for_cell = cell["metadata"].setdefault("mystnb", {})
            for_cell |= {"code_prompt_show": closed, "code_prompt_hide": opened}


def describe_picture(cell: dict[str, Any]) -> None:
    """Give the picture of a cell the alt text that its output stores.

    Raises:
        ValueError: a cell has two pictures, and MyST-NB knows one alt text for each cell.
    """
    descriptions = []
    for output in cell.get("outputs", []):
        for kind in IMAGES:
            if kind in output.get("data", {}):
                descriptions.append(output["metadata"].get(kind, {}).get("alt", ""))
    if len(descriptions) > 1:
        raise ValueError(f"a cell draws {len(descriptions)} pictures, which cannot be described")
    if descriptions:
        for_cell = cell["metadata"].setdefault("mystnb", {})
        for_cell["image"] = {"alt": descriptions[0]}


def headings(text: str) -> list[str]:
    """Return all headings of a notebook, given what its file holds."""
    found = []
    for cell in json.loads(text)["cells"]:
        if cell["cell_type"] == "markdown":
            prose = CODE_BLOCK.sub("", "".join(cell["source"]))
            found += ANY_HEADING.findall(prose)
    return found


def with_section_links(
    text: str, translations: Mapping[tuple[str, str], str] = MappingProxyType({})
) -> str:
    """Make a link of each heading that stands behind the number of its notebook.

    Files of the course write ``[01](01_save.ipynb), *Look at the files*``, because a link to a
    section works in no other reader of notebooks.

    Args:
        text: the page.
        translations: the headings to show, by file name and the heading in the text.
    """

    def link(found: re.Match[str]) -> str:
        file = found["file"]
        name = Path(file).name
        heading = translations.get((name, found["heading"]), found["heading"])
        return f"{found['link']}{found['comma']}[{heading}]({file}#{slug(heading)})"

    return SECTION.sub(link, text)


def with_edition_link(text: str, other: Edition, address: str | None) -> str:
    """Let links to another edition's front page lead to where the site has that edition.

    Args:
        text: the front page.
        other: the edition that the links lead to.
        address: where it is, or None if it is not built: lines that lead to it are left out.
    """
    link = re.compile(rf"\[([^]]+)\]\({re.escape(other.front_page)}\.md\)")
    if address is not None:
        return link.sub(rf'<a href="{address}">\1</a>', text)
    return "".join(line for line in text.splitlines(keepends=True) if not link.search(line))


def chinese_terms(glossary: str) -> list[str]:
    """Return the Chinese terms of the glossary, without what stands in brackets or is Latin."""
    terms = []
    for term in TERM.findall(glossary):
        plain = re.sub(r"（.*?）", "", term)
        terms += [word for word in re.split(r"[^\u4e00-\u9fff]+", plain) if len(word) > 1]
    return terms


def parts(readme: str) -> list[tuple[str, list[str]]]:
    """Return the parts of the path that a README's table has: each one's title and notebooks."""
    result: list[tuple[str, list[str]]] = []
    for line in readme.splitlines():
        part = PART.match(line)
        notebook = NOTEBOOK.match(line)
        if part:
            result.append((part["title"], []))
        elif notebook and result:
            result[-1][1].append(notebook["path"])
    return result


def contents(readme: str, found: list[str], edition: Edition) -> str:
    """Return the table of contents, as text to add to the front page.

    Args:
        readme: the text of the front page.
        found: the names of all other pages that are there, without their suffixes.
        edition: the edition that they belong to.
    """
    chapters = [
        (title, [page for page in pages if page in found]) for title, pages in parts(readme)
    ]
    placed = {page for _, pages in chapters for page in pages}
    rest = [page for page in sorted(found) if page not in placed]
    in_notebooks = [page for page in rest if page.startswith(f"{edition.notebooks}/")]
    more_lessons = [page for page in in_notebooks if NUMBERED.match(Path(page).name)]
    look_up = [page for page in in_notebooks if page not in more_lessons]
    teaching = [page for page in rest if page not in in_notebooks]
    if more_lessons and not chapters:
        chapters.append((edition.title, []))
    if more_lessons:
        chapters[-1][1].extend(more_lessons)
    if chapters and chapters[-1][0] == edition.look_up:
        chapters[-1][1].extend(look_up)
    else:
        chapters.append((edition.look_up, look_up))
    chapters.append((edition.teaching, teaching))
    return "".join(toctree(title, pages) for title, pages in chapters if pages)


def toctree(title: str, pages: list[str]) -> str:
    """Return one part of the table of contents."""
    lines = ["", "```{toctree}", ":hidden:", f":caption: {title}", *pages, "```", ""]
    return "\n".join(lines)


def counterpart(page: str, here: Edition, there: Edition) -> str:
    """Return the page of another edition that has the same subject."""
    if page == here.front_page:
        return there.front_page
    if f"{page}.md" in here.other_pages:
        return there.other_pages[here.other_pages.index(f"{page}.md")].removesuffix(".md")
    folder, _, name = page.rpartition("/")
    if folder == here.notebooks:
        return f"{there.notebooks}/{name}"
    return there.front_page
