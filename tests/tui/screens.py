"""Screens as text, to look at and to compare: the characters, and below them how they are styled.

A letter stands for one style, told in a legend; spaces are plain. A changed screen shows as a diff
that can be read; `VITPRUNE_SCREENS=write pytest …` accepts it.
"""

import os
from pathlib import Path

from rich.style import Style

FOLDER = Path(__file__).parent / "pictures"
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def text(app) -> str:
    """The characters on the screen, without what is blank at the ends of lines."""
    return "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips())


def styles(app) -> str:
    """A letter for each cell that is not plain, and what the letters mean."""
    strips = app.screen._compositor.render_strips()
    plain = _commonest(strips)
    letters: dict[str, str] = {}
    lines = []
    for strip in strips:
        line = ""
        for segment in strip:
            name = _name(segment.style)
            letter = " " if name == plain else letters.setdefault(name, LETTERS[len(letters)])
            line += letter * segment.cell_length
        lines.append(line.rstrip())
    legend = [f"{letter} {name}" for name, letter in letters.items()]
    return "\n".join([*lines, f"  {plain}", *legend])


def picture(app, colour: bool = True) -> str:
    return f"{text(app)}\n--\n{styles(app)}\n" if colour else f"{text(app)}\n"


def same(name: str, shown: str) -> None:
    """Compare with the picture that was accepted."""
    path = FOLDER / f"{name}.txt"
    if os.environ.get("VITPRUNE_SCREENS") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(shown)
    assert path.exists(), f"no such picture yet: VITPRUNE_SCREENS=write makes {path.name}"
    assert shown == path.read_text(), f"{path.name} looks otherwise now"


def _commonest(strips) -> str:
    counts: dict[str, int] = {}
    for strip in strips:
        for segment in strip:
            name = _name(segment.style)
            counts[name] = counts.get(name, 0) + segment.cell_length
    return max(counts, key=lambda name: counts[name])


def _name(style: Style | None) -> str:
    return str(style or Style())
