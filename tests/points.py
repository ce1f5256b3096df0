"""Places in the product at which a process is made to die, by name.

A place is a call: of what, with what, and its beginning, its middle or its end. Nothing in the
product knows of them; a process that `tests.zygote` forks arms itself before it begins.
"""

import ctypes
import importlib
import os
import re
import resource
import signal
from collections.abc import Callable
from functools import partial, reduce
from itertools import count
from pathlib import Path
from typing import Literal, NamedTuple

from vitprune_core.store.control import ask


class Point(NamedTuple):
    function: str
    side: Literal["before", "in", "after"]
    """`in` a write: half of it is done."""
    given: str = ""
    """Pattern of what it is called with: paths, and kinds of events."""
    time: int = 1
    """Which of such calls."""


def told(event: str, time: int = 1) -> dict[str, Point]:
    """An event on its way into the log."""
    append, nth = "vitprune_core.store.log:Log.append", f" ({time})" if time > 1 else ""
    return {
        f"before {event}{nth}": Point(append, "before", f"Log {event}$", time),
        f"half of {event}{nth}": Point("os:write", "in", f'events.jsonl .*"{event}"', time),
        f"after {event}{nth}": Point(append, "after", f"Log {event}$", time),
    }


def written(what: str, name: str, time: int = 1) -> dict[str, Point]:
    """A file on its way from nothing to its name, which is what commits it."""
    draft = rf"/\.{name}\.[0-9a-f]+\.tmp"
    return {
        f"{what}: the draft is there": Point("os:open", "after", draft, time),
        f"{what}: half of it is written": Point("os:write", "in", draft, time),
        f"{what}: before its fsync": Point("os:fsync", "before", draft, time),
        f"{what}: after its fsync": Point("os:fsync", "after", draft, time),
        f"{what}: before its rename": Point("os:rename", "before", draft, time),
        f"{what}: after its rename": Point("os:rename", "after", draft, time),
    }


def renamed(what: str, pattern: str, function: str = "os:rename") -> dict[str, Point]:
    return {
        f"{what}: before its rename": Point(function, "before", pattern),
        f"{what}: after its rename": Point(function, "after", pattern),
    }


