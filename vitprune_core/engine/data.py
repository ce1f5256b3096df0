"""A dataset as tensors on the device, split for training, watching and testing."""

import hashlib
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vitprune_core.engine.images.raw import Half, read_raw
from vitprune_core.engine.split import folds, held_out
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
    whole, sha = all_digits()
    tests = folds(whole.labels, 5, seed=config.seed // 5) == (config.data.fold or 0)
    rest, test = np.flatnonzero(~tests), np.flatnonzero(tests)
    train, validation = _held_out(rest, whole.labels[rest], config.data.validation)
    return Dataset(_part(whole, train), _part(whole, validation), _part(whole, test), test, sha)


@cache  # kept as text, slow to read: a process that does run after run needs them every time
def all_digits() -> tuple[Half, str]:
    """Read where the package keeps them: to load it takes a second."""
    package = find_spec("sklearn")
    assert package is not None
    assert package.origin is not None
    text = Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz"
    rows = np.loadtxt(text, delimiter=",")
    images, labels = rows[:, :-1].astype(np.uint8), rows[:, -1].astype(np.int64)
    images = images.reshape(-1, 1, 8, 8)
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
    kept, held = held_out(labels, size, SPLIT_SEED)
    return index[kept], index[held]


def _part(half: Half, index: np.ndarray) -> Part:
    """A copy of some images: what was read can go, and tensors must be of memory of their own."""
    return Part(torch.from_numpy(half.images[index]), torch.from_numpy(half.labels[index]))
