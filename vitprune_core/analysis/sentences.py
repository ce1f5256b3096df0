"""One comparison in one sentence: what was seen, how sure it is, and what would have counted."""

from collections.abc import Iterable, Iterator, Sequence

from vitprune_core.analysis.units import POINTS, RECOVERY, label, margin, unit
from vitprune_core.analysis.verdicts import Comparison
from vitprune_core.spec.claims import COMPARED, Part
from vitprune_core.spec.numbers import several
from vitprune_core.spec.studyfile import Thresholds


def sentences(comparisons: Iterable[Comparison], thresholds: Thresholds) -> Iterator[str]:
    """Accuracy differences are in points, hundredths of all test images; a mark is told once."""
    told = ""
    for comparison in comparisons:
        mark = _mark(comparison, thresholds)
        also = f"; {mark}" if mark and mark != told else ""
        told = mark
        yield f"{seen(comparison)} ({_facts(comparison, thresholds)}){also}."


def short(comparison: Comparison, thresholds: Thresholds) -> str:
    """What was seen, between what, and what was asked for."""
    if comparison.effect is None:
        return seen(comparison)
    of = unit(comparison)
    sure = f" ({of.between(comparison.interval)})" if comparison.interval else ""
    return "; ".join(filter(None, [seen(comparison) + sure, _mark(comparison, thresholds)]))


def _facts(comparison: Comparison, thresholds: Thresholds) -> str:
    facts = []
    if comparison.interval:
        facts.append(f"interval {unit(comparison).between(comparison.interval)}")
    if comparison.p is not None:
        p, against = p_value(comparison.p), held_against(comparison, thresholds)
        told = f"p {p}" if p.startswith("below") else f"p = {p}"
        facts.append(f"{told} against {against}" if against else told)
    facts.append(several(comparison.seeds, "seed"))
    return ", ".join(facts)


def held_against(comparison: Comparison, thresholds: Thresholds) -> str:
    """The value of which p says how well a mean like this one would go with it."""
    part = comparison.part
    allowed = plain(margin(part, thresholds))
    if part.test == "superior":
        return plain(thresholds.smallest) if comparison.verdict == "refuted" else "0"
    if part.test == "structured":
        least = 1 + (thresholds.smallest if comparison.verdict == "refuted" else 0.0)
        return "" if comparison.effect is None else f"a ratio of {least:g}"
    return {
        "noninferior": f"\N{MINUS SIGN}{allowed}",
        "bounded": f"+{allowed}",
        "recovers": percent(part.least),
    }.get(part.test, "")


def seen(comparison: Comparison) -> str:
    """What was measured, without how sure it is."""
    part, effect = comparison.part, comparison.effect
    if effect is None or part.test == "constant":
        return f"{label(comparison)}: {comparison.note}"
    if part.test == "recovers":
        back = RECOVERY.told(effect)
        return f"{removed(part)}, retraining gives {part.arm} back {back} of what pruning cost"
    if part.test in COMPARED:
        return f"{removed(part)}, {part.arm} is {_than(effect)} {part.over}{_budget(part)}"
    return f"{label(comparison)}: {unit(comparison).told(effect)}"


def _than(effect: float) -> str:
    points = POINTS.told(abs(effect))
    if points == POINTS.told(0.0):
        return "as accurate as"
    return f"{points.lstrip('+')} {'more' if effect > 0 else 'less'} accurate than"


def _budget(part: Part) -> str:
    if part.arm_control == part.over_control:  # the same taken off twice
        return ""
    return f", each measured against its own control ({part.arm_control}, {part.over_control})"


def _mark(comparison: Comparison, thresholds: Thresholds) -> str:
    """What the interval is held against, where the sentence alone does not say it."""
    part = comparison.part
    allowed, least = plain(margin(part, thresholds)), plain(thresholds.smallest)
    if part.test == "superior" and comparison.verdict == "refuted":
        return f"an advantage of {least}, from which on it matters, is ruled out"
    if part.test == "structured" and comparison.effect is None:
        return "p is the chance that shuffled masks empty as many"
    return {
        "structured": "without structure it is 1 or less",
        "noninferior": f"a loss of up to {allowed} counts as equal",
        "bounded": f"a gain of up to {allowed} counts as no advantage",
        "recovers": f"{percent(part.least)} are asked for",
    }.get(part.test, "")


def removed(part: Part) -> str:
    """`With 95 % removed`, `Averaged over 80 and 95 % removed`."""
    shares = (*part.at, *part.each)
    return f"{'With' if len(shares) == 1 else 'Averaged over'} {listed(shares)} % removed"


def listed(shares: Sequence[float]) -> str:
    """`80`, `80, 90 and 95`: in percent."""
    return joined([f"{100 * share:g}" for share in shares])


def joined(words: Sequence[str]) -> str:
    """`a`, `a, b and c`."""
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def plain(share: float) -> str:
    """Points without their sign."""
    return POINTS.told(share).lstrip("+")


def percent(share: float) -> str:
    return f"{100 * share:g} %"


def p_value(p: float) -> str:
    """`0.012`, `below 0.001`."""
    return "below 0.001" if p < 0.001 else f"{p:.2g}"
