"""Masks as text: density by glyph, a line between heads, dead rows and columns told beside it.

    · ░ ▒ ▓ █     nothing, up to a quarter, half, three quarters, all kept   (ASCII: . : - = #)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from vitprune_core.store.grids import Grid


@dataclass(frozen=True)
class Glyphs:
    shades: str
    """From nothing to everything, five of them."""
    vertical: str
    horizontal: str


BLOCKS = Glyphs("·░▒▓█", "│", "─")
ASCII = Glyphs(".:-=#", "|", "-")


def glyph(density: float, glyphs: Glyphs) -> str:
    """Only nothing at all is drawn as nothing."""
    shades = glyphs.shades
    return shades[0] if density == 0 else shades[min(1 + int(density * 4), 4)]


def heatmap(grid: Grid, columns: int, rows: int, glyphs: Glyphs = BLOCKS) -> list[str]:
    """The matrix in about `columns` x `rows` characters, a line between heads."""
    by_row = grid.heads or 1 if grid.head_axis == 0 else 1
    by_column = grid.heads or 1 if grid.head_axis == 1 else 1
    cells = pool(grid.densities, _fit(rows, by_row))
    cells = _turn(pool(_turn(cells), _fit(columns, by_column)))
    lines = ["".join(glyph(d, glyphs) for d in line) for line in cells]
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


def pool(cells: list[list[float]], to: int) -> list[list[float]]:
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


def _turn(cells: list[list[float]]) -> list[list[float]]:
    return [list(column) for column in zip(*cells, strict=True)]
