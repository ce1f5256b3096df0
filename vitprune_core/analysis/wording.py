"""A verdict in words for somebody who knows only the claim: what was found, how sure, what next."""

from collections.abc import Iterable, Iterator, Sequence

from vitprune_core.analysis.ahead import needed, towards
from vitprune_core.analysis.findings import Verdict, deciding
from vitprune_core.analysis.sentences import listed, plain, sentences, short
from vitprune_core.analysis.units import label, margin, unit
from vitprune_core.analysis.verdicts import Comparison
from vitprune_core.spec.studyfile import Thresholds

TOLD = 3
"""Comparisons that a paragraph tells of; the table has all."""
HELD = 4
"""The same of what holds in a finding that does not."""


def paragraph(verdict: Verdict, thresholds: Thresholds, looks: Sequence[int] = ()) -> str:
    """One plain paragraph. `looks`: after how many seeds there are verdicts."""
    said = _so_far if verdict.look is None else _decided
    parts = [
        *said(verdict, thresholds),
        _left_out(verdict),
        *_warnings(verdict, thresholds),
        _ahead(verdict, thresholds, looks),
        *_beside(verdict, thresholds),
        _ended(verdict.caveat),
    ]
    return " ".join(part for part in parts if part)


def because(verdict: Verdict, thresholds: Thresholds) -> str:
    """Why, in short: the comparison that a verdict stands or falls with."""
    if verdict.look is None:
        return ""
    chosen = deciding(verdict.comparisons, verdict.verdict)
    return short(chosen, thresholds) if chosen else ""


def _so_far(verdict: Verdict, thresholds: Thresholds) -> Iterator[str]:
    """Before the first look: which way it points, and what points away from it most."""
    yield f"Not decided yet: {_ended(verdict.note.partition('. ')[0])}"
    known = sorted(
        (c for c in verdict.comparisons if c.effect is not None and c.verdict != "skipped"),
        key=lambda c: towards(c, thresholds),
    )
    if not known:
        yield "Nothing that it needs is measured yet."
        return
    away = [c for c in known if towards(c, thresholds) <= 0]
    good, all_ = len(known) - len(away), len(known)
    way = "points" if good == 1 else "point"
    if all_ == 1:
        yield f"So far the mean points {'away from' if away else 'towards'} it."
    elif away:
        yield f"So far {good or 'none'} of {all_} means {way} towards it."
    else:
        yield f"So far all {all_} means point towards it."
    first = "" if all_ == 1 else "Furthest away: " if away else "The least sure: "
    yield from _led(first, away[:TOLD] or known[:1], thresholds)


def _led(first: str, told: Sequence[Comparison], thresholds: Thresholds) -> Iterator[str]:
    """Sentences, the first one led in."""
    for i, words in enumerate(sentences(told, thresholds)):
        yield first + _lower(words) if first and i == 0 else words


def _decided(verdict: Verdict, thresholds: Thresholds) -> Iterator[str]:
    told = _told(verdict)
    yield _opening(verdict)
    several = verdict.verdict == "supported" and len(verdict.comparisons) > 1
    yield from _led("The least sure: " if several else "", told, thresholds)
    yield _others(verdict, told)
    yield _held(verdict)


def _opening(verdict: Verdict) -> str:
    deciding = [c for c in verdict.comparisons if c.verdict != "skipped"]
    number = {word: sum(c.verdict == word for c in deciding) for word in ("supported", "refuted")}
    held, failed, all_ = number["supported"], number["refuted"], len(deciding)
    if not deciding:
        return "There is nothing to decide it from: every comparison was left out."
    if verdict.verdict == "supported":
        return "What decides it holds." if all_ == 1 else f"{_all(all_)} that decide it hold."
    if verdict.verdict == "refuted":
        if all_ == 1:
            return "What decides it turned out the other way."
        rest = all_ - held - failed
        others = f", {held or 'none'} {_hold(held)} and {rest or 'none'} {_is(rest)} open"
        others = others if held + rest else ""
        return f"It needs {_all(all_).lower()}: {failed} turned out the other way{others}."
    if all_ == 1:
        return "What decides it is open."
    left = all_ - held
    holding = f"{held or 'none'} {_hold(held)}"
    return f"It needs {_all(all_).lower()}: {holding} and {left} {_is(left)} open."


def _all(number: int) -> str:
    return "Both comparisons" if number == 2 else f"All {number} comparisons"


def _hold(number: int) -> str:
    return "holds" if number in (0, 1) else "hold"


def _is(number: int) -> str:
    return "is" if number in (0, 1) else "are"


def _told(verdict: Verdict) -> list[Comparison]:
    """Those that made the verdict: what failed, what is open, or of what holds the least sure."""
    chosen = [c for c in verdict.comparisons if c.verdict == verdict.verdict]
    if verdict.verdict == "supported":
        return sorted(chosen, key=lambda c: -(c.p or 0.0))[:1]
    return sorted(chosen, key=lambda c: c.p or 0.0)[:TOLD]


