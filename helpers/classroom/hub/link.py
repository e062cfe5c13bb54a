"""The link for a class: it puts the course into a learner's home, and opens a notebook.

``python -m helpers.classroom.hub.link HUB REPOSITORY`` prints it. nbgitpuller, which answers it,
copies the repository to ``~/course`` the first time, and brings corrections each time after.
"""

import argparse
import sys
from collections.abc import Sequence
from urllib.parse import quote, urlencode, urlsplit

FOLDER = "course"  # in the learner's home


def pull_link(
    hub: str, repository: str, notebook: str = "01_save", branch: str = "main", folder: str = FOLDER
) -> str:
    """Return the link that fetches a repository and opens one of its notebooks.

    Args:
        hub: the hub's address, such as ``https://hub.example.org``.
        repository: the address of a git repository with the folder ``notebooks``.
        notebook: its name without ``.ipynb``.
        branch: of the repository.
        folder: the name of the copy in the learner's home.

    Raises:
        ValueError: an address without its scheme, such as ``hub.example.org``.

    Example:
        >>> print(pull_link("https://hub.example.org", "https://example.org/course.git"))
        ... # doctest: +ELLIPSIS
        https://hub.example.org/hub/user-redirect/git-pull?repo=https%3A%2F%2Fexample.org%2F...
    """
    for name, address in (("hub", hub), ("repository", repository)):
        if not urlsplit(address).scheme:
            raise ValueError(
                f"the {name}'s address begins with https:// or the like, got {address!r}: "
                "write all of it"
            )
    query = {
        "repo": repository,
        "branch": branch,
        "targetPath": folder,
        "urlpath": f"lab/tree/{folder}/notebooks/{notebook}.ipynb",
    }
    return f"{hub.rstrip('/')}/hub/user-redirect/git-pull?{urlencode(query, quote_via=quote)}"


def main(arguments: Sequence[str]) -> int:
    """Print the link; 1 if an address is not one."""
    parser = argparse.ArgumentParser(
        prog="python -m helpers.classroom.hub.link", description=str(__doc__).split("\n")[0]
    )
    parser.add_argument("hub", help="the hub's address")
    parser.add_argument("repository", help="the address of a git repository with the notebooks")
    parser.add_argument("--notebook", default="01_save", help="to open; 01_save if not given")
    parser.add_argument("--branch", default="main", help="main if not given")
    options = parser.parse_args(arguments)
    try:
        print(pull_link(options.hub, options.repository, options.notebook, options.branch))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
