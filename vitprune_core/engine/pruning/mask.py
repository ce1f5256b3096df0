"""What is kept: one boolean a unit, spread to one boolean a weight."""

from collections.abc import Mapping

import torch
from torch import Tensor

from vitprune_core.engine.pruning.scores import magnitude
from vitprune_core.engine.pruning.select import RANKED, Units, shuffled
from vitprune_core.engine.pruning.units import UNITS

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
) -> dict[str, Tensor]:
    """Remove the share `sparsity` of all weights given, those already removed included.

    weights: matrix -> floats, shape (out, in), in the order that breaks ties.
    granularity: weight, row or column; a line is scored by the root mean square of its weights'.
    distribution: global, layerwise, or random, which shuffles inside each matrix as many units as
        `random_of` (global, layerwise, none) keeps there.
    before: an earlier mask; what it removed stays removed.
    scores: matrix -> one score a weight, default |w|; the lowest go first, of equals the later.

    Returns matrix -> booleans, shape (out, in), True = kept. Counts are exact: `round(s * N)` go,
    or the lines whose weights come closest to s * N. Pure: the inputs are not changed.

    Raises ValueError, naming the choices, for an unknown word, a sparsity outside 0..1 or below
    what `before` has, scores that are not numbers, or shapes that do not fit.
    """
    _word("granularity", granularity, UNITS)
    _word("distribution", distribution, ("global", "layerwise", "random"))
    _word("random_of", random_of, RANKED)
    if not isinstance(sparsity, int | float) or not 0 <= sparsity <= 1:
        raise ValueError(f"sparsity {sparsity!r} is not in 0..1")
    if not weights:
        raise ValueError("weights: needs at least one matrix")
    scores = {n: magnitude(w) for n, w in weights.items()} if scores is None else scores
    for name, weight in weights.items():
        _fits("weights", name, weight, None)
        _fits("scores", name, scores.get(name), weight)
        if before is not None:
            _fits("before", name, before.get(name), weight)
        if scores[name].isnan().any():
            raise ValueError(f"scores: {name} has a score that is not a number")
    units = [_units(granularity, name, w, scores[name], before) for name, w in weights.items()]
    if distribution == "random":
        whole = [u._replace(alive=torch.ones_like(u.alive)) for u in units]
        counts = RANKED[random_of](whole, sparsity)
        kept = shuffled(units, counts, seed)
    else:
        kept = RANKED[distribution](units, sparsity)
    masks = {u.group.name: u.group.spread(kept[u.group.name]) for u in units}
    return masks if before is None else {n: m & before[n].to(m.device) for n, m in masks.items()}


def _units(
    granularity: str, name: str, weight: Tensor, scores: Tensor, before: Masks | None
) -> Units:
    group = UNITS[granularity](name, weight)
    scores = scores.detach()
    gathered = group.gather(scores if scores.dtype == torch.float64 else scores.float())
    if before is None:
        return Units(group, gathered, torch.ones_like(gathered, dtype=torch.bool))
    return Units(group, gathered, group.alive(before[name].to(weight.device)))


def with_biases(masks: Masks, granularity: str) -> dict[str, Tensor]:
    """Masks by parameter name: the weights', and for rows also the bias that a row takes along."""
    by_parameter = {f"{name}.weight": mask for name, mask in masks.items()}
    if granularity == "row":
        by_parameter |= {f"{name}.bias": mask.any(dim=1) for name, mask in masks.items()}
    return by_parameter


def _word(key: str, value: str, choices: Mapping[str, object] | tuple[str, ...]) -> None:
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
