"""A study while it is worked off: a bar with what is left on a terminal, plain lines in a pipe.

Both go to stderr: stdout is for results.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar
from rich.text import Text

from vitprune_core.store.brief import ALIVE, Brief
from vitprune_core.sweep import Progress
from vitprune_tui.draw import text

Show = Callable[[Progress], None]
COLUMNS = (
    TextColumn("{task.fields[runs]}", markup=False),
    BarColumn(bar_width=24),
    TextColumn("{task.completed:.0f}/{task.total:.0f} epochs"),
    TextColumn("left {task.fields[left]}", markup=False),
    TextColumn("{task.fields[working]}", markup=False),
)


@contextmanager
def following() -> Iterator[Show]:
    """A line for each run that comes to its end, and on a terminal a bar below them."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield _lines(console)
        return
    with Bar(*COLUMNS, console=console, transient=True, refresh_per_second=2) as bar:
        lines, draw = _lines(bar.console), _bar(bar)

        def show(now: Progress) -> None:
            lines(now)
            draw(now)

        yield show


def _lines(console: Console) -> Show:
    ended: dict[str, str] = {}

    def show(now: Progress) -> None:
        for planned, brief in now.runs.items():
            if brief and brief.state not in ("queued", *ALIVE):
                if ended.get(planned.id) != brief.state and (brief.updated or 0) >= now.since:
                    with suppress(OSError):  # what cannot be shown does not end the study
                        console.print(Text(_ended(planned.id, brief)), soft_wrap=True)
                ended[planned.id] = brief.state

    return show


def _ended(run: str, brief: Brief) -> str:
    if brief.accuracy is None or brief.sparsity is None:
        return f"{run}  {brief.state}"
    at = f"{text.sparsity(brief.sparsity)}: test {text.percent(brief.accuracy)}"
    return f"{run}  {brief.state}  {at}"


def _bar(bar: Bar) -> Show:
    started: list[tuple[float, int]] = []

    def show(now: Progress) -> None:
        done, planned = now.epochs
        started.append((time.monotonic(), done))
        (began, before), (at, _) = started[0], started[-1]
        left = (planned - done) * (at - began) / (done - before) if done > before else None
        if not bar.task_ids:
            bar.add_task("", total=planned, runs="", left="?", working="")
        bar.update(
            bar.task_ids[0],
            completed=done,
            runs=f"{now.done} of {len(now.runs)} runs",
            left=text.duration(left),
            working=", ".join(planned.id for planned, _ in now.working),
        )

    return show
