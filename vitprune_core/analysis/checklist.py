"""What Blalock et al. 2020 (arXiv:2003.03033) ask of a report of pruning results, held against what
is in this one: what is missing is said, not left out."""

from collections.abc import Sequence
from typing import NamedTuple

from vitprune_core.analysis.gather import Gathered

PAIRS, POINTS, FEW_SEEDS = 3, 5, 3
TOLD = 6
"""Arms that are named."""
TOYS = ("digits", "fashion", "synthetic")
"""Data sets that the paper would not count, being as easy as MNIST or no images at all."""


class Item(NamedTuple):
    asked: str
    met: str
    """`yes`, `partly` or `no`."""
    why: str
    """What is there, and what is missing."""


def checklist(gathered: Sequence[Gathered]) -> list[Item]:
    return [
        _pairs(gathered),
        _points(gathered),
        _both_measures(gathered),
        _baselines(gathered),
        _spread(gathered),
        _controls(gathered),
    ]


def _pairs(gathered: Sequence[Gathered]) -> Item:
    pairs = sorted({g.study.workload for g in gathered if g.rows})
    toys = [g.study.workload for g in gathered if g.config.data.name in TOYS]
    why = f"{len(pairs)}: {', '.join(pairs)}" if pairs else "none"
    if len(pairs) < PAIRS:
        why += f"; {PAIRS - len(pairs)} more needed"
    if toys:
        why += f"; {', '.join(sorted(set(toys)))}: a small data set that the paper would not count"
    met = (
        "yes" if len(pairs) - len(set(toys)) >= PAIRS else "partly" if len(pairs) >= PAIRS else "no"
    )
    return Item(f"at least {PAIRS} pairs of data set and model", met, why)


def _points(gathered: Sequence[Gathered]) -> Item:
    numbers = {
        f"{arm} ({g.study.workload})" if len(gathered) > 1 else arm: _operating_points(g, arm)
        for g in gathered
        for arm in g.levels
    }
    curves = {arm: n for arm, n in numbers.items() if n > 0}
    enough = [arm for arm, n in curves.items() if n >= POINTS]
    few = [f"{arm} {n}" for arm, n in curves.items() if n < POINTS]
    why = f"{len(enough)} of {len(curves)} arms have {POINTS} or more"
    more = f" and {len(few) - TOLD} more" if len(few) > TOLD else ""
    why += f"; fewer: {', '.join(few[:TOLD])}{more}" if few else ""
    met = "no" if not enough else "partly" if few else "yes"
    return Item(f"at least {POINTS} operating points of a curve", met, why)


def _operating_points(g: Gathered, arm: str) -> int:
    return sum(level.asked > 0 for level in g.levels[arm])


def _both_measures(gathered: Sequence[Gathered]) -> Item:
    levels = [level for g in gathered for of in g.levels.values() for level in of]
    known = [x for x in levels if x.means["compression"] and x.means["speedup"]]
    met = "no" if not known else "yes" if len(known) == len(levels) else "partly"
    why = (
        f"both in levels.csv for {len(known)} of {len(levels)} levels; the speed-up is theoretical"
    )
    return Item("compression and theoretical speed-up", met, f"{why}, in multiply-adds")


def _baselines(gathered: Sequence[Gathered]) -> Item:
    seen = {r.distribution for g in gathered for r in g.rows if r.sparsity_asked > 0}
    by_magnitude = any(
        (p := g.study.arms[arm].prune) and p.criterion == "magnitude" and p.distribution != "random"
        for g in gathered
        for arm in g.levels
    )
    there = {"random": "random" in seen, "magnitude": by_magnitude}
    missing = [name for name, is_there in there.items() if not is_there]
    met = "yes" if not missing else "no" if len(missing) == len(there) else "partly"
    why = f"missing: {', '.join(missing)}" if missing else "both are arms"
    return Item("random and magnitude pruning as baselines", met, why)


def _spread(gathered: Sequence[Gathered]) -> Item:
    seeds = {g.study.folder: len(g.seeds) for g in gathered}
    fewest = min(seeds.values(), default=0)
    told = ", ".join(f"{name} {n}" for name, n in seeds.items())
    why = f"seeds: {told}; mean, sample standard deviation and number in every table"
    if fewest < 2:
        why = f"seeds: {told}; one seed has no spread"
    met = "yes" if fewest >= FEW_SEEDS else "partly" if fewest > 1 else "no"
    return Item("mean and spread over seeds", met, why)


def _controls(gathered: Sequence[Gathered]) -> Item:
    there = [g for g in gathered if any(r.sparsity_asked == 0 for r in g.rows)]
    met = "yes" if gathered and len(there) == len(gathered) else "partly" if there else "no"
    why = "dense accuracy, and the dense model retrained without pruning"
    return Item("a control beside every result", met, why if there else "only dense accuracy")
