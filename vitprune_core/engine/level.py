"""What is told and kept of a round: how the model does, what is left of it, its files."""

from itertools import dropwhile

from vitprune_core.engine import files
from vitprune_core.engine.data import Dataset
from vitprune_core.engine.evaluate import Scores
from vitprune_core.engine.measure import Remains, grids
from vitprune_core.engine.position import Position
from vitprune_core.engine.pruning.mask import Masks
from vitprune_core.engine.train import NotFinite
from vitprune_core.spec.config import Config, level_name
from vitprune_core.spec.plan import Plan, Round
from vitprune_core.store import events as e
from vitprune_core.store.grids import save as save_grids
from vitprune_core.store.rundir import RunDir


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
        **vars(counts),
    )


def diverged(stop: NotFinite, steps: Plan) -> e.Diverged:
    """A level that diverged counts as chance: it is told, not lost."""
    here = (stop.phase.round, stop.phase.sparsity)
    on = dropwhile(lambda r: (r.number, r.sparsity) != here, steps.rounds)
    return e.Diverged(
        round=stop.phase.round,
        sparsity_asked=stop.phase.sparsity,
        level=next((r.sparsity for r in on if r.listed), None),
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
    run: RunDir,
    here: Position,
    data: Dataset,
    config: Config,
    round: Round,
    before: Scores,
    after: Scores,
) -> None:
    """Also the masks, where they were damaged or went while it was retrained."""
    name, state = level_name(round.sparsity), here.state
    save_masks(run, here.masks, config, round)
    if config.keep_weights != "none":
        files.save_tensors(run.weights(name), state.weights)
    if config.keep_weights == "last":
        run.drop_weights(but=name)
    files.save_images(run.images(name), data.test_index, after.images, before.images)
