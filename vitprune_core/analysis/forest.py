"""A finding as a picture: a row for each comparison, a dot for each seed, mean and interval.

Where the interval lies beyond its mark the comparison is decided; that is all there is to see.
"""

import textwrap
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from vitprune_core.analysis.drawing import COLOURS, FAINT, GREY, sheet
from vitprune_core.analysis.units import POINTS, Unit, label, marks, unit
from vitprune_core.analysis.verdicts import Comparison
from vitprune_core.spec.studyfile import Thresholds
from vitprune_core.store.clean import clean

COLOUR = {
    "supported": COLOURS[0],
    "refuted": COLOURS[1],
    "inconclusive": GREY,
    "skipped": FAINT,
}
SIGN = {"supported": "o", "refuted": "X", "inconclusive": "D", "skipped": "d"}
LINE = 48
"""Letters; a name has two lines at most."""
WIDE, LINEAR = 25.0, 5.0
"""Points: where effects are further apart than WIDE, the axis is compressed beyond LINEAR."""
ROW = 0.36
PLAIN = ("no difference", "as by chance", "all of it")
"""Marks that nothing has to lie beyond, or that decide by themselves: drawn through."""
SHIFTS = (0.15, -0.15, 0.22, -0.22)
"""Of the dots of seeds, so that they hide neither each other nor the interval."""


def forest(
    comparisons: Sequence[Comparison], beside: Sequence[Comparison], thresholds: Thresholds
) -> Figure | None:
    """Rows of one unit share an axis; a check has no row. None where there is nothing to draw."""
    measured = [c for c in (*comparisons, *beside) if c.effect is not None]
    drawn = [c for c in measured if c.part.test != "constant"]
    groups: dict[Unit, list[Comparison]] = {}
    for comparison in drawn:
        groups.setdefault(unit(comparison), []).append(comparison)
    if not groups:
        return None
    heights = [ROW * len(rows) + 0.75 for rows in groups.values()]
    figure = sheet(9, sum(heights) + 0.5)
    all_axes = figure.subplots(len(groups), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, (of, rows) in zip(all_axes, groups.items(), strict=True):
        _group(axes, of, rows, set(map(id, beside)), thresholds)
    figure.legend(handles=_legend(drawn, thresholds), loc="outside upper center", ncols=5)
    return figure


def _group(
    axes: Axes, of: Unit, rows: Sequence[Comparison], beside: set[int], thresholds: Thresholds
) -> None:
    for y, comparison in enumerate(rows):
        _row(axes, y, comparison, of)
        for value, name in marks(comparison.part, thresholds).items():
            _mark(axes, y, of.value(value), plain=name in PLAIN)
    names = [_name(c, id(c) in beside) for c in rows]
    axes.set_yticks(range(len(rows)), names)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(False, axis="y")
    axes.set_xlabel(of.axis)
    axes.margins(x=0.04)
    _spread_out(axes, of, rows)


def _row(axes: Axes, y: int, comparison: Comparison, of: Unit) -> None:
    colour = COLOUR[comparison.verdict]
    seeds = [of.value(effect) for effect in comparison.per_seed]
    heights = [y + SHIFTS[i % len(SHIFTS)] for i in range(len(seeds))]
    axes.plot(seeds, heights, ".", color=colour, alpha=0.55, markersize=4, zorder=2)
    if comparison.interval:
        low, high = map(of.value, comparison.interval)
        axes.plot([low, high], [y, y], color=colour, linewidth=2.2, zorder=3)
    axes.plot(
        [of.value(comparison.effect or 0.0)],
        [y],
        SIGN[comparison.verdict],
        color=colour,
        markersize=7,
        markeredgecolor="white",
        zorder=4,
    )


def _mark(axes: Axes, y: int, x: float, plain: bool) -> None:
    """As high as its row: rows have different margins."""
    width, line = (1.0, "-") if plain else (1.4, ":")
    axes.plot([x, x], [y - 0.5, y + 0.5], line, color="black", linewidth=width, zorder=1)


def _name(comparison: Comparison, beside: bool) -> str:
    name = clean(label(comparison), 2 * LINE).replace(" %", "\N{NO-BREAK SPACE}%")
    name = f"({name})" if beside else name
    line = LINE if len(name) <= LINE else len(name) // 2 + 8  # two lines about as long
    return "\n".join(textwrap.wrap(name, line)[:2])


def _spread_out(axes: Axes, of: Unit, rows: Sequence[Comparison]) -> None:
    """Points and tens of points in one picture: linear near 0, logarithmic beyond."""
    if of.logs:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
        axes.xaxis.set_minor_formatter(FuncFormatter(_few))
    values = [abs(of.value(v)) for c in rows for v in (*(c.interval or ()), *c.per_seed)]
    if of is not POINTS or max(values, default=0.0) < WIDE:
        return
    axes.set_xscale("symlog", linthresh=LINEAR, linscale=1.5)
    low, high = axes.get_xlim()
    ticks = [t for t in (-100, -30, -10, -5, -2, 0, 2, 5, 10, 30, 100) if low <= t <= high]
    axes.set_xticks(ticks)
    axes.set_xticks([], minor=True)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}".replace("-", "\u2212")))
    axes.set_xlabel(f"{of.axis} (compressed beyond ±{LINEAR:g})")


def _few(x: float, _: int) -> str:
    """Of the ticks between powers of ten."""
    return f"{x:g}" if f"{x:e}"[0] in "25" else ""


def _legend(drawn: Sequence[Comparison], thresholds: Thresholds) -> list[Line2D]:
    seen = {c.verdict for c in drawn}
    handles = [
        Line2D(
            [],
            [],
            color=COLOUR[word],
            marker=SIGN[word],
            linewidth=0 if word == "skipped" else 2.2,
            label="left out" if word == "skipped" else word,
        )
        for word in SIGN
        if word in seen
    ]
    handles.append(Line2D([], [], color=GREY, marker=".", linestyle="", label="one seed"))
    names = {name for c in drawn for name in marks(c.part, thresholds).values()} - {*PLAIN}
    if names:
        told = ", ".join(sorted(names))
        handles.append(Line2D([], [], color="black", linestyle=":", linewidth=1.4, label=told))
    return handles
