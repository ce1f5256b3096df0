"""A level's masks beside those that the weights before training would have got: what both show has
not come from training.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch import Tensor

from vitprune_core.engine import files
from vitprune_core.engine.measure import head_axis
from vitprune_core.engine.pruning.mask import Masks, make_masks
from vitprune_core.engine.removal import asked
from vitprune_core.engine.vit import initial
from vitprune_core.spec import shape
from vitprune_core.spec.config import Config


class Compared(NamedTuple):
    """Of every matrix that takes part; masks are booleans, shape (out, in), True = kept."""

    masks: dict[str, np.ndarray]
    axes: dict[str, int | None]
    """Which index runs over the heads; None in the MLP."""
    untrained: dict[str, np.ndarray] | None


def masks_of(path: Path, config: Config, sparsity: float) -> Compared:
    """The masks of a level as their file has them."""
    masks, untrained = files.load_masks(path), untrained_masks(config, sparsity)
    names = list(shape.matrices(config.model, asked(config).layers))
    axes = {name: head_axis(name) for name in names}
    before = None if untrained is None else _arrays(untrained, names)
    return Compared(_arrays(masks, names), axes, before)


def _arrays(masks: Masks, names: list[str]) -> dict[str, np.ndarray]:
    return {name: masks[name].cpu().numpy() for name in names}


def untrained_masks(config: Config, sparsity: float) -> dict[str, Tensor] | None:
    """Masks by the magnitude of the seed's initial weights, of all matrices that take part.

    None where there is nothing to compare: the dense model was given, so what it began with is not
    known, or the masks are random and know no weights.
    """
    prune = asked(config)
    if config.dense or prune.distribution == "random":
        return None
    weights, names = initial(config), shape.matrices(config.model, prune.layers)
    return make_masks(
        {name: weights[f"{name}.weight"] for name in names},
        granularity=prune.granularity,
        distribution=prune.distribution,
        sparsity=sparsity,
    )
