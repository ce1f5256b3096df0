"""What a list shows of a run: so little that a list of hundreds opens at once.

It is the first line of `summary.json`, where that fits the log; otherwise the log is folded. So
whoever only lists runs that rest loads nothing of records and how they are folded.
"""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO, TypeVar
from zlib import crc32

from vitprune_core.store.rundir import RunDir
from vitprune_core.store.values import WRONG, from_json, loads

T = TypeVar("T")

VERSION = 5
"""Of `summary.json`: one of another version is made anew."""
ALIVE = ("starting", "running", "pausing", "paused", "stopping")
"""States that promise a living process; without one the run is lost."""
CHECKED = 4096
"""Bytes of the log before a place that must be those that were read."""


@dataclass(frozen=True, kw_only=True)
class Brief:
    state: str
    preset: str
    workload: str
    seed: int | None
    epochs_done: int
    epochs_planned: int
    dense: float | None
    """Test accuracy, like `accuracy`."""
    levels: int
    sparsity: float | None
    """Of the last level, like `accuracy`."""
    accuracy: float | None
    started: float | None
    updated: float | None
    damaged: int
    unknown: int = 0


def brief(run: RunDir) -> Brief:
    """Of the run now: where that was kept, nothing is folded; `lost` when nobody is alive."""
    shown = brief_of(run)
    if shown is None or shown.state in (*ALIVE, "queued"):
        from vitprune_core.store.summary import summarize

        return summarize(run).brief
    return shown


def brief_of(run: RunDir) -> Brief | None:
    """Of the whole log, if that was kept."""
    return of_whole_log(run, Brief, "brief", lines=1)


def of_whole_log(run: RunDir, kind: type[T], key: str, lines: int) -> T | None:
    """What so many lines of `summary.json` have under a key, unless the log has grown since."""
    with suppress(OSError, *WRONG), run.log.open("rb") as log:
        data = cached(run, log, lines)
        if data["after"] == os.fstat(log.fileno()).st_size:
            return from_json(kind, data[key])
    return None


def cached(run: RunDir, log: BinaryIO, lines: int | None = None) -> dict[str, Any]:
    """What so many lines of `summary.json` say.

    Raises OSError or one of `WRONG` unless they are as they were written, and fit the log.
    """
    data: dict[str, Any] = {}
    with run.summary.open("rb") as file:
        for line in islice(file, lines):
            data |= _parsed(line)
    if data["version"] != VERSION or data["crc_log"] != crc_before(
        log, from_json(int, data["after"])
    ):
        raise ValueError("it is of another log")
    return data


def encode(parts: Sequence[Mapping[str, Any]]) -> bytes:
    """One JSON value, a line for each part with its checksum."""
    lines = []
    for number, part in enumerate(parts, 1):
        text = json.dumps(part, allow_nan=False)[1:-1].encode()
        lines.append(b'%b,"crc%d":%d' % (text, number, crc32(text)))
    return b"{%b}\n" % b",\n".join(lines)


def _parsed(line: bytes) -> dict[str, Any]:
    text, _, rest = line.strip(b"{,}\n").rpartition(b',"crc')
    if crc32(text) != int(rest.partition(b'":')[2]):
        raise ValueError("it is not what was written")
    part: dict[str, Any] = loads(b"{%b}" % text)
    return part


def crc_before(log: BinaryIO, offset: int) -> int:
    """Of what stands before a place in a log; raises ValueError beyond its end."""
    start = max(offset - CHECKED, 0)
    log.seek(start)
    before = log.read(offset - start)
    if start + len(before) != offset:
        raise ValueError("it is of a longer log")
    return crc32(before)
