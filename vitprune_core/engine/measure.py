"""What a set of masks leaves of the model: densities, dead parts, what they save. Only counting."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from vitprune_core.engine import dead
from vitprune_core.engine.pruning.mask import Masks, with_biases
from vitprune_core.engine.pruning.units import HEAD
from vitprune_core.spec import shape
from vitprune_core.spec.config import Config
from vitprune_core.store.events import Matrix
from vitprune_core.store.grids import Grid, Grids, encode

CELLS = 48
"""Rows and columns of a grid, at most."""


@dataclass(frozen=True)
class Remains:
    """Counts of what is left under a set of masks, and shares of what is gone."""

    sparsity: float
    sparsity_prunable: float
    sparsity_parameters: float
    nonzero_parameters: int
    compression: float
    speedup: float
    effective_sparsity: float
    removable: float
    collapsed: tuple[str, ...]
    silent_heads: tuple[str, ...]
    key_blind_heads: tuple[str, ...]
    dead_neurons: dict[str, int]
    matrices: dict[str, Matrix]


def remains(masks: Masks, config: Config) -> Remains:
    """`masks` has every prunable matrix, those that take no part included."""
    layers = config.prune.layers if config.prune else "all"
    granularity = config.prune.granularity if config.prune else "weight"
    kept = {name: int(mask.sum()) for name, mask in masks.items()}
    taking_part = shape.matrices(config.model, layers)
    blocks = dead.paths(masks, config, granularity)
    on_path = {n: int(m.sum()) for n, m in dead.effective(masks, blocks).items()}
    parameters = shape.parameters(config.model, config.data)
    gone = sum(int((~mask).sum()) for mask in with_biases(masks, granularity).values())
    return Remains(
        sparsity=_gone(masks, kept, taking_part),
        sparsity_prunable=_gone(masks, kept, masks),
        sparsity_parameters=sum(m.numel() - kept[n] for n, m in masks.items()) / parameters,
        nonzero_parameters=parameters - gone,
        compression=parameters / (parameters - gone),
        speedup=speedup(masks, kept, config),
        effective_sparsity=_gone(masks, on_path, taking_part),
        removable=dead.removable(blocks, config),
        collapsed=tuple(name for name, count in kept.items() if count == 0),
        silent_heads=dead.silent_heads(masks, config),
        key_blind_heads=dead.key_blind_heads(masks, config),
        dead_neurons=dead.dead_neurons(masks, config, granularity),
        matrices={name: matrix(name, mask, config.model.heads) for name, mask in masks.items()},
    )


def _gone(masks: Masks, kept: Mapping[str, int], names: Iterable[str]) -> float:
    """Share removed of the matrices `names`."""
    total = left = 0
    for name in names:
        total, left = total + masks[name].numel(), left + kept[name]
    return (total - left) / total


def matrix(name: str, mask: Tensor, heads: int) -> Matrix:
    by_head = heads_of(name, mask, heads)
    return Matrix(
        density=_share(mask),
        heads=tuple(_share(head) for head in by_head) if by_head else None,
        dead_rows=int((~mask.any(dim=1)).sum()),
        dead_columns=int((~mask.any(dim=0)).sum()),
    )


def heads_of(name: str, mask: Tensor, heads: int) -> list[Tensor] | None:
    """The part of a matrix that each head owns; None in the MLP."""
    axis = head_axis(name)
    return None if axis is None else list(mask.chunk(heads, dim=axis))


def head_axis(name: str) -> int | None:
    """Of `blocks.0.attn.q` and the like: which index runs over the heads."""
    return HEAD.get(name.rpartition(".")[2])


def speedup(masks: Masks, kept: Mapping[str, int], config: Config) -> float:
    """Multiply-adds of the dense model divided by those that remain.

    A matrix costs its non-zeros; q.k the dimensions that keep a weight in both, a.v those in v.
    """

    def alive(block: int, kind: str) -> Tensor:
        return masks[f"blocks.{block}.attn.{kind}"].any(dim=1)

    blocks = range(config.model.depth)
    both = [int((alive(b, "q") & alive(b, "k")).sum()) for b in blocks]
    mixed = [int(alive(b, "v").sum()) for b in blocks]
    whole = shape.multiply_adds(config.model, config.data)
    return whole / shape.multiply_adds(config.model, config.data, kept, both, mixed)


def grids(masks: Masks, config: Config, sparsity: float) -> Grids:
    """The masks pooled for screens."""
    return Grids(sparsity, {n: grid(n, mask, config.model.heads) for n, mask in masks.items()})


def grid(name: str, mask: Tensor, heads: int) -> Grid:
    axis = head_axis(name)
    cells = [_cells(length, heads if axis == i else 1) for i, length in enumerate(mask.shape)]
    pooled = _pool(_pool(mask.double(), cells[0]).T, cells[1]).T
    counts = matrix(name, mask, heads)
    return Grid(
        shape=tuple(mask.shape),
        cells=encode(pooled.tolist()),
        head_axis=axis,
        heads=None if axis is None else heads,
        density=counts.density,
        dead_rows=counts.dead_rows,
        dead_columns=counts.dead_columns,
    )


def _cells(length: int, heads: int) -> int:
    """As many cells as fit, the same number for each head."""
    return min(length, max(CELLS // heads, 1) * heads)


def _pool(values: Tensor, cells: int) -> Tensor:
    """Means of runs of rows, shape (cells, columns)."""
    bounds = [i * len(values) // cells for i in range(cells + 1)]
    return torch.stack([values[a:b].mean(dim=0) for a, b in pairwise(bounds)])


def _share(mask: Tensor) -> float:
    return int(mask.sum()) / mask.numel()
