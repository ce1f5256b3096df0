"""Masks as text: density by glyph, a line between heads, dead rows and columns told beside it.

    · ░ ▒ ▓ █     nothing kept, then four steps up to the top of the scale     (ASCII: . : - = #)

The top is chosen for a whole picture and told in its legend: at 95 % sparsity, where a cell of many
weights keeps one in twenty, a scale up to 100 % would show nothing.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TypeVar

from vitprune_core.store.grids import Grid
from vitprune_tui.draw.glyphs import Glyphs

Cells = list[list[float]]
"""Rows of densities, 0 to 1."""


ROUNDING = 1 / 510
"""A grid tells densities in 255ths."""


def step(density: float, top: float) -> int:
    """0 to 4. Only nothing at all is nothing; a step holds its upper end, as grids round it."""
    steps = math.ceil(4 * (density - ROUNDING) / top)
    return 0 if density == 0 else min(max(steps, 1), 4)


def glyph(density: float, top: float, glyphs: Glyphs) -> str:
    return glyphs.shades[step(density, top)]


def pooled(grid: Grid, columns: int, rows: int) -> Cells:
    """The matrix as cells that fit into about `columns` x `rows` characters beside the borders."""
    by_row, by_column = _heads(grid)
    cells = pool(grid.densities, _fit(rows, by_row))
    return _turn(pool(_turn(cells), _fit(columns, by_column)))


def top_of(pictures: Iterable[Cells]) -> float:
    """The scale's top for a set of pictures: what all but the densest fiftieth stay below."""
    densities = sorted(d for cells in pictures for line in cells for d in line)
    top = densities[(len(densities) - 1) * 49 // 50] if densities else 1.0
    return min(math.ceil(100 * max(top, 0.01)) / 100, 1.0)


def legend(top: float, glyphs: Glyphs) -> str:
    steps = [f"{glyphs.shades[i]} to {25 * i * top:.3g} %" for i in (1, 2, 3)]
    return "  ".join([f"{glyphs.shades[0]} none kept", *steps, f"{glyphs.shades[4]} more"])


def heatmap(cells: Cells, grid: Grid, top: float, glyphs: Glyphs) -> list[str]:
    """Pooled cells drawn, a line between heads."""
    by_row, by_column = _heads(grid)
    lines = ["".join(glyph(d, top, glyphs) for d in line) for line in cells]
    lines = [glyphs.vertical.join(_parts(line, by_column)) for line in lines]
    rule = glyphs.horizontal * len(lines[0])
    heads = _parts(lines, by_row)
    return [line for i, head in enumerate(heads) for line in ([rule] if i else []) + list(head)]


def overview(grids: Mapping[str, Grid]) -> tuple[list[str], list[list[str]]]:
    """Head and rows of a table: a block a row, the density of each matrix in percent."""
    kinds = list(dict.fromkeys(name.split(".", 2)[2] for name in grids))
    blocks = list(dict.fromkeys(name.split(".")[1] for name in grids))
    rows = [
        [block, *(f"{100 * grids[f'blocks.{block}.{kind}'].density:.1f}" for kind in kinds)]
        for block in blocks
    ]
    return ["block", *kinds], rows


def caption(name: str, grid: Grid) -> str:
    """`blocks.0.attn.q  96x96  4.1 % kept  dead: 12 rows, 3 columns`."""
    dead = f"  dead: {grid.dead_rows} rows, {grid.dead_columns} columns"
    dead = dead if grid.dead_rows or grid.dead_columns else ""
    return f"{name}  {grid.shape[0]}x{grid.shape[1]}  {100 * grid.density:.1f} % kept{dead}"


def beside(blocks: Sequence[Sequence[str]], gap: int = 3) -> list[str]:
    """Drawings side by side, the shorter ones filled up."""
    widths = [max(map(len, block), default=0) for block in blocks]
    height = max(map(len, blocks), default=0)
    filled = [
        [(block[y] if y < len(block) else "").ljust(width) for y in range(height)]
        for block, width in zip(blocks, widths, strict=True)
    ]
    return [(" " * gap).join(row).rstrip() for row in zip(*filled, strict=True)]


def pool(cells: Cells, to: int) -> Cells:
    """Rows of cells averaged into at most `to` rows of cells."""
    n = len(cells)
    to = min(to, n)
    bounds = [i * n // to for i in range(to + 1)]
    runs = (cells[a:b] for a, b in pairwise(bounds))
    return [[sum(column) / len(column) for column in zip(*run, strict=True)] for run in runs]


def _fit(room: int, heads: int) -> int:
    """Cells that fit into `room` characters beside the borders, the same number for each head."""
    return heads * max((room - (heads - 1)) // heads, 1)


T = TypeVar("T", str, list[str])


def _parts(line: T, heads: int) -> list[T]:
    each = len(line) // heads
    return [line[i * each : (i + 1) * each] for i in range(heads)]


def _heads(grid: Grid) -> tuple[int, int]:
    """Parts that the rows and the columns fall into."""
    heads = grid.heads or 1
    return heads if grid.head_axis == 0 else 1, heads if grid.head_axis == 1 else 1


def _turn(cells: Cells) -> Cells:
    return [list(column) for column in zip(*cells, strict=True)]
