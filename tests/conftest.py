"""What tests share: a model so small that a run takes a second, on the real digits."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from vitprune_core.spec.datasets import DATASETS
from vitprune_core.spec.request import load
from vitprune_core.store.checkpoints import Moment
from vitprune_core.store.rundir import RunDir

pytest_plugins = ["tests.campaigns"]
os.environ.setdefault("OMP_NUM_THREADS", "1")
MEMORY, ROOM = Path("/dev/shm"), 1 << 30
if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
    # A killed process leaves the same bytes there as on a disk, and no test waits for an fsync.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

TINY = (
    "model={patch: 4, width: 12, heads: 3, depth: 2, mlp: 8}",
    "train.epochs=2",
    "train.batch_size=256",
    "device=cpu",
)


IN_COLOUR = ("model.patch=16", "data.validation=40", "train.batch_size=64", "threads=1")


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch):
    """No test reads or writes what whoever runs it has chosen: keys, presets, theme."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
    return folder


@pytest.fixture
def tiny():
    """A request with the tiny model: `tiny("oneshot_global", "prune.sparsities=[0.5]")`."""

    def make(preset: str, *overrides: str, seed: int = 0):
        return load(preset, "digits", [*TINY, *overrides], seed=seed)

    return make


@pytest.fixture
def colour(monkeypatch):
    """A request with the tiny model on a few images in colour: `colour("oneshot_global", …)`."""
    few_in_colour(monkeypatch)

    def make(preset: str, *overrides: str, seed: int = 0):
        return load(preset, "synthetic", [*TINY, *IN_COLOUR, *overrides], seed=seed)

    return make


def few_in_colour(monkeypatch):
    """Synthetic images, 200 to train on, 40 to watch and 60 to test."""
    facts = replace(DATASETS["synthetic"], images=240)
    monkeypatch.setitem(DATASETS, "synthetic", facts)
    monkeypatch.setattr("vitprune_core.engine.images.raw.SYNTHETIC_TEST", 60)


@pytest.fixture
def preset(tmp_path: Path):
    """Write a preset file; its path."""

    def make(text: str, name: str = "mine.yaml") -> str:
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return make


@pytest.fixture(scope="session")
def a_run(tmp_path_factory):
    """A finished run of the tiny model, made by the command line in a process of its own."""
    folder = tmp_path_factory.mktemp("a_run")
    vitprune(
        *("run", "oneshot_global", "--workload", "digits", "--runs", str(folder)),
        *("--name", "tiny-run", "--set", "prune.sparsities=[0, 0.5, 0.9]"),
        *(word for override in TINY for word in ("--set", override)),
    )
    return RunDir(folder / "tiny-run")


def events_of(told):
    """Of what the engine yields, without the moments at which it could be left."""
    return [item for item in told if not isinstance(item, Moment)]


def result(told):
    """What a generator returns in the end."""
    while True:
        try:
            next(told)
        except StopIteration as end:
            return end.value


def vitprune(*words: str, code: int = 0, **kwargs):
    """Call the command line in a process of its own; its result."""
    command = [sys.executable, "-m", "vitprune_tui.cli", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **kwargs)
    assert done.returncode == code, f"{words}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    assert "Traceback" not in done.stderr
    return done
