"""The first and the last line of the screen: where one is, and what keys do here."""

from collections.abc import Sequence

from vitprune_tui.actions import VIEWS, Action, shown
from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.lines import Line, Piece, line, width
from vitprune_tui.draw.text import several
from vitprune_tui.state import Lab

Keys = Sequence[tuple[str, str]]
"""Key and what it does."""


def header(view: str, lab: Lab, about: str, columns: int, rows: int, glyphs: Glyphs) -> list[Line]:
    """The five views, then what works and what is looked at; the views never give way."""
    pieces: list[Piece] = []
    for number, name in enumerate(VIEWS, 1):
        text = f" {number} {name.capitalize()} "
        pieces.append((text, "chosen" if name == view else "title"))
    tabs = line(*pieces)
    right = line(*_right(lab, about))
    gap = columns - width(tabs) - width(right) - 1
    while gap < 1 and right:
        right = right[:-1]
        gap = columns - width(tabs) - width(right) - 1
    return [line(*tabs, " " * max(gap, 0), *right)]


def _right(lab: Lab, about: str) -> list[Piece]:
    """What matters most first."""
    pieces: list[Piece] = [(about, "strong")] if about else []
    if lab.problem:
        pieces.append(("  folder unreadable", "bad"))
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
    for key, what in keys:
        more: list[Piece] = [(" ", ""), (key, "key"), (f" {what} ", "")]
        if width(line(*pieces, *more)) > columns:
            break
        pieces += more
    return [line(*pieces)]


def keys_of(actions: Sequence[Action], keys: dict[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    """Of those actions that the footer shows, and how to leave and to get help before them."""
    first = [a for a in actions if a.id in ("app.leave", "app.help")]
    chosen = sorted(first, key=lambda a: a.id, reverse=True) + [a for a in actions if a.footer]
    return [(shown(keys[a.id][0]), a.what) for a in chosen if keys.get(a.id)]
