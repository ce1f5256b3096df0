"""What the seeds of an arm say at a level: mean, spread, how many. Tables and curves show it.

A seed whose training diverged counts as chance and never disappears; how many did is said beside.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from vitprune_core.analysis.tables import Cost, Row

T = TypeVar("T")


@dataclass(frozen=True)
class Spread:
    """Of numbers, one a seed."""

    mean: float
    sd: float | None
    """Of a sample (n - 1); None of a single one."""
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class LevelSummary:
    """An arm at one of its sparsities."""

    arm: str
    asked: float
    accuracy: Spread
    """Test accuracy, a share."""
    before: Spread | None
    """The same before retraining."""
    loss: Spread
    """Nats."""
    means: Mapping[str, float | None]
    """Mean of each of `MEASURED`; None where no seed has it."""
    diverged: int
    """Seeds that count as chance."""


MEASURED = (
    "sparsity",
    "sparsity_prunable",
    "effective_sparsity",
    "nonzero_parameters",
    "compression",
    "speedup",
    "removable",
    "epochs",
)


def spread(values: Sequence[float]) -> Spread:
    """Of at least one value."""
    numbers = np.array(values, dtype=float)
    sd = float(numbers.std(ddof=1)) if len(numbers) > 1 else None
    low, high = float(numbers.min()), float(numbers.max())
    return Spread(float(numbers.mean()), sd, low, high, len(numbers))


def levels(rows: Iterable[Row]) -> list[LevelSummary]:
    """A summary for every arm and sparsity, in the order of the arms, sparsities rising."""
    found: dict[str, dict[float, list[Row]]] = {}
    for row in rows:
        found.setdefault(row.arm, {}).setdefault(row.sparsity_asked, []).append(row)
    return [
        _level(arm, asked, by_level[asked])
        for arm, by_level in found.items()
        for asked in sorted(by_level)
    ]


def _level(arm: str, asked: float, rows: Sequence[Row]) -> LevelSummary:
    before = [r.test_accuracy_before for r in rows if r.test_accuracy_before is not None]
    return LevelSummary(
        arm,
        asked,
        spread([r.accuracy for r in rows]),
        spread(before) if before else None,
        spread([r.loss for r in rows]),
        {name: _mean(getattr(r, name) for r in rows) for name in MEASURED},
        sum(r.diverged for r in rows),
    )


def _mean(values: Iterable[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return sum(known) / len(known) if known else None


def dense(rows: Iterable[Row]) -> Spread | None:
    """Test accuracy of the dense models, one a seed however many arms share it."""
    by_seed = {row.seed: row.dense_test_accuracy for row in rows}
    return spread(list(by_seed.values())) if by_seed else None


@dataclass(frozen=True)
class ArmCost:
    """What the runs of an arm took, all seeds together."""

    arm: str
    runs: int
    epochs: int
    seconds: float
    """Of training; waiting and pauses are not in it."""
    again: int
    """Runs that needed more than one attempt."""
    inexact: int
    """Runs that went on in another environment than they were begun in."""


def costs(found: Iterable[Cost]) -> list[ArmCost]:
    """In the order of the arms."""
    by_arm: dict[str, list[Cost]] = {}
    for cost in found:
        by_arm.setdefault(cost.arm, []).append(cost)
    return [
        ArmCost(
            arm,
            len(runs),
            sum(c.epochs_here for c in runs),
            sum(c.seconds_here for c in runs),
            sum(c.attempts > 1 for c in runs),
            sum(not c.exact for c in runs),
        )
        for arm, runs in by_arm.items()
    ]


def environments(found: Iterable[Cost]) -> list[tuple[tuple[object, ...], int]]:
    """Each different (host, device, threads, python, torch, vitprune), and its runs."""
    keys = ("host", "device", "threads", "python", "torch", "vitprune")
    seen: dict[tuple[object, ...], int] = {}
    for cost in found:
        place = tuple(getattr(cost, key) for key in keys)
        seen[place] = seen.get(place, 0) + 1
    return sorted(seen.items(), key=lambda item: tuple(map(str, item[0])))


def in_order(of: Mapping[str, object], values: Iterable[T], arm: Callable[[T], str]) -> list[T]:
    """Values by the order in which a study declares its arms; unknown ones last."""
    place = {name: i for i, name in enumerate(of)}
    return sorted(values, key=lambda value: (place.get(arm(value), len(place)), arm(value)))
