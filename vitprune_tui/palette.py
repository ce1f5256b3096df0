"""The command palette: actions of the view, runs and presets, found by typing."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from vitprune_core.store.clean import clean
from vitprune_tui.actions import of_view, shown

if TYPE_CHECKING:
    from vitprune_tui.app import VitPrune

Entry = tuple[str, str, Callable[[], object]]


class Everything(Provider):
    async def discover(self) -> Hits:
        """Before anything is typed: what can be done here."""
        for name, help, do in self._actions():
            yield DiscoveryHit(name, do, help=help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for name, help, do in (*self._actions(), *self._runs(), *self._presets()):
            if (score := matcher.match(name)) > 0:
                yield Hit(score, matcher.highlight(name), do, text=name, help=help)

    @property
    def bench(self) -> "VitPrune":
        return cast("VitPrune", self.app)

    def _actions(self) -> Iterator[Entry]:
        for action in of_view(self.bench.view.room):
            keys = " ".join(map(shown, self.bench.keys.get(action.id, ())))
            where = self.bench if action.room == "app" else self.bench.view
            yield f"{action.what} ({keys})", action.help, getattr(where, f"action_{action.name}")

    def _runs(self) -> Iterator[Entry]:
        for name, brief in self.bench.state.lab.runs.items():
            yield f"run {clean(name)}", clean(brief.state), partial(self.bench.open, name)

    def _presets(self) -> Iterator[Entry]:
        for name in self.bench.presets:
            yield f"preset {clean(name)}", "Show it on the bench.", partial(self.bench.choose, name)
