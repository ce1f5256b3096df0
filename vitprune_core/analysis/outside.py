"""What the means say at sparsities that a finding does not ask about, where they say otherwise.

A comparison is declared at some sparsities; its arms may have been measured at more. Who reads that
one arm does not beat another there has to hear that it does, or loses, elsewhere.
"""

from collections.abc import Iterator, Mapping, Sequence

from vitprune_core.analysis.findings import Verdict
from vitprune_core.analysis.gather import Gathered
from vitprune_core.analysis.sentences import joined, listed, plain
from vitprune_core.analysis.verdicts import Comparison
from vitprune_core.analysis.wording import paragraph


def in_words(verdict: Verdict, g: Gathered) -> str:
    """The paragraph of a verdict, and what the means say outside of what it asks."""
    words = paragraph(verdict, g.study.file.thresholds, g.study.looks)
    return " ".join(filter(None, [words, outside(verdict, g)]))


def outside(verdict: Verdict, g: Gathered) -> str:
    """A sentence, or "" where there is nothing to add. Before the first look nothing is decided."""
    if verdict.look is None:
        return ""
    found = [words for c in verdict.comparisons for words in _outside(c, verdict, g)]
    if not found:
        return ""
    return f"Outside of what was declared, and not tested: {'; '.join(dict.fromkeys(found))}."


def _outside(c: Comparison, verdict: Verdict, g: Gathered) -> Iterator[str]:
    part, smallest = c.part, g.study.file.thresholds.smallest
    if part.test != "superior" or part.arm_control != part.over_control or c.effect is None:
        return
    assert isinstance(part.arm, str)
    assert isinstance(part.over, str)
    asked = _asked({part.arm, part.over}, g)
    seeds = g.study.file.seeds[: verdict.look]
    differences = _differences(part.arm, part.over, g, seeds)
    beyond = {at: d for at, d in differences.items() if at not in asked}
    less = {at: d for at, d in beyond.items() if d <= -smallest}
    more = {at: d for at, d in beyond.items() if d >= smallest}
    yield from _told(part.arm, part.over, less, "below")
    if c.verdict != "supported":
        yield from _told(part.arm, part.over, more, "above")


def _asked(pair: set[str], g: Gathered) -> set[float]:
    """Sparsities at which any finding compares the two, or tells of them beside."""
    known = (c.part for v in g.verdicts for c in (*v.comparisons, *v.beside))
    return {s for part in known if {part.arm, part.over} == pair for s in part.at}


def _differences(arm: str, over: str, g: Gathered, seeds: Sequence[int]) -> dict[float, float]:
    """Sparsity asked -> mean difference of test accuracy, over these seeds that have both."""
    rows = (row for row in g.rows_of(arm) if row.seed in seeds)
    of = {(row.sparsity_asked, row.seed): row.accuracy for row in rows}
    pairs: dict[float, list[float]] = {}
    for row in g.rows_of(over):
        if (accuracy := of.get((row.sparsity_asked, row.seed))) is not None:
            pairs.setdefault(row.sparsity_asked, []).append(accuracy - row.accuracy)
    return {at: sum(found) / len(found) for at, found in sorted(pairs.items())}


def _told(arm: str, over: str, means: Mapping[float, float], where: str) -> Iterator[str]:
    if means:
        points = joined([plain(abs(d)).removesuffix(" points") for d in means.values()])
        what = f"the mean of {arm} is {points} points {where} {over}'s"
        yield f"with {listed(list(means))} % removed {what}"
