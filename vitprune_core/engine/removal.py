"""What a round removes: its masks, from the scores of the model as it is by then."""

from collections.abc import Generator
from functools import partial

import torch

from vitprune_core.engine.data import Dataset
from vitprune_core.engine.ending import Ending
from vitprune_core.engine.position import Position
from vitprune_core.engine.pruning.mask import Masks, make_masks, with_biases
from vitprune_core.engine.pruning.scores import SCORES
from vitprune_core.engine.state import State, Tensors, put_weights
from vitprune_core.engine.train import calibration, loss_of
from vitprune_core.engine.vit import ViT
from vitprune_core.spec import shape
from vitprune_core.spec.config import Config, PruneConfig
from vitprune_core.store.checkpoints import Moment


def next_masks(
    model: ViT, config: Config, data: Dataset, dense: State, here: Position, sparsity: float
) -> Generator[Moment, None, dict[str, torch.Tensor]]:
    """The masks of a round, for every prunable matrix; those that take no part keep all.

    Random masks count and shuffle the dense model's weights in every round, so that one-shot and
    iterative differ in training only.
    """
    prune = asked(config)
    source = dense if prune.distribution == "random" else here.state
    names = shape.matrices(config.model, prune.layers)
    put_weights(source, model)
    scores = yield from scored(model, list(names), config, data, Moment(here.step, lambda: here))
    made = make_masks(
        {name: source.weights[f"{name}.weight"] for name in names},
        granularity=prune.granularity,
        distribution=prune.distribution,
        sparsity=sparsity,
        seed=config.seed,
        before={name: here.masks[name] for name in names},
        random_of=prune.random_of,
        scores=scores,
        heads=config.model.heads,
    )
    return {**here.masks, **made}


def scored(
    model: ViT, names: list[str], config: Config, data: Dataset, moment: Moment
) -> Generator[Moment, None, dict[str, torch.Tensor]]:
    """What every weight scores by the criterion, on the images set aside for that."""
    seen = calibration(data.train, config)
    # Not by the compiled call: that was traced without what listens to matrices here.
    loss = partial(loss_of, model.forward, config=config)
    scoring = Ending(SCORES[asked(config).criterion](model.eval(), names, seen, loss))
    for _ in scoring:
        yield moment
    return scoring.end


def by_parameter(masks: Masks, config: Config) -> Tensors:
    return with_biases(masks, asked(config).granularity)


def asked(config: Config) -> PruneConfig:
    """A plan has rounds only where pruning is asked for."""
    assert config.prune is not None
    return config.prune


def all_kept(dense: State, config: Config) -> Masks:
    """Masks of every prunable matrix that remove nothing."""
    names = shape.matrices(config.model)
    return {n: torch.ones_like(dense.weights[f"{n}.weight"], dtype=torch.bool) for n in names}
