"""Runs folders to look at: one real digits run, multiplied, and runs that train meanwhile.

Copies have ids and logs of their own and share their large files with the first by hard links.
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from tests.tui.bench import created, dense, epoch, started
from tests.workers import made, trains, until
from vitprune_core import launch
from vitprune_core.store import events as e
from vitprune_core.store.log import encode, entries
from vitprune_core.store.rundir import LOG, RunDir
from vitprune_core.store.summary import cache, summarize


def finished(folder: Path) -> RunDir:
    """A real digits run with five levels, trained for as short as gives it everything."""
    run = made(folder, "oneshot_global-digits-s0-0000", "oneshot_global", "train.epochs=8")
    launch.start(run).wait()
    assert summarize(run).state == "done"
    return run


def copies(run: RunDir, folder: Path, number: int) -> list[str]:
    """The same run under so many ids, older and older, each with another config and accuracy."""
    names = [f"oneshot_global-digits-s0-{i:04x}" for i in range(1, number + 1)]
    records = list(entries(run.log))
    ignored = shutil.ignore_patterns(LOG, run.summary.name, run.lock.name)
    for i, name in enumerate(names, 1):
        copy = RunDir(folder / name)
        shutil.copytree(run.path, copy.path, ignore=ignored, copy_function=os.link)
        told = (r._replace(event=_varied(r.event, i / number)) for r in records)
        lines = [encode(r.seq, r.attempt, r.time - 60 * i, r.seconds, r.event) for r in told]
        copy.log.write_bytes(b"".join(lines))
        cache(copy)
    return names


def _varied(event: e.Event, share: float) -> e.Event:
    """Worse by a share, and asked for otherwise, so that no two curves are one."""
    match event:
        case e.Created() | e.Started():
            retrain = {**event.config["retrain"], "fraction": round(0.25 + share / 2, 4)}
            return replace(event, config={**event.config, "retrain": retrain})
        case e.Epoch():
            worse = _worse(event.validation, share)
            return replace(event, loss=event.loss * (1 + share), validation=worse)
        case e.DenseTrained() | e.Pruned() | e.Level():
            return replace(event, test=_worse(event.test, share))
    return event


def _worse(score: e.Score, share: float) -> e.Score:
    return replace(score, accuracy=score.accuracy * (1 - share / 2))


@contextmanager
def training(folder: Path, *seeds: int, epochs: int = 60) -> Iterator[list[RunDir]]:
    """Digits runs of one thread each, side by side, that are at work; killed at the end."""
    asked = ("oneshot_global", f"train.epochs={epochs}")
    runs = [made(folder, f"training-s{seed}", *asked, seed=seed) for seed in seeds]
    processes = [launch.start(run) for run in runs]
    try:
        for run in runs:
            until(partial(trains, run))
        yield runs
    finally:
        for process in processes:
            process.kill()
            process.wait()


def long(folder: Path, epochs: int) -> RunDir:
    """A run that is done after so many epochs; its log is written here, as a real one would be."""
    run = RunDir(folder / "long").create()
    trained = (
        epoch(i, accuracy=1 - 0.9 / (1 + i), loss=2.3 / (1 + i) ** 0.3) for i in range(epochs)
    )
    done = e.Finished(weights_sha256="f" * 64)
    told = [created("dense"), started(epochs), *trained, dense(epochs=epochs), done]
    begun = time.time() - 1_000_000  # it is not the newest, which the bench opens by itself
    with run.log.open("wb") as file:
        for seq, event in enumerate(told, 1):
            file.write(encode(seq, int(seq > 1), begun + seq, 1.0, event))
    cache(run)
    return run
