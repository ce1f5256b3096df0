"""How a model does, image by image.

Evaluation yields between batches, at the moment at which the run would go on from: a request is
answered within a batch and not only when the whole test set is through.
"""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vitprune_core.engine.data import Dataset, Part
from vitprune_core.engine.vit import ViT
from vitprune_core.store.checkpoints import Moment
from vitprune_core.store.events import Score

BATCH = 100
TOP5_FROM = 100
"""Classes; with fewer, the five most likely say little."""


@dataclass(frozen=True)
class PerImage:
    correct: np.ndarray
    """Booleans, shape (images,)."""
    nll: np.ndarray
    """Negative log-likelihood of the label in nats, float32, shape (images,)."""


@dataclass(frozen=True)
class Scores:
    """How a model does on what is not trained on, at one moment."""

    validation: Score
    test: Score
    images: PerImage
    """Of the test set."""


def scores(model: ViT, data: Dataset, here: Moment) -> Generator[Moment, None, Scores]:
    images, test = yield from evaluate(model, data.test, here)
    _, validation = yield from evaluate(model, data.validation, here)
    return Scores(validation, test, images)


def evaluate(
    model: ViT, part: Part, here: Moment
) -> Generator[Moment, None, tuple[PerImage, Score]]:
    model.eval()
    ranks, nlls = [], []
    for images, labels in zip(part.images.split(BATCH), part.labels.split(BATCH), strict=True):
        with torch.no_grad():
            rank, nll = _rank_and_nll(model(images), labels)
        ranks.append(rank)
        nlls.append(nll)
        yield here
    before, loss = torch.cat(ranks).cpu().numpy(), torch.cat(nlls).cpu().numpy()
    classes = model.classifier.out_features
    top5 = float((before < 5).mean()) if classes >= TOP5_FROM else None
    accuracy, mean = float((before == 0).mean()), float(loss.mean(dtype=float))
    score = Score(accuracy=accuracy, loss=mean, top5=top5)
    return PerImage(before == 0, loss.astype(np.float32)), score


def _rank_and_nll(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """How many classes are put before the label, and -log p(label).

    Ties go by class number; a logit that is not a number is before any label.
    """
    logits = logits.float()
    own = logits.gather(1, labels[:, None])
    number = torch.arange(logits.shape[1], device=logits.device)
    behind = torch.where(number < labels[:, None], logits < own, logits <= own)
    before = ~behind & (number != labels[:, None])
    return before.sum(1), F.cross_entropy(logits, labels, reduction="none")
