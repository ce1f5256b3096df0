"""What each matrix costs alone: it is pruned by itself, and nothing is retrained."""

from vitprune_core.engine.data import Dataset
from vitprune_core.engine.dense import Events
from vitprune_core.engine.evaluate import scores
from vitprune_core.engine.position import Position
from vitprune_core.engine.pruning.mask import make_masks
from vitprune_core.engine.removal import all_kept, asked, by_parameter
from vitprune_core.engine.state import State, masked, put_weights
from vitprune_core.engine.vit import ViT
from vitprune_core.spec import shape
from vitprune_core.spec.config import Config
from vitprune_core.store import events as e
from vitprune_core.store.checkpoints import Moment


def each_alone(model: ViT, config: Config, data: Dataset, dense: State, here: Position) -> Events:
    """Tell of every matrix that takes part how the dense model does without most of it."""
    prune = asked(config)
    if prune.alone is None:
        return here
    for name in shape.matrices(config.model, prune.layers):
        weights = {name: dense.weights[f"{name}.weight"]}
        made = make_masks(weights, prune.granularity, "layerwise", prune.alone)
        put_weights(masked(dense, by_parameter({**all_kept(dense, config), **made}, config)), model)
        found = yield from scores(model, data, Moment(here.step, lambda: here))
        gone = 1 - int(made[name].sum()) / made[name].numel()
        yield e.PrunedAlone(
            matrix=name, sparsity=gone, validation=found.validation, test=found.test
        )
    return here
