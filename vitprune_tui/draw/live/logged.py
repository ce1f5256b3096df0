"""The last lines of a run's log in words, the newest below; scrolled back, until a record."""

from collections.abc import Sequence
from typing import NamedTuple

from vitprune_core.store import events as e
from vitprune_core.store.clean import clean
from vitprune_core.store.log import Entry
from vitprune_core.store.summary import Summary
from vitprune_tui.draw.clock import precisely
from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.lines import Line, line
from vitprune_tui.draw.told import told

STYLES: dict[type[e.Found], str] = {
    e.Diverged: "bad",
    e.Failed: "bad",
    e.Damaged: "bad",
    e.DenseDamaged: "warn",
    e.Paused: "warn",
    e.Stopped: "warn",
    e.Level: "strong",
    e.Finished: "good",
}


class Told(NamedTuple):
    clock: str
    words: str
    style: str
    seq: int
    """Of the record."""


def lines_of(entries: Sequence[Entry], summary: Summary) -> tuple[Told, ...]:
    """What is told of each record, if anything."""
    found = ((entry, _words(entry.event, summary)) for entry in entries)
    return tuple(
        Told(precisely(entry.time), words, STYLES.get(type(entry.event), ""), entry.seq)
        for entry, words in found
        if words
    )


def _words(event: e.Found, summary: Summary) -> str | None:
    match event:
        case e.Created():
            return clean(
                f"made: vitprune run {' '.join(event.request)}" if event.request else "made"
            )
        case e.Finished():
            return "done"
    return told(event, summary)


def furthest(lines: int, rows: int) -> int:
    """How many of the newest lines are out of sight when the oldest ones fill the window."""
    return max(lines - max(rows - 1, 1), 0) if lines > rows else 0


def draw(told: Sequence[Told], back: int, columns: int, rows: int, glyphs: Glyphs) -> list[Line]:
    """`back`: how many of the newest lines are out of sight."""
    back = min(back, furthest(len(told), rows))
    below = [line((f"{glyphs.more} {back} later", "dim"))] if back and rows > 1 else []
    room = rows - len(below)
    stop = len(told) - back
    shown = told[max(stop - room, 0) : stop]
    return [line((f"{t.clock}  ", "dim"), (t.words, t.style)) for t in shown] + below
