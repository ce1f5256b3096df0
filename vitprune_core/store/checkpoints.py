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

from vitprune_core.store.sealed import seal, sealed

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


def commit(folder: Path, step: int, data: bytes) -> Path:
    """Commit a checkpoint; raises OSError (ENOSPC) before anything is written if it has no room."""
    if shutil.disk_usage(folder).free < len(data) + MARGIN:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
    return seal(folder, step, data)


def drop_old(folder: Path) -> None:
    for path in sealed(folder)[KEPT:]:
        path.unlink(missing_ok=True)


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
