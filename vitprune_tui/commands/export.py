"""`vitprune export`: runs as a Markdown file, and as CSV."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vitprune_core.spec.config import level_name
from vitprune_core.spec.request import load
from vitprune_core.spec.sentence import sentence
from vitprune_core.spec.source import SpecError
from vitprune_core.store.export import Exported, as_csv, markdown
from vitprune_core.store.rundir import RunDir, write
from vitprune_core.store.shown import as_shown
from vitprune_core.store.summary import Summary, summarize
from vitprune_tui.commands.masks import thumbnails
from vitprune_tui.commands.plot import curve
from vitprune_tui.draw.plots import Look
from vitprune_tui.wrong import Unable, Wrong

LOOK = Look(columns=100, rows=22)


def export(found: Sequence[RunDir], output: Path, csv: Path | None) -> tuple[dict[str, Any], str]:
    """Write the files; says which. Raises `Wrong` for a name that is no report's."""
    _check(output, ".md", "-o")
    if csv:
        _check(csv, ".csv", "--csv")
    runs = [(run, summarize(run)) for run in found]
    _write(output, markdown([_exported(run, s) for run, s in runs], curve(runs, "sparsity", LOOK)))
    if csv:
        _write(csv, as_csv([(run.id, as_shown(run, s)) for run, s in runs]))
    written = [str(path) for path in (output, csv) if path]
    return {"runs": [run.id for run, _ in runs], "written": written}, "\n".join(written)


def _exported(run: RunDir, s: Summary) -> Exported:
    levels = [level_name(r.level.sparsity_asked) for r in s.levels if r.level.sparsity_asked > 0]
    drawn = {}
    for level in levels:
        try:
            drawn[f"Masks at {level}"] = thumbnails(run, level, LOOK)
        except Wrong:
            continue  # a level whose masks are not there is reported without them
    try:
        text = run.config.read_text(encoding="utf-8")
        asked = sentence(load(str(run.config)).config)
    except (OSError, UnicodeDecodeError, SpecError):
        text, asked = "", "The config of this run cannot be read by this version."
    return Exported(run.id, s, asked, text, drawn)


def _check(path: Path, ending: str, option: str) -> None:
    """Nothing that a run lives on can be overwritten: such files end otherwise."""
    if path.suffix != ending:
        raise Wrong(f"{option} {path}: the file's name must end in {ending}")
    if not path.parent.is_dir() or path.is_dir():
        raise Wrong(f"{option} {path}: there is no folder {path.parent} to write it to")


def _write(path: Path, text: str) -> None:
    try:
        write(path, text.encode())
    except OSError as error:
        raise Unable(f"{path}: {error.strerror}") from None
