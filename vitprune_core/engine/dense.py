"""The dense model of a run: trained once for a workload and a seed, then found again by hash.

One that is given as a file is taken instead of trained, and shared in the same way.

Of runs that need the same one at the same time one trains, holding the model's lock, and the others
wait. Should the trainer go, a waiter takes over, from the trainer's checkpoint where it can.
"""

import os
import time
from collections.abc import Callable, Collection, Generator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from vitprune_core.engine import files
from vitprune_core.engine.data import Dataset
from vitprune_core.engine.device import differences, fingerprint
from vitprune_core.engine.ending import Ending
from vitprune_core.engine.evaluate import Scores, evaluate, scores
from vitprune_core.engine.given import check_answers, read_given
from vitprune_core.engine.position import Position, read
from vitprune_core.engine.state import fresh, put_weights
from vitprune_core.engine.train import train
from vitprune_core.engine.vit import ViT, initial
from vitprune_core.spec.config import Config, dump
from vitprune_core.spec.identity import dense_hash
from vitprune_core.spec.plan import Plan
from vitprune_core.store import events as e
from vitprune_core.store.checkpoints import Moment
from vitprune_core.store.dense import DenseDir, DenseRecord
from vitprune_core.store.lock import Held, Holder, claim, erase, hold, inscribe
from vitprune_core.store.lock import read as last_holder
from vitprune_core.store.rundir import ID, RunDir
from vitprune_core.store.sealed import DamagedFile, sealed

PATIENCE = 0.3
"""Seconds between two looks whether another run is through with what this one waits for."""
WAITING = Moment(step=0, position=None)

Events = Generator[e.Event | Moment, None, Position]


def dense_model(
    model: ViT, config: Config, data: Dataset, steps: Plan, run: RunDir, start: Position | None
) -> Events:
    """The end of dense training: found in the shared folder, or reached from `start`."""
    shared = dense_of(config, run)
    claimed = yield from turn(shared, run, lambda: shared.read() is not None)
    if claimed is None:
        return (yield from reused(shared, config, data, run, start))
    with hold(shared.lock, claimed.file) as file:
        if shared.exists:
            yield e.DenseDamaged(hash=dense_hash(config), kept_as=shared.set_aside())
        if start is None and not config.dense:
            start = yield from beginning(config, data, run, claimed.last)
        inscribe(file, attempt=0, run=run.id)
        if start is None:
            end = yield from taken(model, config, data, run)
        else:
            end = yield from trained(model, config, data, steps, run, start)
        erase(file)
        return end


def dense_of(config: Config, run: RunDir) -> DenseDir:
    return DenseDir.of(run.path.parent, dense_hash(config))


class Claimed(NamedTuple):
    file: int
    last: Holder | None
    """Who had the lock before, should it have gone without finishing."""


def turn(
    shared: DenseDir, run: RunDir, done: Callable[[], bool]
) -> Generator[e.Event | Moment, None, Claimed | None]:
    """This run's turn to work on a dense model; None once what it is wanted for is `done`."""
    awaited = None
    while not done():
        try:
            file = claim(shared.lock)
        except Held as held:
            by = held.holder.run if held.holder else ""
            if by != awaited:
                awaited = by
                yield e.DenseAwaited(hash=shared.path.name, by=by)
            yield WAITING
            time.sleep(PATIENCE)
            continue
        with ExitStack() as unless_taken:
            unless_taken.callback(os.close, file)
            if not done():
                if awaited is not None:
                    yield e.WaitEnded(hash=shared.path.name)
                unless_taken.pop_all()
                return Claimed(file, last_holder(shared.lock))
    if awaited is not None:
        yield e.WaitEnded(hash=shared.path.name)
    return None


def reused(
    shared: DenseDir, config: Config, data: Dataset, run: RunDir, start: Position | None
) -> Events:
    """Tell of a model that is there as it was trained.

    A run that had trained up to `start` has told so many epochs itself.
    """
    record = shared.read()
    assert record is not None
    differs = differences(record.fingerprint, fingerprint(config, data.sha256), "config")
    differs = tuple(dict.fromkeys((*record.differs, *differs)))
    if record.run == run.id and not differs:
        yield e.DenseKept(trained_seconds=record.seconds)
    else:
        yield e.DenseReused(
            hash=record.trained.hash, trained_seconds=record.seconds, differs=differs
        )
    yield from record.epochs[len(start.told) if start else 0 :]
    yield record.trained
    return end_of(shared, config, start.step if start else 0)


def end_of(shared: DenseDir, config: Config, step: int = 0) -> Position:
    state = files.load_state(shared, config.device)
    return Position(stage="dense", step=step, epoch=config.train.epochs, state=state)


