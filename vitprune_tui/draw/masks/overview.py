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
from dataclasses import dataclass

from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.heat import step, top_of
from vitprune_tui.draw.lines import Line, Piece, beside, fit, line, merged, width
from vitprune_tui.draw.masks.block import Compared, legend
from vitprune_tui.draw.masks.maps import shaded, signed
from vitprune_tui.facts.matrices import Change, Matrix

HEAD, PERCENT, GAP, PAIR = 4, 8, 1, 2
"""Columns of a block's number, of a percentage and its cursor, between two matrices, of a sign."""
NARROW = 5
"""Columns of a cell below which it is one shade."""


@dataclass(frozen=True)
class Layout:
    """What is where."""

    kinds: Sequence[str]
    page: Sequence[str]
    """Its blocks."""
    depth: int
    """Blocks on all pages."""
    wide: int
    """Columns and lines of a cell."""
    high: int
    room: int
    """Lines for blocks."""
    told: bool
    """There is a line above them and one below."""

    @property
    def pictured(self) -> tuple[int, int]:
        """Rows and columns of the small picture in a cell."""
        if self.high < 3:
            return 1, max(self.wide - PERCENT, 1)
        return self.high - 2 - (self.high > 4), max(self.wide - 1, 1)

    def under(self, x: int, y: int) -> tuple[str, str] | None:
        """The block and the kind of matrix at a place of the picture."""
        row, column = (y - self.told) // self.high, (x - HEAD) // (self.wide + GAP)
        inside = 0 <= row < len(self.page) and 0 <= column < len(self.kinds)
        return (self.page[row], self.kinds[column]) if inside else None


@dataclass(frozen=True)
class Look:
    """How every cell is drawn."""

    layout: Layout
    compared: Compared
    at: str
    top: float
    glyphs: Glyphs


