"""Which units go: the lowest scores of a pool, counted exactly.

A *pool* is the units that compete: all of them (global), those of one group (layerwise), or every m
neighbours in a row (n:m). Of equal scores the earlier unit stays, in the order of the pool.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from vitprune_core.engine.pruning.units import Group
from vitprune_core.engine.seeds import generator

SAMPLE = 1 << 16
"""Scores that are sorted to find out where the threshold lies."""


class Units(NamedTuple):
    """The units of one group: what they score, and which are still there."""

    group: Group
    scores: Tensor
    """Shape (units,)."""
    alive: Tensor | None
    """Booleans, shape (units,); None: nothing is gone yet."""

    @property
    def still(self) -> Tensor:
        """Which are there, shape (units,)."""
        return torch.ones_like(self.scores, dtype=torch.bool) if self.alive is None else self.alive

    @property
    def left(self) -> int:
        """How many."""
        return len(self.scores) if self.alive is None else int(self.alive.count_nonzero())

    def of_these(self, chosen: Tensor) -> Tensor:
        """Those of `chosen` that are there."""
        return chosen if self.alive is None else chosen & self.alive

    def gone_first(self) -> Tensor:
        """Scores that put what is gone below everything."""
        return (
            self.scores if self.alive is None else self.scores.masked_fill(~self.alive, -torch.inf)
        )


Kept = dict[str, Tensor]
"""Group's name -> one boolean a unit."""


def global_(units: Sequence[Units], sparsity: float) -> Kept:
    """All units of the network compete; groups end up with different densities."""
    return lowest_removed(units, sparsity)


def layerwise(units: Sequence[Units], sparsity: float) -> Kept:
    """Units compete inside their group; every group loses the same share."""
    return {name: kept for u in units for name, kept in lowest_removed([u], sparsity).items()}


def shuffled(units: Sequence[Units], counts: Kept, seed: int) -> Kept:
    """As many units a group as `counts` keeps, but the first of one seeded order a group.

    Nested by construction: a higher sparsity keeps fewer of the same order. Raises ValueError when
    units that are gone already leave too few.
    """
    kept = {}
    for u in units:
        name, n = u.group.name, int(counts[u.group.name].sum())
        if n > u.left:
            what = f"{name}: {n} units should stay and only {u.left} are left"
            raise ValueError(f"{what}; random counts come from the dense weights")
        order = seeded_order(u, seed)
        still = order[u.still[order]]
        kept[name] = torch.zeros_like(u.scores, dtype=torch.bool).index_fill(0, still[:n], True)
    return kept


def seeded_order(u: Units, seed: int) -> Tensor:
    """The units of a group in an order that seed and name decide alone."""
    order = torch.randperm(len(u.scores), generator=generator("mask", seed, u.group.name))
    return order.to(u.scores.device)


def each_n_of_m(units: Sequence[Units], n: int, m: int) -> Kept:
    """The n highest of every m neighbours in a row, of those that are left (arXiv:2104.08378).

    Raises ValueError where a matrix's rows do not split into m.
    """
    kept = {}
    for u in units:
        inputs = u.group.pieces[0].shape[1]
        if inputs % m:
            raise ValueError(f"{u.group.name}: {m} does not divide its {inputs} inputs")
        # Stable, so that of equals the earlier stays.
        order = u.scores.view(-1, m).argsort(dim=1, descending=True, stable=True)
        if u.alive is not None:  # what is gone comes last, whatever it scores
            gone = ~u.alive.view(-1, m)
            order = order.gather(1, gone.gather(1, order).byte().argsort(dim=1, stable=True))
        highest = torch.zeros_like(order, dtype=torch.bool).scatter(1, order[:, :n], True)
        kept[u.group.name] = u.of_these(highest.flatten())
        if int(kept[u.group.name].count_nonzero()) * m < n * len(u.scores):
            raise ValueError(f"{u.group.name}: less than {n} of every {m} weights are left already")
    return kept


def lowest_removed(pool: Sequence[Units], sparsity: float) -> Kept:
    """What stays of one pool. Raises ValueError when more than `sparsity` is gone already."""
    remove = _remove_weights if all(u.group.single for u in pool) else _remove_lines
    return remove(pool, sparsity)


def _remove_weights(pool: Sequence[Units], sparsity: float) -> Kept:
    """Exactly so many: all below the threshold, and the last ones of those that equal it.

    Nothing as large as the whole pool is made beside what comes out.
    """
    total, left = sum(len(u.scores) for u in pool), sum(u.left for u in pool)
    count = round(sparsity * total)
    if count < total - left:
        raise ValueError(f"{total - left - count} more weights are gone already than that removes")
    if count == total - left:
        return {u.group.name: u.still.clone() for u in pool}
    threshold = kth_smallest([u.gone_first() for u in pool], count)
    kept = {u.group.name: u.of_these(u.scores > threshold) for u in pool}
    stay = total - count - sum(int(k.count_nonzero()) for k in kept.values())
    for u in pool:
        if stay:
            tied = u.of_these(u.scores == threshold).nonzero().flatten()[:stay]
            kept[u.group.name][tied] = True
            stay -= len(tied)
    return kept


def kth_smallest(parts: Sequence[Tensor], k: int) -> Tensor:
    """The k-th smallest number, from 1, of all `parts` together.

    Of a sample it is known within a few standard deviations, so only the numbers around it have to
    be looked at closely: three readings of the memory instead of a sort.
    """
    total = sum(map(len, parts))
    sample = torch.cat([part[:: max(total // SAMPLE, 1)] for part in parts]).sort().values
    middle, spread = k / total * len(sample), 5 * math.sqrt(len(sample)) / 2 + len(parts)
    low = sample[max(math.floor(middle - spread), 0)]
    high = sample[min(math.ceil(middle + spread), len(sample) - 1)]
    below, around = 0, []
    for part in parts:
        above = part >= low
        below += len(part) - int(above.count_nonzero())
        around.append(part[above & (part <= high)])
    near = torch.cat(around)
    if below < k <= below + len(near):
        return near.kthvalue(k - below).values
    return torch.cat(list(parts)).kthvalue(k).values


def _remove_lines(pool: Sequence[Units], sparsity: float) -> Kept:
    """The prefix of the score order whose weights come closest; on a tie the shorter."""
    scores, alive = torch.cat([u.scores for u in pool]), torch.cat([u.still for u in pool])
    sizes = torch.cat([torch.full_like(u.scores, u.group.size, dtype=torch.long) for u in pool])
    total, gone = int(sizes.sum()), int(sizes[~alive].sum())
    target = sparsity * total
    if target < gone - int(sizes.max()) / 2:
        what = f"{gone} of {total} weights are gone already"
        raise ValueError(f"{what}, more than sparsity {sparsity:g} removes")
    order = len(scores) - 1 - scores.flip(0).argsort(stable=True)  # of equal scores the later first
    order = order[alive[order].byte().argsort(stable=True)]  # what is gone comes before all
    removed = torch.cat([sizes.new_zeros(1), sizes[order].cumsum(0)])
    shortest = len(alive) - int(alive.sum())
    distance = (removed[shortest:].double() - target).abs()
    prefix = shortest + int(distance.argmin())
    kept = alive.clone().index_fill(0, order[:prefix], False)
    parts = kept.split([len(u.scores) for u in pool])
    return {u.group.name: part for u, part in zip(pool, parts, strict=True)}


RANKED: Mapping[str, Callable[[Sequence[Units], float], Kept]] = {
    "global": global_,
    "layerwise": layerwise,
    # The same share everywhere, whatever the scores: what is counted is that of layerwise.
    "none": layerwise,
}
