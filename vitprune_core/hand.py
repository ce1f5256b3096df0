"""A process that works a study off: `python -m vitprune_core.hand FOLDER FILE SINCE SEEDS [ID...]`.

Many may work on one study, on one machine or on many that share its folder: each takes the next
run that nobody has, by its lock, carries it out and writes the study's tables anew. torch is loaded
once for all of them. FILE is the open file of the lock that says that this hand lives. What failed
or was stopped after SINCE, in Unix seconds, and the runs named are left for the next sweep; SEEDS
are like `100,101`.

SIGTERM and SIGINT stop it after a checkpoint. Exit codes: 0 nothing is left to do, 130 stopped, 1
what was declared or a table is not as it was written.
"""

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from vitprune_core.analysis.collect import catch_up, collect
from vitprune_core.analysis.tables import Damaged
from vitprune_core.attempt import ASKED_TO, Orders
from vitprune_core.spec.config import as_dict, dump
from vitprune_core.spec.identity import dense_hash
from vitprune_core.spec.source import SpecError
from vitprune_core.spec.study import Planned, Study, seeds_of
from vitprune_core.store.clean import clean
from vitprune_core.store.control import Inbox, clear
from vitprune_core.store.dense import DenseDir
from vitprune_core.store.events import Created
from vitprune_core.store.lock import Held, claim, erase, hold, holder, inscribe
from vitprune_core.store.log import Log
from vitprune_core.store.rundir import RunDir, nobody_else_writes, write
from vitprune_core.store.studydir import StudyDir, over
from vitprune_core.store.summary import summarize
from vitprune_core.sweep import declared
from vitprune_core.worker import listen, work

EVERY = 0.5
"""Seconds between two looks while all that is left is in other hands."""


@dataclass
class Hand:
    folder: StudyDir
    study: Study
    seeds: tuple[int, ...]
    since: float
    orders: Orders
    passed: set[str] = field(default_factory=set)
    """Runs that need not be looked at again."""

    def work_off(self) -> None:
        """Until nothing is left that this hand could do, or it was asked to stop."""
        catch_up(self.folder, self.study, self.seeds)
        self.passed |= self._gone()
        while not self.orders.stop:
            waits = False
            for planned in self.left():
                if file := self.taken(planned):
                    self.carry_out(planned, file)
                    break
                waits = waits or not _is_paused(self.folder.run(planned.id))
            else:
                if not waits:
                    return
                time.sleep(EVERY)

    def _gone(self) -> set[str]:
        """Runs that are in the tables and whose folders are not here."""
        return {run for run in self.folder.collected if not self.folder.run(run).log.exists()}

    def left(self) -> Iterator[Planned]:
        """What is not over, in order; whose dense model somebody trains now comes later."""
        later = []
        for planned in self.study.runs(self.seeds):
            if planned.id not in self.passed and over(self.folder.run(planned.id), self.since):
                self.passed.add(planned.id)
            if planned.id in self.passed:
                continue
            if self._is_trained_by_others(planned):
                later.append(planned)
            else:
                yield planned
        yield from later

    def _is_trained_by_others(self, planned: Planned) -> bool:
        """The dense model, or will be: then there is nothing to do on the run but to wait."""
        hash = dense_hash(planned.config)
        if DenseDir.of(self.folder.path, hash).exists:
            return False
        alike = (p for p in self.study.runs([planned.seed]) if dense_hash(p.config) == hash)
        return any(holder(self.folder.run(p.id).lock, patience=False) for p in alike)

    def taken(self, planned: Planned) -> int | None:
        """The open file that holds the run's lock; None when others have it or should have it."""
        if self._is_trained_by_others(planned):
            return None
        run = self.folder.run(planned.id)
        run.path.mkdir(mode=0o755, exist_ok=True)
        try:
            file = claim(run.lock)
        except Held:
            return None
        erase(file)
        if over(run, self.since):  # by somebody who let go of it a moment ago
            os.close(file)
            return None
        return file

    def carry_out(self, planned: Planned, file: int) -> None:
        """One run, made if nobody has, then the tables; it closes `file`."""
        run = self.folder.run(planned.id)
        run.complete()
        if not run.log.exists():
            made(run, planned, self.folder)
        clear(run.control)
        self.orders.inbox = Inbox(run.control)
        for _ in work(run, self.orders, file):
            pass
        self.orders.pause = False
        if self.orders.stop == ASKED_TO:  # this run, not the study
            self.orders.stop = None
        print(f"{planned.id}: {summarize(run).state}", flush=True)
        self.passed.add(planned.id)
        collect(self.folder, self.study, planned)


def made(run: RunDir, planned: Planned, folder: StudyDir) -> None:
    """The run's config and the first record of its log."""
    write(run.config, dump(planned.config).encode())
    request = ("--study", folder.path.name, "--arm", planned.arm, "--seed", str(planned.seed))
    config = as_dict(planned.config)
    Log(run.log).append(Created(preset=planned.arm, request=request, config=config))


def _is_paused(run: RunDir) -> bool:
    """It may rest for days: nobody waits for it."""
    return summarize(run).state == "paused"


def main(words: list[str]) -> int:
    nobody_else_writes()
    folder, file, since, seeds, *passed = words
    study = StudyDir(Path(folder).absolute())
    with hold(study.hands, int(file)) as lock:
        inscribe(lock, attempt=0)
        orders = Orders(Inbox(study.hands))
        listen(orders)
        try:
            asked = declared(study)
            wanted = seeds_of(asked, seeds)
            Hand(study, asked, wanted, float(since), orders, set(passed)).work_off()
        except (SpecError, Damaged) as error:
            print(clean(error), file=sys.stderr)
            return 1
    return 130 if orders.stop else os.EX_OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
