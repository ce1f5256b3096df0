"""`vitprune run`: make a run and work on it in this process, shown as it goes."""

import signal
import sys
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

import typer

from vitprune_core.spec.config import as_dict
from vitprune_core.spec.presets import Loaded
from vitprune_core.spec.sentence import sentence
from vitprune_core.store import runs
from vitprune_core.store.events import Created
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.shown import as_shown
from vitprune_tui.draw import tables
from vitprune_tui.follow import follow
from vitprune_tui.wrong import Unable, Wrong


def run(loaded: Loaded, folder: Path, name: str | None) -> tuple[dict[str, Any], str]:
    """What `show` says of the run when it is done. Exits 130 when interrupted, 1 when it failed."""
    if name is not None:
        _check_name(folder, name)
    # By name, not by import: no other command has torch in its process.
    worker = import_module("vitprune_core.worker")
    try:
        worker.check(loaded.config)
    except RuntimeError as error:
        raise Unable(str(error)) from None
    made = _create(loaded, folder, name)
    print(f"{made.id}: {sentence(loaded.config)}", file=sys.stderr)
    created = Created(
        preset=loaded.preset, overrides=loaded.overrides, config=as_dict(loaded.config)
    )
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        summary = follow(worker.work(made, created, loaded.config))
    except KeyboardInterrupt:
        print(f"stopped; what was finished is in {made.path}", file=sys.stderr)
        raise typer.Exit(130) from None
    if summary.state != "done":
        raise Unable(f"{made.id}: {summary.state}: {summary.reason}")
    return as_shown(made, summary), tables.run(made.id, summary)


def _create(loaded: Loaded, folder: Path, name: str | None) -> RunDir:
    try:
        return runs.create(folder, loaded.preset, loaded.workload, loaded.config.seed, name)
    except FileExistsError:
        raise Wrong(f"--name {name}: there is such a run already in {folder}") from None
    except ValueError as error:
        raise Wrong(f"{error}; choose one with --name") from None


def _check_name(folder: Path, name: str) -> None:
    """Said before torch is loaded, which takes seconds."""
    try:
        path = folder / runs.allowed(name)
    except ValueError as error:
        raise Wrong(f"--name {error}") from None
    if path.exists():
        raise Wrong(f"--name {name}: there is such a run already in {folder}")


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
