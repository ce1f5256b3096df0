"""A value that is changed where it stands: typed, or stepped through where there are few."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding
from textual.geometry import Offset
from textual.message import Message
from textual.widgets import Input

from vitprune_tui.draw.frame import Keys


class InOrder(Input):
    """Keys are done in the order in which they come, also when many come at once.

    Textual types letters at once and sends all other keys through the whole app first: of a burst,
    as a slow connection delivers it, what was deleted would be deleted after what was typed.
    """

    async def _on_key(self, event: events.Key) -> None:
        bound = () if event.is_printable else self._bindings.key_to_bindings.get(event.key, ())
        if not bound:
            return await super()._on_key(event)
        event.stop()
        event.prevent_default()
        await self.run_action(bound[0].action)


class Field(InOrder):
    """Lies over the cells of the value."""

    DEFAULT_CSS = """
    Field { padding: 0; background: $surface; }
    Field > .input--selection { text-style: reverse; }
    Field:ansi > .input--selection, Field:ansi > .input--cursor {
      color: ansi_default; background: ansi_default; text-style: reverse;
    }
    """
    BINDINGS = [
        Binding("escape", "give_up", "as it was", show=False),
        Binding("up", "step(-1)", "the choice before", show=False),
        Binding("down", "step(1)", "the next choice", show=False),
        Binding("tab", "submit", "keep", show=False),
    ]

    KEEP: ClassVar[Keys] = (("enter", "keep"), ("esc", "as it was"))
    CHOOSE: ClassVar[Keys] = (("up down left right", "other choices"),)
    GO_ON: ClassVar[Keys] = (("up down", "keep, and on to the next value"),)
    KEYS: ClassVar[Keys] = (*KEEP, *CHOOSE, *GO_ON)
    """In words; the last two where there are choices, and where there are none."""

    class GivenUp(Message):
        """It is to be what it was."""

    @dataclass
    class Moved(Message):
        """Done with it, on to the value above or below."""

        by: int

    def __init__(self, id: str | None = None):
        super().__init__(id=id, compact=True)
        self.cursor_blink = False  # nothing moves on the screen while nothing happens
        self.choices: Sequence[str] = ()

    def begin(self, text: str, choices: Sequence[str]) -> None:
        self.choices = choices
        self.value = text
        self.display = True
        self.focus()

    @property
    def keys(self) -> Keys:
        """What they do for this value."""
        return (*self.KEEP, *(self.CHOOSE if self.choices else self.GO_ON))

    def lie(self, at: Offset, room: int) -> None:
        """Over these cells of what it is in."""
        self.styles.offset, self.styles.width = at, max(room, 1)

    def action_give_up(self) -> None:
        self.post_message(self.GivenUp())

    def action_step(self, by: int) -> None:
        """The next choice; from a word that is none, the first. Without choices, the next value."""
        if not self.choices:
            self.post_message(self.Moved(by))
        else:
            known = self.value in self.choices
            at = self.choices.index(self.value) + by if known else 0
            self.value = self.choices[at % len(self.choices)]
            self.action_select_all()

    def action_cursor_left(self, select: bool = False) -> None:
        if self.choices and not select:
            self.action_step(-1)
        else:
            super().action_cursor_left(select)

    def action_cursor_right(self, select: bool = False) -> None:
        if self.choices and not select:
            self.action_step(1)
        else:
            super().action_cursor_right(select)
