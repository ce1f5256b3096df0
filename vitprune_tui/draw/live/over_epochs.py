"""Loss and validation accuracy over all epochs of all phases, as they are trained.

The x axis is the whole plan from the start and is told by stages, the y axis only grows: what was
painted once stays. Curves are broken where a stage begins, since other weights go on there.
"""

import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from vitprune_core.store.columns import History
from vitprune_tui.draw import text
from vitprune_tui.draw.chart import Curve, Rule, chart
from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.lines import Line, line, width
from vitprune_tui.draw.live.phases import Stage, starts
from vitprune_tui.draw.scale import Axis, extent, roomy
from vitprune_tui.facts.smooth import stretches

Values = Sequence[float]
Bounds = tuple[float, float]


@dataclass(frozen=True)
class Epochs:
    """One or two curves over epochs."""

    x: Values
    y: Values
    more: Values
    """The second curve; empty: there is none."""
    bounds: Bounds | None
    """Of y; None before the first epoch."""
    planned: int
    ticks: Mapping[float, str] = field(default_factory=dict)
    log: bool = False
    smoothing: float = 0.0
    dense: float | None = None
    """Accuracy of the dense model."""


def losses(
    history: History,
    rows: int,
    planned: int,
    stages: Sequence[Stage],
    before: Bounds | None,
    log: bool,
    smoothing: float,
) -> Epochs:
    cuts, places = [*starts(history, rows), rows], ticks(stages, history, rows)
    y, more = (
        stretches(column, cuts, smoothing) for column in (history.loss, history.validation_loss)
    )
    bounds = grown([*y, *more], before, log)
    both = joined(y), joined(more)
    return Epochs(_places(history, cuts), *both, bounds, planned, places, log, smoothing)


def accuracies(
    history: History,
    rows: int,
    planned: int,
    stages: Sequence[Stage],
    before: Bounds | None,
    dense: float | None,
) -> Epochs:
    cuts, places = [*starts(history, rows), rows], ticks(stages, history, rows)
    y = stretches(history.accuracy, cuts)
    bounds = grown_shares([*y, [] if dense is None else [dense]], before)
    return Epochs(_places(history, cuts), joined(y), [], bounds, planned, places, dense=dense)


def ticks(stages: Sequence[Stage], history: History, rows: int) -> dict[float, str]:
    """Where stages begin: by the plan, or as far as they have begun."""
    counts = [stage.epochs for stage in stages]
    if None not in counts:
        at, places = 0, []
        for count in counts:
            places.append(at)
            at += count or 0
    else:
        places = [history.done[row] - 1 for row in starts(history, rows)]
    names = [stage.name.replace(" ", "") for stage in stages]
    return {float(place): name for place, name in zip(places, names, strict=False)}


def joined(parts: Sequence[Values]) -> "array[float]":
    """With a gap before every part but the first."""
    whole = array("d")
    for i, part in enumerate(parts):
        whole.extend([math.nan] if i else [])
        whole.extend(part)
    return whole


def _places(history: History, cuts: Sequence[int]) -> "array[float]":
    """Epochs trained so far, beside the values of `joined`."""
    places = array("d")
    for start, stop in pairwise(cuts):
        if start:
            places.append(history.done[start] - 1)
        places.extend(map(float, history.done[start:stop]))
    return places


def grown(parts: Sequence[Values], before: Bounds | None, log: bool = False) -> Bounds | None:
    found = extent([end for part in parts for end in extent(part, log) or ()], log)
    return roomy(found[0], found[1], before, log) if found else before


def grown_shares(parts: Sequence[Values], before: Bounds | None) -> Bounds | None:
    """Of accuracies: never beyond 0 and 1, where round numbers may be."""
    bounds = grown(parts, before)
    return bounds and (max(bounds[0], 0.0), min(bounds[1], 1.0))


def loss(e: Epochs, columns: int, rows: int, glyphs: Glyphs) -> list[Line]:
    training, validation = glyphs.points[0], glyphs.points[1]
    name = "log loss" if e.log else "loss"
    smooth = f", smooth {e.smoothing:g}" if e.smoothing else ""
    title = longest(
        columns,
        line(
            (name + smooth, "title"),
            (f"  {training} training", "series0"),
            (f"  {validation} validation", "series1"),
        ),
        line(
            (name + smooth, "title"),
            (f" {training}train", "series0"),
            (f" {validation}val.", "series1"),
        ),
    )
    curves = [
        Curve("training", e.x, e.y, "series0", training),
        Curve("validation", e.x, e.more, "series1", validation),
    ]
    return _titled(title, e, curves, columns, rows, glyphs)


def validation(e: Epochs, columns: int, rows: int, glyphs: Glyphs) -> list[Line]:
    dense = f"  {glyphs.dash} dense {text.percent(e.dense)}" if e.dense is not None else ""
    title = line(("validation accuracy", "title"), (dense, "dim"))
    curves = [Curve("validation", e.x, e.y, "series1", glyphs.points[1])]
    return _titled(title, e, curves, columns, rows, glyphs)


def longest(columns: int, *titles: Line) -> Line:
    """The first that fits, else the last."""
    return next((title for title in titles if width(title) <= columns), titles[-1])


def _titled(
    title: Line, e: Epochs, curves: Sequence[Curve], columns: int, rows: int, glyphs: Glyphs
) -> list[Line]:
    low, high = e.bounds or ((0.1, 1.0) if e.log else (0.0, 1.0))
    x = Axis(low=0.0, high=max(e.planned, *e.x[-1:], 1.0), ticks=e.ticks or None)
    y = Axis(low=low, high=high, log=e.log, percent=len(curves) == 1)
    rules = [] if e.dense is None else [Rule(e.dense, "dense")]
    return [title, *chart(curves, columns, rows - 1, glyphs, x, y, rules)][:rows]
