"""Commands on terminals of their own, in tests and benchmarks."""

import fcntl
import os
import pty
import subprocess
import sys
import termios
from contextlib import suppress

from tests.workers import until


class Terminal:
    """A command on a terminal of its own, which can be closed."""

    def __init__(self, *words, cwd=None):
        self.ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "vitprune_tui.cli", *map(str, words)]
        self.process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=cwd,
            start_new_session=True,
            preexec_fn=lambda: _controlling(theirs),
        )
        os.close(theirs)

    def close(self):
        """As when a window is closed or a connection lost: the kernel sends SIGHUP."""
        os.close(self.ours)
        return self.process.wait(60)

    def press(self, keys):
        os.write(self.ours, keys)

    def reads(self, word, patience=120.0):
        """Read until a word is on the screen."""
        seen = b""

        def found():
            nonlocal seen
            seen += self.read()
            return word.encode() in seen

        until(found, patience=patience)
        return seen.decode(errors="replace")

    def ends(self, patience=120.0):
        """Read until the command is over, as a terminal does; its exit code."""

        def over():
            self.read()
            return self.process.poll() is not None

        until(over, patience=patience)
        return self.process.returncode

    def read(self):
        """What there is; a command that is over leaves nothing to read from."""
        os.set_blocking(self.ours, False)
        with suppress(OSError):
            return os.read(self.ours, 65_536)
        return b""


def _controlling(file):
    fcntl.ioctl(file, termios.TIOCSCTTY, 0)
