"""The command palette: actions of the view, runs and presets, found by typing.

Textual takes text for markup here, and ours comes from files: what is shown are `Content` values,
which stand for themselves.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual.binding import BindingType
from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from vitprune_core.store.clean import clean
from vitprune_tui.actions import of_view, shown

if TYPE_CHECKING:
    from vitprune_tui.app import VitPrune

Entry = tuple[str, str, Callable[[], object]]


class Everything(Provider):
    async def discover(self) -> Hits:
        """Before anything is typed: what can be done here."""
        for name, help, do in self._actions():
            yield DiscoveryHit(Content(name), do, text=name, help=_as_it_stands(help))

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        every = (*self._actions(), *self._studies(), *self._runs(), *self._presets())
        for name, help, do in every:
            score, places = matcher.fuzzy_search.match(query, name)
            if score > 0:
                found = Content(name)
                for at in places:
                    found = found.stylize(matcher.match_style, at, at + 1)
                yield Hit(score, found, do, text=name, help=_as_it_stands(help))

    @property
    def bench(self) -> "VitPrune":
        return cast("VitPrune", self.app)

    def _actions(self) -> Iterator[Entry]:
        for action in of_view(self.bench.view.room):
            keys = " ".join(map(shown, self.bench.keys.get(action.id, ())))
            do = getattr(self.bench.does(action), f"action_{action.name}")
            yield f"{action.what} ({keys})", action.help, do

    def _runs(self) -> Iterator[Entry]:
        for name, brief in self.bench.state.lab.runs.items():
            told = f"{brief.preset} on {brief.workload}, {brief.state}"
            yield f"run {clean(name)}", clean(told, 80), partial(self.bench.open, name)

    def _studies(self) -> Iterator[Entry]:
        for name in self.bench.state.lab.studies:
            show = partial(self.bench.open_study, name)
            yield f"study {clean(name)}", "Show how it fills up.", show

    def _presets(self) -> Iterator[Entry]:
        for name in self.bench.presets:
            what = f"preset {clean(name, 80)}"
            yield what, "Show it on the bench.", partial(self.bench.choose, name)


class Palette(CommandPalette):
    """Textual's, without what moves, what is no ASCII and what paints the whole screen anew."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,ctrl+g", "escape", "close")]

    def __init__(self) -> None:
        super().__init__({Everything}, placeholder="an action, a run or a preset")


def _as_it_stands(text: str) -> Any:
    """Textual says `str` and takes `Content` too."""
    return Content(text)
