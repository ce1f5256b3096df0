"""How a model does, image by image."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vitprune_core.engine.data import Part
from vitprune_core.engine.vit import ViT
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


@torch.no_grad()
def evaluate(model: ViT, part: Part) -> tuple[PerImage, Score]:
    model.eval()
    batches = zip(part.images.split(BATCH), part.labels.split(BATCH), strict=True)
    parts = [_rank_and_nll(model(images), labels) for images, labels in batches]
    rank = torch.cat([rank for rank, _ in parts]).cpu().numpy()
    nll = torch.cat([nll for _, nll in parts]).cpu().numpy()
    classes = model.classifier.out_features
    top5 = float((rank < 5).mean()) if classes >= TOP5_FROM else None
    score = Score(accuracy=float((rank == 0).mean()), loss=float(nll.mean(dtype=float)), top5=top5)
    return PerImage(rank == 0, nll.astype(np.float32)), score


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
