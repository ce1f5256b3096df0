"""The bench in tests: folders of runs, the app without a terminal, and waiting for it."""

import time
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from textual import _wait
from textual.pilot import Pilot

from tests.workers import PATIENCE
from vitprune_core.store import events as e
from vitprune_core.store.log import Log
from vitprune_core.store.rundir import RunDir
from vitprune_tui.app import VitPrune

_wait.SLEEP_GRANULARITY = 0.01
_wait.SLEEP_IDLE = _wait.SLEEP_GRANULARITY / 20
"""Before and after every key a pilot waits until the process has rested for so long: 0.02 else."""


@asynccontextmanager
async def opened(folder: Path, size: tuple[int, int] = (80, 24), first: str = "", **options):
    """The bench on a runs folder; yields its pilot, `pilot.app` is the app."""
    app = VitPrune(folder, **options)
    app.first = first or app.first
    async with app.run_test(size=size) as pilot:
        pilot.press = partial(press, pilot)
        await pilot.pause()
        yield pilot


async def press(pilot, *keys):
    """What they did is on the screen afterwards."""
    await Pilot.press(pilot, *keys)
    await pilot.pause(0)


async def until(pilot, what):
    """Wait for something to be true; what it was. It is on the screen then."""
    end = time.monotonic() + PATIENCE  # a worker has torch to load, on a busy machine
    while time.monotonic() < end:
        if found := what():
            await pilot.pause(0)
            return found
        await pilot.pause(0.01)
    raise AssertionError(f"it did not come about; {_where(pilot.app)}")


def _where(app: VitPrune) -> str:
    """What somebody before the screen would tell who asks why."""
    at_work = sorted(thread.name for thread in app.at_work)
    told = f"screen {type(app.screen).__name__}, told {app.notice}, at work {at_work}"
    return f"{told}, runs {sorted(app.state.lab.runs)}"


def made(folder: Path, name: str, *told: e.Event, **config) -> RunDir:
    """A run whose log says what is told, without a process that worked on it."""
    run = RunDir(folder / name).create()
    log = Log(run.log)
    log.append(created(**config))
    for event in told:
        log.append(event)
    return run


def created(preset: str = "oneshot_global", workload: str = "digits", seed: int = 0, **prune):
    config = {
        "workload": workload,
        "seed": seed,
        "prune": {"granularity": "weight", "distribution": "global", "layers": "all", **prune},
        "retrain": {"policy": "lr_rewind", "fraction": 0.25},
    }
    return e.Created(preset=preset, request=(preset, "--workload", workload), config=config)


def score(accuracy: float, loss: float = 0.5) -> e.Score:
    return e.Score(accuracy=accuracy, loss=loss)


def started(epochs: int = 12, **changes) -> e.Started:
    event = e.Started(
        config=created().config,
        fingerprint={"device": "cpu", "threads": 1},
        parameters=228_394,
        prunable=221_184,
        taking_part=221_184,
        epochs=epochs,
        host="bench",
    )
    return replace(event, **changes)


def epoch(number: int, round: int = 0, sparsity: float = 0.0, accuracy: float = 0.9, loss=1.0):
    return e.Epoch(
        round=round,
        cycle=0,
        epoch=number,
        sparsity=sparsity,
        loss=loss,
        lr=1e-3,
        validation=score(accuracy, loss),
    )


def dense(accuracy: float = 0.95, epochs: int = 4) -> e.DenseTrained:
    return e.DenseTrained(
        hash="abc",
        epochs=epochs,
        validation=score(accuracy),
        test=score(accuracy),
        weights_sha256="d" * 64,
    )


KINDS = ("attn.q", "attn.k", "attn.v", "attn.o", "mlp.fc1", "mlp.fc2")


def matrices(density: float = 0.5, depth: int = 2, heads: int = 3) -> dict[str, e.Matrix]:
    return {
        f"blocks.{block}.{kind}": e.Matrix(
            density=density,
            heads=(density,) * heads if kind.startswith("attn") else None,
            dead_rows=0,
            dead_columns=0,
        )
        for block in range(depth)
        for kind in KINDS
    }


def pruned(sparsity: float, accuracy: float = 0.6, round: int = 1) -> e.Pruned:
    return e.Pruned(
        round=round,
        sparsity_asked=sparsity,
        sparsity=sparsity,
        matrices=matrices(1 - sparsity),
        validation=score(accuracy),
        test=score(accuracy),
    )


def level(sparsity: float, accuracy: float = 0.9, before: float = 0.6, **changes) -> e.Level:
    event = e.Level(
        round=1,
        listed=True,
        sparsity_asked=sparsity,
        sparsity=sparsity,
        sparsity_prunable=sparsity,
        sparsity_parameters=sparsity,
        validation_before=score(before),
        validation=score(accuracy),
        test_before=score(before),
        test=score(accuracy),
        nonzero_parameters=round(228_394 * (1 - sparsity)),
        compression=1 / max(1 - sparsity, 1e-6),
        speedup=1 / max(1 - sparsity, 0.05),
        effective_sparsity=sparsity,
        removable=0.0,
        epochs=4,
        collapsed=(),
        silent_heads=(),
        key_blind_heads=(),
        dead_neurons={},
        matrices=matrices(1 - sparsity),
        weights_sha256="e" * 64,
    )
    return replace(event, **changes)


def finished(*sparsities: float) -> list[e.Event]:
    """All that is told of a run with these levels."""
    told = [started(epochs=4 + 2 * len(sparsities))]
    told += [epoch(i, accuracy=0.5 + i / 10, loss=2.0 - i / 4) for i in range(4)]
    told.append(dense())
    for s in sparsities:
        told += [pruned(s), *(epoch(i, 1, s) for i in (2, 3)), level(s, accuracy=0.95 - s / 5)]
    return [*told, e.Finished(weights_sha256="f" * 64)]
