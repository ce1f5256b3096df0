"""Reads the runs folder, in one thread for all runs, and tells when something is new.

By `os.stat`, not by notification: that works on network folders too. Runs that live and runs that
are looked at are asked for four times a second, all others in turn within a few seconds, so that
a folder of hundreds costs next to nothing while nothing happens.
"""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from vitprune_core.store import control, queue
from vitprune_core.store.history import Reader
from vitprune_core.store.lock import TOUCHED_EVERY, Holder, holder
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.runs import name_of, runs
from vitprune_core.store.summary import ALIVE, Brief, Summary, brief, seen
from vitprune_tui.device import Device, Load
from vitprune_tui.state import Lab, Opened

EVERY = 0.25
"""Seconds between two looks."""
TURNS = 16
"""Looks in which every run that rests is asked for once."""
LOADED_EVERY = 2.0
"""Seconds between two looks at the machine."""
STALLED = 3 * TOUCHED_EVERY
"""A worker touches its lock every few seconds; after so many without it, it hangs."""

Stamp = tuple[int, int]
NEVER: Stamp = (-1, -1)


@dataclass
class Known:
    """A run, and its log and masks as they were when they were last read."""

    run: RunDir
    brief: Brief
    log: Stamp
    masks: Stamp = NEVER
    levels: tuple[str, ...] = ()
    holder: Holder | None = None
    """Like the summary, only of a run that is read in full."""
    summary: Summary = field(default_factory=Summary)
    is_news: bool = False
    """Its log has grown since the look before."""

    @property
    def is_lively(self) -> bool:
        """Its state may change any moment, also without a word in its log."""
        return self.brief.state in (*ALIVE, "queued")


class Watcher:
    """`look` reads what is new; `start` does so over and over in a thread of its own."""

    def __init__(self, folder: Path):
        self.lab = Lab(folder)
        self.wanted: frozenset[str] = frozenset()
        """Runs to read in full; set by the app."""
        self.loading: str | None = None
        """The run whose worker and machine are watched; None: nobody looks."""
        self.known: dict[str, Known] = {}
        self.readers: dict[str, Reader] = {}
        self.folders: dict[Path, Stamp] = {}
        self.foreign = 0
        self.turn = 0
        self.device, self.loaded = Device(folder), 0.0
        self.over, self.nudged = threading.Event(), threading.Event()

    def start(self, tell: Callable[[Lab], object]) -> None:
        threading.Thread(target=self._watch, args=(tell,), daemon=True).start()

    def nudge(self) -> None:
        """Look now: something else is wanted, or was just done."""
        self.nudged.set()

    def stop(self) -> None:
        self.over.set()
        self.nudged.set()

    def _watch(self, tell: Callable[[Lab], object]) -> None:
        while not self.over.is_set():
            before = self.lab
            if self.look() is not before:
                tell(self.lab)
            self.nudged.wait(EVERY)
            self.nudged.clear()

    def look(self) -> Lab:
        """The folder now; the very same value as before when nothing is new."""
        problem = self._list()
        self._read()
        order = tuple(queue.order(self.lab.folder))
        lab = Lab(
            folder=self.lab.folder,
            runs={name: known.brief for name, known in self.known.items()},
            opened={name: self._opened(name) for name in self.readers if name in self.wanted},
            asked=self._asked(),
            order=order,
            dispatcher=bool(order) and holder(queue.lock(self.lab.folder)) is not None,
            load=self._load(),
            problem=problem,
            read=True,
            foreign=self.foreign,
        )
        if lab != self.lab:
            self.lab = lab
        return self.lab

    def _list(self) -> str | None:
        """Which runs there are, asked when a folder has changed; why that cannot be known."""
        folder = self.lab.folder
        if self._stamps() == self.folders and self.turn % (10 * TURNS):
            return self.lab.problem
        try:
            names = os.listdir(folder)
        except FileNotFoundError:
            names = []
        except OSError as error:
            return f"{folder}: {error.strerror}"
        found = {name_of(folder, run): run for run in runs(folder)}
        self.known = {name: self.known.get(name) or _known(run) for name, run in found.items()}
        tops = {name.partition("/")[0] for name in found}
        self.foreign = sum(not n.startswith(".") and n not in tops for n in names if "." not in n)
        self.folders = self._stamps()
        return None

    def _stamps(self) -> dict[Path, Stamp]:
        """Of the folder itself and of those of studies."""
        folders = {self.lab.folder, *(known.run.path.parent for known in self.known.values())}
        return {folder: _stamp(folder) for folder in folders}

    def _read(self) -> None:
        """Runs that live or are looked at now, the others when their turn comes."""
        self.turn += 1
        for at, (name, known) in enumerate(self.known.items()):
            if known.brief.state in ALIVE or name in self.wanted:
                self._read_in_full(name, known)
            elif known.is_lively or at % TURNS == self.turn % TURNS:
                self.readers.pop(name, None)
                if (log := _stamp(known.run.log)) != known.log or known.is_lively:
                    known.log, known.brief = log, brief(known.run)

    def _read_in_full(self, name: str, known: Known) -> None:
        """From its second time on only what is new."""
        if name not in self.readers:
            self.readers[name] = Reader(known.run)
        reader = self.readers[name]
        known.holder = holder(known.run.lock)  # before its log: whoever is gone has said all
        known.is_news = reader.read()
        now = seen(known.run, reader.summary, free=known.holder is None)
        known.summary = known.summary if now == known.summary else now
        known.brief = known.brief if now.brief == known.brief else now.brief

    def _opened(self, name: str) -> Opened:
        """All of a run; the very same value as before when nothing is new."""
        reader, known = self.readers[name], self.known[name]
        before = self.lab.opened.get(name)
        told = before is not None and not known.is_news
        if (masks := _stamp(known.run.path / "masks")) != known.masks:
            known.masks, known.levels = masks, tuple(known.run.levels)
        opened = Opened(
            run=known.run,
            summary=known.summary,
            history=reader.history,
            epochs=len(reader.history),
            tested=before.tested if before and told else reader.tested,
            latest=before.latest if before and told else reader.latest,
            levels=known.levels,
            holder=known.holder,
            stalled=_stalled(known.run) if known.holder else None,
        )
        return before if before == opened else opened

    def _asked(self) -> dict[str, str]:
        """What living runs have not acknowledged yet."""
        alive = {name: k.run for name, k in self.known.items() if k.brief.state in ALIVE}
        files = {name: control.pending(run.control) for name, run in alive.items()}
        return {name: control.request_of(found[-1]) for name, found in files.items() if found}

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


def _known(run: RunDir) -> Known:
    return Known(run, brief(run), _stamp(run.log))


def _stamp(path: Path) -> Stamp:
    """Changes when the file, or the list of a folder's files, does."""
    try:
        facts = os.stat(path)
    except OSError:
        return NEVER
    return facts.st_mtime_ns, facts.st_size


def _stalled(run: RunDir) -> float | None:
    """Seconds since the worker last touched its lock, in steps, if that is too long."""
    try:
        since = time.time() - os.stat(run.lock).st_mtime
    except OSError:
        return None
    return since // STALLED * STALLED or None if since > STALLED else None
