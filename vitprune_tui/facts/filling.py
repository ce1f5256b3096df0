"""How far a study is: of its runs how many are done, what each arm came to, how long it may take.

arms x sparsities, a cell filling up seed by seed
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from vitprune_core.store.brief import ALIVE, Brief
from vitprune_tui.state import Cell, Study

BAD = ("failed", "lost", "unreadable")


@dataclass(frozen=True)
class Counts:
    planned: int
    """Arms x seeds; while that is not known the runs that there are."""
    done: int = 0
    working: int = 0
    bad: int = 0
    """Failed or lost; what was stopped is gone on with."""

    @property
    def is_over(self) -> bool:
        return self.done == self.planned > 0


@dataclass(frozen=True)
class Folded:
    """A study as one row among runs."""

    counts: Counts
    is_open: bool = False
    """Its runs are rows below it."""


def counts(study: Study, runs: Iterable[Brief]) -> Counts:
    states = [brief.state for brief in runs]
    planned = len(study.declared.arms) * len(study.declared.seeds) if study.declared else 0
    return Counts(
        planned=max(planned, len(states)),
        done=states.count("done"),
        working=sum(state in ALIVE for state in states),
        bad=sum(state in BAD for state in states),
    )


def whole(study: Study, runs: Mapping[str, Brief]) -> Brief:
    """A study as a row among runs, so that it is sorted like one."""
    briefs, now = list(runs.values()), counts(study, runs.values())
    started = [b.started for b in briefs if b.started is not None]
    updated = [b.updated for b in briefs if b.updated is not None]
    return Brief(
        state=_state(study, now),
        preset="study",
        workload=study.declared.workload if study.declared else "",
        seed=None,
        epochs_done=0,
        epochs_planned=0,
        dense=None,
        levels=sum(b.levels for b in briefs),
        sparsity=None,
        accuracy=None,
        started=min(started, default=None),
        updated=max(updated, default=None),
        damaged=sum(b.damaged for b in briefs),
        unknown=sum(b.unknown for b in briefs),
    )


def _state(study: Study, now: Counts) -> str:
    if now.working:
        return "running"
    if now.is_over:
        return "done"
    if study.hands or study.sweeps:
        return "starting"
    return "failed" if now.bad else "stopped" if study.declared and now.done else "queued"


@dataclass(frozen=True)
class Arm:
    """A row of the picture."""

    name: str
    sparsities: tuple[float, ...]
    cells: Mapping[float, Cell]
    done: int
    """Seeds."""
    bad: int = 0
    stopped: int = 0
    at: tuple[float | None, ...] = ()
    """Of its runs at work: the sparsity that each works for; None: the dense model."""


@dataclass(frozen=True)
class Filling:
    name: str
    counts: Counts
    sparsities: tuple[float, ...]
    """Of all arms, rising: the columns."""
    arms: tuple[Arm, ...] = ()
    seeds: tuple[int, ...] = ()
    looks: tuple[int, ...] = ()
    workload: str = ""
    dense: float | None = None
    chance: float = 0.0
    hands: tuple[str, ...] = ()
    """Hosts of the processes that work, one each."""
    left: float | None = None
    """Seconds; None: not known, or nobody works."""
    until: float | None = None
    """When that was so: a study is told anew when a run of it says something."""
    problem: str | None = None
    ended: Mapping[str, int] = field(default_factory=dict)
    """State -> runs that ended in it and are not done."""


def filling(name: str, study: Study, runs: Mapping[str, Brief]) -> Filling:
    """The picture of a study, from its file, its table and what is known of its runs."""
    of_arm: dict[str, list[Brief]] = {}
    for brief in runs.values():
        of_arm.setdefault(brief.preset, []).append(brief)
    results, declared = study.results, study.declared
    cells = results.cells if results else {}
    known = dict(declared.arms) if declared else _seen(of_arm, cells)
    arms = tuple(_arm(arm, known[arm], of_arm.get(arm, []), cells) for arm in known)
    seeds = declared.seeds if declared else tuple(sorted({b.seed for b in runs.values() if b.seed}))
    states = [brief.state for brief in runs.values()]
    # Runs that are done may go: what they came to is in the table.
    return Filling(
        name=name,
        counts=replace(counts(study, runs.values()), done=sum(arm.done for arm in arms)),
        sparsities=tuple(sorted({s for arm in arms for s in arm.sparsities})),
        arms=arms,
        seeds=seeds,
        looks=declared.looks if declared else (),
        workload=declared.workload if declared else "",
        dense=results.dense if results else None,
        chance=results.chance if results else 0.0,
        hands=tuple(hand.host for hand in study.hands),
        left=left({arm: of_arm.get(arm, []) for arm in known}, len(seeds), len(study.hands)),
        until=max((b.updated for b in runs.values() if b.updated is not None), default=None),
        problem=study.problem,
        ended={state: states.count(state) for state in (*BAD, "stopped") if state in states},
    )


def _seen(
    of_arm: Mapping[str, list[Brief]], cells: Mapping[tuple[str, float], Cell]
) -> dict[str, tuple[float, ...]]:
    """The arms of a study whose file cannot be read."""
    return {
        arm: tuple(sorted(s for known, s in cells if known == arm))
        for arm in sorted({*of_arm, *(arm for arm, _ in cells)})
    }


def _arm(
    name: str,
    sparsities: tuple[float, ...],
    runs: list[Brief],
    cells: Mapping[tuple[str, float], Cell],
) -> Arm:
    mine = {s: cells[name, s] for s in sparsities if (name, s) in cells}
    tabled = max((cell.seeds for cell in mine.values()), default=0)
    return Arm(
        name=name,
        sparsities=sparsities,
        cells=mine,
        done=max(sum(b.state == "done" for b in runs), tabled),
        bad=sum(b.state in BAD for b in runs),
        stopped=sum(b.state == "stopped" for b in runs),
        at=tuple(_works_at(b, sparsities) for b in runs if b.state in ALIVE),
    )


def _works_at(run: Brief, sparsities: tuple[float, ...]) -> float | None:
    """The next of its levels, once it has its dense model."""
    if run.dense is None:
        return None
    return sparsities[min(run.levels, len(sparsities) - 1)] if sparsities else None


def left(arms: Mapping[str, list[Brief]], seeds: int, hands: int) -> float | None:
    """Seconds until all is done, by what a run of each arm took, shared among the hands.

    An arm of which none is done yet is taken to last as long as the others.
    """
    took = {arm: [t for b in runs if (t := _took(b)) is not None] for arm, runs in arms.items()}
    every = [seconds for some in took.values() for seconds in some]
    if not every or not hands:
        return None
    usual, seconds = sum(every) / len(every), 0.0
    for arm, runs in arms.items():
        mean = sum(took[arm]) / len(took[arm]) if took[arm] else usual
        over = sum(b.state == "done" or b.state in BAD for b in runs)
        begun = sum(_share(b) for b in runs if b.state in ALIVE)
        seconds += mean * max(seeds - over - begun, 0)
    return seconds / hands


def _took(run: Brief) -> float | None:
    known = run.state == "done" and run.started is not None and run.updated is not None
    return max(run.updated - run.started, 0) if known else None  # type: ignore[operator]


def _share(run: Brief) -> float:
    return min(run.epochs_done / run.epochs_planned, 1) if run.epochs_planned else 0
