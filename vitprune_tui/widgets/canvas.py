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


PAINTS = {f"line--{style}" for style in STYLES if style}
"""What the theme says of styles. The app has them, once: Textual would match the rules of each
canvas anew at every change of the focus, which took 50 ms."""


class Canvas(Widget):
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
        pieces = [Segment(text, self._style(style)) for text, style in line]
        return Strip(pieces, self.size.width).simplify()  # a style costs more bytes than a word

    def _style(self, name: str) -> Style:
        """Of a piece, over the widget's own; kept until the theme changes."""
        if name not in self.painted:
            self.painted[name] = self.rich_style + self._over(f"line--{name}")
        return self.painted[name]

    def _over(self, paint: str) -> Style:
        if paint not in self.app.COMPONENT_CLASSES:
            return Style()
        return self.app.get_component_styles(paint).partial_rich_style


def changed(old: Line, new: Line) -> tuple[int, int] | None:
    """From which cell to which two lines of the same width differ; None if they look the same.

    A character is never cut: not in two when it is wide, nor from the marks that follow it.
    """
    a, b = _characters(old), _characters(new)
    start = _alike(a, b)
    while start and any(map(_is_mark, (a[start:], b[start:], a[start - 1 :]))):
        start -= 1  # what is cut just behind a mark loses it
    left, right = a[start:], b[start:]
    tail = _alike(left[::-1], right[::-1])
    while tail and any(
        _is_mark(part[len(part) - tail :]) or _is_mark(part[: len(part) - tail][-1:])
        for part in (left, right)
    ):
        tail -= 1
    first, last = _cells(a[:start]), _cells(a[: len(a) - tail])
    return (first, last) if first < last else None


Characters = list[tuple[str, str]]


def _characters(line: Line) -> Characters:
    return [(character, style) for text, style in line for character in text]


def _alike(a: Characters, b: Characters) -> int:
    """How many are the same from the first on."""
    pairs = enumerate(zip(a, b, strict=False))
    return next((i for i, (x, y) in pairs if x != y), min(len(a), len(b)))


def _is_mark(characters: Characters) -> bool:
    """The first of them takes no room of its own."""
    return bool(characters) and not cell_len(characters[0][0])


def _cells(characters: Characters) -> int:
    return cell_len("".join(character for character, _ in characters))
