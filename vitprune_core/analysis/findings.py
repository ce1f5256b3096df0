"""The verdicts of a study: its declared findings, decided from its tables.

A finding is carried out part by part on the first n declared seeds, n the last look whose seeds are
complete. All parts of all findings are one family: each is judged at alpha / looks / parts, so that
any decisive verdict of the workload is false with a probability of alpha at most (Bonferroni).
"""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from vitprune_core.analysis.ahead import needed
from vitprune_core.analysis.cells import CONTROL, Cells, Spot, terms
from vitprune_core.analysis.contrasts import compared, constant, recovered, where
from vitprune_core.analysis.matrices import structured, uneven
from vitprune_core.analysis.tables import Tables
from vitprune_core.analysis.verdicts import Comparison, Interval, Terms, Word, skipped
from vitprune_core.spec.claims import Finding, Part, comparisons, expanded
from vitprune_core.spec.study import Study
from vitprune_core.spec.studyfile import FEWEST_SEEDS

__all__ = ["Comparison", "Verdict", "as_json", "decide", "family"]

CARRIED_OUT: dict[str, Callable[[Cells, Part, Sequence[int], Terms], list[Comparison]]] = {
    "superior": compared,
    "noninferior": compared,
    "bounded": compared,
    "recovers": recovered,
    "uneven": uneven,
    "structured": structured,
    "constant": constant,
}
COMPARISONS = {"uneven": 2, "structured": 4, "constant": 0}
"""That one part comes to; others to one. A check decides nothing."""


@dataclass(frozen=True)
class Verdict:
    id: str
    claim: str
    verdict: Word
    effect: float | None
    """This, `interval` and `p` are those of the part that decides, see `deciding`."""
    interval: Interval | None
    p: float | None
    seeds: int
    seeds_needed: int | None
    """To settle every part that is open; None when none is, or one is hopeless."""
    fragile: bool
    small: bool
    comparisons: tuple[Comparison, ...]
    beside: tuple[Comparison, ...]
    """At the same level, and not counted."""
    caveat: str
    look: int | None
    """Seeds of the look it stands on."""
    note: str


def decide(study: Study, tables: Tables) -> list[Verdict]:
    """All findings of the study, in the order of its file."""
    return [decided(Cells(study, tables), name) for name in study.file.findings]


def family(study: Study) -> int:
    """How many comparisons decide on a workload; the same one in two findings counts once."""
    thresholds = study.file.thresholds
    asked = {}
    for finding in study.file.findings.values():
        for part in comparisons(finding):
            margin = thresholds.margin if part.margin is None else part.margin
            if not _is_beside(part):
                key = part.model_copy(update={"margin": margin}).model_dump_json()
                asked[key] = COMPARISONS.get(part.test, 1)
    return max(sum(asked.values()), 1)


def _is_beside(part: Part) -> bool:
    return part.beside or COMPARISONS.get(part.test) == 0


def decided(cells: Cells, name: str) -> Verdict:
    """One finding, corrected for all that the study declares."""
    finding = cells.study.file.findings[name]
    standing = _standing(cells, finding)
    by_part: list[list[Comparison]] = []
    beside: list[Comparison] = []
    for part in finding.parts:
        made = [c for one in expanded(part) for c in _carried_out(cells, one, standing)]
        if _is_beside(part):
            beside += made
        else:
            by_part.append(made)
    made = [c for of in by_part for c in of]
    word = _together(by_part)
    chosen = deciding(made, word)
    reach = _furthest([*made, *beside]) if standing.look else ()
    return Verdict(
        id=name,
        claim=finding.claim,
        verdict=word,
        effect=chosen.effect if chosen else None,
        interval=chosen.interval if chosen else None,
        p=chosen.p if chosen else None,
        seeds=len(standing.seeds),
        seeds_needed=_needed(cells, made, word),
        fragile=_is_fragile(made, word, chosen),
        small=word == "supported" and any(c.small for c in made),
        comparisons=tuple(made),
        beside=tuple(beside),
        caveat=finding.caveat,
        look=standing.look,
        note=". ".join(filter(None, [standing.on.why, _nothing_left(by_part), *reach])),
    )


def _needed(cells: Cells, made: Sequence[Comparison], word: Word) -> int | None:
    return needed(made, cells.study.file.thresholds) if word == "inconclusive" else None


class Standing(NamedTuple):
    """What a verdict stands on."""

    seeds: Sequence[int]
    look: int | None
    on: Terms


