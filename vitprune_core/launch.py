"""Start and end the processes that work: a run belongs to the machine, not to a terminal.

A worker is a session of its own with its words going to a file, so that a closed terminal, a killed
starter or a lost connection mean nothing to it. No torch here.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from vitprune_core.store import control, queue
from vitprune_core.store.lock import Held, Holder, claim, erase, holder, inscribe
from vitprune_core.store.rundir import RunDir

WORKER, DISPATCHER = "vitprune_core.worker", "vitprune_core.dispatcher"
PATIENCE = 5.0
"""Seconds until a killed process must have gone."""
CHILDREN: list[subprocess.Popen[bytes]] = []
"""Started by this process and, as far as it knows, not over."""


class NotHere(Exception):
    """The process works on another host, or before this one was started anew."""


def start(run: RunDir) -> subprocess.Popen[bytes]:
    """Start a worker that holds the run's lock from the first moment; raises `Held`.

    The lock is taken here and handed over, so of many starters one starts anything.
    """
    file = claim(run.lock)
    try:
        erase(file)
        run.complete()
        control.clear(run.control)
        process = spawn(WORKER, [str(run.path.absolute()), str(file)], run.output, file)
    finally:
        os.close(file)
    with suppress(OSError):  # it works: a full disk here is no reason to say that it does not
        queue.leave(run)
    return process


def start_dispatcher(runs: Path) -> bool:
    """See to it that somebody starts the queued runs; whether it had to be started."""
    try:
        file = claim(queue.lock(runs))
    except Held:
        return False
    try:
        erase(file)
        spawn(DISPATCHER, [str(runs.absolute()), str(file)], queue.output(runs), file)
    finally:
        os.close(file)
    return True


def spawn(module: str, words: list[str], output: Path, lock: int) -> subprocess.Popen[bytes]:
    """A process in a session of its own, its words appended to `output`, that holds `lock`."""
    told = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o644)
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-u", "-X", "faulthandler", "-m", module, *words],
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=told,
            pass_fds=(lock,),
            start_new_session=True,
        )
        with suppress(OSError):
            if not os.fstat(lock).st_size:  # it may have been quicker to write its name down itself
                inscribe(lock, attempt=0, pid=process.pid)
        CHILDREN[:] = [child for child in CHILDREN if child.poll() is None]
        CHILDREN.append(process)  # so that the system can forget it when it is over
        return process
    finally:
        os.close(told)


def kill(run: RunDir) -> Holder | None:
    """End the worker at once; who it was, or None when nobody worked on the run.

    A process number may be used again, so it is asked twice: the process that is open is the one
    that holds the lock. Raises `NotHere`.
    """
    before = holder(run.lock)
    if before is None:
        return None
    if not before.is_here:
        raise NotHere(f"process {before.pid} on {before.host} works on it: kill it there")
    with suppress(ProcessLookupError):
        process = os.pidfd_open(before.pid)
        try:
            if _works(run, before):
                signal.pidfd_send_signal(process, signal.SIGKILL)
        finally:
            os.close(process)
    end = time.monotonic() + PATIENCE
    while _works(run, before) and time.monotonic() < end:
        time.sleep(0.02)
    return before


def _works(run: RunDir, worker: Holder) -> bool:
    now = holder(run.lock)
    return now is not None and (now.host, now.pid) == (worker.host, worker.pid)
