"""Masks pooled into small grids of densities: what screens draw, readable without numpy.

A cell is the share of weights kept in a block of a matrix, in 255ths, written as two hex digits; 00
is exactly nothing and ff exactly everything. Cells never cross the border of a head.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vitprune_core.store.rundir import write
from vitprune_core.store.values import from_json, loads, to_json


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
    """Raises OSError, ValueError, TypeError or KeyError when the file is not such a thing."""
    grids = from_json(Grids, loads(path.read_bytes()))
    if not grids.matrices:
        raise ValueError("it has no matrices")
    for name, grid in grids.matrices.items():
        widths = {len(row) for row in grid.densities}
        if len(widths) != 1 or widths == {0}:
            raise ValueError(f"{name}: rows of cells differ in length")
    return grids
