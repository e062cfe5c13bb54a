"""The files that came out of PyTorch, and how to know that they are still the same.

`make_fixtures.py` has made them, and says what is in each.
"""

from pathlib import Path

from helpers.prove import refuse_other_bytes

FILES = Path(__file__).parent / "files"
SHA256 = {
    "answers.safetensors": "257b6cab3b44ea5eb285e1ae42e15decc6e6593246ee9bf9f4a3c862858a08f8",
    "digits_cnn.safetensors": "51faa67b0471df2d8286538a6b0505f7f93eba822fc93970f5cc99a3a944b1e7",
    "digits_cnn_bf16.safetensors": (
        "443fa760835a5c9dc94c53212ffefd9893150d0d41db0dabf2efcbde98ea2d6d"
    ),
    "digits_rnn.safetensors": "61fd7402b8ecb25ed20d71037aea954d1130934404db1b5cd24ef7b74eb1188d",
}
# Of the file with the pruned network that PyTorch has loaded. We make that file ourselves.
PRUNED_SHA256 = "b0691e04ea69d541df9282aa5c931b8cc8d0f6f14db9d66998401e202402ab4a"


def published(name: str, folder: Path = FILES) -> Path:
    """Return the path of a file of this wing if its bytes are the published ones.

    Args:
        name: one of `SHA256`.
        folder: where the file lies.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: its SHA-256 is not the one published under its name, or none is.
    """
    if name not in SHA256:
        raise ValueError(f"{name} is not published here: choose {', '.join(SHA256)}")
    path = folder / name
    if not path.is_file():
        raise FileNotFoundError(f"no {name} in {folder.name}: get the course's copy again")
    refuse_other_bytes(path, SHA256[name], "get the file again")
    return path
