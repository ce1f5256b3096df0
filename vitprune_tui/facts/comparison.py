"""Runs one over the other: their levels or epochs as points, alone or as means over seeds.

A diverged level counts as chance and never disappears. Differences are paired: of runs with the
same seed, or where no seed is shared of each with each, at sparsities that both were asked for.
"""

import json
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from vitprune_core.spec.datasets import DATASETS
from vitprune_core.store.columns import History
from vitprune_core.store.summary import Summary
from vitprune_tui.draw.live.phases import starts
from vitprune_tui.draw.text import percent

AXES = ("sparsity", "epoch", "compression", "speedup")
OF_LEVELS = ("accuracy", "before", "difference")
OF_EPOCHS = ("validation", "loss", "lr")
AXIS_WORDS = {
    "sparsity": "the share removed",
    "compression": "compression of all parameters",
    "speedup": "theoretical speed-up",
    "epoch": "the epochs of all phases",
}
MEASURE_WORDS = {
    "accuracy": "test accuracy",
    "before": "test accuracy before retraining",
    "difference": "points of test accuracy against",
    "validation": "validation accuracy",
    "loss": "training loss",
    "lr": "learning rate",
}


@dataclass(frozen=True)
class Subject:
    """A run to compare."""

    name: str
    summary: Summary
    history: History
    rows: int
    """How many of the history are meant."""


@dataclass(frozen=True)
class Measured:
    """A run at one level."""

    compression: float | None
    """Null where it diverged, like `speedup`."""
    speedup: float | None
    accuracy: float
    before: float


Along = dict[float, tuple[float | None, float]]
"""Sparsity asked for -> place on the axis and value."""


@dataclass(frozen=True)
class Points:
    """One curve; `low` and `high` are the lowest and the highest seed at each place."""

    name: str
    runs: tuple[str, ...]
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] | None = None
    high: tuple[float, ...] | None = None
    note: str = ""
    """What must be known to read it."""
    cuts: tuple[int, ...] = ()
    """Over epochs: the points at which stages begin, and the number of all."""


def measures_of(axis: str) -> tuple[str, ...]:
    return OF_EPOCHS if axis == "epoch" else OF_LEVELS


def measured(s: Summary) -> dict[float, Measured]:
    """Sparsity asked for -> the level; one that diverged is at chance."""
    found = {
        r.level.sparsity_asked: Measured(
            r.level.compression,
            r.level.speedup,
            r.level.test.accuracy,
            r.level.test_before.accuracy,
        )
        for r in s.levels
    }
    if s.diverged and s.diverged.level is not None:
        found[s.diverged.level] = Measured(None, None, chance(s), chance(s))
    return found


def chance(s: Summary) -> float:
    """Accuracy of guessing."""
    facts = DATASETS.get(str(s.section("data").get("name")))
    return 1 / facts.classes if facts else 0.0


def grouped(subjects: Sequence[Subject], seeds: bool) -> list[tuple[Subject, ...]]:
    """Each run alone; with `seeds`, those together whose configs differ in the seed only."""
    if not seeds:
        return [(subject,) for subject in subjects]
    groups: dict[str, list[Subject]] = {}
    for subject in subjects:
        groups.setdefault(_but_seed(subject.summary), []).append(subject)
    return [tuple(group) for group in groups.values()]


def _but_seed(s: Summary) -> str:
    """The config without the seed and the fold that follows from it."""
    config: dict[str, Any] = {k: v for k, v in s.config.items() if k not in ("seed", "checkpoint")}
    config["data"] = {k: v for k, v in s.section("data").items() if k != "fold"}
    return json.dumps([s.preset, config], sort_keys=True, default=str)


def points(group: Sequence[Subject], axis: str, measure: str) -> Points:
    """A group's curve; epochs of several seeds are those that all of them have."""
    if axis == "epoch":
        return _over_epochs(group, measure)
    return _curve(group, [along(s.summary, axis, measure) for s in group])


def differences(group: Sequence[Subject], base: Sequence[Subject], axis: str) -> Points:
    """Test accuracy minus the baseline's, in points, run by run."""
    pairs, note = _pairs(group, base)
    return _curve(group, [_apart(a, b, axis) for a, b in pairs], note)


