"""What is left of every matrix after the last pruning, a line a block where there is room.

A full bar is a round number at or above the densest matrix and told in the title: at 98 % sparsity
bars up to 100 % would all look empty. Where bars don't fit there are shades, with heads below them
where there is much room.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vitprune_core.store.clean import clean
from vitprune_core.store.events import Level, Matrix, Pruned
from vitprune_tui.draw import heat, text
from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.lines import Line, Piece, fit, line, width

TOPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
NUMBER = 3
BAR, LONGEST = 8, 20
"""Columns of a matrix from which on it has a bar, and the most that it takes."""
SHADED, NUMBERED = 6, 4
"""Columns of a matrix for shade and number, and for the number alone."""
APART = 3
"""Between blocks side by side."""


@dataclass(frozen=True)
class Table:
    blocks: Mapping[str, Mapping[str, Matrix]]
    """Block -> the last word of a matrix's name -> it."""
    kinds: tuple[str, ...]
    top: float

    @property
    def label(self) -> int:
        return max(map(len, self.blocks)) + 1


def draw(tested: Sequence[Pruned | Level], columns: int, rows: int, glyphs: Glyphs) -> list[Line]:
    table = _table(tested[-1].matrices) if tested else None
    if table is None:
        return [line(("nothing pruned yet", "dim"))]
    title = _title(tested[-1], table)
    lines = _fitting(table, columns, rows - 1, glyphs)
    remarks = _remarks(table, glyphs)
    if len(lines) + 2 <= rows or width(title) + 2 + width(remarks) > columns:
        return [title, *lines, remarks][:rows]
    return [line(*title, "  ", *remarks), *lines][:rows]


def _table(matrices: Mapping[str, Matrix]) -> Table | None:
    blocks: dict[str, dict[str, Matrix]] = {}
    for name, matrix in matrices.items():
        parts = clean(name, 60).split(".")
        if len(parts) == 4:
            blocks.setdefault(parts[1], {})[parts[3]] = matrix
    if not blocks:
        return None
    kinds = tuple(dict.fromkeys(kind for block in blocks.values() for kind in block))
    densest = max(m.density for block in blocks.values() for m in block.values())
    return Table(blocks, kinds, next((top for top in TOPS if densest <= top), 1.0))


def _title(event: Pruned | Level, table: Table) -> Line:
    what = (f"kept at {text.sparsity(event.sparsity_asked)}", "title")
    return line(what, (f"  full = {100 * table.top:g} %", "dim"))


def _fitting(table: Table, columns: int, rows: int, glyphs: Glyphs) -> list[Line]:
    """The richest form that has room for every block; else the smallest, cut."""
    blocks = len(table.blocks)
    each = (columns - table.label) // len(table.kinds)
    most_heads = max(
        (len(m.heads) for block in table.blocks.values() for m in block.values() if m.heads),
        default=0,
    )
    if each >= SHADED and each > most_heads > 0 and 2 * blocks + 1 <= rows:
        return _lines(table, min(each, LONGEST), rows, 1, glyphs, heads=True)
    for room in (min(each, LONGEST), SHADED, NUMBERED, 1):
        wide = table.label + room * len(table.kinds)
        across = (columns + APART) // (wide + APART)
        if room <= each and across and math.ceil(blocks / across) + 1 <= rows:
            return _lines(table, room, rows, math.ceil(blocks / (rows - 1)), glyphs)
    across = max((columns + APART) // (table.label + len(table.kinds) + APART), 1)
    return _lines(table, 1, rows, across, glyphs)


def _lines(
    table: Table, room: int, rows: int, across: int, glyphs: Glyphs, heads: bool = False
) -> list[Line]:
    """Head and blocks, `across` of them side by side: down each column first."""
    names = list(table.blocks)
    down = math.ceil(len(names) / across)
    head = _block_line(table, "", [_head(kind, room) for kind in table.kinds], room)
    lines = [_beside([head] * across)]
    for i in range(down):
        some = [table.blocks[name] for name in names[i::down]]
        labels = names[i::down]
        cells = [[_cell(b.get(k), room, table.top, glyphs) for k in table.kinds] for b in some]
        lines.append(
            _beside([_block_line(table, n, c, room) for n, c in zip(labels, cells, strict=True)])
        )
        if heads:
            shades = [_heads(some[0].get(k), table.top, glyphs) for k in table.kinds]
            lines.append(_block_line(table, "", shades, room))
    return lines


def _beside(parts: Sequence[Line]) -> Line:
    pieces: list[Piece] = []
    for i, part in enumerate(parts):
        pieces += [(" " * APART, "")] if i else []
        pieces += part
    return tuple(pieces)


def _block_line(table: Table, label: str, cells: Sequence[Line], room: int) -> Line:
    pieces: list[Piece] = [(label.ljust(table.label), "dim")]
    for cell in cells:
        pieces += fit(cell, room)
    return tuple(pieces)


def _head(kind: str, room: int) -> Line:
    return line((kind[-1:] if room == 1 else kind, "axis"))


def _cell(matrix: Matrix | None, room: int, top: float, glyphs: Glyphs) -> Line:
    if matrix is None:
        return ()
    step = heat.step(matrix.density, top)
    number, style = _number(matrix.density, glyphs), "" if matrix.density else "bad"
    if room >= BAR:
        bar = _bar(matrix.density / top, room - NUMBER - 2, step, glyphs)
        return line(*bar, (f" {number}", style))
    if room == NUMBERED:
        return line((number, style))
    shade = glyphs.shades[step]
    return line((shade if room == 1 else f"{shade} {number}", style or f"heat{step}"))


def _bar(share: float, room: int, step: int, glyphs: Glyphs) -> Line:
    """What is not quite nothing has a cell."""
    full = min(max(round(room * min(share, 1)), 1), room) if share > 0 else 0
    return line((glyphs.full * full, f"heat{step}"), (glyphs.empty * (room - full), "axis"))


def _number(density: float, glyphs: Glyphs) -> str:
    """In percent, of three characters: 100, 38, 9.5, 0.2."""
    if density == 0:
        return f"{glyphs.dead:>{NUMBER}}"
    percent = 100 * density
    return f"{percent:>{NUMBER}.{1 if percent < 9.95 else 0}f}"


def _heads(matrix: Matrix | None, top: float, glyphs: Glyphs) -> Line:
    """A character a head."""
    if matrix is None or matrix.heads is None:
        return ()
    steps = [heat.step(density, top) for density in matrix.heads]
    shades: list[Piece] = [
        (glyphs.shades[step] if step else glyphs.dead, f"heat{step}") for step in steps
    ]
    return line(*shades)


def _remarks(table: Table, glyphs: Glyphs) -> Line:
    """Matrices of which nothing is left, and heads that say nothing, by name."""
    empty = [
        f"{block}.{kind}"
        for block, matrices in table.blocks.items()
        for kind, matrix in matrices.items()
        if matrix.density == 0
    ]
    silent = [f"{b}.{h}" for b, matrices in table.blocks.items() for h in _silent(matrices)]
    pieces: list[Piece] = []
    if empty:
        pieces.append((f"{glyphs.dead} empty {' '.join(empty)}  ", "bad"))
    if silent:
        pieces.append((f"{glyphs.dead} silent heads {' '.join(silent)}", "warn"))
    return line(*pieces)


def _silent(matrices: Mapping[str, Matrix]) -> list[int]:
    """Heads without any v row or o column."""
    parts = [m.heads for kind in ("v", "o") if (m := matrices.get(kind)) and m.heads]
    return sorted({h for heads in parts for h, density in enumerate(heads) if density == 0})
