"""Over a picture of masks: which level it is, how good, and what to say of the chosen matrix."""

from collections.abc import Sequence
from dataclasses import dataclass

from vitprune_tui.draw import heat, text
from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.lines import Line, Piece, fit, line, width
from vitprune_tui.facts.matrices import Change, Matrix, Spread, Structure

WIDE = 200
SPARSITY = " sparsity "


@dataclass(frozen=True)
class Place:
    """The run's levels, and where one is among them."""

    levels: Sequence[str]
    level: str
    accuracy: float | None
    """On the test images, after retraining; None: not told yet."""
    dense: float | None


@dataclass(frozen=True)
class Chosen:
    """The matrix under the cursor, and against what it is looked at."""

    matrix: Matrix | None
    against: str | None = None
    """`level 0.8` or a run's name; None: nothing is compared."""
    change: Change | None = None
    problem: str | None = None


def head(
    place: Place | None, chosen: Chosen, columns: int, rows: int, glyphs: Glyphs
) -> list[Line]:
    """Levels, then sentences: as many lines as there are to say."""
    if place is None:
        return []
    return [_levels(place, columns, glyphs), *sentences(chosen, columns)]


def _levels(place: Place, columns: int, glyphs: Glyphs) -> Line:
    """All levels with the shown one in brackets; the nearest ones where not all fit."""
    around = len(f"{glyphs.more} [] {glyphs.more}  ")
    right = _accuracy(place, columns - len(SPARSITY) - len(place.level) - around)
    right = line("  ", *right) if right else ()
    room = columns - width(right)
    at = place.levels.index(place.level)
    shown = _around(place.levels, at, room - len(SPARSITY) - 4)
    pieces: list[Piece] = [(SPARSITY, "title")]
    if shown[0] != place.levels[0]:
        pieces.append((f"{glyphs.more} ", "dim"))
    for level in shown:
        now = level == place.level
        pieces.append((f"[{level}]" if now else f" {level} ", "chosen" if now else ""))
    if shown[-1] != place.levels[-1]:
        pieces.append((f" {glyphs.more}", "dim"))
    return line(*fit(line(*pieces), room, glyphs.more), *right)


def _accuracy(place: Place, room: int) -> Line:
    """As much of it as fits."""
    known = place.accuracy is not None
    test = f"test {text.percent(place.accuracy)}" if known else "not tested yet"
    dense = f", dense {text.percent(place.dense)} " if place.dense is not None else " "
    pieces: list[Piece] = [(test, "strong"), (dense, "dim")]
    while pieces and width(line(*pieces)) > room:
        pieces.pop()
    return line(*pieces)


def _around(levels: Sequence[str], at: int, room: int) -> Sequence[str]:
    """As many levels as fit, from the chosen one to both sides."""
    first, end = at, at + 1
    while True:
        wider = [(first - 1, end)] if first > 0 else []
        wider += [(first, end + 1)] if end < len(levels) else []
        fitting = [w for w in wider if sum(len(n) + 2 for n in levels[w[0] : w[1]]) <= room]
        if not fitting:
            return levels[first:end]
        first, end = min(fitting, key=lambda w: abs(w[0] + w[1] - 1 - 2 * at))


def sentences(chosen: Chosen, columns: int = WIDE) -> list[Line]:
    """What a matrix is, or how it differs; as many in any width."""
    told: list[Line] = []
    if chosen.problem:
        told.append(line((f" {chosen.problem}", "warn")))
    if chosen.matrix and chosen.change and chosen.against:
        told += _difference(chosen.matrix, chosen.against, chosen.change)
    elif chosen.matrix:
        told.append(line(" ", *caption(chosen.matrix)))
        if words := varied(chosen.matrix.structure, columns - 1):
            told.append(line(f" {words}"))
    return told


def caption(matrix: Matrix) -> Line:
    """`block 0 fc1  96x96  9.4 % kept  dead: 20 rows, 1 column`."""
    grid = matrix.grid
    kept = f"  {grid.shape[0]}x{grid.shape[1]}  {text.percent(grid.density)} kept"
    heads = [str(i) for i, share in enumerate(matrix.by_head) if not share]
    dead = heat.dead(grid)
    dead += [f"{'head' if len(heads) == 1 else 'heads'} {' '.join(heads)}"] if heads else []
    words = f"  dead: {', '.join(dead)}" if dead else ""
    return line((f"block {matrix.block} {matrix.kind}", "strong"), kept, (words, "bad"))


def varied(structure: Structure | None, room: int) -> str:
    """How much more lines and heads vary than by chance, in as many words as fit.

    `rows vary 3.12 times as much as shuffled (z 14.2, p 0.003), columns 1.2 (z 1.1, p 0.1)`, at
    least `vary: rows 3.12x, columns 1.2x`.
    """
    if structure is None:
        return ""
    every = {"rows": structure.rows, "columns": structure.columns, "heads": structure.heads}
    told = {kind: s for kind, s in every.items() if s and s.ratio is not None}
    if not told:
        return ""
    first, times = next(iter(told)), {kind: f"{s.ratio:.3g}" for kind, s in told.items()}
    said = times | {first: f"vary {times[first]} times as much as shuffled"}
    choices = (
        ", ".join(f"{kind} {said[kind]}{_sure(s, p=True)}" for kind, s in told.items()),
        ", ".join(f"{kind} {said[kind]}{_sure(s)}" for kind, s in told.items()),
        "vary: " + ", ".join(f"{kind} {times[kind]}x{_sure(s)}" for kind, s in told.items()),
        "vary: " + ", ".join(f"{kind} {times[kind]}x" for kind in told),
    )
    return next((words for words in choices if len(words) <= room), choices[-1])


def _sure(spread: Spread, p: bool = False) -> str:
    words = [] if spread.z is None else [f"z {spread.z:.1f}"]
    words += [f"p {spread.p:.1g}"] if p else []
    return f" ({', '.join(words)})" if words else ""


def _difference(matrix: Matrix, against: str, change: Change) -> list[Line]:
    gone, came = change.shares
    first = line(
        (f" block {matrix.block} {matrix.kind}", "strong"),
        f"  {text.percent(change.differing)} differ, ",
        (f"-{100 * gone:.1f} only there", "bad"), ", ", (f"+{100 * came:.1f} only here", "good"),
        ", there: ", (against, "strong"),
    )  # fmt: skip
    if change.overlap is None or change.by_chance is None:
        return [first, line(" nothing is kept in either of them")]
    both, chance = text.percent(change.overlap), text.percent(change.by_chance)
    said = f" kept in both: {both} of those kept in either (by chance it would be {chance})"
    return [first, line(said)]
