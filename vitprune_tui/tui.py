"""`vitprune-tui`: the lab bench on a terminal."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from vitprune_tui.cli import RUNS, Ascii, Runs

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
Theme = Annotated[
    str | None, typer.Option("--theme", help="dark, light, colour-blind or terminal.")
]


@app.command()
def bench(runs: Runs = RUNS, ascii: Ascii = False, theme: Theme = None) -> None:
    """Start, watch, compare and see through pruning runs; leaving ends none of them."""
    raise typer.Exit(opened(runs, ascii=ascii, theme=theme))


def opened(
    runs: Path, *, ascii: bool = False, theme: str | None = None, watch: str | None = None
) -> int:
    """Open the bench until it is left; the exit code."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        print("vitprune-tui needs a terminal; `vitprune` does all of it without", file=sys.stderr)
        return 2
    from vitprune_tui.app import VitPrune
    from vitprune_tui.themes import THEMES

    names = [known.name for known in THEMES]
    if theme and theme not in names:
        print(f"--theme {theme}: choices are {', '.join(names)}", file=sys.stderr)
        return 2
    plain = bool(os.environ.get("NO_COLOR"))
    ascii = ascii or "utf" not in (sys.stdout.encoding or "").lower()
    bench = VitPrune(runs, ascii=ascii, theme=theme, watch=watch, plain=plain)
    bench.run()
    return bench.return_value or bench.return_code or 0


def main() -> None:
    app()


if __name__ == "__main__":
    main()
