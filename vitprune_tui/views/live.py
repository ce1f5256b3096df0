"""Live: one run as it goes on, or a study as it fills up, what its user looks at for hours.

Every canvas is given its facts only when they are others than before, so that an epoch costs a few
cells and a quiet run nothing. The plan is read from the run's config in a thread, once a run.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from textual import events
from textual.app import ComposeResult
from textual.containers import Container, Horizontal, Vertical

from vitprune_tui.actions import bindings
from vitprune_tui.draw.frame import room_for_about
from vitprune_tui.draw.glyphs import ASCII
from vitprune_tui.draw.live import (
    alerts,
    by_sparsity,
    densities,
    logged,
    machine,
    no_run,
    numbers,
    over_epochs,
    phases,
    progress,
)
from vitprune_tui.draw.live.over_epochs import Bounds
from vitprune_tui.draw.live.phases import Stage
from vitprune_tui.facts import smooth
from vitprune_tui.facts.stages import stages_of
from vitprune_tui.state import Opened
from vitprune_tui.views.studied import ShowsStudies
from vitprune_tui.widgets.canvas import Canvas
from vitprune_tui.widgets.study import StudyTable

LINE, SMALL, LOW = 2, 8, 19
"""Rows below which there is one line, no more than numbers, no charts."""
KEYS = ("app.bench", "bench.start", "live.previous", "live.next")
ALERTS = 3
"""Lines at most."""
ABOUT = 80
"""Characters at most, as the header has them."""


@dataclass
class Kept:
    """What stays of a run while it is looked at."""

    stages: tuple[Stage, ...] | None = None
    """Of its plan, once that was read."""
    bounds: dict[str, Bounds | None] = field(default_factory=dict)
    """Of each chart's y axis: they only grow."""
    tried: int | None = None
    """Planned epochs, by the log, when its config was read."""
    seen: int | None = None
    """Number of the last record in sight while the log is scrolled back."""


