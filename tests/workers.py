"""Real workers in tests and benchmarks: make runs, start, wait, kill, compare."""

import hashlib
import subprocess
import time
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import psutil
import pytest

from tests.conftest import TINY
from tests.zygote import Zygote
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
ENDLESS = "train.epochs=2000"
"""For a run that is to be met at work."""
BRIEF = ("model.depth=1", "train.epochs=4", "train.batch_size=400", "checkpoint.every=0")
"""A smaller one, done in half a second, with a checkpoint before every step."""
ONESHOT = ("oneshot_global", "prune.sparsities=[0.5]")
ITERATIVE = ("iterative_random", "prune.sparsities=[0.5, 0.75]", "prune.step=0.5")
REWIND = ("oneshot_global", "prune.sparsities=[0.5]", "retrain={policy: weight_rewind}")
LEFT = ("masks", "weights", "images")
"""What a finished run leaves for others."""


@pytest.fixture(scope="session")
def zygote():
    zygote = Zygote()
    yield zygote
    zygote.close()


@pytest.fixture
def forked(zygote):
    """Workers are forked, not executed: a test does not wait for torch."""
    with zygote.instead():
        yield zygote
    zygote.first = []


@pytest.fixture
def working(tmp_path):
    """`working(name, preset, …)`: a run and its worker; none is left behind."""
    started = []

    def start(name="run", preset=ONESHOT, *overrides, folder=tmp_path):
        run = tiny(folder, name, *preset, *overrides)
        started.append((run, launch.start(run)))
        return started[-1]

    yield start
    for run, process in started:
        launch.kill(run)
        process.wait()


class Whole(NamedTuple):
    """What came of a run that nothing happened to."""

    outcome: "Outcome"
    life: float
    """Seconds of a processor from its start to its end: they hardly depend on what else runs."""


@pytest.fixture(scope="session")
def whole(tmp_path_factory, zygote):
    """`whole(preset)`, worked on once for all who compare."""
    done = {}

    def make(preset):
        if preset not in done:
            run, life = tiny(tmp_path_factory.mktemp("whole"), "run", *preset), 0.0
            with zygote.instead():
                process = launch.start(run)
            while process.poll() is None:
                life = worked(process)
                time.sleep(0.01)
            assert process.returncode == 0
            done[preset] = Whole(outcome(run), life)
        return done[preset]

    return make


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


def worked(process) -> float:
    """Seconds of a processor that it has had; it was not waited for."""
    times = psutil.Process(process.pid).cpu_times()
    return times.user + times.system


def works_until(process, seconds: float) -> None:
    """Wait until it has had so many seconds of a processor, or is over."""
    until(lambda: process.poll() is not None or worked(process) >= seconds, every=0.003)


def executed(run: RunDir):
    """A worker that is started as a new program, although others are forked."""
    with patch.object(launch, "subprocess", subprocess):
        return launch.start(run)


def gone(run: RunDir) -> bool:
    return holder(run.lock) is None


def state(run: RunDir) -> str:
    return summarize(run).state


def kinds(run: RunDir) -> list[str]:
    """Of all that is in the log."""
    return [type(record.event).__name__ for record in entries(run.log)]


def told(run: RunDir) -> list[e.Event]:
    """What the engine told and still counts: the same for a run however often interrupted."""
    records = kept(entries(run.log))
    return [r.event for r in records if not isinstance(r.event, e.PROCESS)]


def begun(run: RunDir) -> bool:
    """Whether the process that holds the run has said so."""
    return _said(run, e.Starting)


def trains(run: RunDir) -> bool:
    """Whether the process that holds the run has begun to work."""
    return _said(run, e.Checkpointed | e.Epoch)


def _said(run, kinds):
    now, pid, said = holder(run.lock), None, False
    for record in entries(run.log):
        if isinstance(record.event, e.Starting):
            pid, said = record.event.pid, False
        said = said or isinstance(record.event, kinds)
    return said and now is not None and now.pid == pid


class Outcome(NamedTuple):
    """What must be equal however a run came to its end."""

    state: str
    sha256: str | None
    told: list[e.Event]
    files: dict[str, str]
    """By name, the hash of the bytes."""


def outcome(run: RunDir) -> Outcome:
    summary = summarize(run)
    files = [path for kind in LEFT for path in (run.path / kind).iterdir()]
    hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    return Outcome(summary.state, summary.weights_sha256, told(run), hashes)
