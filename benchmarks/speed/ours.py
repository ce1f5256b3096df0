"""The product's own parts, as a run uses them."""

from collections.abc import Iterator

import torch
from torch import Tensor

from benchmarks.speed.turns import Way
from vitprune_core.engine.adamw import AdamW
from vitprune_core.engine.data import Dataset, Part
from vitprune_core.engine.device import resolve
from vitprune_core.engine.state import fresh
from vitprune_core.engine.train import batches, loss_of
from vitprune_core.engine.vit import ViT, initial
from vitprune_core.spec import request, shape
from vitprune_core.spec.config import Config
from vitprune_core.spec.datasets import DATASETS
from vitprune_core.spec.plan import Train

BATCH, THREADS = 128, 2
TIMES = 8
"""Of one turn: a single product is too short to be timed."""


def config_of(
    precision: str | None = None, workload: str = "synthetic", preset: str = "dense"
) -> Config:
    """The workload's own precision unless another is asked for."""
    asked = [f"precision={precision}"] * (precision is not None) + ["device=cpu"]
    if workload == "synthetic":
        asked.append(f"threads={THREADS}")
    return resolve(request.load(preset, workload, asked).config)


def built(config: Config) -> tuple[ViT, AdamW]:
    model = ViT(config.model, config.data, config.precision).to(config.device)
    return model, AdamW(model, fresh(initial(config)), config.train.weight_decay)


def update(model: ViT, optimizer: AdamW, images: Tensor, labels: Tensor, config: Config) -> None:
    """A training step, as `train` takes it when nothing is pruned."""
    loss = loss_of(model, images, labels, config)
    loss.item()
    model.zero_grad()
    loss.backward()
    optimizer.update(1e-4)


def noise(count: int, config: Config) -> Part:
    """Images of a dataset's shape."""
    facts = DATASETS[config.data.name]
    shape_BCYX = (count, facts.channels, facts.side, facts.side)
    images = torch.randint(256, shape_BCYX, dtype=torch.uint8)
    return Part(images, torch.randint(facts.classes, (count,)))


def stream(data: Dataset, config: Config) -> Iterator[tuple[Tensor, Tensor]]:
    """The batches of an epoch, augmented."""
    return batches(data.train, Train(0, 0, 0, 1, "schedule"), 0, config)


def trained_on(config: Config) -> int:
    """Images of an epoch."""
    return DATASETS[config.data.name].images - config.data.validation


def written(config: Config) -> int:
    """Multiply-adds of one image through the architecture."""
    return shape.multiply_adds(config.model, config.data)


def computed(config: Config) -> int:
    """The same without what nobody reads: the last block's tokens but one, after its k and v."""
    width, unread = config.model.width, shape.tokens(config.model, config.data) - 1
    attention = 2 * width * unread * (unread + 1)
    return written(config) - unread * 4 * width**2 - attention


def product(rows: int, width: int, precision: str) -> Way:
    """A model's commonest product, `TIMES` times."""
    kind = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
    x, w = torch.randn(rows, width).to(kind), torch.randn(width, width).to(kind)
    y = torch.empty(rows, width, dtype=kind)

    def multiply() -> None:
        for _ in range(TIMES):
            torch.mm(x, w, out=y)

    return multiply


def rate(rows: int, width: int, seconds: float) -> float:
    """Operations a second of `product`."""
    return 2 * TIMES * rows * width**2 / seconds
