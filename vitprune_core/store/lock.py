"""Who works on a run: a lock held for life, and inside it who holds it.

Liveness is the held lock, not a process number that may be used again: the kernel lets go of it
when the process ends, however it ends.
"""

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from vitprune_core.store.values import from_json, to_json


@dataclass(frozen=True)
class Holder:
    host: str
    pid: int
    attempt: int
    boot: str = ""
    """Identifies the host's current start, where the system tells it."""


class Held(Exception):
    """Somebody else holds the run."""

    def __init__(self, holder: Holder | None):
        self.holder = holder
        who = f"process {holder.pid} on {holder.host}" if holder else "another process"
        super().__init__(f"the run is held by {who}")


@contextmanager
def hold(path: Path, attempt: int) -> Iterator[Holder]:
    """Hold the lock while the block runs; raises `Held` when somebody else has it."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    try:
        if not _take(file):
            raise Held(_read(path))
        me = Holder(socket.gethostname(), os.getpid(), attempt, _boot())
        os.ftruncate(file, 0)
        os.pwrite(file, json.dumps(to_json(me)).encode(), 0)
        yield me
    finally:
        os.close(file)


def _take(file: int) -> bool:
    """Try for a moment: a reader that looks whether the lock is free holds it as long."""
    for _ in range(10):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(0.02)
    return False


def holder(path: Path) -> Holder | None:
    """Who holds the lock now; None when nobody does."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(path) or Holder("?", 0, 0)
    finally:
        os.close(file)
    return None


def _read(path: Path) -> Holder | None:
    with suppress(OSError, ValueError, TypeError):
        return from_json(Holder, json.loads(path.read_bytes()))
    return None


def _boot() -> str:
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""