def beginning(
    config: Config, data: Dataset, run: RunDir, last: Holder | None
) -> Generator[e.Event | Moment, None, Position]:
    """Where training starts: where the run before has left it, or with initial weights."""
    adopted = None
    if last and ID.fullmatch(last.run) and last.run != run.id:
        other = RunDir(run.path.parent / last.run)
        adopted = checkpoint_of(other, config, fingerprint(config, data.sha256))
        step = adopted.step if adopted else None
        yield e.DenseAdopted(hash=dense_hash(config), of=last.run, step=step)
    if adopted is None:
        return Position(stage="dense", step=0, state=fresh(initial(config)))
    yield from adopted.told
    # Kept at once: from now on the lock is this run's, and nobody looks into the other's folder.
    yield Moment(adopted.step, lambda: adopted, phase_end=True)
    return adopted


def checkpoint_of(other: RunDir, config: Config, today: dict[str, str | int]) -> Position | None:
    """The newest place in the same dense training that another run has kept."""
    for path in sealed(other.checkpoints):
        try:
            found = read(path, config)
        except (DamagedFile, OSError):
            continue
        same = not differences(found.fingerprint, today, "config")
        if found.position.stage == "dense" and same:
            return found.position
    return None


def trained(
    model: ViT, config: Config, data: Dataset, steps: Plan, run: RunDir, start: Position
) -> Events:
    """Train from `start` to the end, and share the model."""
    shared = dense_of(config, run)
    training = train(model, start, steps.dense, config, data, masks={})
    end = yield from recorded(keeping(training, start, shared, steps.rewinds), start)
    images, test = yield from evaluate(model, data.test, Moment(end.step, lambda: end))
    yield share(config, data, run, end, Scores(end.told[-1].validation, test, images))
    return end


def taken(model: ViT, config: Config, data: Dataset, run: RunDir) -> Events:
    """A model of the user's own, with an optimizer that has seen nothing, measured and shared."""
    state = fresh({name: w.to(config.device) for name, w in read_given(config).items()})
    end = Position(stage="dense", step=0, epoch=config.train.epochs, state=state)
    put_weights(state, model)
    found = yield from scores(model, data, Moment(end.step, position=None))
    check_answers(config, found.validation.loss + found.test.loss)
    yield share(config, data, run, end, found)
    return end


def share(
    config: Config, data: Dataset, run: RunDir, end: Position, found: Scores
) -> e.DenseTrained:
    """Put the model where other runs find it."""
    event = e.DenseTrained(
        hash=dense_hash(config),
        epochs=len(end.told),
        validation=found.validation,
        test=found.test,
        weights_sha256=files.weights_sha256(end.state.weights),
    )
    shared = dense_of(config, run)
    draft = shared.draft()
    draft.config.write_text(dump(config))
    files.save_state(draft, end.state)
    files.save_images(draft.images, data.test_index, found.images, before=None)
    record = DenseRecord(
        seconds=end.seconds,
        epochs=end.told,
        trained=event,
        fingerprint=fingerprint(config, data.sha256),
        run=run.id,
        differs=end.differs,
    )
    shared.commit(draft, record)
    return event


def keeping(
    training: Generator[e.Epoch | Moment, None, Position],
    start: Position,
    shared: DenseDir,
    wanted: Collection[int],
) -> Generator[e.Epoch | Moment, None, Position]:
    """Pass a training on, keeping the states it has after the epochs `wanted`."""
    if start.epoch in wanted and start.batch == 0:
        files.save_rewind(shared, start.epoch, start.state)
    items, due = Ending(training), None
    for item in items:
        if isinstance(item, e.Epoch):
            due = item.epoch + 1
        elif due is not None:
            if due in wanted and item.position:
                files.save_rewind(shared, due, item.position().state)
            due = None
        yield item
    return items.end


def recorded(
    training: Generator[e.Epoch | Moment, None, Position], start: Position
) -> Generator[e.Epoch | Moment, None, Position]:
    """Pass a training on, remembering its epochs and seconds."""
    told, seconds = start.told, start.seconds

    def with_record(position: Callable[[], Position]) -> Position:
        """Taken while the training rests here."""
        return replace(position(), told=told, seconds=seconds)

    items, begun = Ending(training), time.monotonic()
    for item in items:
        seconds += time.monotonic() - begun
        if isinstance(item, e.Epoch):
            told = (*told, item)
            yield item
        elif item.position:
            yield replace(item, position=partial(with_record, item.position))
        begun = time.monotonic()  # not while the run was left to rest
    return replace(items.end, told=told, seconds=seconds)
