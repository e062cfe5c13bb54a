"""How the course becomes a web site; the README names the command that builds it.

The notebooks are not run: the site shows the outputs that they store. What can differ between two
sites is set by environment variables:

    COURSE_LANGUAGE   en (without it) or zh: the edition that is built
    COURSE_ADDRESS    where the site will stand; links for search engines and cards need it
    COURSE_REPOSITORY where the course's files are; the launch buttons need it
    COURSE_BRANCH     which branch of them, main without it
    COURSE_BINDER, COURSE_HUB, COURSE_COLAB
                      places that run a notebook; each gets a launch button on each notebook

The Chinese edition is built first, from ``notebooks_zh/`` and ``README.zh.md`` into the folder
``zh`` of the English site. Where both are there, each page has a link to the other edition.
"""

import importlib
import os
import sys
from pathlib import Path

SITE = Path(__file__).parent
COURSE = SITE.parent
sys.path.insert(0, str(SITE))
course_pages = importlib.import_module("course_pages")  # it could not be found any sooner

edition = course_pages.EDITIONS[os.environ.get("COURSE_LANGUAGE", "en")]

project = edition.title
author = "The course's authors"
language = edition.sphinx_language
root_doc = edition.front_page
extensions = [
    "myst_nb",
    "sphinx_copybutton",
    "sphinxext.opengraph",
    "course_site",
]

# What belongs to the site. A page that is not there yet is no error.
include_patterns = course_pages.patterns(edition)
exclude_patterns = [".*", "runs", "build", "site"]  # and do not walk through what is large

smartquotes = False  # pages say what the notebooks say, letter by letter, and so are found
nb_execution_mode = "off"
nb_merge_streams = True
# Scripts for widgets would come from the net, and the notebooks store no widgets.
nb_ipywidgets_js: dict[str, dict[str, str]] = {}
myst_enable_extensions = ["attrs_block", "dollarmath", "html_image"]
myst_heading_anchors = 3
myst_heading_slug_func = "course_pages.slug"
html_math_renderer = "course_mathml"

html_theme = "sphinx_book_theme"
html_title = project
html_static_path = ["static"]
html_sidebars = {
    "**": ["course_title.html", "search-button-field.html", "sbt-sidebar-nav.html"],
}
html_use_index = False  # it would be empty: the index of the course is one of its pages
templates_path = ["templates"]
html_css_files = ["course.css"]
html_js_files = [("course.js", {"defer": "defer"})]
html_favicon = "static/favicon.svg"
html_copy_source = False  # a notebook alone does not run: it needs the course
html_show_copyright = False
html_baseurl = course_pages.address(os.environ, edition)
html_theme_options = {
    "article_header_end": ["language_switch.html", "article-header-buttons.html"],
    "launch_buttons": course_pages.launch_buttons(os.environ),
    "navbar_persistent": [],  # it would lay a second search field over the page
    "path_to_docs": ".",
    "repository_branch": os.environ.get("COURSE_BRANCH", "main"),
    "repository_url": os.environ.get("COURSE_REPOSITORY", ""),
    "show_toc_level": 2,
    "use_download_button": False,
    "use_fullscreen_button": False,
}

ogp_site_url = html_baseurl
ogp_image = "_static/card.png"
ogp_image_alt = edition.card_alt
ogp_enable_meta_description = True
