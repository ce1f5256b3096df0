"""Masks pooled into small grids of densities: what screens draw, readable without numpy.

A cell is the share of weights kept in a block of a matrix, in 255ths, written as two hex digits; 00
is exactly nothing and ff exactly everything. Cells never cross the border of a head.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vitprune_core.store.rundir import write
from vitprune_core.store.values import from_json, loads, to_json

NAME = re.compile(r"blocks\.[0-9]{1,4}\.(attn|mlp)\.[a-z0-9]{1,8}")
MOST = 256
"""Cells on a side of a grid, so that a strange file cannot hold up a screen; ours have 48."""


@dataclass(frozen=True)
class Grid:
    shape: tuple[int, ...]
    """(out, in) of the matrix."""
    cells: tuple[str, ...]
    """A string of hex pairs for each row of cells."""
    head_axis: int | None
    """0 where heads are runs of rows (q, k, v), 1 where of columns (o), null in the MLP."""
    heads: int | None
    density: float
    dead_rows: int
    dead_columns: int

    @property
    def densities(self) -> list[list[float]]:
        """Share kept in each cell, 0 to 1."""
        return [[b / 255 for b in bytes.fromhex(row)] for row in self.cells]


@dataclass(frozen=True)
class Grids:
    sparsity: float
    matrices: Mapping[str, Grid]


def encode(densities: Sequence[Sequence[float]]) -> tuple[str, ...]:
    """Densities as hex pairs; only exactly 0 is 00 and only exactly 1 is ff."""
    return tuple(bytes(_cell(d) for d in row).hex() for row in densities)


def _cell(density: float) -> int:
    return round(density) * 255 if density in (0, 1) else min(max(round(density * 255), 1), 254)


def save(path: Path, grids: Grids) -> None:
    write(path, json.dumps(to_json(grids), separators=(",", ":")).encode())


def load(path: Path) -> Grids:
    """Raises OSError or one of `WRONG` when the file is not such a thing."""
    return read(loads(path.read_bytes()))


def read(value: Any) -> Grids:
    """From JSON; raises one of `WRONG` for what could not be drawn."""
    grids = from_json(Grids, value)
    if not grids.matrices:
        raise ValueError("it has no matrices")
    for name, grid in grids.matrices.items():
        if problem := _strange(name, grid):
            raise ValueError(problem)
    return grids


def _strange(name: str, grid: Grid) -> str | None:
    if not NAME.fullmatch(name):
        return f"{name[:40]} is no matrix of a ViT"
    widths = {len(row) for row in grid.densities}
    if len(widths) != 1 or widths == {0}:
        return f"{name}: rows of cells differ in length"
    if len(grid.shape) != 2 or min(grid.shape) < 1:
        return f"{name} has no rows and columns"
    cells = len(grid.cells), *widths
    heads = grid.heads or 0
    if grid.head_axis in (0, 1) and (heads < 1 or cells[grid.head_axis] % heads):
        return f"{name}: heads and cells do not fit"
    if any(cell > min(size, MOST) for cell, size in zip(cells, grid.shape, strict=True)):
        return f"{name} has too many cells"
    if not 0 <= grid.density <= 1:
        return f"{name} has no density"
    return None
