"""The study's figures: accuracy against sparsity with its spread over seeds, and masks.

Nothing here decides anything; what is drawn are the means and ranges of `summaries`.
"""

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import FuncFormatter

from vitprune_core.analysis.drawing import COLOURS, GREY, looks, sheet
from vitprune_core.analysis.panels import Panel, Picture
from vitprune_core.analysis.summaries import LevelSummary, Spread
from vitprune_core.store.clean import clean
from vitprune_core.store.grids import Grid

BEYOND = 0.3
"""Where sparsity 1 stands: so far right of the last, as if half of the rest had gone."""
TICKS = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 1.0)
NEAR = 0.09
"""Two labels closer than that share of the axis would overlap."""
ACROSS, PAIRS, FEW_ROWS = 3, 2, 3
SIZE, SMALL_SIZE = (3.4, 2.5), (2.7, 1.8)
"""Of a panel, in inches; small where there are many."""
TITLE = 40
CONTROLS = ("-.", ":")
QKVO = ("q", "k", "v", "o")
KINDS = (*QKVO, "fc1", "fc2")


@dataclass(frozen=True)
class Lines:
    """What the panels of a study share."""

    levels: Mapping[str, Sequence[LevelSummary]]
    """Arm -> its levels, sparsities rising."""
    dense: Spread | None
    controls: Mapping[str, tuple[str, Spread]]
    """Arm -> the control retrained most like it, and that one's accuracy."""


