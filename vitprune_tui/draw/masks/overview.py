"""All blocks of a model: a row a block, a cell a matrix, in as many lines as there is room for.

| lines a block | a cell shows                                                  |
| ------------- | ------------------------------------------------------------- |
| 1             | percent kept, heads as shades                                 |
| 2             | percent and a strip of the matrix; below them its heads       |
| 3, 4          | percent, a small picture, heads                               |
| 5 and more    | the same and a line between blocks                            |

A cell of the MLP, which has no heads, tells in their place what is dead. Blocks that do not fit are
on another page, so that a step of the cursor repaints two cells and nothing else.
"""

from collections.abc import Sequence

from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.heat import step, top_of
from vitprune_tui.draw.lines import Line, Piece, beside, fit, line, width
from vitprune_tui.draw.masks.block import Compared, legend
from vitprune_tui.draw.masks.maps import merged, shaded, signed
from vitprune_tui.facts.matrices import Change, Matrix, thumbnail

HEAD, PERCENT, GAP, PAIR = 4, 8, 1, 2
"""Columns of a block's number, of a percentage and its cursor, between two matrices, of a sign."""
NARROW = 5
"""Columns of a cell below which it is one shade."""


def overview(
    matrices: Sequence[Matrix],
    compared: Compared,
    at: str,
    columns: int,
    rows: int,
    glyphs: Glyphs,
) -> list[Line]:
    """The page with the chosen matrix."""
    kinds = list(dict.fromkeys(matrix.kind for matrix in matrices))
    blocks = list(dict.fromkeys(matrix.block for matrix in matrices))
    cells = {(matrix.block, matrix.kind): matrix for matrix in matrices}
    wide = max((columns - HEAD) // len(kinds) - GAP, 1)
    told = 2 if rows >= 4 else 0
    room = max(rows - told, 1)
    high = max(min(room // len(blocks), 3 + max((wide - 1) // 2, 1)), 1)
    high = min(max(high, 2), room) if rows >= 16 else high
    top = _top(matrices, compared, wide, high)
    page = _page(blocks, next(m.block for m in matrices if m.name == at), room // high)
    lines: list[Line] = []
    for block in page:
        drawn = [
            _cell(cells.get((block, kind)), compared, at, wide, high, top, glyphs) for kind in kinds
        ]
        number: list[Line] = [line((f"{block:>{HEAD - 1}}", "title"))]
        fitted = [([fit(row, wide, glyphs.more) for row in cell], wide) for cell in drawn]
        lines += beside([(number, HEAD - GAP), *fitted], GAP)
    if not told:
        return [fit(each, columns, glyphs.more) for each in lines[:rows]]
    head = line(
        " " * HEAD, *((f" {kind}".ljust(wide + GAP)[: wide + GAP], "title") for kind in kinds)
    )
    below = legend(top, compared is not None, glyphs)
    if len(page) < len(blocks):
        below = line((f"blocks {page[0]}-{page[-1]} of {len(blocks)}  ", "strong"), *below)
    lines += [()] * (room - len(lines))
    return [fit(each, columns, glyphs.more) for each in [head, *lines[:room], below]]


def _page(blocks: Sequence[str], at: str, room: int) -> Sequence[str]:
    """The last page is full as well."""
    room = max(room, 1)
    first = min(blocks.index(at) // room * room, max(len(blocks) - room, 0))
    return blocks[first : first + room]


def _pictured(wide: int, high: int) -> tuple[int, int]:
    """Rows and columns of the small picture in a cell."""
    if high < 3:
        return min(high - 1, 1), max(wide - PERCENT, 1)
    return high - 2 - (high > 4), max(wide - 1, 1)


def _top(matrices: Sequence[Matrix], compared: Compared, wide: int, high: int) -> float:
    """One scale for all pages: it stays when the cursor moves."""
    if compared is not None:
        shares = [[change.differing for change in compared.values()]]
        return top_of([shares])
    rows, columns = _pictured(wide, max(high, 2))
    return top_of(thumbnail(matrix, rows, columns) for matrix in matrices)


def _cell(
    matrix: Matrix | None,
    compared: Compared,
    at: str,
    wide: int,
    high: int,
    top: float,
    glyphs: Glyphs,
) -> list[Line]:
    if matrix is None:
        return [()] * high
    chosen = matrix.name == at
    change = compared.get(matrix.name) if compared is not None else None
    share = change.differing if change else matrix.grid.density
    if wide < NARROW:
        i = step(share, top)
        return [line((glyphs.shades[i], "chosen" if chosen else f"heat{i}")), *([()] * (high - 1))]
    words = f"{100 * share:.1f} %" if wide >= PERCENT else f"{100 * share:.0f}%"
    words = "-" if compared is not None and change is None else words
    first: list[Piece] = [
        (glyphs.cursor if chosen else " ", "mark"),
        (words, "chosen" if chosen else ""),
        (" " * (min(PERCENT, wide) - 1 - len(words)), ""),
    ]
    last = _signs(change) if compared is not None else _heads(matrix, top, wide - 1, glyphs)
    if high == 1:
        return [line(*first, *(last if width(last) <= wide - PERCENT else ()))]
    last = line(" " if width(last) < wide else "", *last)
    small = _small(matrix, compared, change, wide, high, top, glyphs)
    if high == 2:
        return [line(*first, *(small[0] if small and wide > PERCENT else ())), last]
    if compared is None and wide >= 2 * PERCENT:
        first += _dead(matrix, wide - PERCENT, glyphs)
    lines = [line(*first), *(line(" ", *each) for each in small)]
    lines += [()] * (1 + _pictured(wide, high)[0] - len(lines))
    return [*lines, last, *([()] if high > 4 else [])]


def _small(
    matrix: Matrix,
    compared: Compared,
    change: Change | None,
    wide: int,
    high: int,
    top: float,
    glyphs: Glyphs,
) -> list[Line]:
    rows, columns = _pictured(wide, high)
    if compared is None:
        cells = thumbnail(matrix, rows, columns)
        return [merged(row) for row in shaded(cells, top, glyphs)]
    if change is None:
        return []
    gone, came = change.thumbnail(rows, max(columns // PAIR, 1))
    return [merged(row) for row in signed(gone, came, top, glyphs)]


def _heads(matrix: Matrix, top: float, room: int, glyphs: Glyphs) -> Line:
    """A shade a head; of the MLP what is dead."""
    if not matrix.by_head:
        return line(*_dead(matrix, room, glyphs))
    return merged([_head(share, top, glyphs) for share in matrix.by_head])


def _head(share: float, top: float, glyphs: Glyphs) -> Piece:
    i = step(share, top)
    return (glyphs.shades[i], f"heat{i}") if share else (glyphs.dead, "bad")


def _dead(matrix: Matrix, room: int, glyphs: Glyphs) -> list[Piece]:
    """`×20r ×3c`; where that does not fit only the rows, or the columns if no row is dead."""
    counts = ((matrix.grid.dead_rows, "r"), (matrix.grid.dead_columns, "c"))
    words = [f"{glyphs.dead}{number}{what}" for number, what in counts if number]
    told = " ".join(words)
    told = told if len(told) <= room else words[0]
    return [(told, "bad")] if told else []


def _signs(change: Change | None) -> Line:
    """What of the difference is only there, and only here."""
    if change is None:
        return line(("none", "dim"))
    gone, came = (100 * share for share in change.shares)
    return line((f"-{gone:.1f}", "bad"), (f" +{came:.1f}", "good"))
