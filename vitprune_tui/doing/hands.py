"""Who works on a study, and asking them all to stop. Light: the watcher looks with it.

Hands carry runs out; a sweep sees to it that hands that die are replaced. Each holds a lock in the
study's `.hands/` for life: `<host>-<n>.lock` a hand, `<host>-<n>.sweep` a sweep.
"""

import os
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from vitprune_core.store.lock import Held, Holder, claim, erase, hold, holder, inscribe
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.runs import trash
from vitprune_core.store.studydir import StudyDir
from vitprune_tui.wrong import Unable, Wrong

HAND, SWEEP = ".lock", ".sweep"


def hands(home: StudyDir) -> tuple[Holder, ...]:
    """Those that carry out runs now, of this host and of others."""
    return tuple(_holders(home, HAND))


def sweeps(home: StudyDir) -> tuple[Holder, ...]:
    """Those that see to the hands now; one that began another has two places and counts once."""
    return tuple(dict.fromkeys(_holders(home, SWEEP)))


def _holders(home: StudyDir, suffix: str) -> Iterator[Holder]:
    try:
        names = sorted(os.listdir(home.hands))
    except OSError:
        return
    for name in names:
        if name.endswith(suffix) and (found := holder(home.hands / name, patience=False)):
            yield found


def seat(home: StudyDir) -> int:
    """The open file of a lock that says: a sweep of this host sees to the study."""
    for number in count():
        with suppress(Held):
            file = claim(home.hands / f"{socket.gethostname()}-{number}{SWEEP}")
            erase(file)
            return file
    raise AssertionError("numbers do not end")


@contextmanager
def seated(home: StudyDir) -> Iterator[None]:
    """This process sees to the study while the block runs."""
    file = seat(home)
    with hold(home.hands, file):
        inscribe(file, attempt=0)
        yield


def stop(home: StudyDir) -> str:
    """Ask all that work on the study here to stop after a checkpoint; what was asked of whom.

    A sweep that is asked asks its hands itself: asked twice they would end at once. Raises `Wrong`
    when nobody works on it, `Unable` when only others elsewhere do.
    """
    working = sweeps(home) + hands(home)
    if not working:
        raise Wrong(f"{home.path.name}: nobody works on it, there is nothing to stop")
    here = _here(sweeps(home)) or _here(hands(home))
    others = [f"process {h.pid} on {h.host}" for h in working if not h.is_here]
    elsewhere = f"{', '.join(others)} works on it too: stop it there" if others else ""
    if not here:
        raise Unable(f"{home.path.name}: {elsewhere.replace(' too', '')}")
    for found in here:
        with suppress(ProcessLookupError):
            os.kill(found.pid, signal.SIGTERM)
    asked = f"{home.path.name}: asked to stop after checkpoints"
    return f"{asked}; {elsewhere}" if elsewhere else asked


def _here(holders: Sequence[Holder]) -> list[Holder]:
    return [found for found in holders if found.is_here and found.pid > 1]


def remove(folder: Path, home: StudyDir) -> Path:
    """Move a study with its runs to `runs/.trash/`; raises `Wrong` while somebody works on it."""
    if working := sweeps(home) + hands(home):
        who = f"process {working[0].pid} on {working[0].host}"
        raise Wrong(f"{home.path.name}: {who} works on it; stop it first")
    for path in home.path.iterdir():
        if found := holder(path / "lock", patience=False):
            raise Wrong(
                f"{home.path.name}: process {found.pid} works on {path.name}; stop it first"
            )
    return trash(folder, RunDir(home.path))
