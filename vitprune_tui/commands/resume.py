"""`vitprune resume`: go on with a run that is not done.

Whoever comes first has the lock before anything heavy is loaded, and the others are told at once.
"""

import subprocess
import sys
from typing import TYPE_CHECKING

from vitprune_core import launch
from vitprune_core.store import control
from vitprune_core.store.lock import Held, holder
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.summary import summarize
from vitprune_tui.wrong import Unable, Wrong

if TYPE_CHECKING:
    from vitprune_tui.commands.run import Answer


def resume(found: RunDir, width: int | None, mode: str | None) -> "Answer":
    """`mode` is here or detach; raises `Held` when somebody works on the run already."""
    state = summarize(found).state
    process = _start(found, state) if state != "done" and mode != "here" else None
    from vitprune_tui.commands import run

    if state == "done":
        print(f"{found.id} is done already", file=sys.stderr)
    if mode == "detach":
        return run.left_alone(found)
    if state == "done":
        return run.shown(found, width)
    if mode == "here":
        _check(found)
        return run.work_here(found, width)
    return run.see_through(found, width, process)


def _start(found: RunDir, state: str) -> "subprocess.Popen[bytes] | None":
    """A worker of its own; a paused one is asked to go on."""
    working = holder(found.lock)
    if working is None:
        _check(found)
        return launch.start(found)
    if state != "paused":
        raise Held(working)
    control.ask(found.control, "continue")
    return None


def _check(found: RunDir) -> None:
    """What can be known to be in vain."""
    summary = summarize(found)
    if summary.diverged:
        what = f"{summary.reason}, and would again; a new run with other settings shares its dense"
        raise Wrong(f"{found.id}: {what}")
    if not found.config.is_file():
        raise Unable(f"{found.id}: its config.yaml has gone")