def _pairs(
    group: Sequence[Subject], base: Sequence[Subject]
) -> tuple[list[tuple[Subject, Subject]], str]:
    """Of the same seed; where no seed is shared, each with each."""
    of_seed = {b.summary.brief.seed: b for b in base}
    pairs = [(a, of_seed[seed]) for a in group if (seed := a.summary.brief.seed) in of_seed]
    if pairs:
        return pairs, "" if len(pairs) == len(
            group
        ) else f"{len(pairs)} of {len(group)} seeds paired"
    return [(a, b) for a in group for b in base], "no seed shared"


def along(s: Summary, axis: str, measure: str) -> Along:
    """Of one run, every level."""
    return {
        sparsity: (_place(sparsity, level, axis), getattr(level, measure))
        for sparsity, level in sorted(measured(s).items())
    }


def _apart(a: Subject, b: Subject, axis: str) -> Along:
    theirs = measured(b.summary)
    return {
        sparsity: (
            _place(sparsity, level, axis),
            100 * (level.accuracy - theirs[sparsity].accuracy),
        )
        for sparsity, level in measured(a.summary).items()
        if sparsity in theirs
    }


def _place(sparsity: float, level: Measured, axis: str) -> float | None:
    return sparsity if axis == "sparsity" else getattr(level, axis)


def _curve(group: Sequence[Subject], runs: Sequence[Along], note: str = "") -> Points:
    """Means over runs at each sparsity that any of them has a place for."""
    rows = []
    for sparsity in sorted({s for run in runs for s in run}):
        here = [run[sparsity] for run in runs if sparsity in run]
        places, values = [p for p, _ in here if p is not None], [value for _, value in here]
        if places:
            rows.append((fmean(places), fmean(values), min(values), max(values)))
    rows.sort()
    x, y, low, high = (tuple(row[i] for row in rows) for i in range(4))
    band = len(runs) > 1
    return Points(
        name=name_of(group),
        runs=tuple(s.name for s in group),
        x=x,
        y=y,
        low=low if band else None,
        high=high if band else None,
        note=note,
    )


def _over_epochs(group: Sequence[Subject], measure: str) -> Points:
    places, cuts = _places(group)
    columns = [_column(s, measure, places) for s in group]
    runs = tuple(s.name for s in group)
    x = tuple(map(float, places))
    if len(columns) == 1:
        return Points(name_of(group), runs, x, tuple(columns[0]), cuts=cuts)
    rows = list(zip(*columns, strict=True))
    return Points(
        name=name_of(group),
        runs=runs,
        x=x,
        y=tuple(map(fmean, rows)),
        low=tuple(map(min, rows)),
        high=tuple(map(max, rows)),
        cuts=cuts,
    )


COLUMNS: dict[str, Callable[[History], Sequence[float]]] = {
    "validation": lambda history: history.accuracy,
    "loss": lambda history: history.loss,
    "lr": lambda history: history.lr,
}


def _places(group: Sequence[Subject]) -> tuple[Sequence[int], tuple[int, ...]]:
    """Epochs that all of them have, as the most detailed tells them, and where stages begin."""
    last = min((s.history.done[s.rows - 1] if s.rows else 0) for s in group)
    counts = [bisect_right(s.history.done, last, 0, s.rows) for s in group]
    rows, history = max(counts), group[counts.index(max(counts))].history
    return history.done[:rows], (*starts(history, rows), rows)


def _column(subject: Subject, measure: str, places: Sequence[int]) -> Sequence[float]:
    """A value for each place: of a thinned history where it must be the one before."""
    column, done = COLUMNS[measure](subject.history), subject.history.done
    if done[: len(places)] == places:
        return column[: len(places)]
    return [column[max(bisect_right(done, place, 0, subject.rows) - 1, 0)] for place in places]


def name_of(group: Sequence[Subject]) -> str:
    """A run's own name, or what several have in common."""
    if len(group) == 1:
        return group[0].name
    s = group[0].summary
    return f"{s.preset} on {s.config.get('workload')}, {len(group)} seeds"


def dense(summaries: Sequence[Summary]) -> tuple[float, str] | None:
    """Mean test accuracy of the dense models, and what it is called."""
    found = {s.dense.hash: s.dense.test.accuracy for s in summaries if s.dense}
    if not found:
        return None
    mean = fmean(found.values())
    which = "dense" if len(found) == 1 else f"dense, mean of {len(found)}"
    return mean, f"{which} {percent(mean)}"


def layers_of(s: Summary) -> str:
    """Which matrices took part."""
    return str(s.section("prune").get("layers", "all"))
