"""A run of three steps whose k-th call to the disk goes wrong: `python -m tests.faults FOLDER`.

The engine is a fake that counts; everything else is real: lock, log, checkpoints, attempts. Every
call is made to fail once in every way, each time in a process of its own, and then the run is
worked on again without faults. Prints a JSON list of what did not end as an undisturbed run does.
"""

import contextlib
import errno
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from vitprune_core import attempt, worker
from vitprune_core.store import checkpoints
from vitprune_core.store.checkpoints import Moment
from vitprune_core.store.control import Inbox
from vitprune_core.store.events import PROCESS, Damaged, Epoch, Finished, Resumed, Score
from vitprune_core.store.log import Log, entries, kept
from vitprune_core.store.rundir import RunDir, write
from vitprune_core.store.sealed import number, sealed, unseal
from vitprune_core.store.summary import summarize

CALLS = ("open", "write", "fsync", "rename", "unlink", "ftruncate", "truncate", "close")
KINDS = ("ENOSPC", "EIO", "short", "short and stuck", "torn", "kill", "kill after")
STEPS = 3


def three_steps(run: RunDir) -> Iterator[object]:
    """Adds up numbers; its position is the sum."""
    start, total = 0, 0
    found = sealed(run.checkpoints)
    if found:
        known = json.loads(unseal(found[0]))
        start, total = number(found[0]), known["total"]
        values = {"exact": True, "differs": (), "corrupt": (), "worked": 0.0}
        yield Resumed(after=known["seq"], step=start, **values)
    elif any(isinstance(r.event, Epoch) for r in kept(entries(run.log))):
        yield Resumed(after=0, step=None, exact=True, differs=(), corrupt=(), worked=0.0)
    for step in range(start, STEPS):
        yield Moment(step, partial(dict, total=total))
        total = total * 31 + step + 1
        score = Score(accuracy=0.5, loss=1.0)
        values = {"round": 0, "cycle": 0, "sparsity": 0.0, "lr": 0.1}
        yield Epoch(epoch=step, loss=float(total), validation=score, **values)
    yield Moment(STEPS, partial(dict, total=total), phase_end=True)
    write(run.weights("0.5"), str(total).encode())
    yield Finished(weights_sha256=str(total))


def encode(position: dict[str, int], seq: int, worked: float) -> bytes:
    return json.dumps({**position, "seq": seq}).encode()


def fake(run: RunDir, log: Log, orders: attempt.Orders) -> Iterator[object]:
    return attempt.attempt(run, log, three_steps(run), encode, orders, every=0.0)


def work(run: RunDir) -> None:
    for _ in worker.work(run, attempt.Orders(Inbox(run.control)), engine=fake):
        pass


class Faulty:
    """Lets calls pass and counts them; the k-th goes wrong."""

    def __init__(self, kind: str, k: int):
        self.kind, self.k, self.seen, self.broken = kind, k, 0, False

    def __call__(self, name: str, real: Callable[..., object], *args: object, **kw: object):
        if name == "open" and not args[1] & (os.O_WRONLY | os.O_RDWR):
            return real(*args, **kw)  # reading does not change what is on the disk
        self.seen += 1
        stuck = ("ftruncate",) if self.kind == "short and stuck" else ("write", "open")
        if self.broken and name in stuck:
            self.broken = False
            raise OSError(errno.ENOSPC, "full")
        if self.seen != self.k:
            return real(*args, **kw)
        if self.kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.kind == "torn" and name == "write":
            real(args[0], bytes(args[1])[: len(args[1]) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        if self.kind.startswith("short") and name == "write":
            self.broken = True
            return real(args[0], bytes(args[1])[: len(args[1]) // 2])
        if self.kind in ("ENOSPC", "EIO") and name != "close":
            raise OSError(getattr(errno, self.kind), self.kind)
        result = real(*args, **kw)
        if self.kind == "kill after":
            os.kill(os.getpid(), signal.SIGKILL)
        return result


def disturbed(run: RunDir, kind: str, k: int) -> bool:
    """Work in a process of its own with one fault; whether it came to the k-th call."""
    child = os.fork()
    if child == 0:
        faulty = Faulty(kind, k)
        for name in CALLS:
            setattr(os, name, partial(faulty, name, getattr(os, name)))
        with contextlib.suppress(Exception):
            work(run)
        os._exit(0 if faulty.seen >= k else 3)
    _, status = os.waitpid(child, 0)
    return status != 3 << 8


def outcome(run: RunDir) -> object:
    told = [r.event for r in kept(entries(run.log)) if not isinstance(r.event, PROCESS)]
    return summarize(run).state, told, run.weights("0.5").read_bytes()


def wrong(run: RunDir, expected: object) -> str | None:
    """What is not as it should be after a fault, before and after the run was worked on again."""
    for path in sealed(run.checkpoints):
        unseal(path)  # what has a name is whole
    if any(isinstance(r.event, Damaged) for r in entries(run.log)):
        return "the log has a damaged record"
    work(run)
    if outcome(run) != expected:
        return f"ended as {outcome(run)}"
    left = [p.name for p in run.path.rglob("*") if p.name.endswith(".tmp")]
    return f"left {left}" if left or sealed(run.checkpoints) else None


def main(folder: Path) -> None:
    attempt.AGAIN = attempt.IDLE = checkpoints.MARGIN = 0
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    work(whole := RunDir(folder / "whole").create())
    expected, problems, tried, alone = outcome(whole), [], 0, 0
    for kind in KINDS:
        for k in range(1, 1000):
            run = RunDir(folder / f"{kind}-{k}").create()
            if not disturbed(run, kind, k):
                break
            tried += 1
            alone += kind == "ENOSPC" and summarize(run).state == "done"
            if found := wrong(run, expected):
                problems.append(f"{kind} at call {k}: {found}")
    print(json.dumps({"tried": tried, "went on alone": alone, "problems": problems}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
