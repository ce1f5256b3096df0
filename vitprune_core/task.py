"""A run of a study as a task in a process that is somebody else's, such as one of Ray's.

It is told the study's folder and which run, and finds all else there. Training is done here, in the
main thread of this very process: when the process is killed, so is the training, and the kernel
lets go of the run's lock. An interrupt, which is how Ray passes on that a task is to end, asks the
run to stop after a checkpoint; of SIGTERM whoever owns the process makes what it likes.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path

from vitprune_core.analysis.collect import catch_up
from vitprune_core.attempt import Orders
from vitprune_core.hand import Hand
from vitprune_core.spec.study import Study
from vitprune_core.store.control import Inbox
from vitprune_core.store.rundir import nobody_else_writes
from vitprune_core.store.studydir import StudyDir, over
from vitprune_core.sweep import declared


def carry_out(folder: str, seed: int, id: str, since: float) -> bool:
    """Do what is left of a run, unless others are at it; whether it is over."""
    nobody_else_writes()
    home = StudyDir(Path(folder))
    study = _declared(home, home.hash)
    hand = Hand(home, study, (seed,), since, Orders(Inbox(home.hands)))
    planned = next(planned for planned in study.runs([seed]) if planned.id == id)
    with _interruptible(hand.orders), _told_in(home.output):
        file = hand.taken(planned)
        if file is not None:
            hand.carry_out(planned, file)
        else:  # done perhaps, by a task that was lost before it told the tables
            catch_up(home, study, (seed,))
    return over(home.run(id), since)


@cache
def _declared(home: StudyDir, hash: str | None) -> Study:
    """Read once for all tasks that this process is given."""
    return declared(home)


@contextmanager
def _interruptible(orders: Orders) -> Iterator[None]:
    def ask(number: int, frame: object) -> None:
        orders.stop = orders.stop or signal.Signals(number).name

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _told_in(output: Path) -> Iterator[None]:
    """What is printed goes where the study's other processes print."""
    with output.open("a", buffering=1) as file, redirect_stdout(file), redirect_stderr(file):
        yield
