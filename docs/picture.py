"""Draw the README's picture, docs/picture.svg, from real runs: `python docs/picture.py RUN RUN`."""

import io
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 100


def main(runs: list[str]) -> None:
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    for words in (["plot", *runs], ["masks", runs[0], "--level", "0.95", "--layer", "2"]):
        shown = " ".join(["$ vitprune", *words])
        console.print(Text(shown, style="bold"))
        console.print(Text(_output(words)))
    Path(__file__).with_name("picture.svg").write_text(console.export_svg(title="vitprune"))


def _output(words: list[str]) -> str:
    command = [sys.executable, "-m", "vitprune_tui.cli", *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    main(sys.argv[1:])
