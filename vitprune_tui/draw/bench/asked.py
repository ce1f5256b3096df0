"""What can be asked for, and what is: rows of the preset list and lines of the request's YAML."""

from collections.abc import Mapping

from vitprune_core.store.clean import clean
from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.lines import Line, line
from vitprune_tui.facts.request import Preset, Value

NAME, NOTE = 22, 34
"""Cells of a name before its comment, and of a value before its note."""
ORIGINS: Mapping[str, str] = {"": "default", "preset": "", "workload": "workload"}
"""What is said of a value that was not changed here; nothing: the preset's file says so."""


def preset(asked: Preset, columns: int, glyphs: Glyphs) -> Line:
    """Name and, where there is room, the first line of its comment."""
    name = clean(asked.name, 64)
    if asked.problems:
        return line((f"{glyphs.dead} {name}", "bad"), ("  wrong", "bad"))
    comment = clean(asked.comment[0]) if asked.comment and columns >= 2 * NAME else ""
    return line(f"{name:<{NAME}}  " if comment else name, (comment, "dim"))


def heading(asked: Preset) -> Line:
    """Above the presets of a kind and folder."""
    own = asked.origin != "shipped"
    if not asked.kind:
        return line((clean(asked.origin), "title"))
    return line((asked.kind + (f" in {clean(asked.origin)}" if own else ""), "title"))


def value(asked: Value, columns: int, glyphs: Glyphs) -> Line:
    """A line of YAML, and beside it where the value comes from."""
    front = front_of(asked)
    if asked.heading:
        return line((front, "title"))
    text, style = clean(asked.text), "" if asked.origin else "dim"
    if asked.wrong:
        note, style = f"{glyphs.dead} wrong", "bad"
    elif asked.was:
        note, style = f"was {clean(asked.was, 40)}", "mark" if asked.origin == "changed" else ""
    elif asked.origin == "changed":
        note, style = "changed", "mark"
    else:
        note = ORIGINS[asked.origin]
    gap = " " * max(NOTE - len(front) - len(text), 2)
    return line(front, (text, style), gap if note else "", (note, "dim"))


def front_of(asked: Value) -> str:
    """What stands before the value."""
    return f"{'  ' * asked.depth}{asked.name}: "


def source(number: int, text: str) -> Line:
    """A line of a file."""
    return line((f"{number:>3} ", "axis"), (clean(text), "dim" if text.startswith("#") else ""))


def hint(asked: Value | None, columns: int, rows: int, glyphs: Glyphs) -> list[Line]:
    """What the value under the cursor means and may be."""
    if asked is None:
        return []
    choices = f"{' | '.join(map(clean, asked.choices))}  " if asked.choices else ""
    return [line(choices, (clean(asked.help), "dim"))]