def _standing(cells: Cells, finding: Finding) -> Standing:
    """The seeds of the last look that was reached, or those so far."""
    asked = [part for part in comparisons(finding) if not _is_beside(part)]
    spots = {spot for part in asked for spot in _needs(cells, part)}
    study, declared = cells.study, cells.study.file.seeds
    complete = [seed for seed in declared if cells.complete(spots, seed)]
    look, why = _look(study, complete)
    correction = max(len(study.looks), 1) * family(study)
    on = Terms(study.file.thresholds.alpha, correction, look is not None, why)
    return Standing(declared[:look] if look else complete, look, on)


def _needs(cells: Cells, part: Part) -> set[Spot]:
    """The levels of arms without which a part has no number for a seed."""
    spots = set().union(*(term.spots for term in terms(cells, part)))
    return spots | ({(part.control, CONTROL)} if part.control else set())


def _look(study: Study, complete: Sequence[int]) -> tuple[int | None, str]:
    """The number of seeds that verdicts stand on, or None and why there is none."""
    if not study.looks:
        return None, f"no look is declared for {study.workload}: a pilot, which decides nothing"
    whole = 0
    while whole < len(study.file.seeds) and study.file.seeds[whole] in complete:
        whole += 1
    reached = [n for n in study.looks if FEWEST_SEEDS <= n <= whole]
    if reached:
        return max(reached), ""
    first = min(study.looks)
    return None, f"the first look is after {first} whole seeds in their order, there are {whole}"


def _carried_out(cells: Cells, part: Part, standing: Standing) -> list[Comparison]:
    """What a part comes to; one beside may have been measured for fewer seeds."""
    known = [seed for seed in standing.seeds if cells.complete(_needs(cells, part), seed)]
    if not known:
        return [skipped(part, _name(part), "nothing was measured yet")]
    return CARRIED_OUT[part.test](cells, part, known, standing.on)


def _name(part: Part) -> str:
    return f"{part.arm} - {part.over}, {where(part)}" if part.over else f"{part.arm}, {where(part)}"


def _together(by_part: Sequence[Sequence[Comparison]]) -> Word:
    """All have to hold, one that fails is enough; what was skipped does not count.

    Of every part that is declared something has to be left: a finding that needs the optimizer
    both kept and reset is not supported by one of them.
    """
    words = {c.verdict for of in by_part for c in of} - {"skipped"}
    if "refuted" in words:
        return "refuted"
    whole = all(any(c.verdict != "skipped" for c in of) for of in by_part)
    return "supported" if whole and words == {"supported"} else "inconclusive"


def deciding(made: Sequence[Comparison], word: Word) -> Comparison | None:
    """The comparison that a verdict stands or falls with.

    Refuted: the surest of those that fail. Supported: the least sure of all. Inconclusive: the
    least sure of those that are open.
    """
    chosen = [c for c in made if c.verdict == word]
    pick = min if word == "refuted" else max
    return pick(chosen, key=lambda c: 1.0 if c.p is None else c.p, default=None)


def _is_fragile(made: Sequence[Comparison], word: Word, chosen: Comparison | None) -> bool:
    """A supported finding with any of its parts, one that is not with the part that decides."""
    if word == "supported":
        return any(c.fragile for c in made)
    return chosen is not None and chosen.fragile


def _nothing_left(by_part: Sequence[Sequence[Comparison]]) -> str:
    gone = [of for of in by_part if all(c.verdict == "skipped" for c in of)]
    if not gone:
        return ""
    if len(gone) == len(by_part):
        return "no comparison is left that could decide"
    return f"of {len(gone)} of {len(by_part)} parts no comparison is left that could decide"


def _furthest(made: Sequence[Comparison]) -> Iterator[str]:
    """Up to which sparsity arms are not inferior, where several were asked."""
    asked: dict[tuple[Any, Any, Any], dict[float, Word]] = {}
    for c in made:
        if c.part.test == "noninferior" and len(c.part.at) == 1:
            asked.setdefault((c.part.arm, c.part.over, c.part.margin), {})[c.part.at[0]] = c.verdict
    for (arm, over, _), verdicts in asked.items():
        failing = [at for at, word in verdicts.items() if word != "supported"]
        passed = [at for at in verdicts if at < min(failing, default=math.inf)]
        if len(verdicts) > 1:
            reach = f"up to {100 * max(passed):g} %" if passed else "at no sparsity asked"
            yield f"{arm} is not inferior to {over} {reach}"


def as_json(verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    """`findings.json`: values of JSON, in the order of the study."""
    return [json.loads(json.dumps(asdict(v), default=_plain)) for v in verdicts]


def _plain(value: Part) -> dict[str, Any]:
    return value.model_dump(mode="json", exclude_none=True)