def accuracy(picture: Picture, lines: Lines) -> Figure:
    """Mean test accuracy over seeds against sparsity, a panel for each group of arms.

    Of `layers` each panel is drawn twice: a share of the q k matrices and the same share of all
    matrices are different numbers of weights, so the second axis counts all prunable weights.
    """
    twice = picture.axis == "layers"
    number = len(picture.panels) * (2 if twice else 1)
    most = 2 * PAIRS if twice and len(picture.panels) > FEW_ROWS else 2 if twice else ACROSS
    across = min(most, number)
    down = math.ceil(number / across)
    width, height = SIZE if down <= FEW_ROWS and across <= ACROSS else SMALL_SIZE
    figure = sheet(max(width * across, 5), 0.8 + height * down)
    sharex: Literal["col", "all"] = "col" if twice else "all"
    axes = figure.subplots(down, across, sharey=True, sharex=sharex, squeeze=False)
    for i, one in enumerate(axes.flat):
        if i >= number:
            one.set_visible(False)
            continue
        panel = picture.panels[i // 2 if twice else i]
        of_all = i % 2 == 1 if twice else None
        _panel(one, panel, picture, lines, of_all)
        if i + across >= number:
            one.set_xlabel(XLABELS[of_all])
            one.tick_params(labelbottom=True)
        if i % across == 0:
            one.set_ylabel("test accuracy, %")
    columns = 3 if across > 1 else 2
    figure.legend(handles=_legend(axes.flat), loc="outside lower center", ncols=columns)
    return figure


def _legend(every: Iterable[Axes]) -> list[Artist]:
    """Each name once, however many panels have it."""
    found: dict[str, Artist] = {}
    for axes in every:
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(name, handle)
    return list(found.values())


def place(sparsity: float, last: float) -> float:
    """Along the axis: equal steps divide what is left by equal factors; 1 stands beyond `last`."""
    return -math.log10(1 - sparsity) if sparsity < 1 else -math.log10(1 - last) + BEYOND


def _panel(axes: Axes, panel: Panel, picture: Picture, lines: Lines, of_all: bool | None) -> None:
    """`of_all`: count all prunable weights, or those that take part; None where these are equal."""
    every = [arm for each in picture.panels for arm in each.curves]
    seen = [x for arm in every for x, _ in _points(lines.levels.get(arm, ()), bool(of_all))]
    last = max((x for x in seen if x < 1), default=0.5)
    for arm, name in panel.curves.items():
        points = _points(lines.levels.get(arm, ()), bool(of_all))
        x = [s if of_all else place(s, last) for s, _ in points]
        _line(axes, x, [accuracy for _, accuracy in points], name, picture.names.index(name))
    _constants(axes, panel, lines, every)
    if of_all:
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{100 * x:g} %"))
    else:
        _ticks(axes, seen, last)
    axes.set_title("\n".join(textwrap.wrap(clean(panel.title), TITLE, break_on_hyphens=False)))


XLABELS = {
    None: "removed",
    False: "removed of the\nmatrices that take part",
    True: "removed of all\nprunable weights",
}


def _points(levels: Sequence[LevelSummary], of_all: bool) -> list[tuple[float, Spread]]:
    found = []
    for level in levels:
        x = level.means["sparsity_prunable"] if of_all else level.asked
        if x is not None:
            found.append((x, level.accuracy))
    return found


def _line(axes: Axes, x: Sequence[float], y: Sequence[Spread], name: str, i: int) -> None:
    """Mean with its markers, and a band from the lowest to the highest seed."""
    axes.plot(x, [100 * s.mean for s in y], label=clean(name), **looks(i))
    low, high = [100 * s.low for s in y], [100 * s.high for s in y]
    if low != high:
        axes.fill_between(x, low, high, color=COLOURS[i % len(COLOURS)], alpha=0.15, linewidth=0)


def _constants(axes: Axes, panel: Panel, lines: Lines, every: Iterable[str]) -> None:
    """Dense and control as horizontal lines; `every`: the arms of all panels."""
    if lines.dense:
        axes.axhline(100 * lines.dense.mean, color="black", linewidth=0.9, label="dense")
    here = {lines.controls[arm] for arm in panel.curves if arm in lines.controls}
    known = sorted({lines.controls[arm] for arm in every if arm in lines.controls}, key=str)
    for i, (arm, spread) in enumerate(known):
        if (arm, spread) in here:
            label = "control" if arm == "control" else f"control: {clean(arm)}"
            line = CONTROLS[i % len(CONTROLS)]
            axes.axhline(100 * spread.mean, color=GREY, linewidth=1.4, linestyle=line, label=label)


def _ticks(axes: Axes, sparsities: Sequence[float], last: float) -> None:
    low = min(sparsities, default=0.0)
    ends = place(low, last), place(1.0 if 1.0 in sparsities else last, last)
    shown: dict[float, str] = {}
    for sparsity in TICKS:
        at = place(sparsity, last)
        inside = low <= sparsity <= last or sparsity in sparsities
        if inside and all(abs(at - other) > NEAR * (ends[1] - ends[0]) for other in shown):
            shown[at] = f"{100 * sparsity:g} %"
    axes.set_xticks(list(shown), list(shown.values()))
    axes.set_xticks([place(sparsity, last) for sparsity in set(sparsities)], minor=True)


def matrices(maps: Mapping[str, Mapping[str, float]]) -> Figure:
    """A number a matrix: blocks downwards, q k v o fc1 fc2 to the right."""
    deepest = max(int(name.split(".")[1]) for of in maps.values() for name in of) + 1
    figure = sheet(4.6 * len(maps), 0.8 + 0.34 * deepest)
    all_axes = figure.subplots(1, len(maps), squeeze=False)[0]
    for axes, (title, of) in zip(all_axes, maps.items(), strict=True):
        cells = np.full((deepest, len(KINDS)), np.nan)
        for name, value in of.items():
            cells[int(name.split(".")[1]), KINDS.index(name.rpartition(".")[2])] = value
        _numbers(axes, cells)
        axes.set_title(title)
        axes.set_yticks(range(deepest), [f"block {block}" for block in range(deepest)])
    return figure


def _numbers(axes: Axes, cells: np.ndarray) -> None:
    top = max(float(np.nanmax(cells)), 1e-6)
    axes.imshow(cells, cmap="Greys", vmin=0, vmax=1.4 * top, aspect="auto")
    for (y, x), value in np.ndenumerate(cells):
        if not np.isnan(value):
            colour = "white" if value > 0.75 * top else "black"
            axes.text(x, y, f"{round(value, 1) + 0.0:.1f}", ha="center", va="center", color=colour)
    axes.set_xticks(range(len(KINDS)), KINDS)
    axes.tick_params(length=0)
    axes.grid(False)


def masks(rows: Mapping[str, Mapping[str, Grid]], block: str) -> Figure:
    """q k v o of one block, a row of maps for each arm: dark is kept, lines are head borders."""
    figure = sheet(10, 0.4 + 2.45 * len(rows))
    all_axes = figure.subplots(len(rows), len(QKVO), squeeze=False)
    top = max((_most(g) for grids in rows.values() for g in grids.values()), default=1.0)
    picture = None
    for axes_of_row, (arm, grids) in zip(all_axes, rows.items(), strict=True):
        for axes, kind in zip(axes_of_row, QKVO, strict=True):
            grid = grids.get(f"{block}.attn.{kind}")
            axes.set_xticks([])
            axes.set_yticks([])
            if grid is None:
                axes.set_visible(False)
                continue
            picture = _map(axes, grid, top)
            kept = f"{kind}: {100 * grid.density:.1f} % kept"
            axes.set_title(f"{clean(arm)}, {kept}" if kind == "q" else kept)
    if picture is not None:
        bar = figure.colorbar(picture, ax=all_axes, fraction=0.02, pad=0.01)
        bar.set_label("share kept in a cell, %")
        bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{100 * x:g}"))
    return figure


def _map(axes: Axes, grid: Grid, top: float) -> AxesImage:
    cells = np.array(grid.densities)
    image = axes.imshow(cells, cmap="Greys", vmin=0, vmax=top, interpolation="none", aspect="auto")
    axes.grid(False)
    if grid.head_axis is not None and grid.heads:
        draw = axes.axhline if grid.head_axis == 0 else axes.axvline
        for head in range(1, grid.heads):
            border = head * cells.shape[grid.head_axis] / grid.heads - 0.5
            draw(border, color=COLOURS[1], linewidth=0.8)
    return image


def _most(grid: Grid) -> float:
    """Nearly the fullest cell: a single one would make all others pale."""
    return max(float(np.quantile(np.array(grid.densities), 0.995)), 1e-6)
