"""Runs that wait for their turn: an order in `runs/.queue/`, and who sees to it.

| path         | what                                                              |
| ------------ | ----------------------------------------------------------------- |
| `order.json` | names of runs, the next one first                                 |
| `edit`       | locked for the moment in which the order is changed               |
| `lock`       | held by the dispatcher, which starts them one after the other     |
| `log.txt`    | what the dispatcher printed                                       |

The dispatcher lets go of its lock while it holds `edit` and sees that nothing is left; so whoever
adds a run either is seen by it or finds its lock free and starts another.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vitprune_core.store.lock import alone
from vitprune_core.store.rundir import ID, QUEUE, RunDir, sweep, write


def lock(runs: Path) -> Path:
    return runs / QUEUE / "lock"


def output(runs: Path) -> Path:
    return runs / QUEUE / "log.txt"


def order(runs: Path) -> list[str]:
    """Names of the runs that wait, the next one first."""
    with suppress(OSError, ValueError):
        names = json.loads((runs / QUEUE / "order.json").read_bytes())
        if isinstance(names, list):
            return [name for name in names if _is_name(name)]
    return []


def has(run: RunDir) -> bool:
    """Whether a run waits in the queue of its folder, or of the folder that its study is in."""
    return any(str(run.path.relative_to(runs)) in order(runs) for runs in run.path.parents[:2])


def add(runs: Path, name: str) -> None:
    _change(runs, lambda names: names if name in names else [*names, name])


def remove(runs: Path, name: str) -> None:
    _change(runs, lambda names: [n for n in names if n != name])


def leave(run: RunDir) -> None:
    """Out of whatever queue it waits in: it has been started."""
    for runs in run.path.parents[:2]:
        name = str(run.path.relative_to(runs))
        if name in order(runs):
            remove(runs, name)


def move(runs: Path, name: str, by: int) -> None:
    """Earlier (-1) or later (+1) by a place."""

    def moved(names: list[str]) -> list[str]:
        if name not in names:
            return names
        at = names.index(name)
        rest = names[:at] + names[at + 1 :]
        to = min(max(at + by, 0), len(rest))
        return [*rest[:to], name, *rest[to:]]

    _change(runs, moved)


@contextmanager
def editing(runs: Path) -> Iterator[None]:
    """Nobody else changes the order while the block runs."""
    (runs / QUEUE).mkdir(mode=0o755, parents=True, exist_ok=True)
    with alone(runs / QUEUE / "edit"):
        sweep(runs / QUEUE)
        yield


def _change(runs: Path, change: Callable[[list[str]], list[str]]) -> None:
    with editing(runs):
        before = order(runs)
        after = change(before)
        if after != before:
            write(runs / QUEUE / "order.json", json.dumps(after).encode())


def _is_name(name: object) -> bool:
    """Of a run, or of one in a study."""
    return isinstance(name, str) and all(ID.fullmatch(part) for part in name.split("/", 1))
