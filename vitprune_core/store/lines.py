"""Lines of a log taken apart many at a time: epochs, and the checkpoints between them.

Nothing is built for each: one regular expression takes lines apart that are exactly what
`log.encode` writes of an Epoch or of a Checkpointed, and their numbers go into columns. Whatever
else a line may be, `log.decode` knows; both ways count the same.
"""

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, compress
from operator import lt
from typing import Any
from zlib import crc32

from vitprune_core.store import events as e
from vitprune_core.store.columns import CODES

LONGEST = 1 << 20
"""Bytes of a line; of one that is longer nothing but that is kept."""

Row = tuple[bytes, ...]
"""Body, stamps, numbers of an epoch and crc of a line; of any other line only the last field."""
WHOLE = rb"0|[1-9][0-9]{0,14}+"  # never too much for `values.loads`
REAL = rb"-?(?:0|[1-9][0-9]{0,14}+)(?:\.[0-9]++)?+(?:e[-+]?[0-9]{1,2}+)?+"
USUAL_OR_LINE = re.compile(
    (
        rb'(\{"seq":INT,"attempt":INT,"time":NUM,"seconds":NUM,"event":"(?:Epoch"'
        rb',"round":INT,"cycle":INT,"epoch":INT,"sparsity":NUM,"loss":NUM,"lr":NUM'
        rb',"validation":\{"accuracy":NUM,"loss":NUM,"top5":(?:null|NUM)\}'
        rb'|Checkpointed","step":(?:WHOLE),"file":"[-\w.]*+","bytes":(?:WHOLE)))'
        rb',"crc":([0-9]{1,10}+)\}\n|(.*+)\n'
    )
    .replace(b"INT", b"(WHOLE)")
    .replace(b"WHOLE", WHOLE)
    .replace(b"NUM", b"(" + REAL + b")")
)


SEQ, ATTEMPT, TIME, SECONDS, ROUND = range(1, 6)
COLUMNS = (ROUND, 8, 9, 10, 11, 12)
"""Fields of a row that a `History` has as columns, behind `seq`."""


@dataclass(frozen=True)
class Stretch:
    """Epochs of one round in a row, and the checkpoints between them."""

    first: int
    """Number of the first record."""
    last: int
    attempt: int
    """Of the last record."""
    began: float
    """Time of the first record that has one."""
    ended: float
    """Time of the last record."""
    seconds: Sequence[float]
    """Of each record."""
    trained: Sequence[bool]
    """Of each record whether it is an epoch."""
    epoch: e.Epoch
    """The last one."""
    columns: "list[array[Any]]"
    """Of the epochs, as `History` has them."""
    bytes: int


def rows_of(lines: bytes) -> list[Row]:
    return USUAL_OR_LINE.findall(lines)


def is_usual(row: Row) -> bool:
    """An epoch or a checkpoint, as it is written."""
    return row[0] != b""


def line_of(row: Row) -> bytes:
    """As it stands in the log."""
    return b'%b,"crc":%b}\n' % (row[0], row[-2]) if row[0] else row[-1] + b"\n"


def stretch(rows: Sequence[Row], last: int) -> Stretch | None:
    """Of usual lines; None unless they are one, all checksums fit and all records follow `last`."""
    trained = [row[ROUND] != b"" for row in rows]
    epochs = rows if all(trained) else list(compress(rows, trained))
    crcs = [int(row[-2]) for row in rows]
    seq = [int(row[SEQ]) for row in rows]
    fit = [crc32(row[0]) for row in rows] == crcs and all(map(lt, chain([last], seq), seq))
    if not (fit and epochs and all(row[ROUND] == epochs[0][ROUND] for row in epochs)):
        return None
    fields = list(zip(*epochs, strict=True))
    return Stretch(
        first=seq[0],
        last=seq[-1],
        attempt=int(rows[-1][ATTEMPT]),
        began=next(filter(None, (float(row[TIME]) for row in rows)), 0.0),
        ended=float(rows[-1][TIME]),
        seconds=[float(row[SECONDS]) for row in rows],
        trained=trained,
        epoch=_epoch(epochs[-1]),
        columns=[
            array("q", compress(seq, trained)),
            *(_numbers(code, fields[at]) for code, at in zip(CODES[1:], COLUMNS, strict=False)),
        ],
        bytes=sum(len(row[0]) + len(row[-2]) for row in rows) + len(rows) * len(b',"crc":}\n'),
    )


def _epoch(row: Row) -> e.Epoch:
    round, cycle, epoch, sparsity, loss, lr, accuracy, validation, top5 = row[ROUND:-2]
    top = float(top5) if top5 else None
    return e.Epoch(
        round=int(round),
        cycle=int(cycle),
        epoch=int(epoch),
        sparsity=float(sparsity),
        loss=float(loss),
        lr=float(lr),
        validation=e.Score(accuracy=float(accuracy), loss=float(validation), top5=top),
    )


def _numbers(code: str, texts: Sequence[bytes]) -> "array[Any]":
    number = float if code == "d" else int
    if texts.count(texts[0]) == len(texts):  # round and sparsity, say: parsed once
        return array(code, [number(texts[0])]) * len(texts)
    return array(code, list(map(number, texts)))
