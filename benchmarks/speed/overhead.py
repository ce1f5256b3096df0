"""What it costs to be able to go on: log and checkpoints, beside the training of a digits run.

    python -m benchmarks.speed.overhead [RUNS]

Trains in this process through the worker's own code and takes the time inside the engine, inside
the log, of finding structure in masks, and in all: what is left is checkpoints, requests and
summaries.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
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
    structure: float
    rest: float
    checkpoints: int


class Timed:
    """What is told one by one, and the seconds spent on it."""

    def __init__(self, told: Callable[..., Iterator[object]]) -> None:
        self.told, self.seconds = told, 0.0

    def __call__(self, *args: object) -> Iterator[object]:
        told = self.told(*args)
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
    resume.carry_out = timed = Timed(resume.carry_out)
    found = worker.described = Timed(worker.described)
    begun = 0.0
    for entry in worker.work(run, Orders(Inbox(run.control))):
        if isinstance(entry.event, Started):
            begun, TimedLog.spent = time.monotonic(), 0.0
            timed.seconds = found.seconds = 0.0
    rest = time.monotonic() - begun - found.seconds - TimedLog.spent
    resume.carry_out, worker.described = timed.told, found.told
    taken = sum(isinstance(r.event, Checkpointed) for r in entries(run.log))
    seconds = TimedLog.spent, found.seconds - timed.seconds, rest
    return Spent(*(part / timed.seconds for part in seconds), taken)


def main(repeats: int = 3) -> None:
    worker.Log = TimedLog
    for every in (30, 1):
        with tempfile.TemporaryDirectory() as folder:
            found = [
                measured(Path(folder) / str(i), f"checkpoint.every={every}") for i in range(repeats)
            ]
        logging, structure, rest, taken = (median(each) for each in zip(*found, strict=True))
        what = f"a digits run with a checkpoint every {every} s ({taken:g} of them)"
        goal = "0.5 %" if every == 30 else ""
        row(f"{what}: its log", "", "", f"**{100 * logging:.2f} %**", goal)
        row("… checkpoints, requests, summaries", "", "", f"**{100 * rest:.2f} %**", goal)
        row("… finding structure in the masks of a level", "", "", f"{100 * structure:.2f} %")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
