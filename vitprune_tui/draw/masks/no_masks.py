"""In the place of masks, while there are none: why, and what to do."""

from collections.abc import Callable

from vitprune_core.store.clean import clean
from vitprune_tui.draw.lines import Line, line
from vitprune_tui.state import State

NONE = {
    "": "they are saved when its first level is through.",
    "done": "their files are gone.",
    **dict.fromkeys(("failed", "stopped", "lost"), "it ended before its first level was through."),
}
"""Why a run has none, by its state."""


def missing(state: State, key: Callable[[str], str]) -> list[Line]:
    """Why there are no masks to see, and what to do; `key` tells that of an action."""
    if not state.lab.runs:
        return [line(" No runs yet."), line(" ", (key("app.bench"), "key"), " starts one.")]
    runs, live = (key("app.runs"), "key"), (key("app.live"), "key")
    step = (f"{key('masks.previous')} {key('masks.next')}", "key")
    if state.shown is None or state.shown not in state.lab.runs:
        choose = line(" ", runs, " lists all, ", step, " steps through them.")
        return [line(" No run is chosen."), choose]
    if state.run is None:
        return [line((" reading", "dim"))]
    summary = state.run.summary
    why = NONE.get(summary.state, NONE[""])
    if summary.config.get("prune", {}) is None:
        why = "it is only trained, nothing is pruned."
    planned = summary.epochs_planned
    done = f"  epoch {summary.epochs_done} of {planned}" if planned else ""
    return [
        line((f" {clean(state.shown)}", "strong"), f"  {summary.state}{done}"),
        line(f" No masks: {why}"),
        line(" ", step, " other runs  ", live, " this one as it goes on"),
    ]


def unreadable(problem: str | None, key: Callable[[str], str]) -> list[Line]:
    """A level whose files are damaged."""
    levels = f"{key('masks.lower')} and {key('masks.higher')}"
    runs = f"{key('masks.previous')} and {key('masks.next')}"
    others = line(f" other levels: {levels}   other runs: {runs}")
    return [line((f" {problem}", "bad")), others]
