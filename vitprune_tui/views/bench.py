"""Bench."""

from textual.app import ComposeResult

from vitprune_tui.actions import bindings
from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.lines import Line, line
from vitprune_tui.state import State
from vitprune_tui.views.view import View
from vitprune_tui.widgets.canvas import Canvas


class BenchView(View):
    room = "bench"
    BINDINGS = bindings("bench")

    def compose(self) -> ComposeResult:
        yield Canvas(draw, classes="main")

    def paint(self) -> None:
        self.query_one(Canvas).show(self.state)


def draw(state: State, columns: int, rows: int, glyphs: Glyphs) -> list[Line]:
    return [line("bench", str(state.shown))]
