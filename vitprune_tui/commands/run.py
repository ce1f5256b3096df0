"""`vitprune run`: make a run and work on it in this process, shown as it goes."""

import signal
from contextlib import closing
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

from vitprune_core.spec.config import as_dict
from vitprune_core.spec.request import Loaded
from vitprune_core.spec.sentence import sentence
from vitprune_core.store import runs
from vitprune_core.store.events import Created
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.shown import as_shown
from vitprune_core.store.summary import summarize
from vitprune_tui.draw import tables
from vitprune_tui.follow import follow
from vitprune_tui.wrong import Unable, Wrong


def run(
    loaded: Loaded, folder: Path, name: str | None, width: int | None
) -> tuple[dict[str, Any], str, int]:
    """What `show` says of the run when it is over, and the exit code.

    0 done, 130 interrupted, 1 failed. Raises `Wrong` and `Unable` before a run is made.
    """
    _check_name(loaded, folder, name)
    # By name, not by import: no other command has torch in its process.
    worker = import_module("vitprune_core.worker")
    try:
        worker.check(loaded.config)
    except RuntimeError as error:
        raise Unable(str(error)) from None
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    made = _create(loaded, folder, name)
    created = Created(preset=loaded.preset, request=loaded.request, config=as_dict(loaded.config))
    code = 0
    try:
        with closing(worker.work(made, created, loaded.config)) as entries:
            follow(entries, f"{made.id}: {sentence(loaded.config)}")
    except KeyboardInterrupt:
        code = 130
    summary = summarize(made)
    if not code and summary.state != "done":
        code = 1
    return as_shown(made, summary), tables.run(made.id, summary, width), code


def _create(loaded: Loaded, folder: Path, name: str | None) -> RunDir:
    try:
        return runs.create(folder, loaded.preset, loaded.workload, loaded.config.seed, name)
    except FileExistsError:
        raise Wrong(f"--name {name}: there is such a run already in {folder}") from None


def _check_name(loaded: Loaded, folder: Path, name: str | None) -> None:
    """Said before torch is loaded, which takes seconds."""
    made = f"{loaded.preset}-{loaded.workload}-s{loaded.config.seed}-0000"
    try:
        path = folder / runs.allowed(made if name is None else name)
    except ValueError as error:
        raise Wrong(f"{error}; choose one with --name") from None
    if name is not None and path.exists():
        raise Wrong(f"--name {name}: there is such a run already in {folder}")


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
