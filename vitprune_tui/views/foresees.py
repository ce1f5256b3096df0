"""What asks the runs folder about a run to come, in a thread: how long it takes, what is there."""

from collections.abc import Hashable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual.timer import Timer

from vitprune_tui.facts.request import Forecast
from vitprune_tui.state import State
from vitprune_tui.views.view import View

if TYPE_CHECKING:
    from vitprune_core.spec.config import Config

PAUSE = 0.3
"""Seconds that nothing is typed before a folder of hundreds of runs is looked through."""


class Foresees(View):
    def __init__(self, state: State):
        super().__init__(state)
        self.forecast: Forecast | None = None
        """None: not known yet."""
        self.foreseen: Hashable = None
        """All that the forecast depends on."""
        self.soon: Timer | None = None
        self.looking = False

    def foresee(self, config: "Config") -> None:
        """Ask, if anything changed that the answer depends on."""
        from vitprune_tui.facts.judge import asked_of_host

        states = frozenset((name, brief.state) for name, brief in self.state.lab.runs.items())
        of = (states, asked_of_host(config))
        if of != self.foreseen:
            self.foreseen, self.forecast = of, None
            self._ask_soon(of, config)

    def _ask_soon(self, of: Hashable, config: "Config") -> None:
        if self.soon:
            self.soon.stop()
        self.soon = self.set_timer(PAUSE, partial(self._ask, of, config))

    def _ask(self, of: Hashable, config: "Config") -> None:
        """One at a time: a thread cannot be stopped."""
        if self.looking:
            return self._ask_soon(of, config)
        self.looking = True
        self.bench.read(partial(self._look, self.state.lab.folder, config), partial(self._told, of))

    def _look(self, folder: Path, config: "Config") -> Forecast:
        from vitprune_tui.facts.judge import foresee

        try:
            return foresee(folder, config)
        except OSError:  # a run was moved away this moment
            return Forecast()
        finally:
            self.looking = False

    def _told(self, of: Hashable, forecast: Forecast) -> None:
        if of == self.foreseen:
            self.forecast = forecast
            self.paint()
