"""What the screen is a picture of: the runs folder as it was last read, and what is shown of it.

Values that are never changed: the watcher makes a new `Lab`, a key makes a new `State`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vitprune_core.store.events import Level, Pruned
from vitprune_core.store.history import History
from vitprune_core.store.lock import Holder
from vitprune_core.store.log import Entry
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.summary import ALIVE, Brief, Summary
from vitprune_tui.doing.device import Load


@dataclass(frozen=True)
class Opened:
    """A run that is looked at: all that its log says."""

    run: RunDir
    summary: Summary
    history: History
    """Grows while it is read: `epochs` of it are part of this picture."""
    epochs: int
    tested: tuple[Pruned | Level, ...]
    """In order: accuracy before and after every retraining."""
    latest: tuple[Entry, ...]
    """Of the log, without epochs and checkpoints."""
    levels: tuple[str, ...]
    """Names of those whose masks were saved, rising."""
    holder: Holder | None
    """Who works on it."""
    stalled: float | None = None
    """Seconds since its worker last showed that it lives, if that is too long."""


@dataclass(frozen=True)
class Lab:
    """The runs folder."""

    folder: Path
    runs: Mapping[str, Brief] = field(default_factory=dict)
    """By name; `<study>/<id>` inside a study."""
    opened: Mapping[str, Opened] = field(default_factory=dict)
    asked: Mapping[str, str] = field(default_factory=dict)
    """Run -> what was asked of it and not acknowledged yet."""
    order: tuple[str, ...] = ()
    """Of the queue."""
    dispatcher: bool = False
    load: Load | None = None
    """Of the machine and of the shown run's worker."""
    problem: str | None = None
    """Why the folder cannot be read."""
    read: bool = False
    """It has been looked at."""
    foreign: int = 0
    """Folders that are no runs."""
    unreadable: Mapping[str, str] = field(default_factory=dict)
    """Run -> why its log cannot be read."""

    @property
    def alive(self) -> list[str]:
        return [name for name, brief in self.runs.items() if brief.state in ALIVE]

    @property
    def by_start(self) -> list[str]:
        """In the order in which they were started."""
        return sorted(self.runs, key=self._begun)

    @property
    def newest(self) -> str | None:
        """Of those alive, else of all; of two of one moment the one whose name comes later."""
        return max(self.alive or self.runs, key=self._begun, default=None)

    def _begun(self, name: str) -> tuple[float, str]:
        return self.runs[name].started or 0, name


@dataclass(frozen=True)
class State:
    lab: Lab
    shown: str | None = None
    """The run of Live and Masks."""
    marked: tuple[str, ...] = ()
    """Runs of Curves, in the order in which they were marked."""
    baseline: str | None = None
    """The run that others are compared with."""

    @property
    def run(self) -> Opened | None:
        """The shown run, once it has been read."""
        return self.lab.opened.get(self.shown or "")

    @property
    def wanted(self) -> frozenset[str]:
        """Runs that must be read in full."""
        names = (self.shown, self.baseline, *self.marked)
        return frozenset(name for name in names if name and name in self.lab.runs)
