"""In what runs differ: the keys of their configs that are not the same in all of them.

Compared as the text that is shown, so that nothing differs that looks the same: 1 and 1.0 are one
value, a tuple and a list too, and the text "1" stands in quotes because the number does not.
"""

from collections.abc import Iterator, Mapping, Sequence

from rich.cells import cell_len

from vitprune_core.store.clean import clean
from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.lines import Line, Piece, fit
from vitprune_tui.draw.text import MISSING, shortened
from vitprune_tui.facts.written import written

Row = tuple[str, list[str]]
"""A dotted key, and its value in each config."""


def differences(configs: Sequence[Mapping[str, object]]) -> list[Row]:
    """Keys in the order of the configs; a list is one value; `-` where a config has no such key."""
    found = (
        (path, [_told(value) for value in values]) for path, values in _leaves("", list(configs))
    )
    return [
        (clean(path), [clean(text) for text in texts])
        for path, texts in found
        if len(set(texts)) > 1
    ]


class _Nothing:
    """Of a config that has no such key: null is a value."""


NOTHING = _Nothing()


def _told(value: object) -> str:
    return MISSING if value is NOTHING else written(value)


def _leaves(path: str, values: list[object]) -> Iterator[tuple[str, list[object]]]:
    """Every key with a value in one of the configs; where one has a mapping, its keys follow."""
    inner = [value if isinstance(value, Mapping) else {} for value in values]
    own: list[object] = [NOTHING if branch else v for v, branch in zip(values, inner, strict=True)]
    if path and not all(value is NOTHING for value in own):
        yield path, own
    for key in dict.fromkeys(key for mapping in inner for key in mapping):
        deeper = f"{path}.{key}" if path else str(key)
        yield from _leaves(deeper, [mapping.get(key, NOTHING) for mapping in inner])


GAP = 2


def lines(names: Sequence[str], rows: Sequence[Row], columns: int, glyphs: Glyphs) -> list[Line]:
    """A table of one line a key, each exactly `columns` cells wide.

    The widest columns give first, all down to the same width.
    """
    if not rows:
        return [fit((("no difference", "dim"),), columns, glyphs.more)]
    head = ["", *(clean(name) for name in names)]
    table = [head, *([key, *values] for key, values in rows)]
    widths = _widths([max(map(cell_len, column)) for column in zip(*table, strict=True)], columns)
    drawn = (_row(cells, widths, glyphs.more, "title" if cells is head else "") for cells in table)
    return [fit(line, columns, glyphs.more) for line in drawn]


def _widths(natural: Sequence[int], columns: int) -> list[int]:
    room = columns - GAP * (len(natural) - 1)
    caps = range(max(natural), 0, -1)
    cap = next((c for c in caps if sum(min(w, c) for w in natural) <= room), 1)
    return [min(width, cap) for width in natural]


def _row(cells: Sequence[str], widths: Sequence[int], more: str, style: str) -> Line:
    pieces: list[Piece] = []
    for i, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        pieces += [(" " * GAP, "")] if i else []
        cell = shortened(cell, width, more) if style == "title" else cell
        pieces += fit(((cell, "dim" if cell == MISSING else style),), width, more)
    return tuple(pieces)
