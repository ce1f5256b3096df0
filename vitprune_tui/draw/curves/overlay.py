"""Curves of several runs in one chart, with a title and what must be known to read it."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

from vitprune_core.store.clean import clean
from vitprune_tui.draw import text
from vitprune_tui.draw.chart import Curve, Rule, chart
from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.lines import SERIES, Line, line
from vitprune_tui.draw.scale import Axis, extent, sparsity_axis
from vitprune_tui.facts import comparison as c
from vitprune_tui.facts.look import Look, Window
from vitprune_tui.facts.smooth import stretches

Group = tuple[c.Subject, ...]
"""Runs that make one curve."""
SCALED = {"linear": "", "y": " (log y)", "x": " (log x)", "both": " (log)"}


@dataclass(frozen=True)
class Picture:
    title: str
    curves: tuple[Curve, ...]
    x: Axis
    y: Axis
    rules: tuple[Rule, ...] = ()
    cursor: float | None = None
    at: str = ""
    """Where the cursor is, in words."""
    captions: tuple[str, ...] = ()
    whole: Window | None = None
    """Of the x axis: all that there is of the curves."""


def composed(
    groups: Sequence[Group], base: Group, look: Look, glyphs: Glyphs, remarks: Sequence[str] = ()
) -> Picture:
    """`base` are the runs to compare with; remarks are captions, too."""
    points = [_points(group, base, look) for group in groups]
    places, ticks = _places(points, look.axis)
    smoothing = look.smoothing if look.of_epochs else 0.0
    curves = [_curve(i, p, places, smoothing, glyphs) for i, p in enumerate(points)]
    low, high = look.window or (None, None)
    rules = _rules(groups, look)
    told = [*(f"{glyphs.dash} {rule.name}" for rule in rules), *_notes(points), *remarks]
    return Picture(
        title=_title(base, look),
        curves=tuple(within(curve, look.window) for curve in curves),
        x=Axis(c.AXIS_WORDS[look.axis], look.log in ("x", "both"), low, high, ticks),
        y=Axis("", look.log in ("y", "both"), percent=look.percent),
        rules=rules,
        cursor=look.cursor,
        at=_at(look, places),
        captions=("   ".join(told),) if told else (),
        whole=extent([end for curve in curves if curve.x for end in (curve.x[0], curve.x[-1])]),
    )


def _points(group: Group, base: Group, look: Look) -> c.Points:
    if look.measure == "difference":
        return c.differences(group, base, look.axis)
    return c.points(group, look.axis, look.measure)


def _places(
    points: Sequence[c.Points], axis: str
) -> tuple[dict[float, float], dict[float, str] | None]:
    """Where on the axis a sparsity is, and the ticks; other axes take values as they are."""
    if axis != "sparsity":
        return {}, None
    every = sorted({x for p in points for x in p.x})
    places, ticks = sparsity_axis(every)
    return dict(zip(every, places, strict=True)), ticks


def _curve(
    number: int, p: c.Points, places: dict[float, float], smoothing: float, glyphs: Glyphs
) -> Curve:
    return Curve(
        name=p.name,
        x=[places.get(x, x) for x in p.x] if places else p.x,
        y=_smoothed(p.y, p.cuts, smoothing),
        style=SERIES[number % len(SERIES)],
        point=glyphs.points[number % len(glyphs.points)],
        low=p.low and _smoothed(p.low, p.cuts, smoothing),
        high=p.high and _smoothed(p.high, p.cuts, smoothing),
    )


def _smoothed(values: Sequence[float], cuts: Sequence[int], amount: float) -> Sequence[float]:
    return list(chain.from_iterable(stretches(values, cuts, amount))) if amount else values


def _at(look: Look, places: dict[float, float]) -> str:
    """The place of the cursor in the unit of its axis."""
    if look.cursor is None:
        return ""
    if look.axis == "sparsity":
        here = (sparsity for sparsity, place in places.items() if place == look.cursor)
        return "".join(map(text.sparsity, here))
    return f"EPOCH {look.cursor:.0f}" if look.of_epochs else text.times(look.cursor)


def _rules(groups: Sequence[Group], look: Look) -> tuple[Rule, ...]:
    if look.measure == "difference":
        return (Rule(0.0, "no difference"),)
    dense = c.dense([s.summary for group in groups for s in group])
    if dense is None or look.measure not in ("accuracy", "before"):
        return ()
    return (Rule(*dense),)


def _title(base: Group, look: Look) -> str:
    what = c.MEASURE_WORDS[look.measure]
    against = f" {c.name_of(base)}" if look.measure == "difference" else ""
    smooth = f", smoothed {look.smoothing:g}" if look.of_epochs and look.smoothing else ""
    return f"{what}{against} over {c.AXIS_WORDS[look.axis]}{smooth}{SCALED[look.log]}"


def _notes(points: Sequence[c.Points]) -> list[str]:
    bands = any(p.low for p in points)
    told = ["bands: from the lowest to the highest seed; lines: means"] if bands else []
    return told + [f"{p.name}: {p.note}" for p in points if p.note]


def within(curve: Curve, window: Window | None) -> Curve:
    """Only the points in the window and the next on either side, so that y fits what is seen.

    Places rise along a curve.
    """
    if window is None or not curve.x:
        return curve
    low, high = window
    beside = curve.x[-1] < low or curve.x[0] > high
    first, last = max(bisect_right(curve.x, low) - 1, 0), bisect_left(curve.x, high) + 1
    cut = slice(0) if beside else slice(first, last)
    return replace(
        curve,
        x=curve.x[cut],
        y=curve.y[cut],
        low=curve.low and curve.low[cut],
        high=curve.high and curve.high[cut],
    )


def draw(
    p: Picture | None, words: Sequence[Line], columns: int, rows: int, glyphs: Glyphs
) -> list[Line]:
    """Title, chart, and as many captions as there is room for; words where there is no picture."""
    if p is None:
        return list(words)
    captions = [line((f" {clean(what)}", "dim")) for what in p.captions]
    captions = captions[: max(rows - 12, 0) + (1 if rows >= 10 else 0)]
    title = [line((f" {clean(p.title)}", "title"))] if rows >= 6 else []
    room = rows - len(title) - len(captions)
    drawn = chart(p.curves, columns, room, glyphs, p.x, p.y, p.rules, p.cursor)
    return [*title, *drawn, *captions]
