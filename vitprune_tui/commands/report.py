"""`vitprune report`: what studies found, as a report with figures, or as text on a terminal."""

import json
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from vitprune_core.analysis.gather import Clash, Gathered, findings, gather
from vitprune_core.analysis.outside import in_words
from vitprune_core.analysis.panels import Picture, pictures
from vitprune_core.analysis.summaries import LevelSummary
from vitprune_core.spec.request import completed
from vitprune_core.spec.source import SpecError
from vitprune_core.store.clean import clean
from vitprune_core.store.rundir import write
from vitprune_core.store.studydir import StudyDir
from vitprune_tui.draw import text
from vitprune_tui.draw.plots import Look, Series, curves
from vitprune_tui.draw.scale import sparsity_axis
from vitprune_tui.wrong import Unable, Wrong

FINDINGS = "findings.json"
LONGEST = 2_000
"""Of a note: a paragraph."""
TO_ASCII = str.maketrans("−±…", "-~~")
Ticks = dict[float, str] | None


def report(
    names: Sequence[str],
    runs: Path,
    output: Path | None,
    to: Path | None,
    note: str,
    look: Look,
) -> tuple[list[dict[str, Any]], str]:
    """The findings, and what is to be shown: the names of the files written, or all as text.

    Raises `Wrong` for what is no study, for studies that do not belong together and for names that
    are no report's; nothing is written then.
    """
    folders = [_folder(name, runs) for name in names]
    if len(note) > LONGEST:
        raise Wrong(f"--note: {len(note):,} characters are more than {LONGEST:,}")
    _check_ending(output, ".md", "-o")
    _check_ending(to, ".json", "--findings")
    try:
        gathered = gather(folders)
        if output is not None:
            _check_folder(output, folders)
            files = output, to or output.parent / FINDINGS
            return findings(gathered), _saved(gathered, *files, note)
        found = findings(gathered)
    except (SpecError, ValueError, Clash) as error:
        raise Wrong(str(error)) from None
    except OSError as error:
        raise Unable(f"{error.filename or output}: {error.strerror or error}") from None
    if to is not None:
        _write(to, found)
    noted = [_filled(clean(note), look)] if note else []
    shown = "\n\n".join([*noted, *(part for g in gathered for part in as_text(g, look))])
    return found, shown.translate(TO_ASCII) if look.ascii else shown


def _saved(gathered: Sequence[Gathered], output: Path, to: Path, note: str) -> str:
    from vitprune_core.analysis.written import Files, save  # half a second for the figures

    return "\n".join(str(path) for path in save(gathered, Files(output, to), note))


def _folder(name: str, runs: Path) -> StudyDir:
    """A study's folder by its path, or by its name among the runs."""
    for path in (Path(name), runs / name):
        if StudyDir(path).study.is_file():
            return StudyDir(path)
    known = sorted(found.parent.name for found in runs.glob("*/study.yaml"))
    there = f"studies in {runs}: {', '.join(known)}" if known else f"there is none in {runs} either"
    raise Wrong(f"{name}: is no study's folder, it has no study.yaml; {there}")


def _check_ending(path: Path | None, ending: str, option: str) -> None:
    if path is None:
        return
    if path.suffix != ending:
        raise Wrong(f"{option} {path}: the file's name must end in {ending}")
    if not path.parent.is_dir() or path.is_dir():
        raise Wrong(f"{option} {path}: there is no folder {path.parent} to write it to")


def _check_folder(output: Path, folders: Sequence[StudyDir]) -> None:
    """The results of several studies must not replace those of one."""
    home = output.parent.resolve()
    others = [folder for folder in folders if folder.path.resolve() != home]
    if StudyDir(home).study.exists() and others:
        raise Wrong(
            f"-o {output}: {output.parent} is a study's folder; its results.csv is its own, and "
            f"{others[0].path} is reported too: write it to another folder"
        )


def _write(path: Path, found: Sequence[dict[str, Any]]) -> None:
    try:
        write(path, (json.dumps(found, indent=2) + "\n").encode())
    except OSError as error:
        raise Unable(f"{path}: {error.strerror}") from None


