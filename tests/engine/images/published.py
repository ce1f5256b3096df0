"""Datasets of a few images in the formats the real ones are published in, and pins that fit."""

import gzip
import hashlib
import io
import pickle  # noqa: TID251  to write what CIFAR is published as
import struct
import tarfile
from dataclasses import replace
from types import SimpleNamespace

import numpy as np

from vitprune_core.engine.images import raw, sources
from vitprune_core.spec.datasets import DATASETS

GIVEN, TESTED = 200, 100
CLASSES = {"fashion": 10, "cifar10": 10, "cifar100": 100, "svhn": 10}


def config(name: str, validation: int = 100):
    data = SimpleNamespace(name=name, validation=validation, fold=None)
    return SimpleNamespace(data=data, seed=0, device="cpu")


def images(name: str, count: int, seed: int = 0):
    """uint8 (count, channels, side, side), and labels that are balanced."""
    facts = DATASETS[name]
    shape = (count, facts.channels, facts.side, facts.side)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    return pixels, np.arange(count) % CLASSES[name]


class Python2(pickle._Pickler):
    """Texts and bytes as Python 2 wrote them, which knew one kind: CIFAR's pickles are its."""

    dispatch = pickle._Pickler.dispatch.copy()

    def save_text(self, text):
        data = text.encode("latin1") if isinstance(text, str) else text
        self.write(b"T" + struct.pack("<i", len(data)) + data)
        self.memoize(text)

    def save_flag(self, flag):
        self.save_long(int(flag))  # as the numpy of that time wrote its flags

    dispatch[str] = dispatch[bytes] = save_text
    dispatch[bool] = save_flag


def pickled(value) -> bytes:
    file = io.BytesIO()
    Python2(file, protocol=2).dump(value)
    return file.getvalue().replace(b"numpy._core", b"numpy.core")


def batch(name: str, count: int, seed: int = 0, **changed) -> bytes:
    pixels, labels = images(name, count, seed)
    key = "labels" if name == "cifar10" else "fine_labels"
    values = {"data": pixels.reshape(count, -1), key: labels.tolist(), "filenames": ["a.png"]}
    return pickled({**values, **changed})


def batches(name: str) -> dict[str, bytes]:
    """The files of an unpacked CIFAR."""
    *train, test = sources.LAYOUTS[name][1]
    each = GIVEN // len(train)
    made = {path: batch(name, each, seed) for seed, path in enumerate(train)}
    return {**made, test: batch(name, TESTED, 9)}


def tar(files: dict[str, bytes], *others: tarfile.TarInfo) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        folder = tarfile.TarInfo(next(iter(files)).partition("/")[0])
        folder.type = tarfile.DIRTYPE
        for member in (folder, *others):
            archive.addfile(member)
        for path, data in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def tar_gz(files: dict[str, bytes], *others: tarfile.TarInfo) -> bytes:
    return gzip.compress(tar(files, *others), 1)


def idx(array) -> bytes:
    head = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(np.uint8).tobytes()


def mat(count: int, seed: int = 0, **changed) -> bytes:
    from scipy.io import savemat

    pixels, labels = images("svhn", count, seed)
    y = np.where(labels == 0, 10, labels).astype(np.uint8)[:, None]
    file = io.BytesIO()
    savemat(file, {"X": pixels.transpose(2, 3, 1, 0), "y": y, **changed}, do_compression=True)
    return file.getvalue()


def fashion(end: str = ".gz") -> dict[str, bytes]:
    made = {}
    for part, count, seed in (("train", GIVEN, 0), ("t10k", TESTED, 9)):
        pixels, labels = images("fashion", count, seed)
        made[f"{part}-images-idx3-ubyte"] = idx(pixels[:, 0])
        made[f"{part}-labels-idx1-ubyte"] = idx(labels)
    return {f"{name}{end}": gzip.compress(d) if end else d for name, d in made.items()}


FILES = {
    "fashion": fashion,
    "cifar10": lambda: {"cifar-10-python.tar.gz": tar_gz(batches("cifar10"))},
    "cifar100": lambda: {"cifar-100-python.tar.gz": tar_gz(batches("cifar100"))},
    "svhn": lambda: {"train_32x32.mat": mat(GIVEN), "test_32x32.mat": mat(TESTED, 9)},
}
"""The files of a dataset as they are published."""


def few_images(monkeypatch, tmp_path):
    """Facts that fit the few images, and no images anywhere outside of `tmp_path`."""
    for name in FILES:
        monkeypatch.setitem(raw.DATASETS, name, replace(DATASETS[name], images=GIVEN))
    monkeypatch.setattr(sources, "DEBIAN", tmp_path / "debian")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("VITPRUNE_DATA", raising=False)


def pin(monkeypatch, path: str, data: bytes, inside: bool = True):
    """Let `data` be what is published as this file."""
    name = path.rpartition("/")[2]
    known = sources.PINS[name]
    content = gzip.decompress(data) if known.inside and inside else data
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    monkeypatch.setitem(sources.PINS, name, known._replace(digest=digest))


def put(folder, files: dict[str, bytes], monkeypatch=None):
    """Write files, and pin them where `monkeypatch` is given."""
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
        if monkeypatch:
            pin(monkeypatch, path, data)
    return folder
