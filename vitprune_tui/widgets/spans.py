"""A screen that sends only the cells that changed.

Textual's own starts every changed stretch of a line at the left edge of its widget: of a chart that
grows on the right it sends all of a line, epoch after epoch. Textual is pinned, and this is all
that is taken from its inside.
"""

from rich.console import Console
from rich.control import Control
from textual._compositor import ChopsUpdate, Compositor
from textual.screen import Screen


class Spans(ChopsUpdate):
    """Pieces of lines, cut on both sides."""

    def render_segments(self, console: Console) -> str:
        told: list[str] = []
        for y, first, stop in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                left, right = max(x, first), min(end, stop)
                if strip is not None and left < right:
                    told.append(Control.move_to(left, y).segment.text)
                    told.append(strip.crop(left - x, right - x).render(console))
        return "".join(told)


class SpanCompositor(Compositor):
    def render_partial_update(self) -> ChopsUpdate | None:
        update = super().render_partial_update()
        return update and Spans(update.chops, update.spans, update.chop_ends)


class SpanScreen(Screen[None]):
    def __init__(self) -> None:
        super().__init__(id="_default")
        self._compositor = SpanCompositor()