class LiveView(ShowsStudies):
    room = "live"
    BINDINGS = bindings("live", "run")
    SCOPED_CSS = False
    DEFAULT_CSS = """
    LiveView #none, LiveView.-none > * { display: none; }
    LiveView.-none #none { display: block; height: 1fr; padding: 1 2; }
    LiveView #strip, LiveView #device { height: 1; }
    LiveView #progress { height: 2; }
    LiveView #charts { height: 1fr; }
    LiveView #epochs { width: 1fr; layout: vertical; }
    LiveView #loss, LiveView #validation, LiveView #levels { width: 1fr; height: 1fr; }
    LiveView #validation { display: none; }
    LiveView #loss, LiveView #validation { margin-right: 2; }
    LiveView #facts { height: 6; }
    LiveView #numbers { width: 40; margin-right: 2; }
    LiveView #densities { width: 1fr; }
    LiveView #told { height: 3; }
    LiveView #alerts { height: 0; }
    LiveView #log { height: 1fr; }

    Screen.-tall LiveView #strip, Screen.-high LiveView #strip { height: 2; }
    Screen.-tall LiveView #facts { height: 9; }
    Screen.-tall LiveView #told { height: 6; }
    Screen.-high LiveView #facts { height: 12; }
    Screen.-high LiveView #told { height: 10; }
    Screen.-tall LiveView #validation, Screen.-high LiveView #validation { display: block; }
    Screen.-wide LiveView #validation, Screen.-vast LiveView #validation { display: block; }
    Screen.-wide LiveView #epochs { layout: horizontal; width: 2fr; }
    Screen.-vast LiveView #epochs { layout: horizontal; width: 2fr; }
    Screen.-tiny LiveView #levels, Screen.-tiny LiveView #densities { display: none; }
    Screen.-tiny LiveView #numbers, Screen LiveView.-bare #numbers { width: 1fr; }

    Screen LiveView.-low #charts, Screen LiveView.-bare #densities { display: none; }
    Screen LiveView.-low #facts { height: 5; }
    Screen LiveView.-low #told { height: 1fr; }
    Screen LiveView.-small #facts { height: 2; }
    Screen LiveView.-small #device { display: none; }
    Screen LiveView.-line > * { display: none; }
    Screen LiveView.-line #progress { display: block; height: 1fr; }

    Screen LiveView.-maximised #progress { display: block; }
    Screen LiveView.-maximised #charts { display: block; height: 1fr; }
    Screen LiveView.-maximised #facts, Screen LiveView.-maximised #told { display: none; }

    LiveView #study { display: none; }
    Screen LiveView.-study #charts, Screen LiveView.-study > * { display: none; }
    Screen LiveView.-study #progress { display: none; }
    Screen LiveView.-study #study { display: block; }
    """

    logarithmic, smoothing = False, 0.0
    """Of the loss: whether its axis is, and which of `smooth.STEPS` it has."""

    def compose(self) -> ComposeResult:
        yield Canvas(no_run.draw, id="none")
        yield Canvas(phases.draw, id="strip")
        yield Canvas(progress.draw, id="progress")
        with Horizontal(id="charts"):
            with Container(id="epochs"):
                yield Canvas(over_epochs.loss, id="loss", classes="main")
                yield Canvas(over_epochs.validation, id="validation")
            yield Canvas(by_sparsity.draw, id="levels")
        with Horizontal(id="facts"):
            yield Canvas(numbers.draw, id="numbers")
            yield Canvas(densities.draw, id="densities")
        yield Canvas(machine.draw, id="device")
        with Vertical(id="told"):
            yield Canvas(alerts.draw, id="alerts")
            yield Canvas(logged.draw, id="log")
        yield StudyTable(id="study")

    def on_mount(self) -> None:
        self.kept: dict[str, Kept] = {}
        self.given: dict[str, tuple[Hashable, ...]] = {}
        self.canvases = {canvas.id: canvas for canvas in self.query(Canvas)}
        super().on_mount()

    def on_resize(self, event: events.Resize) -> None:
        rows, columns = event.size.height, event.size.width
        self.set_class(rows <= LINE, "-line")
        self.set_class(rows <= SMALL, "-small")
        self.set_class(rows < LOW, "-low")
        self.set_class(columns < 70, "-bare")
        if self.is_mounted:
            self.paint()  # whether the run is named depends on the width

    def paint(self) -> None:
        self.set_class(self.study is not None, "-study")
        if self.study:
            return self.paint_study(self.study)
        run, name = self.state.run, self.state.shown
        self.set_class(run is None, "-none")
        if run is None or name is None:
            return self._show("none", self.state, {id: self.key(id) for id in KEYS})
        kept = self.kept.setdefault(name, Kept())
        self._read_plan(name, run, kept)
        stages = kept.stages or phases.guessed(run.summary, run.tested)
        where = phases.where(stages, run.summary, run.tested, run.history, run.rows)
        self._show("strip", where)
        self._show("progress", self._progress(name, run, where))
        facts = (run.summary, where, run.tested, run.history, run.rows)
        self._show("numbers", numbers.numbers(*facts))
        self._show("densities", run.tested[-1:])
        self._show("device", self.state.lab.load, run.holder)
        self._show_charts(run, kept, stages)
        self._show_told(run, kept)

    def _show(self, canvas: str, *facts: Any) -> None:
        self._once(canvas, facts, lambda: facts)

    def _once(
        self, canvas: str, key: tuple[Any, ...], facts: Callable[[], tuple[Any, ...]]
    ) -> None:
        """Facts are made and drawn when what they depend on is something else than before."""
        if self.given.get(canvas) != key:
            self.given[canvas] = key
            self.canvases[canvas].show(*facts())

    def _progress(self, name: str, run: Opened, where: phases.Where) -> progress.Progress:
        lab = self.state.lab
        about = len(self.about) <= min(room_for_about(self.size.width), ABOUT)
        return progress.Progress(
            name=None if about else name,
            summary=run.summary,
            words=where.words,
            asked=lab.asked.get(name),
            holder=run.holder,
            place=lab.order.index(name) + 1 if name in lab.order else None,
            queued=len(lab.order),
            dispatcher=lab.dispatcher,
            pause=self.key("run.pause"),
            resume=self.key("run.resume"),
        )

    def _show_charts(self, run: Opened, kept: Kept, stages: tuple[Stage, ...]) -> None:
        s, rows = run.summary, (run.history, run.rows, run.summary.epochs_planned)
        here = f"loss {self.logarithmic} {self.smoothing}"

        def loss() -> tuple[over_epochs.Epochs]:
            before = kept.bounds.get(here)
            made = over_epochs.losses(*rows, stages, before, self.logarithmic, self.smoothing)
            kept.bounds[here] = made.bounds
            return (made,)

        def validation() -> tuple[over_epochs.Epochs]:
            dense = s.dense.validation.accuracy if s.dense else None
            made = over_epochs.accuracies(*rows, stages, kept.bounds.get("validation"), dense)
            kept.bounds["validation"] = made.bounds
            return (made,)

        def levels() -> tuple[by_sparsity.Levels]:
            made = by_sparsity.levels(stages, s, run.tested, kept.bounds.get("levels"))
            kept.bounds["levels"] = made.bounds
            return (made,)

        self._once("loss", (*rows, stages, here), loss)
        self._once("validation", (*rows, stages, s.dense), validation)
        self._once("levels", (run.run, run.tested, stages, s.dense), levels)

    def _show_told(self, run: Opened, kept: Kept) -> None:
        found = alerts.alerts(run, self.state.lab.load)
        self.canvases["alerts"].styles.height = min(len(found), ALERTS)
        self._show("alerts", found)
        self._show("log", *self._log(run, kept))

    def _log(self, run: Opened, kept: Kept) -> tuple[tuple[logged.Told, ...], int]:
        """Its lines, and how many of them came after the last one in sight."""
        told, seen = logged.lines_of(run.latest, run.summary), kept.seen
        return told, 0 if seen is None else sum(line.seq > seen for line in told)

    def _read_plan(self, name: str, run: Opened, kept: Kept) -> None:
        """Once a run, and again when its log names another number of epochs."""
        if kept.tried != run.summary.epochs_planned:
            kept.tried = run.summary.epochs_planned
            self.bench.read(partial(stages_of, run.run.config), partial(self._planned, kept))

    def _planned(self, kept: Kept, stages: tuple[Stage, ...] | None) -> None:
        if stages:
            kept.stages = stages
            self.paint()

    @property
    def about(self) -> str:
        name, lab = self.state.shown, self.state.lab
        if self.study:
            return self.study
        if name is None or name not in lab.runs:
            return ""
        run = self.state.run
        state = run.summary.state if run else lab.runs[name].state
        between = ", " if self.bench.glyphs is ASCII else " · "
        asked = f"{between}{lab.asked[name]} asked" if name in lab.asked else ""
        return f"{state}{asked}  {name}"

    def action_next(self) -> None:
        self._next(1)

    def action_previous(self) -> None:
        self._next(-1)

    def _next(self, by: int) -> None:
        if self.study:
            self.go_study(by)
        else:
            self.go(by)

    def action_up(self) -> None:
        self._move(-1)

    def action_down(self) -> None:
        self._move(1)

    def _move(self, by: int) -> None:
        """Down the arms of a study, or to later lines of a run's log."""
        if self.study:
            self.go_arm(by)
        else:
            self._scroll(-by)

    def on_mouse_scroll_up(self) -> None:
        self._move(-1)

    def on_mouse_scroll_down(self) -> None:
        self._move(1)

    def _scroll(self, by: int) -> None:
        """Further back in the log, or forth; at its end it follows what comes."""
        if (run := self.state.run) is None or self.state.shown is None:
            return
        kept = self.kept[self.state.shown]
        told, back = self._log(run, kept)
        most = logged.furthest(len(told), self.canvases["log"].size.height)
        back = min(max(back + by, 0), most)
        kept.seen = told[-1 - back].seq if back else None
        self.paint()

    def action_scale(self) -> None:
        self.logarithmic = not self.logarithmic
        self.paint()

    def action_more(self) -> None:
        self._smooth(1)

    def action_less(self) -> None:
        self._smooth(-1)

    def _smooth(self, by: int) -> None:
        self.smoothing = smooth.step(self.smoothing, by)
        self.paint()
