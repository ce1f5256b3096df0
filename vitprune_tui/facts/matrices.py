"""Masks as screens look at them: a matrix of a level, and how it differs from another.

Small grids are always there; single weights only where their file can be read. So everything here
asks the bits where there are some and the grid otherwise: what a grid calls nothing is nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from vitprune_core.store.bits import Bits
from vitprune_core.store.grids import Grid
from vitprune_tui.draw.heat import Cells, heads, shrunk, turned

SMALL = (12, 24)
SIZES = 4
"""In which a matrix keeps its pooled cells: more than are looked at at the same time."""
Pools = dict[tuple[str, int, int], Cells]
"""What is pooled, and into how many rows and columns."""


@dataclass(frozen=True, kw_only=True)
class Spread:
    """How much densities vary, beside masks that keep as much and are shuffled in their matrix."""

    ratio: float | None
    """Of the variances; None: shuffled masks have none."""
    z: float | None
    p: float


@dataclass(frozen=True, kw_only=True)
class Structure:
    """What was found in a matrix's mask."""

    rows: Spread
    columns: Spread
    heads: Spread | None = None
    """Only in attention."""


@dataclass(frozen=True, eq=False)
class Matrix:
    name: str
    """`blocks.0.attn.q`."""
    grid: Grid
    bits: Bits | None = None
    structure: Structure | None = None
    pools: Pools = field(default_factory=dict, init=False, repr=False)

    @property
    def block(self) -> str:
        return self.name.split(".")[1]

    @property
    def kind(self) -> str:
        return self.name.rpartition(".")[2]

    @property
    def heads(self) -> tuple[int, int]:
        """Parts that the rows and the columns fall into; 1: they do not."""
        return heads(self.grid)

    @property
    def units(self) -> tuple[int, int]:
        """Rows and columns that can be told apart."""
        if self.bits:
            return self.bits.shape
        return len(self.grid.cells), len(self.grid.cells[0]) // 2

    def pooled(self, rows: int, columns: int) -> Cells:
        """Densities of so many rows and columns of cells."""
        if self.bits is None:
            return self.thumbnail(rows, columns)
        return _once(self.pools, ("bits", rows, columns), self.bits.pooled)

    def thumbnail(self, rows: int, columns: int) -> Cells:
        """Small pictures come from the grid, which is small itself."""
        return _once(self.pools, ("grid", rows, columns), self._shrunk)

    def _shrunk(self, rows: int, columns: int) -> Cells:
        return shrunk(self.grid.densities, rows, columns)

    @cached_property
    def dead(self) -> tuple[list[bool], list[bool]]:
        """Of each row and each column of `units`: nothing is left of it."""
        if self.bits is None:
            cells = self.grid.densities
            return _nothing(cells), _nothing(turned(cells))
        rows, columns = set(self.bits.dead_rows), set(self.bits.dead_columns)
        height, width = self.bits.shape
        return [i in rows for i in range(height)], [i in columns for i in range(width)]

    @cached_property
    def by_head(self) -> list[float]:
        """Density of each head, about; of none it is 0, and only of one of which none is left."""
        by_row, by_column = self.heads
        if by_row * by_column == 1:
            return []
        return [share for line in self._shrunk(by_row, by_column) for share in line]


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
    pools: Pools = field(default_factory=dict, init=False, repr=False)

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
        return (
            _once(self.pools, ("gone", rows, columns), self.gone.pooled),
            _once(self.pools, ("came", rows, columns), self.came.pooled),
        )

    def thumbnail(self, rows: int, columns: int) -> tuple[Cells, Cells]:
        """About the same, quickly."""
        gone, came = self.small
        return shrunk(gone, rows, columns), shrunk(came, rows, columns)


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

    @property
    def blocks(self) -> list[str]:
        return list(dict.fromkeys(matrix.block for matrix in self.matrices.values()))

    @property
    def kinds(self) -> list[str]:
        return list(dict.fromkeys(matrix.kind for matrix in self.matrices.values()))


@dataclass(frozen=True, eq=False)
class Changes:
    """All matrices of a level against another one's."""

    matrices: Mapping[str, Change] = field(default_factory=dict)
    problem: str | None = None
    """Why some, or all, cannot be compared."""


def _once(pools: Pools, key: tuple[str, int, int], pool: Callable[[int, int], Cells]) -> Cells:
    if key not in pools:
        if len(pools) >= SIZES:
            pools.clear()
        pools[key] = pool(*key[1:])
    return pools[key]


def _nothing(cells: Cells) -> list[bool]:
    return [not any(row) for row in cells]
