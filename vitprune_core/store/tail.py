"""A log as it grows, until nobody is left to write into it."""

import time
from collections.abc import Callable, Iterator

from vitprune_core.store.history import Reader
from vitprune_core.store.lock import holder
from vitprune_core.store.log import Entry, entries
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.summary import Summary, told

EVERY = 0.1
"""Seconds between two looks."""


def tail(run: RunDir, left: Callable[[], bool]) -> Iterator[tuple[Entry, Summary]]:
    """The last records so far, but for epochs; then every one as it comes, and the run after it.

    Ends when the run's lock is free, or when it is `left` alone.
    """
    free = holder(run.lock, patience=False) is None
    reader = Reader(run)
    reader.read()
    yield from ((entry, reader.summary) for entry in reader.latest)
    yield from told(run, _coming(run, reader.end, free, left), reader.summary)


def _coming(run: RunDir, after: int, free: bool, left: Callable[[], bool]) -> Iterator[Entry]:
    while not (free or left()):
        time.sleep(EVERY)
        free = (
            holder(run.lock, patience=False) is None
        )  # looked at first: what was told before it went is read
        for entry in entries(run.log, after):
            after = entry.end
            yield entry
