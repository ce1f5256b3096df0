"""How far a download is, told on stderr."""

import sys
import time
from collections.abc import Callable
from contextlib import suppress

from vitprune_core.engine.images.sources import MB


def teller(total: int) -> Callable[[int], None]:
    """Tells how far it is: on a terminal in one line that changes, elsewhere at each quarter."""
    begun, said = time.monotonic(), 0.0
    on_terminal = sys.stderr.isatty()

    def tell(got: int) -> None:
        nonlocal said
        seconds = time.monotonic() - begun
        mark, step = (seconds, 0.2) if on_terminal else (4 * got // total, 1)
        if mark - said >= step or got == total:
            said = mark
            say(_progress(got, total, seconds), "\r" if on_terminal and got < total else "\n")

    return tell


def _progress(got: int, total: int, seconds: float) -> str:
    rate = got / max(seconds, 1e-6)
    left = round((total - got) / rate)
    eta = f"{left} s" if left < 60 else f"{left // 60} min {left % 60} s"
    return f"  {got / MB:.1f} of {total / MB:.1f} MB, {rate / MB:.1f} MB/s, left {eta:<12}"


def say(what: str, end: str = "\n") -> None:
    with suppress(OSError):  # nobody listens any more; the file is wanted all the same
        print(what, file=sys.stderr, end=end, flush=True)
