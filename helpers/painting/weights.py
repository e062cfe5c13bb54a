"""The trained weights that come with the course, and how to know that a file is one of them."""

from pathlib import Path

from helpers.prove import refuse_other_bytes

TRAINED = Path(__file__).parent / "trained"
SHA256 = {
    "eye.weights.h5": "3bd62e25c526a66ad2f9afc3046364e1ba57eee0199358e8f7fc3416f88210e4",
    "painter.weights.h5": "286f631e8b00fff0216af256ab9905a3977df357cbd58aa6d112138255268b7d",
}


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
    refuse_other_bytes(path, SHA256[path.name], "get the file again")
    return path
