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
from vitprune_core.store.log import Entry
from vitprune_core.store.summary import Summary
from vitprune_tui.draw import tables, text
from vitprune_tui.draw.told import told

Show = Callable[[e.Found, Summary], None]


def follow(records: Iterable[tuple[Entry, Summary]], heading: str) -> None:
    """Show every record as it comes, with the run after it.

    What cannot be shown, since the pipe is closed or the disk full, does not end the run.
    """
    console = Console(stderr=True, highlight=False)
    with _bar(console) if console.is_terminal else _lines(console) as show:
        with suppress(OSError):
            console.print(Text(heading), soft_wrap=not console.is_terminal)
        for entry, summary in records:
            with suppress(OSError):
                show(entry.event, summary)


@contextmanager
def _lines(console: Console) -> Iterator[Show]:
    """One line for an event, and for every tenth epoch."""

    def show(event: e.Found, s: Summary) -> None:
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

    def show(self, event: e.Found, s: Summary) -> None:
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
