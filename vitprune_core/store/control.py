"""Requests to the process that works on a run: one small file each, acknowledged in the log.

`control/<nanoseconds>-<request>`, oldest first. Whoever may write into the folder may ask; nothing
else is needed, no port and no signal, also from another host that shares the disk. A file that is
gone was acknowledged.
"""

import os
import re
import time
from pathlib import Path

REQUESTS = ("pause", "continue", "stop")
NAME = re.compile(rf"([0-9]+)-({'|'.join(REQUESTS)})")
EVERY = 0.1
"""Seconds between two looks into the folder, at least."""


def ask(folder: Path, request: str) -> Path:
    """Leave a request; its file disappears when it is acknowledged."""
    path = folder / f"{time.time_ns()}-{request}"
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
    return path


def pending(folder: Path) -> list[Path]:
    """Requests not acknowledged yet, oldest first."""
    try:
        names = [name for name in os.listdir(folder) if NAME.fullmatch(name)]
    except FileNotFoundError:
        return []
    return [folder / name for name in sorted(names, key=lambda n: int(n.partition("-")[0]))]


def request_of(path: Path) -> str:
    return path.name.partition("-")[2]


def clear(folder: Path) -> None:
    """Forget what was asked of a process that is gone."""
    for path in pending(folder):
        path.unlink(missing_ok=True)


class Inbox:
    """The worker's side: looks at most every tenth of a second, which costs a step nothing."""

    def __init__(self, folder: Path):
        self.folder, self.looked = folder, 0.0

    def oldest(self) -> Path | None:
        now = time.monotonic()
        if now - self.looked < EVERY:
            return None
        self.looked = now
        return next(iter(pending(self.folder)), None)
