"""Pipes and devices, which a reader may wait for without an end."""

from pathlib import Path


def refuse_pipe_or_device(path: Path) -> None:
    """Raise OSError if there is something at a path that is neither a file nor a folder."""
    is_special = path.exists() and not path.is_file() and not path.is_dir()
    if is_special:
        raise OSError(f"{path.name} is a pipe or a device, not a file")
