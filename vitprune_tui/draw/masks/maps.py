"""One matrix as a picture: shades, dots or signs, lines between heads, marks for what is dead.

A `Frame` says what fits where; then the cells are pooled for it, a body of pieces is made of them
(`shaded`, `dotted` or `signed`), and `framed` puts rules, labels and marks around. So six matrices
can share one scale: all frames first, then the scale, then the bodies.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from vitprune_core.store.bits import spans
from vitprune_tui.draw.dots import INK
from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.heat import Cells, step
from vitprune_tui.draw.lines import Line, Piece, line, merged
from vitprune_tui.facts.matrices import Matrix

Body = list[list[Piece]]
"""Rows of characters, or of pairs of them, before anything stands between."""
PARTLY = "-"
"""Beside a row of cells in which some rows of weights are dead."""
TINY = 1e-9
"""A share that is more than nothing."""
LABELLED, MARKED = (16, 5), (6, 3)
"""Columns and rows from which a picture has head labels, and marks."""


@dataclass(frozen=True)
class Axis:
    """How a side of a matrix falls into characters; no character crosses the border of a head."""

    length: int
    heads: int
    """1: it has none, or they do not fit."""
    cells: int
    """To pool into."""
    per: int
    """Cells of one character."""
    ruled: bool
    """A line stands between heads."""

    @property
    def each(self) -> int:
        """Characters of a head."""
        return -(-self.cells // self.heads // self.per)

    @property
    def spans(self) -> list[tuple[int, int]]:
        """The cells of each character, from and to."""
        size = self.cells // self.heads
        return [
            (head + at, head + min(at + self.per, size))
            for head in range(0, self.cells, size)
            for at in range(0, size, self.per)
        ]

    @property
    def fits(self) -> bool:
        """Every row of the matrix has a cell of its own."""
        return self.cells == self.length


@dataclass(frozen=True)
class Frame:
    down: Axis
    across: Axis
    wide: int
    """Columns of a character: a pair takes two."""
    labels: int
    """Columns on the left for names of heads."""
    named: bool
    """A line on top for names of heads."""
    marked: bool
    """A column on the left and a line on top for what is dead; not beside signs, so alike."""


def axis(length: int, heads: int, room: int, per: int = 1) -> Axis:
    """As many cells as fit; lines between heads, and heads themselves, only where they do."""
    if heads > 1 and length % heads == 0:
        for ruled in (True, False):
            each = (room - (heads - 1) * ruled) // heads
            if each >= 1:
                cells = heads * min(each * per, length // heads)
                return Axis(length, heads, cells, per, ruled)
    return Axis(length, 1, min(max(room, 1) * per, length), per, False)


def frame(
    matrix: Matrix, columns: int, rows: int, wide: int = 1, dots: tuple[int, int] = (1, 1)
) -> Frame:
    """Of one matrix in so many columns and rows; `dots` of a character, columns and rows."""
    (length, width), (by_row, by_column) = matrix.units, matrix.heads
    marked = columns >= MARKED[0] and rows >= MARKED[1] and wide == 1
    named = columns >= LABELLED[0] and rows >= LABELLED[1]
    labels = len(f"h{by_row - 1}") + 1 if named and by_row > 1 else 0
    named = named and by_column > 1
    return Frame(
        axis(length, by_row, rows - marked - named, dots[1]),
        axis(width, by_column, (columns - marked - labels) // wide, dots[0]),
        wide, labels, named, marked,
    )  # fmt: skip


def shaded(cells: Cells, top: float, glyphs: Glyphs) -> Body:
    """Density by five glyphs, on a scale that ends at `top`."""
    steps = ([step(density, top) for density in row] for row in cells)
    return [[(glyphs.shades[i], f"heat{i}") for i in row] for row in steps]


def signed(gone: Cells, came: Cells, top: float, glyphs: Glyphs) -> Body:
    """Pairs: what most differences of a cell are, by sign, and how many there are, by shade."""
    return [
        [_sign(*cell, top, glyphs) for cell in zip(*rows, strict=True)]
        for rows in zip(gone, came, strict=True)
    ]


def _sign(gone: float, came: float, top: float, glyphs: Glyphs) -> Piece:
    if not gone + came:
        return f" {glyphs.shades[0]}", "heat0"
    sign, style = ("-", "bad") if gone >= came else ("+", "good")
    return sign + glyphs.shades[step(gone + came, top)], style


def dotted(cells: Cells, shape: Frame, least: float) -> Body:
    """Braille: a dot where a cell keeps at least the share `least`; coloured by their number."""
    least = max(least, TINY)
    return [_dots(cells[top:end], shape.across, least) for top, end in shape.down.spans]


def _dots(rows: Cells, across: Axis, least: float) -> list[Piece]:
    """The characters of up to four rows of cells."""
    bits = [[(density >= least) << y for density in row] for y, row in enumerate(rows)]
    codes = list(map(sum, zip(*bits, strict=True)))
    line: list[Piece] = []
    for left, right in across.spans:
        code = sum(bits << 4 * x for x, bits in enumerate(codes[left:right]))
        share = code.bit_count() / (len(rows) * (right - left))
        line.append((INK[2, 4][code], f"heat{step(share, 1.0)}"))
    return line


def framed(body: Body, shape: Frame, matrix: Matrix, glyphs: Glyphs) -> list[Line]:
    """The body with lines between heads, their names, and marks for what is dead."""
    down, across = shape.down, shape.across
    dead_heads = [not share for share in matrix.by_head]
    rows = [_line(row, across, glyphs) for row in body]
    left = [_left(y, shape, matrix, dead_heads, glyphs) for y in range(len(body))]
    rule = line(" " * (shape.labels + shape.marked), (_rule(shape, glyphs), "axis"))
    drawn: list[Line] = []
    for y, (margin, row) in enumerate(zip(left, rows, strict=True)):
        if down.ruled and y and y % down.each == 0:
            drawn.append(rule)
        drawn.append(merged([*margin, *row]))
    return [*_above(shape, matrix, dead_heads, glyphs), *drawn]


def _line(row: Sequence[Piece], across: Axis, glyphs: Glyphs) -> list[Piece]:
    pieces: list[Piece] = []
    for x, piece in enumerate(row):
        if across.ruled and x and x % across.each == 0:
            pieces.append((glyphs.vertical, "axis"))
        pieces.append(piece)
    return pieces


def _rule(shape: Frame, glyphs: Glyphs) -> str:
    across = shape.across
    return glyphs.horizontal * (len(across.spans) * shape.wide + (across.heads - 1) * across.ruled)


def _left(
    y: int, shape: Frame, matrix: Matrix, dead_heads: Sequence[bool], glyphs: Glyphs
) -> list[Piece]:
    """A head's name where it begins, and a mark for rows that are dead."""
    pieces: list[Piece] = []
    if shape.labels:
        head, at = divmod(y, shape.down.each)
        named = at == 0 and shape.down.heads > 1
        pieces.append(
            _name(head, shape.labels, dead_heads, glyphs) if named else _gap(shape.labels)
        )
    return [*pieces, _marks(shape.down, matrix.dead[0], glyphs)[y]] if shape.marked else pieces


