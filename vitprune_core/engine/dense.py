"""The dense model of a run: trained once for a workload and a seed, then found again by hash."""

import time
from collections.abc import Generator

from vitprune_core.engine import files
from vitprune_core.engine.data import Dataset
from vitprune_core.engine.device import fingerprint
from vitprune_core.engine.evaluate import evaluate
from vitprune_core.engine.state import State, fresh
from vitprune_core.engine.train import train
from vitprune_core.engine.vit import ViT, initial
from vitprune_core.spec.config import Config, dump
from vitprune_core.spec.identity import dense_hash
from vitprune_core.spec.plan import Train
from vitprune_core.store import events as e
from vitprune_core.store.dense import DenseDir, DenseRecord
from vitprune_core.store.rundir import RunDir


def dense_model(
    model: ViT, config: Config, data: Dataset, phase: Train, run: RunDir
) -> Generator[e.Event, None, State]:
    """The dense model: found in the shared folder, or trained and put there."""
    shared = DenseDir.of(run.path.parent, dense_hash(config))
    today = fingerprint(config, data.sha256)
    if shared.exists and (record := shared.read()) is None:
        yield e.DenseDamaged(hash=dense_hash(config), kept_as=shared.set_aside())
    elif shared.exists and record:
        differs = (k for k in today if k != "config" and today[k] != record.fingerprint.get(k))
        yield e.DenseReused(
            hash=record.trained.hash, trained_seconds=record.seconds, differs=tuple(differs)
        )
        yield from record.epochs
        yield record.trained
        return files.load_state(shared, config.device)
    begun = time.monotonic()
    epochs: list[e.Epoch] = []
    training = train(model, fresh(initial(config)), phase, config, data, masks={})
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
    files.save_state(draft, state)
    files.save_images(draft.images, data.test_index, images, before=None)
    record = DenseRecord(seconds=seconds, epochs=tuple(epochs), trained=trained, fingerprint=today)
    shared.commit(draft, record)
    yield trained
    return state


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
