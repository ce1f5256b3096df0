"""Everything that a key can do, said once: footer, help, palette, keys file and README read it.

An action's id is `<room>.<name>`; the room is where its key works: `app` everywhere, a view's name
in that view, `run` in every view that is about runs. The class of the room has the method
`action_<name>`.
"""

import string
from collections.abc import Mapping
from dataclasses import dataclass

from textual.binding import Binding, BindingType

from vitprune_tui import keymap

VIEWS = ("bench", "live", "curves", "masks", "runs")


@dataclass(frozen=True)
class Action:
    id: str
    keys: tuple[str, ...]
    """As Textual names them; the first is shown."""
    what: str
    """A word or two, for the footer."""
    help: str
    """A sentence, for help, palette and README."""
    footer: bool = True

    @property
    def room(self) -> str:
        return self.id.partition(".")[0]

    @property
    def name(self) -> str:
        return self.id.partition(".")[2]


def _a(id: str, keys: str, what: str, help: str, footer: bool = True) -> Action:
    return Action(id, tuple(keys.split()), what, help, footer)


ACTIONS = (
    _a("app.bench", "1", "Bench", "Presets and studies: what they ask for; start, queue.", False),
    _a("app.live", "2", "Live", "One run as it goes on, or a study as it fills up.", False),
    _a("app.curves", "3", "Curves", "Marked runs, one over the other.", False),
    _a("app.masks", "4", "Masks", "Which weights stayed, by block and head.", False),
    _a("app.runs", "5", "Runs", "All runs as a table.", False),
    _a(
        "app.help", "question_mark f1", "help", "All keys, where they work and what they do.", False
    ),
    _a(
        "app.palette", "colon ctrl+p", "find", "Find an action, a run or a preset by typing.", False
    ),
    _a(
        "app.theme",
        "t",
        "theme",
        "Next theme: dark, light, colour-blind, the terminal's own.",
        False,
    ),
    _a("app.glyphs", "u", "glyphs", "Next set of characters: Braille, blocks, ASCII.", False),
    _a("app.maximise", "z", "maximise", "The main picture alone, and back.", False),
    _a(
        "app.copy",
        "y",
        "copy",
        "Copy the run's id, or the command of what is chosen (OSC 52).",
        False,
    ),
    _a("app.picture", "S", "screenshot", "Save the screen as SVG in the runs folder.", False),
    _a("app.leave", "q ctrl+q ctrl+c", "leave", "Leave the bench; runs go on.", False),
    _a(
        "bench.start",
        "enter",
        "start",
        "Start what is chosen, or change the value under the cursor.",
    ),
    _a("bench.queue", "Q", "queue", "Start it when the runs before it are through."),
    _a("bench.pane", "tab", "other side", "From the list to the values and back."),
    _a("bench.workload", "w", "workload", "Next workload: dataset, model and recipe."),
    _a("bench.reset", "backspace", "as it was", "Take back the change under the cursor."),
    _a("bench.save", "s", "save", "Save the preset with its changes as one of your own."),
    _a("bench.up", "up k", "up", "One row up.", False),
    _a("bench.down", "down j", "down", "One row down.", False),
    _a("bench.before", "pageup", "page up", "Of the list to the kind before.", False),
    _a("bench.after", "pagedown", "page down", "To the next: presets, studies, workloads.", False),
    _a("run.pause", "p", "pause", "Pause a run after a checkpoint, or let it go on."),
    _a("run.stop", "x", "stop", "End the process of a run, or all of a study, after a checkpoint."),
    _a("run.kill", "X", "kill", "End a run's process at once, when that is confirmed.", False),
    _a("run.resume", "r", "resume", "Go on with a run from its last checkpoint, or with a study."),
    _a("run.trash", "D", "trash", "Move a run or study to .trash, when that is confirmed.", False),
    _a("run.export", "e", "export", "Write the shown or marked runs as Markdown and CSV."),
    _a("live.next", "right_square_bracket", "next", "Show the next run or study."),
    _a("live.previous", "left_square_bracket", "previous", "Show the one before.", False),
    _a("live.open", "enter", "open", "Of a study: the run of the chosen arm.", False),
    _a("live.close", "escape backspace", "study", "From a run to the study that it is part of."),
    _a("live.up", "up k", "up", "Log lines that went by; of a study the arm above.", False),
    _a("live.down", "down j", "down", "Later log lines; the arm below.", False),
    _a("live.scale", "L", "scale", "Loss on a logarithmic axis, and back.", False),
    _a("live.more", "plus equals_sign", "smoother", "Smooth the loss more.", False),
    _a("live.less", "minus", "rougher", "Smooth the loss less.", False),
    _a("curves.axis", "a", "x axis", "Against sparsity, compression, speed-up or epochs."),
    _a("curves.measure", "v", "what", "Test accuracy, its difference to the baseline, or loss."),
    _a(
        "curves.baseline", "b", "baseline", "Make the run under the cursor the one to compare with."
    ),
    _a("curves.seeds", "m", "seeds", "Runs that differ in their seed as one curve with a band."),
    _a("curves.scale", "L", "scale", "Logarithmic axes: y, x, both, none."),
    _a("curves.more", "plus equals_sign", "smoother", "Smooth curves over epochs more.", False),
    _a("curves.less", "minus", "rougher", "Smooth them less.", False),
    _a("curves.zoom_in", "i", "zoom", "Half as much of the x axis."),
    _a("curves.zoom_out", "o", "zoom out", "Twice as much of it.", False),
    _a("curves.zoom_reset", "0", "all", "All of it.", False),
    _a("curves.left", "left h", "left", "To the left: the cursor, or the picture.", False),
    _a("curves.right", "right l", "right", "To the right.", False),
    _a("curves.up", "up k", "up", "The curve before in the legend.", False),
    _a("curves.down", "down j", "down", "The next curve in the legend.", False),
    _a("curves.cursor", "c", "cursor", "A line to read values from, moved by the arrows."),
    _a("curves.mark", "space", "unmark", "Take the run under the cursor off the picture.", False),
    _a("masks.lower", "comma", "level", "The level before: less is removed."),
    _a("masks.higher", "full_stop", "level", "The next level: more is removed."),
    _a("masks.open", "enter", "larger", "From all blocks to one block to one matrix."),
    _a("masks.close", "escape backspace", "smaller", "And back."),
    _a(
        "masks.difference",
        "d",
        "difference",
        "Against the level before, or against the baseline run.",
    ),
    _a("masks.up", "up k", "up", "The block above.", False),
    _a("masks.down", "down j", "down", "The block below.", False),
    _a("masks.left", "left h", "left", "The matrix before.", False),
    _a("masks.right", "right l", "right", "The next matrix.", False),
    _a("masks.next", "right_square_bracket", "next run", "Masks of the next run.", False),
    _a("masks.previous", "left_square_bracket", "previous", "Masks of the run before.", False),
    _a("runs.open", "enter", "open", "Show the run in Live; of a study how it fills up."),
    _a("runs.unfold", "right l", "unfold", "The runs of a study as rows of their own."),
    _a("runs.fold", "left h", "fold", "The study as one row again.", False),
    _a("runs.mark", "space", "mark", "Mark a run for Curves, export and the rest."),
    _a("runs.none", "n", "mark none", "Take all marks away.", False),
    _a("runs.filter", "slash", "filter", "acc>0.9 preset~rand !failed and the like."),
    _a("runs.sort", "s", "sort", "Next column to sort by."),
    _a("runs.reverse", "R", "reverse", "The other way round.", False),
    _a("runs.difference", "d", "difference", "Where the configs of the marked runs differ."),
    _a("runs.baseline", "b", "baseline", "Make this run the one to compare with.", False),
    _a("runs.earlier", "less_than_sign", "earlier", "A queued run earlier in the queue.", False),
    _a("runs.later", "greater_than_sign", "later", "A queued run later in the queue.", False),
    _a("runs.up", "up k", "up", "One row up.", False),
    _a("runs.down", "down j", "down", "One row down.", False),
    _a("runs.page_up", "pageup", "page up", "A screen up.", False),
    _a("runs.page_down", "pagedown", "page down", "A screen down.", False),
    _a("runs.first", "home g", "first", "The first row.", False),
    _a("runs.last", "end G", "last", "The last row.", False),
)

