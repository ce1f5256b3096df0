"""Lines of values of which the one under the cursor is changed where it stands."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.geometry import Offset
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from vitprune_tui.widgets.field import Field
from vitprune_tui.widgets.listing import Listing, Row


class Values(Widget):
    """A listing, and on a layer over it the field that a value is typed in."""

    DEFAULT_CSS = """
    Values { layers: default over; }
    Values > Listing { height: 1fr; }
    Values > Field { layer: over; display: none; }
    """

    @dataclass
    class Typed(Message):
        """What the value would be."""

        text: str

    def __init__(self, id: str | None = None):
        super().__init__(id=id)
        self.listing, self.field = Listing(), Field()
        self.front = 0
        self.editing = False

    def compose(self) -> ComposeResult:
        yield self.listing
        yield self.field

    def fill(self, rows: Sequence[Row], at: int, active: bool, front: int) -> None:
        """These lines from now on; before the value under the cursor stand `front` cells."""
        self.listing.fill(rows, at, active=active and not self.editing)
        self.front = front
        self._lay()

    def _lay(self) -> None:
        listing = self.listing
        if self.editing:
            place = Offset(self.front, listing.at - listing.top)
            self.field.lie(place, listing.size.width - self.front)

    def edit(self, text: str, choices: Sequence[str]) -> None:
        self.editing = True
        self._lay()
        self.field.begin(text, choices)

    def end(self) -> str:
        """Give the keys back; what was typed."""
        self.editing = self.field.display = False
        return self.field.value

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self.editing and event.value == self.field.value:
            self.post_message(self.Typed(event.value))
