"""The one training loop: a stretch of the learning-rate schedule, epoch by epoch."""

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vitprune_core.engine.adamw import AdamW
from vitprune_core.engine.augment import augment
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

CALIBRATION = 1024
"""Images that criteria of gradients or inputs look at."""
FETCH_EVERY = 20
"""Steps between two looks at the losses where a look makes the device wait."""


@dataclass
class NotFinite(Exception):
    """The loss, or a weight, is not a number any more: the run cannot go on."""

    phase: Train
    epoch: int
    step: int
    """Of the phase, from 0."""
    lr: float
    gradient_norm: float | None
    """Of the last update; None before the first, when it overflowed, or when the loss was looked at
    only some steps later, as on CUDA."""


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
    begun, fetch_every = here, 1 if config.device == "cpu" else FETCH_EVERY

    def number(epoch: int, batch: int) -> int:
        return begun.step + (epoch - begun.epoch) * steps + batch - begun.batch

    def position(epoch: int, batch: int, losses: Losses) -> Position:
        step, state, total = number(epoch, batch), optimizer.state, losses.total()
        return replace(begun, step=step, epoch=epoch, batch=batch, total=total, state=state)

    def at(epoch: int, batch: int, losses: Losses, phase_end: bool = False) -> Moment:
        place = partial(position, epoch, batch, losses)
        return Moment(number(epoch, batch), place, phase_end)

    def not_finite(epoch: int, batch: int) -> NotFinite:
        lr = lr_of(phase, epoch + (batch + 1) / steps, config)
        step = (epoch - phase.start) * steps + batch
        return NotFinite(phase, epoch, step, lr, gradient_norm(model))

    while here.epoch < phase.stop:
        epoch, losses = here.epoch, Losses(here.batch, here.total)
        model.train()
        order = batches(data.train, phase, epoch, config, first=here.batch)
        for batch, (images, labels) in enumerate(order, here.batch):
            yield at(epoch, batch, losses)
            loss = loss_of(model, images, labels, config)
            losses.add(loss, len(labels))
            if (batch + 1) % fetch_every == 0 and not math.isfinite(losses.total()):
                raise not_finite(epoch, losses.broken)
            model.zero_grad()
            loss.backward()
            mask_gradients(kept)
            optimizer.update(lr_of(phase, epoch + (batch + 1) / steps, config))
        if not math.isfinite(losses.total()):
            raise not_finite(epoch, losses.broken)
        if not all(bool(p.isfinite().all()) for p in model.parameters()):
            raise not_finite(epoch, steps - 1)
        check_removed(kept)
        _, validation = yield from evaluate(model, data.validation, at(epoch, steps, losses))
        if not math.isfinite(validation.loss):
            raise not_finite(epoch, steps - 1)
        here = replace(here, epoch=epoch + 1, batch=0, total=0.0)
        yield Epoch(
            round=phase.round,
            cycle=phase.cycle,
            epoch=epoch,
            sparsity=phase.sparsity,
            loss=losses.total() / len(data.train),
            lr=lr_of(phase, epoch + 1, config),
            validation=validation,
        )
    nothing = Losses()
    yield at(phase.stop, 0, nothing, phase_end=True)
    return position(phase.stop, 0, nothing)


class Losses:
    """The sum of an epoch's losses, fetched from the device only when it is asked for.

    Waiting for a GPU after every step would leave it idle while the next one is prepared.
    """

    def __init__(self, batch: int = 0, total: float = 0.0):
        self.broken = batch
        """Once the total is not finite: the batch that made it so."""
        self.fetched, self.waiting = total, list[tuple[Tensor, int]]()

    def add(self, loss: Tensor, images: int) -> None:
        self.waiting.append((loss.detach(), images))

    def total(self) -> float:
        if not self.waiting:
            return self.fetched
        values = torch.stack([loss for loss, _ in self.waiting]).tolist()
        for value, (_, images) in zip(values, self.waiting, strict=True):
            if math.isfinite(self.fetched):
                self.fetched += value * images
                self.broken += math.isfinite(self.fetched)
        self.waiting.clear()
        return self.fetched


def loss_of(
    model: Callable[[Tensor], Tensor], images: Tensor, labels: Tensor, config: Config
) -> Tensor:
    return F.cross_entropy(model(images), labels, label_smoothing=config.train.label_smoothing)


def batches(
    part: Part, phase: Train, epoch: int, config: Config, first: int = 0
) -> Iterator[tuple[Tensor, Tensor]]:
    """All images once, in an order and varied as seed, round, cycle and epoch decide alone.

    `first` is the batch to begin with.
    """
    draw = generator("order", config.seed, phase.round, phase.cycle, epoch)
    order = torch.randperm(len(part), generator=draw).to(part.labels.device)
    for batch, at in enumerate(order.split(config.train.batch_size)[first:], first):
        vary = generator("augment", config.seed, phase.round, phase.cycle, epoch, batch)
        yield augment(part.images[at], config.train.augment, vary), part.labels[at]


def calibration(part: Part, config: Config) -> Iterator[tuple[Tensor, Tensor]]:
    """Some training images as they are, the same in every round: what criteria look at."""
    order = torch.randperm(len(part), generator=generator("calibration", config.seed))
    for at in order[:CALIBRATION].to(part.labels.device).split(config.train.batch_size):
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
