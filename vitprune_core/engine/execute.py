"""Carry a plan out, phase by phase, and tell what happens as it happens.

`execute` is a generator. The caller decides what becomes of the events: append them to a log, print
them, collect them in a test. It stops a run by asking for no more. Files of a level are written
before the event that tells of them.
"""

import os
import socket
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from vitprune_core.engine import files
from vitprune_core.engine.data import Dataset
from vitprune_core.engine.device import fingerprint, prepare
from vitprune_core.engine.evaluate import PerImage, evaluate
from vitprune_core.engine.measure import Remains, grids, remains
from vitprune_core.engine.pruning.mask import Masks, make_masks, with_biases
from vitprune_core.engine.state import State, Tensors, fresh, masked, put_weights, reset
from vitprune_core.engine.train import NotFinite, train
from vitprune_core.engine.vit import ViT, initial
from vitprune_core.spec import shape
from vitprune_core.spec.config import Config, PruneConfig, as_dict, dump, level_name
from vitprune_core.spec.identity import dense_hash
from vitprune_core.spec.plan import Plan, Round, Train, plan
from vitprune_core.store import events as e
from vitprune_core.store.dense import DenseDir, DenseRecord
from vitprune_core.store.grids import save as save_grids
from vitprune_core.store.rundir import RunDir


def execute(config: Config, data: Dataset, run: RunDir) -> Iterator[e.Event]:
    """A whole run: the dense model, trained or shared, then every round of the plan."""
    prepare(config)
    steps = plan(config)
    yield started(config, data, steps)
    model = ViT(config.model, config.data).to(config.device)
    try:
        state = yield from dense(model, config, data, steps.dense, run)
        sha256 = files.weights_sha256(state.weights)
        for event in rounds(model, config, data, steps, state, run):
            if isinstance(event, e.Level):
                sha256 = event.weights_sha256
            yield event
        yield e.Finished(weights_sha256=sha256)
    except NotFinite as stop:
        yield diverged(stop, steps)


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
        pid=os.getpid(),
    )


def dense(
    model: ViT, config: Config, data: Dataset, phase: Train, run: RunDir
) -> Generator[e.Event, None, State]:
    """The dense model: found in the shared folder, or trained and put there."""
    shared = DenseDir.of(run.path.parent, dense_hash(config))
    if shared.exists:
        record = shared.read_record()
        yield e.DenseReused(hash=record.trained.hash, seconds=record.seconds)
        yield from record.epochs
        yield record.trained
        return files.load_state(shared, config.device)
    begun = time.monotonic()
    epochs: list[e.Epoch] = []
    training = train(model, fresh(on(initial(config), config)), phase, config, data, masks={})
    state = yield from tee(training, epochs)
    images, test = evaluate(model, data.test)
    trained = e.DenseTrained(
        hash=dense_hash(config),
        epochs=phase.epochs,
        validation=epochs[-1].validation,
        test=test,
        weights_sha256=files.weights_sha256(state.weights),
    )
    seconds = time.monotonic() - begun
    draft = shared.draft()
    draft.config.write_text(dump(config))
    draft.write_record(DenseRecord(seconds=seconds, epochs=tuple(epochs), trained=trained))
    files.save_state(draft, state)
    files.save_images(draft.images, data.test_index, images, before=None)
    shared.commit(draft)
    yield trained
    return state


def rounds(
    model: ViT, config: Config, data: Dataset, steps: Plan, dense: State, run: RunDir
) -> Iterator[e.Event]:
    """Every round: prune, retrain, measure. The control is a round that removes nothing."""
    prune = config.prune
    if prune is None:
        return
    whole = {
        n: torch.ones_like(dense.weights[f"{n}.weight"], dtype=torch.bool)
        for n in shape.matrices(config.model)
    }
    for round in steps.rounds:
        if round.from_dense:
            state, masks, epochs = dense, whole, 0
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
        for phase in round.retrain:
            start = reset(state) if config.retrain.optimizer == "reset" else state
            state = yield from train(model, start, phase, config, data, by_parameter)
            epochs += phase.epochs
        after = Scores.of(model, data)
        if round.listed:
            save_level(run, state, data, round, before, after)
        yield level(round, counts, before, after, epochs, files.weights_sha256(state.weights))


def next_masks(
    config: Config, prune: PruneConfig, dense: State, state: State, before: Masks, sparsity: float
) -> dict[str, Tensor]:
    """The masks of a round, for every prunable matrix; those that take no part keep all.

    Random masks count and shuffle the dense model's weights in every round, so that one-shot and
    iterative differ in training only.
    """
    source = dense if prune.distribution == "random" else state
    names = shape.matrices(config.model, prune.layers)
    made = make_masks(
        {name: source.weights[f"{name}.weight"] for name in names},
        granularity=prune.granularity,
        distribution=prune.distribution,
        sparsity=sparsity,
        seed=config.seed,
        before={name: before[name] for name in names},
        random_of=prune.random_of,
    )
    return {**before, **made}


@dataclass(frozen=True)
class Scores:
    """How the model does on what is not trained on, at one moment."""

    validation: e.Score
    test: e.Score
    images: PerImage
    """Of the test set."""

    @classmethod
    def of(cls, model: ViT, data: Dataset) -> "Scores":
        images, test = evaluate(model, data.test)
        return cls(evaluate(model, data.validation)[1], test, images)


def pruned(round: Round, counts: Remains, before: Scores) -> e.Pruned:
    return e.Pruned(
        round=round.number,
        sparsity_asked=round.sparsity,
        sparsity=counts.sparsity,
        matrices=counts.matrices,
        validation=before.validation,
        test=before.test,
    )


def level(
    round: Round, counts: Remains, before: Scores, after: Scores, epochs: int, sha256: str
) -> e.Level:
    return e.Level(
        round=round.number,
        listed=round.listed,
        sparsity_asked=round.sparsity,
        validation_before=before.validation,
        validation=after.validation,
        test_before=before.test,
        test=after.test,
        epochs=epochs,
        weights_sha256=sha256,
        effective_sparsity=None,
        removable=None,
        silent_heads=None,
        key_blind_heads=None,
        **vars(counts),
    )


def diverged(stop: NotFinite, steps: Plan) -> e.Diverged:
    """A level that diverged counts as chance: it is told, not lost."""
    here = (stop.phase.round, stop.phase.sparsity)
    return e.Diverged(
        round=stop.phase.round,
        listed=any((r.number, r.sparsity) == here and r.listed for r in steps.rounds),
        sparsity_asked=stop.phase.sparsity,
        step=stop.step,
        epoch=stop.epoch,
        lr=stop.lr,
        gradient_norm=stop.gradient_norm,
    )


def save_masks(run: RunDir, masks: Masks, config: Config, round: Round) -> None:
    name = level_name(round.sparsity)
    files.save_masks(run.mask(name), masks)
    save_grids(run.grid(name), grids(masks, config, round.sparsity))


def save_level(
    run: RunDir, state: State, data: Dataset, round: Round, before: Scores, after: Scores
) -> None:
    name = level_name(round.sparsity)
    files.save_tensors(run.weights(name), state.weights)
    files.save_images(run.images(name), data.test_index, after.images, before.images)


def on(weights: Tensors, config: Config) -> dict[str, Tensor]:
    return {name: weight.to(config.device) for name, weight in weights.items()}


def tee(
    events: Generator[e.Epoch, None, State], into: list[e.Epoch]
) -> Generator[e.Epoch, None, State]:
    """Pass events on and remember them."""
    try:
        while True:
            into.append(next(events))
            yield into[-1]
    except StopIteration as end:
        return end.value
