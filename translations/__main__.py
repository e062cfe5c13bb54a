"""Build the course in another language, or check a translation.

    python -m translations zh                      build all into notebooks_zh/
    python -m translations zh 01_save              build one
    python -m translations zh --check              name each fault
    python -m translations zh --coverage           count what is translated, by text
    python -m translations zh 01_save --keys       print the pieces that wait for a translation

Run it in the course's folder.
"""

import argparse
import sys
from collections.abc import Sequence

from translations import build, checks
from translations.edition import Edition, Source


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks for; 1 if a check has found something."""
    parser = argparse.ArgumentParser(
        prog="python -m translations", description=__doc__.splitlines()[0]
    )
    parser.add_argument("language", help="such as zh")
    parser.add_argument("names", nargs="*", metavar="text", help="such as 01_save; else all")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--check", action="store_true", help="name each fault")
    action.add_argument("--coverage", action="store_true", help="count what is translated")
    action.add_argument("--keys", action="store_true", help="print what waits for a translation")
    action.add_argument("--replace", action="store_true", help="build over changed files too")
    chosen = parser.parse_args(arguments)
    try:
        edition = Edition(chosen.language)
        sources = edition.chosen(chosen.names)
    except LookupError as error:
        sys.exit(str(error.args[0]))
    if chosen.check:
        return check(edition, sources, with_strays=not chosen.names)
    if chosen.coverage:
        show_coverage(sources)
    elif chosen.keys:
        show_keys(sources)
    else:
        show_build(edition, sources, chosen.replace)
    return 0


def check(edition: Edition, sources: Sequence[Source], with_strays: bool) -> int:
    """Print each fault in a line; 1 if there is one."""
    checker = checks.Checker(edition)
    count = 0
    for source in sources:
        for fault in checker.faults(source):
            print(fault)
            count += 1
    if with_strays:
        for path in edition.strays():
            print(f"{path.name}: the course has no text of this name")
            count += 1
    print(f"{count} faults in {len(sources)} texts")
    return 1 if count else 0


def show_coverage(sources: Sequence[Source]) -> None:
    """Print for each text its pieces, and how many are translated, stale and missing."""
    print(f"{'text':24}{'pieces':>8}{'translated':>12}{'stale':>8}{'missing':>9}")
    total = [0, 0, 0, 0]
    for source in sources:
        found = checks.coverage(source)
        counts = [found.pieces, found.translated, found.stale, found.missing]
        total = [before + count for before, count in zip(total, counts, strict=True)]
        print(_row(found.name, counts))
    print(_row("all", total))


def _row(name: str, counts: Sequence[int]) -> str:
    pieces, translated, stale, missing = counts
    return f"{name:24}{pieces:>8}{translated:>12}{stale:>8}{missing:>9}"


def show_keys(sources: Sequence[Source]) -> None:
    """Print each piece that is missing or stale, in English, below the comment that it needs."""
    for source in sources:
        current = {(piece.key, piece.fingerprint) for piece in source.translated()}
        for piece in source.pieces():
            if (piece.key, piece.fingerprint) in current:
                continue
            if source.is_notebook:
                print(f"<!-- {piece.key} {piece.fingerprint} -->\n{piece.english}\n")
            else:
                print(piece.with_key(), end="\n\n")


def show_build(edition: Edition, sources: list[Source], replace: bool) -> None:
    """Build, and print a line for each text."""
    for built in build.build(edition, sources, replace):
        name = built.path.relative_to(edition.course).as_posix()
        if built.kept:
            print(
                f"{name} was changed since it was built and is kept: rename it to keep your own "
                "work and build again, or build with --replace"
            )
        else:
            print(name)


if __name__ == "__main__":
    sys.exit(main())
