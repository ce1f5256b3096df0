"""The epochs of a run as columns, and the run around them, read on as its log grows.

A screen opens a log of 100,000 epochs at once, so nothing is built for each of them: one regular
expression takes lines apart that are exactly what `log.encode` writes of an Epoch, some hundred at
a time, and their numbers go into arrays. All other lines go through `log.decode`; both ways count
the same records as `log.entries` and `log.kept`, to the last bit of the folded `Summary`.

`Reader.read` belongs to one thread. Others may read what it holds meanwhile: columns and records
only grow, and when a resumed run takes some back, new ones stand in their place.
"""

import errno
import os
import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import chain, groupby, islice
from math import isnan, nan
from operator import itemgetter, lt
from typing import Any
from zlib import crc32

from vitprune_core.store import events as e
from vitprune_core.store.log import Entry, decode
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.summary import Summary

CHUNK = 1 << 16
"""Bytes taken apart at a time: few, because no other thread runs meanwhile."""
LONGEST = 1 << 20
"""Bytes of a line; of one that is longer nothing but that is kept."""
LATEST = 200
ELSEWHERE = (e.Checkpointed, e.Unknown)
"""Records that are not among the latest."""
GONE = (errno.ENOENT, errno.ENOTDIR, errno.ESTALE)

Row = tuple[bytes, ...]
"""Body, numbers and crc of a line that is an Epoch; of any other line only the last field."""
EPOCH_OR_LINE = re.compile(
    (
        rb'(\{"seq":INT,"attempt":INT,"time":NUM,"seconds":NUM,"event":"Epoch"'
        rb',"round":INT,"cycle":INT,"epoch":INT,"sparsity":NUM,"loss":NUM,"lr":NUM'
        rb',"validation":\{"accuracy":NUM,"loss":NUM,"top5":(?:null|NUM)\})'
        rb',"crc":([0-9]{1,10}+)\}\n|(.*+)\n'
    )
    .replace(b"INT", rb"(0|[1-9][0-9]{0,14}+)")  # never too much for `values.loads`
    .replace(b"NUM", rb"(-?(?:0|[1-9][0-9]{0,14}+)(?:\.[0-9]++)?+(?:e[-+]?[0-9]{1,2}+)?+)")
)
CODES = "qqddqqqdddddd"
"""Of the columns: whole numbers of 64 bits, and doubles."""


@dataclass(frozen=True, eq=False)
class History:
    """The epochs that count, a row each; the columns are in the order of a record's numbers.

    Another thread may read the first `len(history)` rows while it grows; it copies or counts
    (`loss[:n]`) and keeps no memoryview, under which an array could not grow.
    """

    seq: "array[int]"
    """Of the record; rising."""
    attempt: "array[int]"
    time: "array[float]"
    seconds: "array[float]"
    round: "array[int]"
    cycle: "array[int]"
    epoch: "array[int]"
    sparsity: "array[float]"
    loss: "array[float]"
    lr: "array[float]"
    accuracy: "array[float]"
    """Of the validation images, like the two below."""
    validation_loss: "array[float]"
    top5: "array[float]"
    """NaN where there is none."""

    @classmethod
    def empty(cls) -> "History":
        columns: list[array[Any]] = [array(code) for code in CODES]
        return cls(*columns)

    def __len__(self) -> int:
        return len(self.seq)

    def entry(self, at: int) -> Entry:
        """The record of a row, but for its `end`, which is 0."""
        top5 = self.top5[at]
        event = e.Epoch(
            round=self.round[at],
            cycle=self.cycle[at],
            epoch=self.epoch[at],
            sparsity=self.sparsity[at],
            loss=self.loss[at],
            lr=self.lr[at],
            validation=e.Score(
                accuracy=self.accuracy[at],
                loss=self.validation_loss[at],
                top5=None if isnan(top5) else top5,
            ),
        )
        stamps = self.seq[at], self.attempt[at], self.time[at], self.seconds[at]
        return Entry(*stamps, event=event, end=0)

    def until(self, seq: int) -> "History":
        """A copy without what was told after record `seq`."""
        rows = bisect_right(self.seq, seq)
        return History(*(column[:rows] for column in _columns(self)))

    def extend(self, columns: "Sequence[array[Any]]") -> None:
        """More rows; `seq` grows last, so that rows are counted when they are whole."""
        for mine, more in reversed(list(zip(_columns(self), columns, strict=True))):
            mine.extend(more)


