"""What asks the runs folder about a run to come, in a thread: how long it takes, what is there."""

from collections.abc import Hashable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message

from vitprune_tui.facts.request import Forecast
from vitprune_tui.state import State
from vitprune_tui.views.view import View

if TYPE_CHECKING:
    from vitprune_core.spec.config import Config


class Foresees(View):
    @dataclass
    class Foreseen(Message):
        """The answer."""

        of: Hashable
        forecast: Forecast

    def __init__(self, state: State):
        super().__init__(state)
        self.forecast: Forecast | None = None
        """None: not known yet."""
        self.foreseen: Hashable = None
        """All that the forecast depends on."""

    def foresee(self, config: "Config") -> None:
        """Ask, if anything changed that the answer depends on."""
        states = frozenset((name, brief.state) for name, brief in self.state.lab.runs.items())
        where = (config.device, config.precision, config.kernels, config.threads)
        trained = (config.data, config.model, config.train, config.seed, config.dense)
        of = (states, *where, *trained)
        if of != self.foreseen:
            self.foreseen, self.forecast = of, None
            look = partial(self._look, of, self.state.lab.folder, config)
            self.run_worker(look, thread=True, exclusive=True, group="forecast")

    def _look(self, of: Hashable, folder: Path, config: "Config") -> None:
        from vitprune_tui.facts.judge import foresee

        try:
            forecast = foresee(folder, config)
        except OSError:  # a run was moved away this moment
            forecast = Forecast()
        self.post_message(self.Foreseen(of, forecast))

    def on_foresees_foreseen(self, message: Foreseen) -> None:
        if message.of == self.foreseen:
            self.forecast = message.forecast
            self.paint()