CHECKPOINT = r"[0-9]+-[0-9a-f]+\.safetensors"
SHARED = r"/\.dense/\.[0-9a-f]+\.[0-9]+\.tmp"
"""A shared model while it is put together."""
ALONE = {
    "the run is held": Point("vitprune_core.worker:load_ballast", "before"),
    "the ballast: half of it": Point("os:write", "in", "/ballast "),
    **told("Starting"),
    **renamed("config.yaml", "/config.yaml"),
    **told("Started"),
    # A checkpoint in dense training, the third.
    "a checkpoint: the log is safe": Point("os:fsync", "after", "events.jsonl", time=3),
    **written("a checkpoint", CHECKPOINT, time=3),
    "a checkpoint: after its folder's fsync": Point("os:fsync", "after", "/checkpoints$", time=3),
    **told("Checkpointed", time=3),
    "before the oldest checkpoint is dropped": Point("os:unlink", "before", f"/{CHECKPOINT}$"),
    "after the oldest checkpoint is dropped": Point("os:unlink", "after", f"/{CHECKPOINT}$"),
    # The end of dense training.
    **told("Epoch"),
    **renamed("a state to rewind to", r"\.epochs/"),
    "the shared model: its folder is there": Point("os:mkdir", "after", SHARED),
    "the shared model: half of its weights": Point("os:write", "in", f"{SHARED}/.weights"),
    "the shared model: no record": Point("os:fsync", "before", f"{SHARED}/dense.json"),
    "the shared model: not committed": Point("os:rename", "before", f"{SHARED} "),
    "the shared model: committed": Point("os:rename", "after", f"{SHARED} "),
    **told("DenseTrained"),
    "the shared model: nobody's any more": Point("os:ftruncate", "after", r"\.dense/.*lock", 2),
    # Pruning.
    "before masks are made": Point("vitprune_core.engine.execute:next_masks", "before"),
    "masks are made": Point("vitprune_core.engine.execute:save_masks", "before"),
    **written("masks", r"0\.5\.npz"),
    "masks are there, their grids not": Point("os:open", "before", r"/masks/\.0\.5\.grid"),
    "masks and grids are there": Point("os:rename", "after", r"/masks/0\.5\.grid"),
    **told("Pruned"),
    # A level and its files.
    **renamed("weights", "/weights/"),
    **renamed("what images got", "/images/"),
    **renamed("structure", r"/masks/0\.5\.structure"),
    **told("Level"),
    **renamed("summary.json", "/summary.json"),
    # The next level, and the end.
    **told("Pruned", time=2),
    **told("Level", time=2),
    **told("Finished"),
    "done, with its checkpoints": Point("vitprune_core.attempt:tidy", "before"),
    "done, with its ballast": Point("os:unlink", "before", "/ballast$"),
}
TORN = {
    "a torn log: before it is cut": Point("os:truncate", "before", "events.jsonl"),
    "a torn log: after it is cut": Point("os:truncate", "after", "events.jsonl"),
}
DAMAGED = {
    **renamed("a damaged checkpoint", r"\.corrupt$", "os:replace"),
    **told("Resumed"),
    **renamed("the first checkpoint after a resume", CHECKPOINT),
}
BEREFT = {
    **told("Retracing"),
    **told("Retraced"),
    **renamed("a shared model that was lost", f"{SHARED} "),
    "the first checkpoint after a loss": Point("os:rename", "after", CHECKPOINT),
}
ADOPTING = {
    **told("DenseAdopted"),
    **renamed("an adopted checkpoint", CHECKPOINT),
    **told("Checkpointed"),
    "an adopted model: before it is mine": Point("os:ftruncate", "before", r"\.dense/.*lock"),
    "an adopted model: mine": Point("os:ftruncate", "after", r"\.dense/.*lock"),
}
ASKED = {
    **told("Acknowledged"),
    "a request: before it is deleted": Point("os:unlink", "before", "/control/"),
    "a request: after it is deleted": Point("os:unlink", "after", "/control/"),
    **told("Paused"),
}
WRITES = ("open", "write", "fsync", "rename", "replace", "unlink", "mkdir", "truncate", "ftruncate")
"""What of `os` changes a disk."""


M_MMAP_THRESHOLD = -3
"""Of `malloc.h`: from so many bytes on memory is asked for by itself."""


def arm(*point) -> None:
    """From now on this process dies there."""
    at(Point(*point), die)


def at(point: Point, act: Callable[[], None]) -> None:
    module, _, name = point.function.partition(":")
    *within, name = name.split(".")
    owner = reduce(getattr, within, importlib.import_module(module))
    real, times = getattr(owner, name), count(1)

    def call(*args, **kwargs):
        found = re.search(point.given, " ".join(map(described, args)))
        here = found and next(times) == point.time
        if here and point.side == "in":
            real(args[0], bytes(args[1])[: len(args[1]) // 2])
        if here and point.side != "after":
            act()
        result = real(*args, **kwargs)
        if here and point.side == "after":
            act()
        return result

    setattr(owner, name, call)


def pause(folder: str) -> None:
    """Ask this process to pause as soon as it works."""
    ask(Path(folder), "pause")


def arm_memory(*point) -> None:
    """From then on this process gets no more memory than it has, but for a mebibyte."""
    keep_nothing_back()
    at(Point(*point), refuse)


def keep_nothing_back() -> None:
    """Memory that is freed goes back to the system, which is asked whenever more is needed."""
    ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, 1 << 16)


def arm_writes(time: int) -> None:
    """From now on this process dies before its `time`-th call that changes a disk."""
    times = count(1)

    def deadly(name, real, *args):
        reads = name == "open" and not args[1] & (os.O_WRONLY | os.O_RDWR)
        if not reads and next(times) == time:
            die()
        return real(*args)

    for name in WRITES:
        setattr(os, name, partial(deadly, name, getattr(os, name)))


def described(value: object) -> str:
    match value:
        case int():
            file = f"/proc/self/fd/{value}"
            return os.readlink(file) if os.path.lexists(file) else str(value)
        case str() | os.PathLike():
            return str(value)
        case bytes() | memoryview():
            return bytes(value[:200]).decode(errors="replace")
        case _:
            return type(value).__name__


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def refuse() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + (1 << 20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
