"""The trained weights that come with the course, and how to know that a file is one of them."""

import hashlib
from pathlib import Path

TRAINED = Path(__file__).parent / "trained"
SHA256 = {
    "eye.weights.h5": "3bd62e25c526a66ad2f9afc3046364e1ba57eee0199358e8f7fc3416f88210e4",
    "painter.weights.h5": "286f631e8b00fff0216af256ab9905a3977df357cbd58aa6d112138255268b7d",
}


def compute_sha256(path: Path) -> str:
    """Return the SHA-256 of all bytes of a file, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verified(path: Path | str) -> Path:
    """Return the path of a weights file if its bytes are the published ones.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: its SHA-256 is not the one published under its name, or none is.

    Example:
        ``eye.load_weights(verified(TRAINED / "eye.weights.h5"))``
    """
    path = Path(path)
    if path.name not in SHA256:
        raise ValueError(f"{path.name} is not published here: choose {' or '.join(SHA256)}")
    if not path.is_file():
        remedy = "make it with python -m helpers.painting.train"
        raise FileNotFoundError(f"no {path.name} in {path.parent.name}: {remedy}")
    found = compute_sha256(path)
    published = SHA256[path.name]
    if found != published:
        hashes = f"SHA-256 is {found[:12]}…, published is {published[:12]}…"
        raise ValueError(f"{path.name}: {hashes}: do not load it, get the file again")
    return path
