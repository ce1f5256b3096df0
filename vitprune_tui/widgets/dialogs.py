"""Questions and answers over the view: one line to type, yes or no, something longer to read."""

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.widgets import Input

from vitprune_tui.draw.frame import Keys, told
from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.lines import Line, line, width
from vitprune_tui.widgets.canvas import Canvas
from vitprune_tui.widgets.field import Field, InOrder

Hint = Callable[[str], Line]
"""What is to be said of a text while it is typed."""


class Prompt(ModalScreen[str | None]):
    """One line of text, with what it would mean below it; None when it was given up."""

    DEFAULT_CSS = """
    Prompt { align: left bottom; background: transparent; }
    Prompt > Canvas { height: 1; background: $panel; }
    Prompt > Input { height: 1; border: none; padding: 0 1; background: $surface; }
    Prompt > Input:focus { border: none; }
    """
    BINDINGS = [("escape,ctrl+g", "dismiss", "give up")]
    KEYS: ClassVar[Keys] = (("enter", "do it"), ("esc ctrl+g", "give up"))

    def __init__(self, label: str, value: str, hint: Hint):
        super().__init__()
        self.label, self.value, self.hint = label, value, hint

    def compose(self) -> ComposeResult:
        yield Canvas(_labelled, id="label")
        yield InOrder(self.value, select_on_focus=False)
        yield Canvas(_one, id="hint")

    def on_mount(self) -> None:
        self.query_one("#label", Canvas).show(line((f" {self.label}", "title")))
        self._say(self.value)

    def on_input_changed(self, event: Input.Changed) -> None:
        self._say(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)

    def _say(self, value: str) -> None:
        self.query_one("#hint", Canvas).show(line(" ", *self.hint(value)))


def _labelled(label: Line, columns: int, rows: int, glyphs: Glyphs) -> list[Line]:
    """What is asked for, and at the right how to answer, where there is room."""
    keys = told(Prompt.KEYS)
    gap = columns - width(label) - width(keys)
    return [line(*label, " " * gap, *keys) if gap >= 0 else label]


def _one(what: Line, columns: int, rows: int, glyphs: Glyphs) -> list[Line]:
    return [what]


class Confirm(ModalScreen[bool]):
    """`y` does it, every other key does not; it may be about many."""

    DEFAULT_CSS = """
    Confirm { align: left bottom; background: transparent; }
    Confirm > Canvas { max-height: 100%; background: $panel; }
    """
    KEYS: ClassVar[Keys] = (("y", "do it"), ("any other key", "leave it"))

    def __init__(self, question: str, doing: str, names: Sequence[str] = ()):
        super().__init__()
        self.question, self.doing, self.names = question, doing, names

    def compose(self) -> ComposeResult:
        yield Canvas(_question)

    def on_mount(self) -> None:
        canvas = self.query_one(Canvas)
        canvas.styles.height = 2 + len(self.names)
        canvas.show(self.question, self.doing, self.names)

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        self.dismiss(event.key == "y")


def _question(
    question: str, doing: str, names: Sequence[str], columns: int, rows: int, glyphs: Glyphs
) -> list[Line]:
    room = max(rows - 2, 1)
    if len(names) > room:
        names = [*names[: room - 1], f"and {len(names) - room + 1:,} more"]
    (yes, _), no = Confirm.KEYS
    keys = told([(yes, doing), no])
    return [
        line((f" {question}", "warn")),
        *(line(f"   {name}") for name in names),
        keys,
    ]


class Pages(ModalScreen[None]):
    """Lines to read, longer than the screen perhaps."""

    DEFAULT_CSS = """
    Pages { background: $background; }
    Pages > #lines { height: 1fr; }
    Pages > #below { height: 1; dock: bottom; background: $panel; }
    """
    BINDINGS = [
        ("up,k", "move(-1)", "up"),
        ("down,j", "move(1)", "down"),
        ("pageup", "page(-1)", "page up"),
        ("pagedown,space", "page(1)", "page down"),
        ("home,g", "move(-100000)", "top"),
        ("end,G", "move(100000)", "end"),
        ("escape,q,enter,question_mark", "close", "close"),
    ]
    KEYS: ClassVar[Keys] = (
        ("q", "close"),
        ("up down", "move"),
        ("page up page down", "move by a screen"),
        ("home end", "to the top and to the end"),
    )

    def __init__(self, lines: Sequence[Line]):
        super().__init__()
        self.every, self.top = list(lines), 0

    def compose(self) -> ComposeResult:
        yield Canvas(_many, id="lines")
        yield Canvas(_one, id="below")

    def on_mount(self) -> None:
        self._paint()

    def on_resize(self) -> None:
        self._paint()

    def action_move(self, by: int) -> None:
        last = max(len(self.every) - self.query_one("#lines").size.height, 0)
        self.top = min(max(self.top + by, 0), last)
        self._paint()

    def action_page(self, by: int) -> None:
        self.action_move(by * max(self.query_one("#lines").size.height - 1, 1))

    def action_close(self) -> None:
        self.dismiss(None)

    def on_mouse_scroll_down(self) -> None:
        self.action_move(3)

    def on_mouse_scroll_up(self) -> None:
        self.action_move(-3)

    def _paint(self) -> None:
        self.query_one("#lines", Canvas).show(self.every[self.top :])
        room = self.query_one("#lines").size.height
        left = len(self.every) - self.top - room
        more = f" {left} more lines below" if left > 0 else ""
        self.query_one("#below", Canvas).show(line(*told(self.KEYS[:2]), more))


def _many(lines: Sequence[Line], columns: int, rows: int, glyphs: Glyphs) -> list[Line]:
    return list(lines)


ANSWERS: Mapping[str, Keys] = {
    "While a value is changed": Field.KEYS,
    "While a line is typed": Prompt.KEYS,
    "At a question": Confirm.KEYS,
    "On a page like this": Pages.KEYS,
}
"""Where keys do something else than in the views, for the help."""
