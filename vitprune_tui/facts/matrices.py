"""Masks as screens look at them: a matrix of a level, and how it differs from another.

Small grids are always there; single weights only where their file can be read. So everything here
asks the bits where there are some and the grid otherwise: what a grid calls nothing is nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

from vitprune_core.store.bits import Bits
from vitprune_core.store.grids import Grid
from vitprune_tui.draw.heat import Cells, pool

SMALL = (12, 24)


@dataclass(frozen=True, eq=False)
class Matrix:
    name: str
    """`blocks.0.attn.q`."""
    grid: Grid
    bits: Bits | None = None

    @property
    def block(self) -> str:
        return self.name.split(".")[1]

    @property
    def kind(self) -> str:
        return self.name.rpartition(".")[2]

    @property
    def heads(self) -> tuple[int, int]:
        """Parts that the rows and the columns fall into; 1: they do not."""
        heads = self.grid.heads or 1
        return heads if self.grid.head_axis == 0 else 1, heads if self.grid.head_axis == 1 else 1

    @property
    def units(self) -> tuple[int, int]:
        """Rows and columns that can be told apart."""
        if self.bits:
            return self.bits.shape
        return len(self.grid.cells), len(self.grid.cells[0]) // 2

    def pooled(self, rows: int, columns: int) -> Cells:
        """Densities of so many rows and columns of cells."""
        return _pooled(self, rows, columns)

    def dead(self, axis: int) -> list[bool]:
        """Of each row (0) or column (1) of `units`: nothing is left of it."""
        return _dead(self, axis)

    @property
    def by_head(self) -> list[float]:
        """Density of each head, about; of none it is 0, and only of one of which none is left."""
        by_row, by_column = self.heads
        if by_row * by_column == 1:
            return []
        shares = _thumbnail(self.grid, by_row, by_column)
        return [share for line in shares for share in line]


@dataclass(frozen=True, eq=False)
class Change:
    """A matrix here against the same one there."""

    gone: Bits
    """Kept only there."""
    came: Bits
    """Kept only here."""
    here: int
    """Weights kept here, and there."""
    there: int
    small: tuple[Cells, Cells]
    """As `pooled`, of SMALL or fewer rows and columns: what overviews are made of."""

    @property
    def size(self) -> int:
        return self.gone.size

    @property
    def shares(self) -> tuple[float, float]:
        """Of all weights, those kept only there and those kept only here."""
        return self.gone.kept / self.size, self.came.kept / self.size

    @property
    def differing(self) -> float:
        return sum(self.shares)

    @property
    def overlap(self) -> float | None:
        """Of the weights kept here or there, the share kept here and there (Jaccard)."""
        either = self.there + self.came.kept
        return (self.here - self.came.kept) / either if either else None

    @property
    def by_chance(self) -> float | None:
        """The overlap of two masks of these densities that know nothing of each other."""
        a, b = self.here / self.size, self.there / self.size
        return a * b / (a + b - a * b) if a + b else None

    def pooled(self, rows: int, columns: int) -> tuple[Cells, Cells]:
        """Shares kept only there and only here, in so many rows and columns of cells."""
        return _pooled_bits(self.gone, rows, columns), _pooled_bits(self.came, rows, columns)

    def thumbnail(self, rows: int, columns: int) -> tuple[Cells, Cells]:
        """About the same, quickly."""
        gone, came = self.small
        return _shrunk(gone, rows, columns), _shrunk(came, rows, columns)


def change(here: Bits, there: Bits) -> Change:
    """ValueError for another shape."""
    came, gone = here.minus(there)
    return Change(gone, came, here.kept, there.kept, (gone.pooled(*SMALL), came.pooled(*SMALL)))


@dataclass(frozen=True, eq=False)
class Masks:
    """Those of one level of a run, as they were read."""

    matrices: Mapping[str, Matrix] = field(default_factory=dict)
    problem: str | None = None
    """Why there are no matrices, or none with single weights."""
    stamp: tuple[object, ...] = ()
    """Of the files; another one when they have changed."""


@dataclass(frozen=True, eq=False)
class Changes:
    """All matrices of a level against another one's."""

    matrices: Mapping[str, Change] = field(default_factory=dict)
    problem: str | None = None
    """Why some, or all, cannot be compared."""


@lru_cache(256)
def _dead(matrix: Matrix, axis: int) -> list[bool]:
    if bits := matrix.bits:
        gone = set(bits.dead_rows if axis == 0 else bits.dead_columns)
        return [i in gone for i in range(bits.shape[axis])]
    densities = matrix.grid.densities
    return [not any(cells) for cells in (zip(*densities, strict=True) if axis else densities)]


@lru_cache(256)
def _pooled(matrix: Matrix, rows: int, columns: int) -> Cells:
    if matrix.bits:
        return matrix.bits.pooled(rows, columns)
    return _thumbnail(matrix.grid, rows, columns)


@lru_cache(256)
def _pooled_bits(bits: Bits, rows: int, columns: int) -> Cells:
    return bits.pooled(rows, columns)


def thumbnail(matrix: Matrix, rows: int, columns: int) -> Cells:
    """Small pictures come from the grid, which is small itself."""
    return _thumbnail(matrix.grid, rows, columns)


@lru_cache(1024)
def _thumbnail(grid: Grid, rows: int, columns: int) -> Cells:
    return _shrunk(grid.densities, rows, columns)


def _shrunk(cells: Cells, rows: int, columns: int) -> Cells:
    """Averaged into at most so many rows and columns."""
    turned = pool(_turned(pool(cells, rows)), columns)
    return _turned(turned)


def _turned(cells: Cells) -> Cells:
    return [list(column) for column in zip(*cells, strict=True)]


def bounds(length: int, cells: int) -> list[tuple[int, int]]:
    """What each cell covers when so many rows are pooled into so many cells."""
    return list(pairwise(i * length // cells for i in range(cells + 1)))
