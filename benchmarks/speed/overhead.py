"""What it costs to be able to go on: log and checkpoints, beside the training of a digits run.

    python -m benchmarks.speed.overhead [RUNS]

Trains in this process through the worker's own code and takes the time inside the engine, inside
the log, and in all: what is left is checkpoints, requests and summaries.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.speed.table import row
from tests.workers import made
from vitprune_core import worker
from vitprune_core.attempt import Orders
from vitprune_core.engine import resume
from vitprune_core.store.control import Inbox
from vitprune_core.store.events import Checkpointed, Event, Started
from vitprune_core.store.log import Entry, Log, entries


class Spent(NamedTuple):
    """Shares of the seconds inside the engine."""

    logging: float
    rest: float
    checkpoints: int


class Timed:
    """The engine, and the seconds spent inside it."""

    def __init__(self) -> None:
        self.carry_out, self.seconds = resume.carry_out, 0.0

    def __call__(self, *args: object) -> Iterator[object]:
        told = self.carry_out(*args)
        while True:
            begun = time.monotonic()
            try:
                item = next(told)
            except StopIteration:
                return
            finally:
                self.seconds += time.monotonic() - begun
            yield item


class TimedLog(Log):
    """The log, and the seconds spent inside it."""

    spent = 0.0

    def append(self, event: Event) -> Entry:
        begun = time.monotonic()
        try:
            return super().append(event)
        finally:
            TimedLog.spent += time.monotonic() - begun


def measured(folder: Path, *overrides: str) -> Spent:
    run = made(folder, "run", "oneshot_global", "prune.sparsities=[0.9]", *overrides)
    resume.carry_out = timed = Timed()
    begun = 0.0
    for entry in worker.work(run, Orders(Inbox(run.control))):
        if isinstance(entry.event, Started):
            begun, timed.seconds, TimedLog.spent = time.monotonic(), 0.0, 0.0
    outside = time.monotonic() - begun - timed.seconds
    resume.carry_out = timed.carry_out
    taken = sum(isinstance(r.event, Checkpointed) for r in entries(run.log))
    logging = TimedLog.spent / timed.seconds
    return Spent(logging, outside / timed.seconds - logging, taken)


def main(repeats: int = 3) -> None:
    worker.Log = TimedLog
    for every in (30, 1):
        with tempfile.TemporaryDirectory() as folder:
            found = [
                measured(Path(folder) / str(i), f"checkpoint.every={every}") for i in range(repeats)
            ]
        logging, rest, taken = (median(values) for values in zip(*found, strict=True))
        what = f"a digits run with a checkpoint every {every} s ({taken:g} of them)"
        goal = "0.5 %" if every == 30 else ""
        row(f"{what}: its log", "", "", f"**{100 * logging:.2f} %**", goal)
        row("… checkpoints, requests, summaries", "", "", f"**{100 * rest:.2f} %**", goal)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
