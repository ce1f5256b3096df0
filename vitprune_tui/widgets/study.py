"""A study as it fills up: how far it is, arms x sparsities, what the shades mean."""

from dataclasses import dataclass
from functools import partial

from textual import events
from textual.app import ComposeResult
from textual.widget import Widget

from vitprune_tui.draw.study import progress, table
from vitprune_tui.facts.filling import Filling
from vitprune_tui.widgets.canvas import Canvas
from vitprune_tui.widgets.listing import Listing, Row

LOW = 10
"""Rows below which there is no legend, and of what is told only the bar."""


@dataclass(frozen=True)
class Arms:
    """Rows made when they are in sight."""

    filling: Filling

    def __len__(self) -> int:
        return len(self.filling.arms)

    def __getitem__(self, at: int) -> Row:
        return Row(partial(table.row, self.filling, at))


class StudyTable(Widget):
    DEFAULT_CSS = """
    StudyTable { layout: vertical; height: 1fr; }
    StudyTable > #study-progress { height: 3; margin: 0 0 0 1; }
    StudyTable > #arms { height: 1fr; }
    StudyTable > #shades { height: 1; }
    StudyTable.-low > #study-progress { height: 1; }
    StudyTable.-low > #shades { display: none; }
    Screen.-tall StudyTable > #study-progress { margin: 1 0 1 1; }
    Screen.-high StudyTable > #study-progress { margin: 1 0 1 1; }
    """
    SCOPED_CSS = False

    def __init__(self, id: str | None = None):
        super().__init__(id=id)
        self.filling: Filling | None = None

    def compose(self) -> ComposeResult:
        yield Canvas(progress.draw, id="study-progress")
        yield Listing(id="arms", classes="main")
        yield Canvas(table.legend, id="shades")

    def show(self, filling: Filling, keys: progress.Keys, at: int) -> None:
        self.filling = filling
        self.query_one("#study-progress", Canvas).show(filling, keys)
        self.query_one("#shades", Canvas).show(filling)
        self.go(at)

    def go(self, at: int) -> None:
        """To another arm."""
        if self.filling:
            head = partial(table.head, self.filling)
            self.listing.fill(Arms(self.filling), at, head)

    @property
    def arm(self) -> str | None:
        """The chosen one."""
        arms = self.filling.arms if self.filling else ()
        return arms[self.listing.at].name if arms else None

    @property
    def listing(self) -> Listing:
        return self.query_one("#arms", Listing)

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.height < LOW, "-low")
