"""The facts about a dataset that a plan needs before any image is loaded."""

from dataclasses import dataclass
from typing import Literal

DatasetName = Literal["digits", "cifar10"]


@dataclass(frozen=True)
class Dataset:
    side: int
    """Height and width of an image, in pixels."""
    channels: int
    classes: int
    images: int
    """What training and validation share: all that is not test."""
    folds: int | None
    """Parts that take turns as the test set; None where the test set is fixed."""
    augment: tuple[str, ...]
    """The augmentations that make sense for it."""


DATASETS: dict[str, Dataset] = {
    "digits": Dataset(8, channels=1, classes=10, images=1437, folds=5, augment=("none",)),
    "cifar10": Dataset(
        32, channels=3, classes=10, images=50_000, folds=None, augment=("none", "autoaugment")
    ),
}
