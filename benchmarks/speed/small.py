"""An epoch of the small workloads, beside timm's model in a plain loop with a DataLoader.

Both train on the same images with as many threads as the workload asks for, and watch the
validation images at the end. Digits also as a study does them, two runs of one thread at a time,
beside the loop with all threads.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import get_context

import torch

from benchmarks.speed import peers
from benchmarks.speed.ours import THREADS, config_of
from benchmarks.speed.table import ms, row, times
from benchmarks.speed.turns import Way, timed
from vitprune_core.engine import state, train, vit
from vitprune_core.engine.data import Dataset, Part, load
from vitprune_core.engine.position import Position
from vitprune_core.spec.config import Config
from vitprune_core.spec.plan import Train

IMAGES = {"digits": (1257, 180), "fashion": (6400, 500)}
"""To train on and to watch: all of digits, some of fashion."""


def main() -> None:
    for workload in IMAGES:
        config = config_of(workload=workload)
        torch.set_num_threads(config.threads)
        data = some(load(config), *IMAGES[workload])
        ways: dict[str, Way] = {"ours": ours(config, data)}
        for workers in (0, 2):
            ways[f"{workers}"] = theirs(config, data, workers)
        found = timed(ways, 7 if workload == "digits" else 3)
        workers = min(("0", "2"), key=found.__getitem__)
        what = (
            f"{workload}: {len(data.train):,} images an epoch, {config.threads} threads, "
            f"{config.precision}, beside a plain loop of timm with a DataLoader, {workers} workers"
        )
        mine, his = found["ours"], found[workers]
        row(what, ms(mine), ms(his), times(his, mine), "2x")
    as_studies_are_done()


def as_studies_are_done() -> None:
    """Of the smallest, whose products are too small to be shared by threads."""
    config = config_of(workload="digits")
    torch.set_num_threads(THREADS)
    data = load(config)
    with together(THREADS) as both:
        ways: dict[str, Way] = {"ours": both}
        for workers in (0, 2):
            ways[f"{workers}"] = theirs(config, data, workers)
        found = timed(ways, 7)
    workers = min(("0", "2"), key=found.__getitem__)
    what = (
        f"digits as `sweep` does it, {THREADS} runs of one thread at a time, an epoch of one, "
        f"beside the loop with {THREADS} threads, {workers} workers"
    )
    mine, his = found["ours"] / THREADS, found[workers]
    row(what, ms(mine), ms(his), times(his, mine), "2x")


@contextmanager
def together(processes: int) -> Iterator[Way]:
    """An epoch of digits in each of so many processes at the same time."""
    with get_context("spawn").Pool(processes, _prepare) as pool:
        yield lambda: pool.map(_epoch, range(processes), chunksize=1)


def _prepare() -> None:
    global prepared
    config = config_of(workload="digits")
    torch.set_num_threads(config.threads)
    prepared = ours(config, load(config))


def _epoch(_: int) -> None:
    prepared()


def ours(config: Config, data: Dataset) -> Way:
    """The engine's own loop, on a model that goes on training."""
    model = vit.ViT(config.model, config.data, config.precision)
    phase = Train(round=0, cycle=0, start=0, stop=1, policy="schedule")
    here = [Position(stage="dense", step=0, state=state.fresh(vit.initial(config)))]

    def epoch() -> None:
        told = train.train(model, here[0], phase, config, data, {})
        while True:
            try:
                next(told)
            except StopIteration as end:
                here[0] = replace(end.value, epoch=0, step=0)
                return

    return epoch


def theirs(config: Config, data: Dataset, workers: int) -> Way:
    model = peers.vit(config)
    adam = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05)
    batch = config.train.batch_size
    given = peers.loader(peers.Images(data.train), batch, workers)
    watched = peers.loader(peers.Images(data.validation), batch, workers)

    def epoch() -> None:
        for images, labels in given:
            peers.step(model, adam, images, labels)
        peers.accuracy(model, watched)

    return epoch


def some(data: Dataset, trained: int, watched: int) -> Dataset:
    def first(part: Part, count: int) -> Part:
        return Part(part.images[:count], part.labels[:count])

    return replace(
        data, train=first(data.train, trained), validation=first(data.validation, watched)
    )


if __name__ == "__main__":
    main()
