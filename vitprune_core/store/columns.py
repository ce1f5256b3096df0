"""The epochs of a run as columns, a row each; of a very long run only rows that a picture needs.

A screen is some hundred columns wide. So of more than `ROWS` epochs there stay, in every stretch of
a stage, the first and the last row and those at which a loss or the accuracy is lowest or highest.
What is drawn of them hardly differs from what would be drawn of all, and a run of a million epochs
takes no more memory and no more time to draw than one of ten thousand. Rows are whole records.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from itertools import chain, pairwise
from typing import Any

from vitprune_core.store import events as e

ROWS = 1 << 14
"""A longer history is thinned."""
TELLING = 8
"""Rows of a stretch that stay, at most."""
CODES = "qqdddddq"
"""Of the columns: whole numbers of 64 bits, and doubles."""


@dataclass(frozen=True, eq=False)
class History:
    """The epochs that count.

    Another thread may read the first `len(history)` rows while it grows; it copies or counts
    (`loss[:n]`) and keeps no memoryview, under which an array could not grow.
    """

    seq: "array[int]"
    """Of the record; rising."""
    round: "array[int]"
    sparsity: "array[float]"
    loss: "array[float]"
    lr: "array[float]"
    accuracy: "array[float]"
    """Of the validation images, like the one below."""
    validation_loss: "array[float]"
    done: "array[int]"
    """Epochs up to here, this one included: the row's number unless the history was thinned."""
    span: int = field(default=1, kw_only=True)
    """Epochs of which `TELLING` rows stayed."""
    settled: int = field(default=0, kw_only=True)
    """Rows that it was thinned to."""

    @classmethod
    def empty(cls) -> "History":
        columns: list[array[Any]] = [array(code) for code in CODES]
        return cls(*columns)

    def __len__(self) -> int:
        return len(self.seq)

    @property
    def columns(self) -> "list[array[Any]]":
        return [getattr(self, name) for name in NAMES]

    def until(self, seq: int) -> "History":
        """A copy without what was told after record `seq`."""
        rows = bisect_right(self.seq, seq)
        columns = [column[:rows] for column in self.columns]
        return History(*columns, span=self.span, settled=min(self.settled, rows))

    def extend(self, columns: "Sequence[array[Any]]") -> None:
        """More epochs, all but `done`; `seq` grows last, so that rows count when they are whole."""
        before = self.done[-1] if self.done else 0
        self.done.extend(range(before + 1, before + 1 + len(columns[0])))
        for mine, more in reversed(list(zip(self.columns, columns, strict=False))):
            mine.extend(more)

    @property
    def is_long(self) -> bool:
        """It can be thinned, and that is worth it."""
        return len(self) > max(ROWS, 2 * self.settled)

    def thinned(self) -> "History":
        """A copy of the rows that a picture needs."""
        span, rows = self.span, self._rows(self.span)
        while len(rows) > ROWS // 2 and span < self.done[-1]:
            span *= 2
            rows = self._rows(span)
        columns = [array(c.typecode, [c[row] for row in rows]) for c in self.columns]
        return History(*columns, span=span, settled=len(rows))

    def _rows(self, span: int) -> list[int]:
        """Those that stay; what was settled is, but for its last stretch, which has grown."""
        last = self.done[self.settled - 1] if self.settled and span == self.span else 0
        first = bisect_left(self.done, last // span * span)
        parts = self._parts(first, span)
        return [*range(first), *chain.from_iterable(self._telling(*part) for part in parts)]

    def _parts(self, first: int, span: int) -> Iterator[tuple[int, int]]:
        """Stretches of so many epochs, or less where a stage begins or ends, from a row on."""
        stages = zip(self.round[first:], self.sparsity[first:], strict=True)
        begin = [at for at, (a, b) in enumerate(pairwise(stages), first + 1) if a != b]
        for at, stop in pairwise([first, *begin, len(self)]):
            while at < stop:
                end = bisect_left(self.done, (self.done[at] // span + 1) * span, at, stop)
                yield at, end
                at = end

    def _telling(self, start: int, stop: int) -> Sequence[int]:
        if stop - start <= TELLING:
            return range(start, stop)
        rows = {start, stop - 1}
        for column in (self.loss, self.accuracy, self.validation_loss):
            part = column[start:stop]
            rows |= {start + part.index(min(part)), start + part.index(max(part))}
        return sorted(rows)


NAMES = tuple(column.name for column in fields(History) if not column.kw_only)


def row_of(seq: int, event: e.Epoch) -> "list[array[Any]]":
    """An epoch as columns of one number."""
    score = event.validation
    values = seq, event.round, event.sparsity, event.loss, event.lr, score.accuracy, score.loss
    return [array(code, [value]) for code, value in zip(CODES, values, strict=False)]
