"""Which way a finding points that is not decided yet, and what would decide it."""

from collections.abc import Iterable

from vitprune_core.analysis.units import mark
from vitprune_core.analysis.verdicts import Comparison
from vitprune_core.spec.studyfile import Thresholds


def towards(comparison: Comparison, thresholds: Thresholds) -> float:
    """How far the mean lies on the side that would support it, in halves of its interval."""
    where, side = mark(comparison.part, thresholds)
    distance = side * ((comparison.effect or 0.0) - where)
    low, high = comparison.interval or (0.0, 0.0)
    return 2 * distance / (high - low) if high > low else distance


def needed(comparisons: Iterable[Comparison], thresholds: Thresholds) -> int | None:
    """How many seeds would settle a finding with these open comparisons, if all stays as it is.

    One that fails settles it; without any, all have to be settled. None where nobody can tell.
    """
    open_ = [c for c in comparisons if c.verdict == "inconclusive"]
    known = [c for c in open_ if c.effect is not None]
    failing = [c.seeds_needed for c in known if towards(c, thresholds) <= 0 and c.seeds_needed]
    if failing:
        return min(failing)
    seeds = [c.seeds_needed for c in open_]
    return None if None in seeds else max((n for n in seeds if n is not None), default=None)
