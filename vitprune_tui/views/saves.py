"""What keeps the request on the bench as a preset of the user's own."""

from functools import partial
from pathlib import Path

from vitprune_core.store.clean import clean
from vitprune_tui.draw.lines import Line, line
from vitprune_tui.facts.request import Request
from vitprune_tui.views.starts import Starts


class Saves(Starts):
    def action_save(self) -> None:
        if problem := self.why_not():
            return self.bench.say(problem, "warn")
        request = self.desk.request
        label = f"Save {clean(request.preset, 64)} with its changes as the preset"
        self.bench.ask_line(label, f"{request.preset}_2", _hint, partial(self._save, request))

    def _save(self, request: Request, name: str) -> None:
        """A file that is there already is replaced when that is confirmed."""
        from vitprune_tui.doing import saving

        def write(path: Path) -> None:
            self.bench.in_background("saving", partial(saving.save, request, path), self._saved)

        def seen(there: tuple[Path, bool]) -> None:
            path, taken = there
            if taken:
                question = f"Replace {clean(path)}?"
                self.bench.confirm(question, "replace", partial(write, path))
            else:
                write(path)

        self.bench.read(partial(saving.place, name.strip()), seen)

    def _saved(self, path: Path) -> None:
        self.bench.say(f"saved {path}")
        self.reread(choose=path.stem)

    def reread(self, choose: str = "") -> None:
        """What there is to ask for; this is chosen then."""
        raise NotImplementedError


def _hint(typed: str) -> Line:
    return line((f"{clean(typed.strip(), 64)}.yaml in the folder of your own presets", "dim"))
