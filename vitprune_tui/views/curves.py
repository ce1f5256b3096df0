"""`3 Curves`: marked runs, one over the other, and what tells them apart."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from textual.app import ComposeResult

from vitprune_tui.actions import bindings
from vitprune_tui.draw import text
from vitprune_tui.draw.chart import Curve, Rule
from vitprune_tui.draw.curves import overlay
from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.lines import Line, line
from vitprune_tui.draw.scale import Axis, extent
from vitprune_tui.facts import comparison as c
from vitprune_tui.state import State
from vitprune_tui.views.view import View
from vitprune_tui.widgets.canvas import Canvas
from vitprune_tui.widgets.listing import Listing, Row

SCALES = ("linear", "y", "x", "both")
SMOOTHEST, SMOOTHER = 0.98, 0.5
"""Of a moving average; a step takes half of what is left to 1, or gives it back."""


@dataclass(frozen=True)
class Look:
    """How the curves are looked at."""

    axis: str = "sparsity"
    measures: tuple[str, str] = ("accuracy", "validation")
    """Of levels and of epochs."""
    seeds: bool = False
    log: str = "linear"
    smoothing: float = 0.0
    window: tuple[float, float] | None = None
    """Of the x axis, in its own places; None: all."""
    cursor: float | None = None

    @property
    def measure(self) -> str:
        return self.measures[self.axis == "epoch"]

    @property
    def percent(self) -> bool:
        return self.measure in ("accuracy", "before", "validation")


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
        self.look, self.at = Look(), 0
        self.curves: tuple[Curve, ...] = ()
        self.groups: list[tuple[c.Subject, ...]] = []

    def compose(self) -> ComposeResult:
        yield Canvas(_pictured, id="picture", classes="main")
        yield Listing(id="legend")

    @property
    def names(self) -> list[str]:
        """Marked runs, else the shown one."""
        return list(self.state.marked) or ([self.state.shown] if self.state.shown else [])

    @property
    def about(self) -> str:
        return f"{text.several(len(self.names), 'run')} by {self.look.axis}"

    @property
    def copied(self) -> str:
        return f"vitprune plot {' '.join(self.names)} --x {self.look.axis}"

    def paint(self) -> None:
        if not self.names:
            self.curves, self.groups = (), []
            self.query_one("#picture", Canvas).show(None, _nothing(self.state))
            self.query_one(Listing).fill([], 0)
            return
        subjects = [s for name in self.names if (s := _subject(self.state, name))]
        self.groups = c.grouped(subjects, self.look.seeds)
        self.at = min(self.at, max(len(self.groups) - 1, 0))
        drawn = self._drawn()
        self.curves = drawn.curves
        self.query_one("#picture", Canvas).show(drawn, ())
        self._paint_legend(drawn)

    def _drawn(self) -> overlay.Picture:
        look, glyphs = self.look, self.bench.glyphs
        points = [self._points(group) for group in self.groups]
        places, ticks = overlay.places_of(points, look.axis)
        curves = tuple(
            overlay.curve_of(i, p, places, look.smoothing if look.axis == "epoch" else 0.0, glyphs)
            for i, p in enumerate(points)
        )
        curves = tuple(overlay.within(curve, look.window) for curve in curves)
        low, high = look.window or (None, None)
        x = Axis(c.AXIS_WORDS[look.axis], look.log in ("x", "both"), low, high, ticks)
        y = Axis("", look.log in ("y", "both"), percent=look.percent)
        rules = self._rules()
        captions = tuple(self._captions(points))
        return overlay.Picture(self._title(), curves, x, y, rules, look.cursor, captions)

    def _points(self, group: tuple[c.Subject, ...]) -> c.Points:
        if self.look.measure == "difference" and (base := self._base()):
            return c.differences(group, base, self.look.axis)
        return c.points(group, self.look.axis, self.look.measure)

    def _base(self) -> tuple[c.Subject, ...]:
        """The baseline, with its seeds when they are together."""
        name = self.state.baseline
        for group in self.groups:
            if any(subject.name == name for subject in group):
                return group
        subject = _subject(self.state, name or "")
        return (subject,) if subject else ()

    def _title(self) -> str:
        look = self.look
        what = c.MEASURE_WORDS[look.measure]
        if look.measure == "difference":
            what += f" {c.name_of(self._base()) if self._base() else ''}"
        title = f"{what} over {c.AXIS_WORDS[look.axis]}"
        if look.axis == "epoch" and look.smoothing:
            title += f", smoothed {look.smoothing:.2g}"
        return title + {"linear": "", "y": " (log y)", "x": " (log x)", "both": " (log)"}[look.log]

    def _rules(self) -> tuple[Rule, ...]:
        if self.look.measure == "difference":
            return (Rule(0.0, "no difference"),)
        dense = c.dense([s.summary for group in self.groups for s in group])
        if dense is None or self.look.measure not in ("accuracy", "before"):
            return ()
        return (Rule(*dense),)

    def _captions(self, points: Sequence[c.Points]) -> list[str]:
        told = [f"{self.bench.glyphs.dash} {rule.name}" for rule in self._rules()]
        if any(p.low for p in points):
            told.append("bands: from the lowest to the highest seed; lines: means")
        told += [f"{p.name}: {p.note}" for p in points if p.note]
        reading = len(self.names) - sum(map(len, self.groups))
        told += [f"reading {text.several(reading, 'run')}"] if reading else []
        if not self.state.marked:
            told.append("one run: mark others in Runs (5) with space")
        return ["   ".join(told)] if told else []

    def _paint_legend(self, drawn: overlay.Picture) -> None:
        legend = self.query_one(Listing)
        columns = max(legend.size.width - 2, 10)
        found = {} if drawn.cursor is None else overlay.values(drawn.curves, drawn.cursor)
        rows = [
            Row(overlay.entry(curve, self._facts(group, found.get(i)), columns))
            for i, (curve, group) in enumerate(zip(drawn.curves, self.groups, strict=True))
        ]
        legend.fill(rows, self.at, overlay.head(columns))

    def _facts(self, group: tuple[c.Subject, ...], here: float | None) -> overlay.Facts:
        dense = c.dense([s.summary for s in group])
        levels = c.points(group, "sparsity", "accuracy")
        base, against = self._base(), None
        if base and base != group and (apart := c.differences(group, base, "sparsity")).y:
            against = apart.y[-1] / 100
        value = (
            "" if here is None else text.percent(here, 2) if self.look.percent else f"{here:.4g}"
        )
        return overlay.Facts(
            dense=dense[0] if dense else None,
            last=levels.y[-1] if levels.y else None,
            against=against,
            at_cursor=value,
            is_baseline=bool(base) and base == group,
            remark="" if levels.y or self.look.axis == "epoch" else "no level yet",
        )

    def on_resize(self) -> None:
        self.paint()

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
        axis = _next(c.AXES, self.look.axis)
        self._become(axis=axis, window=None, cursor=None, log="linear")

    def action_measure(self) -> None:
        of_epochs = self.look.axis == "epoch"
        measure = _next(c.measures_of(self.look.axis), self.look.measure)
        if measure == "difference" and not self._base():
            self.bench.say("differences need a baseline: b makes the chosen run one", "warn")
            measure = _next(c.measures_of(self.look.axis), measure)
        first, second = self.look.measures
        measures = (first, measure) if of_epochs else (measure, second)
        log = "linear" if measure == "difference" else self.look.log
        self._become(measures=measures, log=log)

    def action_baseline(self) -> None:
        if not self.groups:
            return
        chosen = self.groups[self.at]
        baseline = None if chosen == self._base() else chosen[0].name
        if baseline is None and self.look.measure == "difference":
            self.look = replace(self.look, measures=("accuracy", self.look.measures[1]))
        self.bench.become(baseline=baseline)

    def action_seeds(self) -> None:
        self.at = 0
        self._become(seeds=not self.look.seeds)
        number = sum(len(group) > 1 for group in self.groups)
        if self.look.seeds and not number:
            self.bench.say("no two of these runs differ in their seed only", "warn")

    def action_scale(self) -> None:
        scale = _next(SCALES, self.look.log)
        while (why := self._refuses(scale)) is not None:
            self.bench.say(why, "warn")
            scale = _next(SCALES, scale)
        self._become(log=scale)

    def _refuses(self, scale: str) -> str | None:
        """Why an axis cannot be logarithmic."""
        if scale in ("x", "both") and self.look.axis == "sparsity":
            return "this axis is logarithmic as it is: equal steps divide what is left"
        values = [y for curve in self.curves for y in curve.y]
        if scale in ("y", "both") and min(values, default=1.0) <= 0:
            return "a logarithmic axis has no place for what is not above 0"
        return None

    def action_more(self) -> None:
        amount = self.look.smoothing
        amount = SMOOTHER if not amount else 1 - (1 - amount) * SMOOTHER
        self._smooth(min(amount, SMOOTHEST))

    def action_less(self) -> None:
        amount = 1 - (1 - self.look.smoothing) / SMOOTHER
        self._smooth(amount if amount >= SMOOTHER else 0.0)

    def _smooth(self, amount: float) -> None:
        if self.look.axis != "epoch":
            self.bench.say("smoothing is for curves over epochs: a changes the axis", "warn")
        else:
            self._become(smoothing=amount)

    def action_zoom_in(self) -> None:
        self._zoom(0.5)

    def action_zoom_out(self) -> None:
        self._zoom(2.0)

    def action_zoom_reset(self) -> None:
        self._become(window=None)

    def _zoom(self, factor: float) -> None:
        """Around the cursor, else around the middle."""
        whole = self._whole()
        if whole is None:
            return
        low, high = self.look.window or whole
        middle = self.look.cursor if self.look.cursor is not None else (low + high) / 2
        half = (high - low) * factor / 2
        if 2 * half >= whole[1] - whole[0]:
            self._become(window=None)
        elif 2 * half > 1e-6 * (whole[1] - whole[0]):
            self._become(window=overlay.inside((middle - half, middle + half), whole))

    def _whole(self) -> tuple[float, float] | None:
        """Of the x axis, all points."""
        points = [self._points(group) for group in self.groups]
        places, _ = overlay.places_of(points, self.look.axis)
        return extent([places.get(x, x) for p in points for x in p.x])

    def action_left(self) -> None:
        self._sideways(-1)

    def action_right(self) -> None:
        self._sideways(1)

    def _sideways(self, by: int) -> None:
        """The cursor from point to point; without it the picture, by a quarter."""
        if self.look.cursor is not None:
            places = sorted({x for curve in self.curves for x in curve.x})
            beyond = [x for x in places if (x - self.look.cursor) * by > 0]
            if beyond:
                self._become(cursor=min(beyond) if by > 0 else max(beyond))
        elif self.look.window and (whole := self._whole()):
            low, high = self.look.window
            step = by * (high - low) / 4
            self._become(window=overlay.inside((low + step, high + step), whole))

    def action_cursor(self) -> None:
        places = sorted({x for curve in self.curves for x in curve.x})
        shown = self.look.cursor is not None or not places
        self._become(cursor=None if shown else places[len(places) // 2])

    def action_mark(self) -> None:
        """Off the picture; Runs has it still."""
        if not self.state.marked or not self.groups:
            return
        gone = {subject.name for subject in self.groups[self.at]}
        self.bench.become(marked=tuple(n for n in self.state.marked if n not in gone))

    def _become(self, **changes: object) -> None:
        self.look = replace(self.look, **changes)  # type: ignore[arg-type]
        self.bench.paint()


def _pictured(
    drawn: overlay.Picture | None, words: Sequence[Line], columns: int, rows: int, glyphs: Glyphs
) -> list[Line]:
    return list(words) if drawn is None else overlay.picture(drawn, columns, rows, glyphs)


def _nothing(state: State) -> tuple[Line, ...]:
    if state.lab.runs:
        return (line(), line(" No run is chosen: mark some in Runs (5) with space."))
    return (line(), line(" No runs yet: start one on the Bench (1)."))


def _subject(state: State, name: str) -> c.Subject | None:
    opened = state.lab.opened.get(name)
    return c.Subject(name, opened.summary, opened.history, opened.epochs) if opened else None


def _next(choices: Sequence[str], now: str) -> str:
    return choices[(choices.index(now) + 1) % len(choices)]
