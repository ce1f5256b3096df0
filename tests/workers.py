"""Real workers in tests and benchmarks: make runs, start, wait, kill, compare."""

import random
import time
from pathlib import Path

from tests.conftest import TINY
from vitprune_core import launch
from vitprune_core.spec.request import load
from vitprune_core.store import events as e
from vitprune_core.store.lock import holder
from vitprune_core.store.log import entries, kept
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.summary import summarize
from vitprune_tui.doing.making import create

PATIENCE = 120.0
LONGER = ("train.epochs=30", "train.batch_size=64", "checkpoint.every=0.05")
"""A tiny model that trains for seconds, keeping checkpoints all the while."""


def made(folder: Path, name: str, preset: str, *overrides: str, seed: int = 0) -> RunDir:
    return create(load(preset, "digits", list(overrides), seed=seed), folder, name)


def tiny(folder: Path, name: str, preset: str, *overrides: str) -> RunDir:
    return made(folder, name, preset, *TINY, *LONGER, *overrides)


def until(what, *, every: float = 0.01, patience: float = PATIENCE):
    """Wait for something to be true; what it was."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(every)
    raise AssertionError(f"did not come about in {patience} s")


def gone(run: RunDir) -> bool:
    return holder(run.lock) is None


def told(run: RunDir) -> list[e.Event]:
    """What the engine told and still counts: the same for a run however often interrupted."""
    records = kept(entries(run.log))
    return [r.event for r in records if not isinstance(r.event, e.PROCESS)]


def trains(run: RunDir) -> bool:
    """Whether the process that holds the run has begun to work."""
    now, pid, at_work = holder(run.lock), None, False
    for record in entries(run.log):
        if isinstance(record.event, e.Starting):
            pid, at_work = record.event.pid, False
        elif isinstance(record.event, e.Checkpointed | e.Epoch):
            at_work = True
    return at_work and now is not None and now.pid == pid


def killed_at_random(run: RunDir, kills: int, draw: random.Random, longest: float) -> int:
    """Start, kill -9, start again: how often it was hit alive, before it was let be."""
    hit = 0
    while hit < kills:
        process = launch.start(run)
        until(lambda p=process: trains(run) or p.poll() is not None)
        time.sleep(draw.uniform(0, longest))
        if process.poll() is not None:
            break
        process.kill()
        process.wait()
        hit += 1
    launch.start(run).wait()
    return hit


def outcome(run: RunDir) -> tuple[str, str | None, list[e.Event]]:
    summary = summarize(run)
    return summary.state, summary.weights_sha256, told(run)
