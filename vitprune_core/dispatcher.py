"""The process that starts queued runs in turn: `python -m vitprune_core.dispatcher RUNS`.

Whoever queues a run starts it; it outlives them, and ends when nothing is left to start. A run
begins when no other run of the folder works on this host, paused ones aside.
"""

import os
import signal
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path

from vitprune_core.launch import start
from vitprune_core.store import queue
from vitprune_core.store.checkpoints import FULL, FULL_DISK
from vitprune_core.store.lock import Held, hold, holder, inscribe
from vitprune_core.store.rundir import RunDir, nobody_else_writes
from vitprune_core.store.runs import runs as every_run
from vitprune_core.store.summary import Summary, summarize

EVERY = 0.5
"""Seconds between two looks."""


def dispatch(runs: Path, file: int | None = None) -> None:
    """Until the queue is empty; raises `Held` when another dispatcher is there."""
    with ExitStack() as held:
        inscribe(held.enter_context(hold(queue.lock(runs), file)), attempt=0)
        while True:
            with suppress(OSError):  # a full disk, say: tried again
                if not busy(runs) and (name := next(iter(queue.order(runs)), None)):
                    begin(runs, name)
                with queue.editing(runs):
                    if not queue.order(runs):
                        held.close()  # under `editing`: whoever adds a run now finds the lock free
                        return
            time.sleep(EVERY)


def busy(runs: Path) -> bool:
    """Whether a run works on this host; one that was asked to pause leaves its turn to others."""
    for run in every_run(runs):
        working = holder(run.lock)
        if working and working.is_here and not _rests(summarize(run)):
            return True
    return False


def _rests(summary: Summary) -> bool:
    """A full disk is nobody's wish, and the next run would find it full too."""
    return summary.state == "paused" and not (summary.reason or "").startswith(FULL_DISK)


def begin(runs: Path, name: str) -> None:
    """Start a run if it still waits; it leaves the queue when its worker has it.

    Raises OSError when the disk is full: it stays in the queue, and its turn comes again.
    """
    run = RunDir(runs / name)
    try:
        if run.log.is_file() and summarize(run).state == "queued":
            process = start(run)
            print(f"{name}: process {process.pid}", flush=True)
    except (Held, OSError) as error:
        if isinstance(error, OSError) and error.errno in FULL:
            raise
        print(f"{name}: {error}", flush=True)
    queue.remove(runs, name)


def main(words: list[str]) -> int:
    nobody_else_writes()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        dispatch(Path(words[0]), int(words[1]) if words[1:] else None)
    except Held:
        return 75
    return os.EX_OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
