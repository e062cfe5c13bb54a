"""The extension of Sphinx that shows the course's files as pages; what to show is in course_pages.

Formulas become MathML, which browsers draw by themselves: a page that is read from a disk loads no
script from the net.
"""

import functools
import shutil
from pathlib import Path
from typing import Any

import course_card
import course_pages
import jieba
from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from myst_nb.sphinx_ import HideCodeCellNode, depart_HideCellInput, visit_HideCellInput
from sphinx.application import Sphinx
from sphinx.search.zh import SearchChinese
from sphinx.writers.html5 import HTML5Translator

BEFORE_CONTENTS = 100  # Sphinx collects the contents of a page with priority 500


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the steps below to Sphinx."""
    # Chinese pages ask for a stemmer that Sphinx does not have. Their Latin words are English.
    SearchChinese.language_name = "English"
    app.add_html_math_renderer("course_mathml", (visit_formula, None), (visit_equation, None))
    app.connect("builder-inited", name_folds)
    # A page has a link to its other edition once that is built: it is written again then.
    app.add_config_value("course_chinese_is_built", False, "html", types=[bool])
    app.connect("builder-inited", teach_terms)
    app.connect("builder-inited", look_for_chinese)
    app.connect("builder-inited", keep_pictures_out_of_site)
    app.connect("env-get-outdated", read_front_page_again)
    app.connect("source-read", prepare)
    app.connect("doctree-read", name_sections, priority=BEFORE_CONTENTS)
    app.connect("html-page-context", add_switch)
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def edition_of(app: Sphinx) -> course_pages.Edition:
    """Return the edition that is built."""
    for edition in course_pages.EDITIONS.values():
        if edition.front_page == app.config.root_doc:
            return edition
    raise ValueError(f"no edition has the front page {app.config.root_doc!r}")


def prepare(app: Sphinx, page: str, source: list[str]) -> None:
    """Turn a file of the course into what MyST-NB and MyST understand."""
    edition = edition_of(app)
    if app.env.doc2path(page).suffix == ".ipynb":
        source[0] = course_pages.notebook_page(source[0], Path(page).name, edition)
        return
    source[0] = course_pages.with_section_links(source[0], translations(app.srcdir, edition))
    if page == edition.front_page:
        other, address = other_edition(app, page)
        source[0] = course_pages.with_edition_link(source[0], other, address)
        others = sorted(app.env.found_docs - {page})
        source[0] += course_pages.contents(source[0], others, edition)


def read_front_page_again(app: Sphinx, *_: object) -> list[str]:
    """Name the page that says which others there are, and whether there is another edition."""
    return [app.config.root_doc]


@functools.cache  # every page asks, and they are read from all notebooks of two editions
def translations(course: str | Path, edition: course_pages.Edition) -> dict[tuple[str, str], str]:
    """Return the headings of an edition by notebook and English heading; nothing for English."""
    english = course_pages.EDITIONS["en"]
    found: dict[tuple[str, str], str] = {}
    if edition == english:
        return found
    for path in sorted(Path(course, edition.notebooks).glob("*.ipynb")):
        original = Path(course, english.notebooks, path.name)
        headings = [
            course_pages.headings(book.read_text(encoding="utf-8")) for book in (original, path)
        ]
        for before, after in zip(*headings, strict=True):
            found[path.name, before] = after
    return found


def teach_terms(app: Sphinx) -> None:
    """Let the search of Chinese pages know the terms of the course, which have no spaces."""
    if edition_of(app) != course_pages.EDITIONS["zh"]:
        return
    glossary = Path(app.srcdir, "notebooks", "glossary.md").read_text(encoding="utf-8")
    for term in course_pages.chinese_terms(glossary):
        jieba.add_word(term)


def keep_pictures_out_of_site(app: Sphinx) -> None:
    """Let MyST-NB unpack pictures beside its cache: the folder above may be another site."""
    folder = Path(app.doctreedir, "outputs")
    app.env.mystnb_config = app.env.mystnb_config.copy(output_folder=str(folder))


def look_for_chinese(app: Sphinx) -> None:
    """Note whether the Chinese edition stands in the folder that the English one is built into."""
    chinese = course_pages.EDITIONS["zh"]
    front_page = Path(app.outdir, chinese.folder, f"{chinese.front_page}.html")
    app.config.course_chinese_is_built = front_page.is_file()


def name_sections(_app: Sphinx, page: nodes.document) -> None:
    """Let a Chinese section be called as its heading: docutils would count id1, id2 and so on."""
    for section in page.findall(nodes.section):
        title = section.next_node(nodes.title)
        name = course_pages.slug(title.astext())
        if page.ids.get(name, section) is section:
            others = [other for other in section["ids"] if other != name]
            section["ids"] = [name, *others]
            page.ids[name] = section


def name_folds(app: Sphinx) -> None:
    """Let a folded cell be called what is written on it, also by a screen reader."""
    app.add_node(HideCodeCellNode, override=True, html=(visit_fold, depart_HideCellInput))


def visit_fold(translator: HTML5Translator, node: HideCodeCellNode) -> None:
    """Begin a folded cell as MyST-NB does, without the name that hides the label."""
    begin = len(translator.body)
    visit_HideCellInput(translator, node)
    for place in range(begin, len(translator.body)):
        line = translator.body[place]
        translator.body[place] = line.replace(' aria-label="Toggle hidden content"', "")


def add_switch(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Tell the page where its other edition is: nowhere, or at which relative address."""
    other, address = other_edition(app, page)
    if address is not None:
        context["other_edition"] = {
            "url": address,
            "language": other.sphinx_language.partition("_")[0],
            "name": other.language,
        }


def other_edition(app: Sphinx, page: str) -> tuple[course_pages.Edition, str | None]:
    """Return the other edition, and a page's address there: relative, None if it is not built."""
    english, chinese = course_pages.EDITIONS["en"], course_pages.EDITIONS["zh"]
    to_root = "../" * page.count("/")
    if edition_of(app) == chinese:
        target = course_pages.counterpart(page, chinese, english)
        return english, f"{to_root}../{target}.html"
    if not app.config.course_chinese_is_built:
        return chinese, None
    target = course_pages.counterpart(page, english, chinese)
    is_built = Path(app.outdir, chinese.folder, f"{target}.html").is_file()
    if not is_built:
        target = chinese.front_page
    return chinese, f"{to_root}{chinese.folder}/{target}.html"


def finish(app: Sphinx, error: Exception | None) -> None:
    """Add what a server asks for: a first page, and the picture that stands beside a link."""
    if error or app.builder.name != "html":
        return
    outdir = Path(app.outdir)
    shutil.copyfile(outdir / f"{app.config.root_doc}.html", outdir / "index.html")
    (outdir / ".nojekyll").touch()  # GitHub Pages would leave out folders such as _static
    picture = Path(app.srcdir, "notebooks", "images", "01_save.png")
    card = outdir / "_static" / "card.png"
    course_card.draw_card(course_pages.EDITIONS["en"].title, picture, card)


def visit_formula(translator: HTML5Translator, node: nodes.math) -> None:
    """Write a formula in a line of text."""
    translator.body.append(tex2mathml(node.astext(), as_block=False))
    raise nodes.SkipNode


def visit_equation(translator: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula that stands alone."""
    translator.body.append(tex2mathml(node.astext(), as_block=True))
    raise nodes.SkipNode
