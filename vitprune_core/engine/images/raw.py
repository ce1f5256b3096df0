"""The images of a dataset as its files hold them, before any split."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vitprune_core.engine.images import formats
from vitprune_core.engine.images.archives import gunzip, members
from vitprune_core.engine.images.formats import Array
from vitprune_core.engine.images.sources import LAYOUTS, MB, PINS, needed, read
from vitprune_core.engine.images.wrong import DataError
from vitprune_core.spec.datasets import DATASETS

SYNTHETIC_TEST = 10_000


class Half(NamedTuple):
    """What is to learn from, or the fixed test set."""

    images: Array
    """uint8, shape (images, channels, height, width)."""
    labels: Array
    """int64, shape (images,)."""


@dataclass(frozen=True)
class Raw:
    train: Half
    """Training and validation."""
    test: Half

    def sha256(self) -> str:
        """Of all images and labels."""
        digest = hashlib.sha256()
        for half in (self.train, self.test):
            digest.update(np.ascontiguousarray(half.images).data)
            digest.update(np.ascontiguousarray(half.labels).data)
        return digest.hexdigest()


def read_raw(name: str) -> Raw:
    """The images of a dataset with a fixed test set; raises `DataError`."""
    raw = READ[name]()
    for half, images in ((raw.train, DATASETS[name].images), (raw.test, len(raw.test.labels))):
        _check(name, half, images)
    return raw


def _check(name: str, half: Half, images: int) -> None:
    """A half is what `DATASETS` says; of the test set it does not say how many."""
    facts = DATASETS[name]
    expected = (images, facts.channels, facts.side, facts.side)
    if half.images.shape != expected or half.labels.shape != (images,) or not images:
        what = f"images of shape {half.images.shape} and {half.labels.shape} labels"
        raise DataError(f"{name}: {what} instead of {expected}; {_replace(name)}")
    least, most = int(half.labels.min()), int(half.labels.max())
    if least < 0 or most >= facts.classes:
        what = f"labels from {least} to {most} instead of 0 to {facts.classes - 1}"
        raise DataError(f"{name}: {what}; {_replace(name)}")


def _replace(name: str) -> str:
    return f"replace {' and '.join(map(str, needed(name)))}"


def fashion() -> Raw:
    """Fashion-MNIST (arXiv 1708.07747)."""
    paths = needed("fashion")
    x, y, test_x, test_y = (
        formats.idx(read(path), dims, path) for path, dims in zip(paths, (3, 1, 3, 1), strict=True)
    )
    return Raw(Half(x[:, None], y.astype(np.int64)), Half(test_x[:, None], test_y.astype(np.int64)))


def cifar(name: str, labels: bytes) -> Raw:
    """CIFAR-10 and -100 (Krizhevsky, 2009); of the latter the 100 fine classes."""
    side = DATASETS[name].side
    halves = [Half(*formats.cifar(data, labels, side, at)) for data, at in _batches(name)]
    images, numbers = zip(*halves[:-1], strict=True)
    return Raw(Half(np.concatenate(images), np.concatenate(numbers)), halves[-1])


def _batches(name: str) -> Iterator[tuple[bytes, str]]:
    """The batches of CIFAR, the test set last, and where each is: in the archive or beside it."""
    paths = needed(name)
    if paths[0].suffix == ".gz":
        yield from _packed(paths[0], LAYOUTS[name][1])
    else:
        yield from ((read(path), str(path)) for path in paths)


def _packed(archive: Path, names: tuple[str, ...]) -> Iterator[tuple[bytes, str]]:
    wanted = [(name, PINS[Path(name).name].mb * MB) for name in names]
    most = sum(size for _, size in wanted) + MB  # the names, a readme
    tar = gunzip(read(archive), most, archive)
    for name, data in zip(names, members(tar, wanted, archive), strict=True):
        yield data, f"{archive}: {name}"


def svhn() -> Raw:
    """Street View House Numbers (Netzer et al., 2011), cropped; without the extra images."""
    train, test = (Half(*formats.svhn(read(path), path)) for path in needed("svhn"))
    return Raw(train, test)


def synthetic() -> Raw:
    """Noise of CIFAR-10's shape, for throughput only: there is nothing to learn in it.

    The bits of the generator themselves, whose stream numpy promises to keep.
    """
    facts = DATASETS["synthetic"]
    count = facts.images + SYNTHETIC_TEST
    shape = (count, facts.channels, facts.side, facts.side)
    bits = np.random.PCG64(0).random_raw(int(np.prod(shape)) // 8)
    images, labels = bits.view(np.uint8).reshape(shape), np.arange(count) % facts.classes
    train, test = slice(facts.images), slice(facts.images, None)
    return Raw(Half(images[train], labels[train]), Half(images[test], labels[test]))


READ: dict[str, Callable[[], Raw]] = {
    "fashion": fashion,
    "cifar10": partial(cifar, "cifar10", b"labels"),
    "cifar100": partial(cifar, "cifar100", b"fine_labels"),
    "svhn": svhn,
    "synthetic": synthetic,
}
