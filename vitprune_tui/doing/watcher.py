"""Reads the runs folder, in one thread for all runs, and tells when something is new.

By `os.stat`, not by notification: that works on network folders too. Runs that live and runs that
are looked at are asked for four times a second, all others in turn within a few seconds, so that
a folder of hundreds costs next to nothing while nothing happens. A log of which much is unread is
read in slices, a look each, and what is known of it so far is shown: it is `reading`.
"""

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from vitprune_core.store import control, queue
from vitprune_core.store.brief import ALIVE, Brief, brief_of
from vitprune_core.store.history import Reader
from vitprune_core.store.lock import STALLED, Holder, holder
from vitprune_core.store.rundir import RunDir, Stamp, stamp
from vitprune_core.store.runs import name_of, places
from vitprune_core.store.studydir import StudyDir
from vitprune_core.store.summary import Summary, seen
from vitprune_tui.doing.device import Device, Load
from vitprune_tui.doing.studies import Studies
from vitprune_tui.state import READING, Lab, Opened

EVERY = 0.25
"""Seconds between two looks."""
TURNS = 16
"""Looks in which every run that rests is asked for once."""
LISTED_EVERY = 10 * TURNS
"""Looks after which the folder is listed though nothing seems new: not every disk tells."""
SLICE = 8 << 20
"""Bytes of a log that are read in one look; the next one follows at once."""
LOADED_EVERY = 2.0
"""Seconds between two looks at the machine."""
UNKNOWN: Stamp = (-2, -2)
"""Unlike any other: what is not known yet has changed."""


@dataclass
class Known:
    """A run, and its log and masks as they were when they were last read."""

    run: RunDir
    brief: Brief = field(default_factory=lambda: Summary(state=READING).brief)
    log: Stamp = UNKNOWN
    masks: Stamp = UNKNOWN
    levels: tuple[str, ...] = ()
    holder: Holder | None = None
    """Like the summary, only of a run that is read in full."""
    summary: Summary = field(default_factory=Summary)
    problem: str | None = None
    """Why its log cannot be read."""
    behind: bool = True
    """More of its log is to be read."""


