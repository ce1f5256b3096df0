"""From a study's name to a study that is worked on: one way, for the command and for the screen.

Nothing is printed and nothing is followed. From the screen a study is begun by a process of its own
that is `vitprune sweep`: it stays when the screen goes, and replaces hands that die.
"""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from vitprune_core.launch import spawn
from vitprune_core.spec.config import AUTO, as_dict
from vitprune_core.spec.request import Loaded
from vitprune_core.spec.source import SpecError
from vitprune_core.spec.study import Study, load_study, seeds_of
from vitprune_core.store.rundir import write
from vitprune_core.store.studydir import StudyDir
from vitprune_core.sweep import Progress, declare, progress
from vitprune_core.sweep import declared as was_declared
from vitprune_tui.doing import hands, making
from vitprune_tui.wrong import Wrong

RESOLVED = "vitprune_core.engine.resolved"
SWEEP = "vitprune_tui.cli"
WORDS = "sweep.txt"
"""In the study's `.hands/`: what a sweep that was begun from the screen has to say."""


@dataclass(frozen=True)
class Work:
    """A study that is declared, and how far it was then."""

    study: Study
    seeds: tuple[int, ...]
    home: StudyDir
    now: Progress

    @property
    def is_done(self) -> bool:
        return self.now.done == len(self.now.runs)


def declared(
    name: str,
    folder: Path,
    workload: str | None,
    seeds: str | None,
    told: making.Told | None = None,
) -> Work:
    """The study with all that is decided written down; nothing is, of one that is done already.

    How far the device and the images are goes to `told`. Raises `Wrong` and `Unable` with the
    reason a study cannot be worked on.
    """
    study, wanted = asked(name, workload, seeds)
    home = StudyDir(folder / study.folder)
    try:
        study = resolved(study, home)
    except SpecError as error:
        raise Wrong(str(error)) from None
    work = Work(study, wanted, home, progress(home, study, wanted, time.time()))
    if home.study.exists():
        _write_down(home, study)
        if work.is_done:
            return work
    first = next(study.runs(wanted))
    making.check(Loaded(first.config, first.arm, study.workload, ()), told)
    _write_down(home, study)
    return work


def _write_down(home: StudyDir, study: Study) -> None:
    """What was before must be the same."""
    try:
        declare(home, study)
    except SpecError as error:
        raise Wrong(str(error)) from None


def asked(name: str, workload: str | None, seeds: str | None) -> tuple[Study, tuple[int, ...]]:
    """The study and those of its seeds that are meant; raises `Wrong` with all problems."""
    try:
        study = load_study(name, workload)
        wanted = seeds_of(study, seeds)
    except SpecError as error:
        raise Wrong(str(error)) from None
    return study, wanted


def resolved(study: Study, home: StudyDir) -> Study:
    """`auto` as it was when the study was declared, else as it is here: a process is asked."""
    if home.study.exists():
        return as_declared(study, home)
    config = next(iter(study.arms.values()))
    if "auto" not in (getattr(config, key) for key in AUTO):
        return study
    found = subprocess.run(
        [sys.executable, "-P", "-m", RESOLVED],
        input=json.dumps(as_dict(config)),
        capture_output=True,
        text=True,
    )
    if found.returncode:
        raise Wrong(found.stdout.strip() or found.stderr.strip())
    return study.resolved(json.loads(found.stdout))


def as_declared(study: Study, home: StudyDir) -> Study:
    """With `auto` as the study in the folder has it; raises `SpecError` when that is damaged."""
    before = next(iter(was_declared(home).arms.values()))
    return study.resolved({key: getattr(before, key) for key in AUTO})


def usual_jobs(study: Study) -> int:
    """As many as this machine has cores for; on CUDA one."""
    config = next(iter(study.arms.values()))
    cores = len(os.sched_getaffinity(0))
    return 1 if config.device == "cuda" else max(cores // config.threads, 1)


def begin(name: str, folder: Path, workload: str | None, told: making.Told) -> tuple[str, str]:
    """Have a study worked off by processes that nobody needs to look at; its folder, what to say.

    Raises what `declared` does.
    """
    work = declared(name, folder, workload, None, told)
    home = work.home
    if work.is_done:
        return home.path.name, f"{home.path.name}: all {len(work.now.runs):,} runs are done already"
    if hands.sweeps(home):
        return home.path.name, f"{home.path.name} is worked on already"
    file = hands.seat(home)
    try:
        words = ["sweep", name, "--workload", work.study.workload]
        spawn(SWEEP, [*words, "--runs", str(folder.absolute())], home.hands / WORDS, file)
    finally:
        os.close(file)
    return home.path.name, f"{home.path.name} is worked on, also when you leave"


def go_on(home: StudyDir, told: making.Told) -> tuple[str, str]:
    """The same for a study that there is, wherever the file is that once asked for it."""
    try:
        study = load_study(str(home.study))
    except SpecError as error:
        raise Wrong(str(error)) from None
    name = home.path.name.removesuffix(f"-{study.workload}")
    copy = home.hands / f"{name}.yaml"  # a study is called after its file
    home.hands.mkdir(mode=0o755, exist_ok=True)
    write(copy, home.study.read_bytes())
    return begin(str(copy.absolute()), home.path.parent, study.workload, told)
