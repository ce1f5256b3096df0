"""What is kept: one boolean a unit, spread to one boolean a weight."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from vitprune_core.engine.pruning.scores import magnitude
from vitprune_core.engine.pruning.select import (
    RANKED,
    Kept,
    Units,
    each_n_of_m,
    seeded_order,
    shuffled,
)
from vitprune_core.engine.pruning.units import UNITS, Group, takes_bias
from vitprune_core.spec.config import GRANULARITIES, n_of_m

Masks = Mapping[str, Tensor]
"""Matrix -> one boolean a weight, shape (out, in), True = kept."""


def make_masks(
    weights: Mapping[str, Tensor],
    granularity: str = "weight",
    distribution: str = "global",
    sparsity: float = 0.9,
    seed: int = 0,
    before: Masks | None = None,
    random_of: str = "global",
    scores: Mapping[str, Tensor] | None = None,
    heads: int | None = None,
) -> dict[str, Tensor]:
    """Remove the share `sparsity` of all weights given, those already removed included.

    weights: matrix -> floats, shape (out, in), in the order that breaks ties.
    granularity: weight, row, column, head, neuron, or n:m, which keeps n of every m neighbouring
        inputs and knows no other sparsity than 1 - n/m. A unit of several weights is scored by the
        root mean square of theirs. Heads run through `….q k v o`, neurons through `….fc1 fc2`.
    distribution: global, layerwise, or random, which shuffles inside each matrix (head, neuron:
        block) as many units as `random_of` (global, layerwise, none) keeps there.
    before: an earlier mask; what it removed stays removed.
    scores: matrix -> one score a weight, default |w|; the lowest go first, of equals the later.
    heads: how many a block has, for granularity head.

    Returns matrix -> booleans, shape (out, in), True = kept. Counts are exact: `round(s * N)` go,
    or the units whose weights come closest to s * N. Pure: the inputs are not changed.

    Raises ValueError, naming the choices, for an unknown word, a sparsity outside 0..1 or below
    what `before` has, scores that are not numbers, or shapes that do not fit.
    """
    pattern = n_of_m(granularity)
    if pattern is None:
        _word("granularity", granularity, GRANULARITIES)
    _word("distribution", distribution, ("global", "layerwise", "random"))
    _word("random_of", random_of, tuple(RANKED))
    _sparsity(sparsity, granularity, pattern)
    if not weights:
        raise ValueError("weights: needs at least one matrix")
    scores = {n: magnitude(w) for n, w in weights.items()} if scores is None else scores
    _check(weights, scores, before)
    grouped = UNITS["weight" if pattern else granularity]
    units = [_units(group, scores, before) for group in grouped(weights, heads)]
    if pattern:
        kept = each_n_of_m(_reordered(units, seed) if distribution == "random" else units, *pattern)
    elif distribution == "random":
        kept = shuffled(units, _counts(units, random_of, sparsity), seed)
    else:
        kept = RANKED[distribution](units, sparsity)
    made = [u.group.spread(kept[u.group.name]) for u in units]
    masks = {name: mask for group in made for name, mask in group.items()}
    in_order = {name: masks[name] for name in weights}
    return in_order if before is None else {n: m & _on(m, before[n]) for n, m in in_order.items()}


def with_biases(masks: Masks, granularity: str) -> dict[str, Tensor]:
    """Masks by parameter name: the weights', and the biases of rows that take them along."""
    biases = {n: mask.any(dim=1) for n, mask in masks.items() if takes_bias(granularity, n)}
    by_parameter = {f"{name}.weight": mask for name, mask in masks.items()}
    return by_parameter | {f"{name}.bias": kept for name, kept in biases.items()}


def _units(group: Group, scores: Mapping[str, Tensor], before: Masks | None) -> Units:
    ranked = {p.matrix: _ranked(scores[p.matrix]) for p in group.pieces}
    gathered = group.gather(ranked)
    if before is None:
        return Units(group, gathered, alive=None)
    kept = {p.matrix: _on(gathered, before[p.matrix]) for p in group.pieces}
    return Units(group, gathered, group.alive(kept))


def _ranked(scores: Tensor) -> Tensor:
    """As numbers that can be compared without loss."""
    scores = scores.detach()
    return scores if scores.dtype == torch.float64 else scores.float()


def _counts(units: Sequence[Units], random_of: str, sparsity: float) -> Kept:
    """What the ranked mask of the whole weights keeps."""
    return RANKED[random_of]([u._replace(alive=None) for u in units], sparsity)


def _reordered(units: Sequence[Units], seed: int) -> list[Units]:
    """The same units with a seeded order for scores: the first stay."""
    return [u._replace(scores=-seeded_order(u, seed).argsort().double()) for u in units]


def _on(there: Tensor, tensor: Tensor) -> Tensor:
    return tensor.to(there.device)


def _check(weights: Masks, scores: Masks, before: Masks | None) -> None:
    for name, weight in weights.items():
        _fits("weights", name, weight, None)
        _fits("scores", name, scores.get(name), weight)
        if before is not None:
            _fits("before", name, before.get(name), weight)
            if before[name].dtype != torch.bool:
                raise ValueError(
                    f"before: {name} has numbers of {before[name].dtype}, not booleans"
                )
        if scores[name].numel() and scores[name].amax().isnan():  # quicker than to ask each
            raise ValueError(f"scores: {name} has a score that is not a number")


def _sparsity(sparsity: float, granularity: str, pattern: tuple[int, int] | None) -> None:
    if not isinstance(sparsity, int | float) or not 0 <= sparsity <= 1:
        raise ValueError(f"sparsity {sparsity!r} is not in 0..1")
    if pattern and abs(sparsity - (1 - pattern[0] / pattern[1])) > 1e-6:
        own = 1 - pattern[0] / pattern[1]
        raise ValueError(f"sparsity {sparsity!r}: granularity {granularity} removes {own:g}")


def _word(key: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{key} {value!r} is not one of {', '.join(choices)}")


def _fits(what: str, name: str, tensor: Tensor | None, weight: Tensor | None) -> None:
    if tensor is None:
        raise ValueError(f"{what}: {name} is missing")
    if weight is None and tensor.ndim != 2:
        raise ValueError(f"{what}: {name} has shape {tuple(tensor.shape)}, not (out, in)")
    if weight is not None and tensor.shape != weight.shape:
        shapes = f"{tuple(tensor.shape)}, not {tuple(weight.shape)}"
        raise ValueError(f"{what}: {name} has shape {shapes}")