class Watcher:
    """`look` reads what is new; `start` does so over and over in a thread of its own."""

    def __init__(self, folder: Path):
        self.lab = Lab(folder)
        self.wanted: frozenset[str] = frozenset()
        """Runs to read in full; set by the app."""
        self.study: str | None = None
        """The study whose results are read."""
        self.loading: str | None = None
        """The run whose worker and machine are watched; None: nobody looks."""
        self.known: dict[str, Known] = {}
        self.readers: dict[str, Reader] = {}
        self.folders: dict[Path, Stamp] = {}
        """Those in which a run may appear, as they were before they were listed."""
        self.foreign = 0
        self.studies, self.declared = Studies(), list[str]()
        """Names of the folders that are studies."""
        self.turn = -1
        self.device, self.loaded = Device(folder), 0.0
        self.over, self.nudged = threading.Event(), threading.Event()

    def start(self, tell: Callable[[Lab | Exception], object]) -> None:
        """Tell every new picture; an error that nobody foresaw is the last that is told."""
        threading.Thread(target=self._watch, args=(tell,), daemon=True).start()

    def nudge(self) -> None:
        """Look now: something else is wanted, or was just done."""
        self.nudged.set()

    def stop(self) -> None:
        self.over.set()
        self.nudged.set()

    def _watch(self, tell: Callable[[Lab | Exception], object]) -> None:
        try:
            while not self.over.is_set():
                before = self.lab
                if self.look() is not before:
                    tell(self.lab)
                if not any(known.behind for known in self.known.values()):
                    self.nudged.wait(EVERY)
                self.nudged.clear()
        except Exception as error:  # a thread ends without a word, and the screen would stand still
            tell(error)

    def look(self) -> Lab:
        """The folder now; the very same value as before when nothing is new."""
        self.turn += 1
        try:
            self._list()
            lab = self._lab()
        except OSError as error:
            why = f"{error.filename or self.lab.folder}: {error.strerror or error}"
            lab = replace(self.lab, problem=why, read=True)
        if lab != self.lab:
            self.lab = lab
        return self.lab

    def _list(self) -> None:
        """Which runs there are, asked when a folder has changed; OSError if that cannot be known.

        Stamps are taken before: what comes while we read is found by the next look.
        """
        folder = self.lab.folder
        stamps = {known: stamp(known) for known in self.folders}
        if stamps == self.folders and self.turn % LISTED_EVERY and not self.lab.problem:
            return
        names = _folders(folder)
        found = list(places(folder))
        runs = {name_of(folder, run): run for run in (RunDir(p) for p, is_run in found if is_run)}
        self.known = {name: self.known.get(name) or Known(run) for name, run in runs.items()}
        self.readers = {name: r for name, r in self.readers.items() if name in self.known}
        others = [path for path, is_run in found if not is_run]
        mine = (path for path in others if path.parent == folder)
        self.declared = [path.name for path in mine if os.path.isfile(StudyDir(path).study)]
        known = {name.partition("/")[0] for name in self.known}
        self.foreign = len(names - known - set(self.declared))
        self.folders = {path: stamps.get(path, UNKNOWN) for path in (folder, *others)}

    def _lab(self) -> Lab:
        order = tuple(queue.order(self.lab.folder))
        self._read(moved=set(order) ^ set(self.lab.order))
        return Lab(
            folder=self.lab.folder,
            runs={name: known.brief for name, known in self.known.items()},
            opened={
                name: self._opened(name)
                for name in self.readers
                if name in self.wanted and self.known[name].problem is None
            },
            unreadable={name: k.problem for name, k in self.known.items() if k.problem},
            asked=self._asked(),
            order=order,
            dispatcher=bool(order) and _is_held(queue.lock(self.lab.folder)),
            load=self._load(),
            read=True,
            foreign=self.foreign,
            studies=self.studies.look(self.lab.folder, self.declared, self.study, self.turn),
        )

    def _read(self, moved: set[str]) -> None:
        """Runs that live or are looked at now, the others when their turn comes.

        Only the queue tells of those that `moved` into it or out of it. One that cannot be read
        stays as it was, with the reason.
        """
        for at, (name, known) in enumerate(self.known.items()):
            turn, waits = at % TURNS == self.turn % TURNS, known.brief.state == "queued"
            try:
                if known.brief.state in ALIVE or name in self.wanted:
                    self._read_in_full(name, known)
                elif turn or waits or known.behind or name in moved:
                    self._read_briefly(name, known, anyway=name in moved or (turn and waits))
            except OSError as error:
                known.problem, known.log = error.strerror or str(error), UNKNOWN
                known.behind = False
                if known.brief.state == READING:
                    known.brief = Summary(state="unreadable").brief
            if not (known.brief.state in ALIVE or name in self.wanted or known.behind):
                self.readers.pop(name, None)

    def _read_in_full(self, name: str, known: Known) -> None:
        """Its log; from its second time on only what is new."""
        log = stamp(known.run.log)
        if name not in self.readers:
            self.readers[name] = Reader(known.run)
        reader = self.readers[name]
        # before its log: whoever is gone has said all
        known.holder = holder(known.run.lock, patience=False)
        reader.read(most=SLICE)
        known.behind, known.log, known.problem = reader.behind > 0, log, None
        now = (
            _so_far(reader)
            if known.behind
            else seen(known.run, reader.summary, free=known.holder is None)
        )
        known.summary = known.summary if now == known.summary else now
        known.brief = known.brief if now.brief == known.brief else now.brief

    def _read_briefly(self, name: str, known: Known, anyway: bool) -> None:
        """What a list shows of a run, if its log has grown: what was kept, if that is enough."""
        log = stamp(known.run.log)
        if log == known.log and not known.behind and not anyway:
            return
        kept = None if name in self.readers else brief_of(known.run)
        if kept is None or kept.state in (*ALIVE, "queued"):
            self._read_in_full(name, known)
        else:
            known.brief, known.log, known.problem, known.behind = kept, log, None, False

    def _opened(self, name: str) -> Opened:
        """All of a run; the very same value as before when nothing is new."""
        reader, known = self.readers[name], self.known[name]
        before = self.lab.opened.get(name)
        if (masks := stamp(known.run.path / "masks")) != known.masks:
            known.masks, known.levels = masks, tuple(known.run.levels)
        opened = Opened(
            run=known.run,
            summary=known.summary,
            history=reader.history,
            rows=len(reader.history),
            tested=reader.tested,
            latest=reader.latest,
            levels=known.levels,
            holder=known.holder,
            stalled=_stalled(known.run) if known.holder else None,
        )
        return before if before == opened else opened

    def _asked(self) -> dict[str, str]:
        """What living runs have not acknowledged yet."""
        asked = {}
        alive = [(name, k.run) for name, k in self.known.items() if k.brief.state in ALIVE]
        for name, run in alive:
            with suppress(OSError):
                if found := control.pending(run.control):
                    asked[name] = control.request_of(found[-1])
        return asked

    def _load(self) -> Load | None:
        """Every few seconds, and only while somebody looks at a run that works here."""
        opened = self.lab.opened.get(self.loading or "")
        if opened is None or opened.holder is None or not opened.holder.is_here:
            return None
        if time.monotonic() - self.loaded < LOADED_EVERY:
            return self.lab.load
        self.loaded = time.monotonic()
        device = str(opened.summary.config.get("device", "cpu"))
        return self.device.sample(opened.holder.pid, device)


def _folders(folder: Path) -> set[str]:
    """Names of all folders inside that are not hidden; none while there is no such folder."""
    with suppress(FileNotFoundError):
        names = os.listdir(folder)
        return {n for n in names if not n.startswith(".") and os.path.isdir(folder / n)}
    return set()


def _so_far(reader: Reader) -> Summary:
    """Of a log of which more is to be read."""
    share = reader.end / (reader.end + reader.behind)
    return replace(reader.summary, state=READING, reason=f"{100 * share:.0f} % of its log")


def _is_held(lock: Path) -> bool:
    return holder(lock, patience=False) is not None


def _stalled(run: RunDir) -> float | None:
    """Seconds since the worker last touched its lock, in steps, if that is too long."""
    try:
        since = time.time() - os.stat(run.lock).st_mtime
    except OSError:
        return None
    return since // STALLED * STALLED or None if since > STALLED else None
