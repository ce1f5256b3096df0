"""The facts about a dataset that a plan needs before any image is loaded."""

from dataclasses import dataclass
from typing import Literal

DatasetName = Literal["digits", "fashion", "cifar10", "cifar100", "svhn", "synthetic"]
AugmentName = Literal["none", "crop", "crop_flip", "autoaugment"]
"""crop: shifted by up to an eighth; crop_flip: also mirrored; autoaugment: both, then the
AutoAugment policy for CIFAR-10."""


@dataclass(frozen=True)
class Dataset:
    side: int
    """Height and width of an image, in pixels."""
    channels: int
    classes: int
    images: int
    """What training and validation share: all that is not test."""
    mean: tuple[float, ...]
    """Of the pixels as they are stored, by channel: what the model subtracts."""
    std: tuple[float, ...]
    """What the model divides by."""
    augment: tuple[AugmentName, ...] = ("none",)
    """The augmentations that make sense for it."""
    folds: int | None = None
    """Parts that take turns as the test set; None where the test set is fixed."""


CIFAR_MEAN, CIFAR_STD = (125.3, 123.0, 113.9), (63.0, 62.1, 66.7)
EVERY: tuple[AugmentName, ...] = ("none", "crop", "crop_flip", "autoaugment")
DATASETS: dict[str, Dataset] = {
    "digits": Dataset(8, 1, 10, images=1_437, mean=(8.0,), std=(8.0,), folds=5),
    "fashion": Dataset(28, 1, 10, 60_000, (72.9,), (90.0,), ("none", "crop", "crop_flip")),
    "cifar10": Dataset(32, 3, 10, 50_000, CIFAR_MEAN, CIFAR_STD, EVERY),
    "cifar100": Dataset(32, 3, 100, 50_000, (129.3, 124.1, 112.4), (68.2, 65.4, 70.4), EVERY),
    "svhn": Dataset(32, 3, 10, 73_257, (111.6, 113.2, 120.6), (50.5, 51.3, 50.2), ("none", "crop")),
    "synthetic": Dataset(32, 3, 10, 50_000, (127.5,) * 3, (73.9,) * 3, EVERY),
}
