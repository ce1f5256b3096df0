"""A run read on as its log grows: its epochs as columns, the records that tell, the fold of all.

Most of a log is taken apart many lines at a time (`lines`), what is left goes through `log.decode`;
both ways count the same records as `log.entries` and `log.kept`, to the last bit of the folded
`Summary`. Where a resumed run takes records back, the reader goes back to a place before them and
reads on from there without them. So it holds a few places and no record for longer than it needs:
the same memory however long the log is.

`Reader.read` belongs to one thread. Others may read what it holds meanwhile: columns only grow, and
when a resumed run takes some back, new ones stand in their place.
"""

import errno
import os
from collections.abc import Mapping
from contextlib import suppress
from itertools import groupby
from math import inf
from typing import BinaryIO

from vitprune_core.store import events as e
from vitprune_core.store.columns import History, row_of
from vitprune_core.store.lines import LONGEST, Row, is_usual, line_of, rows_of, stretch
from vitprune_core.store.log import Entry, decode
from vitprune_core.store.place import NOWHERE, Place, load, save
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.summary import Summary

CHUNK = 1 << 16
"""Bytes taken apart at a time: few, because no other thread runs meanwhile."""
PLACES = 8
"""To go back to; one for every chunk, more or less."""
KEPT_EVERY = 8 << 20
"""Bytes of a log that are read again rather than kept for the next reader."""
LATEST = 200
ELSEWHERE = (e.Checkpointed, e.Unknown)
"""Records that are not among the latest."""
GONE = (errno.ENOENT, errno.ENOTDIR, errno.ESTALE)


