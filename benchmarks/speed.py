"""Training the study's ViT on this machine's CPU, beside the public recipe, in the same run.

    python -m benchmarks.speed [step] [masked] [augment] [epoch]

`step`: one batch, against the recipe's parts and the limit that matrix products set. `masked`: what
holding removed weights at zero costs. `augment`: a batch varied here and by PIL. `epoch`: from
stored bytes to weights with AutoAugment, against the recipe with its DataLoader, and what all the
study's arms would take at that rate.
"""

import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from statistics import median

import torch
from torch.utils.data import DataLoader

from benchmarks import recipe
from vitprune_core.engine.adamw import AdamW
from vitprune_core.engine.augment import augment
from vitprune_core.engine.data import Dataset, load
from vitprune_core.engine.device import resolve
from vitprune_core.engine.pruning import make_masks
from vitprune_core.engine.state import fresh
from vitprune_core.engine.train import batches, loss_of, mask_gradients
from vitprune_core.engine.vit import ViT, initial
from vitprune_core.spec import request, shape
from vitprune_core.spec.config import Config
from vitprune_core.spec.datasets import DATASETS
from vitprune_core.spec.plan import Train, plan

BATCH, THREADS, REPEATS = 128, 2, 7
H100 = 989e12
"""Operations a second of its dense bf16 products, as its data sheet says."""
STUDY = [
    *(f"{s}_{d}" for s in ("oneshot", "iterative") for d in ("global", "layerwise", "random")),
    *(f"{g}_{d}" for g in ("rows", "columns") for d in ("global", "layerwise", "random")),
    *("mlp_only", "attention_only", "retrain_only"),
]
Step = Callable[[], None]


def config_of(precision: str, preset: str = "dense") -> Config:
    asked = [f"precision={precision}", f"threads={THREADS}", "device=cpu"]
    return resolve(request.load(preset, "synthetic", asked).config)


def ours(config: Config) -> tuple[ViT, AdamW]:
    model = ViT(config.model, config.data, config.precision)
    return model, AdamW(model, fresh(initial(config)), config.train.weight_decay)


def update(
    model: ViT, optimizer: AdamW, images: torch.Tensor, labels: torch.Tensor, config: Config
) -> None:
    """A training step, as `train` takes it when nothing is pruned."""
    loss = loss_of(model, images, labels, config)
    loss.item()
    model.zero_grad()
    loss.backward()
    optimizer.update(1e-4)


def timed(steps: dict[str, Step], repeats: int) -> dict[str, float]:
    """Median seconds of each, in turns, so that a noisy neighbour disturbs all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for repeat in range(repeats + 1):
        for name, do in steps.items():
            begun = time.perf_counter()
            do()
            if repeat:  # the first warms up
                seconds[name].append(time.perf_counter() - begun)
    return {name: median(each) for name, each in seconds.items()}


def step() -> None:
    images = torch.randint(256, (BATCH, 3, 32, 32), dtype=torch.uint8)
    labels = torch.randint(10, (BATCH,))
    scaled, peer = images / 255 - 0.5, recipe.RecipeViT()
    adam = torch.optim.Adam(peer.parameters(), lr=1e-4, weight_decay=5e-5)
    steps: dict[str, Step] = {"recipe": lambda: recipe.step(peer, adam, scaled, labels)}
    config = config_of("fp32")
    for precision in ("fp32", "bf16"):
        model, optimizer = ours(config_of(precision))
        steps[precision] = lambda m=model, o=optimizer: update(m, o, images, labels, config)
    limits = {"fp32": product(torch.float32), "bf16": product(torch.bfloat16)}
    found = timed({**steps, **{f"product {name}": do for name, do in limits.items()}}, REPEATS)
    print("| training step, batch 128 | ms | images/s | against the recipe | of the limit |")
    print("| --- | --- | --- | --- | --- |")
    for name, label in (
        ("recipe", "the recipe's parts, fp32"),
        ("fp32", "vitprune, fp32"),
        ("bf16", "vitprune, bf16"),
    ):
        kind = "bf16" if name == "bf16" else "fp32"
        operations = 6 * (written(config) if name == "recipe" else computed(config))
        rate, limit = BATCH / found[name], PRODUCT / found[f"product {kind}"] / operations
        ratio = found["recipe"] / found[name]
        print(
            f"| {label} | {1000 * found[name]:.0f} | {rate:.1f} | {ratio:.2f}x | "
            f"{100 * rate / limit:.0f} % of {limit:.0f} images/s |"
        )
    for name in limits:
        rate = PRODUCT / found[f"product {name}"] / 1e9
        print(f"matrix products alone reach {rate:.0f} GFLOP/s in {name}")


def written(config: Config) -> int:
    """Multiply-adds of one image through the architecture."""
    return shape.multiply_adds(config.model, config.data)


def computed(config: Config) -> int:
    """The same without what nobody reads: the last block's tokens but one, after its k and v."""
    width, unread = config.model.width, shape.tokens(config.model, config.data) - 1
    attention = 2 * width * unread * (unread + 1)
    return written(config) - unread * 4 * width**2 - attention


