"""One process's work on a run: what the engine tells goes into the log, and between two steps there
is time for a checkpoint and for what was asked.

Knows nothing of what the engine does: it takes events and moments, and what it takes at a moment it
has encoded and keeps.
"""

import os
import shutil
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from vitprune_core.store import checkpoints, control
from vitprune_core.store.checkpoints import FULL, FULL_DISK, Moment
from vitprune_core.store.events import (
    Acknowledged,
    Checkpointed,
    Continued,
    Event,
    Finished,
    Level,
    Paused,
    Stopped,
)
from vitprune_core.store.history import KEPT_EVERY
from vitprune_core.store.log import Entry, Log
from vitprune_core.store.rundir import RunDir, write_new
from vitprune_core.store.summary import cache

Encode = Callable[[Any, int, float], bytes | None]
"""A position, the log's last number and the seconds since, as bytes; None: not worth keeping."""
ASKED_TO = "on request"
IDLE = 0.1
"""Seconds between two looks while nothing is done."""
AGAIN = 2.0
"""Seconds between two tries whether a full disk has room."""
BALLAST = 64 << 10
"""Bytes given up so that the log of a full disk can still say what happened."""


@dataclass
class Orders:
    """What this process was asked: by a file in the run's folder, or by a signal."""

    inbox: control.Inbox
    stop: str | None = None
    """Why to stop, once there was a reason: it stands until it is obeyed."""
    pause: bool = False

    def next(self, log: Log) -> Generator[Entry, None, str | None]:
        """The oldest request, acknowledged."""
        if self.stop:
            yield log.append(Acknowledged(request="stop"))
            return "stop"
        asked = self.inbox.oldest()
        if asked is None:
            return None
        request = control.request_of(asked)
        yield log.append(Acknowledged(request=request))
        asked.unlink(missing_ok=True)
        if request == "stop":
            self.stop = ASKED_TO
        self.pause = request == "pause"
        return request


def attempt(
    run: RunDir,
    log: Log,
    items: Iterator[Event | Moment],
    encode: Encode,
    orders: Orders,
    every: float,
) -> Iterator[Entry]:
    """Work until the run is over or is to stop, yielding what goes into the log.

    `every` so many seconds there is a checkpoint, at the ends of phases, and before it rests.
    """
    saved, when, cached = None, time.monotonic(), 0
    for item in items:
        if not isinstance(item, Moment):
            entry = log.append(item)
            yield entry
            if isinstance(item, Level | Finished) or entry.end - cached > KEPT_EVERY:
                log.sync()  # before anything that relies on it
                cache(run)
                cached = entry.end
            if isinstance(item, Finished):
                tidy(run)
            continue
        request = yield from orders.next(log)
        due = item.phase_end or time.monotonic() - when >= every
        if item.step != saved and (due or request in ("pause", "stop")):
            yield from _save(run, log, item, encode)
            saved, when = item.step, time.monotonic()
        if request == "pause":
            yield log.append(Paused(reason=ASKED_TO))
            request = yield from _wait(log, orders)
        if request == "stop":
            yield log.append(Stopped(reason=orders.stop or ASKED_TO))
            return


def tidy(run: RunDir) -> None:
    """What only a run that goes on has a use for."""
    checkpoints.clear(run.checkpoints)
    run.ballast.unlink(missing_ok=True)


def _save(run: RunDir, log: Log, here: Moment, encode: Encode) -> Iterator[Entry]:
    """A checkpoint, with the log that it refers to safely on the disk before."""
    data = here.position and encode(here.position(), log.seq, log.seconds)
    if data:
        log.sync()
        path = checkpoints.commit(run.checkpoints, here.step, data)
        yield log.append(Checkpointed(step=here.step, file=path.name, bytes=len(data)))
        checkpoints.drop_old(run.checkpoints)


def _wait(log: Log, orders: Orders) -> Generator[Entry, None, str]:
    """Until the run is to go on (`continue`) or to stop."""
    while True:
        request = yield from orders.next(log)
        if request == "pause":
            yield log.append(Paused(reason=ASKED_TO))
        if request == "continue":
            yield log.append(Continued())
        if request in ("continue", "stop"):
            return request
        time.sleep(IDLE)


def wait_for_room(
    run: RunDir, log: Log, orders: Orders, error: OSError
) -> Generator[Entry, None, bool]:
    """Paused until the disk has room or somebody asks; whether to go on."""
    needed = max(checkpoints.room_needed(run.checkpoints), getattr(error, "needed", 0)) + BALLAST
    reason = f"{FULL_DISK}: {error.filename or run.path}"
    run.ballast.unlink(missing_ok=True)
    told, tried = False, time.monotonic()
    while True:
        try:
            if not told:
                then = "waits to be continued" if orders.pause else "goes on when there is room"
                yield log.append(Paused(reason=f"{reason}; {then}"))
                told = True
            request = yield from orders.next(log)
            told = request != "pause"
            if request == "stop":
                yield log.append(Stopped(reason=f"{orders.stop}; {reason}"))
                return False
            again = time.monotonic() - tried >= AGAIN and not orders.pause
            if request == "continue" or again:
                tried = time.monotonic()
                if _has_room(run, needed) and load_ballast(run):
                    yield log.append(Continued())
                    return True
        except OSError as error:  # also what little the log takes
            if error.errno not in FULL:
                raise
        time.sleep(IDLE)


def _has_room(run: RunDir, needed: int) -> bool:
    """For so many bytes; tried, since a quota is not seen otherwise."""
    if shutil.disk_usage(run.path).free < needed:
        return False
    trial = run.path / ".room.tmp"
    try:
        file = os.open(trial, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            os.posix_fallocate(file, 0, needed)
        finally:
            os.close(file)
        return True
    except OSError:
        return False
    finally:
        with suppress(OSError):
            trial.unlink(missing_ok=True)


def load_ballast(run: RunDir) -> bool:
    """Whether it is there; without room for it the run begins all the same."""
    if run.ballast.exists():
        return True
    try:
        write_new(run.ballast, os.urandom(BALLAST))
    except OSError:
        with suppress(OSError):
            run.ballast.unlink(missing_ok=True)
        return False
    return True
