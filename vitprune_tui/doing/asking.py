"""What may be asked of a run that there is: one way, for the command line and for the screen.

Nothing is printed and nothing waits for what was asked to come about. Nothing heavy is loaded
either: whoever resumes a run first has its lock before that, and the others are told at once.
"""

import os
import subprocess
from pathlib import Path

from vitprune_core import launch
from vitprune_core.store import control, queue
from vitprune_core.store.lock import Held, Holder, claim, holder
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.runs import name_of, trash
from vitprune_core.store.summary import summarize
from vitprune_tui.wrong import Unable, Wrong


def ask(folder: Path, found: RunDir, request: str) -> Path | None:
    """Leave a request to pause, continue or stop; its file is gone once it is acknowledged.

    None when nothing is left to wait for: a run that was queued is so no more. Raises `Wrong` when
    nobody works on the run.
    """
    if holder(found.lock) is not None:
        return control.ask(found.control, request)
    state = summarize(found).state
    if request == "stop" and state == "queued":
        queue.remove(folder, name_of(folder, found))
        return None
    raise _nobody(found, state, request)


def kill(found: RunDir) -> Holder:
    """End the worker at once, which takes a moment; who it was.

    What it did since its last checkpoint is done again at resume. Raises `Wrong` when nobody works
    on the run, `Unable` when somebody does elsewhere.
    """
    try:
        killed = launch.kill(found)
    except launch.NotHere as error:
        raise Unable(f"{found.id}: {error}") from None
    if killed is None:
        raise _nobody(found, summarize(found).state, "kill")
    return killed


def killed(found: RunDir, by: Holder) -> str:
    """What to say of a run whose worker, `by`, was ended."""
    return f"{found.id}: process {by.pid} killed; it counts as lost until resumed"


def bring_back(found: RunDir) -> "subprocess.Popen[bytes] | None":
    """Have what is left of a run done: by the worker returned; a paused one is asked to go on.

    Raises `Held` when somebody works on it already, and what `resumable` does.
    """
    working = holder(found.lock)
    if working is None:
        resumable(found)
        return launch.start(found)
    if summarize(found).state != "paused":
        raise Held(working)
    control.ask(found.control, "continue")
    return None


def resumable(found: RunDir) -> None:
    """Raises `Wrong` or `Unable` where it can be known that going on with a run is in vain."""
    summary = summarize(found)
    if summary.state == "done":
        raise Wrong(f"{found.id} is done already")
    if summary.diverged:
        what = f"{summary.reason}, and would again; a new run with other settings shares its dense"
        raise Wrong(f"{found.id}: {what}")
    if not found.config.is_file():
        raise Unable(f"{found.id}: its config.yaml has gone")


def remove(folder: Path, found: RunDir) -> Path:
    """Move a run to `runs/.trash/`, and out of the queue; where it is now.

    Raises `Held` when somebody works on it.
    """
    file = claim(found.lock)  # so that nobody starts it meanwhile
    try:
        queue.remove(folder, name_of(folder, found))
        return trash(folder, found)
    finally:
        os.close(file)


def _nobody(found: RunDir, state: str, request: str) -> Wrong:
    return Wrong(f"{found.id} is {state}: nobody works on it, there is nothing to {request}")
