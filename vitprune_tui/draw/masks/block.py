"""The matrices of one block side by side, or one of them as large as the room is.

All pictures beside each other share one scale, which the last line tells. Where differences to
another mask are looked at, signs take the place of shades.
"""

from collections.abc import Mapping, Sequence

from vitprune_tui.draw import heat
from vitprune_tui.draw.glyphs import BRAILLE, Glyphs
from vitprune_tui.draw.heat import Cells, top_of
from vitprune_tui.draw.lines import Line, Piece, beside, fit, line, plain
from vitprune_tui.draw.masks.maps import PARTLY, Body, Frame, dotted, frame, framed, shaded, signed
from vitprune_tui.facts.matrices import Change, Matrix

ACROSS, NARROWEST, LOWEST, GAP = 3, 12, 4, 1
"""Pictures in a row; columns and rows of one below which only the chosen one is drawn; between."""
Compared = Mapping[str, Change] | None
"""Matrix -> its differences; None: the masks themselves are looked at."""


def block(
    matrices: Sequence[Matrix],
    compared: Compared,
    at: str,
    columns: int,
    rows: int,
    glyphs: Glyphs,
) -> list[Line]:
    """The matrices of a block; the chosen one has a cursor."""
    across = min(len(matrices), ACROSS)
    down = -(-len(matrices) // across)
    room = (columns - (across - 1) * GAP) // across, (rows - 1) // down
    if room[0] < NARROWEST or room[1] < LOWEST:
        chosen = next(matrix for matrix in matrices if matrix.name == at)
        return one(chosen, compared, columns, rows, glyphs)
    frames = {m.name: frame(m, room[0], room[1] - 1, _wide(m, compared)) for m in matrices}
    cells = {m.name: _cells(m, frames[m.name], compared) for m in matrices}
    top = top_of(_sum(*both) for both in cells.values())
    drawn = [
        [
            title(m, compared, m.name == at, room[0], glyphs),
            *framed(_body(cells[m.name], frames[m.name], top, glyphs), frames[m.name], m, glyphs),
        ]
        for m in matrices
    ]
    lines: list[Line] = []
    for first in range(0, len(drawn), across):
        row = drawn[first : first + across]
        lines += beside([(picture, room[0]) for picture in row], GAP)
        lines += [()] * (room[1] - max(map(len, row)))
    words = legend(top, compared is not None, glyphs)
    return _below(lines, words, columns, rows, 1, glyphs)


def one(matrix: Matrix, compared: Compared, columns: int, rows: int, glyphs: Glyphs) -> list[Line]:
    """One matrix as large as the room; by the Braille set as dots, single weights if they fit."""
    told = 1 if rows > 1 else 0
    if compared is None and glyphs is BRAILLE:
        return _dots(matrix, columns, rows, told, glyphs)
    shape = frame(matrix, columns, rows - told, _wide(matrix, compared))
    cells = _cells(matrix, shape, compared)
    top = top_of([_sum(*cells)])
    drawn = framed(_body(cells, shape, top, glyphs), shape, matrix, glyphs)
    return _below(drawn, legend(top, compared is not None, glyphs), columns, rows, told, glyphs)


def _dots(matrix: Matrix, columns: int, rows: int, told: int, glyphs: Glyphs) -> list[Line]:
    shape = frame(matrix, columns, rows - told, dots=glyphs.dots)
    down, across = shape.down, shape.across
    cells = matrix.pooled(down.cells, across.cells)
    single = matrix.bits is not None and down.fits and across.fits
    least = 1.0 if single else matrix.grid.density
    drawn = framed(dotted(cells, shape, least), shape, matrix, glyphs)
    what = (
        "a dot is a weight that is kept"
        if single
        else f"a dot: {100 * least:.1f} % or more kept of {_size(matrix, shape)} weights,"
        " the matrix's mean"
    )
    return _below(drawn, line(what, *_marks(glyphs)), columns, rows, told, glyphs)


def _size(matrix: Matrix, shape: Frame) -> str:
    """Weights of a dot, about: `2x2`."""
    rows, columns = (
        matrix.grid.shape[0] / shape.down.cells,
        matrix.grid.shape[1] / shape.across.cells,
    )
    return f"{rows:.2g}x{columns:.2g}"


def _below(
    drawn: list[Line], words: Line, columns: int, rows: int, told: int, glyphs: Glyphs
) -> list[Line]:
    """The picture with its legend on the last line."""
    room = max(rows - told, 0)
    lines = [*drawn[:room], *([()] * (room - len(drawn)))]
    return [fit(each, columns, glyphs.more) for each in [*lines, *([words] * told)]]


def title(matrix: Matrix, compared: Compared, chosen: bool, room: int, glyphs: Glyphs) -> Line:
    """`❯fc1 9.4 %  dead: 20 rows, 1 column`, in fewer words where there is less room."""
    front = line(
        (glyphs.cursor if chosen else " ", "mark"),
        (f"{matrix.kind:<3}", "chosen" if chosen else "title"),
    )
    if compared is not None:
        return fit(line(*front, *_differing(compared.get(matrix.name))), room, glyphs.more)
    share = f" {100 * matrix.grid.density:.1f} %"
    rows, columns = matrix.grid.dead_rows, matrix.grid.dead_columns
    whole = f"  {', '.join(heat.dead(matrix.grid))} dead"
    short = (whole, f"  {rows} r {columns} c dead", f"  {rows}r {columns}c")
    room_left = room - len(plain(front)) - len(share)
    dead = next((words for words in short if len(words) <= room_left), "") if rows + columns else ""
    return fit(line(*front, share, (dead, "bad")), room, glyphs.more)


def _differing(change: Change | None) -> list[Piece]:
    if change is None:
        return [(" not compared", "dim")]
    gone, came = change.shares
    return [
        (f" {100 * change.differing:.1f} %", ""),
        (f"  -{100 * gone:.1f}", "bad"),
        (f" +{100 * came:.1f}", "good"),
    ]


def legend(top: float, compares: bool, glyphs: Glyphs) -> Line:
    """What the glyphs mean."""
    if not compares:
        return line(*heat.legend(top, glyphs), *_marks(glyphs))
    signs: list[str | Piece] = [("-", "bad"), " there  ", ("+", "good"), " here  "]
    return line(*signs, *heat.legend(top, glyphs, "same"))


def _marks(glyphs: Glyphs) -> Line:
    return line("  ", (glyphs.dead, "bad"), " dead  ", (PARTLY, "warn"), " partly")


def _wide(matrix: Matrix, compared: Compared) -> int:
    """A pair of characters tells a difference."""
    return 1 if compared is None or matrix.name not in compared else 2


Both = tuple[Cells, Cells | None]
"""Shares kept; or those kept only there, and those kept only here."""


def _cells(matrix: Matrix, shape: Frame, compared: Compared) -> Both:
    counts = shape.down.cells, shape.across.cells
    if compared is None:
        return matrix.pooled(*counts), None
    change = compared.get(matrix.name)
    return change.pooled(*counts) if change else ([], [])


def _sum(cells: Cells, more: Cells | None) -> Cells:
    if more is None:
        return cells
    pairs = (zip(*rows, strict=True) for rows in zip(cells, more, strict=True))
    return [[a + b for a, b in row] for row in pairs]


def _body(both: Both, shape: Frame, top: float, glyphs: Glyphs) -> Body:
    cells, more = both
    return shaded(cells, top, glyphs) if more is None else signed(cells, more, top, glyphs)
