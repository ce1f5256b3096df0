"""Which units go: the lowest scores of a pool, counted exactly.

A *pool* is the units that compete: all of them (global) or those of one matrix (layerwise).
Of equal scores the earlier unit stays, in the order of the pool.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from vitprune_core.engine.pruning.units import Group
from vitprune_core.engine.seeds import generator


class Units(NamedTuple):
    """The units of one group: what they score, and which are still there."""

    group: Group
    scores: Tensor
    """Shape (units,)."""
    alive: Tensor
    """Booleans, shape (units,)."""


Kept = dict[str, Tensor]
"""Group's name -> one boolean a unit."""


def global_(units: Sequence[Units], sparsity: float) -> Kept:
    """All units of the network compete; matrices end up with different densities."""
    scores = torch.cat([u.scores for u in units])
    alive = torch.cat([u.alive for u in units])
    kept = lowest_removed(scores, alive, _sizes(units), sparsity)
    parts = kept.split([len(u.scores) for u in units])
    return {u.group.name: part for u, part in zip(units, parts, strict=True)}


def layerwise(units: Sequence[Units], sparsity: float) -> Kept:
    """Units compete inside their matrix; every matrix loses the same share."""
    return {u.group.name: lowest_removed(u.scores, u.alive, _sizes([u]), sparsity) for u in units}


def shuffled(units: Sequence[Units], counts: Kept, seed: int) -> Kept:
    """As many units a matrix as `counts` keeps, but the first of one seeded order a matrix.

    Nested by construction: a higher sparsity keeps fewer of the same order. Raises ValueError when
    units that are gone already leave too few.
    """
    kept = {}
    for u in units:
        name, n = u.group.name, int(counts[u.group.name].sum())
        if n > int(u.alive.sum()):
            what = f"{name}: {n} units should stay and only {int(u.alive.sum())} are left"
            raise ValueError(f"{what}; random counts come from the dense weights")
        order = torch.randperm(len(u.scores), generator=generator("mask", seed, name))
        order = order.to(u.alive.device)
        still = order[u.alive[order]]
        kept[name] = torch.zeros_like(u.alive).index_fill(0, still[:n], True)
    return kept


def lowest_removed(scores: Tensor, alive: Tensor, sizes: Tensor | None, sparsity: float) -> Tensor:
    """What stays of one pool: one boolean a unit. `sizes` are weights a unit; None: all single.

    Raises ValueError when more than `sparsity` is gone already.
    """
    if sizes is None:
        gone = len(alive) - int(alive.sum())
        return _remove_weights(scores, alive, round(sparsity * len(scores)) - gone)
    return _remove_lines(scores, alive, sizes, sparsity)


def _sizes(units: Sequence[Units]) -> Tensor | None:
    """Weights of each unit of a pool, shape (units,); None where every weight is a unit."""
    if all(u.group.axis is None for u in units):
        return None
    return torch.cat([torch.full_like(u.alive, u.group.size, dtype=torch.long) for u in units])


def _remove_weights(scores: Tensor, alive: Tensor, count: int) -> Tensor:
    """Exactly `count` more: all below the threshold, and the last ones of those that equal it."""
    if count < 0:
        raise ValueError(f"{-count} more weights are gone already than this sparsity removes")
    if count == 0:
        return alive.clone()
    candidates = scores if bool(alive.all()) else scores[alive]
    threshold = _kth_smallest(candidates, count)
    kept = alive & (scores > threshold)
    tied = (alive & (scores == threshold)).nonzero().flatten()
    stay = int(alive.sum()) - count - int(kept.sum())
    kept[tied[:stay]] = True
    return kept


def _kth_smallest(values: Tensor, k: int) -> Tensor:
    """A partition, not a sort: on a CPU numpy's is several times faster than torch's."""
    if values.device.type != "cpu":
        return values.kthvalue(k).values
    return torch.from_numpy(np.partition(values.numpy(), k - 1)[k - 1 : k].copy())


def _remove_lines(scores: Tensor, alive: Tensor, sizes: Tensor, sparsity: float) -> Tensor:
    """The prefix of the score order whose weights come closest; on a tie the shorter."""
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
    return alive.clone().index_fill(0, order[:prefix], False)


RANKED: Mapping[str, Callable[[Sequence[Units], float], Kept]] = {
    "global": global_,
    "layerwise": layerwise,
    # The same share everywhere, whatever the scores: what is counted is that of layerwise.
    "none": layerwise,
}
