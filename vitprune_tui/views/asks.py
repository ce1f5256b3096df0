"""What a view that is about runs may ask of them: pause, stop, kill, resume, trash, export.

What is asked is asked of every run that is meant, whatever another one answers, and is seen when
the run acknowledges it.
"""

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from vitprune_core import launch
from vitprune_core.store import queue
from vitprune_core.store.clean import clean
from vitprune_core.store.lock import Held, holder
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.runs import name_of
from vitprune_core.store.summary import summarize
from vitprune_tui.doing import asking
from vitprune_tui.draw.lines import Line, line
from vitprune_tui.draw.text import several
from vitprune_tui.views.sweeps import Sweeps
from vitprune_tui.wrong import Unable, Wrong

What = Callable[[Path, RunDir], str]
"""Asks a run of a folder for something; what became of it."""
Answer = tuple[str, bool]
"""What became of it, and whether that is what was asked for."""


class Asks(Sweeps):
    """The keys of the room `run`: of a study as a whole some of them do the like."""

    @property
    def targets(self) -> list[str]:
        """The runs that are meant."""
        return [self.state.shown] if self.state.shown else []

    def action_pause(self) -> None:
        if self.study:
            return self._only_runs()
        self._sure("Pause or let go on", "pause", _pause, several_only=True)

    def action_stop(self) -> None:
        if self.study:
            return self.stop_study(self.study)
        self._sure("Stop", "stop", _stop, several_only=True)

    def action_resume(self) -> None:
        if self.study:
            return self.go_on_with(self.study)
        self._sure("Resume", "resume", _resume, several_only=True)

    def action_kill(self) -> None:
        if self.study:
            return self._only_runs()
        self._sure("End the process at once", "kill", _kill)

    def action_trash(self) -> None:
        if self.study:
            return self.trash_study(self.study)
        self._sure("Move to .trash", "move", _trash)

    def action_export(self) -> None:
        names = list(self.state.lab.inside[self.study]) if self.study else self.targets
        if not names:
            return self._nothing()
        label = f"Export {_of(names)} as Markdown, and as CSV beside it, to"
        path = _usual(self.state.lab.folder, names)
        self.bench.ask_line(label, str(path), _hint, partial(self._export, names))

    def _sure(self, question: str, doing: str, what: What, several_only: bool = False) -> None:
        """The runs that are asked about are those that it is done to, whatever comes between."""
        if not (names := self.targets):
            return self._nothing()
        then = partial(self._each, names, doing, what)
        if several_only and not names[1:]:
            return then()
        named = [clean(name) for name in names[1:] and names]
        self.bench.confirm(f"{question}: {_of(names)}?", doing, then, named)

    def _each(self, names: list[str], doing: str, what: What) -> None:
        work = partial(_answers, self.state.lab.folder, names, what)
        self.bench.in_background(f"{doing} {_of(names)}", work, self._tell)

    def _tell(self, answers: list[Answer]) -> None:
        refused = sum(not done for _, done in answers)
        style = "bad" if refused == len(answers) else "warn" if refused else "good"
        self.bench.say("\n".join(told for told, _ in answers), style)

    def _export(self, names: list[str], typed: str) -> None:
        """A file that is there already is replaced when that is confirmed, or was made by this."""

        def write() -> None:
            work = partial(_write, self.state.lab.folder, names, output)
            self.bench.in_background("exporting", work, self.bench.say)

        def seen(there: list[str]) -> None:
            self.bench.say("")
            if there and output != _own(self.state.lab.folder, names[0]):
                self.bench.confirm(f"Replace {' and '.join(there)}?", "replace", write)
            else:
                write()

        output = Path(os.path.expanduser(typed.strip()))
        self.bench.in_background("looking", partial(_there, output), seen)

    def _only_runs(self) -> None:
        stop, start = self.key("run.stop"), self.key("run.resume")
        what = f"that is for runs: of a study {stop} stops all that work, {start} goes on"
        self.bench.say(what, "warn")

    def _nothing(self) -> None:
        self.bench.say("no run is chosen", "warn")


def _of(names: list[str]) -> str:
    return clean(names[0]) if len(names) == 1 else several(len(names), "run")


def _answers(folder: Path, names: list[str], what: What) -> list[Answer]:
    return [_answer(folder, RunDir(folder / name), what) for name in names]


def _answer(folder: Path, run: RunDir, what: What) -> Answer:
    try:
        return what(folder, run), True
    except OSError as error:
        return f"{run.id}: {error.strerror or error}", False
    except (Wrong, Unable, Held, ValueError) as error:
        told = str(error)
        says_who = told.startswith((f"{run.id} ", f"{run.id}:"))
        return told if says_who else f"{run.id}: {told}", False


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
    """A run that waits in the queue is left to it: what goes on is the queue."""
    order = queue.order(folder)
    if (name := name_of(folder, run)) in order and holder(run.lock) is None:
        if launch.start_dispatcher(folder):
            return f"{run.id}: the queue goes on, {order[0]} is the first"
        place = order.index(name) + 1
        return f"{run.id}: #{place} of the queue, its turn comes; stop takes it out of it"
    return f"{run.id}: {'goes on' if asking.bring_back(run) else 'asked to go on'}"


def _kill(folder: Path, run: RunDir) -> str:
    return asking.killed(run, asking.kill(run))


def _trash(folder: Path, run: RunDir) -> str:
    return f"{run.id} is now {asking.remove(folder, run)}"


def _own(folder: Path, name: str) -> Path:
    """Where a run has its place for this."""
    return folder / name / "summary.md"


def _usual(folder: Path, names: list[str]) -> Path:
    """One of several has a name of its own each time: they may be others the next time."""
    if not names[1:]:
        return _own(folder, names[0])
    return folder / f"runs-{time.strftime('%Y%m%d-%H%M%S')}.md"


def _hint(typed: str) -> Line:
    """Without a look at the disk, which may be slow."""
    path = Path(typed.strip())
    if path.suffix != ".md":
        return line(("the file's name must end in .md", "warn"))
    names = f"{path.name} and {path.with_suffix('.csv').name}"
    return line((f"writes {clean(names)}", "dim"))


def _there(output: Path) -> list[str]:
    """Which of the files there are already; raises `Wrong` where none can be written."""
    if output.suffix != ".md":
        raise Wrong(f"{output}: the file's name must end in .md")
    if not output.parent.is_dir():
        raise Wrong(f"{output}: there is no folder {output.parent}")
    return [path.name for path in (output, output.with_suffix(".csv")) if path.exists()]


def _write(folder: Path, names: list[str], output: Path) -> str:
    from vitprune_tui.commands.export import export

    runs = [RunDir(folder / name) for name in names]
    return "wrote " + ", ".join(export(runs, output, output.with_suffix(".csv"))[1].splitlines())
