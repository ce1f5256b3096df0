"""How far a log was read and what it told until there: what a reader goes on from.

Everything of it is bounded, however long the log is: columns are thinned, and of single records
there are the last ones, and those that pruned and tested. `summary.json` keeps one, for whoever
reads next: a cache that anyone may delete, and that is not believed where it does not fit the log.
Its first line has what a list of runs shows, the second the summary, the third all else; of records
it only says where they stand.

    {"version":5,"after":81230,"crc_log":3735928559,"brief":{…},"crc1":4203181,
    "summary":{…},"crc2":2118230941,
    "last":301,"top":301,"tested":[[4711,"Pruned"],…],"latest":[…],"history":{"seq":[…],…},"crc3":…}
"""

from array import array
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from operator import lt
from typing import Any, BinaryIO

from vitprune_core.store import events as e
from vitprune_core.store.brief import VERSION, cached, crc_before, encode, of_whole_log
from vitprune_core.store.columns import CODES, NAMES, History
from vitprune_core.store.lines import LONGEST
from vitprune_core.store.log import Entry, decode
from vitprune_core.store.rundir import RunDir, write
from vitprune_core.store.summary import Summary
from vitprune_core.store.values import WHOLE, WRONG, from_json, to_json

NOWHERE = 1 - WHOLE
"""No record has a lower number."""

Mark = tuple[int, Entry]
"""The byte at which a record begins, and the record."""


@dataclass(frozen=True)
class Place:
    offset: int = 0
    """Byte after the last record."""
    last: int = 0
    """The highest number so far: a record that is not above it is told a second time."""
    top: int = NOWHERE
    """The highest number of a record that counts."""
    summary: Summary = field(default_factory=Summary)
    history: History = field(default_factory=History.empty)
    """It may have grown since: rows after `top` are not meant."""
    tested: tuple[Mark, ...] = ()
    latest: tuple[Mark, ...] = ()


def save(run: RunDir, place: Place) -> None:
    """For whoever reads next."""
    with run.log.open("rb") as log:
        crc_log = crc_before(log, place.offset)
    rows = place.history.until(place.top)
    columns = zip(NAMES, rows.columns, strict=True)
    parts: tuple[dict[str, Any], ...] = (
        {
            **{"version": VERSION, "after": place.offset, "crc_log": crc_log},
            "brief": to_json(place.summary.brief),
        },
        {"summary": to_json(place.summary)},
        {
            **{"last": place.last, "top": place.top, "span": rows.span, "settled": rows.settled},
            "tested": [(start, type(r.event).__name__) for start, r in place.tested],
            "latest": [(start, type(r.event).__name__) for start, r in place.latest],
            "history": {name: column.tolist() for name, column in columns},
        },
    )
    write(run.summary, encode(parts))


def load(run: RunDir) -> Place | None:
    """What was kept, if it fits the log; the log may have grown since."""
    with suppress(OSError, *WRONG), run.log.open("rb") as log:
        data = cached(run, log)
        return Place(
            offset=data["after"],
            last=from_json(int, data["last"]),
            top=from_json(int, data["top"]),
            summary=from_json(Summary, data["summary"]),
            history=_history(
                data["history"], from_json(int, data["span"]), from_json(int, data["settled"])
            ),
            tested=tuple(_found(log, start, name) for start, name in data["tested"]),
            latest=tuple(_found(log, start, name) for start, name in data["latest"]),
        )
    return None


def summary_of(run: RunDir) -> Summary | None:
    """Of the whole log, if that was kept."""
    return of_whole_log(run, Summary, "summary", lines=2)


def _history(columns: Mapping[str, list[Any]], span: int, settled: int) -> History:
    made: list[array[Any]] = [
        array(code, columns[name]) for name, code in zip(NAMES, CODES, strict=True)
    ]
    rows, done = len(made[0]), made[NAMES.index("done")]
    if any(len(column) != rows for column in made):
        raise ValueError("columns of several lengths")
    if not (_rises(made[0]) and _rises(done) and 0 <= settled <= rows and span >= 1):
        raise ValueError("rows in no order")
    return History(*made, span=span, settled=settled)


def _rises(numbers: "array[int]") -> bool:
    return all(map(lt, numbers, numbers[1:]))


def _found(log: BinaryIO, start: int, name: str) -> Mark:
    """A record where it was; damage is also what was told a second time."""
    log.seek(start)
    line = log.readline(LONGEST)
    entry = decode(line, start + len(line))
    if name == e.Damaged.__name__:
        entry = entry._replace(event=e.Damaged(bytes=len(line)))
    if type(entry.event).__name__ != name:
        raise ValueError("another record stands there")
    return start, entry
