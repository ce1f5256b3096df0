"""A rectangle of lines that repaints only the cells that changed.

What it shows is a pure function of the facts it is given and of its size, so a slow link gets a few
bytes where a number changed, and a test needs no screen.
"""

from collections.abc import Callable
from typing import Any

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from vitprune_tui.draw.glyphs import BRAILLE, Glyphs
from vitprune_tui.draw.lines import STYLES, Line, fit

Draw = Callable[..., list[Line]]
"""draw(*facts, columns, rows, glyphs) -> lines, at most `rows` of at most `columns` cells."""


class Canvas(Widget):
    COMPONENT_CLASSES = {f"line--{style}" for style in STYLES if style}

    def __init__(self, draw: Draw, id: str | None = None, classes: str | None = None):
        super().__init__(id=id, classes=classes)
        self.draw, self.facts = draw, ()
        self.lines: list[Line] = []
        self.painted: dict[str, Style] = {}

    def show(self, *facts: Any) -> None:
        """Show these facts from now on."""
        self.facts = facts
        self.repaint()

    def repaint(self) -> None:
        if not self.facts or not self.size:
            return
        columns, rows = self.size
        drawn = self.draw(*self.facts, columns=columns, rows=rows, glyphs=self.glyphs)
        lines = [fit(line, columns, self.glyphs.more) for line in drawn[:rows]]
        lines += [fit((), columns)] * (rows - len(lines))
        before, self.lines = self.lines, lines
        if len(before) != len(lines):
            self.refresh()
            return
        for y, (old, new) in enumerate(zip(before, lines, strict=True)):
            if old != new and (span := changed(old, new)):
                self.refresh(Region(span[0], y, span[1] - span[0], 1))

    @property
    def glyphs(self) -> Glyphs:
        return getattr(self.app, "glyphs", BRAILLE)

    def on_resize(self) -> None:
        self.lines = []
        self.repaint()

    def notify_style_update(self) -> None:
        self.painted = {}
        super().notify_style_update()

    def render_line(self, y: int) -> Strip:
        if y >= len(self.lines):
            return Strip([Segment(" " * self.size.width, self._style(""))], self.size.width)
        line = self.lines[y]
        return Strip([Segment(text, self._style(style)) for text, style in line], self.size.width)

    def _style(self, name: str) -> Style:
        """Of a piece, over the widget's own; kept until the theme changes."""
        if name not in self.painted:
            over = self.get_component_rich_style(f"line--{name}") if name else Style()
            self.painted[name] = self.rich_style + over
        return self.painted[name]


def changed(old: Line, new: Line) -> tuple[int, int] | None:
    """From which cell to which two lines of the same width differ; None if they look the same."""
    a, b = _cells(old), _cells(new)
    if len(a) != len(b):
        return 0, max(len(a), len(b))
    differ = [i for i, (x, y) in enumerate(zip(a, b, strict=True)) if x != y]
    return (differ[0], differ[-1] + 1) if differ else None


def _cells(line: Line) -> list[tuple[str, str]]:
    """One entry a cell; what follows a wide character belongs to it."""
    cells: list[tuple[str, str]] = []
    for text, style in line:
        for character in text:
            size = cell_len(character)
            if size:
                cells.append((character, style))
                cells += [("", character + style)] * (size - 1)
            elif cells:  # a combining mark
                cells[-1] = (cells[-1][0] + character, style)
    return cells
