"""How the bench tells something, asks for something, and has something done in a thread."""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from textual.app import App

from vitprune_core.store.clean import clean
from vitprune_tui.doing import background
from vitprune_tui.draw import lines
from vitprune_tui.messages import Done
from vitprune_tui.widgets.dialogs import Confirm, Hint, Pages, Prompt

NOTICE = 8.0
"""Seconds that a notice stays where the keys are told."""


T = TypeVar("T")
Notice = tuple[str, str]
"""Words and their style."""


class Tells(App[int]):
    def __init__(self, **options: Any):
        super().__init__(**options)
        self.notice: Notice | None = None
        self.answer: Notice | None = None
        """What a key was answered with: it has gone by when another one does something."""
        self.acting = False
        self.at_work: set[threading.Thread] = set()
        """What is done in the background, each by the name of what it does."""

    def paint_footer(self) -> None:
        """Show the notice, or the keys."""
        raise NotImplementedError

    def look_again(self) -> None:
        """At the runs folder: something was done there."""
        raise NotImplementedError

    def say(self, what: str, style: str = "good", stays: bool = False) -> None:
        """Tell something where the keys are told; what has several lines gets a page."""
        told = [clean(text) for text in what.splitlines() if text.strip()]
        if len(told) > 1:
            self._unsay(self.notice)
            self.push_screen(Pages([lines.line((f" {text}", style)) for text in told]))
            return
        self.notice = (told[0], style) if told else None
        self.answer = self.notice if self.acting and not stays else None
        self.paint_footer()
        if self.notice and not stays:
            self.set_timer(NOTICE, partial(self._unsay, self.notice))

    async def run_action(self, *action: Any, **where: Any) -> bool:
        """What a key does."""
        before, self.acting = self.answer, True
        try:
            return await super().run_action(*action, **where)
        finally:
            self.acting = False
            if before:
                self._unsay(before)

    def _unsay(self, notice: Notice | None) -> None:
        if self.notice is notice and self.is_running:
            self.notice = None
            self.paint_footer()

    def in_background(
        self, doing: str, work: Callable[[], Any], done: Callable[[Any], None]
    ) -> None:
        """Do something that takes a moment, in a thread; what goes wrong is told."""
        self.say(doing, "dim", stays=True)
        notice = self.notice

        def finish(then: Callable[[], None]) -> None:
            self.at_work.discard(thread)
            self._unsay(notice)
            then()

        def run() -> None:
            then = background.outcome(work, done, self.say)
            self.look_again()
            self.post_message(Done(partial(finish, then)))

        thread = threading.Thread(target=run, name=doing, daemon=True)
        self.at_work.add(thread)
        thread.start()

    def read(
        self,
        work: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[str], None] | None = None,
    ) -> None:
        """Find something out in a thread, which nobody waits for; what goes wrong is told.

        `failed` is given it in one line.
        """

        def say(what: str, style: str) -> None:
            self.say(what, style)
            if failed:
                first, *more = what.splitlines()
                failed(clean(" ".join((first, *more[-1:]))))

        def run() -> None:
            self.post_message(Done(background.outcome(work, done, say)))

        threading.Thread(target=run, name="reading", daemon=True).start()

    def on_done(self, message: Done) -> None:
        if self.is_running:  # of what is being closed parts are gone
            message.then()

    def ask_line(self, label: str, value: str, hint: Hint, then: Callable[[str], None]) -> None:
        """Have one line typed; nothing happens when it is given up."""

        def typed(text: str | None) -> None:
            if text is not None:
                then(text)

        self.push_screen(Prompt(label, value, hint), typed)

    def confirm(
        self, question: str, doing: str, then: Callable[[], None], names: Sequence[str] = ()
    ) -> None:
        """Ask before what cannot be taken back, or is about all these."""

        def answered(yes: bool | None) -> None:
            if yes:
                then()

        self.push_screen(Confirm(question, doing, names), answered)
