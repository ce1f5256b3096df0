"""What tests share: a model so small that a run takes a second, on the real digits."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace
from itertools import count
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.hatched import command
from tests.zygote import Zygote
from vitprune_core import launch
from vitprune_core.spec.config import Config
from vitprune_core.spec.datasets import DATASETS
from vitprune_core.spec.request import load
from vitprune_core.store.checkpoints import Moment
from vitprune_core.store.rundir import RunDir
from vitprune_tui import cli
from vitprune_tui.doing import making

pytest_plugins = ["tests.campaigns", "tests.workers"]
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
HEEDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""By whoever works on a run."""
ENDS_IN = 30.0
"""Seconds in which a process that nobody needs any more must have gone."""
IN_COLOUR = ("model.patch=16", "data.validation=40", "train.batch_size=64", "threads=1")


@pytest.fixture(scope="session")
def homes(tmp_path_factory):
    return map(str, count()), tmp_path_factory.mktemp("homes")


@pytest.fixture(autouse=True)
def home(homes, monkeypatch):
    """No test reads or writes what whoever runs it has chosen: keys, presets, theme."""
    numbers, folder = homes
    folder = folder / next(numbers)
    folder.mkdir()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
    return folder


@pytest.fixture(scope="session", autouse=True)
def nobody_stays():
    """What tests started in this process is over when they are."""
    yield
    for child in launch.CHILDREN:
        child.wait(ENDS_IN)


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
    """A finished run of the tiny model, made by the command line."""
    folder = tmp_path_factory.mktemp("a_run")
    called(
        *("run", "oneshot_global", "--workload", "digits", "--runs", folder, "--here"),
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


def vitprune(*words: str, code: int = 0, zygote: Zygote | None = None, **kwargs):
    """Call the command line in a process of its own; its result."""
    start, files = command(zygote)
    start += map(str, words)
    pipes = {"capture_output": True, "text": True}
    return _as_expected(subprocess.run(start, pass_fds=files, **pipes, **kwargs), code)


def called(*words: str, code: int | None = 0, cwd: Path | str = "."):
    """The same in this process, which has loaded everything; any exit code will do for None.

    Whatever else it raises would be a traceback.
    """
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in "oe")
    asked, ended = ["vitprune", *map(str, words)], 0
    with for_a_while(asked, cwd), redirect_stdout(out), redirect_stderr(err):
        try:
            cli.main()
        except SystemExit as end:
            ended = end.code or 0
    told = (stream.buffer.getvalue().decode() for stream in (out, err))
    return _as_expected(subprocess.CompletedProcess(asked, ended, *told), code)


@pytest.fixture
def checked_here(monkeypatch):
    """What would fail a run is looked for in this process: one of its own has torch to load."""
    from vitprune_core.engine.check import check

    def asked(config, told):
        try:
            check(Config.model_validate(json.loads(config), strict=False))
        except RuntimeError as error:
            return getattr(error, "code", 1), str(error)
        return 0, ""

    monkeypatch.setattr(making, "_asked", asked)


@contextmanager
def for_a_while(asked: list[str], cwd: Path | str):
    """Words, folder and what signals do are afterwards what they were."""
    before = {number: signal.getsignal(number) for number in HEEDED}
    try:
        with patch.object(sys, "argv", asked), chdir(cwd):
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _as_expected(done: subprocess.CompletedProcess[str], code: int | None):
    said = f"{done.args}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    assert code in (done.returncode, None), said
    assert "Traceback" not in done.stderr
    return done
