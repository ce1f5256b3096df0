"""`vitprune-tui`: the lab bench on a terminal."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from select import POLLHUP, poll
from signal import SIGHUP
from threading import Thread
from typing import TYPE_CHECKING

import typer

from vitprune_core.store.rundir import nobody_else_writes
from vitprune_tui.cli import RUNS, Ascii, Runs, Theme
from vitprune_tui.console import complain, has_terminal
from vitprune_tui.wrong import Wrong

if TYPE_CHECKING:
    from collections.abc import Iterable

SOON = 0.5
"""Seconds that nobody needs to be told why they pass."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def bench(runs: Runs = RUNS, ascii: Ascii = False, theme: Theme = None) -> None:
    """Start, watch, compare and see through pruning runs; leaving ends none of them."""
    try:
        raise typer.Exit(opened(runs, ascii=ascii, theme=theme))
    except Wrong as wrong:
        complain(str(wrong))
        raise typer.Exit(2) from None


def opened(
    runs: Path, *, ascii: bool = False, theme: str | None = None, watch: str | None = None
) -> int:
    """Open the bench until it is left; the exit code. Raises `Wrong` for a theme unknown here."""
    if not has_terminal():
        print("vitprune-tui needs a terminal; `vitprune` does all of it without", file=sys.stderr)
        return 2
    from vitprune_tui.app import VitPrune
    from vitprune_tui.themes import THEMES

    names = [known.name for known in THEMES]
    if theme and theme not in names:
        raise Wrong(f"--theme {theme}: choices are {', '.join(names)}")
    plain = bool(os.environ.get("NO_COLOR"))
    ascii = ascii or "utf" not in (sys.stdout.encoding or "").lower()
    bench = VitPrune(runs, ascii=ascii, theme=theme, watch=watch, plain=plain)
    Thread(target=_end_with_terminal, args=(bench.at_work,), daemon=True).start()
    bench.run()
    _finish(bench.at_work)
    return bench.return_value or bench.return_code or 0


def _finish(at_work: "Iterable[Thread]") -> None:
    """What was asked for is done though its screen is gone; ctrl+c leaves it undone."""
    with suppress(KeyboardInterrupt):
        for thread in tuple(at_work):
            thread.join(SOON)
            if thread.is_alive():
                print(f"{thread.name}: ctrl+c leaves it undone", file=sys.stderr)
            thread.join()


def _end_with_terminal(at_work: "Iterable[Thread]") -> None:
    """As SIGHUP does; where that is ignored, as under nohup, what was asked for is done first.

    Nothing else would tell that nobody looks any more: it would read and read from what is gone.
    """
    terminal = poll()
    for file in (0, 1):
        terminal.register(file, 0)
    if any(what & POLLHUP for _, what in terminal.poll()):
        os.kill(os.getpid(), SIGHUP)
        for thread in tuple(at_work):
            thread.join()
        os._exit(128 + SIGHUP)


def main() -> None:
    nobody_else_writes()
    app()


if __name__ == "__main__":
    main()
