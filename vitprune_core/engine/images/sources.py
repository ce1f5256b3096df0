"""Where the images of a dataset are, and what their files must be to the bit. Without torch.

    $VITPRUNE_DATA        a folder as torchvision makes it, looked into first
    the Debian package    dataset-fashion-mnist, for fashion
    ~/.cache/vitprune     ($XDG_CACHE_HOME) what `fetch` brought here

A file is read once; the bytes whose hash was found right are the bytes that are used.
"""

import hashlib
import os
from itertools import product
from pathlib import Path
from typing import NamedTuple

from vitprune_core.engine.images.archives import gunzip
from vitprune_core.engine.images.wrong import Damaged, DataError

MB = 1_000_000
DEBIAN = Path("/usr/share/datasets/fashion-mnist")
BUILT_IN = {"digits": "inside scikit-learn", "synthetic": "drawn from a fixed seed"}
"""Datasets that need no file."""


class Pin(NamedTuple):
    digest: str
    """What the file's bytes must hash to: the name of the hash, a colon, hexadecimal digits."""
    mb: int
    """Its size in MB, rounded up: what is larger is another file."""
    inside: int = 0
    """MB at most of what a .gz holds. The hash is then of that: Debian packs the same anew."""


# SHA-256 where we could compute it or know it published. Where not, MD5: the one hash that is known
# of these files, from torchvision. It finds damage; against somebody who makes two files of one
# MD5 on purpose, what they hold is also read as if it were hostile.
PINS = {
    "cifar-10-python.tar.gz": Pin(
        "sha256:6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce", 171
    ),
    "data_batch_1": Pin("md5:c99cafc152244af753f735de768cd75f", 32),
    "data_batch_2": Pin("md5:d4bba439e000b95fd0a9bffe97cbabec", 32),
    "data_batch_3": Pin("md5:54ebc095f3ab1f0389bbae665268c751", 32),
    "data_batch_4": Pin("md5:634d18415352ddfa80567beed471001a", 32),
    "data_batch_5": Pin("md5:482c414d41f54cd18b22e5b47cb7c3cb", 32),
    "test_batch": Pin("md5:40351d587109b95175f43aff81a1287e", 32),
    "cifar-100-python.tar.gz": Pin(
        "sha256:85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7", 170
    ),
    "train": Pin("md5:16019d7e3df5f24257cddd939b257f8d", 156),
    "test": Pin("md5:f0ef6b0ae62326f3e7ffdfab6717acfc", 32),
    "train_32x32.mat": Pin("md5:e26dedcc434d2e4c54c9b2d4a06d8373", 183),
    "test_32x32.mat": Pin("md5:eb5a983be6a315427106f1b164d9cef3", 65),
}
# Computed of the Debian package's files. With the name and the time of packing put back into their
# headers these have torchvision's MD5s (a test does so): both hold the same.
IDX = {
    "train-images-idx3-ubyte": Pin(
        "sha256:c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888", 27, 48
    ),
    "train-labels-idx1-ubyte": Pin(
        "sha256:bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9", 1, 1
    ),
    "t10k-images-idx3-ubyte": Pin(
        "sha256:5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b", 5, 8
    ),
    "t10k-labels-idx1-ubyte": Pin(
        "sha256:0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34", 1, 1
    ),
}
PINS |= {f"{name}.gz": pin for name, pin in IDX.items()}
PINS |= {name: Pin(pin.digest, pin.inside) for name, pin in IDX.items()}

BATCHES = ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5")
LAYOUTS: dict[str, tuple[tuple[str, ...], ...]] = {
    "fashion": tuple(
        tuple(f"{folder}{name}{end}" for name in IDX)
        for folder, end in product(("FashionMNIST/raw/", ""), (".gz", ""))
    ),
    "cifar10": (
        ("cifar-10-python.tar.gz",),
        tuple(f"cifar-10-batches-py/{name}" for name in (*BATCHES, "test_batch")),
    ),
    "cifar100": (
        ("cifar-100-python.tar.gz",),
        ("cifar-100-python/train", "cifar-100-python/test"),
    ),
    "svhn": (("train_32x32.mat", "test_32x32.mat"),),
}
"""The files of a dataset below a folder, in every way they may lie there; the first is fetched."""


def locate(name: str) -> str:
    """Where the images are, said without reading them; raises `DataError`."""
    if name in BUILT_IN:
        return BUILT_IN[name]
    found = needed(name)
    return str(found[0] if len(found) == 1 else found[0].parent)


def needed(name: str) -> tuple[Path, ...]:
    """The files of a dataset; raises `DataError` where they are nowhere."""
    if found := find(name):
        return found
    raise DataError(f"{name}: not found: {missing(name)}")


def find(name: str) -> tuple[Path, ...] | None:
    """The files of a dataset in the first folder that has all; None where they are nowhere."""
    for folder, layout in product(folders(name), LAYOUTS[name]):
        paths = tuple(folder / path for path in layout)
        if all(map(os.path.exists, paths)):
            return paths
    return None


def missing(name: str) -> str:
    """Where a dataset was looked for, and what to do."""
    looked = ", ".join(map(str, folders(name)))
    halves = "".join(f" ({half})" for half in _halves(name))
    return f"looked in {looked}{halves}; {advice(name)}"


def advice(name: str) -> str:
    files = " and ".join(Path(path).name for path in LAYOUTS[name][0])
    by_hand = f"put {files} into a folder and set VITPRUNE_DATA to it"
    return f"apt-get install dataset-fashion-mnist, or {by_hand}" if name == "fashion" else by_hand


def _halves(name: str) -> list[str]:
    """Layouts of which a part is there."""
    told = []
    for folder, layout in product(folders(name), LAYOUTS[name]):
        absent = [path for path in layout if not os.path.exists(folder / path)]
        if 0 < len(absent) < len(layout):
            told.append(f"{folder} lacks {', '.join(absent)}")
    return told


def folders(name: str) -> list[Path]:
    """Where to look, in order; raises `DataError` when $VITPRUNE_DATA is no folder."""
    debian = [DEBIAN] if name == "fashion" else []
    given = os.environ.get("VITPRUNE_DATA")
    if not given:
        return [*debian, cache()]
    own = Path(given).expanduser().absolute()
    if not own.is_dir() or not os.access(own, os.X_OK):
        raise DataError(f"VITPRUNE_DATA={given} is no folder that can be looked into; set it right")
    return [own, *debian, cache()]


def cache() -> Path:
    """What is fetched is kept here; a relative $XDG_CACHE_HOME counts as none, as its rules say."""
    home = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (home if home.is_absolute() else Path("~/.cache").expanduser()) / "vitprune" / "data"


def read(path: Path, pin: Pin | None = None) -> bytes:
    """What a file holds, unpacked where it is a .gz whose content is known, once it is known right.

    Raises `DataError`, and `Damaged` where it is not what `PINS` (or `pin`) says.
    """
    pin = pin or PINS[path.name]
    data = _bytes(path, pin.mb * MB)
    content = gunzip(data, pin.inside * MB, path) if pin.inside else data
    kind = pin.digest.partition(":")[0]
    found = f"{kind}:{hashlib.new(kind, content, usedforsecurity=False).hexdigest()}"
    if found != pin.digest:
        raise Damaged(path, f"has the hash {found} instead of {pin.digest}")
    return content


def _bytes(path: Path, most: int) -> bytes:
    if os.path.exists(path) and not path.is_file():
        raise DataError(f"{path} is no file; put the published file in its place")
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None
    if len(data) > most:
        raise Damaged(path, f"has more than the {most:,} bytes expected")
    return data