def as_text(g: Gathered, look: Look) -> Iterator[str]:
    """A study for a terminal: verdicts, a paragraph each, curves as text, accuracies."""
    study = g.study
    seeds = text.several(len(g.seeds), "seed")
    yield f"{clean(study.name)} on {clean(study.workload)}: {seeds} with results, hash {study.hash}"
    if g.declared != study.hash:
        yield f"changed after it was declared with hash {clean(g.declared)}"
    if g.missing:
        runs = len(study.arms) * len(study.file.seeds)
        yield f"only {runs - len(g.missing):,} of {runs:,} runs are done"
    if g.verdicts:
        yield _verdicts(g, look)
    for verdict in g.verdicts:
        words = f"{verdict.verdict}: {in_words(verdict, g)}"
        claim = clean(f"{verdict.id} {verdict.claim}")
        yield "\n".join(_filled(part, look) for part in (claim, clean(words)))
    whole = {arm: completed(study.arms[arm]) for arm in g.levels}
    for picture in pictures(whole):
        yield _curves(picture, g, look)
    if g.levels:
        yield _accuracies(g)


def _filled(words: str, look: Look) -> str:
    return textwrap.fill(words, look.columns)


def _verdicts(g: Gathered, look: Look) -> str:
    rows = [
        (v.id, v.verdict + " small" * v.small + " fragile" * v.fragile, v.seeds, v.claim)
        for v in g.verdicts
    ]
    return text.table(("", "VERDICT", "SEEDS", "CONCLUSION"), rows, "  r ", look.columns)


def _curves(picture: Picture, g: Gathered, look: Look) -> str:
    """The first panel of a picture, means over seeds; of `layers` by all prunable weights."""
    panel, of_all = picture.panels[0], picture.axis == "layers"
    points = {arm: list(_points(g.levels[arm], of_all)) for arm in panel.curves}
    at, ticks = _places(sorted({x for of in points.values() for x, _ in of}), of_all)
    series = [
        Series(clean(panel.curves[arm]), [at[x] for x, _ in of], [100 * y for _, y in of])
        for arm, of in points.items()
        if of
    ]
    of_what = "all prunable weights, in percent" if of_all else "the weights that take part"
    title = f"by {picture.axis}: test accuracy in percent against the share removed of {of_what}"
    titles = [_filled(title, look), _filled(clean(panel.title), look)]
    level = (100 * g.dense.mean, "dense") if g.dense else None
    more = len(picture.panels) - 1
    left = (
        f"{text.several(more, 'more group')} of arms in the figures that -o makes" if more else ""
    )
    drawn = curves(series, "", look, ticks, level)
    return "\n".join(part for part in (*titles, drawn, left) if part)


def _places(shares: Sequence[float], even: bool) -> tuple[dict[float, float], Ticks]:
    """Along the axis: each tenfold compression takes the same room, or each percent does."""
    if even:
        return {share: 100 * share for share in shares}, None
    places, ticks = sparsity_axis(shares)
    return dict(zip(shares, places, strict=True)), ticks


def _points(levels: Sequence[LevelSummary], of_all: bool) -> Iterator[tuple[float, float]]:
    for level in levels:
        x = level.means["sparsity_prunable"] if of_all else level.asked
        if x is not None:
            yield round(x, 4), level.accuracy.mean


def _accuracies(g: Gathered) -> str:
    asked = sorted({level.asked for of in g.levels.values() for level in of})
    rows = []
    for arm, of in g.levels.items():
        at = {level.asked: _mean_sd(level) for level in of}
        rows.append((arm, *(at.get(a, "") for a in asked)))
    table = text.table(("ARM", *map(text.sparsity, asked)), rows, " " + "r" * len(asked))
    return f"test accuracy in percent, mean and standard deviation over seeds\n{table}"


def _mean_sd(level: LevelSummary) -> str:
    sd = "" if level.accuracy.sd is None else f" {100 * level.accuracy.sd:.1f}"
    return f"{100 * level.accuracy.mean:.1f}{sd}"
