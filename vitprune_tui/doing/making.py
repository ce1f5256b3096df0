"""From a request to a run that is worked on: one way, for the command line and for the screen.

Nothing is printed and nothing is followed; whoever calls says what became of it.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile

from vitprune_core import launch
from vitprune_core.spec.config import as_dict, dump
from vitprune_core.spec.request import Loaded
from vitprune_core.store import queue, runs
from vitprune_core.store.clean import clean
from vitprune_core.store.events import Created
from vitprune_core.store.log import Log
from vitprune_core.store.rundir import RunDir, write
from vitprune_tui.wrong import Unable, Wrong

CHECK = "vitprune_core.engine.check"
Told = Callable[[str], None]
"""Hears a line at a time."""


def allowed_name(loaded: Loaded, folder: Path, name: str | None) -> None:
    """Raises `Wrong` for a name that no run may have, or that one has; None is made up later."""
    made = f"{loaded.preset}-{loaded.workload}-s{loaded.config.seed}-0000"
    try:
        path = folder / runs.allowed(made if name is None else name)
    except ValueError as error:
        told = f"{error}; choose one with --name" if name is None else f"--name {error}"
        raise Wrong(told) from None
    if name is not None and path.exists():
        raise _taken(folder, name)


def check(loaded: Loaded, told: Told | None = None) -> None:
    """Device, images, a given model; asked of a process: the terminal never loads the engine.

    How far it is with what it fetches goes to `told`, in this thread, or else to our stderr. What
    `told` raises ends the check. Raises `Wrong` and `Unable` with the reason a run would be in
    vain.
    """
    code, reason = _asked(json.dumps(as_dict(loaded.config)), told)
    if code:
        kind = Wrong if code == 2 else Unable
        raise kind(reason or f"{CHECK} ended with {code}")


def create(loaded: Loaded, folder: Path, name: str | None) -> RunDir:
    """A run that waits to be started; raises `Wrong` for a name that is taken."""
    try:
        made = runs.create(folder, loaded.preset, loaded.workload, loaded.config.seed, name)
    except FileExistsError:
        raise _taken(folder, name) from None
    write(made.config, dump(loaded.config).encode())
    config = as_dict(loaded.config)
    Log(made.log).append(Created(preset=loaded.preset, request=loaded.request, config=config))
    return made


def begin(made: RunDir, folder: Path, queued: bool) -> "subprocess.Popen[bytes] | None":
    """Have a run worked on: now, by the worker returned, or `queued`, when its turn comes.

    Raises `Held` when somebody works on it already.
    """
    if not queued:
        return launch.start(made)
    queue.add(folder, runs.name_of(folder, made))
    launch.start_dispatcher(folder)
    return None


def _taken(folder: Path, name: str | None) -> Wrong:
    return Wrong(f"--name {name}: there is such a run already in {folder}")


def _asked(config: str, told: Told | None) -> tuple[int, str]:
    """How the check of a config ended, and what it wrote to stdout."""
    command = [sys.executable, "-P", "-m", CHECK]
    heard = subprocess.PIPE if told else None
    # Files, as of three pipes two could fill up while we listen to the third.
    with TemporaryFile() as asked, TemporaryFile() as reason:
        asked.write(config.encode())
        asked.seek(0)
        with subprocess.Popen(
            command, stdin=asked, stdout=reason, stderr=heard, encoding="utf-8", errors="replace"
        ) as process:
            try:
                if told and process.stderr:
                    for line in process.stderr:  # ends at "\r" too: progress comes as it is made
                        told(clean(line.strip()))
                process.wait()
            except BaseException:
                process.kill()
                raise
        reason.seek(0)
        return process.returncode, reason.read().decode(errors="replace").strip()
