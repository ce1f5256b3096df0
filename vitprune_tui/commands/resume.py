"""`vitprune resume`: go on with a run that is not done.

Whoever comes first has the lock before anything heavy is loaded, and the others are told at once.
"""

import sys
from typing import TYPE_CHECKING

from vitprune_core.store.rundir import RunDir
from vitprune_core.store.summary import summarize
from vitprune_tui.doing.asking import bring_back, resumable

if TYPE_CHECKING:
    from vitprune_tui.commands.run import Answer


def resume(found: RunDir, width: int | None, mode: str | None) -> "Answer":
    """`mode` is here or detach; raises `Held` when somebody works on the run already."""
    state = summarize(found).state
    process = bring_back(found) if state != "done" and mode != "here" else None
    from vitprune_tui.commands import run

    if state == "done":
        print(f"{found.id} is done already", file=sys.stderr)
    if mode == "detach":
        return run.left_alone(found)
    if state == "done":
        return run.shown(found, width)
    if mode == "here":
        resumable(found)
        return run.work_here(found, width)
    return run.see_through(found, width, process)
