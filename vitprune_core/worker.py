"""The process that does the work on a run: `python -m vitprune_core.worker RUN-FOLDER`.

It takes the run's lock before anything heavy is loaded and holds it for life. A closed terminal
means nothing to it; SIGTERM and SIGINT ask it to stop after a checkpoint, a second one ends it at
once. Exit codes: 0 done, 75 somebody else holds the run, 130 stopped, 1 anything else.
"""

import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from vitprune_core.attempt import Orders, attempt, load_ballast, tidy, wait_for_room
from vitprune_core.memory import memory_peak, out_of_memory
from vitprune_core.store.checkpoints import FULL, Moment
from vitprune_core.store.control import Inbox, clear
from vitprune_core.store.events import Event, Failed, Level, Starting, Stopped
from vitprune_core.store.lock import Held, hold, inscribe
from vitprune_core.store.log import Entry, Log
from vitprune_core.store.rundir import RunDir, nobody_else_writes, write
from vitprune_core.store.summary import cache, summarize

if TYPE_CHECKING:
    from vitprune_core.spec.config import Config

Engine = Callable[[RunDir, Log, Orders], Iterator[Entry]]
"""What carries the run out."""
CODES = {"done": 0, "stopped": 130}


def work(
    run: RunDir, orders: Orders, file: int | None = None, engine: Engine | None = None
) -> Iterator[Entry]:
    """Do what is left of a run in this process, yielding each record of the log.

    `file` is the run's lock if it was claimed already; raises `Held` if somebody else has it. What
    goes wrong is told in the log and printed.
    """
    with hold(run.lock, file) as held:
        run.complete()
        if file is None:
            clear(run.control)  # what was asked of a process that is gone; a starter does it itself
        log = Log(run.log)
        with suppress(OSError):  # for people to read; that somebody works, the lock says itself
            inscribe(held, log.attempt)
        if summarize(run).state == "done":
            log.sync()
            tidy(run)  # by somebody who had the lock a moment ago, or was killed when all was told
            return
        load_ballast(run)
        try:
            yield from _patiently(run, log, orders, engine or vit_engine)
        except Exception as error:
            traceback.print_exc()
            yield log.append(_why(error))
        finally:
            log.sync()
            with suppress(OSError):
                cache(run)


def _patiently(run: RunDir, log: Log, orders: Orders, engine: Engine) -> Iterator[Entry]:
    """A full disk pauses the run: what was not written is done again from the last checkpoint."""
    begun = False
    while True:
        try:
            if not begun:
                yield log.append(Starting(host=socket.gethostname(), pid=os.getpid()))
                begun = True
            yield from engine(run, log, orders)
            return
        except OSError as error:
            if error.errno not in FULL:
                raise
            full = error
        if not (yield from wait_for_room(run, log, orders, full)):
            return


def vit_engine(run: RunDir, log: Log, orders: Orders) -> Iterator[Entry]:
    """Load what the work needs, only now that the run is ours: torch takes seconds."""
    from vitprune_core.engine.data import load as load_data
    from vitprune_core.engine.device import fingerprint, resolve
    from vitprune_core.engine.position import encode
    from vitprune_core.engine.resume import carry_out
    from vitprune_core.spec.config import dump
    from vitprune_core.spec.request import load

    asked = load(str(run.config)).config
    config = resolve(asked)
    if config != asked:
        write(run.config, dump(config).encode())
    data = load_data(config)
    today = fingerprint(config, data.sha256)

    save = partial(encode, fingerprint=today)
    with closing(carry_out(config, data, run, today)) as told:
        items = described(run, told, config)
        yield from attempt(run, log, items, save, orders, config.checkpoint.every)


def described(
    run: RunDir, told: Iterator[Event | Moment], config: "Config"
) -> Iterator[Event | Moment]:
    """What is told, each listed level once it is written what is found in its masks.

    Only where single weights are removed: in other masks structure does not appear by itself.
    """
    single = config.prune is not None and config.prune.granularity == "weight"
    for item in told:
        if single and isinstance(item, Level) and item.listed:
            _describe(run, item, config)
        yield item


def _describe(run: RunDir, level: Level, config: "Config") -> None:
    from vitprune_core.analysis.structure import encode, structure
    from vitprune_core.engine.untrained import masks_of
    from vitprune_core.spec.config import level_name

    name = level_name(level.sparsity_asked)
    masks, axes, initial = masks_of(run.mask(name), config, level.sparsity_asked)
    found = structure(masks, axes, config.model.heads, config.seed, initial)
    write(run.structure(name), encode(found))


def _why(error: Exception) -> Event:
    """How a run says that it could not go on; out of memory is no fault of its own."""
    if out_of_memory(error):
        advice = "free memory and resume, or ask anew with a smaller train.batch_size"
        return Stopped(reason=f"out of memory at a peak of {memory_peak()}; {advice}")
    return Failed(reason=f"{type(error).__name__}: {error}")


def listen(orders: Orders, hangup_stops: bool = False) -> None:
    """Let signals be orders: the first is obeyed at the next step, the second at once."""

    def ask(number: int, frame: FrameType | None) -> None:
        if orders.stop:
            os._exit(130)
        orders.stop = signal.Signals(number).name

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask)
    signal.signal(signal.SIGHUP, ask if hangup_stops else signal.SIG_IGN)


def main(words: list[str]) -> int:
    """`RUN-FOLDER [FILE]`: FILE is the number of the open file that holds the run's lock."""
    nobody_else_writes()
    run = RunDir(Path(words[0]).absolute())
    orders = Orders(Inbox(run.control))
    listen(orders)
    try:
        for _ in work(run, orders, int(words[1]) if words[1:] else None):
            pass
    except Held as error:
        print(error, file=sys.stderr)
        return 75
    return CODES.get(summarize(run).state, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
