"""From a record in a run's log to the number on the screen that it changes."""

import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.screen.folders import training
from benchmarks.screen.shown import opened, settled
from benchmarks.screen.table import Row, seconds
from tests.terminals import Screen
from vitprune_core.store.events import Epoch
from vitprune_core.store.log import entries
from vitprune_core.store.summary import summarize

LONG = 30.0
Sight = tuple[float, int]
"""When (Unix seconds), and epochs done, as the screen says."""


def latency() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name, training(Path(name), 0) as (run,):
        with opened(Path(name)) as screen:
            settled(screen, "live")
            sights = list(watched(screen, summarize(run).epochs_planned))
        trained = [r.time for r in entries(run.log) if isinstance(r.event, Epoch)]
    yield Row(
        f"event to screen, {len(sights)} epochs of a digits run",
        seconds(waits(trained, sights)),
        "1 s",
    )


def watched(screen: Screen, planned: int) -> Iterator[Sight]:
    """Each time that the progress changed."""
    progress = re.compile(rf"(\d+) ?/ ?{planned}\b")
    end, done = time.perf_counter() + LONG, 0
    while time.perf_counter() < end:
        if screen.read(0.05) and (found := progress.search(screen.text())):
            if (now := int(found[1])) > done > 0:
                yield time.time() - (time.perf_counter() - screen.at), now
            done = now


def waits(trained: list[float], sights: list[Sight]) -> list[float]:
    """Of every epoch between the first and the last sight: until a count that includes it."""
    shown = range(sights[0][1], sights[-1][1] + 1) if sights else ()
    found = [next(when for when, done in sights if done >= n) - trained[n - 1] for n in shown]
    assert found, "the screen said nothing of its progress"
    return found
