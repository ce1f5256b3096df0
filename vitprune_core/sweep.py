"""Have a study worked off by so many processes of this machine, and see how far it is. No torch.

The processes, called hands, belong to the machine: who started them may go and another one come,
which finds those that work and starts what is missing. Each has a place, a lock `<host>-<n>` in the
study's folder, that it holds for life.
"""

import os
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, groupby

from vitprune_core.launch import spawn
from vitprune_core.spec.plan import plan
from vitprune_core.spec.source import Place, Problem, SpecError
from vitprune_core.spec.study import Planned, Study, load_study
from vitprune_core.store.brief import ALIVE, Brief, brief
from vitprune_core.store.lock import Held, Holder, claim, erase, holder
from vitprune_core.store.lock import alone as only_one
from vitprune_core.store.rundir import write
from vitprune_core.store.studydir import StudyDir, over
from vitprune_core.store.summary import Summary

HAND = "vitprune_core.hand"
ENDED_BADLY = ("failed", "stopped", "lost")
GONE = Summary(state="done").brief
"""Of a run that is in the tables and whose folder has gone."""
TRIES = 3
"""How often a run may take its hand with it before the study goes on without it; and how often, for
each place, a hand may end without a sign of any run before no other is started.
"""
PUT_BACK = "put back what was there"


class DeclaredOtherwise(SpecError):
    """The folder belongs to a study of the same name with other arms, looks or thresholds."""

    def __init__(self, folder: StudyDir, what: str, then: str):
        told = f"{what}: what decides cannot change after the first run; {then}"
        super().__init__([Problem(Place(str(folder.study)), told)])


def declare(folder: StudyDir, study: Study) -> None:
    """Write down what is to be done and decided, before the first run.

    Raises `DeclaredOtherwise`: what was declared cannot be changed after results were seen.
    """
    folder.hands.mkdir(mode=0o755, parents=True, exist_ok=True)
    if not folder.study.exists():  # else it is only looked at, perhaps by who may not write
        with only_one(folder.collecting):
            if not folder.study.exists():
                write(folder.study, f"# hash: {study.hash}\n{study.dump()}".encode())
    if folder.hash != study.hash:
        what = f"was declared with hash {folder.hash}, not with {study.hash}"
        raise DeclaredOtherwise(folder, what, "call the study otherwise, or give other --runs")


def declared(folder: StudyDir) -> Study:
    """What was written down; raises `SpecError` when it was changed since or cannot be read."""
    if folder.hash is None:
        raise DeclaredOtherwise(folder, "has lost the hash of its first line", PUT_BACK)
    study = load_study(str(folder.study))
    if folder.hash != study.hash:
        what = f"was changed after it was declared with hash {folder.hash}"
        raise DeclaredOtherwise(folder, what, PUT_BACK)
    return study


@dataclass(frozen=True)
class Progress:
    """How far a study is, run by run."""

    runs: Mapping[Planned, Brief | None]
    """None: not begun."""
    since: float

    @property
    def done(self) -> int:
        return sum(brief is not None and brief.state == "done" for brief in self.runs.values())

    @property
    def bad(self) -> dict[str, str]:
        """Runs that ended otherwise, by id, and their states."""
        return {p.id: b.state for p, b in self.runs.items() if b and b.state in ENDED_BADLY}

    @property
    def working(self) -> list[tuple[Planned, Brief]]:
        return [(p, b) for p, b in self.runs.items() if b and b.state in ALIVE]

    @property
    def epochs(self) -> tuple[int, int]:
        """Done and planned, of all runs; a dense model counts once a seed."""
        done = planned = 0
        for seed, runs in groupby(self.runs.items(), key=lambda item: item[0].seed):
            del seed
            dense = 0
            for run, told in runs:
                steps = plan(run.config)
                planned += steps.epochs - steps.dense.epochs
                trained = steps.epochs if told is GONE else told.epochs_done if told else 0
                dense = max(dense, min(trained, steps.dense.epochs))
                done += max(trained - steps.dense.epochs, 0)
            planned, done = planned + steps.dense.epochs, done + dense
        return done, planned


