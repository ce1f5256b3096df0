"""Who works on a run: a lock held for life, and inside it who holds it.

Liveness is the held lock, not a process number that may be used again: the kernel lets go of it
when the process ends, however it ends. A starter takes the lock and hands the open file to the
process that it starts, so of many starters one wins before anything is started.
"""

import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from vitprune_core.store.values import WRONG, from_json, loads, to_json

TOUCHED_EVERY = 5.0
"""Seconds between two touches of a lock by who holds it."""
STALLED = 3 * TOUCHED_EVERY
"""A lock that is held and was not touched for so long belongs to a process that hangs."""
TRIES, PATIENCE = 10, 0.02


@contextmanager
def alone(path: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """For a moment nobody else does what `path` stands for; `waiting` is called when one must."""
    file = _open(path)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


@dataclass(frozen=True)
class Holder:
    host: str
    pid: int
    attempt: int
    boot: str = ""
    """Identifies the host's current start, where the system tells it."""
    run: str = ""
    """For a lock that runs share: the one that has it."""

    @property
    def is_here(self) -> bool:
        """A process of this host since its last start, so that its number means something."""
        return self.host == socket.gethostname() and self.boot == _boot()


class Held(Exception):
    """Somebody else holds the run."""

    def __init__(self, holder: Holder | None):
        self.holder = holder
        who = f"process {holder.pid} on {holder.host}" if holder else "another process"
        super().__init__(f"the run is held by {who}")


def claim(path: Path) -> int:
    """Take the lock; the open file that holds it. Raises `Held` when somebody else has it.

    What the holder before wrote stays, until it is erased or written over.
    """
    file = _open(path)
    try:
        if not _take(file):
            raise Held(_read_soon(path))
    except BaseException:
        os.close(file)
        raise
    return file


def _open(path: Path) -> int:
    """For the owner alone: whoever may read a file may lock it, and hold up everybody else."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)


def inscribe(file: int, attempt: int, pid: int | None = None, run: str = "") -> Holder:
    """Write down who holds a claimed lock."""
    me = Holder(socket.gethostname(), pid or os.getpid(), attempt, _boot(), run)
    data = json.dumps(to_json(me)).encode()
    os.pwrite(file, data, 0)
    os.ftruncate(file, len(data))
    return me


def erase(file: int) -> None:
    """What the holder before wrote is of no use any more."""
    os.ftruncate(file, 0)


@contextmanager
def hold(path: Path, file: int | None = None) -> Iterator[int]:
    """Hold the lock while the block runs, and touch it to show that the process lives.

    `file` is one that was claimed already; without it, raises `Held` when somebody else has it.
    """
    file = claim(path) if file is None else file
    done = threading.Event()
    touch = threading.Thread(target=_touch, args=(file, done), daemon=True)
    touch.start()
    try:
        yield file
    finally:
        done.set()
        touch.join()
        os.close(file)


def _touch(file: int, done: threading.Event) -> None:
    while not done.wait(TOUCHED_EVERY):
        with suppress(OSError):
            os.utime(file)


def _touched(path: Path) -> bool:
    with suppress(OSError):
        return time.time() - os.stat(path).st_mtime < STALLED
    return False


def _take(file: int) -> bool:
    """Try for a moment: a reader that looks whether the lock is free holds it as long."""
    for _ in range(TRIES):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(PATIENCE)
    return False


def holder(path: Path, patience: bool = True) -> Holder | None:
    """Who holds the lock now; None when nobody does.

    Without `patience` one who has not written a name yet is not waited for.
    """
    try:
        file = os.open(path, os.O_RDONLY)
    except PermissionError:  # somebody else's, of which only the touch can be seen
        return Holder("?", 0, 0) if _touched(path) else None
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return (_read_soon if patience else read)(path) or Holder("?", 0, 0)
    finally:
        os.close(file)
    return None


def read(path: Path) -> Holder | None:
    """Who wrote into the lock last, whether it is held or not."""
    with suppress(OSError, *WRONG):
        return from_json(Holder, loads(path.read_bytes()))
    return None


def _read_soon(path: Path) -> Holder | None:
    """Whoever has just taken the lock writes its name down a moment later."""
    for _ in range(TRIES):
        if found := read(path):
            return found
        time.sleep(5 * PATIENCE)
    return None


def _boot() -> str:
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""
