"""A log as it grows, until nobody is left to write into it."""

import time
from collections.abc import Callable, Iterator

from vitprune_core.store.lock import holder
from vitprune_core.store.log import Entry, entries, kept
from vitprune_core.store.rundir import RunDir

EVERY = 0.1
"""Seconds between two looks."""


def tail(run: RunDir, left: Callable[[], bool]) -> Iterator[Entry]:
    """What counts so far, then every record as it comes.

    Ends when the run's lock is free, or when it is `left` alone.
    """
    free = holder(run.lock, patience=False) is None
    past = list(entries(run.log))
    after = past[-1].end if past else 0
    yield from kept(past)
    while not (free or left()):
        time.sleep(EVERY)
        free = (
            holder(run.lock, patience=False) is None
        )  # looked at first: what was told before it went is read
        for entry in entries(run.log, after):
            after = entry.end
            yield entry