def progress(
    folder: StudyDir,
    study: Study,
    seeds: Sequence[int],
    since: float,
    before: Progress | None = None,
) -> Progress:
    """Of runs that were done `before` nothing is read again."""
    runs = before.runs if before else dict.fromkeys(study.runs(seeds))
    collected = folder.collected
    return Progress({p: _seen(folder, p, told, collected) for p, told in runs.items()}, since)


def _seen(
    folder: StudyDir, planned: Planned, before: Brief | None, collected: frozenset[str]
) -> Brief | None:
    if before and before.state == "done":
        return before
    run = folder.run(planned.id)
    if run.log.is_file():
        return brief(run)
    return GONE if planned.id in collected else None


def is_left(folder: StudyDir, planned: Planned, told: Brief | None, since: float) -> bool:
    """Whether somebody has to begin with a run, or once more if it ended badly before `since`."""
    if told is None or told.state in ("queued", "lost"):
        return True
    return told.state in ENDED_BADLY and not over(folder.run(planned.id), since)


@dataclass
class Hands:
    """The processes of this host that work on a study."""

    folder: StudyDir
    seeds: Sequence[int]
    places: list[int]
    """Numbers of those that this sweep sees to."""
    since: float = field(default_factory=time.time)
    died: Counter[str] = field(default_factory=Counter)
    """Run -> how many hands it took with it."""
    lost: set[tuple[str, float | None]] = field(default_factory=set)
    """Those accidents, each once."""
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)
    """By this sweep, and not seen to have ended."""
    barren: int = 0
    """Hands that ended since anything was new of any run."""
    seen: list[Brief | None] = field(default_factory=list)

    def at_work(self) -> dict[int, Holder]:
        """Place -> the process that holds it, whoever started it."""
        alive = [hand for hand in self.started if hand.poll() is None]
        self.barren += len(self.started) - len(alive)
        self.started = alive
        host = socket.gethostname()
        found = {n: holder(self.folder.hand(host, n), patience=False) for n in self.places}
        return {n: hand for n, hand in found.items() if hand}

    def join(self, number: int) -> None:
        """Start so many in places that nobody has: of sweeps that begin at once each gets its own.

        Places are taken, not looked for: between looking and taking another could come.
        """
        places = count()
        while len(self.places) < number:
            if self._start(place := next(places)):
                self.places.append(place)

    def fill(self) -> int:
        """Start a hand in every free place; how many."""
        return sum(self._start(n) for n in self.places if n not in self.at_work())

    def _start(self, number: int) -> bool:
        try:
            file = claim(self.folder.hand(socket.gethostname(), number))
        except Held:
            return False
        try:
            erase(file)
            left_out = [run for run, times in self.died.items() if times >= TRIES]
            seeds = ",".join(map(str, self.seeds))
            words = [str(self.folder.path.absolute()), str(file), str(self.since), seeds]
            self.started.append(spawn(HAND, [*words, *left_out], self.folder.output, file))
        finally:
            os.close(file)
        return True

    @property
    def given_up(self) -> bool:
        """Hands end before they have anything to show for it; why is in the study's `log.txt`."""
        return self.barren >= TRIES * max(len(self.places), 1)

    def go_on(self, now: Progress) -> bool:
        """See to it that what is left is worked on; False when nothing is left for a hand to do.

        A run whose hand has gone is taken up again by the next, but not for ever.
        """
        self._count(now)
        left = any(
            self.died[planned.id] < TRIES and is_left(self.folder, planned, told, self.since)
            for planned, told in now.runs.items()
        )
        started = 0 if self.given_up or not left else self.fill()
        return left and (started > 0 or bool(self.at_work()))

    def _count(self, now: Progress) -> None:
        """What went wrong since the last look."""
        if self.seen != (seen := list(now.runs.values())):
            self.seen, self.barren = seen, 0
        for planned, told in now.runs.items():
            if told and told.state == "lost" and (planned.id, told.updated) not in self.lost:
                self.lost.add((planned.id, told.updated))
                self.died[planned.id] += 1

    def stop(self) -> None:
        """Ask them to stop after a checkpoint."""
        for hand in self.at_work().values():
            if hand.is_here:
                os.kill(hand.pid, signal.SIGTERM)
