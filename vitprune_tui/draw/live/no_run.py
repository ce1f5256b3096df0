"""What Live says while there is no run to show, and what to do about it."""

from collections.abc import Mapping

from vitprune_core.store.clean import clean
from vitprune_tui.draw import text
from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.lines import Line, line
from vitprune_tui.state import State

Keys = Mapping[str, str]
"""Action -> its key."""


def draw(state: State, keys: Keys, columns: int, rows: int, glyphs: Glyphs) -> list[Line]:
    lab = state.lab
    if lab.problem:
        return [line((clean(lab.problem), "bad")), line("Nothing can be shown of that folder.")]
    if not lab.read:
        return [line((f"reading {clean(lab.folder)}", "dim"))]
    if not lab.runs:
        return _none(state, keys)
    others = line(
        (keys["live.previous"], "key"), " and ", (keys["live.next"], "key"), " show others"
    )
    if why := lab.unreadable.get(state.shown or ""):
        return [line((f"{clean(state.shown)} cannot be read: {clean(why)}", "bad")), others]
    if state.shown in lab.runs:
        return [line((f"reading {clean(state.shown)}", "dim"))]
    gone = [line((f"There is no run {clean(state.shown)} here.", "warn"))] if state.shown else []
    return [*gone, others]


def _none(state: State, keys: Keys) -> list[Line]:
    lines = [
        line((f"No runs yet in {clean(state.lab.folder)}", "strong")),
        line(),
        line((f"{keys['app.bench']:<5}", "key"), "  shows what can be run"),
        line((f"{keys['bench.start']:<5}", "key"), "  there starts the chosen preset"),
    ]
    if state.lab.foreign:
        what = text.several(state.lab.foreign, "folder")
        lines += [line(), line((f"{what} there that hold no run", "warn"))]
    return lines