def _columns(history: History) -> "list[array[Any]]":
    return [getattr(history, column.name) for column in fields(history)]


class Reader:
    """One run; `history` and `summary` are as of the last `read`.

    The summary is that of the log alone. What only lock and queue tell is added by `summary.seen`.
    """

    def __init__(self, run: RunDir):
        self.run = run
        self.summary = Summary()
        self._file = -1, -1
        self._tried: tuple[int, ...] = ()
        """The log as it was when it was last read."""
        self._begin()

    def _begin(self) -> None:
        self.history = History.empty()
        self._others: list[Entry] = []
        """Records that count and are no epochs."""
        self._offset = self._last = 0
        self._counted = 0, 0
        """Of the others and of the epochs, how many are in the summary."""
        self.latest: tuple[Entry, ...] = ()
        """The last records that count, oldest first, without what is told elsewhere."""
        self.tested: tuple[e.Pruned | e.Level, ...] = ()
        """Every pruning and every level that counts, in order."""

    @property
    def end(self) -> int:
        """Byte after the last record."""
        return self._offset

    @property
    def pruned(self) -> Mapping[str, e.Matrix] | None:
        """The matrices as they are now; None before the first pruning."""
        told = (r.event for r in reversed(self._others) if isinstance(r.event, e.Pruned | e.Level))
        return next((event.matrices for event in told), None)

    def read(self) -> bool:
        """Read what is new; whether anything was. A log that is gone has nothing new.

        A log that is shorter than it was, or another file, is read from its beginning.
        """
        before = self._file, self._offset
        try:
            self._read_on()
        except OSError as error:
            if error.errno not in GONE:
                raise
        self._fold()
        return (self._file, self._offset) != before

    def _read_on(self) -> None:
        log = self.run.log
        if _stamps(os.stat(log)) == self._tried:
            return  # most looks at most runs end here
        with log.open("rb") as file:
            now = os.fstat(file.fileno())
            if _identity(now) != self._file or now.st_size < self._offset:
                self._begin()
            self._file = _identity(now)
            file.seek(self._offset)
            while data := file.read(CHUNK) + file.readline(LONGEST):
                whole = data.rfind(b"\n") + 1
                self._take(data[:whole])
                if len(data) - whole >= LONGEST:  # what comes after it in this line is damage
                    self._offset += LONGEST
                    file.seek(self._offset)
                elif whole < len(data):  # a record that is still being written
                    break
        self._tried = _stamps(now)

    def _take(self, lines: bytes) -> None:
        for are_epochs, rows in groupby(EPOCH_OR_LINE.findall(lines), _is_epoch):
            if are_epochs:
                self._take_epochs(list(rows))
            else:
                for row in rows:
                    self._take_line(row[-1] + b"\n")

    def _take_epochs(self, rows: list[Row]) -> None:
        """All at once if all are good; halves find those that are not."""
        if columns := _parsed(rows, self._last):
            self.history.extend(columns)
            self._last = columns[0][-1]
            self._offset += _bytes(rows)
        elif len(rows) == 1:
            self._take_line(_line(rows[0]))
        else:
            half = len(rows) // 2
            self._take_epochs(rows[:half])
            self._take_epochs(rows[half:])

    def _take_line(self, line: bytes) -> None:
        self._offset += len(line)
        entry = decode(line, self._offset)
        if not isinstance(entry.event, e.Damaged) and entry.seq <= self._last:
            entry = entry._replace(event=e.Damaged(bytes=len(line)))  # told a second time
        self._last = max(self._last, entry.seq)
        if isinstance(entry.event, e.Resumed):
            self._take_back(entry.event.after)
        if isinstance(entry.event, e.Epoch):
            self.history.extend(_row(entry, entry.event))
        else:
            self._others.append(entry)

    def _take_back(self, after: int) -> None:
        """Like `log.kept`."""
        self._others = [record for record in self._others if record.seq <= after]
        self.history = self.history.until(after)
        self._counted = 0, 0

    def _fold(self) -> None:
        others, epochs = self._counted
        before = self.summary if others or epochs else Summary()
        self.summary = _folded(before, self._others[others:], self.history, epochs)
        self._counted = len(self._others), len(self.history)
        if others < len(self._others):
            events = (record.event for record in self._others)
            self.tested = tuple(event for event in events if isinstance(event, e.Pruned | e.Level))
            told = (r for r in reversed(self._others) if not isinstance(r.event, ELSEWHERE))
            self.latest = tuple(islice(told, LATEST))[::-1]


