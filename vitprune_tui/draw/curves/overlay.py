"""Curves of several runs: the chart with its title, and what the legend says of each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from vitprune_core.store.clean import clean
from vitprune_tui.draw import text
from vitprune_tui.draw.chart import Curve, Rule, chart, readout
from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.lines import SERIES, Line, Piece, fit, line
from vitprune_tui.draw.scale import Axis, sparsity_axis
from vitprune_tui.facts.comparison import Points, smoothed


@dataclass(frozen=True)
class Picture:
    title: str
    curves: tuple[Curve, ...]
    x: Axis
    y: Axis
    rules: tuple[Rule, ...] = ()
    cursor: float | None = None
    captions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Facts:
    """What the legend says of a curve beside its name; None: not known."""

    dense: float | None
    last: float | None
    """Test accuracy at the last level."""
    against: float | None
    """Points against the baseline there."""
    at_cursor: str = ""
    is_baseline: bool = False
    remark: str = ""


def picture(p: Picture, columns: int, rows: int, glyphs: Glyphs) -> list[Line]:
    """Title, chart, and as many captions as there is room for."""
    captions = [line((f" {clean(what)}", "dim")) for what in p.captions]
    captions = captions[: max(rows - 12, 0) + (1 if rows >= 10 else 0)]
    title = [line((f" {clean(p.title)}", "title"))] if rows >= 6 else []
    room = rows - len(title) - len(captions)
    drawn = chart(p.curves, columns, room, glyphs, p.x, p.y, p.rules, p.cursor)
    return [*title, *drawn, *captions]


NUMBERS = 34
"""Columns of the numbers behind a name."""


def head(columns: int) -> Line:
    if columns < NUMBERS + 20:
        return fit(line(("run", "dim")), columns)
    names = fit(line(("run", "dim")), columns - NUMBERS - 4)
    return line(*names, (f"{'DENSE':>8}{'LAST':>9}{'+-':>7}  HERE", "dim"))


def entry(curve: Curve, facts: Facts, columns: int) -> Line:
    """One line of the legend; `columns` without the two in front of every row."""
    name: list[Piece] = [(f"{curve.point} ", curve.style), (clean(curve.name), "")]
    if facts.is_baseline:
        name.append((" (baseline)", "key"))
    if facts.remark:
        name.append((f"  {clean(facts.remark)}", "warn"))
    if columns < NUMBERS + 18:
        value = f"  {facts.at_cursor or text.percent(facts.last)}"
        return line(*fit(line(*name), columns - len(value)), value)
    numbers = (
        f"{text.percent(facts.dense):>8} {text.percent(facts.last):>8} "
        f"{text.points(facts.against):>6}  {facts.at_cursor}"
    )
    return line(*fit(line(*name), columns - NUMBERS), numbers)


def places_of(
    points: Sequence[Points], axis: str
) -> tuple[dict[float, float], dict[float, str] | None]:
    """Where on the axis a sparsity is, and the ticks; other axes take values as they are."""
    if axis != "sparsity":
        return {}, None
    every = sorted({x for p in points for x in p.x})
    places, ticks = sparsity_axis(every)
    return dict(zip(every, places, strict=True)), ticks


def curve_of(
    number: int, p: Points, places: dict[float, float], smoothing: float, glyphs: Glyphs
) -> Curve:
    return Curve(
        name=p.name,
        x=[places.get(x, x) for x in p.x] if places else p.x,
        y=smoothed(p.y, smoothing),
        style=SERIES[number % len(SERIES)],
        point=glyphs.points[number % len(glyphs.points)],
        low=p.low and smoothed(p.low, smoothing),
        high=p.high and smoothed(p.high, smoothing),
    )


def within(curve: Curve, window: tuple[float, float] | None) -> Curve:
    """Only the points in the window and the next on either side, so that y fits what is seen."""
    if window is None or not curve.x:
        return curve
    low, high = window
    near = [i for i, x in enumerate(curve.x) if low <= x <= high]
    near += [
        j
        for i, (a, b) in enumerate(pairwise(curve.x))
        for j in (i, i + 1)
        if a < low < b or a < high < b
    ]
    first, last = min(near, default=0), max(near, default=-1) + 1
    cut = slice(first, last)
    return replace(
        curve,
        x=curve.x[cut],
        y=curve.y[cut],
        low=curve.low and curve.low[cut],
        high=curve.high and curve.high[cut],
    )


def inside(window: tuple[float, float], whole: tuple[float, float]) -> tuple[float, float]:
    """Moved so that nothing beyond the data is looked at."""
    shift = max(whole[0] - window[0], 0.0) + min(whole[1] - window[1], 0.0)
    return window[0] + shift, window[1] + shift


def values(curves: Sequence[Curve], at: float) -> dict[int, float]:
    """Number of a curve -> its value at the cursor, where it has a point there."""
    found = {}
    for i, curve in enumerate(curves):
        for _, x, y in readout([curve], at):
            if x == at:
                found[i] = y
    return found
