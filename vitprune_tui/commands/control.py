"""`vitprune pause`, `continue`, `stop`, `kill`, `queue`: what may be asked of a live run."""

import sys
import time
from pathlib import Path
from typing import Any

from vitprune_core import launch
from vitprune_core.store import queue
from vitprune_core.store.lock import holder
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.runs import name_of
from vitprune_core.store.summary import summarize
from vitprune_tui.doing import asking
from vitprune_tui.draw import text
from vitprune_tui.wrong import Wrong

PATIENCE = 10.0
"""Seconds to wait for what was asked to come about, before saying that it was only asked."""
REACHED = {
    "pause": ("paused",),
    "continue": ("running", "starting"),
    "stop": ("stopped", "done", "failed", "lost"),
}


CHANGES = ("up", "down", "rm", "start")


def ask(folder: Path, found: RunDir, request: str) -> tuple[dict[str, Any], str]:
    """Leave a request and wait a moment for it to come about; raises `Wrong` if nobody is there."""
    path = asking.ask(folder, found, request)
    if path is None:
        value = {"id": found.id, "state": summarize(found).state, "acknowledged": True}
        return value, f"{found.id}: not queued now"
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and holder(found.lock) is not None:
        if not path.exists() and summarize(found).state in REACHED[request]:
            break
        time.sleep(0.05)
    state = summarize(found).state
    asked = "" if not path.exists() else f"; asked to {request}, not acknowledged yet"
    return {"id": found.id, "state": state, "acknowledged": not path.exists()}, (
        f"{found.id}: {state}{asked}"
    )


def kill(found: RunDir) -> tuple[dict[str, Any], str]:
    """End the worker at once; what it did since its last checkpoint is done again at resume."""
    killed = asking.kill(found)
    value = {"id": found.id, "state": summarize(found).state, "pid": killed.pid}
    return value, f"{asking.killed(found, killed)}: vitprune resume {found.id}"


def change_queue(folder: Path, what: str, found: RunDir | None) -> None:
    """Move a run up or down or out of the queue (rm), or have the runs started (start)."""
    if what not in CHANGES:
        raise Wrong(f"queue {what}: choices are {', '.join(CHANGES)}")
    if what == "start":
        if queue.order(folder):
            launch.start_dispatcher(folder)
        return
    if found is None:
        raise Wrong(f"queue {what}: which RUN?")
    name = name_of(folder, found)
    if name not in queue.order(folder):
        raise Wrong(f"{name} is {summarize(found).state} and not in the queue")
    if what == "rm":
        queue.remove(folder, name)
        print(f"{name} stays: `vitprune resume {name}` starts it", file=sys.stderr)
    else:
        queue.move(folder, name, -1 if what == "up" else 1)


def show_queue(folder: Path) -> tuple[dict[str, Any], str]:
    names, serving = queue.order(folder), holder(queue.lock(folder))
    value = {"order": names, "dispatcher": serving.pid if serving else None}
    if not names:
        return value, "Nothing waits: queue a run with `vitprune run PRESET --queue`."
    rows = [(i, name) for i, name in enumerate(names, 1)]
    shown = text.table(("", "RUN"), rows, "r")
    if not serving:
        shown += "\nNobody starts them: `vitprune queue start`."
    return value, shown
