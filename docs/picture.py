"""Draw the README's picture, docs/picture.svg, from real runs: `python docs/picture.py RUN RUN`."""

import io
import os
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

from vitprune_core.store.runs import find
from vitprune_tui.commands.masks import masks
from vitprune_tui.commands.plot import plot
from vitprune_tui.draw.plots import Look

LOOK = Look(columns=100, rows=20, colour=True)


def main(names: list[str]) -> None:
    runs = [find(Path(os.environ.get("VITPRUNE_RUNS", "runs")), name) for name in names]
    console = Console(record=True, width=LOOK.columns, file=io.StringIO(), force_terminal=True)
    for command, shown in (
        (f"vitprune plot {' '.join(names)}", plot(runs, "sparsity", LOOK)[1]),
        (f"vitprune masks {names[0]} --layer 2", masks(runs[0], "0.95", 2, None, LOOK)[1]),
    ):
        console.print(Text(f"$ {command}", style="bold"))
        console.print(Text.from_ansi(shown))
        console.print()
    Path(__file__).with_name("picture.svg").write_text(console.export_svg(title="vitprune"))


if __name__ == "__main__":
    main(sys.argv[1:])
