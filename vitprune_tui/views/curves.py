"""`3 Curves`: marked runs, one over the other, and what tells them apart.

What is drawn is made anew only when something that it was made of is another.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from textual.app import ComposeResult

from vitprune_tui.actions import bindings
from vitprune_tui.draw import text
from vitprune_tui.draw.chart import Curve
from vitprune_tui.draw.curves import legend, overlay
from vitprune_tui.draw.lines import Line, line
from vitprune_tui.facts import comparison as c
from vitprune_tui.facts.look import SCALES, Look, following
from vitprune_tui.state import State
from vitprune_tui.views.view import View
from vitprune_tui.widgets.canvas import Canvas
from vitprune_tui.widgets.listing import Listing, Row


class CurvesView(View):
    room = "curves"
    BINDINGS = bindings("curves")
    DEFAULT_CSS = """
    CurvesView > #picture { height: 1fr; }
    CurvesView > #legend { height: 7; }
    Screen.-short CurvesView > #legend { height: 5; }
    Screen.-flat CurvesView > #legend { height: 3; }
    Screen.-high CurvesView > #legend { height: 16; }
    """
    SCOPED_CSS = False

    def __init__(self, state: State):
        super().__init__(state)
        self.asked, self.at = Look(), 0
        self.made_of: tuple[object, ...] = ()
        self.groups: list[overlay.Group] = []
        self.base: overlay.Group = ()
        """The baseline, with its seeds when they are together."""
        self.drawn: overlay.Picture | None = None

    def compose(self) -> ComposeResult:
        yield Canvas(overlay.draw, id="picture", classes="main")
        yield Listing(id="legend")

    @property
    def names(self) -> tuple[str, ...]:
        """Marked runs, else the shown one."""
        return self.state.marked or ((self.state.shown,) if self.state.shown else ())

    @property
    def look(self) -> Look:
        """As it was asked for, as far as it can be."""
        return self.asked if self.base else self.asked.alone()

    @property
    def curves(self) -> Sequence[Curve]:
        return self.drawn.curves if self.drawn else ()

    @property
    def about(self) -> str:
        return f"{text.several(len(self.names), 'run')} by {self.look.axis}"

    @property
    def copied(self) -> str:
        return self.command("plot", *self.names, "--x", self.look.axis)

    def paint(self) -> None:
        state, glyphs = self.state, self.bench.glyphs
        opened = [state.lab.opened.get(name or "") for name in (*self.names, state.baseline)]
        runs = self.names, state.marked, state.baseline, bool(state.lab.runs)
        made_of = *opened, *runs, self.asked, self.at, glyphs
        if made_of == self.made_of:
            return
        self.made_of = made_of
        subjects = [s for name in self.names if (s := _subject(state, name))]
        self.groups = c.grouped(subjects, self.asked.seeds)
        self.base = self._base()
        self.at = min(self.at, max(len(self.groups) - 1, 0))
        remarks = self._remarks()
        made = overlay.composed(self.groups, self.base, self.look, glyphs, remarks)
        self.drawn = made if self.names else None
        self.query_one("#picture", Canvas).show(self.drawn, self._nothing())
        self._paint_legend()

    def _base(self) -> overlay.Group:
        name = self.state.baseline
        for group in self.groups:
            if any(subject.name == name for subject in group):
                return group
        subject = _subject(self.state, name or "")
        return (subject,) if subject else ()

    def _remarks(self) -> list[str]:
        reading = len(self.names) - sum(map(len, self.groups))
        told = [f"reading {text.several(reading, 'run')}"] if reading else []
        return told if self.state.marked else [*told, f"one run: mark others {self._marking}"]

    @property
    def _marking(self) -> str:
        return f"in Runs ({self.key('app.runs')}) with {self.key('runs.mark')}"

    def _nothing(self) -> tuple[Line, ...]:
        if self.state.lab.runs:
            return (line(), line(f" No run is chosen: mark some {self._marking}."))
        return (line(), line(f" No runs yet: start one on the Bench ({self.key('app.bench')})."))

    def _paint_legend(self) -> None:
        here = legend.values(self.curves, self.look.cursor)
        facts = [
            legend.facts(group, self.base, self.look, value)
            for group, value in zip(self.groups, here, strict=True)
        ]
        at = self.drawn.at if self.drawn else ""
        widths = legend.widths(self.curves, facts, at)
        rows = [
            Row(partial(legend.entry, curve, of, widths))
            for curve, of in zip(self.curves, facts, strict=True)
        ]
        head = partial(legend.head, at, widths)
        self.query_one(Listing).fill(rows, self.at, head if rows else None)

    def on_listing_picked(self, message: Listing.Picked) -> None:
        self.at = message.at
        self.paint()

    def action_up(self) -> None:
        self._choose(-1)

    def action_down(self) -> None:
        self._choose(1)

    def _choose(self, by: int) -> None:
        self.at = min(max(self.at + by, 0), max(len(self.groups) - 1, 0))
        self.paint()

    def action_axis(self) -> None:
        self._become(self.look.next_axis())

    def action_measure(self) -> None:
        measure = self.look.next_measure
        if measure == "difference" and not self.base:
            key = self.key("curves.baseline")
            self.bench.say(f"differences need a baseline: {key} makes the chosen run one", "warn")
            measure = self.look.measuring(measure).next_measure
        self._become(self.look.measuring(measure))

    def action_baseline(self) -> None:
        if not self.groups:
            return
        chosen = self.groups[self.at]
        if chosen == self.base:
            self.asked = self.asked.alone()
            self.bench.become(baseline=None)
        else:
            self.bench.become(baseline=chosen[0].name)

    def action_seeds(self) -> None:
        self.at = 0
        self._become(replace(self.look, seeds=not self.look.seeds))
        if self.look.seeds and not any(len(group) > 1 for group in self.groups):
            self.bench.say("no two of these runs differ in their seed only", "warn")

    def action_scale(self) -> None:
        scale = following(SCALES, self.look.log)
        while (why := self._refuses(scale)) is not None:
            self.bench.say(why, "warn")
            scale = following(SCALES, scale)
        self._become(replace(self.look, log=scale))

    def _refuses(self, scale: str) -> str | None:
        """Why an axis cannot be logarithmic."""
        if scale in ("x", "both") and self.look.axis == "sparsity":
            return "this axis is logarithmic as it is: equal steps divide what is left"
        values = [y for curve in self.curves for y in curve.y]
        if scale in ("y", "both") and min(values, default=1.0) <= 0:
            return "a logarithmic axis has no place for what is not above 0"
        return None

    def action_more(self) -> None:
        self._smooth(1)

    def action_less(self) -> None:
        self._smooth(-1)

    def _smooth(self, by: int) -> None:
        if self.look.of_epochs:
            self._become(self.look.smoother(by))
        else:
            key = self.key("curves.axis")
            self.bench.say(f"smoothing is for curves over epochs: {key} changes the axis", "warn")

    def action_zoom_in(self) -> None:
        self._zoom(0.5)

    def action_zoom_out(self) -> None:
        self._zoom(2.0)

    def action_zoom_reset(self) -> None:
        self._become(replace(self.look, window=None))

    def _zoom(self, factor: float) -> None:
        if self.drawn and self.drawn.whole:
            self._become(self.look.zoomed(factor, self.drawn.whole))

    def action_left(self) -> None:
        self._sideways(-1)

    def action_right(self) -> None:
        self._sideways(1)

    def _sideways(self, by: int) -> None:
        if self.drawn:
            self._become(self.look.moved(by, self._places(), self.drawn.whole))

    def _places(self) -> list[float]:
        return sorted({x for curve in self.curves for x in curve.x})

    def action_cursor(self) -> None:
        places = self._places()
        shown = self.look.cursor is not None or not places
        middle = None if shown else places[len(places) // 2]
        self._become(self.look.pointing(middle))

    def action_mark(self) -> None:
        """Off the picture; Runs has it still."""
        if not self.state.marked or not self.groups:
            return
        gone = {subject.name for subject in self.groups[self.at]}
        self.bench.become(marked=tuple(n for n in self.state.marked if n not in gone))

    def _become(self, look: Look) -> None:
        self.asked = look
        self.bench.paint()


def _subject(state: State, name: str) -> c.Subject | None:
    opened = state.lab.opened.get(name)
    return c.Subject(name, opened.summary, opened.history, opened.rows) if opened else None
