"""The link for a class has everything that nbgitpuller needs, and refuses half an address."""

import doctest
from urllib.parse import parse_qs, urlsplit

import pytest

HUB = "https://hub.example.org/"
REPOSITORY = "https://example.org/a class.git?x=1&y=2"


@pytest.fixture
def link(module):
    return module("helpers.classroom.hub.link")


def test_the_link_leads_to_the_hub_and_carries_the_repository_whole(link):
    parts = urlsplit(link.pull_link(HUB, REPOSITORY, "03_tricks", "class"))
    assert (parts.netloc, parts.path) == ("hub.example.org", "/hub/user-redirect/git-pull")
    assert parse_qs(parts.query) == {
        "repo": [REPOSITORY],
        "branch": ["class"],
        "targetPath": ["course"],
        "urlpath": ["lab/tree/course/notebooks/03_tricks.ipynb"],
    }


def test_the_link_holds_no_blank_that_a_message_would_break(link):
    assert " " not in link.pull_link(HUB, REPOSITORY)
    assert "+" not in link.pull_link(HUB, REPOSITORY)


@pytest.mark.parametrize(
    ("hub", "repository", "named"),
    [("hub.example.org", REPOSITORY, "hub's"), (HUB, "example/course", "repository's")],
)
def test_an_address_without_its_scheme_is_refused(link, hub, repository, named):
    with pytest.raises(ValueError, match=f"the {named} address begins with https://"):
        link.pull_link(hub, repository)


def test_the_command_prints_the_link(link, capsys):
    assert link.main([HUB, REPOSITORY, "--notebook", "02_restore", "--branch", "b"]) == 0
    assert capsys.readouterr().out == link.pull_link(HUB, REPOSITORY, "02_restore", "b") + "\n"


def test_the_command_says_in_one_line_what_is_wrong(link, capsys):
    assert link.main(["hub.example.org", REPOSITORY]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert "got 'hub.example.org'" in line


def test_the_example_in_the_docstring_is_right(link):
    results = doctest.testmod(link)
    assert results.attempted == 1
    assert results.failed == 0
