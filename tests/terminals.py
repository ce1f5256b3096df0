"""Commands on terminals of their own, in tests and benchmarks."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from contextlib import suppress

import pyte

from tests.workers import until

ANSWERS = {  # what a modern terminal says when a program asks it something
    b"\x1b[?2026$p": b"\x1b[?2026;2$y",
    b"\x1b[6n": b"\x1b[1;1R",
    b"\x1b[c": b"\x1b[?62;22c",
    b"\x1b]11;?": b"\x1b]11;rgb:1010/1010/1010\x1b\\",
    b"\x1b]10;?": b"\x1b]10;rgb:eeee/eeee/eeee\x1b\\",
}
KEYS = {
    "up": b"\x1b[A",
    "down": b"\x1b[B",
    "right": b"\x1b[C",
    "left": b"\x1b[D",
    "home": b"\x1b[H",
    "end": b"\x1b[F",
    "pageup": b"\x1b[5~",
    "pagedown": b"\x1b[6~",
    "enter": b"\r",
    "tab": b"\t",
    "escape": b"\x1b",
    "space": b" ",
    "backspace": b"\x7f",
    "ctrl+c": b"\x03",
    "ctrl+q": b"\x11",
}
FRAME_ENDS = b"\x1b[?2026l"
"""The last bytes of every frame, for a terminal that says that it knows whole frames."""
SOON = 30.0
"""Seconds in which a screen shows what it is to show, on a machine that has other work to do."""
UNSHOWN = re.compile(rb"\x1b\[[<>=][0-9;]*[a-zA-Z]|\x1b\[\?[0-9;]*\$p")
"""What pyte would take for something else."""
UNFINISHED = re.compile(rb"\x1b(?:\[[<>=?]?[0-9;]*\$?)?\Z")
COLOUR = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}
NOBODYS = {"XDG_CONFIG_HOME": "/dev/null", "XDG_STATE_HOME": "/dev/null"}
"""Neither keys nor theme of whoever runs this, and nothing is kept."""
USERS_OWN = ("NO_COLOR", "VITPRUNE_RUNS", "TERM_PROGRAM", "TEXTUAL")


class Terminal:
    """A command on a terminal of its own, which can be closed."""

    def __init__(self, *words, cwd=None, module="vitprune_tui.cli", size=None, env=None):
        self.ours, theirs = pty.openpty()
        self.begun = time.perf_counter()
        if size:
            self.resize(*size)
        command = [sys.executable, "-m", module, *map(str, words)]
        self.process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=cwd,
            env=env,
            start_new_session=True,
            preexec_fn=lambda: _controlling(theirs),
        )
        os.close(theirs)

    def resize(self, columns, rows):
        """As when a window is drawn larger or smaller: the kernel sends SIGWINCH."""
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

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


class Screen(Terminal):
    """A program that draws, on a terminal of a size, and what a person sees of it."""

    def __init__(self, *words, size=(80, 24), module="vitprune_tui.tui", cwd=None, env=None):
        self.screen = pyte.Screen(*size)
        self.feeder = pyte.ByteStream(self.screen)
        self.captured = bytearray()
        """Everything that it ever wrote."""
        self.unfed = b""
        self.at = 0.0
        """When something came last, by `time.perf_counter`."""
        own = {k: v for k, v in os.environ.items() if not k.startswith(USERS_OWN)}
        own |= COLOUR | NOBODYS | (env or {})
        super().__init__(*words, cwd=cwd, module=module, size=size, env=own)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Nothing stays behind, however it went."""
        if self.process.poll() is None:
            self.process.kill()
        self.close()

    def close(self):
        if self.ours >= 0:
            os.close(self.ours)
            self.ours = -1
        return self.process.wait(60)

    def press(self, *keys):
        """Keys by name or as they are typed."""
        for key in keys:
            os.write(self.ours, KEYS.get(key) or key.encode())

    def resize(self, columns, rows):
        super().resize(columns, rows)
        self.screen.resize(rows, columns)

    def read(self, patience=0.0):
        """What there is, waiting so many seconds for it; it is on the screen then."""
        data = self._data(patience)
        if data:
            self._show(data)
        return data

    def _data(self, patience):
        if select.select([self.ours], [], [], patience)[0]:
            with suppress(OSError):
                data = os.read(self.ours, 65_536)
                self.at = time.perf_counter()
                return data
            time.sleep(0.005)  # its end: nothing will ever come
        return b""

    def _show(self, data):
        self.captured += data
        self._answer(data)
        self.unfed += data
        part = UNFINISHED.search(self.unfed)
        whole = part.start() if part else len(self.unfed)
        fed, self.unfed = self.unfed[:whole], self.unfed[whole:]
        self.feeder.feed(UNSHOWN.sub(b"", fed))

    def _answer(self, data):
        for asked, answer in ANSWERS.items():
            if asked in data:
                os.write(self.ours, answer)

    def text(self):
        return "\n".join(line.rstrip() for line in self.screen.display)

    def has(self, *words):
        text = self.text()
        return all(word in text for word in words)

    def until(self, *words, patience=SOON):
        """Read until all words are on the screen; when the last of them came."""
        return self.comes(lambda text: all(word in text for word in words), words, patience)

    def comes(self, what, told="it", patience=SOON):
        """Read until the text on the screen is as wanted; when what made it so came."""
        end = time.perf_counter() + patience
        while not what(text := self.text()):
            while not self.read(0.02):
                if time.perf_counter() > end or self.process.poll() is not None:
                    raise AssertionError(f"{told} did not come:\n{text}")
        return self.at

    def answer(self, key, gap=0.004, patience=0.5):
        """Seconds from a key to the first and to the last byte of the frame that answers it.

        None when nothing does. Frames that follow within `gap` belong to it. What comes is put on
        the screen afterwards, so that nothing but the terminal is measured.
        """
        self.settle(quiet=0.05)
        assert self.process.poll() is None, self.text()
        begun = time.perf_counter()
        self.press(key)
        came = [(self._data(patience), self.at)]
        while came[-1][0]:
            whole = came[-1][0].endswith(FRAME_ENDS)
            came.append((self._data(gap if whole else patience), self.at))
        for data, _ in came:
            self._show(data)
        return (came[0][1] - begun, self.at - begun) if came[0][0] else None

    def settle(self, quiet=0.3, longest=10.0):
        """Read until nothing came for a while."""
        end = time.perf_counter() + longest
        while time.perf_counter() < end and self.read(quiet):
            pass

    def watch(self, seconds):
        """Read for so long; how many bytes came."""
        before, end = len(self.captured), time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self.read(min(left, 0.2))
        return len(self.captured) - before


def _controlling(file):
    fcntl.ioctl(file, termios.TIOCSCTTY, 0)
