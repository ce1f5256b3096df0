"""The append-only log of a run: one JSON record a line, the only source of truth.

    {"seq":7,"attempt":1,"time":1763800000.1,"seconds":0.61,"event":"Epoch",…,"crc":123456}

`seq` counts the records, `attempt` the processes that worked on the run (0 is the one that made
it), `time` is Unix seconds, `seconds` what passed since the record before by a clock that never
jumps. `crc` is the CRC-32 of all that stands before `,"crc":`. A record is written by one
`os.write`: a reader waits for its newline, a writer removes a torn tail before it appends.

A run that goes on from a checkpoint tells again what came after it: `Resumed` names the record that
it goes on from, and what lies between counts no more (`kept`).
"""

import errno
import json
import os
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, NamedTuple

from vitprune_core.store.events import KINDS, Damaged, Event, Found, Resumed, Unknown
from vitprune_core.store.values import WRONG, from_json, loads, to_json

ENOUGH = 1 << 20
"""Bytes of records in a row, at a log's end, behind which none has a higher number."""


class Entry(NamedTuple):
    """One record of the log."""

    seq: int
    attempt: int
    time: float
    seconds: float
    event: Found
    end: int
    """Byte after the record: where to carry on reading."""


class Log:
    """The writing side; one process at a time, which holds the run's lock."""

    def __init__(self, path: Path):
        self.path = path
        self.seq, last = repair(path)
        self.attempt = last + 1
        self.clock = time.monotonic()
        self.torn = False

    @property
    def seconds(self) -> float:
        """Since the last record."""
        return time.monotonic() - self.clock

    def append(self, event: Event) -> Entry:
        """Write one event; either the whole record is there afterwards, or nothing of it."""
        if self.torn:
            repair(self.path)
            self.torn = False
        now = time.monotonic()
        seq, when, seconds = self.seq + 1, round(time.time(), 3), round(now - self.clock, 6)
        line = encode(seq, self.attempt, when, seconds, event)
        file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            start = os.fstat(file).st_size
            if os.write(file, line) != len(line):
                self.torn = True
                os.ftruncate(file, start)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
        finally:
            os.close(file)
        self.seq, self.clock = seq, now
        return Entry(seq, self.attempt, when, seconds, event, start + len(line))

    def sync(self) -> None:
        """Make what was appended survive a power cut."""
        file = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)


def entries(path: Path, after: int = 0) -> Iterator[Entry]:
    """The records past byte `after`, oldest first.

    A record still being written has no newline yet and is left for the next call; a damaged one
    comes as `Damaged`, a kind of event that this version does not know as `Unknown`.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    last = 0
    with file:
        file.seek(after)
        for line in file:
            if not line.endswith(b"\n"):
                return
            after += len(line)
            entry = decode(line, after)
            if not isinstance(entry.event, Damaged) and entry.seq <= last:
                entry = entry._replace(event=Damaged(bytes=len(line)))  # told a second time
            last = max(last, entry.seq)
            yield entry


def encode(seq: int, attempt: int, when: float, seconds: float, event: Event) -> bytes:
    record = {
        "seq": seq,
        "attempt": attempt,
        "time": when,
        "seconds": seconds,
        "event": type(event).__name__,
        **to_json(event),
    }
    body = json.dumps(record, separators=(",", ":"), allow_nan=False)[:-1].encode()
    return body + b',"crc":%d}\n' % zlib.crc32(body)


def decode(line: bytes, end: int) -> Entry:
    """A line of the log."""
    try:
        record = _record(line)
        name = record["event"]
        kind = KINDS.get(name)
        return Entry(
            seq=from_json(int, record["seq"]),
            attempt=from_json(int, record["attempt"]),
            time=from_json(float, record["time"]),
            seconds=from_json(float, record["seconds"]),
            event=from_json(kind, record) if kind else Unknown(kind=str(name)),
            end=end,
        )
    except WRONG:
        return Entry(0, 0, 0.0, 0.0, Damaged(bytes=len(line)), end)


def _record(line: bytes) -> dict[str, Any]:
    """The record of a line; raises ValueError when it is damaged."""
    body, _, crc = line.rpartition(b',"crc":')
    if int(crc.strip().removesuffix(b"}")) != zlib.crc32(body):
        raise ValueError("the checksum does not fit")
    record: dict[str, Any] = loads(body + b"}")
    return record


def kept(records: Iterable[Entry]) -> list[Entry]:
    """What counts: without what a resumed run has told again since."""
    told: list[Entry] = []
    for record in records:
        if isinstance(record.event, Resumed):
            told = [r for r in told if r.seq <= record.event.after]
        told.append(record)
    return told


def repair(path: Path) -> tuple[int, int]:
    """Cut off a record that was never finished; number and attempt of the last one that was.

    A log that has none yet is one that no process has worked on: its last attempt is -1. Read from
    its end backwards, until there are so many records in a row that what comes before them can
    only have lower numbers: a disk that lost its power may have written a part a second time.
    """
    seq, attempt = 0, -1
    if not path.exists() or not path.stat().st_size:
        return seq, attempt
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as log:
        size, whole = len(log), log.rfind(b"\n") + 1
        end = whole
        while end:
            start = log.rfind(b"\n", 0, max(end - ENOUGH, 0)) + 1
            found = [_stamps(line) for line in log[start:end].splitlines()]
            seq = max(seq, *(number for number, _ in found))
            attempt = max(attempt, *(by for _, by in found))
            end = 0 if _in_a_row(found) else start
    if whole < size:
        os.truncate(path, whole)
    return seq, attempt


def _in_a_row(stamps: Sequence[tuple[int, int]]) -> bool:
    """None of them is damaged, missing or told a second time."""
    numbers = [number for number, _ in stamps]
    return numbers[0] > 0 and numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def _stamps(line: bytes) -> tuple[int, int]:
    """Number and attempt, also of a kind that this version does not know; of none if damaged."""
    with suppress(*WRONG):
        record = _record(line)
        return int(record["seq"]), int(record["attempt"])
    return 0, -1
