"""How figures look and how they are saved: the same bytes for the same numbers, on any day.

Series differ by colour, marker and line style, so that they read in grey and by eyes that tell
colours apart differently (the colours are those of Okabe and Ito 2008).
"""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from vitprune_core.store.rundir import write

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
LINES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))
GREY = "#666666"
FAINT = "#b8b8b8"
DPI = 150
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "vitprune",
    "svg.fonttype": "none",
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "font.family": ["DejaVu Sans"],
    "font.size": 9.0,
    "axes.titlesize": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "lines.linewidth": 1.5,
    "lines.markersize": 4.5,
    "legend.fontsize": 8.0,
    "legend.frameon": False,
    "figure.facecolor": "white",
}


@contextmanager
def style() -> Iterator[None]:
    """Figures are made and saved inside; a letter that the font lacks is a box, not a warning."""
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield


def sheet(width: float, height: float) -> Figure:
    """An empty figure, in inches, of no window and no global state."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def looks(i: int) -> dict[str, Any]:
    """Of the i-th series."""
    return {
        "color": COLOURS[i % len(COLOURS)],
        "marker": MARKERS[i % len(MARKERS)],
        "linestyle": LINES[i % len(LINES)],
    }


def save(figure: Figure, folder: Path, name: str) -> None:
    """`name`.svg and `name`.png, without date."""
    for kind, without in (("svg", ("Date", "Creator")), ("png", ("Software",))):
        buffer = io.BytesIO()
        metadata = dict.fromkeys(without)
        figure.savefig(buffer, format=kind, dpi=DPI, metadata=metadata)
        write(folder / f"{name}.{kind}", buffer.getvalue())
