"""What the bench knows of the chosen study, read in a thread, and what begins it."""

from collections.abc import Callable, Hashable
from functools import partial
from pathlib import Path

from textual import events

from vitprune_tui.facts.filling import counts
from vitprune_tui.facts.request import Preset, Sweep
from vitprune_tui.state import State
from vitprune_tui.views.sweeps import Begun, Sweeps


class Declares(Sweeps):
    def __init__(self, state: State):
        super().__init__(state)
        self.swept_on: Sweep | None = None
        """What the chosen study asks for; None: not read yet, or no study is chosen."""
        self.judged: Hashable = None
        """All that it depends on."""
        self.opening_study: str | None = None
        """One that was begun, to be shown as soon as the folder has been read again."""

    def declare(self, preset: Preset | None, workload: str | None) -> Sweep | None:
        """What is known of a study now; the rest is asked for."""
        if preset is None or preset.kind != "studies":
            self.judged = self.swept_on = None
            return None
        folder = self.state.lab.folder
        begun = {name: study.declared for name, study in self.state.lab.studies.items()}
        of = (preset, workload, tuple(begun.items()))
        if repr(of) != self.judged:
            self.judged = repr(of)
            same = self.swept_on and self.swept_on.name == preset.name
            self.swept_on = self.swept_on if same else None
            work = partial(_judge, preset.name, workload, folder)
            self.bench.read(work, partial(self._judged, self.judged))
        return self.swept_on

    def _judged(self, of: Hashable, sweep: Sweep) -> None:
        if of == self.judged:
            self.swept_on = sweep
            self.paint()

    def begin(self, workload: str | None) -> None:
        """Have the chosen study worked on; one that is, or is done, is only shown."""
        sweep = self.swept_on
        if sweep is None:
            return self.bench.say("reading the study: a moment", "dim")
        if sweep.problems:
            return self.bench.say(f"to mend first: {sweep.problems[0]}", "warn")
        lab = self.state.lab
        study = lab.studies.get(sweep.folder)
        over = study and counts(study, lab.inside[sweep.folder].values()).is_over
        if study and (over or study.hands or study.sweeps):
            self.bench.call_later(self.bench.open_study, sweep.folder)
            if over:
                self.bench.say(f"nothing is left to do of {sweep.folder}")
            return
        self.sweep(sweep.name, partial(_begin, sweep.name, lab.folder, workload))

    def swept(self, begun: Begun) -> None:
        super().swept(begun)
        if self.bench.view is self:
            self.opening_study = begun[0]
            self.open_begun()

    def open_begun(self) -> None:
        if self.opening_study in self.state.lab.studies:
            self.bench.call_later(self.bench.open_study, self.opening_study)
            self.opening_study = None

    def on_hide(self, event: events.Hide) -> None:
        """Who went somewhere else is not called away from there."""
        self.opening_study = None


def _judge(name: str, workload: str | None, folder: Path) -> Sweep:
    from vitprune_tui.facts.judge_study import judge

    return judge(name, workload, folder)


def _begin(name: str, folder: Path, workload: str | None, told: Callable[[str], None]) -> Begun:
    from vitprune_tui.doing import sweeping

    return sweeping.begin(name, folder, workload, told)
