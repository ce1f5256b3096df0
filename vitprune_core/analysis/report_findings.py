"""The chapter of a report that findings have: verdict, paragraph, picture, comparisons."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from vitprune_core.analysis.findings import Verdict
from vitprune_core.analysis.gather import Gathered
from vitprune_core.analysis.illustrations import Illustration
from vitprune_core.analysis.outside import in_words
from vitprune_core.analysis.sentences import p_value, percent, plain
from vitprune_core.analysis.units import label, margin, unit
from vitprune_core.analysis.verdicts import Comparison
from vitprune_core.spec.numbers import sparsity
from vitprune_core.store.clean import cell, prose
from vitprune_core.store.export import table


def findings(g: Gathered, pictures: Sequence[Illustration], h: str) -> list[str]:
    parts = [PICTURES] if pictures else []
    for verdict in g.verdicts:
        drawn = [p for p in pictures if p.finding == verdict.id]
        parts += [f"{h} {cell(verdict.id)}: {cell(verdict.claim)}", finding(verdict, g)]
        parts += [image(p) for p in drawn]
        if verdict.seeds:
            parts.append(comparisons(verdict, g))
    return parts if g.verdicts else ["None is declared."]


ALIKE = 0.01
"""Shares of all prunable weights that differ by less count as the same."""
PICTURES = (
    "In the pictures a row is a comparison: small dots are seeds, the large mark is their mean, "
    "the bar the interval. Where a margin is dotted, the whole bar has to lie on its right side. "
    "A difference holds when the bar lies above 0, and fails when all of it lies below the dotted "
    "line, the smallest difference that matters. What stands in brackets, there and in the "
    "tables, is told beside the verdict and decides nothing."
)


def finding(verdict: Verdict, g: Gathered) -> str:
    return f"**{cell(word_of(verdict).capitalize())}.** {prose(in_words(verdict, g))}"


COMPARISON_HEAD = (
    "comparison",
    "verdict",
    "effect",
    "interval",
    "holds if",
    "p",
    "seeds",
    "note",
)


def comparisons(verdict: Verdict, g: Gathered) -> str:
    """Every comparison; those beside the verdict in brackets."""
    rows = (_comparison(_quieter(c, verdict), g, name) for c, name in _named(verdict))
    return table(COMPARISON_HEAD, rows)


def _named(verdict: Verdict) -> Iterator[tuple[Comparison, str]]:
    """With what each is called in a table."""
    yield from ((c, label(c)) for c in verdict.comparisons)
    yield from ((c, f"({label(c)})") for c in verdict.beside)


def _quieter(c: Comparison, verdict: Verdict) -> Comparison:
    """Without the note that the paragraph above begins with."""
    why = "" if verdict.look else verdict.note.partition(". ")[0]
    return replace(c, note=c.note.replace(why, "").strip("; ")) if why else c


def _comparison(c: Comparison, g: Gathered, name: str) -> tuple[object, ...]:
    of = unit(c)
    return (
        name,
        word_of(c),
        of.told(c.effect),
        of.between(c.interval),
        _mark(c, g),
        "" if c.p is None else p_value(c.p),
        c.seeds,
        _note(c, g),
    )


OTHERWISE = (
    "The comparisons that have an interval once more, uncorrected: the interval as if nothing else "
    "had been asked, the p of flipping signs (each seed might as well have come out on the other "
    "side of what the comparison is held against), the interval of drawing seeds and test images "
    "again. Loss: the same difference of the negative log-likelihood, in nats, where less is "
    "better. Removed: what the masks came to, mean over seeds and sparsities."
)
OTHERWISE_HEAD = (
    "",
    "comparison",
    "effect",
    "95 % interval",
    "sign-flip p",
    "95 % bootstrap interval",
    "loss",
    "removed",
)


def otherwise(g: Gathered) -> list[str]:
    """The comparisons in other ways, of all findings."""
    rows = [
        (verdict.id, *_otherwise(c, name))
        for verdict in g.verdicts
        for c, name in _named(verdict)
        if c.alone is not None
    ]
    return [OTHERWISE, table(OTHERWISE_HEAD, rows)] if rows else []


def _otherwise(c: Comparison, name: str) -> tuple[object, ...]:
    of = unit(c)
    return (
        name,
        of.told(c.effect),
        of.between(c.alone),
        "" if c.sign_flip_p is None else p_value(c.sign_flip_p),
        of.between(c.bootstrap),
        "" if c.loss is None else f"{c.loss.effect:+.3f}".replace("-", "\N{MINUS SIGN}"),
        _achieved(c),
    )


def _achieved(c: Comparison) -> str:
    """Once where all arms have lost the same share."""
    shares = {arm: sparsity(share) for arm, share in c.achieved.items()}
    if len(set(shares.values())) == 1:
        return next(iter(shares.values()))
    return ", ".join(f"{arm} {share}" for arm, share in shares.items())


def _mark(c: Comparison, g: Gathered) -> str:
    """What the interval has to lie beyond."""
    part, thresholds = c.part, g.study.file.thresholds
    if part.test == "superior":
        return f"above 0 (fails below {plain(thresholds.smallest)})"
    if part.test == "recovers":
        return f"above {percent(part.least)}"
    if part.test in ("noninferior", "bounded"):
        side = "above \N{MINUS SIGN}" if part.test == "noninferior" else "below "
        return side + plain(margin(part, thresholds))
    if part.test == "structured":
        return "above 1" if c.effect is not None else "more than by chance"
    return "seeds rank matrices alike" if part.test == "uneven" else ""


def _note(c: Comparison, g: Gathered) -> str:
    notes = [c.note, _unlike(c, g)]
    has_margin = c.part.test in ("noninferior", "bounded") and c.verdict != "refuted"
    if c.smallest_margin is not None and has_margin:
        notes.append(f"would hold with a margin of {plain(c.smallest_margin)}")
    return "; ".join(note for note in notes if note)


def _unlike(c: Comparison, g: Gathered) -> str:
    """Whose layers hold more weights loses more of them at the same share."""
    arms = (c.part.arm, c.part.over) if c.part.test == "superior" else ()
    shares = ((str(arm), _of_all(str(arm), c.part.at, g)) for arm in arms)
    lost = {arm: share for arm, share in shares if share is not None}
    if len(lost) < 2 or max(lost.values()) - min(lost.values()) < ALIKE:
        return ""
    told = ", ".join(f"{arm} {sparsity(share)}" for arm, share in lost.items())
    return f"of all prunable weights lost: {told}"


def _of_all(arm: str, at: Sequence[float], g: Gathered) -> float | None:
    levels = {level.asked: level.means["sparsity_prunable"] for level in g.levels.get(arm, ())}
    shares = [share for s in at if (share := levels.get(s)) is not None]
    return sum(shares) / len(shares) if len(shares) == len(at) else None


def word_of(verdict: Verdict | Comparison) -> str:
    if isinstance(verdict, Comparison) and verdict.part.test == "constant":
        return "a check"
    extra = [word for word in ("small", "fragile") if getattr(verdict, word)]
    return ", ".join([verdict.verdict, *extra])


def image(picture: Illustration) -> str:
    alt = cell(picture.title).replace("\n", " ")
    return f"![{alt}](figures/{picture.file}.svg)\n\n[PNG](figures/{picture.file}.png)"
