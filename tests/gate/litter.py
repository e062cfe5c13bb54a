"""What a notebook leaves behind outside ``runs/``."""

import fnmatch
import os
from pathlib import Path

# git ignores these without being told.
ALWAYS_IGNORED = [".git", ".mypy_cache"]


def files(root):
    """Return every file under a folder, but for what its ``.gitignore`` names."""
    root = Path(root)
    everywhere, at_the_root = _ignored_folders(root)
    found = set()
    for folder, folders, names in os.walk(root):
        patterns = everywhere + at_the_root if Path(folder) == root else everywhere
        folders[:] = [name for name in folders if not _matches(name, patterns)]
        found.update(Path(folder, name).relative_to(root).as_posix() for name in names)
    return found


def _ignored_folders(root):
    """Return the patterns of ignored folders: those for any place, and those for the root only."""
    everywhere = list(ALWAYS_IGNORED)
    at_the_root = []
    gitignore = root / ".gitignore"
    lines = gitignore.read_text(encoding="utf-8").splitlines() if gitignore.exists() else []
    for line in lines:
        if not line.endswith("/"):
            continue
        patterns = at_the_root if line.startswith("/") else everywhere
        patterns.append(line.strip("/"))
    return everywhere, at_the_root


def _matches(name, patterns):
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)
