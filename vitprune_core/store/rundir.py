"""Where a run keeps its files. Every path below `runs/` is spelled here and nowhere else.

| path                        | what                                                        |
| --------------------------- | ----------------------------------------------------------- |
| `config.yaml`               | the complete config, defaults included, `auto` resolved     |
| `events.jsonl`              | append-only log: the only source of truth                   |
| `summary.json`              | a cache of the log up to a byte; readers write it too       |
| `masks/0.95.npz`            | `<matrix>`: packed bits of the mask, `<matrix>:shape`       |
| `masks/0.95.grid.json`      | densities in small grids, for screens                       |
| `masks/0.95.structure.json`| how densities vary in it, against shuffled masks            |
| `weights/0.95.safetensors`  | parameters by logical name                                  |
| `images/0.95.npz`           | per test image: right or wrong, negative log-likelihood     |
| `checkpoints/<step>-<sha256>.safetensors` | where the run can go on from; two until it is done |
| `control/`                  | requests to the process that works on the run               |
| `summary.md`                | the run as Markdown, where it was exported to               |
| `lock`                      | held for life by the process that works on the run          |
| `log.txt`                   | what that process printed                                   |
| `ballast`                   | given up when the disk is full, so that the log can say so  |

Dense models that runs share lie in `runs/.dense/<hash>/` (see `dense`), the order of runs that wait
in `.queue/` (see `queue`), removed runs in `.trash/`.
"""

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""What a run may be called: it is a folder's name and is printed everywhere."""
LEVEL = re.compile(r"[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?")
DENSE, QUEUE, TRASH = ".dense", ".queue", ".trash"
LOG, GRID = "events.jsonl", ".grid.json"
FOLDERS = ("masks", "weights", "images", "checkpoints", "control")


@dataclass(frozen=True)
class RunDir:
    path: Path

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def config(self) -> Path:
        return self.path / "config.yaml"

    @property
    def log(self) -> Path:
        return self.path / LOG

    @property
    def summary(self) -> Path:
        return self.path / "summary.json"

    @property
    def levels(self) -> list[str]:
        """Names of the levels whose masks were saved, rising."""
        names = (p.name.removesuffix(GRID) for p in (self.path / "masks").glob(f"*{GRID}"))
        return sorted((name for name in names if LEVEL.fullmatch(name)), key=float)

    @property
    def lock(self) -> Path:
        return self.path / "lock"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def control(self) -> Path:
        return self.path / "control"

    @property
    def output(self) -> Path:
        return self.path / "log.txt"

    @property
    def ballast(self) -> Path:
        return self.path / "ballast"

    def mask(self, level: str) -> Path:
        return self.path / "masks" / f"{level}.npz"

    def grid(self, level: str) -> Path:
        return self.path / "masks" / f"{level}{GRID}"

    def structure(self, level: str) -> Path:
        return self.path / "masks" / f"{level}.structure.json"

    def weights(self, level: str) -> Path:
        return self.path / "weights" / f"{level}.safetensors"

    def drop_weights(self, but: str) -> None:
        """Of every level but one."""
        for file in (self.path / "weights").glob("*.safetensors"):
            if file != self.weights(but):
                file.unlink(missing_ok=True)

    def images(self, level: str) -> Path:
        return self.path / "images" / f"{level}.npz"

    def create(self) -> "RunDir":
        """Make the folder; FileExistsError if there is one. Nobody else may write into it."""
        self.path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        self.path.mkdir(mode=0o755)
        return self.complete()

    def complete(self) -> "RunDir":
        """Every folder inside is there, and no draft that a killed process left."""
        for name in FOLDERS:
            (self.path / name).mkdir(mode=0o755, exist_ok=True)
        for folder in (self.path, *(self.path / name for name in FOLDERS)):
            sweep(folder)
        return self


def nobody_else_writes() -> None:
    """Into what this process makes, whatever its umask was; one that takes more away stays."""
    os.umask(os.umask(0o022) | 0o022)


def sweep(folder: Path) -> None:
    """Remove the drafts that killed processes left, by who alone works there.

    One of a reader who keeps what it read may be among them: that reader does without.
    """
    for draft in folder.glob(".*.tmp"):
        if draft.is_file():
            draft.unlink(missing_ok=True)


Stamp = tuple[int, int]
ABSENT: Stamp = (-1, -1)


def stamp(path: Path) -> Stamp:
    """Changes when the file, or the list of a folder's files, does."""
    try:
        facts = os.stat(path)
    except OSError:
        return ABSENT
    return facts.st_mtime_ns, facts.st_size


def write(path: Path, data: bytes) -> None:
    """Replace a file in one step that survives a power cut: a reader sees the old or the new."""
    draft = path.with_name(f".{path.name}.{os.urandom(6).hex()}.tmp")
    try:
        write_new(draft, data)
        os.rename(draft, path)
    except OSError:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise
    sync(path.parent)


def write_new(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file that must not be there yet, down to the disk."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(file, rest) :]
        os.fsync(file)
    finally:
        os.close(file)


def sync(path: Path) -> None:
    """Make a file, or a folder's list of names, survive a power cut."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
