"""All runs, one a row: what matters most has its column at every width.

Columns are laid out from all runs, those out of sight included, so that nothing moves while one
goes through them; a row is drawn only when it is in sight.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from math import inf

from rich.cells import cell_len

from vitprune_core.store.brief import Brief
from vitprune_core.store.clean import clean
from vitprune_tui.draw import clock, text
from vitprune_tui.draw.glyphs import BRAILLE, Glyphs
from vitprune_tui.draw.lines import Line, Piece, fit
from vitprune_tui.facts.filling import Counts, Folded
from vitprune_tui.state import study_of

Run = tuple[str, Brief]
Widths = tuple[tuple[str, int], ...]
"""What columns would like to have whose width depends on the runs."""

cleaned = lru_cache(maxsize=2_000)(clean)
"""The same few words stand in all rows."""
HASH = re.compile(r"-[0-9a-f]{8}$")
"""Of its config, at the end of a name: in a study an arm and a seed have one."""
GAP = "  "
NARROW, USUAL = 9, 24
"""Columns of a name: at least, and before others come in that could be missed."""
LONGEST = 24
"""Columns of any other text."""


@dataclass(frozen=True)
class Table:
    """What the rows are made of."""

    runs: Sequence[Run]
    order: Sequence[str] = ()
    """Of the queue."""
    asked: Mapping[str, str] = field(default_factory=dict)
    """Run -> what was asked of it and not acknowledged yet."""
    baseline: str | None = None
    sort: str = "started"
    """One of `filters.SORTS`."""
    reverse: bool = False
    studies: Mapping[str, Folded] = field(default_factory=dict)
    """Rows that are a study."""

    @cached_property
    def places(self) -> dict[str, int]:
        """In the queue, from 1."""
        return {name: place for place, name in enumerate(self.order, 1)}

    @cached_property
    def widths(self) -> Widths:
        runs = [(n, b) for n, b in self.runs if n not in self.studies]
        states = {(b.state, self.places.get(n), self.asked.get(n)) for n, b in runs}
        wholes = [folded.counts for folded in self.studies.values()]
        words = [*(in_words(*facts) for facts in states), *map(so_many, wholes)]
        full = [*(in_words(*f, full=True) for f in states), *(so_many(w, True) for w in wholes)]
        return (
            ("name", _widest([f"{NAME.title}+", *(self.called(name) for name, _ in self.runs)])),
            ("flags", _widest({_flags(self, n, b, ("b", "d")) for n, b in self.runs})),
            ("state", FRONT + _widest(words)),
            ("state in full", FRONT + _widest(full)),
            ("preset", _widest([cleaned(s) for s in {b.preset for _, b in self.runs}])),
            ("workload", _widest([cleaned(s) for s in {b.workload for _, b in self.runs}])),
            ("epochs", _widest({_epochs_to_come(b) for _, b in self.runs})),
        )

    def called(self, name: str, glyphs: Glyphs = BRAILLE) -> str:
        """As the row has it: below its study a run is told by its arm and its seed."""
        if (study := self.studies.get(name)) is not None:
            return f"{glyphs.unfolded if study.is_open else glyphs.folded} {cleaned(name)}"
        if (folder := study_of(name)) not in self.studies:
            return cleaned(name)
        return f"  {HASH.sub('', cleaned(name[len(folder) + 1 :]))}"


def head(table: Table, room: int, glyphs: Glyphs) -> Line:
    """What the columns are; an arrow at the one that rows are sorted by."""
    arrow = glyphs.falling if table.reverse else glyphs.rising
    pieces: list[Piece] = []
    for column, width in laid_out(table.widths, table.sort, room):
        sorts = column.sort == table.sort
        title = (f"{column.title}{arrow}", "strong") if sorts else (column.title, "title")
        pieces += _cell(column, title, width, glyphs)
    return tuple(pieces)


def row(table: Table, at: int, room: int, glyphs: Glyphs) -> Line:
    name, brief = table.runs[at]
    pieces: list[Piece] = []
    for column, width in laid_out(table.widths, table.sort, room):
        words, style = column.of(table, name, brief, width, glyphs)
        piece = (words, "dim" if words == text.MISSING else style)
        pieces += _cell(column, piece, width, glyphs)
    return tuple(pieces)


@dataclass(frozen=True)
class Column:
    key: str
    title: str
    rank: int
    """Those with lower ones come in first."""
    of: Callable[[Table, str, Brief, int, Glyphs], Piece]
    width: int = 0
    """At least."""
    sort: str = ""
    """What rows are sorted by when they are sorted by it."""
    right: bool = False


@lru_cache(maxsize=32)
def laid_out(widths: Widths, sort: str, room: int) -> tuple[tuple[Column, int], ...]:
    """The columns that there is room for, as they stand, and their widths; names get the rest."""
    wanted, left = dict(widths), max(room, 1)
    chosen: dict[str, int] = {}
    for column in sorted(OTHERS, key=lambda column: _rank(column, sort)):
        arrow = len(column.title) + 1 if column.sort == sort else 0
        width = min(max(column.width, wanted.get(column.key, 0), arrow), LONGEST)
        if left - width - len(GAP) < _least(column, sort, wanted["name"]):
            break
        if width:
            chosen[column.key] = width
            left -= width + len(GAP)
    name = min(wanted["name"], left)
    more = wanted["state in full"] - chosen.get("state", 0)
    if "state" in chosen and 0 < more <= left - name:
        chosen["state"] += more
    return ((NAME, name), *((c, chosen[c.key]) for c in OTHERS if c.key in chosen))


def _least(column: Column, sort: str, name: int) -> float:
    """Columns that a name must still have for this one to come in."""
    rank = _rank(column, sort)
    if rank <= NEEDED:
        return NARROW
    return min(USUAL, name) if rank < TOLD else name if rank < NEVER else inf


def _rank(column: Column, sort: str) -> int:
    """What rows are sorted by is in sight; that the newest come first is understood without."""
    return 0 if column.sort == sort != "started" else column.rank


def _cell(column: Column, piece: Piece, width: int, glyphs: Glyphs) -> Line:
    words, style = piece
    room = width - cell_len(words)
    if room < 0:
        return ((GAP * (column is not NAME), ""), *fit((piece,), width, glyphs.more))
    padded = " " * room + words if column.right else words + " " * room
    return ((GAP * (column is not NAME) + padded, style),)


def _widest(words: Collection[str]) -> int:
    return max(map(cell_len, words), default=0)


def _name(table: Table, name: str, brief: Brief, width: int, glyphs: Glyphs) -> Piece:
    told = text.shortened(table.called(name, glyphs), width, glyphs.more)
    return told, "strong" if name in table.studies else ""


def so_many(counts: Counts, full: bool = False) -> str:
    """Runs of a study: `12/620, 1 bad`, in full `12/620 done, 2 at work, 1 bad`."""
    at_work = (counts.working, "at work") if full else (0, "")
    told = [f"{number} {what}" for number, what in (at_work, (counts.bad, "bad")) if number]
    return ", ".join([f"{counts.done}/{counts.planned}" + " done" * full, *told])


def marks(glyphs: Glyphs) -> tuple[str, str]:
    """Of the baseline, and of a log with records that could not be read or understood."""
    return glyphs.points[8], "!"


def _flags(table: Table, name: str, brief: Brief, signs: tuple[str, str]) -> str:
    baseline, damaged = signs
    return baseline * (name == table.baseline) + damaged * (brief.damaged + brief.unknown > 0)


FRONT = 2
"""Columns before the word of a state: its glyph and a space."""


def sign(state: str, glyphs: Glyphs) -> Piece:
    """Of a state, and its style."""
    match state:
        case "starting" | "running":
            return glyphs.now, "good"
        case "pausing" | "paused" | "stopping":
            return glyphs.vertical, "warn"
        case "stopped":
            return glyphs.horizontal, "warn"
        case "failed" | "lost" | "unreadable":
            return glyphs.dead, "bad"
        case "done":
            return glyphs.over, ""
    return glyphs.ahead, "dim"


def in_words(state: str, place: int | None, asked: str | None, full: bool = False) -> str:
    """A state, its place in the queue and what was asked: `queued #2`, `running, pause asked`."""
    if state == "queued" and place:
        return f"queued #{place}"
    if asked is None:
        return cleaned(state)
    return f"{cleaned(state)}, {asked} asked" if full else f"{asked} asked"


def _state(table: Table, name: str, brief: Brief, width: int, glyphs: Glyphs) -> Piece:
    glyph, style = sign(brief.state, glyphs)
    if (study := table.studies.get(name)) is not None:
        words = so_many(study.counts, full=True)
        return f"{glyph} {words if FRONT + len(words) <= width else so_many(study.counts)}", style
    facts = brief.state, table.places.get(name), table.asked.get(name)
    words = in_words(*facts, full=True)
    if FRONT + len(words) > width:
        words = in_words(*facts)
    return f"{glyph} {words}", style


def epochs(brief: Brief) -> str:
    """Done of those planned; a run that has not begun has no plan yet."""
    if not brief.epochs_planned and not brief.epochs_done:
        return text.MISSING
    return f"{brief.epochs_done}/{brief.epochs_planned}"


def _epochs_to_come(brief: Brief) -> str:
    """As wide as it will ever be: nothing moves at the tenth epoch."""
    return epochs(replace(brief, epochs_done=max(brief.epochs_done, brief.epochs_planned)))


def last_at(brief: Brief) -> str:
    """The sparsity of the last level."""
    return text.MISSING if brief.sparsity is None else text.sparsity(round(brief.sparsity, 4))


def test(brief: Brief) -> str:
    return text.percent(brief.accuracy)


def to_dense(brief: Brief) -> str:
    known = brief.accuracy is not None and brief.dense is not None
    return text.points(brief.accuracy - brief.dense if known else None)  # type: ignore[operator]


def _plain(of: Callable[[Brief], str], style: str = "") -> Callable[..., Piece]:
    def cell(table: Table, name: str, brief: Brief, width: int, glyphs: Glyphs) -> Piece:
        return of(brief), style

    return cell


def _signs(table: Table, name: str, brief: Brief, width: int, glyphs: Glyphs) -> Piece:
    return _flags(table, name, brief, marks(glyphs)), "warn"


def _seed(brief: Brief) -> str:
    return text.MISSING if brief.seed is None else str(brief.seed)


NAME = Column("name", "name", 0, _name, sort="name")
NEEDED, TOLD, NEVER = 4, 9, 99
"""Ranks: of the last column for which names are cut to the least, of the first one that the usual
name tells, and of those that are there only to be sorted by."""
OTHERS = (
    Column("flags", "", 1, _signs),
    Column("state", "state", 1, _state, 9, "state"),
    Column("preset", "preset", 10, _plain(lambda b: cleaned(b.preset)), 7, "preset"),
    Column("workload", "workload", 5, _plain(lambda b: cleaned(b.workload)), 8, "workload"),
    Column("seed", "seed", 9, _plain(_seed), 5, "seed", right=True),
    Column("epochs", "epochs", 4, _plain(epochs), 6, right=True),
    Column("dense", "dense", 7, _plain(lambda b: text.percent(b.dense)), 7, "dense", True),
    Column("at", "last at", 3, _plain(last_at), 7, "sparsity", True),
    Column("test", "test", 2, _plain(test, "strong"), 7, "accuracy", True),
    Column("points", "points", 6, _plain(to_dense), 6, right=True),
    Column("started", "started", 8, _plain(lambda b: clock.dated(b.started)), 11, "started"),
    Column("updated", "updated", NEVER, _plain(lambda b: clock.dated(b.updated)), 11, "updated"),
)  # fmt: skip