def layout(matrices: Sequence[Matrix], at: str, columns: int, rows: int) -> Layout:
    """Of the page with the chosen matrix."""
    kinds = list(dict.fromkeys(matrix.kind for matrix in matrices))
    blocks = list(dict.fromkeys(matrix.block for matrix in matrices))
    wide = max((columns - HEAD) // len(kinds) - GAP, 1)
    told = rows >= 4
    room = max(rows - 2 * told, 1)
    high = max(min(room // len(blocks), 3 + max((wide - 1) // 2, 1)), 1)
    high = min(max(high, 2), room) if rows >= 16 else high
    page = _page(blocks, next(m.block for m in matrices if m.name == at), room // high)
    return Layout(kinds, page, len(blocks), wide, high, room, told)


def overview(
    matrices: Sequence[Matrix],
    compared: Compared,
    at: str,
    columns: int,
    rows: int,
    glyphs: Glyphs,
) -> list[Line]:
    """The page with the chosen matrix."""
    here = layout(matrices, at, columns, rows)
    look = Look(here, compared, at, _top(matrices, compared, here), glyphs)
    cells = {(matrix.block, matrix.kind): matrix for matrix in matrices}
    lines: list[Line] = []
    for block in here.page:
        lines += _row(block, [cells.get((block, kind)) for kind in here.kinds], look)
    lines = [*lines, *[()] * (here.room - len(lines))][: here.room]
    if here.told:
        lines = [_head(here), *lines, _below(look)]
    return [fit(each, columns, glyphs.more) for each in lines]


def _head(here: Layout) -> Line:
    each = here.wide + GAP
    return line(" " * HEAD, *((f" {kind}".ljust(each)[:each], "title") for kind in here.kinds))


def _below(look: Look) -> Line:
    here, words = look.layout, legend(look.top, look.compared is not None, look.glyphs)
    if len(here.page) == here.depth:
        return words
    return line((f"blocks {here.page[0]}-{here.page[-1]} of {here.depth}  ", "strong"), *words)


def _page(blocks: Sequence[str], at: str, room: int) -> Sequence[str]:
    """The last page is full as well."""
    room = max(room, 1)
    first = min(blocks.index(at) // room * room, max(len(blocks) - room, 0))
    return blocks[first : first + room]


def _top(matrices: Sequence[Matrix], compared: Compared, here: Layout) -> float:
    """One scale for all pages: it stays when the cursor moves."""
    if compared is not None:
        return top_of([[[change.differing for change in compared.values()]]])
    return top_of(matrix.thumbnail(*here.pictured) for matrix in matrices)


def _row(block: str, matrices: Sequence[Matrix | None], look: Look) -> list[Line]:
    """A block: its number and its cells."""
    number: list[Line] = [line((f"{block:>{HEAD - 1}}", "title"))]
    wide, more = look.layout.wide, look.glyphs.more
    cells = [[fit(each, wide, more) for each in _cell(matrix, look)] for matrix in matrices]
    return beside([(number, HEAD - GAP), *((cell, wide) for cell in cells)], GAP)


def _cell(matrix: Matrix | None, look: Look) -> list[Line]:
    wide, high = look.layout.wide, look.layout.high
    if matrix is None:
        return [()] * high
    change = look.compared.get(matrix.name) if look.compared is not None else None
    if wide < NARROW:
        return [_shade(matrix, change, look), *[()] * (high - 1)]
    first, last = _told(matrix, change, look), _last(matrix, change, look)
    if high == 1:
        return [line(*first, *(last if width(last) <= wide - PERCENT else ()))]
    last = line(" " if width(last) < wide else "", *last)
    small = _small(matrix, change, look)
    if high == 2:
        return [line(*first, *(small[0] if small and wide > PERCENT else ())), last]
    if look.compared is None and wide >= 2 * PERCENT:
        first = line(*first, *_dead(matrix, wide - PERCENT, look.glyphs))
    rows = look.layout.pictured[0]
    small = [*(line(" ", *each) for each in small), *[()] * (rows - len(small))]
    return [first, *small, last, *[()] * (high > 4)]


def _shade(matrix: Matrix, change: Change | None, look: Look) -> Line:
    i = step(change.differing if change else matrix.grid.density, look.top)
    return line((look.glyphs.shades[i], "chosen" if matrix.name == look.at else f"heat{i}"))


def _told(matrix: Matrix, change: Change | None, look: Look) -> Line:
    """The cursor and a percentage."""
    wide, chosen = look.layout.wide, matrix.name == look.at
    share = 100 * (change.differing if change else matrix.grid.density)
    words = f"{share:.1f} %" if wide >= PERCENT else f"{share:.0f}%"
    words = "-" if look.compared is not None and change is None else words
    return line(
        (look.glyphs.cursor if chosen else " ", "mark"),
        (words, "chosen" if chosen else ""),
        " " * (min(PERCENT, wide) - 1 - len(words)),
    )


def _last(matrix: Matrix, change: Change | None, look: Look) -> Line:
    """Of a difference its two parts; else a shade a head, of the MLP what is dead."""
    if look.compared is not None:
        return _signs(change)
    if not matrix.by_head:
        return _dead(matrix, look.layout.wide - 1, look.glyphs)
    return merged(_part(share, look) for share in matrix.by_head)


def _part(share: float, look: Look) -> Piece:
    i = step(share, look.top)
    return (look.glyphs.shades[i], f"heat{i}") if share else (look.glyphs.dead, "bad")


def _small(matrix: Matrix, change: Change | None, look: Look) -> list[Line]:
    """The picture."""
    rows, columns = look.layout.pictured
    if look.compared is None:
        cells = matrix.thumbnail(rows, columns)
        return [merged(row) for row in shaded(cells, look.top, look.glyphs)]
    if change is None:
        return []
    gone, came = change.thumbnail(rows, max(columns // PAIR, 1))
    return [merged(row) for row in signed(gone, came, look.top, look.glyphs)]


def _dead(matrix: Matrix, room: int, glyphs: Glyphs) -> Line:
    """`×20r ×3c`; where that does not fit only the rows, or the columns if no row is dead."""
    counts = ((matrix.grid.dead_rows, "r"), (matrix.grid.dead_columns, "c"))
    words = [f"{glyphs.dead}{number}{what}" for number, what in counts if number]
    told = " ".join(words)
    return line((told if len(told) <= room else words[0], "bad"))


def _signs(change: Change | None) -> Line:
    """What of the difference is only there, and only here."""
    if change is None:
        return line(("none", "dim"))
    gone, came = (100 * share for share in change.shares)
    return line((f"-{gone:.1f}", "bad"), (f" +{came:.1f}", "good"))
