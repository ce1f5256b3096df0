"""Carry a plan out, phase by phase, and tell what happens as it happens.

`execute` is a generator of events, and between two steps of moments at which the run could be left
and gone on with later. The caller decides what becomes of them: append events to a log, take a
checkpoint, collect them in a test. It stops a run by asking for no more. Files of a level are
written before the event that tells of them.
"""

import socket
from collections.abc import Iterator
from dataclasses import replace

from vitprune_core.engine import files
from vitprune_core.engine.data import Dataset
from vitprune_core.engine.dense import Events, dense_model
from vitprune_core.engine.device import fingerprint, prepare
from vitprune_core.engine.evaluate import scores
from vitprune_core.engine.level import diverged, level, pruned, save_level, save_masks
from vitprune_core.engine.measure import remains
from vitprune_core.engine.position import NOT_PRUNED, Position
from vitprune_core.engine.removal import all_kept, by_parameter, next_masks
from vitprune_core.engine.rewind import keep_rewinds, restored, rewound
from vitprune_core.engine.sensitivity import each_alone
from vitprune_core.engine.state import State, masked, put_weights, reset
from vitprune_core.engine.train import NotFinite, train
from vitprune_core.engine.vit import ViT, compute_with
from vitprune_core.spec import shape
from vitprune_core.spec.config import Config, as_dict
from vitprune_core.spec.plan import Plan, Round, plan
from vitprune_core.store import events as e
from vitprune_core.store.checkpoints import Moment
from vitprune_core.store.rundir import RunDir


def execute(
    config: Config, data: Dataset, run: RunDir, start: Position | None = None
) -> Iterator[e.Event | Moment]:
    """A whole run, or what is left of it at `start`: the dense model, then every round."""
    prepare(config)
    steps = plan(config)
    if start is None:
        yield started(config, data, steps)
    model = ViT(config.model, config.data, config.precision).to(config.device)
    compute_with(model, config.kernels)
    try:
        if start is None or start.stage == "dense":
            dense = yield from dense_model(model, config, data, steps, run, start)
        else:
            dense = yield from restored(model, config, data, steps, run, start)
        here = start if start and start.stage != "dense" else dense
        step = yield from keep_rewinds(model, config, data, steps, run, here)
        if here.stage != "rounds":
            here = Position(stage="rounds", step=step + 1, state=dense.state)
            yield Moment(here.step, lambda: here, phase_end=True)
        sha256 = files.weights_sha256(dense.state.weights)
        for event in rounds(model, config, data, steps, run, dense.state, here):
            if isinstance(event, e.Level):
                sha256 = event.weights_sha256
            yield event
        yield e.Finished(weights_sha256=sha256)
    except NotFinite as stop:
        yield diverged(stop, steps)


def rounds(
    model: ViT,
    config: Config,
    data: Dataset,
    steps: Plan,
    run: RunDir,
    dense: State,
    here: Position,
) -> Iterator[e.Event | Moment]:
    """Every round: prune, retrain, measure. The control is a round that removes nothing."""
    for round in steps.rounds[here.round :]:
        if here.cycle == NOT_PRUNED:
            here = yield from cut(model, config, data, round, run, dense, here)
        here = yield from retrain(model, config, data, round, run, here)
        here = yield from measured(model, config, data, round, run, here)


def cut(
    model: ViT,
    config: Config,
    data: Dataset,
    round: Round,
    run: RunDir,
    dense: State,
    here: Position,
) -> Events:
    """Make the round's masks and apply them; tells how the model does before it is retrained."""
    if round.from_dense:
        here = replace(here, state=dense, masks=all_kept(dense, config), spent=0)
    moment = Moment(here.step, lambda: here)
    yield moment
    masks = here.masks
    if round.sparsity > 0:
        masks = yield from next_masks(model, config, data, dense, here, round.sparsity)
    else:
        yield from each_alone(model, config, data, dense, here)
    state = masked(here.state, by_parameter(masks, config))
    put_weights(state, model)
    before = yield from scores(model, data, moment)
    if round.listed:
        save_masks(run, masks, config, round)
    if round.sparsity > 0:
        yield pruned(round, remains(masks, config), before)
    after = replace(here, step=here.step + 1, state=state, masks=masks, before=before)
    return begun(after, 0, config, round, run)


def retrain(
    model: ViT, config: Config, data: Dataset, round: Round, run: RunDir, here: Position
) -> Events:
    """Every cycle of a round's retraining that is still to be done."""
    masks = by_parameter(here.masks, config)
    for cycle in range(here.cycle, len(round.retrain)):
        if cycle > here.cycle:
            here = begun(here, cycle, config, round, run)
        here = yield from train(model, here, round.retrain[cycle], config, data, masks)
    return here


def begun(here: Position, cycle: int, config: Config, round: Round, run: RunDir) -> Position:
    """At the start of a cycle, with the state that the policy starts from."""
    if not round.retrain:
        return replace(here, cycle=cycle)
    phase, state = round.retrain[cycle], here.state
    if phase.policy == "weight_rewind":
        state = masked(rewound(config, run, phase.start), by_parameter(here.masks, config))
    if config.retrain.optimizer == "reset":
        state = reset(state)
    return replace(here, cycle=cycle, epoch=phase.start, batch=0, total=0.0, state=state)


def measured(
    model: ViT, config: Config, data: Dataset, round: Round, run: RunDir, here: Position
) -> Events:
    """Tell what the round has come to; returns where the next one starts."""
    put_weights(here.state, model)
    after = yield from scores(model, data, Moment(here.step, lambda: here))
    before, spent = here.before, here.spent + sum(phase.epochs for phase in round.retrain)
    assert before is not None
    if round.listed:
        save_level(run, here, data, config, round, before, after)
    counts, sha256 = remains(here.masks, config), files.weights_sha256(here.state.weights)
    yield level(round, counts, before, after, spent, sha256)
    return replace(here, round=here.round + 1, cycle=NOT_PRUNED, before=None, spent=spent)


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
