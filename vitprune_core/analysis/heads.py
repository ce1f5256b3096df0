"""Are more whole heads emptied than shuffled masks of the same matrices would empty?"""

from collections.abc import Iterable, Sequence
from functools import lru_cache, reduce
from typing import NamedTuple

import numpy as np

from vitprune_core.analysis import statistics
from vitprune_core.analysis.cells import Cells
from vitprune_core.analysis.contrasts import where
from vitprune_core.analysis.structure_shuffles import Shuffled
from vitprune_core.analysis.tables import Where
from vitprune_core.analysis.verdicts import WORDS, Comparison, Terms, missing
from vitprune_core.spec.claims import Part
from vitprune_core.spec.config import level_name
from vitprune_core.spec.shape import matrices

NEVER = 1e-30
"""A smaller chance is told as this one: exact ones of many weights take seconds each."""


class Heads(NamedTuple):
    """Of one matrix in one mask."""

    emptied: int
    shuffled: Shuffled


def emptied(cells: Cells, part: Part, seeds: Sequence[int], on: Terms) -> Comparison:
    """Supported where so many heads, of all matrices and seeds, are unlikely in shuffled masks.

    It is called small, or without such a p refuted, where certainly less than half of all seeds
    lose any head; p is then that of half of them doing so.
    """
    assert isinstance(part.arm, str)
    label = f"{part.arm}: more whole heads emptied than in shuffled masks, {where(part)}"
    found = [list(_heads(cells, part.arm, seed, part.at)) for seed in seeds]
    known = [heads for heads in found if heads]
    if not known:
        return missing(part, label, "emptied heads were not recorded")
    counts = tuple(float(sum(head.emptied for head in heads)) for heads in known)
    chances = by_chance([head.shuffled for heads in known for head in heads])
    p = min(max(float(chances[int(sum(counts)) :].sum()), NEVER), 1.0)
    hit, of = sum(count > 0 for count in counts), len(counts)
    on = on.of(of)
    rare = statistics.share_interval(hit, of, on.level)[1] < 0.5
    corrected = on.corrected(p)
    beyond = corrected is not None and corrected < on.alpha
    outcome = (1 if beyond else -1 if rare else 0) if on.decides else 0
    if outcome < 0:
        corrected = on.corrected(statistics.rarer_than_half(hit, of))
    expected = float(chances @ np.arange(len(chances))) / of
    masks = len(part.at)
    parts = sum(head.shuffled.groups for head in known[0]) // masks
    seen = (
        f"{np.mean(counts) / masks:.1f} of {parts} parts of heads a mask, "
        f"{expected / masks:.1f} by chance, any in {hit} of {of} seeds"
    )
    return Comparison(
        part,
        label,
        WORDS[outcome],
        p=corrected,
        seeds=of,
        per_seed=counts,
        small=outcome > 0 and rare,
        note=f"{seen}; {on.why}" if on.why else seen,
    )


def by_chance(shuffled: Iterable[Shuffled]) -> np.ndarray:
    """How likely 0, 1, 2, … groups of all these together are empty, exact: each is shuffled alone.

    Discrete p of matrices, most of them 1, cannot be combined without drowning the few that count.
    """
    return reduce(np.convolve, map(_alone, shuffled), np.ones(1))


@lru_cache(maxsize=4096)
def _alone(shuffled: Shuffled) -> np.ndarray:
    if shuffled.groups * (1 - 1 / shuffled.groups) ** shuffled.kept < NEVER:  # a bound of any
        return np.ones(1)
    tails = [shuffled.dead(at_least) for at_least in range(shuffled.groups + 1)]
    return -np.diff([*tails, 0.0])


def _heads(cells: Cells, arm: str, seed: int, levels: Iterable[float]) -> Iterable[Heads]:
    """Of matrices whose structure was recorded."""
    model = cells.study.arms[arm].model
    shapes = matrices(model)
    for level in levels:
        recorded = cells.tables.structure.get(Where(arm, seed, level_name(level))) or {}
        for name, matrix in recorded.items():
            dead = (matrix.get("structure") or {}).get("dead_heads")
            if dead and name in shapes:
                rows, columns = shapes[name]
                size = rows * columns // model.heads
                kept = round(matrix["density"] * rows * columns)
                yield Heads(dead["count"], Shuffled(model.heads, size, kept))
