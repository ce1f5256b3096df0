"""`vitprune sweep`: have a study worked off, and look on."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

from vitprune_core.analysis.collect import catch_up
from vitprune_core.analysis.tables import Damaged
from vitprune_core.on_ray import NoRay, Tasks, cluster, knock, make_ready
from vitprune_core.spec.config import as_dict
from vitprune_core.spec.plan import plan
from vitprune_core.spec.study import Study
from vitprune_core.store.clean import clean
from vitprune_core.store.speed import seconds_per_epoch
from vitprune_core.store.studydir import StudyDir
from vitprune_core.store.summary import summarize
from vitprune_core.sweep import Hands, Progress, progress
from vitprune_tui.commands.slurm import script
from vitprune_tui.commands.swept import following
from vitprune_tui.doing.hands import seated
from vitprune_tui.doing.sweeping import asked, declared, usual_jobs
from vitprune_tui.draw import text
from vitprune_tui.draw.text import several
from vitprune_tui.interrupts import Interrupts
from vitprune_tui.wrong import Unable, Wrong

EVERY = 1.0
LEFT = 130
STOPPING = "stopping after checkpoints; once more and nobody waits for them"
Answer = tuple[dict[str, Any], str, int]


def sweep(
    name: str,
    folder: Path,
    workload: str | None,
    seeds: str | None,
    jobs: int | None,
    join: bool,
) -> Answer:
    """Do what is left of a study; its exit code is 0 when every run is done.

    Raises `Wrong` and `Unable` before anything is begun.
    """
    work = declared(name, folder, workload, seeds)
    home, study = work.home, work.study
    if work.is_done:
        return told(home, study, work.now, 0)
    _catch_up(home, study, work.seeds)
    jobs = jobs or usual_jobs(study)
    print(foreseen(folder, home, study, work.seeds, jobs), file=sys.stderr)
    hands = Hands(home, work.seeds, [] if join else list(range(jobs)))
    with seated(home):
        if join:
            hands.join(jobs)
        return see_through(home, study, hands)


def sweep_on_ray(
    name: str,
    folder: Path,
    workload: str | None,
    seeds: str | None,
    jobs: int | None,
    address: str | None,
) -> Answer:
    """The same by Ray, here or on the cluster at `address`."""
    try:
        make_ready(address)
        knock(address)
    except NoRay as error:
        raise Wrong(str(error)) from None
    except OSError as error:
        raise Unable(f"no Ray: {error}") from None
    work = declared(name, folder, workload, seeds)
    home, study = work.home, work.study
    if work.is_done:
        return told(home, study, work.now, 0)
    _catch_up(home, study, work.seeds)
    tasks = Tasks(home, study, work.seeds, jobs)
    with seated(home), _reached(cluster(address, tasks.config, jobs)):
        print(foreseen(folder, home, study, work.seeds, jobs or tasks.room), file=sys.stderr)
        return see_through(home, study, tasks)


@contextmanager
def _reached(cluster: AbstractContextManager[None]) -> Iterator[None]:
    """Raises `Unable` where the cluster cannot be entered."""
    with ExitStack() as inside:
        try:
            inside.enter_context(cluster)
        except (NoRay, OSError, RuntimeError) as error:
            raise Unable(f"no Ray: {error}") from None
        yield


def emitted(
    name: str, folder: Path, workload: str | None, seeds: str | None, jobs: int | None
) -> Answer:
    """A script for Slurm that does the same on many nodes."""
    study, wanted = asked(name, workload, seeds)
    words = [name, *(("--workload", workload) if workload else ())]
    words += ["--seeds", seeds] if seeds else []
    text = script(study, wanted, folder, words, jobs or 1)
    return {"script": text}, text.rstrip("\n"), 0


def foreseen(folder: Path, home: StudyDir, study: Study, seeds: tuple[int, ...], jobs: int) -> str:
    """What is left, and how long that may take here."""
    now = progress(home, study, seeds, time.time())
    done, planned = now.epochs
    rounds = sum(len(plan(p.config).rounds) for p in now.runs)
    config = as_dict(next(iter(now.runs)).config)
    speed = seconds_per_epoch(home.path, config) or seconds_per_epoch(folder, config)
    took = "? (this host has not measured it yet)"
    if speed:
        took = text.duration((planned - done) * speed / jobs)
    arms, number = several(len(study.arms), "arm"), several(len(seeds), "seed")
    return (
        f"{study.folder} (hash {study.hash}): {arms} x {number}, {len(now.runs)} runs, "
        f"{rounds} rounds, {planned:,} epochs; {now.done} runs done; "
        f"{several(jobs, 'job')}, ETA {took}"
    )


def see_through(home: StudyDir, study: Study, workers: Hands | Tasks) -> Answer:
    """Until nobody is at work; SIGINT and SIGTERM ask the runs to stop, a second one leaves."""
    stopping, now = False, None
    with Interrupts(2) as interrupts, following() as show:
        while True:
            busy = workers.at_work()  # asked first: what is seen of the rest's runs is their end
            now = progress(home, study, workers.seeds, workers.since, now)
            show(now)
            if interrupts.left():
                break
            if interrupts.number and not stopping:
                stopping = True
                workers.stop()
                print(STOPPING, file=sys.stderr, flush=True)
            more = not stopping and workers.go_on(now)  # also while others work: one may have died
            if not (busy or more):
                break
            time.sleep(EVERY)
    code = LEFT if stopping else 0 if now.done == len(now.runs) else 1
    answer = told(home, study, now, code)
    if code == 1 and isinstance(workers, Hands) and workers.given_up:
        print(f"{home.output}: {_last_words(home.output)}", file=sys.stderr)
    return answer


def _last_words(output: Path) -> str:
    """Of hands that could do nothing."""
    try:
        return clean(output.read_text(errors="replace").strip().rpartition("\n")[2])
    except OSError as error:
        return str(error.strerror)


def _catch_up(home: StudyDir, study: Study, seeds: Sequence[int]) -> list[str]:
    """What the tables cannot be told; raises `Unable` when one of them is damaged."""
    try:
        return catch_up(home, study, seeds)
    except Damaged as error:
        raise Unable(clean(error)) from None


def told(home: StudyDir, study: Study, now: Progress, code: int) -> Answer:
    """What became of the study, once its tables know of every run that is over."""
    unread = _catch_up(home, study, sorted({planned.seed for planned in now.runs}))
    for problem in unread:
        print(clean(problem), file=sys.stderr)
    value = {
        "study": study.folder,
        "hash": study.hash,
        "folder": str(home.path),
        "runs": len(now.runs),
        "done": now.done,
        "bad": now.bad,
    }
    words = f"{study.folder}: {now.done} of {len(now.runs)} runs are done"
    for run, state in now.bad.items():
        reason = summarize(home.run(run)).reason
        words += f"\n  {run}: {state}" + (f" ({clean(reason)})" if reason else "")
    return value, words, code or int(bool(unread))
