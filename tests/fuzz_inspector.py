"""Damage honest files at random and inspect them: does any make the inspector fail or hang?

    python -m tests.fuzz_inspector 5000

The seed is fixed, so the same number gives the same files. An inspection of more than ``PATIENCE``
seconds counts as one that hangs.
"""

import collections
import faulthandler
import random
import shutil
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from helpers.recipes.inspect_model import inspect_model
from tests import model_files

PATIENCE = 60  # seconds
HARD_LIMIT = 600  # seconds, after which the program ends with its stack


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Return a content with one kind of damage."""
    place = chance.randrange(len(content))
    length = chance.randrange(1, 64)
    match chance.randrange(6):
        case 0:
            return content[:place]
        case 1:
            return content[:place] + bytes(length) + content[place + length :]
        case 2:
            return content[:place] + b"\xff" * length + content[place + length :]
        case 3:
            other = chance.randrange(len(content))
            return content[:place] + content[other : other + length] + content[place:]
        case 4:
            return content[:place] + content[place + length :]
        case _:
            changed = bytearray(content)
            for _ in range(chance.randrange(1, 9)):
                changed[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
            return bytes(changed)


def damaged_file(path: Path, target: Path, chance: random.Random) -> Path:
    """Write a damaged copy of a file, or of one file in a folder or in an archive."""
    if path.is_dir():
        target.mkdir()
        for file in path.rglob("*"):
            copy = target / file.relative_to(path)
            if file.is_file():
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(file.read_bytes())
        files = [file for file in sorted(target.rglob("*")) if file.stat().st_size > 0]
        victim = chance.choice([file for file in files if file.is_file()])
        victim.write_bytes(damaged(victim.read_bytes(), chance))
        return target
    if zipfile.is_zipfile(path) and chance.random() < 0.5:
        write_damaged_archive(path, target, chance)
    else:
        target.write_bytes(damaged(path.read_bytes(), chance))
    return target


def write_damaged_archive(path: Path, target: Path, chance: random.Random) -> None:
    """Damage one member before it is packed, so that its checksum is right."""
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(target, "w") as copy:
        victim = chance.choice(archive.namelist())
        for name in archive.namelist():
            content = archive.read(name)
            if name == victim and content:
                content = damaged(content, chance)
            copy.writestr(name, content)


def run(count: int, seed: int = 1) -> collections.Counter:
    """Inspect so many damaged files, and count how each inspection ended."""
    chance = random.Random(seed)
    ended: collections.Counter = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        model_files.write_all(Path(folder, "models"))
        models = model_files.models_in(Path(folder, "models", "honest"))
        for number in range(count):
            path = chance.choice(models)
            place = Path(folder, f"{number}")
            place.mkdir()
            copy = damaged_file(path, place / path.name, chance)
            faulthandler.dump_traceback_later(HARD_LIMIT, exit=True)
            begin = time.monotonic()
            try:
                found = inspect_model(copy)
            except Exception as error:
                ended[f"exception {type(error).__name__}"] += 1
            else:
                ended["alarm" if found.alarms else "quiet"] += 1
            faulthandler.cancel_dump_traceback_later()
            shutil.rmtree(place)
            ended["hangs"] += int(time.monotonic() - begin > PATIENCE)
    return ended


if __name__ == "__main__":
    for what, times in sorted(run(int(sys.argv[1])).items()):
        print(f"{what}: {times:,}")
