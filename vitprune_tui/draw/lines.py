"""What is drawn: lines of text, each piece with the name of its style.

Pure functions make them from numbers, `widgets/canvas.py` paints them, and only the themes know
what colour a name is. A style never says what words and glyphs do not: without colour all is
there.
"""

from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter

from rich.cells import cell_len, set_cell_size

Piece = tuple[str, str]
"""Text, already clean, and one of `STYLES`."""
Line = tuple[Piece, ...]

SERIES = tuple(f"series{i}" for i in range(8))
HEAT = tuple(f"heat{i}" for i in range(5))
"""Nothing kept, then four steps up, like the glyphs of a heatmap."""
STYLES = (
    "",
    "dim",
    "strong",
    "good",
    "warn",
    "bad",
    "title",
    "axis",
    "key",
    "chosen",
    "cursor",
    "mark",
    *SERIES,
    *HEAT,
)


def line(*pieces: str | Piece) -> Line:
    """Bare strings are plain; empty pieces are left out."""
    named = ((piece, "") if isinstance(piece, str) else piece for piece in pieces)
    return tuple(piece for piece in named if piece[0])


def plain(pieces: Line) -> str:
    return "".join(text for text, _ in pieces)


def width(pieces: Line) -> int:
    """In cells of the terminal."""
    return cell_len(plain(pieces))


def fit(pieces: Line, room: int, more: str = "…") -> Line:
    """Exactly `room` cells: filled with spaces, or cut with `more` at its end."""
    taken = width(pieces)
    if taken <= room:
        return (*pieces, (" " * (room - taken), "")) if taken < room else pieces
    if room <= len(more):
        return ((more[:room], ""),) if room > 0 else ()
    kept, left = [], room - len(more)
    for text, style in pieces:
        if cell_len(text) >= left:
            kept.append((set_cell_size(text, left), style))
            return (*kept, (more, pieces[-1][1]))
        kept.append((text, style))
        left -= cell_len(text)
    return (*kept, (more, ""))


def styled(pieces: Line, style: str) -> Line:
    """The same words, all in one style: a row that is chosen."""
    return ((plain(pieces), style),) if pieces else ()


def merged(pieces: Iterable[Piece]) -> Line:
    """The same, neighbours of one style as one piece: a slow line gets fewer colour codes."""
    runs = groupby(pieces, key=itemgetter(1))
    return line(*(("".join(text for text, _ in run), style) for style, run in runs))


def beside(blocks: Iterable[tuple[list[Line], int]], gap: int = 2) -> list[Line]:
    """Blocks of lines side by side, each as wide as it says."""
    columns = list(blocks)
    height = max((len(lines) for lines, _ in columns), default=0)
    rows = []
    for y in range(height):
        row: list[Piece] = []
        for i, (lines, room) in enumerate(columns):
            row += [(" " * gap, "")] if i else []
            row += fit(lines[y] if y < len(lines) else (), room)
        rows.append(tuple(row))
    return rows
