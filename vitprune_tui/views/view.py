"""What the five views have in common: a picture of the state, and keys that work in it."""

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual.widget import Widget

from vitprune_tui.actions import of_view, shown
from vitprune_tui.draw.frame import Keys, keys_of
from vitprune_tui.state import State
from vitprune_tui.widgets.field import Field

if TYPE_CHECKING:
    from vitprune_tui.app import VitPrune


class View(Widget, can_focus=True):
    DEFAULT_CSS = """
    View { height: 1fr; width: 1fr; layout: vertical; }
    View.-maximised Canvas { display: none; }
    View.-maximised .main { display: block; width: 1fr; height: 1fr; }
    """
    room: ClassVar[str]
    """Its name in `actions`."""

    def __init__(self, state: State):
        super().__init__(id=self.room)
        self.state = state

    @property
    def bench(self) -> "VitPrune":
        """The app, for what a view may ask of it."""
        return cast("VitPrune", self.app)

    def key(self, action: str) -> str:
        """The key of an action, as people write it; its id where the user left it without one."""
        keys = self.bench.keys.get(action)
        return shown(keys[0]) if keys else action

    def command(self, *words: str) -> str:
        """`vitprune` with these words, as a shell reads it: on this runs folder."""
        folder, usual = self.state.lab.folder, os.environ.get("VITPRUNE_RUNS") or "runs"
        same = folder.absolute() == Path(usual).absolute()
        return shlex.join(("vitprune", *words, *(() if same else ("--runs", str(folder)))))

    def go(self, by: int) -> None:
        """Show the run that was begun after or before the one that is shown."""
        names, shown = self.state.lab.by_start, self.state.shown
        if shown not in names:
            return self.bench.say("no run is chosen", "warn")
        at = names.index(shown) + by
        if 0 <= at < len(names):
            self.bench.become(shown=names[at])
        else:
            self.bench.say("that is the newest run" if by > 0 else "that is the oldest run", "dim")

    def show(self, state: State) -> None:
        """Be a picture of this state."""
        self.state = state
        if self.is_mounted:
            self.paint()

    def on_mount(self) -> None:
        self.paint()

    def arrive(self) -> None:
        """It is looked at again."""

    @property
    def points_at(self) -> str | None:
        """The run under its cursor, which Live and Masks show when one goes there."""
        return None

    def watch_has_focus(self, has_focus: bool) -> None:
        """Nothing looks otherwise; Textual would work out all styles anew, a dozen milliseconds."""

    def paint(self) -> None:
        """Give every canvas its facts."""
        raise NotImplementedError

    @property
    def about(self) -> str:
        """What the header says on the right."""
        return ""

    @property
    def footer(self) -> Keys:
        """What keys do now: those of a field, while a value is typed."""
        focused = self.screen.focused
        if isinstance(focused, Field) and self in focused.ancestors:
            return focused.keys
        return keys_of(of_view(self.room), self.bench.keys)

    @property
    def copied(self) -> str:
        """What `y` copies."""
        return self.state.shown or ""
