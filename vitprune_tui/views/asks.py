"""What a view that is about runs may ask of them: pause, stop, kill, resume, trash, export."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from vitprune_core.store.clean import clean
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.summary import summarize
from vitprune_tui import asking
from vitprune_tui.draw.lines import Line
from vitprune_tui.draw.text import several
from vitprune_tui.views.view import View


class Asks(View):
    """The keys of the room `run`. What is asked is seen when the run acknowledges it."""

    @property
    def targets(self) -> list[str]:
        """The runs that are meant."""
        return [self.state.shown] if self.state.shown else []

    def action_pause(self) -> None:
        self._each("asking", _pause)

    def action_stop(self) -> None:
        self._each("asking", _stop)

    def action_resume(self) -> None:
        self._each("starting", _resume)

    def action_kill(self) -> None:
        self._sure("End the process at once", "kill", _kill)

    def action_trash(self) -> None:
        self._sure("Move to .trash", "move", _trash)

    def action_export(self) -> None:
        names = self.targets
        if not names:
            return self._nothing()
        path = self.bench.state.lab.folder / (
            "summary.md" if names[1:] else f"{names[0]}/summary.md"
        )
        self.bench.ask_line(
            f"Export {_of(names)} as Markdown, and as CSV beside it, to", str(path), _no_hint,
            partial(self._export, names),
        )  # fmt: skip

    def _export(self, names: list[str], path: str) -> None:
        runs = [self._run(name) for name in names]
        self.bench.in_background(
            "exporting", partial(_write, runs, path), lambda told: self.bench.say(told)
        )

    def _sure(self, question: str, doing: str, what: Callable[..., str]) -> None:
        names = self.targets
        if not names:
            return self._nothing()
        self.bench.confirm(f"{question}: {_of(names)}?", doing, partial(self._each, doing, what))

    def _each(self, doing: str, what: Callable[..., str]) -> None:
        names = self.targets
        if not names:
            return self._nothing()
        folder = self.state.lab.folder
        runs = [self._run(name) for name in names]

        def work() -> str:
            return "\n".join(what(folder, run) for run in runs)

        self.bench.in_background(f"{doing} {_of(names)}", work, lambda told: self.bench.say(told))

    def _run(self, name: str) -> RunDir:
        return RunDir(self.state.lab.folder / name)

    def _nothing(self) -> None:
        self.bench.say("no run is chosen", "warn")


def _of(names: list[str]) -> str:
    return clean(names[0]) if len(names) == 1 else several(len(names), "run")


def _no_hint(value: str) -> Line:
    return ()


def _pause(folder: Path, run: RunDir) -> str:
    """A run that is paused goes on."""
    paused = summarize(run).state == "paused"
    return _ask(folder, run, "continue" if paused else "pause")


def _stop(folder: Path, run: RunDir) -> str:
    return _ask(folder, run, "stop")


def _ask(folder: Path, run: RunDir, request: str) -> str:
    left = asking.ask(folder, run, request)
    return f"{run.id}: asked to {request}" if left else f"{run.id}: not queued now"


def _resume(folder: Path, run: RunDir) -> str:
    return f"{run.id}: {'goes on' if asking.bring_back(run) else 'asked to go on'}"


def _kill(folder: Path, run: RunDir) -> str:
    return f"{run.id}: process {asking.kill(run).pid} killed; r brings it back"


def _trash(folder: Path, run: RunDir) -> str:
    return f"{run.id} is now {asking.remove(folder, run)}"


def _write(runs: list[RunDir], path: str) -> str:
    from vitprune_tui.commands.export import export

    output = Path(path)
    return "wrote " + ", ".join(export(runs, output, output.with_suffix(".csv"))[1].splitlines())
