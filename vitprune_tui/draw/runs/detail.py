"""A run under the cursor in more words than its row has room for."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from vitprune_core.store.brief import Brief
from vitprune_core.store.clean import clean
from vitprune_tui.draw import clock, tables, text
from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.lines import Line, Piece, line, width
from vitprune_tui.draw.live.alerts import stalled
from vitprune_tui.draw.runs.table import epochs, in_words, last_at, sign, so_many, to_dense
from vitprune_tui.facts.filling import Counts
from vitprune_tui.state import Opened, Study


@dataclass(frozen=True)
class Chosen:
    name: str
    brief: Brief
    opened: Opened | None
    """Only of a run that is read in full already: nothing is read for this."""
    place: int | None
    asked: str | None
    opens: str
    """The key that has it read."""


@dataclass(frozen=True)
class Whole:
    """A study in place of a run."""

    name: str
    counts: Counts
    study: Study
    keys: tuple[str, str]
    """Which show how it fills up, and its runs."""


def draw(chosen: Chosen | Whole | None, columns: int, rows: int, glyphs: Glyphs) -> list[Line]:
    if chosen is None:
        return []
    told = _study(chosen) if isinstance(chosen, Whole) else _lines(chosen, columns, glyphs)
    return [_rule(chosen, columns, glyphs), *told]


def _rule(chosen: Chosen | Whole, columns: int, glyphs: Glyphs) -> Line:
    name = line((f"{glyphs.horizontal * 2} ", "axis"), (clean(chosen.name), "strong"), " ")
    return line(*name, (glyphs.horizontal * max(columns - width(name), 0), "axis"))


def _study(chosen: Whole) -> Iterator[Line]:
    declared, fills, unfolds = chosen.study.declared, *chosen.keys
    yield line(f" {so_many(chosen.counts, full=True)}")
    if chosen.study.problem:
        yield line((f" {clean(chosen.study.problem)}", "bad"))
    if declared:
        arms, seeds = len(declared.arms), len(declared.seeds)
        on = clean(declared.workload)
        yield line(f" {text.several(arms, 'arm')} x {text.several(seeds, 'seed')} on {on}")
    if hands := len(chosen.study.hands):
        yield line((f" {text.several(hands, 'process', 'processes')} at work", "good"))
    yield line((f" {fills} shows how it fills up, {unfolds} its runs", "dim"))


def _lines(chosen: Chosen, columns: int, glyphs: Glyphs) -> Iterator[Line]:
    brief, opened = chosen.brief, chosen.opened
    glyph, style = sign(brief.state, glyphs)
    state = f"{glyph} {in_words(brief.state, chosen.place, chosen.asked, full=True)}"
    reason = clean(opened.summary.reason) if opened and opened.summary.reason else ""
    late = stalled(opened.holder, opened.stalled) if opened and opened.stalled else ""
    yield line(" ", (state, style), f"  {reason}", (late, "bad"))
    yield line(f" {', '.join(_asked(brief))}")
    yield line(" ", *_reached(brief))
    if opened is None:
        yield line((f" {chosen.opens} shows more of it", "dim"))
        return
    if request := opened.summary.request:
        yield line((clean(f" vitprune run {shlex.join(request)}"), "dim"))
    if opened.summary.levels:
        head, *levels = tables.levels(opened.summary, None).splitlines()
        yield line((f" {head}", "title"))
        yield from (line(f" {level}") for level in levels)


def _asked(brief: Brief) -> Iterator[str]:
    seed = "" if brief.seed is None else f", seed {brief.seed}"
    yield f"{clean(brief.preset) or text.MISSING} on {clean(brief.workload) or text.MISSING}{seed}"
    yield f"{epochs(brief)} epochs"
    yield f"began {clock.dated(brief.started)}, last heard of {clock.dated(brief.updated)}"
    if brief.damaged:
        yield text.several(brief.damaged, "damaged record")
    if brief.unknown:
        yield f"{text.several(brief.unknown, 'record')} of a newer version"


def _reached(brief: Brief) -> Iterator[Piece]:
    yield f"dense {text.percent(brief.dense)}", ""
    if brief.accuracy is not None:
        yield f", {text.several(brief.levels, 'level')}, the last at {last_at(brief)}: ", ""
        yield text.percent(brief.accuracy), "strong"
        yield f" ({to_dense(brief)} points)", ""