def _others(verdict: Verdict, told: Sequence[Comparison]) -> str:
    """What a paragraph leaves to the table."""
    alike = sum(c.verdict == verdict.verdict for c in verdict.comparisons)
    left = 0 if verdict.verdict == "supported" else alike - len(told)
    return f"{left} more {_is(left)} in the table." if left > 0 else ""


def _held(verdict: Verdict) -> str:
    """What holds of a finding that does not hold as a whole."""
    held = [c for c in verdict.comparisons if c.verdict == "supported"]
    if verdict.verdict == "supported" or not held:
        return ""
    told = [
        f"{label(c)} ({c.note if c.effect is None else unit(c).told(c.effect)})"
        for c in held[:HELD]
    ]
    more = f"; and {len(held) - HELD} more" if len(held) > HELD else ""
    return f"What holds: {'; '.join(told)}{more}."


def _left_out(verdict: Verdict) -> str:
    skipped = [c for c in verdict.comparisons if c.verdict == "skipped"]
    if not skipped or len(skipped) == len(verdict.comparisons):
        return ""
    all_ = len(verdict.comparisons)
    return f"{len(skipped)} of {all_} comparisons {_is(len(skipped))} left out; the table says why."


def _warnings(verdict: Verdict, thresholds: Thresholds) -> Iterator[str]:
    if verdict.small:
        least = plain(thresholds.smallest)
        yield f"The difference is small: real, but below the {least} that were declared to matter."
    if verdict.fragile:
        fragile = [c for c in verdict.comparisons if c.fragile and c.verdict == verdict.verdict]
        of = f" for {'; '.join(label(c) for c in fragile[:TOLD])}" if fragile else ""
        yield (
            "It is fragile: flipping signs, or resampling seeds and images, says something "
            f"else{of}."
        )


def _ahead(verdict: Verdict, thresholds: Thresholds, looks: Sequence[int]) -> str:
    """What would settle it."""
    open_ = [c for c in verdict.comparisons if c.verdict == "inconclusive"]
    if verdict.verdict != "inconclusive" or not open_:
        return ""
    most, now = needed(open_, thresholds), verdict.seeds
    if most is None:
        return "How many seeds would settle it cannot be foreseen."
    same = "if mean and spread stay as they are"
    ahead = [look for look in looks if look > now]
    if ahead and most <= ahead[0]:
        words = f"the look after {ahead[0]} seeds should settle it, {same}."
    else:
        beyond = f", more than the {looks[-1]} declared" if looks and most > looks[-1] else ""
        words = f"about {most - now} more seeds ({most} in all{beyond}) would settle it, {same}."
    fails = any(towards(c, thresholds) <= 0 for c in open_ if c.effect is not None)
    if fails and len(open_) > 1:
        return f"One that fails is enough: {words}"
    return words[0].upper() + words[1:]


def _beside(verdict: Verdict, thresholds: Thresholds) -> Iterator[str]:
    """What is told beside the verdict."""
    series = list(_series([*verdict.comparisons, *verdict.beside]))
    if verdict.look is not None:
        yield from (_reach(of, thresholds) for of in series)
    counted = {id(c) for of in series for c in of}
    known = [c for c in verdict.beside if c.effect is not None and id(c) not in counted][:1]
    yield from _led("Beside it: ", known, thresholds)


def _series(comparisons: Iterable[Comparison]) -> Iterator[list[Comparison]]:
    """`noninferior` at several sparsities, each on its own."""
    found: dict[tuple[object, ...], list[Comparison]] = {}
    for c in comparisons:
        if c.part.test == "noninferior" and len(c.part.at) == 1:
            found.setdefault((c.part.arm, c.part.over, c.part.margin), []).append(c)
    return (of for of in found.values() if len(of) > 1)


def _reach(of: Sequence[Comparison], thresholds: Thresholds) -> str:
    """At which sparsities an arm is shown to keep up."""
    part = of[0].part
    passed = sorted(c.part.at[0] for c in of if c.verdict == "supported")
    others = sorted(c.part.at[0] for c in of if c.verdict != "supported")
    where = f"at {listed(passed)} %" if passed else f"at none of {listed(others)} %"
    but = f", not at {listed(others)} %" if passed and others else ""
    allowed = plain(margin(part, thresholds))
    return f"{part.arm} is shown to lose at most {allowed} against {part.over} {where}{but}."


def _lower(words: str) -> str:
    """In the middle of a sentence; a name of an arm stays as it is."""
    return words[:1].lower() + words[1:]


def _ended(words: str) -> str:
    words = words.strip()
    return words if not words or words.endswith((".", "!", "?")) else f"{words}."
