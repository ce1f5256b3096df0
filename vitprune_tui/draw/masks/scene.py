"""What Masks shows: all blocks, one block or one matrix; or, while there is nothing to see, why."""

from collections.abc import Sequence
from dataclasses import dataclass

from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.lines import Line, fit
from vitprune_tui.draw.masks.block import Compared, block, one
from vitprune_tui.draw.masks.overview import overview
from vitprune_tui.facts.matrices import Matrix

OVERVIEW, BLOCK, MATRIX = range(3)


@dataclass(frozen=True)
class Scene:
    stage: int
    """OVERVIEW, BLOCK or MATRIX."""
    matrices: Sequence[Matrix]
    compared: Compared
    at: str
    """The chosen matrix."""


def draw(what: Scene | Sequence[Line], columns: int, rows: int, glyphs: Glyphs) -> list[Line]:
    """A picture, or lines that are to be read."""
    if not isinstance(what, Scene):
        return [fit(each, columns, glyphs.more) for each in what[:rows]]
    chosen = next(matrix for matrix in what.matrices if matrix.name == what.at)
    if what.stage == OVERVIEW:
        return overview(what.matrices, what.compared, what.at, columns, rows, glyphs)
    if what.stage == MATRIX:
        return one(chosen, what.compared, columns, rows, glyphs)
    of_block = [matrix for matrix in what.matrices if matrix.block == chosen.block]
    return block(of_block, what.compared, what.at, columns, rows, glyphs)
