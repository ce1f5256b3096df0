"""Weights to rewind to: the dense training's states at earlier epochs, kept or trained once more.

Dense training keeps them when the run that trains it asks; where it did not, the stretch up to
them is trained again, which gives the same bytes, and kept for all.
"""

from collections.abc import Generator

from vitprune_core.engine import files
from vitprune_core.engine.data import Dataset
from vitprune_core.engine.dense import Events, dense_model, dense_of, end_of, keeping, turn
from vitprune_core.engine.ending import Ending
from vitprune_core.engine.position import Position
from vitprune_core.engine.state import State, fresh
from vitprune_core.engine.train import train
from vitprune_core.engine.vit import ViT, initial
from vitprune_core.spec.config import Config
from vitprune_core.spec.plan import Plan, Train
from vitprune_core.store import events as e
from vitprune_core.store.checkpoints import Moment
from vitprune_core.store.dense import DenseDir
from vitprune_core.store.lock import erase, hold, inscribe
from vitprune_core.store.rundir import RunDir


def keep_rewinds(
    model: ViT, config: Config, data: Dataset, steps: Plan, run: RunDir, here: Position
) -> Generator[e.Event | Moment, None, int]:
    """See to it that every state the plan rewinds to is kept; returns the step this has come to."""
    shared = dense_of(config, run)

    def missing() -> set[int]:
        return {n for n in steps.rewinds if files.load_rewind(shared, n, config) is None}

    claimed = yield from turn(shared, run, lambda: not missing())
    if claimed is None:
        return here.step
    with hold(shared.lock, claimed.file) as file:
        inscribe(file, attempt=0, run=run.id)
        epochs = missing()
        start = here
        if here.stage != "retrace" or here.epoch > min(epochs):
            start = nearest(shared, config, min(epochs), here.step)
            yield e.Retracing(hash=shared.path.name, epochs=max(epochs))
        phase = Train(0, 0, 0, max(epochs), "schedule")
        training = train(model, start, phase, config, data, masks={})
        again = retraced(keeping(training, start, shared, epochs))
        end = yield from (aside(again) if here.stage == "rounds" else again)
        erase(file)
    return end.step


def restored(
    model: ViT, config: Config, data: Dataset, steps: Plan, run: RunDir, here: Position
) -> Events:
    """The dense model of a run that is past it; one that has gone or is damaged is trained again.

    That was told long ago, so that its epochs are told as retraced ones.
    """
    if dense_of(config, run).read() is None:
        yield e.Retracing(hash=dense_of(config, run).path.name, epochs=steps.dense.epochs)
        for item in aside(dense_model(model, config, data, steps, run, None)):
            if isinstance(item, e.Epoch):
                yield e.Retraced(epoch=item.epoch, loss=item.loss)
            elif isinstance(item, Moment | e.DenseAwaited | e.WaitEnded):
                yield item
    return end_of(dense_of(config, run), config, here.step)


def aside(training: Events) -> Events:
    """Work that is not where the run is: no checkpoint is taken of it."""
    items = Ending(training)
    for item in items:
        yield Moment(item.step, position=None) if isinstance(item, Moment) else item
    return items.end


def nearest(shared: DenseDir, config: Config, epoch: int, step: int) -> Position:
    """The latest state that is kept at `epoch` or before, of all that is kept."""
    for n in range(epoch, 0, -1):
        if state := files.load_rewind(shared, n, config):
            return Position(stage="retrace", step=step, epoch=n, state=state)
    return Position(stage="retrace", step=step, state=fresh(initial(config)))


def retraced(training: Generator[e.Epoch | Moment, None, Position]) -> Events:
    """Pass a training on as epochs that were told before."""
    items = Ending(training)
    for item in items:
        if isinstance(item, e.Epoch):
            yield e.Retraced(epoch=item.epoch, loss=item.loss)
        else:
            yield item
    return items.end


def rewound(config: Config, run: RunDir, epoch: int) -> State:
    """The dense training's state after `epoch` epochs."""
    state = files.load_rewind(dense_of(config, run), epoch, config)
    if state is None:
        raise RuntimeError(f"the dense weights of epoch {epoch} have gone; resume the run")
    return state
