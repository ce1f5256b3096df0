"""Masks as text: density by glyph, a line between heads, dead rows and columns told beside it.

    · ░ ▒ ▓ █     nothing kept, then four steps up to the top of the scale     (ASCII: . : = * #)

The top is chosen for a whole picture and told in its legend: at 95 % sparsity, where a cell of many
weights keeps one in twenty, a scale up to 100 % would show nothing.
"""

import math
from collections.abc import Iterable, Mapping
from typing import TypeVar

from vitprune_core.store.bits import spans
from vitprune_core.store.grids import Grid
from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.lines import Line, Piece, line
from vitprune_tui.draw.text import several

Cells = list[list[float]]
"""Rows of densities, 0 to 1."""


ROUNDING = 1 / 510
"""A grid tells densities in 255ths."""


def step(density: float, top: float) -> int:
    """0 to 4. Only nothing, and what is no number, is nothing; a step holds its upper end."""
    return max(math.ceil(4 * (min(density, top) - ROUNDING) / top), 1) if density > 0 else 0


def pooled(grid: Grid, columns: int, rows: int) -> Cells:
    """The matrix as cells that fit into about `columns` x `rows` characters beside the borders."""
    by_row, by_column = heads(grid)
    return shrunk(grid.densities, _fit(rows, by_row), _fit(columns, by_column))


def top_of(pictures: Iterable[Cells]) -> float:
    """The scale's top for a set of pictures: what all but the densest fiftieth stay below."""
    densities = sorted(d for cells in pictures for line in cells for d in line)
    top = densities[(len(densities) - 1) * 49 // 50] if densities else 1.0
    return min(math.ceil(100 * max(top, 0.01)) / 100, 1.0)


def legend(top: float, glyphs: Glyphs, nothing: str = "none kept") -> Line:
    """What the shades mean, in their colours."""
    words = [nothing, *(f"to {25 * i * top:.3g} %" for i in (1, 2, 3)), "more"]
    pieces: list[str | Piece] = []
    for i, word in enumerate(words):
        pieces += ["  " if i else "", (glyphs.shades[i], f"heat{i}"), f" {word}"]
    return line(*pieces)


def heatmap(cells: Cells, grid: Grid, top: float, glyphs: Glyphs) -> list[str]:
    """Pooled cells drawn, a line between heads."""
    by_row, by_column = heads(grid)
    rows = ["".join(glyphs.shades[step(d, top)] for d in row) for row in cells]
    rows = [glyphs.vertical.join(_parts(row, by_column)) for row in rows]
    rule = glyphs.horizontal * len(rows[0])
    parts = _parts(rows, by_row)
    return [row for i, head in enumerate(parts) for row in ([rule] if i else []) + list(head)]


def overview(grids: Mapping[str, Grid]) -> tuple[list[str], list[list[str]]]:
    """Head and rows of a table: a block a row, the density of each matrix in percent."""
    kinds = list(dict.fromkeys(name.split(".", 2)[2] for name in grids))
    blocks = list(dict.fromkeys(name.split(".")[1] for name in grids))
    rows = [
        [block, *(_kept(grids.get(f"blocks.{block}.{kind}")) for kind in kinds)] for block in blocks
    ]
    return ["block", *kinds], rows


def _kept(grid: Grid | None) -> str:
    return "" if grid is None else f"{100 * grid.density:.1f}"


def caption(name: str, grid: Grid) -> str:
    """`blocks.0.attn.q  96x96  4.1 % kept  dead: 12 rows, 3 columns`."""
    words = f"  dead: {', '.join(dead(grid))}" if dead(grid) else ""
    return f"{name}  {grid.shape[0]}x{grid.shape[1]}  {100 * grid.density:.1f} % kept{words}"


def dead(grid: Grid) -> list[str]:
    """`12 rows` and `3 columns`, where there are any."""
    counts = ((grid.dead_rows, "row"), (grid.dead_columns, "column"))
    return [several(number, what) for number, what in counts if number]


def pool(cells: Cells, to: int) -> Cells:
    """Rows of cells averaged into at most `to` rows of cells."""
    runs = (cells[a:b] for a, b in spans(len(cells), to))
    return [[sum(column) / len(column) for column in zip(*run, strict=True)] for run in runs]


def shrunk(cells: Cells, rows: int, columns: int) -> Cells:
    """Averaged into at most so many rows and columns."""
    return turned(pool(turned(pool(cells, rows)), columns))


def turned(cells: Cells) -> Cells:
    return [list(column) for column in zip(*cells, strict=True)]


def heads(grid: Grid) -> tuple[int, int]:
    """Parts that the rows and the columns fall into; 1: they do not."""
    number = grid.heads or 1
    return number if grid.head_axis == 0 else 1, number if grid.head_axis == 1 else 1


def _fit(room: int, heads: int) -> int:
    """Cells that fit into `room` characters beside the borders, the same number for each head."""
    return heads * max((room - (heads - 1)) // heads, 1)


T = TypeVar("T", str, list[str])


def _parts(line: T, heads: int) -> list[T]:
    each = len(line) // heads
    return [line[i * each : (i + 1) * each] for i in range(heads)]