PRODUCT = 2 * BATCH * 65 * 384 * 384 * 8
"""Operations of `product`."""


def product(kind: torch.dtype) -> Step:
    """The model's commonest product, eight times."""
    x, w = torch.randn(BATCH * 65, 384).to(kind), torch.randn(384, 384).to(kind)
    y = torch.empty(BATCH * 65, 384, dtype=kind)

    def multiply() -> None:
        for _ in range(8):
            torch.mm(x, w, out=y)

    return multiply


def masked() -> None:
    config = config_of("bf16")
    model, optimizer = ours(config)
    weights = {
        n: dict(model.named_parameters())[f"{n}.weight"] for n in shape.matrices(config.model)
    }
    masks = make_masks({n: w.detach() for n, w in weights.items()}, sparsity=0.9)
    images = torch.randint(256, (BATCH, 3, 32, 32), dtype=torch.uint8)
    labels = torch.randint(10, (BATCH,))
    pairs = [(weights[name], mask) for name, mask in masks.items()]
    found = timed(
        {
            "step": lambda: update(model, optimizer, images, labels, config),
            "masks": lambda: mask_gradients(pairs),
        },
        REPEATS,
    )
    share = found["masks"] / found["step"]
    print(
        f"holding 90 % of 6.2 M weights at zero: {1000 * found['masks']:.1f} ms a step of ", end=""
    )
    print(f"{1000 * found['step']:.0f} ms in bf16, {100 * share:.2f} %")


def augmented() -> None:
    """On one thread, as it is done between two steps and in a loader's process."""
    config = config_of("fp32")
    images = torch.randint(256, (BATCH, 3, 32, 32), dtype=torch.uint8)
    theirs = recipe.Images(images, torch.zeros(BATCH))
    draw = torch.Generator().manual_seed(0)

    def mine() -> None:
        augment(images, config.train.augment, draw)

    def his() -> None:
        for i in range(BATCH):
            theirs[i]

    torch.set_num_threads(1)
    found = timed({"vitprune": mine, "recipe": his}, 50)
    torch.set_num_threads(THREADS)
    ms = {name: 1000 * seconds for name, seconds in found.items()}
    print(f"AutoAugment of 128 images: {ms['vitprune']:.1f} ms, by PIL {ms['recipe']:.1f} ms")


def epoch(count: int = 8) -> None:
    """A part of an epoch of each, in turns: from stored bytes to updated weights."""
    config = config_of("auto")
    data = load(config)
    model, optimizer = ours(config)
    peer = recipe.RecipeViT()
    adam = torch.optim.Adam(peer.parameters(), lr=1e-4, weight_decay=5e-5)

    def mine() -> None:
        for images, labels in islice(stream(data, config), count):
            update(model, optimizer, images, labels, config)

    def theirs(given: DataLoader) -> None:
        for images, labels in given:
            recipe.step(peer, adam, images, labels)

    part = data.train.images[: count * BATCH], data.train.labels[: count * BATCH]
    ways: dict[str, Step] = {"vitprune": mine}
    for workers in (0, 2):
        given = recipe.loader(*part, BATCH, workers)
        ways[f"recipe, {workers} workers"] = partial(theirs, given)
    found = timed(ways, 3)
    best = min(seconds for name, seconds in found.items() if name != "vitprune")
    print(
        f"| {count} batches of 128, AutoAugment included | images/s | against the better recipe |"
    )
    print("| --- | --- | --- |")
    for name, seconds in found.items():
        label = f"{name}, {config.precision}" if name == "vitprune" else f"{name}, fp32"
        print(f"| {label} | {count * BATCH / seconds:.1f} | {best / seconds:.2f}x |")
    print()
    study(trained_on(config) / (count * BATCH / found["vitprune"]))


def stream(data: Dataset, config: Config) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    return batches(data.train, Train(0, 0, 0, 1, "schedule"), 0, config)


def study(seconds_per_epoch: float) -> None:
    """Days of all the study's arms with one seed, one dense training shared by all."""
    config = config_of("bf16")
    dense = config.train.epochs
    arms = {name: plan(config_of("bf16", name)).epochs - dense for name in STUDY}
    epochs = dense + sum(arms.values())
    operations = epochs * trained_on(config) * 6 * written(config)
    days = epochs * seconds_per_epoch / 86_400
    print(
        f"{len(arms)} arms: {dense} epochs dense and {sum(arms.values())} of retraining, one seed"
    )
    print(f"here, at {seconds_per_epoch:.0f} s an epoch: {days:.0f} days")
    for share in (1, 0.3):
        minutes = operations / H100 / share / 60
        print(f"{operations:.1e} operations at {100 * share:.0f} % of an H100: {minutes:.0f} min")


def trained_on(config: Config) -> int:
    """Images of an epoch."""
    return DATASETS[config.data.name].images - config.data.validation


def main(words: list[str]) -> None:
    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    parts = {"step": step, "masked": masked, "augment": augmented, "epoch": epoch}
    for word in words or parts:
        if word not in parts:
            sys.exit(f"{word} is not one of {', '.join(parts)}")
        parts[word]()
        print(flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
