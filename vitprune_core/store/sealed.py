"""Files that say in their name what is in them: `<number>-<sha256>.safetensors`.

The hash is of the bytes, since neither safetensors nor a file system notices a flipped bit. The
rename that gives a file its name is what commits it: a name that is there is a file that is whole,
and a file whose bytes are others is damaged.
"""

import hashlib
import re
from contextlib import suppress
from pathlib import Path

from vitprune_core.store.rundir import write

NAME = re.compile(r"([0-9]+)-([0-9a-f]{64})\.safetensors")
CORRUPT = ".corrupt"


class DamagedFile(ValueError):
    """The bytes are not those that the name promises, or not what they should hold."""


def seal(folder: Path, number: int, data: bytes) -> Path:
    """Commit `data` under its number and hash; afterwards it survives a power cut."""
    path = folder / f"{number:08d}-{hashlib.sha256(data).hexdigest()}.safetensors"
    write(path, data)
    return path


def sealed(folder: Path) -> list[Path]:
    """Committed files, the highest number first, of one number the latest."""
    if not folder.is_dir():
        return []
    found = (path for path in folder.iterdir() if NAME.fullmatch(path.name))
    return sorted(found, key=lambda p: (number(p), p.stat().st_mtime_ns), reverse=True)


def number(path: Path) -> int:
    return int(path.name.partition("-")[0])


def unseal(path: Path) -> bytes:
    """The bytes; raises `DamagedFile` when they are others, OSError when they cannot be read."""
    data = path.read_bytes()
    match = NAME.fullmatch(path.name)
    if match is None or hashlib.sha256(data).hexdigest() != match[2]:
        raise DamagedFile(f"{path.name}: its bytes are not those that were written")
    return data


def set_aside(path: Path) -> str:
    """Keep a damaged file under another name, so that nobody takes it again; which."""
    aside = path.with_name(f"{path.name}{CORRUPT}")
    with suppress(FileNotFoundError):  # somebody else was quicker
        path.replace(aside)
    return aside.name
