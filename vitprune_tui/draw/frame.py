"""The first and the last line of the screen: where one is, and what keys do here."""

from collections.abc import Sequence
from itertools import chain

from rich.cells import cell_len

from vitprune_tui.actions import VIEWS, Action, shown
from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.lines import Line, Piece, fit, line, width
from vitprune_tui.draw.text import several
from vitprune_tui.state import Lab

Keys = Sequence[tuple[str, str]]
"""Key and what it does."""


def header(view: str, lab: Lab, about: str, columns: int, rows: int, glyphs: Glyphs) -> list[Line]:
    """The five views, then what works and what is looked at; the views never give way.

    What the view is about moves them closer together first, and then is cut.
    """
    tabs = _tabs(view)
    if width(tabs) + cell_len(about) + 2 > columns:
        tabs = _tabs(view, apart="")
    right = line(*_right(lab, about))
    gap = columns - width(tabs) - width(right) - 1
    while gap < 1 and len(right) > 1:
        right = right[:-1]
        gap = columns - width(tabs) - width(right) - 1
    if gap < 1:
        right = fit(right, max(columns - width(tabs) - 2, 0), glyphs.more)
    return [line(*tabs, " " * max(gap, 1), *right)]


def room_for_about(columns: int) -> int:
    """Cells of the header that are left for what a view is about."""
    return columns - width(_tabs("", apart="")) - 2


def _tabs(view: str, apart: str = " ") -> Line:
    pieces: list[Piece] = [] if apart else [(" ", "")]
    for number, name in enumerate(VIEWS, 1):
        text = f"{apart}{number} {name.capitalize()}{apart}"
        pieces += [(text, "chosen" if name == view else "title"), ("" if apart else " ", "")]
    return line(*pieces)


def _right(lab: Lab, about: str) -> list[Piece]:
    """What matters most first."""
    pieces: list[Piece] = [("folder unreadable  ", "bad")] if lab.problem else []
    if about:
        pieces.append((about, "strong"))
    if lab.alive:
        pieces.append((f"  {len(lab.alive)} alive", "good"))
    if lab.order:
        pieces.append((f"  {len(lab.order)} queued", "warn" if not lab.dispatcher else ""))
    if lab.read and not lab.problem:
        pieces.append((f"  {several(len(lab.runs), 'run')}", "dim"))
    return pieces


def footer(
    keys: Keys, notice: tuple[str, str] | None, columns: int, rows: int, glyphs: Glyphs
) -> list[Line]:
    """What was just said, else the keys that fit."""
    if notice:
        return [line((" ", ""), notice)]
    pieces: list[Piece] = []
    for key in keys:
        more = told([key])
        if width(line(*pieces, *more)) > columns:
            break
        pieces += more
    return [line(*pieces)]


def told(keys: Keys) -> Line:
    """Key after key, and behind each what it does."""
    parts = (((" ", ""), (key, "key"), (f" {what} ", "")) for key, what in keys)
    return tuple(chain.from_iterable(parts))


def under(drawn: Line, at: int) -> str:
    """The view or the key at this cell; what a key does belongs to it."""
    found = ""
    for text, style in drawn:
        if not text.strip():
            found = ""
        elif style in ("key", "title", "chosen"):
            found = text.strip()
        at -= cell_len(text)
        if at < 0:
            return found
    return ""


def keys_of(actions: Sequence[Action], keys: dict[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    """Of those actions that the footer shows, and how to leave and to get help before them."""
    first = [a for a in actions if a.id in ("app.leave", "app.help")]
    chosen = sorted(first, key=lambda a: a.id, reverse=True) + [a for a in actions if a.footer]
    return [(shown(keys[a.id][0]), a.what) for a in chosen if keys.get(a.id)]
