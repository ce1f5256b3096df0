"""Workers without the seconds that torch takes to load: a process that has loaded it forks them.

`Zygote.popen` stands in for `subprocess.Popen` in `vitprune_core.launch`; all else stays the
product's. What it starts is what `python -m MODULE WORD…` would be: a session of its own, with the
signals of a fresh process and no open files but those handed over.
"""

import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from unittest.mock import patch

from vitprune_core import launch

LOADED = (
    *("vitprune_core.worker", "vitprune_core.hand"),
    *("vitprune_core.engine.resume", "vitprune_core.engine.data"),
    *("vitprune_core.engine.untrained", "vitprune_core.analysis.structure"),
)
"""What a worker or a hand loads before its first step."""
ROOM = 1 << 17
"""Bytes of a request: it tells the whole environment."""


class Zygote:
    """The test's side. `first`: `("module:function", word, …)` to call in a process before all."""

    def __init__(self):
        self.asking, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        alone = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        command = [sys.executable, "-u", "-X", "faulthandler", "-m", __name__, str(theirs.fileno())]
        with theirs:
            self.process = subprocess.Popen(command, pass_fds=(theirs.fileno(),), env=alone)
        self.first = []
        self.asking.recv(1)  # once it has loaded everything

    @contextmanager
    def instead(self):
        """Workers that are started meanwhile are forked."""
        of_zygote = SimpleNamespace(Popen=self.popen, DEVNULL=subprocess.DEVNULL)
        with patch.object(launch, "subprocess", of_zygote):
            yield self

    def popen(self, command, *, stdin, stdout, stderr, pass_fds, start_new_session):
        assert (stdin, stderr, start_new_session) == (subprocess.DEVNULL, stdout, True)
        (lock,) = pass_fds
        module, *words = command[command.index("-m") + 1 :]
        asked = [module, words, lock, self.first, dict(os.environ), os.getcwd()]
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            files = [theirs.fileno(), stdout, lock]
            socket.send_fds(self.asking, [json.dumps(asked).encode()], files)
        return Forked(ours)

    def close(self):
        self.asking.close()
        assert self.process.wait(60) == 0


class Forked:
    """What is used of a `Popen`. A minder, whose child the process is, tells how it ended."""

    def __init__(self, minder: socket.socket):
        self.minder, self.pid, self.returncode = minder, int(minder.recv(64)), None

    def poll(self):
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout=None):
        if self.returncode is None:
            self.minder.settimeout(timeout)
            try:
                self.returncode = int(self.minder.recv(64))
            except (BlockingIOError, TimeoutError):
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0) from None
            self.minder.close()
        return self.returncode

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)  # the minder keeps the number until it was told of the end

    def kill(self):
        self.send_signal(signal.SIGKILL)


# The zygote's side.


def serve(asked: socket.socket) -> None:
    """Fork for everybody who asks; over when nobody can any more."""
    for module in LOADED:
        importlib.import_module(module)
    gc.freeze()
    assert len(os.listdir("/proc/self/task")) == 1, "what forks must be its only thread"
    asked.send(b".")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # minders are forgotten as they end
    while True:
        data, files, _, _ = socket.recv_fds(asked, ROOM, 3)
        if not data:
            return
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            mind(*files, json.loads(data))
            os._exit(0)
        for file in files:
            os.close(file)


def mind(teller: int, output: int, lock: int, asked: list) -> None:
    """Start the process, tell its number and its end, and let go of it once that was heard."""
    if not (pid := os.fork()):
        try:
            os._exit(become(output, lock, *asked))
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
    os.close(output)
    os.close(lock)  # or it would be held for longer than the process lives
    with socket.socket(fileno=teller) as told:
        told.send(str(pid).encode())
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        with suppress(OSError):  # who asked may be gone
            told.send(str(ended.si_status * (1 if ended.si_code == os.CLD_EXITED else -1)).encode())
            told.recv(1)


def become(output: int, lock: int, module: str, words: list, number: int, first, env, cwd) -> int:
    """A process as `Popen` makes it for `launch`, with everything loaded already."""
    os.setsid()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.dup2(lock, number)
    os.closerange(3, number)
    os.closerange(number + 1, 1024)
    for place, *given in first:
        where, _, function = place.partition(":")
        getattr(importlib.import_module(where), function)(*given)
    return importlib.import_module(module).main(words)


def put(place: str, value: object) -> None:
    """Give a name of a module, `module:name`, another value: what is waited for may come sooner."""
    module, _, name = place.partition(":")
    setattr(importlib.import_module(module), name, value)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as from_tests:
        serve(from_tests)
