"""Comparisons of arms by their accuracies: one against another, what retraining brings back, and
the check that every image gets the same class."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from vitprune_core.analysis import statistics
from vitprune_core.analysis.cells import CONTROL, Cells, Spot, Term, sample, terms, values
from vitprune_core.analysis.tables import Row
from vitprune_core.analysis.verdicts import (
    Comparison,
    Law,
    Loss,
    Sample,
    Terms,
    bounded,
    judge,
    noninferior,
    recovers,
    skipped,
    superior,
)
from vitprune_core.spec.claims import Part

ABOVE_CHANCE, BELOW_CONTROL = 0.10, 0.03
"""Where arms can be told apart: well above chance, and worse than their control."""


def compared(cells: Cells, part: Part, seeds: Sequence[int], on: Terms) -> list[Comparison]:
    """`superior`, `noninferior` and `bounded`."""
    added, label = terms(cells, part), _label(part)
    if part.test == "bounded" and (why := _beside_the_point(cells, part, seeds)):
        seen = values(cells, added, seeds, lambda row: row.accuracy)
        out = skipped(part, label, why)
        return [replace(out, effect=float(seen.mean()), seeds=len(seen), per_seed=tuple(seen))]
    law = law_of(cells, part)
    found = judge(part, label, sample(cells, added, seeds), law, on)
    return [
        replace(
            found,
            smallest_margin=None if part.test == "superior" else _smallest_margin(found, law),
            loss=_loss(cells, added, seeds, on),
            achieved=_achieved(cells, added, seeds),
        )
    ]


def law_of(cells: Cells, part: Part) -> Law:
    usual = cells.study.file.thresholds.margin
    margin = usual if part.margin is None else part.margin
    laws = {"superior": superior(cells.smallest), "noninferior": noninferior(margin)}
    return laws.get(part.test, bounded(margin))


def _beside_the_point(cells: Cells, part: Part, seeds: Sequence[int]) -> str:
    """Why a cell of `bounded` does not count; "" when it does."""
    assert isinstance(part.control, str)
    arm, over = (replace(term, sign=1) for term in terms(cells, part)[:2])
    control = Term(1, part.control, (CONTROL,))
    best = values(cells, [control], seeds, lambda row: row.accuracy).mean() - BELOW_CONTROL
    least = values(cells, [control], seeds, lambda row: row.chance).mean() + ABOVE_CHANCE
    for term in (arm, over):
        mean = values(cells, [term], seeds, lambda row: row.accuracy).mean()
        if not least <= mean <= best:
            end = "control" if mean > best else "chance"
            ends = f"chance + {100 * ABOVE_CHANCE:g} to control - {100 * BELOW_CONTROL:g} points"
            window = f"only {100 * least:.1f} to {100 * best:.1f} % count ({ends})"
            return f"{term.arm} is too close to {end}: {100 * mean:.1f} % right, {window}"
    return ""


def _smallest_margin(found: Comparison, law: Law) -> float | None:
    if found.interval is None:
        return None
    return max(0.0, found.interval[1] if law.below else -found.interval[0])


def _loss(cells: Cells, added: Sequence[Term], seeds: Sequence[int], on: Terms) -> Loss:
    found = values(cells, added, seeds, lambda row: row.loss)
    if len(seeds) < 2:
        return Loss(float(found.mean()), None)
    seen = statistics.estimate(found)
    mean, half = float(seen.mean), float(seen.half(on.level))
    return Loss(mean, (mean - half, mean + half))


def _achieved(cells: Cells, added: Sequence[Term], seeds: Sequence[int]) -> dict[str, float]:
    """Arm -> sparsity, where it was measured."""
    found = {}
    for term in added:
        rows = [cells.row(spot, seed) for spot in sorted(term.spots) for seed in seeds]
        reached = [row.sparsity for row in rows if row and row.sparsity is not None]
        if reached and term.levels != (CONTROL,):
            found[term.arm] = float(np.mean(reached))
    return found


def recovered(cells: Cells, part: Part, seeds: Sequence[int], on: Terms) -> list[Comparison]:
    """`recovers`: what retraining brought back of what pruning had cost, ratio of the means."""
    assert isinstance(part.arm, str)
    assert isinstance(part.control, str)
    arm, control = cells.term(1, part.arm, part.at), Term(-1, part.control, (CONTROL,))
    label = f"{part.arm}: share brought back, {where(part)}"
    kept = values(cells, [arm], seeds, before)
    cost = -values(cells, [control], seeds, lambda row: row.accuracy) - kept
    gain = values(cells, [arm], seeds, lambda row: row.accuracy) - kept
    if cost.mean() < cells.smallest:
        why = f"pruning costs {100 * cost.mean():.1f} points, there is nothing to bring back"
        return [skipped(part, label, why)]
    accuracy = sample(cells, [arm, control], seeds)
    back = Sample(
        statistics.ratio_of_means(gain, cost, part.least),
        accuracy.floor / cost.mean(),
        None if accuracy.images is None else accuracy.images / cost.mean(),
        accuracy.inside / cost.mean(),
    )
    found = judge(part, label, back, recovers(part.least), on)
    return [replace(found, achieved=_achieved(cells, [arm], seeds))]


def before(row: Row) -> float:
    """Accuracy before retraining; of what diverged as after it: nothing came back."""
    return row.accuracy if row.test_accuracy_before is None else row.test_accuracy_before


def constant(cells: Cells, part: Part, seeds: Sequence[int], on: Terms) -> list[Comparison]:
    """`constant`, a check: every image gets the same class, so that at most one loss a class occurs
    and right are exactly the images with one of these losses."""
    assert isinstance(part.arm, str)
    arm = cells.term(1, part.arm, part.at)
    label = f"{part.arm}: every image gets the same class, {where(part)}"
    found = [_is_constant(cells, spot, seed) for spot in sorted(arm.spots) for seed in seeds]
    if not found or None in found:
        return [skipped(part, label, "its images are not known")]
    accuracies = values(cells, [arm], seeds, lambda row: row.accuracy)
    true = sum(map(bool, found))
    check = Comparison(
        part,
        label,
        "supported" if true == len(found) else "refuted",
        effect=float(accuracies.mean()),
        seeds=len(seeds),
        per_seed=tuple(map(float, accuracies)),
        note=f"true of {true} of {len(found)} levels; a check that decides nothing",
    )
    return [check]


def _is_constant(cells: Cells, spot: Spot, seed: int) -> bool | None:
    """Whether losses are what one output for all gives: one a class, the least of the right one.

    The last bit of a float16 may differ from image to image.
    """
    images, row = cells.images(spot, seed), cells.row(spot, seed)
    if images is None or row is None:
        return None
    kinds = np.unique(images.nll)
    right, wrong = images.nll[images.correct], images.nll[~images.correct]
    nearly_least = kinds[0] + np.spacing(kinds[0])
    apart = not len(right) or not (wrong == np.median(right)).any()
    return bool(len(kinds) <= 2 * row.classes and (right <= nearly_least).all() and apart)


def _label(part: Part) -> str:
    if part.arm_control == part.over_control:  # none, or the same taken off twice
        return f"{part.arm} - {part.over}, {where(part)}"
    arm, over = f"{part.arm} - {part.arm_control}", f"{part.over} - {part.over_control}"
    return f"({arm}) - ({over}), {where(part)}"


def where(part: Part) -> str:
    """At which sparsities."""
    shares = ", ".join(f"{100 * s:g}" for s in part.at)
    return f"at {shares} %" if len(part.at) == 1 else f"mean of {shares} %"
