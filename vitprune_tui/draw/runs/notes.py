"""What is to be said above the table of runs: why there is nothing, which are shown, what waits."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from vitprune_core.store.clean import clean
from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.lines import Line, line
from vitprune_tui.draw.runs.table import marks
from vitprune_tui.draw.text import several
from vitprune_tui.state import Lab

Keys = Mapping[str, str]
"""Action -> its key as people write it."""


@dataclass(frozen=True)
class Facts:
    lab: Lab
    filter: str
    """As it was typed; empty: all are shown."""
    shown: int
    """How many runs are left by it."""
    baseline: str | None
    keys: Keys


def draw(facts: Facts, columns: int, rows: int, glyphs: Glyphs) -> list[Line]:
    return list(notes(facts, glyphs))


def notes(facts: Facts, glyphs: Glyphs) -> Iterator[Line]:
    """The line that matters most first; none when there is nothing to say."""
    lab = facts.lab
    if lab.problem:
        yield line((f" {clean(lab.problem)}", "bad"))
    elif lab.read and not lab.runs:
        yield from _empty(facts)
    if lab.runs and facts.filter:
        yield _filtered(facts)
    if lab.order and not lab.dispatcher:
        yield _unserved(facts)
    if about := list(_about(facts, glyphs)):
        yield line(f" {'   '.join(about)}")


def _empty(facts: Facts) -> Iterator[Line]:
    yield line((" No runs yet", "strong"), f" in {clean(facts.lab.folder)}")
    to_bench, start = facts.keys["app.bench"], facts.keys["bench.start"]
    yield line(" ", (to_bench, "key"), " goes to the bench, where ", (start, "key"), " starts one.")


def _filtered(facts: Facts) -> Line:
    left = f"{facts.shown:,} of {several(len(facts.lab.runs), 'run')}"
    key = facts.keys["runs.filter"]
    what = "changes it" if facts.shown else "changes it, and none is left by this one"
    style = "strong" if facts.shown else "warn"
    return line(" ", (left, style), f"  {clean(facts.filter, 60)}  ", (key, "key"), f" {what}")


def _unserved(facts: Facts) -> Line:
    waiting = several(len(facts.lab.order), "run waits", "runs wait")
    what = f" {waiting} and nobody starts them: "
    return line((what, "warn"), (facts.keys["run.resume"], "key"), (" on one of them does", "warn"))


def _about(facts: Facts, glyphs: Glyphs) -> Iterator[str]:
    baseline, damaged = marks(glyphs)
    lab = facts.lab
    if facts.baseline in lab.runs:
        yield f"{baseline} baseline {clean(facts.baseline)}"
    if broken := sum(brief.damaged > 0 for brief in lab.runs.values()):
        yield f"{damaged} {several(broken, 'log')} with damaged records"
    if newer := sum(brief.unknown > 0 for brief in lab.runs.values()):
        yield f"{damaged} {several(newer, 'log')} of a newer version"
    if lab.foreign:
        yield several(lab.foreign, "folder is no run", "folders are no runs")