def _above(shape: Frame, matrix: Matrix, dead_heads: Sequence[bool], glyphs: Glyphs) -> list[Line]:
    """Names of heads over their columns, and marks for columns that are dead."""
    across, start = shape.across, _gap(shape.labels + shape.marked)
    lines: list[Line] = []
    if shape.named:
        room = across.each * shape.wide
        names = [_name(head, room, dead_heads, glyphs) for head in range(across.heads)]
        between = [_gap(1)] if across.ruled else []
        pieces = [piece for name in names for piece in (*between, name)][len(between) :]
        lines.append(merged([start, *pieces]) if across.heads > 1 else ())
    if shape.marked:
        row = _line(_marks(across, matrix.dead[1], glyphs), across, glyphs)
        row = [_gap(1) if style == "axis" else (mark, style) for mark, style in row]
        lines.append(merged([start, *row]))
    return lines


def _name(head: int, room: int, dead_heads: Sequence[bool], glyphs: Glyphs) -> Piece:
    """`h2`, or `×h2` when nothing is left of it; only the mark where the name does not fit."""
    dead = glyphs.dead if dead_heads[head] else ""
    name = f"{dead}h{head}"
    shown = name if len(name) <= room else dead
    return shown[:room].ljust(room), "bad" if dead else "dim"


def _marks(side: Axis, dead: Sequence[bool], glyphs: Glyphs) -> list[Piece]:
    """Beside each character: all that it stands for is dead, or some of it."""
    covered = list(spans(side.length, side.cells))
    marks: list[Piece] = []
    for first, end in side.spans:
        gone = dead[covered[first][0] : covered[end - 1][1]]
        marks.append(
            (glyphs.dead, "bad") if all(gone) else (PARTLY, "warn") if any(gone) else _gap(1)
        )
    return marks


def _gap(room: int) -> Piece:
    return " " * room, ""
