"""What the screen is a picture of: the runs folder as it was last read, and what is shown of it.

Values that are never changed: the watcher makes a new `Lab`, a key makes a new `State`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from vitprune_core.store.brief import ALIVE, Brief
from vitprune_core.store.columns import History
from vitprune_core.store.events import Level, Pruned
from vitprune_core.store.lock import Holder
from vitprune_core.store.log import Entry
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.summary import Summary
from vitprune_tui.doing.device import Load

READING = "reading"
"""The state of a run of whose log more is to be read."""


@dataclass(frozen=True)
class Opened:
    """A run that is looked at: all that its log says."""

    run: RunDir
    summary: Summary
    history: History
    """Grows while it is read: `rows` of it are part of this picture."""
    rows: int
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
class Declared:
    """What a study's file declares, as far as a picture of the study needs it."""

    workload: str
    seeds: tuple[int, ...]
    looks: tuple[int, ...]
    """After so many seeds there are verdicts."""
    arms: Mapping[str, tuple[float, ...]]
    """Sparsities of each, rising."""


@dataclass(frozen=True)
class Cell:
    """An arm at a sparsity, over the seeds that are done."""

    seeds: int
    accuracy: float
    """Mean on the test images; a seed that diverged counts as chance."""
    diverged: int = 0


@dataclass(frozen=True)
class Results:
    """What a study's table says."""

    cells: Mapping[tuple[str, float], Cell]
    dense: float | None = None
    """Mean test accuracy of the dense models."""
    chance: float = 0.0


@dataclass(frozen=True)
class Study:
    """A study of the runs folder; its runs are among those of the `Lab`."""

    declared: Declared | None = None
    """None: not read yet, or it cannot be."""
    results: Results | None = None
    """Only of one that is looked at."""
    hands: tuple[Holder, ...] = ()
    """The processes that work on it."""
    sweeps: tuple[Holder, ...] = ()
    """Those that see to them."""
    problem: str | None = None
    """Why its file or its table cannot be read."""


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
    studies: Mapping[str, Study] = field(default_factory=dict)
    """By the name of the folder."""

    @cached_property
    def inside(self) -> Mapping[str, Mapping[str, Brief]]:
        """Study -> its runs, by their names in the folder."""
        found: dict[str, dict[str, Brief]] = {name: {} for name in self.studies}
        for name, brief in self.runs.items():
            if (study := study_of(name)) in found:
                found[study][name] = brief
        return found

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


def study_of(run: str) -> str:
    """The folder that a run lies in; nothing, where that is the runs folder itself."""
    folder, slash, _ = run.partition("/")
    return folder if slash else ""


@dataclass(frozen=True)
class State:
    lab: Lab
    shown: str | None = None
    """The run of Live and Masks."""
    study: str | None = None
    """The study that Live shows in place of the run."""
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
