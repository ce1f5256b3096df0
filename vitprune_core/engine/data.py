"""A dataset as tensors on the device, split for training, watching and testing."""

import hashlib
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch
from torch import Tensor

from vitprune_core.engine.images.raw import Half, read_raw
from vitprune_core.spec.config import Config

SPLIT_SEED = 0
"""Of the validation set: it is the same for every seed and fold that train on the same images."""


@dataclass(frozen=True)
class Part:
    images: Tensor
    """uint8 as they are stored, shape (images, channels, height, width): the model scales them."""
    labels: Tensor
    """Class numbers, int64, shape (images,)."""

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: str) -> "Part":
        return Part(self.images.to(device), self.labels.to(device))


@dataclass(frozen=True)
class Dataset:
    train: Part
    validation: Part
    """For watching only: nothing is selected by it."""
    test: Part
    test_index: np.ndarray
    """Which images of the whole dataset the test set is."""
    sha256: str
    """Of all images and labels as they were read."""


def load(config: Config) -> Dataset:
    """The images of a config, on its device; raises `DataError`. Nothing is fetched here."""
    dataset = digits(config) if config.data.name == "digits" else fixed(config)
    return replace(
        dataset,
        train=dataset.train.to(config.device),
        validation=dataset.validation.to(config.device),
        test=dataset.test.to(config.device),
    )


def digits(config: Config) -> Dataset:
    """scikit-learn's 8x8 digits, 0 to 16. Seed mod 5 is the fold that tests, reshuffled every 5
    seeds."""
    from sklearn.model_selection import StratifiedKFold

    whole, sha = _all_digits()
    folds = StratifiedKFold(5, shuffle=True, random_state=config.seed // 5)
    rest, test = list(folds.split(whole.images, whole.labels))[config.data.fold or 0]
    train, validation = _held_out(rest, whole.labels[rest], config.data.validation)
    return Dataset(_part(whole, train), _part(whole, validation), _part(whole, test), test, sha)


@cache  # kept as text, slow to read: a process that does run after run needs them every time
def _all_digits() -> tuple[Half, str]:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images, labels = bunch.images.astype(np.uint8)[:, None], bunch.target.astype(np.int64)
    return Half(images, labels), hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()


def fixed(config: Config) -> Dataset:
    """A dataset that comes with its test set."""
    raw = read_raw(config.data.name)
    given = len(raw.train.labels)
    train, validation = _held_out(np.arange(given), raw.train.labels, config.data.validation)
    tested = np.arange(len(raw.test.labels))
    return Dataset(
        _part(raw.train, train),
        _part(raw.train, validation),
        _part(raw.test, tested),
        given + tested,
        raw.sha256(),
    )


def _held_out(index: np.ndarray, labels: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Split off `size` of the images, the classes in proportion."""
    from sklearn.model_selection import train_test_split

    kept, held = train_test_split(index, test_size=size, stratify=labels, random_state=SPLIT_SEED)
    return np.sort(kept), np.sort(held)


def _part(half: Half, index: np.ndarray) -> Part:
    """A copy of some images: what was read can go, and tensors must be of memory of their own."""
    return Part(torch.from_numpy(half.images[index]), torch.from_numpy(half.labels[index]))
