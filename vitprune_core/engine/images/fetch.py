"""What is nowhere on this machine is fetched into the cache, once, before a run is made.

Of two runs that want the same, the lock of the cache makes one that fetches and one that waits.
"""

from functools import partial
from pathlib import Path

from vitprune_core.engine.images import sources
from vitprune_core.engine.images.download import NotServed, download
from vitprune_core.engine.images.progress import say
from vitprune_core.engine.images.sources import BUILT_IN, LAYOUTS, cache, read
from vitprune_core.engine.images.wrong import Damaged, DataError
from vitprune_core.store.checkpoints import FULL
from vitprune_core.store.lock import alone


def obtain(name: str) -> None:
    """See that the images of a dataset are here and right, fetched if need be.

    Raises `DataError`. A damaged file is moved aside in the cache, and nowhere else.
    """
    if name in BUILT_IN or _is_right(name):
        return
    try:
        cache().mkdir(parents=True, exist_ok=True)
        busy = f"another process fetches into {cache()}; waiting for it"
        with alone(cache() / ".lock", partial(say, busy)):
            _set_damaged_aside(name)
            for file in LAYOUTS[name][0]:
                if not (cache() / file).exists():
                    _fetch(name, cache() / file)
    except OSError as error:
        raise DataError(_no_room(name, error)) from None


def _is_right(name: str) -> bool:
    """Whether all is here; raises `DataError` for what is wrong and not ours to repair."""
    found = sources.find(name)
    for path in found or ():
        try:
            read(path)
        except Damaged:
            if not path.is_relative_to(cache()):
                raise
            return False
    return found is not None


def _set_damaged_aside(name: str) -> None:
    """Looked at once more under the lock: another process may have put it right."""
    for path in (cache() / file for layout in LAYOUTS[name] for file in layout):
        try:
            if path.exists():
                read(path)
        except Damaged as error:
            kept = path.replace(path.with_name(f"{path.name}.damaged"))
            say(f"{path} {error.what}: kept as {kept.name}, and fetched again")


def _fetch(name: str, path: Path) -> None:
    """From the first mirror that gives the right bytes."""
    pin, failed = sources.PINS[path.name], []
    say(f"{name}: {path.name} ({pin.mb} MB) is not on this machine and is fetched")
    for url in urls(name)[path.name]:
        say(f"from {url} to {path.parent}")
        try:
            return download(url, path, pin)
        except NotServed as error:
            failed.append(f"{url}: {error}")
    tried = "; ".join(failed)
    raise DataError(f"{name}: {path.name} cannot be fetched: {tried}; {sources.missing(name)}")


def urls(name: str) -> dict[str, list[str]]:
    """Where each file of a dataset is published, as torchvision knows today."""
    from torchvision import datasets  # type: ignore[import-untyped]

    if name == "fashion":
        fashion = datasets.FashionMNIST
        return {
            file: [mirror + file for mirror in fashion.mirrors] for file, _ in fashion.resources
        }
    if name == "svhn":
        return {file: [url] for url, file, _ in datasets.SVHN.split_list.values()}
    cifar = {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}[name]
    return {cifar.filename: [cifar.url]}


def _no_room(name: str, error: OSError) -> str:
    size = sum(sources.PINS[Path(file).name].mb for file in LAYOUTS[name][0])
    why = f"{error.strerror or error}; {name} needs {size} MB there"
    room = "make room, or " if error.errno in FULL else ""
    return (
        f"{cache()}: {why}; {room}set XDG_CACHE_HOME to another folder, or {sources.advice(name)}"
    )
