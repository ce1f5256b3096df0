"""Carry a plan out, phase by phase, and tell what happens as it happens.

`execute` is a generator. The caller decides what becomes of the events: append them to a log, print
them, collect them in a test. It stops a run by asking for no more. Files of a level are written
before the event that tells of them.
"""

import socket
from collections.abc import Generator, Iterator

import torch
from torch import Tensor

from vitprune_core.engine import files
from vitprune_core.engine.data import Dataset
from vitprune_core.engine.dense import dense_model
from vitprune_core.engine.device import fingerprint, prepare
from vitprune_core.engine.level import Scores, diverged, level, pruned, save_level, save_masks
from vitprune_core.engine.measure import remains
from vitprune_core.engine.pruning.mask import Masks, make_masks, with_biases
from vitprune_core.engine.pruning.scores import SCORES
from vitprune_core.engine.state import State, Tensors, masked, put_weights, reset
from vitprune_core.engine.train import NotFinite, train
from vitprune_core.engine.vit import ViT
from vitprune_core.spec import shape
from vitprune_core.spec.config import Config, PruneConfig, as_dict
from vitprune_core.spec.plan import Plan, Round, plan
from vitprune_core.store import events as e
from vitprune_core.store.rundir import RunDir


def execute(config: Config, data: Dataset, run: RunDir) -> Iterator[e.Event]:
    """A whole run: the dense model, trained or shared, then every round of the plan."""
    prepare(config)
    steps = plan(config)
    yield started(config, data, steps)
    model = ViT(config.model, config.data).to(config.device)
    try:
        state = yield from dense_model(model, config, data, steps.dense, run)
        sha256 = files.weights_sha256(state.weights)
        for event in rounds(model, config, data, steps, state, run):
            if isinstance(event, e.Level):
                sha256 = event.weights_sha256
            yield event
        yield e.Finished(weights_sha256=sha256)
    except NotFinite as stop:
        yield diverged(stop, steps)


def rounds(
    model: ViT, config: Config, data: Dataset, steps: Plan, dense: State, run: RunDir
) -> Iterator[e.Event]:
    """Every round: prune, retrain, measure. The control is a round that removes nothing."""
    prune = config.prune
    if prune is None:
        return
    for round in steps.rounds:
        if round.from_dense:
            state, masks, epochs = dense, all_kept(dense, config), 0
        if round.sparsity > 0:
            masks = next_masks(config, prune, dense, state, masks, round.sparsity)
        by_parameter = with_biases(masks, prune.granularity)
        state = masked(state, by_parameter)
        put_weights(state, model)
        counts, before = remains(masks, config), Scores.of(model, data)
        if round.listed:
            save_masks(run, masks, config, round)
        if round.sparsity > 0:
            yield pruned(round, counts, before)
        state = yield from retrain(model, state, round, config, data, by_parameter)
        epochs += sum(phase.epochs for phase in round.retrain)
        after = Scores.of(model, data)
        if round.listed:
            save_level(run, state, data, round, before, after)
        yield level(round, counts, before, after, epochs, files.weights_sha256(state.weights))


def all_kept(dense: State, config: Config) -> Masks:
    """Masks of every prunable matrix that remove nothing."""
    names = shape.matrices(config.model)
    return {n: torch.ones_like(dense.weights[f"{n}.weight"], dtype=torch.bool) for n in names}


def next_masks(
    config: Config, prune: PruneConfig, dense: State, state: State, before: Masks, sparsity: float
) -> dict[str, Tensor]:
    """The masks of a round, for every prunable matrix; those that take no part keep all.

    Random masks count and shuffle the dense model's weights in every round, so that one-shot and
    iterative differ in training only.
    """
    source = dense if prune.distribution == "random" else state
    names = shape.matrices(config.model, prune.layers)
    weights = {name: source.weights[f"{name}.weight"] for name in names}
    made = make_masks(
        weights,
        granularity=prune.granularity,
        distribution=prune.distribution,
        sparsity=sparsity,
        seed=config.seed,
        before={name: before[name] for name in names},
        random_of=prune.random_of,
        scores={name: SCORES[prune.criterion](weight) for name, weight in weights.items()},
    )
    return {**before, **made}


def retrain(
    model: ViT, state: State, round: Round, config: Config, data: Dataset, masks: Tensors
) -> Generator[e.Event, None, State]:
    """Every cycle of a round's retraining; `masks` are by parameter."""
    for phase in round.retrain:
        start = reset(state) if config.retrain.optimizer == "reset" else state
        state = yield from train(model, start, phase, config, data, masks)
    return state


def started(config: Config, data: Dataset, steps: Plan) -> e.Started:
    layers = config.prune.layers if config.prune else "all"
    return e.Started(
        config=as_dict(config),
        fingerprint=fingerprint(config, data.sha256),
        parameters=shape.parameters(config.model, config.data),
        prunable=shape.weights(shape.matrices(config.model)),
        taking_part=shape.weights(shape.matrices(config.model, layers)),
        epochs=steps.epochs,
        host=socket.gethostname(),
    )
