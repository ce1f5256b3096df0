"""What a view may ask about a study as a whole: that it is worked on, stopped, moved away."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from vitprune_core.store.clean import clean
from vitprune_core.store.studydir import StudyDir
from vitprune_tui.doing import hands
from vitprune_tui.messages import Done
from vitprune_tui.state import State
from vitprune_tui.views.view import View

Begun = tuple[str, str]
"""The study's folder, and what there is to say."""


class Sweeps(View):
    def __init__(self, state: State):
        super().__init__(state)
        self.sweeping: str | None = None
        """The study that is being begun: a second enter meanwhile begins nothing."""

    @property
    def study(self) -> str | None:
        """The study that keys are about."""
        return None

    def sweep(self, name: str, begin: Callable[[Callable[[str], None]], Begun]) -> None:
        """Have a study worked on, by processes that stay when the bench goes."""
        if self.sweeping:
            return self.bench.say(f"{self.sweeping} is being started already", "warn")
        self.sweeping = clean(name, 64)

        def work() -> Begun:
            try:
                return begin(self._hear)
            finally:
                self.sweeping = None

        doing = f"{self.sweeping}: looking for device and images"
        self.bench.in_background(doing, work, self.swept)

    def _hear(self, told: str) -> None:
        """From a thread."""
        self.bench.post_message(Done(partial(self.bench.say, told, "dim", stays=True)))

    def swept(self, begun: Begun) -> None:
        self.bench.say(begun[1])

    def go_on_with(self, study: str) -> None:
        self.sweep(study, partial(_go_on, self.state.lab.folder / study))

    def stop_study(self, study: str) -> None:
        """Its hands are asked after a question: hundreds of runs may depend on it."""
        question = f"Stop all that work on {clean(study)}, after checkpoints?"
        work = partial(hands.stop, StudyDir(self.state.lab.folder / study))
        self._ask_first(question, "stop", f"stopping {study}", work)

    def trash_study(self, study: str) -> None:
        folder = self.state.lab.folder
        question = f"Move {clean(study)} with all its runs to .trash?"
        work = partial(_trash, folder, study)
        self._ask_first(question, "move", f"moving {study}", work)

    def _ask_first(self, question: str, short: str, doing: str, work: Callable[[], str]) -> None:
        then = partial(self.bench.in_background, doing, work, self.bench.say)
        self.bench.confirm(question, short, then)


def _go_on(home: Path, told: Callable[[str], None]) -> Begun:
    from vitprune_tui.doing import sweeping

    return sweeping.go_on(StudyDir(home), told)


def _trash(folder: Path, study: str) -> str:
    return f"{study} is now {hands.remove(folder, StudyDir(folder / study))}"
