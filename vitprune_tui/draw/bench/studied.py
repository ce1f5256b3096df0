"""A study on the bench in plain words: what it asks for, what it decides, what it costs."""

from collections.abc import Iterator, Sequence

from vitprune_core.store.clean import clean
from vitprune_tui.draw import text
from vitprune_tui.draw.bench.wrapping import flow, wrapped
from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.lines import Line, line
from vitprune_tui.facts.filling import counts
from vitprune_tui.facts.request import Claim, Preset, Sweep
from vitprune_tui.state import Lab

NAME = 22
"""Columns of an arm's name before what it is, where there is room."""


def sentence(sweep: Sweep) -> str:
    """What there is to do, and what comes out of it."""
    arms, seeds = text.several(len(sweep.arms), "arm"), text.several(len(sweep.seeds), "seed")
    work = f"{arms} x {seeds} ({spans(sweep.seeds)}): {text.several(sweep.runs, 'run')} with"
    work += f" {text.several(sweep.retrainings, 'retraining')}, {sweep.epochs:,} epochs."
    findings = text.several(len(sweep.claims), "finding")
    if not sweep.claims:
        return f"{work} It decides nothing."
    if not sweep.looks:
        return f"{work} {findings}, shown and never decided on {clean(sweep.workload)}."
    return f"{work} {findings}, decided after {_and(sweep.looks)} seeds."


def spans(numbers: Sequence[int]) -> str:
    """100-119, or 3, 5-7."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{r[0]}-{r[-1]}" if r[1:] else f"{r[0]}" for r in runs)


def _and(numbers: Sequence[int]) -> str:
    return " and ".join(map(str, numbers))


def declaration(sweep: Sweep, columns: int) -> Iterator[Line]:
    """What is decided, then the arms: line by line, to be gone through."""
    if sweep.claims:
        yield line(("What is decided", "title"))
        for claim in sweep.claims:
            yield from _decided(claim, columns)
        smallest, margin, alpha = sweep.thresholds
        limits = f"smallest effect {100 * smallest:g}, margin {100 * margin:g} (points of accuracy)"
        yield line((f"{limits}, alpha {alpha:g}", "dim"))
        yield ()
    yield line(("Arms, their sparsities, and what most others have otherwise", "title"))
    for arm in sweep.arms:
        at = ", ".join(text.sparsity(s).removesuffix(" %") for s in arm.sparsities) + " %"
        differs = ", ".join(f"{key} {value}" for key, value in arm.differs)
        name = f"{clean(arm.name, 64):<{NAME if columns > 2 * NAME else 0}} "
        yield line((name, "strong"), at, (f"  {clean(differs)}", "dim"))


def _decided(claim: Claim, columns: int) -> Iterator[Line]:
    name = f"{clean(claim.name, 20)}  "
    for i, words in enumerate(wrapped(clean(claim.claim), max(columns - len(name), 10))):
        yield line((" " * len(name) if i else name, "strong"), words)
    told = text.several(claim.comparisons, "comparison")
    beside = f", {claim.beside} told beside" if claim.beside else ""
    caveat = f"; {clean(claim.caveat)}" if claim.caveat else ""
    for words in wrapped(f"{told}{beside}{caveat}", max(columns - len(name), 10)):
        yield line(" " * len(name), (words, "dim"))


def costs(
    preset: Preset, sweep: Sweep | None, lab: Lab, key: str, columns: int, glyphs: Glyphs
) -> list[Line]:
    """How long it takes, how far it is, and what `key` does about it."""
    if sweep is None:
        return [line(("reading it", "dim"))]
    time = "ETA ?: this host has not measured it yet"
    if sweep.seconds is not None:
        time = f"ETA {text.duration(sweep.epochs * sweep.seconds / sweep.jobs)} in all"
    parts = [text.several(sweep.jobs, "process", "processes"), time]
    told = [line(row) for row in flow(parts, columns)]
    study = lab.studies.get(sweep.folder)
    if study is None:
        what = f"{key} starts it, in processes that stay when you leave"
        return told + [line((row, "dim")) for row in wrapped(what, columns)]
    now = counts(study, lab.inside[sweep.folder].values())
    reached = f"{clean(sweep.folder)}: {now.done} of {text.several(now.planned, 'run')} done"
    bad = [f"{now.bad} ended badly"] if now.bad else []
    told += [line((row, "strong")) for row in flow([reached, *bad], columns)]
    if now.is_over:
        what = f"nothing is left to do: {key} shows what came out"
    elif study.hands or study.sweeps:
        what = f"it is worked on: {key} shows how it fills up"
    else:
        what = f"nobody works on it: {key} goes on, in processes that stay when you leave"
    return told + [line((row, "dim")) for row in wrapped(what, columns)]
