"""From stored bytes to updated weights, AutoAugment included: beside the bare step and the recipe.

Some batches of an epoch of the study's ViT, and what all arms of the study would take at that rate.
"""

from functools import partial
from itertools import islice

import torch
from torch.utils.data import DataLoader

from benchmarks.speed import recipe
from benchmarks.speed.ours import (
    BATCH,
    THREADS,
    built,
    config_of,
    stream,
    trained_on,
    update,
    written,
)
from benchmarks.speed.table import ms, row, times
from benchmarks.speed.turns import Way, timed
from vitprune_core.engine.augment import augment
from vitprune_core.engine.data import load
from vitprune_core.spec.config import Config
from vitprune_core.spec.plan import plan

COUNT, REPEATS = 8, 3
H100 = 989e12
"""Operations a second of its dense bf16 products, as its data sheet says."""
STUDY = [
    *(f"{s}_{d}" for s in ("oneshot", "iterative") for d in ("global", "layerwise", "random")),
    *(f"{g}_{d}" for g in ("rows", "columns") for d in ("global", "layerwise", "random")),
    *("mlp_only", "attention_only", "retrain_only"),
]


def main() -> None:
    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    config = config_of()
    data = load(config)
    model, optimizer = built(config)
    peer = recipe.RecipeViT()
    adam = torch.optim.Adam(peer.parameters(), lr=1e-4, weight_decay=5e-5)
    ready = list(islice(stream(data, config), COUNT))

    def bare() -> None:
        for images, labels in ready:
            update(model, optimizer, images, labels, config)

    def whole() -> None:
        for images, labels in islice(stream(data, config), COUNT):
            update(model, optimizer, images, labels, config)

    def theirs(given: DataLoader) -> None:
        for images, labels in given:
            recipe.step(peer, adam, images, labels)

    part = data.train.images[: COUNT * BATCH], data.train.labels[: COUNT * BATCH]
    ways: dict[str, Way] = {"bare": bare, "whole": whole}
    for workers in (0, 2):
        ways[f"{workers}"] = partial(theirs, recipe.loader(*part, BATCH, workers))
    found = timed(ways, REPEATS)
    workers = min(("0", "2"), key=found.__getitem__)
    what = f"{COUNT} batches with AutoAugment, {config.precision}"
    row(
        f"{what}, beside the bare steps",
        rate(found["whole"]),
        rate(found["bare"]),
        f"**{100 * (found['whole'] / found['bare'] - 1):+.1f} %**",
        "5 %",
    )
    row(
        f"{what}, beside the recipe with its DataLoader, {workers} workers (the better)",
        rate(found["whole"]),
        rate(found[workers]),
        times(found[workers], found["whole"]),
        "2.5x",
    )
    augmented(config)
    study(trained_on(config) / (COUNT * BATCH / found["whole"]))


def rate(seconds: float) -> str:
    return f"{COUNT * BATCH / seconds:.1f} images/s"


def augmented(config: Config) -> None:
    """On one thread, as it is done between two steps and in a loader's process."""
    images = torch.randint(256, (BATCH, 3, 32, 32), dtype=torch.uint8)
    theirs = recipe.Images(images, torch.zeros(BATCH))
    draw = torch.Generator().manual_seed(0)
    ways: dict[str, Way] = {
        "vitprune": lambda: augment(images, config.train.augment, draw),
        "recipe": lambda: [theirs[i] for i in range(BATCH)],
    }
    torch.set_num_threads(1)
    found = timed(ways, 50)
    mine, his = found["vitprune"], found["recipe"]
    row("AutoAugment of 128 images, beside PIL, one thread", ms(mine), ms(his), times(his, mine))


def study(seconds_per_epoch: float) -> None:
    """Days of all the study's arms with one seed, one dense training shared by all."""
    config = config_of("bf16")
    dense = config.train.epochs
    arms = [plan(config_of("bf16", preset=name)).epochs - dense for name in STUDY]
    epochs = dense + sum(arms)
    operations = epochs * trained_on(config) * 6 * written(config)
    days = epochs * seconds_per_epoch / 86_400
    what = f"the study's {len(arms)} arms, one seed: {epochs:,} epochs, {operations:.1e} operations"
    on_gpu = f"{operations / H100 / 60:.0f} min of an H100's peak, by arithmetic"
    row(what, f"{days:.0f} days at this rate", on_gpu)


if __name__ == "__main__":
    main()
