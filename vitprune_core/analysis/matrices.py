"""Comparisons of what was recorded matrix by matrix: are they unlike, is there structure in masks?

Here too every seed gives one number. What a law needs beside it is said where it is used.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from vitprune_core.analysis import statistics
from vitprune_core.analysis.cells import Cells
from vitprune_core.analysis.contrasts import where
from vitprune_core.analysis.heads import emptied
from vitprune_core.analysis.tables import Where
from vitprune_core.analysis.verdicts import (
    Comparison,
    Law,
    Sample,
    Terms,
    judge,
    missing,
    superior,
)
from vitprune_core.spec.claims import Part
from vitprune_core.spec.config import level_name

ALONE = "alone"
KINDS = ("heads", "rows", "columns")
FAINTEST = 0.01
"""A smaller variance ratio counts as this one: its logarithm would outweigh all other matrices."""
Matrices = Mapping[str, Any]


def uneven(cells: Cells, part: Part, seeds: Sequence[int], on: Terms) -> list[Comparison]:
    """`uneven`: do matrices differ in what a global mask keeps of them, and in what each costs?

    By how much they differ is the spread between the matrices that are highest and lowest in the
    mean. The largest of 24 noisy numbers is large without any difference, so its interval is
    corrected for all pairs that might have been these. (Choosing them for each seed from the other
    seeds would leave numbers that depend on each other, which Student's t takes for independent.)
    For refuting it is each seed's own spread, which errs upwards.

    - Densities: supported where seeds rank matrices alike (Kendall's W), small if the spread is
      certainly below d; else refuted if it is certainly below d.
    - Costs alone: supported where seeds rank them alike and the spread is certainly above d;
      refuted if it is certainly below d.
    """
    assert isinstance(part.arm, str)
    assert isinstance(part.control, str)
    d = cells.smallest
    kept = f"{part.arm}: kept of the fullest matrix less of the emptiest, {where(part)}"
    cost = f"{part.control}: cost of the costliest matrix less of the cheapest, each pruned alone"
    levels = [level_name(s) for s in part.at]
    densities = _table(cells, part.arm, levels, seeds, lambda matrix, _: matrix.get("density"))
    drops = _table(cells, part.control, [ALONE], seeds, _drop(cells, part.control))
    return [
        _spread(part, kept, densities, superior(d), on, ranks_suffice=True),
        _spread(part, cost, drops, Law(d, d), on, ranks_suffice=False),
    ]


def _drop(cells: Cells, control: str) -> Callable[[Matrices, int], float | None]:
    """Dense accuracy minus that without most of the matrix."""
    dense = {
        row.seed: row.dense_test_accuracy
        for row in cells.tables.rows.values()
        if row.arm == control
    }

    def drop(matrix: Matrices, seed: int) -> float | None:
        accuracy, whole = matrix.get("accuracy"), dense.get(seed)
        return None if accuracy is None or whole is None else whole - float(accuracy)

    return drop


def _spread(
    part: Part, label: str, table: np.ndarray, law: Law, on: Terms, ranks_suffice: bool
) -> Comparison:
    """Of numbers (S, matrices)."""
    if table.size == 0 or table.shape[1] < 2:
        return missing(part, label, "it was not recorded")
    on = on.of(len(table))
    plain = np.ptp(table, axis=1)
    if len(table) < 2:
        return judge(part, label, Sample(plain), law, on)
    among = on.among(table.shape[1] * (table.shape[1] - 1))
    found = judge(part, label, Sample(_between_extremes(table), refuting=plain), law, among)
    w, p = statistics.concordance(table)
    corrected = on.corrected(p)
    alike = on.decides and corrected is not None and corrected < on.alpha
    seen = (
        f"Kendall's W is {w:.2f} (1: all {len(table)} seeds rank the {table.shape[1]} matrices "
        "alike)"
    )
    if not ranks_suffice:
        seen += f"; more than {100 * law.supports:g} points apart are asked for too"
    told = f"{seen}; {found.note}" if found.note else seen
    if ranks_suffice and alike:
        small = found.interval is not None and found.interval[1] < law.refutes
        return replace(
            found, verdict="supported", p=corrected, small=small, seeds_needed=None, note=seen
        )
    if found.verdict == "supported" and not alike:
        return replace(found, verdict="inconclusive", p=corrected, small=False, note=told)
    if found.verdict == "supported":
        return replace(found, p=max(found.p or 0.0, corrected or 0.0), note=seen)
    return replace(found, note=told)


def _between_extremes(table: np.ndarray) -> np.ndarray:
    """Of each seed the difference of the two matrices whose means are furthest apart, (S,)."""
    means = table.mean(axis=0)
    return np.asarray(table[:, means.argmax()] - table[:, means.argmin()])


def _table(
    cells: Cells,
    arm: str,
    levels: Sequence[str],
    seeds: Sequence[int],
    of: Callable[[Matrices, int], float | None],
) -> np.ndarray:
    """A number a matrix, mean over levels, (S, matrices), of seeds that have them all."""
    rows: list[list[float]] = []
    first: list[str] = []
    for seed in seeds:
        seen = [cells.tables.structure.get(Where(arm, seed, level)) or {} for level in levels]
        found = [{name: of(matrix, seed) for name, matrix in level.items()} for level in seen]
        known = [{name: v for name, v in level.items() if v is not None} for level in found]
        names = sorted(set.intersection(*map(set, known)))
        row = [float(np.mean([level[name] for level in known])) for name in names]
        if row and names != (first := first or names):
            what = "not the same matrices are known as of other seeds"
            raise ValueError(f"structure.json: {arm}/s{seed}: {what}")
        if row:
            rows.append(row)
    return np.array(rows)


def structured(cells: Cells, part: Part, seeds: Sequence[int], on: Terms) -> list[Comparison]:
    """`structured`: do densities of heads, rows and columns vary more than in shuffled masks?

    The number of a seed is the mean over matrices of the logarithm of observed over shuffled
    variance. Without structure it is slightly negative (the ratio's mean is 1), so what supports is
    on the safe side; what refutes is the logarithm of the mean ratio, below 1 + d.
    """
    assert isinstance(part.arm, str)
    found = [
        [_said(cells, Where(part.arm, seed, level_name(s))) for s in part.at] for seed in seeds
    ]
    by_seed = [[matrix for level in levels for matrix in level] for levels in found]
    spreads = [_varies(cells, part, kind, by_seed, on) for kind in KINDS]
    return [*spreads, emptied(cells, part, seeds, on)]


def _said(cells: Cells, at: Where) -> list[Matrices]:
    matrices = cells.tables.structure.get(at) or {}
    return [matrix["structure"] for matrix in matrices.values() if matrix.get("structure")]


def _varies(
    cells: Cells, part: Part, kind: str, by_seed: Iterable[Sequence[Matrices]], on: Terms
) -> Comparison:
    label = f"{part.arm}: log variance ratio of {kind}' densities to shuffled masks, {where(part)}"
    ratios = [
        np.array(
            [
                found["ratio"]
                for s in said
                if (found := s.get(kind)) and found.get("ratio") is not None
            ]
        )
        for said in by_seed
    ]
    known = [np.maximum(of, FAINTEST) for of in ratios if len(of)]
    if not known:
        return missing(part, label, f"structure of {kind} was not recorded")
    logs = np.array([np.log(of).mean() for of in known])
    of_means = np.array([np.log(of.mean()) for of in known])
    law = Law(0.0, float(np.log1p(cells.smallest)))
    found = judge(part, label, Sample(logs, refuting=of_means), law, on)
    notes = filter(None, [found.note, _initial(kind, by_seed)])
    return replace(found, note="; ".join(notes))


def _initial(kind: str, by_seed: Iterable[Sequence[Matrices]]) -> str:
    """What was there before training has not emerged."""
    ratios = [(s.get("initial") or {}).get(kind) for said in by_seed for s in said]
    known = [math.log(max(ratio, FAINTEST)) for ratio in ratios if ratio is not None]
    return f"of untrained weights it is {math.exp(np.mean(known)):.2f} times" if known else ""
