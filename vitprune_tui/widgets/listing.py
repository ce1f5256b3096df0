"""Rows with one that is chosen: it moves by keys, clicks and the wheel, and stays in sight."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

from textual import events
from textual.message import Message

from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.lines import Line, fit, line, styled
from vitprune_tui.widgets.canvas import Canvas

Cells = Line | Callable[[int, Glyphs], Line]
"""The latter is asked when it is drawn, and told for how many columns."""


@dataclass(frozen=True)
class Row:
    cells: Cells
    marked: bool = False
    pickable: bool = True
    """Headings are not."""


class Rows(Protocol):
    """A list of rows, or what makes one when it is in sight."""

    def __len__(self) -> int: ...

    def __getitem__(self, at: int, /) -> Row: ...


class Listing(Canvas):
    @dataclass
    class Picked(Message):
        """The row under a click; `opens` when it was clicked twice."""

        listing: "Listing"
        at: int
        opens: bool

        @property
        def control(self) -> "Listing":
            return self.listing

    def __init__(self, id: str | None = None, classes: str | None = None):
        super().__init__(self._draw, id=id, classes=classes)
        self.rows: Rows = ()
        self.at = 0
        """The chosen row."""
        self.top = 0
        """The first row in sight."""
        self.heads = 0

    def fill(self, rows: Rows, at: int, head: Cells | None = None, active: bool = True) -> None:
        """These rows from now on; `active`: keys go here, so that the chosen row stands out."""
        self.rows, self.heads = rows, 0 if head is None else 1
        self.at = min(max(at, 0), max(len(rows) - 1, 0))
        self.show(rows, self.at, head, active)

    def moved(self, by: int) -> int:
        """The row to choose when going down by so many; headings are passed over."""
        step, number = 1 if by > 0 else -1, len(self.rows)
        to = min(max(self.at + by, 0), max(number - 1, 0))
        beyond = range(to, number if by > 0 else -1, step)
        short = range(to, self.at, -step)  # nothing but headings there
        ways = chain(beyond, short) if number else ()
        return next((i for i in ways if self.rows[i].pickable), self.at)

    @property
    def page(self) -> int:
        return max(self.size.height - self.heads - 1, 1)

    def _draw(
        self,
        every: Rows,
        at: int,
        head: Cells | None,
        active: bool,
        columns: int,
        rows: int,
        glyphs: Glyphs,
    ) -> list[Line]:
        room = max(rows - self.heads, 1)
        self.top = window(self.top, at, len(every), room)
        shown = [
            _row(every[i], i == at, active, columns, glyphs)
            for i in range(self.top, min(self.top + room, len(every)))
        ]
        if head is None:
            return shown
        return [line("  ", *_cells(head, columns, glyphs)), *shown]

    def on_click(self, event: events.Click) -> None:
        at = self.top + event.y - self.heads
        if event.y >= self.heads and at < len(self.rows) and self.rows[at].pickable:
            self.post_message(self.Picked(self, at, opens=event.chain > 1))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._wheel(event, 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._wheel(event, -1)

    def _wheel(self, event: events.MouseEvent, by: int) -> None:
        event.stop()
        if (to := self.moved(by)) != self.at:
            self.post_message(self.Picked(self, to, opens=False))


def window(top: int, at: int, number: int, room: int) -> int:
    """The first row to show so that row `at` is in sight, moved no more than needed."""
    top = min(top, at)
    top = max(top, at - room + 1)
    return max(min(top, number - room), 0)


FRONT = 2
"""Columns before the cells: for the cursor and the mark."""


def _row(row: Row, chosen: bool, active: bool, columns: int, glyphs: Glyphs) -> Line:
    cursor = glyphs.cursor if active else glyphs.ahead  # keys go where the arrow is
    front = (cursor if chosen else " ") + (glyphs.mark if row.marked else " ")
    whole = line((front, "mark" if row.marked else ""), *_cells(row.cells, columns, glyphs))
    whole = fit(whole, columns, glyphs.more)
    return styled(whole, "chosen") if chosen and active else whole


def _cells(cells: Cells, columns: int, glyphs: Glyphs) -> Line:
    return cells(columns - FRONT, glyphs) if callable(cells) else cells