DEFAULTS: dict[str, tuple[str, ...]] = {action.id: action.keys for action in ACTIONS}
"""What `keymap.read` starts from."""
ROOMS: dict[str, tuple[str, ...]] = {
    "bench": ("bench",),
    "live": ("live", "run"),
    "curves": ("curves",),
    "masks": ("masks",),
    "runs": ("runs", "run"),
}
"""View -> the rooms whose keys work in it, beside those of `app`."""


def bindings(*rooms: str, keys: Mapping[str, tuple[str, ...]] = DEFAULTS) -> list[BindingType]:
    """Of all actions in these rooms, for the class that has their methods."""
    return [
        Binding(",".join(keys[a.id]), a.name, a.what, id=a.id, show=False)
        for a in ACTIONS
        if a.room in rooms and keys[a.id]
    ]


def of_view(view: str) -> list[Action]:
    """What its keys do there, its own first."""
    rooms = (*ROOMS[view], "app")
    return [action for room in rooms for action in ACTIONS if action.room == room]


SHOWN = {
    **{keymap.named(sign): sign for sign in string.punctuation},
    "escape": "esc",
    "pageup": "page up",
    "pagedown": "page down",
}


def shown(key: str) -> str:
    """A key as people write it."""
    *modifiers, last = key.split("+")
    return "+".join([*modifiers, SHOWN.get(last, last)])
