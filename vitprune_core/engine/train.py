"""The one training loop: a stretch of the learning-rate schedule, epoch by epoch."""

import math
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vitprune_core.engine.adamw import AdamW
from vitprune_core.engine.data import Dataset, Part
from vitprune_core.engine.evaluate import evaluate
from vitprune_core.engine.position import Position
from vitprune_core.engine.seeds import generator
from vitprune_core.engine.state import Tensors
from vitprune_core.engine.vit import ViT
from vitprune_core.spec.config import Config
from vitprune_core.spec.plan import Train, lr_of
from vitprune_core.store.checkpoints import Moment
from vitprune_core.store.events import Epoch


@dataclass
class NotFinite(Exception):
    """The loss, or a weight, is not a number any more: the run cannot go on."""

    phase: Train
    epoch: int
    step: int
    """Of the phase, from 0."""
    lr: float
    gradient_norm: float | None
    """Of the last update; None before the first or when it overflowed."""


def train(
    model: ViT, here: Position, phase: Train, config: Config, data: Dataset, masks: Tensors
) -> Generator[Epoch | Moment, None, Position]:
    """Train over a phase from wherever `here` is in it, yielding each epoch; returns its end.

    Before every step, and after the last, it yields the moment at which the run could be left.
    `model` is working space: what it was before does not matter. `masks` are booleans by parameter
    name, True = kept. Raises `NotFinite`.
    """
    optimizer = AdamW(model, here.state, config.train.weight_decay)
    kept = [(p, masks[name]) for name, p in model.named_parameters() if name in masks]
    steps = -(-len(data.train) // config.train.batch_size)
    begun = here

    def number(epoch: int, batch: int) -> int:
        return begun.step + (epoch - begun.epoch) * steps + batch - begun.batch

    def position(epoch: int, batch: int, total: float) -> Position:
        step, state = number(epoch, batch), optimizer.state
        return replace(begun, step=step, epoch=epoch, batch=batch, total=total, state=state)

    def at(epoch: int, batch: int, total: float, phase_end: bool = False) -> Moment:
        place = partial(position, epoch, batch, total)
        return Moment(number(epoch, batch), place, phase_end)

    while here.epoch < phase.stop:
        epoch, total = here.epoch, here.total
        model.train()
        order = batches(data.train, phase, epoch, config, first=here.batch)
        for batch, (images, labels) in enumerate(order, here.batch):
            yield at(epoch, batch, total)
            lr = lr_of(phase, epoch + (batch + 1) / steps, config)
            loss = loss_of(model, images, labels, config)
            value = loss.item()
            step = (epoch - phase.start) * steps + batch
            if not math.isfinite(value):
                raise NotFinite(phase, epoch, step, lr, gradient_norm(model))
            model.zero_grad()
            loss.backward()
            mask_gradients(kept)
            optimizer.update(lr)
            total += value * len(labels)
        lr, step = lr_of(phase, epoch + 1, config), (epoch + 1 - phase.start) * steps - 1
        if not all(bool(p.isfinite().all()) for p in model.parameters()):
            raise NotFinite(phase, epoch, step, lr, gradient_norm(model))
        check_removed(kept)
        _, validation = yield from evaluate(model, data.validation, at(epoch, steps, total))
        if not math.isfinite(validation.loss):
            raise NotFinite(phase, epoch, step, lr, gradient_norm(model))
        here = replace(here, epoch=epoch + 1, batch=0, total=0.0)
        yield Epoch(
            round=phase.round,
            cycle=phase.cycle,
            epoch=epoch,
            sparsity=phase.sparsity,
            loss=total / len(data.train),
            lr=lr,
            validation=validation,
        )
    yield at(phase.stop, 0, 0.0, phase_end=True)
    return position(phase.stop, 0, 0.0)


def loss_of(model: ViT, images: Tensor, labels: Tensor, config: Config) -> Tensor:
    return F.cross_entropy(model(images), labels, label_smoothing=config.train.label_smoothing)


def batches(
    part: Part, phase: Train, epoch: int, config: Config, first: int = 0
) -> Iterator[tuple[Tensor, Tensor]]:
    """All images once, in an order that seed, round, cycle and epoch decide alone.

    `first` is the batch to begin with.
    """
    draw = generator("order", config.seed, phase.round, phase.cycle, epoch)
    order = torch.randperm(len(part), generator=draw).to(part.labels.device)
    for at in order.split(config.train.batch_size)[first:]:
        yield part.images[at], part.labels[at]


def mask_gradients(kept: Sequence[tuple[Tensor, Tensor]]) -> None:
    """All that it takes: with weight and moments at zero, AdamW and its decay leave them there."""
    for parameter, mask in kept:
        assert parameter.grad is not None
        parameter.grad.mul_(mask)


def check_removed(kept: Sequence[tuple[Tensor, Tensor]]) -> None:
    """What was removed must still be exactly zero: everything that is reported rests on it."""
    if any(parameter.detach()[~mask].any() for parameter, mask in kept):
        raise RuntimeError("a removed weight has grown back; this is a bug, please report it")


def gradient_norm(model: nn.Module) -> float | None:
    """Of the gradients of the last update, which are still there when the next loss is computed."""
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    norm = float(nn.utils.get_total_norm(gradients)) if gradients else math.nan
    return norm if math.isfinite(norm) else None
