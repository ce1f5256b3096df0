"""Curves for paper, pipes and Markdown, drawn by plotext. What is live is drawn elsewhere.

Series differ by the glyph of their points, so that they read without colour.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType

from vitprune_core.store.clean import clean
from vitprune_tui.draw.glyphs import ASCII, BRAILLE
from vitprune_tui.draw.scale import nice, spread

BOX = str.maketrans("─│┌┐└┘├┤┬┴┼", "-|+++++++++")


@dataclass(frozen=True)
class Series:
    name: str
    x: Sequence[float]
    y: Sequence[float]


@dataclass(frozen=True)
class Look:
    """How a plot is drawn."""

    columns: int = 80
    rows: int = 20
    colour: bool = False
    ascii: bool = False


def curves(
    series: Sequence[Series],
    title: str,
    look: Look,
    ticks: Mapping[float, str] | None = None,
    level: tuple[float, str] | None = None,
    points: bool = True,
) -> str:
    """Lines through points; `ticks` are x -> label, `level` a horizontal line with its name."""
    plt = _canvas(look)
    glyphs, line = (ASCII, ".") if look.ascii else (BRAILLE, "braille")
    signs, dash = glyphs.points, glyphs.dash
    places = [x for s in series for x in s.x]
    left, right = spread(min(places, default=0.0), max(places, default=1.0))
    if level:
        plt.plot([left, right], [level[0]] * 2, marker=dash, color="white")
    for i, s in enumerate(series):
        plt.plot(s.x, s.y, marker=line, color=COLOURS[i % len(COLOURS)])
    for i, s in enumerate(series if points else ()):
        plt.scatter(s.x, s.y, marker=signs[i % len(signs)], color=COLOURS[i % len(COLOURS)])
    plt.title(clean(title))
    margin = 0.02 * (right - left)
    plt.xlim(left - margin, right + margin)
    heights = nice([y for s in series for y in s.y] + ([level[0]] if level else []), look.rows // 4)
    plt.ylim(heights[0], heights[-1])
    plt.yticks(heights, [f"{h:.6g}" for h in heights])
    ticks = ticks or {x: f"{x:.6g}" for x in nice([left, right], look.columns // 12)}
    plt.xticks(list(ticks), list(ticks.values()))
    names = [f"{signs[i % len(signs)]} {clean(s.name)}" for i, s in enumerate(series) if points]
    names += [f"{dash} {clean(level[1])}"] if level else []
    return "\n".join([_finish(plt, look), *names])


COLOURS = ("blue+", "orange", "green", "red+", "magenta+", "cyan", "yellow", "white")


def _canvas(look: Look) -> ModuleType:
    import plotext as plt

    plt.clear_figure()
    plt.theme("clear" if not look.colour else "default")
    if look.colour:
        for paint in (plt.canvas_color, plt.axes_color, plt.ticks_color):
            paint("default")
    plt.limit_size(False, False)  # else it is cut to a terminal that may not be where it is shown
    plt.plot_size(look.columns, look.rows)
    return plt  # type: ignore[no-any-return]


def _finish(plt: ModuleType, look: Look) -> str:
    drawn: str = plt.build() if look.colour else plt.uncolorize(plt.build())
    lines = [line.rstrip() for line in drawn.splitlines()]
    text = "\n".join(lines)
    return text.translate(BOX) if look.ascii else text
