"""A study filling up: arms x sparsities, in each cell the mean over the seeds that are done.

    arm          done     50 %        90 %
    global       12/20  █ 96.8 12   ▓ 94.1 12
  ▶ random        4/20  █ 96.5  4   ░ 61.0  4

A shade tells how far below the dense model a cell is, a number says it too. There are four forms of
a cell, and the widest that all columns have room for is taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from rich.cells import cell_len

from vitprune_core.store.clean import clean
from vitprune_tui.draw import text
from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.lines import HEAT, Line, Piece, fit, line
from vitprune_tui.facts.filling import Arm, Filling
from vitprune_tui.state import Cell

GUESSING = 0.02
"""No more than this above chance is no better than guessing."""
STEPS = (0.2, 0.05, 0.01)
"""Below the dense model by at most: the second shade, the third, the densest."""
SHORTEST = 12
"""Columns of an arm's name at least, unless there is nothing else to give."""
GAP = 2


@dataclass(frozen=True)
class Form:
    """How much of a cell is told."""

    value: int
    """Columns of the accuracy."""
    digits: int
    seeds: bool
    """Of each cell how many are done; else only of the arm."""

    def width(self, most: int) -> int:
        """With the shade before it, and behind it the sign of a run at work."""
        return 1 + self.value + (2 * most + 2 if self.seeds else 0) + 1


FORMS = (Form(5, 1, True), Form(5, 1, False), Form(3, 0, False), Form(0, 0, False))


@dataclass(frozen=True)
class Layout:
    form: Form
    name: int
    gap: int
    """Columns before each cell."""
    each: int
    """Columns of a cell, with that gap."""
    done: int
    """Columns of how many seeds an arm has; 0: there is no room."""
    columns: int
    """Sparsities that there is room for."""


def head(f: Filling, room: int, glyphs: Glyphs) -> Line:
    layout = _layout(f, room)
    pieces: list[Piece] = [(_padded("arm", layout.name + 2), "title")]
    if layout.done:
        pieces.append((f"{'seeds':>{layout.done - 1}} ", "title"))
    for sparsity in f.sparsities[: layout.columns]:
        pieces.append((_title(sparsity, layout), "title"))
    return line(*pieces)


def row(f: Filling, at: int, room: int, glyphs: Glyphs) -> Line:
    arm, layout = f.arms[at], _layout(f, room)
    sign: Piece = ("  ", "")
    if arm.at:
        sign = (f"{glyphs.now} ", "good")
    elif arm.bad:
        sign = (f"{glyphs.dead} ", "bad")
    elif arm.stopped:
        sign = (f"{glyphs.horizontal} ", "warn")
    name = text.shortened(clean(arm.name), layout.name, glyphs.more)
    pieces: list[Piece] = [sign, (_padded(name, layout.name), "strong" if arm.at else "")]
    if layout.done:
        style = "" if arm.done else "dim"
        told = f"{arm.done}/{len(f.seeds)}"
        pieces.append((f"{told:>{layout.done - 1}} ", style))
    for sparsity in f.sparsities[: layout.columns]:
        pieces += _cell(f, arm, sparsity, layout, glyphs)
    return line(*pieces)


def _cell(f: Filling, arm: Arm, sparsity: float, layout: Layout, glyphs: Glyphs) -> list[Piece]:
    form, gap, cell = layout.form, " " * layout.gap, arm.cells.get(sparsity)
    works = glyphs.now if sparsity in arm.at else " "
    if cell is None:
        there = text.MISSING if sparsity in arm.sparsities and works == " " else works
        told = there.rjust(1 + form.value).ljust(layout.each - layout.gap)
        return [(gap, ""), (told, "dim" if works == " " else "good")]
    shade = step(cell, f)
    told = f"{100 * cell.accuracy:.{form.digits}f}".rjust(form.value) if form.value else ""
    pieces: list[Piece] = [(gap, ""), (glyphs.shades[shade], HEAT[shade]), (told, "")]
    if form.seeds:
        seeds = f" {cell.seeds}/{len(f.seeds)}".ljust(2 * _digits(f) + 2)
        pieces.append((seeds, "dim"))
    return [*pieces, (works, "good")]


def step(cell: Cell, f: Filling) -> int:
    """0: no better than guessing, 4: within a point of the dense model."""
    if cell.accuracy <= f.chance + GUESSING:
        return 0
    below = (f.dense or 1.0) - cell.accuracy
    return 1 + sum(below <= most + 1e-9 for most in STEPS)


def legend(f: Filling, columns: int, rows: int, glyphs: Glyphs) -> list[Line]:
    """What the shades mean; short where there is little room."""
    words = ["no better than guessing", "below", "within 20", "5", "1 point of the dense model"]
    short = ["guessing", "below", "-20", "-5", "-1 point of dense"]
    for told in (words, short, ["guess", "less", "-20", "-5", "-1"]):
        pieces: list[str | Piece] = [" "]
        for i, word in enumerate(told):
            pieces += [(glyphs.shades[i], HEAT[i]), f" {word}  "]
        drawn = line(*pieces, (glyphs.now, "good"), " at work")
        if sum(cell_len(words) for words, _ in drawn) <= columns:
            return [drawn]
    return [fit(drawn, columns, glyphs.more)]


def _title(sparsity: float, layout: Layout) -> str:
    """Its end above that of the numbers, as far as it fits."""
    told = text.sparsity(sparsity)
    if len(told) >= layout.each:
        told = told.removesuffix(" %")
    edge = min(max(layout.gap + 1 + layout.form.value, len(told)), layout.each)
    if not layout.form.value:
        edge = max(edge, layout.each - 1)
    return told[: layout.each].rjust(edge).ljust(layout.each)


def _digits(f: Filling) -> int:
    return len(str(len(f.seeds)))


def _layout(f: Filling, room: int) -> Layout:
    names = max((cell_len(clean(arm.name)) for arm in f.arms), default=0)
    return _laid_out(room, max(names, 3), _digits(f), f.sparsities)


@lru_cache(maxsize=32)
def _laid_out(room: int, names: int, digits: int, sparsities: Sequence[float]) -> Layout:
    """The widest form for which a name is still known by its beginning."""
    number = max(len(sparsities), 1)
    for form in FORMS:
        done = 0 if form.seeds else max(2 * digits + 1, 5) + 2
        for least, gap in product((names, min(names, SHORTEST)), (GAP, 1, 0)):
            each = form.width(digits) + gap
            name = room - 2 - done - number * each
            if name >= least:
                return Layout(form, min(name, names), gap, each, done, number)
    name = min(names, max(room // 2, 3))
    return Layout(FORMS[-1], name, 1, 3, 0, max(min((room - 2 - name) // 3, number), 0))


def _padded(words: str, room: int) -> str:
    return words + " " * (room - cell_len(words))
