"""Curves for the live screen: numbers in, lines of text out, in a few milliseconds.

plotext draws what is printed; it takes thirty times as long. Points stand above lines, lines above
bands, bands above rules. Curves differ by the glyphs of their points, so that they read without
colour; what is too small for axes shows the curve alone.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from vitprune_core.store.clean import clean
from vitprune_tui.draw.dots import Field, Stop, rising, stops
from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.lines import Line, fit
from vitprune_tui.draw.scale import Axis, Scale, bounds, ticks

APART = 12
"""Cells from one glyph to the next on a curve of many points; its last point always has one."""
WIDE, HIGH, LABELLED = 10, 5, 10
"""Fewer columns beside a y axis, rows with an x axis or with labels would leave no room to draw."""
NOTHING_YET, NOTHING_HERE = "nothing yet", "nothing here"


@dataclass(frozen=True)
class Curve:
    name: str
    x: Sequence[float]
    y: Sequence[float]
    """What is not finite, or not above 0 on a log axis, is a gap."""
    style: str = "series0"
    point: str = ""
    """The glyph at its points, one cell wide, of `Glyphs.points`; none without."""
    low: Sequence[float] | None = None
    """A band, as over seeds: whiskers, which close to a fill where points are dense."""
    high: Sequence[float] | None = None


@dataclass(frozen=True)
class Rule:
    """A dashed horizontal line, as the accuracy of the dense model."""

    y: float
    name: str


PLAIN = Axis()


def chart(
    curves: Sequence[Curve],
    columns: int,
    rows: int,
    glyphs: Glyphs,
    x: Axis = PLAIN,
    y: Axis = PLAIN,
    rules: Sequence[Rule] = (),
    cursor: float | None = None,
) -> list[Line]:
    """Exactly `rows` lines of `columns` cells. The cursor is a vertical line at a place of x."""
    if columns < 1 or rows < 1:
        return [()] * max(rows, 0)
    frame = _frame(curves, columns, rows, glyphs, x, y, rules)
    field = Field(frame.columns, frame.rows, glyphs)
    _rules(field, rules, frame.down, glyphs.dash)
    _curves(field, curves, frame, glyphs, cursor)
    if not any(field.dots):
        data = any(len(curve.x) for curve in curves)
        _words(field, NOTHING_HERE if data else NOTHING_YET)
    return _around(field.lines(), frame, columns, glyphs)


@dataclass(frozen=True)
class _Frame:
    """What is around the field: cells for the axes, and the two scales inside."""

    columns: int
    rows: int
    across: Scale
    down: Scale
    above: str
    below: str
    left: Mapping[int, str]
    """Row of the field -> label; all as wide."""
    under: Mapping[int, str] | None
    """Column of the field -> label; None: no x axis."""


def _frame(
    curves: Sequence[Curve],
    columns: int,
    rows: int,
    glyphs: Glyphs,
    x: Axis,
    y: Axis,
    rules: Sequence[Rule],
) -> _Frame:
    labelled, axis = rows >= LABELLED, rows >= HIGH
    above, below = (clean(a.label) if labelled else "" for a in (y, x))
    inner = rows - bool(above) - bool(below) - 2 * axis
    low, high = bounds(y, _heights(curves, rules), max(inner // 4, 1))
    down = Scale(high, low, inner * glyphs.dots[1], y.log)
    left = _left(ticks(y, low, high, max(inner // 4, 1)), down, glyphs.dots[1])
    gutter = max(map(cell_len, left.values()), default=0) + 1
    if not axis or columns < gutter + WIDE:
        gutter, left = 0, {}
    steps = max((columns - gutter) // 12, 1)
    low, high = bounds(x, (curve.x for curve in curves), steps)
    across = Scale(low, high, (columns - gutter) * glyphs.dots[0], x.log)
    under = _under(ticks(x, low, high, steps), across, glyphs.dots[0]) if axis else None
    return _Frame(columns - gutter, inner, across, down, above, below, left, under)


def _heights(curves: Sequence[Curve], rules: Sequence[Rule]) -> Iterator[Sequence[float]]:
    for curve in curves:
        yield from (values for values in (curve.y, curve.low, curve.high) if values)
    yield [rule.y for rule in rules]


def _left(places: Mapping[float, str], down: Scale, dots: int) -> dict[int, str]:
    labels: dict[int, str] = {}
    for place, label in places.items():
        dot = down.dot(place)
        if dot is not None:
            labels.setdefault(dot // dots, clean(label))
    return labels


def _under(places: Mapping[float, str], across: Scale, dots: int) -> dict[int, str]:
    found = ((across.dot(place), clean(label)) for place, label in places.items())
    return {dot // dots: label for dot, label in found if dot is not None}


def _rules(field: Field, rules: Sequence[Rule], down: Scale, dash: str) -> None:
    for rule in rules:
        row = down.dot(rule.y)
        for column in range(0, field.width if row is not None else 0, field.across):
            field.put(column, row or 0, (dash, "dim"))


def _curves(
    field: Field, curves: Sequence[Curve], frame: _Frame, glyphs: Glyphs, cursor: float | None
) -> None:
    """Layer by layer, from below."""
    across, down = frame.across, frame.down
    for curve in curves:
        _band(field, curve, across, down, glyphs)
    traced = [stops(curve.x, curve.y, across, down) for curve in curves]
    for curve, stretches in zip(curves, traced, strict=True):
        for stretch in stretches:
            field.trace(stretch, ("", curve.style))
    at = across.dot(cursor) if cursor is not None else None
    for row in range(0, field.height if at is not None else 0, field.down):
        field.put(at or 0, row, (glyphs.vertical, "cursor"))
    for i, (curve, stretches) in enumerate(zip(curves, traced, strict=True)):
        _points(field, curve, [stop for stretch in stretches for stop in stretch], 5 * i)
    for curve, a, b in readout(curves, cursor) if at is not None and cursor is not None else ():
        if curve.point:
            _point(field, curve, across.nearest([a])[0], down.nearest([b])[0])


def _band(field: Field, curve: Curve, across: Scale, down: Scale, glyphs: Glyphs) -> None:
    """At most one whisker every two cells: what the points between reach is in it."""
    if not curve.low or not curve.high:
        return
    piece = (glyphs.shades[1] if glyphs.dots == (1, 1) else "", curve.style)
    whiskers: dict[int, Stop] = {}
    for ends in (curve.low, curve.high):
        for column, _, top, bottom, _ in (
            s for part in stops(curve.x, ends, across, down) for s in part
        ):
            whisker = whiskers.setdefault(column // (2 * field.across), [column, top, bottom])
            whisker[1:] = min(whisker[1], top), max(whisker[2], bottom)
    for column, top, bottom in whiskers.values():
        field.run(column, top, bottom, piece)


def _points(field: Field, curve: Curve, traced: Sequence[Stop], shift: int) -> None:
    """A glyph at every point, or every few cells; `shift` keeps those of curves apart."""
    if not curve.point:
        return
    shown = [stop for stop in traced if 0 <= stop[0] < field.width]
    few = 3 * len(shown) <= field.columns
    part = None
    for i, (column, *rows) in enumerate(shown, start=1):
        before, part = part, (column // field.across + shift) // APART
        if few or i == len(shown) or before not in (None, part):
            for row in rows if few else rows[-1:]:
                _point(field, curve, column, row)


def _point(field: Field, curve: Curve, column: int | None, row: int | None) -> None:
    if column is not None and row is not None:
        field.put(column, row, (curve.point, curve.style))


def _words(field: Field, words: str) -> None:
    row, first = field.rows // 2, (field.columns - len(words)) // 2
    for i, letter in enumerate(words if first >= 0 else ""):
        field.cells[first + i][row] = (letter, "dim")


def _around(inner: Sequence[Line], frame: _Frame, columns: int, glyphs: Glyphs) -> list[Line]:
    gutter = columns - frame.columns
    lines = [_side(frame.left.get(i, ""), gutter, glyphs) + row for i, row in enumerate(inner)]
    if frame.above:
        lines.insert(0, ((frame.above, "axis"),))
    if frame.under is not None:
        corner = " " * (gutter - 1) + glyphs.corner if gutter else ""
        lines.append(((corner + glyphs.horizontal * frame.columns, "axis"),))
        lines.append(((_row_of(frame.under, gutter, columns), "axis"),))
    if frame.below:
        lines.append(((" " * (columns - cell_len(frame.below)) + frame.below, "axis"),))
    return [fit(line, columns, glyphs.more) for line in lines]


def _side(label: str, gutter: int, glyphs: Glyphs) -> Line:
    space = " " * (gutter - 1 - cell_len(label))
    return ((space + label + glyphs.vertical, "axis"),) if gutter else ()


def _row_of(labels: Mapping[int, str], gutter: int, columns: int) -> str:
    """Each label centred under its place; one that would touch the one before is left out."""
    row = ""
    for column, label in sorted(labels.items()):
        taken = cell_len(label)
        first = max(min(gutter + column - taken // 2, columns - taken), 0)
        if not row or first > cell_len(row):
            row += " " * (first - cell_len(row)) + label
    return row


def readout(curves: Sequence[Curve], at: float) -> list[tuple[Curve, float, float]]:
    """Of each curve the point closest to a place of x."""
    found = ((curve, _closest(curve, at)) for curve in curves)
    return [(curve, curve.x[i], curve.y[i]) for curve, i in found if i is not None]


def _closest(curve: Curve, at: float) -> int | None:
    near = _sides(curve, at) if rising(curve.x) else _all(curve)
    return min(near, key=lambda i: abs(curve.x[i] - at), default=None)


def _sides(curve: Curve, at: float) -> Iterator[int]:
    """The next point that is no gap, on either side."""
    cut = bisect_left(curve.x, at)
    for side in (range(cut - 1, -1, -1), range(cut, len(curve.x))):
        yield from [i for i in side if math.isfinite(curve.y[i])][:1]


def _all(curve: Curve) -> list[int]:
    points = enumerate(zip(curve.x, curve.y, strict=True))
    return [i for i, (x, y) in points if math.isfinite(x) and math.isfinite(y)]
