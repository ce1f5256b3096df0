"""Where a run can go on from: its last two checkpoints, each committed whole or not at all.

draft -> write -> fsync -> rename (this commits it) -> fsync the folder -> event -> drop the oldest
"""

import errno
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vitprune_core.store.sealed import number, seal, sealed

KEPT = 2
"""Newest checkpoints that stay: should one be damaged, there is the one before."""
MARGIN = 1 << 20
"""Bytes that must stay free beside a checkpoint, for the log."""


@dataclass(frozen=True)
class Moment:
    """A place between two steps: here a run may be left, and gone on with to the same bytes."""

    step: int
    """Steps of training and prunings so far: the same number is the same place."""
    position: Callable[[], Any] | None
    """All that what follows depends on; only while the engine rests at this moment. None while it
    waits for another run and there is nothing to keep."""
    phase_end: bool = False


FULL = (errno.ENOSPC, errno.EDQUOT)
FULL_DISK = "the disk is full"
"""What the reason of a run begins with that is paused by it."""


class NoRoom(OSError):
    """The disk is full, or would be; nothing was written."""

    def __init__(self, folder: Path, needed: int):
        super().__init__(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
        self.needed = needed
        """Bytes that must be free."""


def commit(folder: Path, step: int, data: bytes) -> Path:
    """Commit a checkpoint; raises `NoRoom` before anything is written, OSError while it is."""
    needed = len(data) + MARGIN
    if shutil.disk_usage(folder).free < needed:
        raise NoRoom(folder, needed)
    return seal(folder, step, data)


def drop_old(folder: Path) -> None:
    """Two places stay, of each the latest file."""
    steps: set[int] = set()
    for path in sealed(folder):
        if number(path) in steps or len(steps) == KEPT:
            path.unlink(missing_ok=True)
        steps.add(number(path))


def clear(folder: Path) -> None:
    """Drop all: the run is done, or begins anew."""
    for path in sealed(folder):
        path.unlink(missing_ok=True)


def room_needed(folder: Path) -> int:
    """Free bytes that a run needs to go on: for another checkpoint, and the log."""
    sizes = [0]
    for path in sealed(folder):
        with suppress(OSError):
            sizes.append(path.stat().st_size)
    return max(sizes) + MARGIN