class Reader:
    """One run; `history` and `summary` are as of the last `read`.

    The summary is that of the log alone. What only lock and queue tell is added by `summary.seen`.
    """

    def __init__(self, run: RunDir):
        self.run = run
        self.behind = 0
        """Bytes of the log that the last `read` left for the next."""
        self._file = -1, -1
        self._tried: tuple[int, ...] = ()
        """The log as it was when it was last read."""
        self._begin(Place())

    def _begin(self, place: Place) -> None:
        self._places = [place] if place.offset else []
        self._back: list[tuple[int, int]] = []
        """Where a resumed run took records back, and the number of the last one that it left."""
        self._saved = place.offset
        self._go_to(place)

    def _go_to(self, place: Place) -> None:
        self._offset, self._last, self._top = place.offset, place.last, place.top
        self.summary: Summary = place.summary
        self.history: History = place.history.until(place.top)
        self._tested, self._latest = place.tested, place.latest

    @property
    def place(self) -> Place:
        """Where it is."""
        return Place(
            offset=self._offset,
            last=self._last,
            top=self._top,
            summary=self.summary,
            history=self.history,
            tested=self._tested,
            latest=self._latest,
        )

    @property
    def end(self) -> int:
        """Byte after the last record."""
        return self._offset

    @property
    def latest(self) -> tuple[Entry, ...]:
        """The last records that count, oldest first, without what is told elsewhere."""
        return tuple(record for _, record in self._latest)

    @property
    def tested(self) -> tuple[e.Pruned | e.Level, ...]:
        """Every pruning and every level that counts, in order."""
        events = (record.event for _, record in self._tested)
        return tuple(event for event in events if isinstance(event, e.Pruned | e.Level))

    @property
    def pruned(self) -> Mapping[str, e.Matrix] | None:
        """The matrices as they are now; None before the first pruning."""
        return self.tested[-1].matrices if self._tested else None

    def read(self, most: int | None = None, until: int | None = None) -> bool:
        """Read what is new, about `most` bytes of it, or to a byte; whether anything was.

        A log that is gone has nothing new. One that is shorter than it was, or another file, is
        read from its beginning, or from what was kept of it.
        """
        before = self._file, self._offset
        try:
            self._read_on(most, until)
        except OSError as error:
            if error.errno not in GONE:
                raise
        if not self.behind and self._offset - self._saved > KEPT_EVERY:
            with suppress(OSError, ValueError):  # there is no room, or the log is another
                self.save()
        return (self._file, self._offset) != before

    def save(self) -> None:
        """Keep what was read for the next reader."""
        save(self.run, self.place)
        self._saved = self._offset

    def _read_on(self, most: int | None, until: int | None) -> None:
        log = self.run.log
        if _stamps(os.stat(log)) == self._tried:
            return  # most looks at most runs end here
        with log.open("rb") as file:
            now = os.fstat(file.fileno())
            size = now.st_size if until is None else until
            if _identity(now) != self._file or size < self._offset:
                kept = load(self.run)
                self._begin(kept if kept and kept.offset <= size else Place())
            self._file = _identity(now)
            left = inf if most is None else most
            while left > 0 and (lines := self._next(file, size)):
                self._take(lines)
                left -= len(lines)
            self.behind = 0 if left > 0 else max(size - self._offset, 0)
            self._tried = _stamps(now) if not self.behind and until is None else ()

    def _next(self, file: BinaryIO, size: int) -> bytes:
        """Whole lines from here on, up to where records are taken back; none where all is read."""
        while self._offset < size:
            ahead = min((at for at, _ in self._back if at > self._offset), default=size)
            file.seek(self._offset)
            data = file.read(min(CHUNK, ahead - self._offset))
            if not data.endswith(b"\n"):
                data += file.readline(LONGEST)
            if whole := data.rfind(b"\n") + 1:
                return data[:whole]
            if len(data) < LONGEST:  # a record that is still being written
                break
            self._offset += LONGEST  # what comes after it in this line is damage
        return b""

    def _take(self, lines: bytes) -> None:
        self._keep_place()
        ahead = (after for at, after in self._back if at > self._offset)
        limit = min(ahead, default=None)
        for usual, rows in groupby(rows_of(lines), is_usual):
            if usual:
                self._take_stretch(list(rows), limit)
            elif any(self._take_line(line_of(row), limit) for row in rows):
                return  # it went back
        if self.history.is_long:
            self.history = self.history.thinned()

    def _keep_place(self) -> None:
        last = self._places[-1].offset if self._places else -CHUNK
        if self._offset >= last + CHUNK or any(at == self._offset for at, _ in self._back):
            self._places = [*self._places, self.place][-PLACES:]

    def _take_stretch(self, rows: list[Row], limit: int | None) -> None:
        """All at once if all are good and count; halves find those that are not or do not."""
        found = stretch(rows, self._last)
        if found and (limit is None or not found.first <= limit < found.last):
            self._offset += found.bytes
            self._last = found.last
            if limit is None or found.last <= limit:
                self._top = found.last
                self.history.extend(found.columns)
                self.summary = self.summary.after_stretch(found)
        elif len(rows) == 1:
            self._take_line(line_of(rows[0]), limit)
        else:
            half = len(rows) // 2
            self._take_stretch(rows[:half], limit)
            self._take_stretch(rows[half:], limit)

    def _take_line(self, line: bytes, limit: int | None) -> bool:
        """Whether it took records back: then the reader is before them again."""
        start = self._offset
        self._offset += len(line)
        entry = decode(line, self._offset)
        if not isinstance(entry.event, e.Damaged) and entry.seq <= self._last:
            entry = entry._replace(event=e.Damaged(bytes=len(line)))  # told a second time
        self._last = max(self._last, entry.seq)
        if isinstance(entry.event, e.Resumed) and self._top > entry.event.after:
            self._go_back(start, entry.event.after)
            return True
        if limit is None or entry.seq <= limit:
            self._count(start, entry)
        return False

    def _go_back(self, start: int, after: int) -> None:
        """To the last place that knows of nothing that record at byte `start` takes back."""
        self._back.append((start, after))
        while self._places and self._places[-1].top > after:
            self._places.pop()
        self._go_to(self._places[-1] if self._places else self._kept())

    def _kept(self) -> Place:
        """The one that was kept for other readers, unless what it knows was taken back too."""
        place = load(self.run) or Place()
        behind = (after for at, after in self._back if at >= place.offset)
        return place if place.top <= min(behind, default=NOWHERE) else Place()

    def _count(self, start: int, entry: Entry) -> None:
        event, mark = entry.event, (start, entry)
        self._top = max(self._top, entry.seq)
        self.summary = self.summary.then(entry)
        if isinstance(event, e.Epoch):
            self.history.extend(row_of(entry.seq, event))
        elif not isinstance(event, ELSEWHERE):
            self._latest = (*self._latest, mark)[-LATEST:]
        if isinstance(event, e.Pruned | e.Level):
            self._tested = (*self._tested, mark)


def _identity(file: os.stat_result) -> tuple[int, int]:
    return file.st_dev, file.st_ino


def _stamps(file: os.stat_result) -> tuple[int, ...]:
    return *_identity(file), file.st_size, file.st_mtime_ns
