"""A terminal that is closed again and again over a run, and opened again."""

import os
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil

from benchmarks.screen.shown import NAMES, opened
from benchmarks.screen.table import Row, seconds
from tests.workers import made, outcome, trains, until
from vitprune_core import launch
from vitprune_core.store.rundir import RunDir

CLOSED = 50
PRESET = ("oneshot_global", "train.epochs=70", "prune.sparsities=[0.5, 0.9]")


def survival() -> Iterator[Row]:
    draw = random.Random(0)
    with tempfile.TemporaryDirectory() as name:
        run, whole = (made(Path(name, folder), "run", *PRESET) for folder in ("closed", "whole"))
        process = launch.start(run)
        try:
            until(lambda: trains(run))
            found = [closed(run, draw) for _ in range(CLOSED)]
            during = process.poll() is None
            assert process.wait() == 0
        finally:
            process.kill()
        launch.start(whole).wait()
        equal = outcome(run) == outcome(whole)
        assert equal, [one[:2] for one in map(outcome, (run, whole))]
    back = [one for one, _ in found if one]
    left = sum(n for _, n in found)
    yield Row(
        f"terminal closed {CLOSED} times: back on the screen ({len(back)} of them waited for)",
        seconds(back),
        "0.7 s",
    )
    yield Row(
        "… the run", "done, events and weights equal to those of one left alone", "nothing lost"
    )
    yield Row("… it outlived all of them", "yes" if during else "no: too short", "yes")
    yield Row("… processes of the bench left behind", str(left), "0")


def closed(run: RunDir, draw: random.Random) -> tuple[float | None, int]:
    """Open the bench and close its terminal at a random moment, of three times once while it opens.

    Seconds until it showed the run, if it was given the time; processes that it left behind.
    """
    back = None
    with opened(run.path.parent) as screen:
        if draw.random() < 1 / 3:
            screen.watch(draw.uniform(0, 0.5))
        else:
            back = screen.until(*NAMES, "running", run.id) - screen.begun
            screen.press(draw.choice("12345"))
            screen.watch(draw.uniform(0, 0.5))
        screen.close()
        return back, len(session(screen.process.pid))


def session(leader: int) -> list[int]:
    """Processes that still belong to a terminal's session."""
    found = []
    for pid in psutil.pids():
        try:
            if os.getsid(pid) == leader:
                found.append(pid)
        except OSError:
            continue
    return found
