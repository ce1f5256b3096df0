"""`vitprune run` and `watch`: make a run, have it worked on, follow it."""

import os
import subprocess
import sys
import time
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from vitprune_core import logout
from vitprune_core.spec.request import Loaded, load
from vitprune_core.spec.sentence import sentence
from vitprune_core.spec.source import SpecError
from vitprune_core.store import control
from vitprune_core.store.clean import clean
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.shown import as_shown
from vitprune_core.store.summary import summarize, told
from vitprune_core.store.tail import EVERY, tail
from vitprune_tui.doing.making import allowed_name, begin, check, create
from vitprune_tui.draw import tables
from vitprune_tui.follow import follow
from vitprune_tui.interrupts import Interrupts
from vitprune_tui.wrong import Unable

LEFT = 130
CODES = {"done": 0, "stopped": LEFT}
Answer = tuple[dict[str, Any], str, int]
"""What `show` says of the run now, as JSON and as text, and the exit code."""


def run(
    loaded: Loaded, folder: Path, name: str | None, width: int | None, mode: str | None
) -> Answer:
    """Make a run and see it through, or leave it to itself: `mode` is here, detach or queue.

    Raises `Wrong` and `Unable` before a run is made.
    """
    allowed_name(loaded, folder, name)
    check(loaded)
    made = create(loaded, folder, name)
    if mode == "here":
        return work_here(made, width)
    process = begin(made, folder, queued=mode == "queue")
    return see_through(made, width, process) if mode is None else left_alone(made)


def watch(found: RunDir, width: int | None) -> Answer:
    """Look on until the run is over; leaving it alone is all the same to it."""
    with Interrupts(1) as interrupts:
        _wait_for_its_turn(found, interrupts)
        follow(tail(found, interrupts.left), _heading(found))
    return seen(found, width, LEFT if interrupts.left() else 0)


def seen(found: RunDir, width: int | None, code: int) -> Answer:
    """What became of a run that was watched; `code` is 0 when it is over."""
    if code == LEFT:
        print(f"{found.id} is left alone", file=sys.stderr)
    return shown(found, width, code or None)


def _wait_for_its_turn(found: RunDir, interrupts: Interrupts) -> None:
    if summarize(found).state == "queued":
        print(f"{found.id} waits for its turn: vitprune queue", file=sys.stderr)
    while summarize(found).state == "queued" and not interrupts.left():
        time.sleep(EVERY)


def left_alone(made: RunDir) -> Answer:
    """What is said of a run that goes on without being followed."""
    _warn_of_logout()
    return as_shown(made, summarize(made)), made.id, 0


def work_here(made: RunDir, width: int | None) -> Answer:
    """Do what is left of a run in this process."""
    # By name, not by import: no other command has torch in its process.
    worker = import_module("vitprune_core.worker")
    orders = worker.Orders(worker.Inbox(made.control))
    worker.listen(orders, hangup_stops=True)
    follow(told(made, worker.work(made, orders), summarize(made)), _heading(made))
    return shown(made, width)


def see_through(
    found: RunDir, width: int | None, process: "subprocess.Popen[bytes] | None"
) -> Answer:
    """Until the worker is gone. SIGINT and SIGTERM ask it to stop; a second one only leaves."""
    _warn_of_logout()
    with Interrupts(2, first=partial(_ask_to_stop, found)) as interrupts:
        follow(tail(found, interrupts.left), _heading(found))
    if interrupts.left():
        print(f"{found.id} is left alone; that it should stop stands", file=sys.stderr)
        return shown(found, width, LEFT)
    if process and process.wait() and not _has_begun(found):
        raise Unable(
            f"{found.id}: its worker ended with {process.returncode}: {_last_words(found)}"
        )
    return shown(found, width)


def _ask_to_stop(found: RunDir) -> None:
    control.ask(found.control, "stop")
    os.write(2, b"stopping after a checkpoint; once more leaves it alone\n")


def shown(found: RunDir, width: int | None, code: int | None = None) -> Answer:
    summary = summarize(found)
    if code is None:
        code = CODES.get(summary.state, 1)
    return as_shown(found, summary), tables.run(found.id, summary, width), code


def _heading(found: RunDir) -> str:
    try:
        return f"{found.id}: {sentence(load(str(found.config)).config)}"
    except SpecError:
        return found.id


def _has_begun(found: RunDir) -> bool:
    return summarize(found).attempt > 0


def _warn_of_logout() -> None:
    if advice := logout.advice():
        print(advice, file=sys.stderr)


def _last_words(found: RunDir) -> str:
    lines = found.output.read_text(errors="replace").strip().splitlines()
    return clean(lines[-1]) if lines else "it said nothing"
