"""In the place of masks, while there are none: why, and what to do."""

from vitprune_core.store.clean import clean
from vitprune_tui.draw.lines import Line, line
from vitprune_tui.state import State

NONE = {
    "": "they are saved when its first level is through.",
    "done": "their files are gone.",
    **dict.fromkeys(("failed", "stopped", "lost"), "it ended before its first level was through."),
}
"""Why a run has none, by its state."""


def missing(state: State) -> list[Line]:
    """Why there are no masks to see, and what to do."""
    if not state.lab.runs:
        return [line(" No runs yet."), line(" ", ("1", "key"), " starts one.")]
    if state.shown is None or state.shown not in state.lab.runs:
        choose = line(" ", ("5", "key"), " lists all, ", ("[ ]", "key"), " steps through them.")
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
        line(" ", ("[ ]", "key"), " other runs  ", ("2", "key"), " this one as it goes on"),
    ]
