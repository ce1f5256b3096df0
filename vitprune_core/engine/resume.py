"""Begin a run, or go on with it from its last good checkpoint."""

from collections.abc import Generator
from dataclasses import replace
from typing import Any

from vitprune_core.engine.data import Dataset
from vitprune_core.engine.dense import dense_of
from vitprune_core.engine.device import differences, repeats
from vitprune_core.engine.execute import execute
from vitprune_core.engine.position import Read, read
from vitprune_core.spec.config import Config
from vitprune_core.store import events as e
from vitprune_core.store.checkpoints import Moment, clear
from vitprune_core.store.log import entries, kept
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.sealed import DamagedFile, sealed, set_aside


def carry_out(
    config: Config, data: Dataset, run: RunDir, today: dict[str, Any]
) -> Generator[e.Event | Moment, None, None]:
    """All that is left to do; `today` is the fingerprint of this process."""
    found, corrupt = newest(run, config)
    if found:
        differs = differences(found.fingerprint, today)
        if not repeats(config):
            differs = (*differs, "deterministic")
        yield e.Resumed(
            after=found.seq,
            step=found.position.step,
            worked=found.worked,
            exact=not differs,
            differs=differs,
            corrupt=corrupt,
        )
        both = tuple(dict.fromkeys((*found.position.differs, *differs)))
        yield from execute(config, data, run, replace(found.position, differs=both))
        return
    clear(run.checkpoints)
    told = kept(entries(run.log))
    if corrupt or any(isinstance(record.event, e.Started) for record in told):
        made = next((r.seq for r in told if isinstance(r.event, e.Created)), 0)
        yield e.Resumed(after=made, step=None, worked=0, exact=True, differs=(), corrupt=corrupt)
    yield from execute(config, data, run)


def newest(run: RunDir, config: Config) -> tuple[Read | None, tuple[str, ...]]:
    """The latest checkpoint that can be gone on from, and those that were damaged and moved aside.

    One of dense training is of no use when the model is there: another run has trained it.
    """
    shared = dense_of(config, run).read() is not None
    corrupt = []
    for path in sealed(run.checkpoints):
        try:
            found = read(path, config)
        except (DamagedFile, OSError):
            corrupt.append(set_aside(path))
            continue
        if not (found.position.stage == "dense" and shared):
            return found, tuple(corrupt)
        path.unlink()  # its steps would be taken for later ones
    return None, tuple(corrupt)
