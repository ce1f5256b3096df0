"""What it costs to be able to go on: `python -m benchmarks.overhead [RUNS]`.

Trains digits in this process through the worker's own code and compares the time outside the engine
(log, checkpoints, requests, summaries) with the time inside, in the same run.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.workers import made
from vitprune_core import worker
from vitprune_core.attempt import Orders
from vitprune_core.engine import resume
from vitprune_core.store.control import Inbox
from vitprune_core.store.events import Checkpointed, Started
from vitprune_core.store.log import entries


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


def measured(folder: Path, name: str, *overrides: str) -> tuple[float, int, float]:
    """Share of the time outside the engine, checkpoints, seconds in all."""
    run = made(folder, name, "oneshot_global", "prune.sparsities=[0.9]", *overrides)
    resume.carry_out = timed = Timed()
    begun = 0.0
    for entry in worker.work(run, Orders(Inbox(run.control))):
        if isinstance(entry.event, Started):
            begun, timed.seconds = time.monotonic(), 0.0
    total = time.monotonic() - begun
    resume.carry_out = timed.carry_out
    taken = sum(isinstance(r.event, Checkpointed) for r in entries(run.log))
    return (total - timed.seconds) / timed.seconds, taken, total


def main(repeats: int = 3) -> None:
    print("| checkpoint.every | outside the engine | checkpoints | seconds |")
    print("| --- | --- | --- | --- |")
    for every in ("30", "1"):
        with tempfile.TemporaryDirectory() as folder:
            found = [
                measured(Path(folder) / str(i), "run", f"checkpoint.every={every}")
                for i in range(repeats)
            ]
        share, taken, total = (median(values) for values in zip(*found, strict=True))
        print(f"| {every} s | {100 * share:.2f} % | {taken:g} | {total:.1f} |", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
