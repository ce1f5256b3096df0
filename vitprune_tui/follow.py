"""A run while it goes on: a bar with what is left on a terminal, plain lines in a pipe.

Both go to stderr: stdout is for results.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from vitprune_core.store import events as e
from vitprune_core.store.clean import clean
from vitprune_core.store.log import Entry
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.summary import Summary
from vitprune_core.store.summary import told as as_told
from vitprune_tui.draw import tables, text

Show = Callable[[e.Event | e.Damaged, Summary], None]


def follow(run: RunDir, records: Iterable[Entry], heading: str) -> None:
    """Show every record as it comes.

    What cannot be shown, since the pipe is closed or the disk full, does not end the run.
    """
    console = Console(stderr=True, highlight=False)
    with _bar(console) if console.is_terminal else _lines(console) as show:
        with suppress(OSError):
            console.print(Text(heading), soft_wrap=not console.is_terminal)
        for entry, summary in as_told(run, records):
            with suppress(OSError):
                show(entry.event, summary)


def told(event: e.Event | e.Damaged, s: Summary) -> str | None:
    """What stays on the screen of an event: a line, or nothing."""
    match event:
        case e.Started():
            where = (
                f"{event.fingerprint.get('device')}, {event.fingerprint.get('threads')} thread(s)"
            )
            size = f"{event.parameters:,} parameters, {event.taking_part:,} weights take part"
            return f"{size} · {where} · {event.epochs} epochs planned"
        case e.Starting():
            return f"process {event.pid} on {clean(event.host)} loads torch and the images"
        case e.Resumed():
            since = (
                "its beginning" if event.step is None else f"the checkpoint of step {event.step}"
            )
            inexact = f" (not exact: another {', '.join(event.differs)})" if event.differs else ""
            lost = (
                f", {len(event.corrupt)} damaged checkpoint(s) kept aside" if event.corrupt else ""
            )
            return f"goes on from {since}{inexact}{lost}"
        case e.Acknowledged():
            return f"{event.request}: acknowledged"
        case e.Paused():
            return f"paused: {clean(event.reason)}"
        case e.Continued():
            return "continued"
        case e.DenseAwaited():
            return f"waiting for dense model {event.hash}, which {clean(event.by)} trains"
        case e.DenseAdopted():
            where = "anew" if event.step is None else f"on from its step {event.step}"
            return f"{clean(event.of)}, which trained dense model {event.hash}, is gone: {where}"
        case e.Retracing():
            return (
                f"{event.epochs} epochs of dense training once more, for the weights to rewind to"
            )
        case e.DenseKept():
            return "the dense model is there already: this run trained it before"
        case e.DenseReused():
            other = f" (trained with another {', '.join(event.differs)})" if event.differs else ""
            return f"dense model {event.hash} is there already{other}: the run starts at pruning"
        case e.DenseDamaged():
            return f"dense model {event.hash} is damaged, kept as {event.kept_as}: trained again"
        case e.DenseTrained():
            test = f"dense     test {text.percent(event.test.accuracy)}"
            if not event.epochs:
                return f"{test}   given, not trained"
            took = text.duration(s.dense.seconds) if s.dense else "?"
            return f"{test}   {'trained before' if s.reused else 'trained'} in {took}"
        case e.Pruned():
            return f"{_at(event)}  test {text.percent(event.test.accuracy)}   pruned, not retrained"
        case e.Level():
            against = event.test.accuracy - s.dense.test.accuracy if s.dense else None
            what = f"retrained, {text.points(against)} points against dense"
            return f"{_at(event)}  test {text.percent(event.test.accuracy)}   {what}"
        case e.Diverged():
            norm = "?" if event.gradient_norm is None else f"{event.gradient_norm:.3g}"
            where = f"step {event.step} (epoch {event.epoch}), learning rate {event.lr:.3g}"
            return f"diverged at {where}, gradient norm before it {norm}"
        case e.Stopped() | e.Failed():
            return f"{s.state}: {clean(event.reason)}"
        case e.Damaged():
            return f"a damaged record of {event.bytes} bytes"
    return None


def _at(event: e.Pruned | e.Level) -> str:
    return f"{text.sparsity(event.sparsity_asked):>8}"


@contextmanager
def _lines(console: Console) -> Iterator[Show]:
    """One line for an event, and for every tenth epoch."""

    def show(event: e.Event | e.Damaged, s: Summary) -> None:
        line = told(event, s)
        if isinstance(event, e.Epoch) and s.seconds_left is not None and s.epochs_done % 10 == 0:
            line = (
                f"{s.epochs_done}/{s.epochs_planned} epochs  {tables.phase(s)}  {_numbers(event)}"
            )
            line += f"  left {text.duration(s.seconds_left)}"
        if line:
            console.print(Text(line), soft_wrap=True)

    yield show


@dataclass
class _Bar:
    progress: Progress

    def show(self, event: e.Event | e.Damaged, s: Summary) -> None:
        line = told(event, s)
        if line:
            self.progress.console.print(Text(line))
        if s.epochs_planned and not self.progress.task_ids:
            self.progress.add_task("", total=s.epochs_planned, phase="", numbers="", left="?")
        for task in self.progress.task_ids:
            self.progress.update(
                task,
                completed=s.epochs_done,
                phase=tables.phase(s),
                numbers=_numbers(s.epoch) if s.epoch else "",
                left=text.duration(s.seconds_left),
            )


@contextmanager
def _bar(console: Console) -> Iterator[Show]:
    columns = [
        TextColumn("{task.fields[phase]}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        TextColumn("{task.fields[numbers]}", markup=False),
        TextColumn("left {task.fields[left]}", markup=False),
    ]
    with Progress(*columns, console=console, transient=True, refresh_per_second=4) as progress:
        yield _Bar(progress).show


def _numbers(event: e.Epoch) -> str:
    return f"loss {event.loss:.3f} val {text.percent(event.validation.accuracy)} lr {event.lr:.1e}"
