"""Test accuracy against sparsity, growing level by level: what a run is made for.

All planned sparsities stand on the axis from the start, so that nothing moves when one is reached.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from vitprune_core.store.events import Level, Pruned
from vitprune_core.store.summary import Summary
from vitprune_tui.draw import text
from vitprune_tui.draw.chart import Curve, Rule, chart
from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.lines import Line, line
from vitprune_tui.draw.live.over_epochs import Bounds, grown_shares, longest
from vitprune_tui.draw.live.phases import Stage
from vitprune_tui.draw.scale import Axis, sparsity_axis

MARGIN = 0.1
"""On both sides of the axis, in tenfold compressions."""


@dataclass(frozen=True)
class Levels:
    planned: tuple[float, ...]
    """Sparsities of all rounds, rising, and whatever else was measured."""
    listed: tuple[float, ...]
    """Those that have a tick."""
    before: tuple[tuple[float, float], ...]
    """Sparsity and accuracy, not retrained yet."""
    after: tuple[tuple[float, float], ...]
    dense: float | None
    bounds: Bounds | None


def levels(
    stages: Sequence[Stage],
    summary: Summary,
    tested: Sequence[Pruned | Level],
    before: Bounds | None,
) -> Levels:
    """Every round that was measured, listed or not."""
    retrained = [event for event in tested if isinstance(event, Level)]
    after = tuple((e.sparsity_asked, e.test.accuracy) for e in retrained)
    found = {e.sparsity_asked: e.test_before.accuracy for e in retrained}
    found |= {e.sparsity_asked: e.test.accuracy for e in tested if isinstance(e, Pruned)}
    dense = summary.dense.test.accuracy if summary.dense else None
    heights = [*(a for _, a in after), *found.values(), *([] if dense is None else [dense])]
    bounds = grown_shares([heights], before)
    rounds = [stage for stage in stages if stage.round]
    planned = tuple(sorted({*(stage.sparsity for stage in rounds), *found}))
    listed = tuple(stage.sparsity for stage in rounds if stage.listed)
    return Levels(planned, listed, tuple(sorted(found.items())), after, dense, bounds)


def draw(levels: Levels, columns: int, rows: int, glyphs: Glyphs) -> list[Line]:
    retrained, pruned = glyphs.points[0], glyphs.points[1]
    title = longest(columns, *(_title(levels, glyphs, gap) for gap in (" ", "")))
    if not levels.planned:
        return [title, line(("no pruning in this run", "dim"))][:rows]
    planned, ticks = sparsity_axis(levels.planned)
    places = dict(zip(levels.planned, planned, strict=True))
    curves = [
        _curve("pruned", levels.before, places, "series3", pruned),
        _curve("retrained", levels.after, places, "series2", retrained),
    ]
    listed = {places[s] for s in levels.listed}
    x = Axis(
        low=min(planned) - MARGIN,
        high=max(planned) + MARGIN,
        ticks={place: label for place, label in ticks.items() if place in listed},
    )
    low, high = levels.bounds or (0.0, 1.0)
    y = Axis(low=low, high=high, percent=True)
    rules = [] if levels.dense is None else [Rule(levels.dense, "dense")]
    return [title, *chart(curves, columns, rows - 1, glyphs, x, y, rules)][:rows]


def _title(levels: Levels, glyphs: Glyphs, gap: str) -> Line:
    dense = "" if levels.dense is None else f"{glyphs.dash}{gap}dense {text.percent(levels.dense)}"
    return line(
        ("test", "title"),
        (f"{gap} {glyphs.points[0]}{gap}retrained", "series2"),
        (f"{gap} {glyphs.points[1]}{gap}pruned", "series3"),
        (f"{gap} {dense}", "dim"),
    )


def _curve(
    name: str,
    points: Sequence[tuple[float, float]],
    places: dict[float, float],
    style: str,
    glyph: str,
) -> Curve:
    return Curve(name, [places[s] for s, _ in points], [a for _, a in points], style, glyph)
