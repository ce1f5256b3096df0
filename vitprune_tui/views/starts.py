"""What makes a run of the request on the bench and has it worked on, in a thread."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from textual import events

from vitprune_core.store.clean import clean
from vitprune_core.store.queue import order
from vitprune_tui.draw.text import several
from vitprune_tui.facts.desk import Desk
from vitprune_tui.facts.request import Request
from vitprune_tui.messages import Done
from vitprune_tui.state import State
from vitprune_tui.views.view import View


class Starts(View):
    """One start at a time: a second enter while one is under way starts nothing."""

    def __init__(self, state: State):
        super().__init__(state)
        self.desk = Desk()
        self.starting: str | None = None
        """The preset that is being made a run of."""
        self.opening: str | None = None
        """That run, to be shown in Live as soon as the folder has been read again."""

    def start(self, queued: bool) -> None:
        busy = f"{self.starting} is being started already" if self.starting else None
        if problem := busy or self.why_not():
            return self.bench.say(problem, "warn")
        self.starting = clean(self.desk.request.preset, 64)
        self.bench.in_background(
            f"{self.starting}: looking for device and images",
            partial(self._make, self.desk.request, self.state.lab.folder, queued),
            self._queued if queued else self._started,
        )

    def why_not(self) -> str | None:
        """What keeps the request from being one."""
        preset, answer = self.desk.preset, self.desk.answer
        if preset is None or answer is None:
            return "choose a preset: runs are made of those"
        if answer.problems:
            number = several(len(answer.problems), "problem")
            return f"{number} to mend first: {clean(answer.problems[0])}"
        return None

    def _make(self, request: Request, folder: Path, queued: bool) -> str:
        try:
            return make(request, folder, queued, self._tell)
        except BaseException:
            self.starting = None
            raise

    def _tell(self, told: str) -> None:
        self.bench.post_message(Done(partial(self.bench.say, told, "dim", stays=True)))

    def _started(self, name: str) -> None:
        self.bench.say(f"started {name}")
        self.opening = name
        if self.bench.view is self:
            self.open_seen()
        else:
            self._forget()

    def _queued(self, name: str) -> None:
        self._forget()
        waiting = order(self.state.lab.folder)
        place = f"number {waiting.index(name) + 1} in the queue" if name in waiting else "begins"
        self.bench.say(f"{name}: {place}")

    def open_seen(self) -> None:
        """Show the run that was started, once there is something to be seen of it."""
        if self.opening in self.state.lab.runs:
            self.bench.call_later(self.bench.open, self.opening)
            self._forget()
        elif self.opening and self.state.lab.problem:
            self._forget()

    def on_hide(self, event: events.Hide) -> None:
        """Who went somewhere else is not called away from there."""
        if self.opening:
            self._forget()

    def _forget(self) -> None:
        self.starting = self.opening = None


def make(request: Request, folder: Path, queued: bool, told: Callable[[str], None]) -> str:
    """A run of the request that is worked on or waits for its turn; its name.

    Raises what `load` and `making` raise.
    """
    from vitprune_core.spec.request import load
    from vitprune_tui.doing import making

    loaded = load(request.preset, request.workload, request.overrides)
    making.allowed_name(loaded, folder, None)
    making.check(loaded, told)
    made = making.create(loaded, folder, None)
    making.begin(made, folder, queued)
    return made.id
