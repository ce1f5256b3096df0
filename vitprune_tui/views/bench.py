"""`1 Bench`: where a run is picked, changed, understood and started.

What is asked for lies on the `Desk`; all that stands on the right is a picture of it. What needs
pydantic and YAML is loaded in a thread after the first paint: until then there are no presets.
"""

from functools import partial
from itertools import groupby

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from vitprune_core.store.clean import clean
from vitprune_tui.actions import bindings
from vitprune_tui.draw.bench import asked, studied
from vitprune_tui.draw.bench.meaning import meaning
from vitprune_tui.draw.bench.planned import planned
from vitprune_tui.draw.lines import Line, line, width
from vitprune_tui.facts.request import Preset
from vitprune_tui.state import State
from vitprune_tui.views.declares import Declares
from vitprune_tui.views.foresees import Foresees
from vitprune_tui.views.saves import Saves
from vitprune_tui.widgets.canvas import Canvas
from vitprune_tui.widgets.field import Field
from vitprune_tui.widgets.listing import FRONT, Listing, Row
from vitprune_tui.widgets.values import Values

NARROW, FLAT, VAST = 64, 16, 160
"""Columns and rows from which on list and values are seen together; and then the plan beside."""


class BenchView(Saves, Foresees, Declares):
    room = "bench"
    BINDINGS = bindings("bench")
    SCOPED_CSS = False
    DEFAULT_CSS = """
    BenchView { layout: horizontal; }
    BenchView #presets { width: 24; height: 1fr; }
    BenchView #right { width: 1fr; height: 1fr; }
    BenchView #meaning { height: 6; margin: 0 0 0 2; }
    BenchView #values { height: 1fr; }
    BenchView #hint { height: 1; margin: 0 0 0 2; }
    BenchView #plan { height: 6; margin: 0 0 0 2; }
    Screen.-wide BenchView #presets { width: 28; }
    Screen.-tall BenchView #meaning, Screen.-high BenchView #meaning { height: 9; }
    Screen.-tall BenchView #plan { height: 14; }
    Screen.-high BenchView #plan { height: 24; }
    Screen.-vast BenchView #presets { width: 56; }
    Screen.-vast BenchView #plan { dock: right; width: 50%; height: 1fr; }

    BenchView.-one { layout: vertical; }
    BenchView.-one #presets { width: 1fr; }
    BenchView.-one #meaning, BenchView.-one #values, BenchView.-one #hint { display: none; }
    BenchView.-one #right, BenchView.-one #plan { height: 5; }
    Screen.-flat BenchView.-one #right, Screen.-flat BenchView.-one #plan { height: 2; }
    BenchView.-one.-values #presets { display: none; }
    BenchView.-one.-values #values, BenchView.-one.-values #hint { display: block; }
    BenchView.-one.-values #meaning { display: block; height: 2; }
    BenchView.-one.-values #right { height: 1fr; }
    BenchView.-one.-values #plan { height: 4; }
    Screen.-flat BenchView.-one.-values #right { height: 1fr; }
    Screen.-flat BenchView.-one.-values #meaning { height: 1; }
    Screen.-flat BenchView.-one.-values #hint { display: none; }
    Screen.-flat BenchView.-one.-values #plan { height: 2; }

    BenchView.-maximised #values { display: none; }
    BenchView.-maximised #right { height: 1fr; }
    BenchView.-maximised #plan { display: block; width: 1fr; height: 1fr; margin: 0; }
    """

    def __init__(self, state: State):
        super().__init__(state)
        self.rows: list[Preset | Line] = []
        """Of the list: what is asked for, and headings."""
        self.on_values = False

    def compose(self) -> ComposeResult:
        yield Listing(id="presets")
        with Vertical(id="right"):
            yield Canvas(meaning, id="meaning")
            yield Values(id="values")
            yield Canvas(asked.hint, id="hint")
            yield Canvas(planned, id="plan", classes="main")

    def on_show(self) -> None:
        self.reread()

    def reread(self, choose: str = "") -> None:
        self.bench.read(_known, partial(self._lay, choose))

    def _lay(self, choose: str, presets: tuple[Preset, ...]) -> None:
        self._keep()
        self.desk.chosen = choose or self.desk.chosen
        self.desk.lay(presets)
        self.bench.presets = tuple(p.name for p in presets if not p.kind)
        self.rows = []
        for _, alike in groupby(presets, lambda p: (p.kind, p.origin)):
            first, *others = alike
            self.rows += [asked.heading(first), first, *others]
        self.paint()

    @property
    def copied(self) -> str:
        desk, preset = self.desk, self.desk.preset
        if preset and preset.kind == "studies":
            workload = ("--workload", desk.workload) if desk.workload else ()
            return self.command("sweep", preset.name, *workload)
        return self.command(*desk.request.words) if desk.answer else desk.chosen or ""

    def choose(self, preset: str) -> None:
        """Put the cursor on a preset, now or when the list has been read."""
        self._keep()
        self.on_values = False
        self.desk.choose(preset)
        self.paint()

    @property
    def values(self) -> Values:
        return self.query_one("#values", Values)

    # What is seen.

    def paint(self) -> None:
        self.open_seen()
        self.open_begun()
        desk = self.desk
        meant = self.declare(desk.preset, desk.workload) or desk.answer
        if self.has_class("-one"):  # where it says nothing it would only cost time
            self.set_class(self.on_values, "-values")
        self._paint_presets()
        self._paint_values()
        self.query_one("#meaning", Canvas).show(desk.preset, meant)
        self.query_one("#hint", Canvas).show(desk.value if self.on_values else None)
        if desk.answer and desk.answer.config:
            self.foresee(desk.answer.config)
        plan = self.query_one("#plan", Canvas)
        keys = self.key("bench.start"), self.key("bench.queue")
        plan.show(desk.preset, meant, self.forecast, self.state.lab, keys)

    def _paint_presets(self) -> None:
        listing = self.query_one("#presets", Listing)
        rows = [
            Row(partial(asked.preset, row), marked=self.desk.is_changed(row))
            if isinstance(row, Preset)
            else Row(row, pickable=False)
            for row in self.rows
        ]
        if self.desk.presets is None:
            rows = [Row(line(("reading presets", "dim")), pickable=False)]
        at = self.rows.index(self.desk.preset) if self.desk.preset else 0
        listing.fill(rows, at, active=not self.on_values)

    def _paint_values(self) -> None:
        """The request line by line; of what is no request what is told of it, and the file."""
        desk = self.desk
        if desk.values:
            rows = [
                Row(partial(asked.value, v), v.origin == "changed" and not v.heading, not v.heading)
                for v in desk.values
            ]
        else:
            lines = desk.preset.lines if desk.preset else ()
            file = [asked.source(number, text) for number, text in enumerate(lines, 1)]
            rows = [Row(told) for told in (*self._told_of_study(), *file)]
        front = 2 + width(line(asked.front_of(desk.value))) if desk.value else 0
        self.values.fill(rows, desk.at, self.on_values, front)

    def _told_of_study(self) -> list[Line]:
        """Before its file, as far as it is right: what it declares, in words."""
        sweep, room = self.swept_on, self.values.size.width - FRONT
        if sweep is None or not sweep.arms or sweep.problems:
            return []
        return [*studied.declaration(sweep, room), (), line(("The file", "title"))]

    def on_resize(self, event: events.Resize) -> None:
        flat = event.size.height < FLAT and event.size.width < VAST
        self.set_class(flat or event.size.width < NARROW, "-one")
        self.call_after_refresh(self.paint)

    # Where the cursor is.

    def on_listing_picked(self, message: Listing.Picked) -> None:
        """A click chooses; a second one moves to the values, as starting needs enter."""
        self._keep()
        values = message.listing is self.values.listing
        self.on_values = values or message.opens
        self._go(message.at, values)

    def action_up(self) -> None:
        self._move(-1)

    def action_down(self) -> None:
        self._move(1)

    def _move(self, by: int) -> None:
        self._keep()
        listing = self.values.listing if self.on_values else self.query_one("#presets", Listing)
        self._go(listing.moved(by), self.on_values)

    def _go(self, at: int, values: bool) -> None:
        if values:
            self.desk.go(at)
        elif at < len(self.rows) and isinstance(preset := self.rows[at], Preset):
            self.desk.choose(preset.asked)
        self.paint()

    def action_before(self) -> None:
        self._page(-1)

    def action_after(self) -> None:
        self._page(1)

    def _page(self, by: int) -> None:
        """A screen of the values; of the list to the first of the next kind."""
        self._keep()
        if self.on_values:
            listing = self.values.listing
            return self._go(listing.moved(by * listing.page), True)
        firsts = [at for at, row in enumerate(self.rows, 1) if not isinstance(row, Preset)]
        at = self.query_one("#presets", Listing).at
        beyond = [first for first in firsts if (first - at) * by > 0]
        self._go((min if by > 0 else max)(beyond, default=at), False)

    def action_pane(self) -> None:
        self._keep()
        self.on_values = not self.on_values
        self.paint()

    def action_workload(self) -> None:
        now = self.swept_on.workload if self.swept_on else None
        self._say_workload(self.desk.next_workload(now))

    def _say_workload(self, name: str | None) -> None:
        self.paint()
        if name:
            self.bench.say(f"workload {clean(name)}", "dim")

    def action_reset(self) -> None:
        if self.on_values:
            self.desk.ask(self.desk.request.as_it_was(self.desk.key))
            self.paint()

    # What enter does.

    def action_start(self) -> None:
        preset = self.desk.preset
        if self.on_values:
            self._edit()
        elif preset and preset.kind == "workloads":
            self._say_workload(self.desk.put_on(preset.name))
        elif preset and preset.kind == "studies":
            self.begin(self.desk.workload)
        else:
            self.start(queued=False)

    def action_queue(self) -> None:
        self.start(queued=True)

    def _edit(self) -> None:
        """The value under the cursor is typed anew where it stands, and judged as it is typed."""
        if self.values.editing:  # by a click, as the field has the keys
            return self._keep()
        value = self.desk.value
        if value is None:
            back = f"{self.key('bench.pane')} goes back: here only values of a preset change"
            return self.bench.say(back, "warn")
        self.values.edit(value.text, value.choices)
        self.paint()

    def on_values_typed(self, message: Values.Typed) -> None:
        if self.values.editing:
            self.desk.would(message.text)
            self.paint()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self._keep(event.value)

    def on_field_moved(self, message: Field.Moved) -> None:
        self._move(message.by)

    def on_field_given_up(self) -> None:
        self.values.end()
        self.desk.judge()
        self.focus()
        self.paint()

    def on_focus(self) -> None:
        """The keys come here again: what was typed is kept."""
        self._keep()

    def _keep(self, typed: str | None = None) -> None:
        """What was typed; by enter, without what came after it."""
        if self.values.editing:
            left = self.values.end()
            self.desk.keep(left if typed is None else typed)
            self.focus()
            self.paint()


def _known() -> tuple[Preset, ...]:
    """In a thread."""
    from vitprune_tui.facts.judge import known

    return known()
