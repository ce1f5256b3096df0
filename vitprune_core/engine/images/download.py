"""One file from one server, which may be away, silent, wrong or without end.

<file>.part -> hash -> rename (this commits it)
"""

import os
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import vitprune_core
from vitprune_core.engine.images.progress import teller
from vitprune_core.engine.images.sources import MB, Pin, read
from vitprune_core.engine.images.wrong import Damaged

TIMEOUT = 5.0
"""Seconds that a server may be silent."""
PATIENCE = 10.0
"""Seconds until its first answer: looking up its name, of which no timeout is kept, included."""
BLOCK = 1 << 16


class NotServed(Exception):
    """A server did not give the file; says why."""


def download(url: str, path: Path, pin: Pin) -> None:
    """Bring a file, whole and right or not at all.

    Raises `NotServed`, and `OSError` for what the disk cannot do.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.part")
    try:
        with draft.open("wb") as file:
            for block in _blocks(url, pin.mb * MB):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        _check(draft, pin)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _check(draft: Path, pin: Pin) -> None:
    try:
        read(draft, pin)
    except Damaged as error:
        raise NotServed(f"gave a file that {error.what}") from None


def _blocks(url: str, most: int) -> Iterator[bytes]:
    """The file at a url, bit by bit; raises `NotServed` where it is too short or too long."""
    got = 0
    try:
        with closing(_opened(url)) as answer:
            total = answer.length
            tell = teller(total or most)
            while block := answer.read(BLOCK):
                got += len(block)
                if got > most:
                    raise NotServed(f"gave more than the {most:,} bytes expected")
                tell(got)
                yield block
    except (OSError, HTTPException) as error:
        raise NotServed(_why(error)) from None
    if total is not None and got < total:
        raise NotServed(f"ended after {got:,} of {total:,} bytes")


def _opened(url: str) -> HTTPResponse:
    """The server's answer; asked in a thread, as looking up a name can take as long as it likes."""
    answers: SimpleQueue[HTTPResponse | Exception] = SimpleQueue()
    Thread(target=_ask, args=(url, answers), daemon=True).start()
    try:
        answer = answers.get(timeout=PATIENCE)
    except Empty:
        raise NotServed(f"no answer in {PATIENCE:g} s") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _ask(url: str, answers: "SimpleQueue[HTTPResponse | Exception]") -> None:
    agent = {"User-Agent": f"vitprune/{vitprune_core.__version__}"}
    try:
        answers.put(urlopen(Request(url, headers=agent), timeout=TIMEOUT))
    except HTTPError as error:
        error.close()
        answers.put(NotServed(f"answered {error.code} {error.reason}"))
    except (OSError, HTTPException, ValueError) as error:
        answers.put(error)


def _why(error: Exception) -> str:
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, TimeoutError):
        return f"silent for {TIMEOUT:g} s"
    return getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