def _identity(file: os.stat_result) -> tuple[int, int]:
    return file.st_dev, file.st_ino


def _stamps(file: os.stat_result) -> tuple[int, ...]:
    return *_identity(file), file.st_size, file.st_mtime_ns


def _is_epoch(row: Row) -> bool:
    return row[0] != b""


def _parsed(rows: list[Row], last: int) -> "list[array[Any]] | None":
    """The numbers by column; None unless all checksums fit and all records follow `last`."""
    bodies, *numbers, top5, crcs, _ = zip(*rows, strict=True)
    if list(map(crc32, bodies)) != list(map(int, crcs)):
        return None
    numbers.append(tuple(text or b"nan" for text in top5))
    columns = list(map(_numbers, CODES, numbers))
    seqs = columns[0]
    return columns if all(map(lt, chain([last], seqs), seqs)) else None


def _numbers(code: str, texts: tuple[bytes, ...]) -> "array[Any]":
    number = float if code == "d" else int
    if texts.count(texts[0]) == len(texts):  # round and sparsity, say: parsed once
        return array(code, [number(texts[0])]) * len(texts)
    return array(code, list(map(number, texts)))


def _line(row: Row) -> bytes:
    return b'%b,"crc":%b}\n' % (row[0], row[-2])


def _bytes(rows: list[Row]) -> int:
    """Of their lines, which are not put together for that."""
    parts = chain(map(itemgetter(0), rows), map(itemgetter(-2), rows))
    return sum(map(len, parts)) + len(rows) * len(b',"crc":}\n')


def _row(entry: Entry, event: e.Epoch) -> "list[array[Any]]":
    """An epoch as columns of one number."""
    score = event.validation
    values = (
        *entry[:4],
        *(event.round, event.cycle, event.epoch, event.sparsity, event.loss, event.lr),
        *(score.accuracy, score.loss, nan if score.top5 is None else score.top5),
    )
    return [array(code, [value]) for code, value in zip(CODES, values, strict=True)]


def _folded(summary: Summary, others: list[Entry], history: History, at: int) -> Summary:
    """The summary after these records and the epochs from row `at`, in the order of the log.

    A damaged record has no number to find its place by; it may be counted anywhere.
    """
    for entry in others:
        upto = bisect_left(history.seq, entry.seq, at)
        summary = _after_epochs(summary, history, at, upto).then(entry)
        at = upto
    return _after_epochs(summary, history, at, len(history))


def _after_epochs(summary: Summary, history: History, start: int, stop: int) -> Summary:
    for _, same_round in groupby(range(start, stop), history.round.__getitem__):
        rows = list(same_round)
        here = slice(rows[0], rows[-1] + 1)
        last = history.entry(rows[-1])
        summary = summary.after_epochs(history.time[here], history.seconds[here], last)
    return summary
