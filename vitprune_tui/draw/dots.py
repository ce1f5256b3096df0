"""A field of dots that curves are traced on: Braille, quarter blocks, or one dot a character.

A column of dots is one integer, its lowest bit on top: a vertical run is one `|=`, however high it
is. So a curve costs what the field is wide, not what it has points. In each cell the last who drew
there gives the style; the dots of all stay.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import islice, pairwise
from operator import le

from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.lines import Line, Piece, merged
from vitprune_tui.draw.scale import Scale

LEFT, RIGHT = (0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80)
"""What each dot of a Braille character adds to U+2800, from the top."""


def _braille(code: int) -> str:
    bits = enumerate(LEFT + RIGHT)
    return chr(0x2800 + sum(bit for i, bit in bits if code >> i & 1)) if code else " "


INK = {
    (2, 4): "".join(map(_braille, range(256))),
    (2, 2): " ▘▖▌▝▀▞▛▗▚▄▙▐▜▟█",
    (1, 1): " .",
}
"""Dots of a cell -> its characters, by the bits of its left column and then of its right one."""
NOTHING: Piece = (" ", "")

Stop = list[int]
"""What a curve does in one column of dots: the column; its first row, highest, lowest and last."""


class Field:
    """Cells to draw on. It changes in place: a curve draws thousands of times on it."""

    def __init__(self, columns: int, rows: int, glyphs: Glyphs) -> None:
        self.columns, self.rows = columns, rows
        self.across, self.down = glyphs.dots
        self.width, self.height = columns * self.across, rows * self.down
        self.dots = [0] * self.width
        self.cells = [[NOTHING] * rows for _ in range(columns)]
        """By column: who drew last, as glyph and style; without a glyph it shows the dots."""

    def put(self, column: int, row: int, piece: Piece) -> None:
        """A glyph over all that is there, at a dot."""
        if 0 <= column < self.width and 0 <= row < self.height:
            self.cells[column // self.across][row // self.down] = piece

    def run(self, column: int, top: int, bottom: int, piece: Piece) -> None:
        """Dots from `top` to `bottom`; beyond the field there are none."""
        if top < 0:
            top = 0
        if bottom >= self.height:
            bottom = self.height - 1
        if top <= bottom and 0 <= column < self.width:
            self.dots[column] |= (2 << bottom) - (1 << top)
            first, last = top // self.down, bottom // self.down + 1
            self.cells[column // self.across][first:last] = [piece] * (last - first)

    def segment(self, start: tuple[int, int], end: tuple[int, int], piece: Piece) -> None:
        """Between dots of two columns: one dot in each column, or in each row if it is steep."""
        (left, y), (right, z) = (start, end) if start < end else (end, start)
        slope = (z - y) / (right - left)
        for column in range(max(left, 0), min(right, self.width - 1) + 1):
            here = y + (column - left) * slope
            if -1 <= slope <= 1:
                top = bottom = math.floor(here + 0.5)
            else:
                half = abs(slope) / 2
                top = max(math.ceil(here - half), min(y, z))
                bottom = min(math.ceil(here + half) - 1, max(y, z))
            self.run(column, top, bottom, piece)

    def trace(self, stops: Sequence[Stop], piece: Piece) -> None:
        """A line from stop to stop; between neighbours it rises and falls in the second column."""
        column, row = stops[0][:2]
        for to, first, top, bottom, last in stops:
            if not -2 < to - column < 2:
                self.segment((column, row), (to, first), piece)
            elif top > row + 1:
                top = row + 1
            elif bottom < row - 1:
                bottom = row - 1
            self.run(to, top, bottom, piece)
            column, row = to, last

    def lines(self) -> list[Line]:
        return [merged(row) for row in zip(*map(self._column, range(self.columns)), strict=True)]

    def _column(self, column: int) -> list[Piece]:
        dots = self.dots[column * self.across : (column + 1) * self.across]
        cells = self.cells[column]
        if not any(dots):
            return cells
        ink, down, full = INK[self.across, self.down], self.down, (1 << self.down) - 1
        left, right = dots[0], dots[1] if self.across > 1 else 0
        return [
            (ink[(left >> y & full) | (right >> y & full) << down], cell[1])
            if not cell[0]
            else cell
            for y, cell in zip(range(0, self.height, down), cells, strict=True)
        ]


def stops(x: Sequence[float], y: Sequence[float], across: Scale, down: Scale) -> list[list[Stop]]:
    """A curve as stretches without a gap, each with a stop for neighbours in one column."""
    if len(x) > 4 * across.dots > 4 and rising(x):
        x, y = _thinned(x, y, across, down)
    return _walked(across.nearest(x), down.nearest(y))


def rising(values: Sequence[float]) -> bool:
    """Never falls and has no gap: what is near a place is found without a look at every value."""
    return math.isfinite(sum(values)) and all(map(le, values, islice(values, 1, None)))


def _thinned(
    x: Sequence[float], y: Sequence[float], across: Scale, down: Scale
) -> tuple[list[float], list[float]]:
    """Of many points those that show: one on each side, in a column four unless it has a gap."""
    start = bisect_right(x, 0.0) if across.log else 0
    cuts = [bisect_left(x, column - 0.5, start, key=across.at) for column in range(across.dots + 1)]
    before, after = max(cuts[0] - 1, start), cuts[-1]
    few_x, few_y = list(x[before : cuts[0]]), list(y[before : cuts[0]])
    for first, end in pairwise(cuts):
        part = y[first:end]
        if len(part) > 4 and down.holds(part):
            part = [part[0], max(part), min(part), part[-1]]
            few_x += [x[first]] * 4
        else:
            few_x += x[first:end]
        few_y += part
    return [*few_x, *x[after : after + 1]], [*few_y, *y[after : after + 1]]


def _walked(columns: Iterable[int | None], rows: Iterable[int | None]) -> list[list[Stop]]:
    stretches: list[list[Stop]] = []
    here: Stop | None = None
    for column, row in zip(columns, rows, strict=True):
        if column is None or row is None:
            here = None
        elif here is None:
            here = [column, row, row, row, row]
            stretches.append([here])
        elif here[0] != column:
            here = [column, row, row, row, row]
            stretches[-1].append(here)
        else:
            if row < here[2]:
                here[2] = row
            elif row > here[3]:
                here[3] = row
            here[4] = row
    return stretches
