"""`vitprune watch` on a terminal: the bench's screen of one run, until that is over or left."""

from pathlib import Path
from typing import TYPE_CHECKING

from vitprune_core.store.rundir import RunDir
from vitprune_core.store.runs import name_of
from vitprune_tui.tui import opened

if TYPE_CHECKING:
    from vitprune_tui.commands.run import Answer


def watch(runs: Path, found: RunDir, width: int | None, ascii: bool, theme: str | None) -> "Answer":
    code = opened(runs, ascii=ascii, theme=theme, watch=name_of(runs, found))
    from vitprune_tui.commands.run import seen  # after the screen, as it loads pydantic

    return seen(found, width, code)
