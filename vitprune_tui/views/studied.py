"""The part of Live that shows a study as it fills up, in place of a run."""

from collections.abc import Mapping
from dataclasses import replace

from vitprune_core.store.brief import ALIVE, Brief
from vitprune_core.store.clean import clean
from vitprune_tui.actions import of_view
from vitprune_tui.draw.frame import Keys, keys_of
from vitprune_tui.facts.filling import filling
from vitprune_tui.state import State, Study, study_of
from vitprune_tui.views.asks import Asks
from vitprune_tui.widgets.listing import Listing
from vitprune_tui.widgets.study import StudyTable

OF_STUDIES = (
    "app.leave", "app.help", "live.open", "live.next", "run.stop", "run.resume", "run.export"
)  # fmt: skip
"""What the footer tells while a study is shown."""


class ShowsStudies(Asks):
    def __init__(self, state: State):
        super().__init__(state)
        self.arms: dict[str, int] = {}
        """Study -> the arm under the cursor."""
        self.drawn: tuple[str, Study, Mapping[str, Brief]] | None = None
        """What the picture was made of: with hundreds of runs not at every key."""

    @property
    def study(self) -> str | None:
        return self.state.study

    @property
    def footer(self) -> Keys:
        """Keys of a run do not stand there for a study, nor the way to a study for other runs."""
        if self.study:
            actions = [a for a in of_view(self.room) if a.id in OF_STUDIES]
            actions = [replace(a, footer=a.room != "app") for a in actions]
            return keys_of(actions, self.bench.keys)
        if study_of(self.state.shown or "") in self.state.lab.studies:
            return super().footer
        actions = [a for a in of_view(self.room) if a.id != "live.close"]
        return keys_of(actions, self.bench.keys)

    @property
    def copied(self) -> str:
        return self.study or super().copied

    @property
    def table(self) -> StudyTable:
        return self.query_one(StudyTable)

    def paint_study(self, name: str) -> None:
        lab, at = self.state.lab, self.arms.get(name, 0)
        facts = name, lab.studies[name], lab.inside[name]
        if self.drawn != facts:
            self.drawn = facts
            self.table.show(filling(*facts), {"run.resume": self.key("run.resume")}, at)
        else:
            self.table.go(at)

    def go_study(self, by: int) -> None:
        names = list(self.state.lab.studies)
        at = names.index(self.study or "") + by
        if 0 <= at < len(names):
            self.bench.become(study=names[at])
        else:
            self.bench.say(f"that is the {'last' if by > 0 else 'first'} study", "dim")

    def go_arm(self, by: int) -> None:
        self._choose(self.table.listing.moved(by))

    def _choose(self, at: int) -> None:
        if self.study:
            self.arms[self.study] = at
            self.paint()

    def on_listing_picked(self, event: Listing.Picked) -> None:
        event.stop()
        self._choose(event.at)
        if event.opens:
            self.bench.call_later(self.action_open)

    async def action_open(self) -> None:
        """Of the chosen arm the run that works, else the newest."""
        if not (self.study and self.table.arm):
            return
        arm, runs = self.table.arm, self.state.lab.inside[self.study]
        mine = ((b.state in ALIVE, b.started or 0, n) for n, b in runs.items() if b.preset == arm)
        if found := max(mine, default=None):
            await self.bench.open(found[-1])
        else:
            self.bench.say(f"{clean(arm, 64)}: none of its runs is here", "dim")

    def action_close(self) -> None:
        if self.study:
            return
        study = study_of(self.state.shown or "")
        if study in self.state.lab.studies:
            self.bench.become(study=study)
        else:
            self.bench.say("this run is part of no study", "dim")
