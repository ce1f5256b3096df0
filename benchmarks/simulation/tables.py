"""What simulated studies are asked: how often verdicts are wrong, and how often there are any."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.simulation.worlds import BATCH, CHANCE, SEEDS, Drawn, World, draw
from vitprune_core.analysis import statistics
from vitprune_core.analysis.verdicts import Law, bounded, noninferior, recovers, superior

LOOKS = (10, 20)
D, MARGIN, ALPHA = 0.01, 0.02, 0.05
PARTS = 83
"""Of the poster's study, all findings together."""
ALIKE = 8
"""Parts on the same boundary in one simulated study, where one study says too little."""


@dataclass(frozen=True)
class Boundary:
    """A truth on the edge of what a law calls false, for arms that are compared with arm 0."""

    what: str
    world: World
    law: Law
    wrong: int
    """The outcome that would be wrong: 1 supported, -1 refuted."""


def pair(first: float, second: float, **told: float | bool) -> World:
    """Arm 0 and arm 1 with such mean accuracies, each at two sparsities two points apart."""
    levels = ((first + 0.01, first - 0.01), (second + 0.01, second - 0.01))
    return World(levels, **told)  # type: ignore[arg-type]


def boundaries() -> list[Boundary]:
    better, within, at_most = superior(D), noninferior(MARGIN), bounded(MARGIN)
    return [
        Boundary("superior, truth 0", pair(0.93, 0.93), better, 1),
        Boundary("… seeds alike but for their images", pair(0.93, 0.93, spread=0.0), better, 1),
        Boundary("… seeds very unlike", pair(0.5, 0.5, spread=0.1), better, 1),
        Boundary("… one test set", pair(0.93, 0.93, fixed=True), better, 1),
        Boundary("… close to all right", pair(0.98, 0.98, spread=0.003), better, 1),
        Boundary("… 2 % collapse", pair(0.9, 0.9, collapse=0.02), better, 1),
        Boundary("superior, truth d", pair(0.93, 0.94), better, -1),
        Boundary("… one test set", pair(0.93, 0.94, fixed=True), better, -1),
        Boundary("… 2 % collapse", pair(0.9, 0.91, collapse=0.02), better, -1),
        Boundary("non-inferior, truth -M", pair(0.975, 0.955), within, 1),
        Boundary("… refuted", pair(0.975, 0.955), within, -1),
        Boundary("… one test set", pair(0.975, 0.955, fixed=True), within, 1),
        Boundary("bounded, truth M", pair(0.9, 0.92), at_most, 1),
        Boundary("… refuted", pair(0.9, 0.92), at_most, -1),
        Boundary("… 2 % collapse", pair(0.88, 0.9, collapse=0.02), at_most, 1),
    ]


def verdicts(studies: int) -> Iterator[str]:
    yield "| truth on the boundary | 8 seeds | 10 | 20 | looks at 10 and 20 |"
    yield "| --- | --- | --- | --- | --- |"
    for i, at in enumerate(boundaries()):
        drawn = {n: _on_these(found, at) for n, found in draw(at.world, studies, i).items()}
        wrong = [(drawn[n].outcomes(at.law, ALPHA) == at.wrong).mean() for n in SEEDS]
        yield _row(at.what, *wrong, _at_looks(drawn, at.law, at.wrong).mean())
    yield from _recoveries(studies)
    yield from _conjunctions(studies)


def _on_these(drawn: Drawn, at: Boundary) -> Drawn:
    """With one test set verdicts are about its images: moved to where these are on the boundary."""
    if not at.world.fixed:
        return drawn
    truth = np.mean(at.world.accuracy[1]) - np.mean(at.world.accuracy[0])
    return replace(drawn, values=drawn.values - (drawn.for_these - truth)[..., None])


def _at_looks(drawn: dict[int, Drawn], law: Law, wrong: int) -> np.ndarray:
    """Whether one of the looks says so; (studies, C)."""
    level = ALPHA / len(LOOKS)
    return np.asarray(np.any([drawn[n].outcomes(law, level) == wrong for n in LOOKS], axis=0))


def _recoveries(studies: int) -> Iterator[str]:
    """Control, after and before retraining, of what was lost 80 % came back."""
    for lost, spread in ((0.2, 0.01), (0.03, 0.005)):
        world = World(((0.975,), (0.975 - 0.2 * lost,), (0.975 - lost,)), spread)
        drawn = draw(world, studies, 100)
        for wrong, word in ((1, ""), (-1, ", refuted")):
            said = [(_recovery(drawn[n], ALPHA) == wrong).mean() for n in SEEDS]
            looks = [_recovery(drawn[n], ALPHA / len(LOOKS)) == wrong for n in LOOKS]
            what = f"recovers 80 % of {100 * lost:g} points{word}"
            yield _row(what, *said, np.any(looks, axis=0).mean())


def _recovery(drawn: Drawn, level: float) -> np.ndarray:
    after, before = drawn.values[:, 0], drawn.values[:, 1]
    back = statistics.ratio_of_means(after - before, -before, 0.8)
    found = statistics.estimate(back, drawn.floor[:, 0] / -before.mean(axis=-1))
    half = found.half(level)
    return recovers(0.8).outcome(found.mean - half, found.mean + half)


def _conjunctions(studies: int) -> Iterator[str]:
    """Of four parts one is on its boundary, the other three clearly hold."""
    for what, edge, wrong in (("one part at 0", 0.93, 1), ("one part at d", 0.94, -1)):
        world = World(((0.93,), (edge,), (0.97,), (0.97,), (0.97,)))
        drawn = draw(world, studies, 200)
        said = {n: _all_or_any(drawn[n], ALPHA / 4) == wrong for n in SEEDS}
        twice = [_all_or_any(drawn[n], ALPHA / 4 / len(LOOKS)) == wrong for n in LOOKS]
        yield _row(
            f"superior in four parts, {what}",
            *(said[n].mean() for n in SEEDS),
            np.any(twice, axis=0).mean(),
        )


def _all_or_any(drawn: Drawn, level: float) -> np.ndarray:
    """Supported where all parts are, refuted where any is."""
    parts = drawn.outcomes(superior(D), level)
    return np.where((parts == -1).any(axis=-1), -1, (parts == 1).all(axis=-1).astype(int))


def coverage(studies: int) -> Iterator[str]:
    yield (
        "| test sets | seeds differ by | n | t, other seeds | … without floor "
        "| t, other seeds and images | bootstrap, other seeds and images |"
    )
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    worlds = [(fixed, spread) for fixed in (False, True) for spread in (0.0, 0.005, 0.01, 0.03)]
    for i, (fixed, spread) in enumerate(worlds):
        drawn = draw(pair(0.93, 0.92, spread=spread, fixed=fixed), studies, 300 + i)
        for n, found in drawn.items():
            name = "one for all" if fixed else "folds"
            yield _row(f"{name} | {100 * spread:g} points | {n}", *_covered(found, -0.01))


def _covered(drawn: Drawn, truth: float) -> list[float]:
    """How often the intervals at 0.05 contain what they are about."""
    found = drawn.estimate
    bare = replace(found, floor=np.zeros_like(found.floor))
    seeds = np.abs(found.mean - drawn.for_these)
    new = np.abs(found.mean - truth)
    inside = [seeds < found.half(ALPHA), seeds < bare.half(ALPHA), new < found.half(ALPHA)]
    return [*(float(x.mean()) for x in inside), _bootstrapped(drawn, truth)]


def _bootstrapped(drawn: Drawn, truth: float) -> float:
    inside = []
    for n in range(0, len(drawn.values), BATCH):
        these = slice(n, n + BATCH)
        images = statistics.redrawn(drawn.effects[these])
        low, high = statistics.bootstrap(drawn.values[these], images, drawn.inside[these])
        inside.append((low < truth) & (truth < high))
    return float(np.concatenate(inside).mean())


def power(studies: int) -> Iterator[str]:
    """How often a superiority is supported, at 0.05 and corrected as the poster's study is."""
    effects = (0.01, 0.02, 0.03, 0.05, 0.1)
    yield (
        "| seeds differ by | n | level | "
        + " | ".join(f"{100 * e:g} points" for e in effects)
        + " |"
    )
    yield "| --- | --- | --- |" + " --- |" * len(effects)
    for i, spread in enumerate((0.003, 0.01, 0.03)):
        drawn = draw(World(((0.87,), *((0.87 + e,) for e in effects)), spread), studies, 400 + i)
        for n, found in drawn.items():
            for level in (ALPHA, ALPHA / len(LOOKS) / PARTS):
                won = (found.outcomes(superior(D), level) == 1).mean(axis=0)
                yield _row(f"{100 * spread:g} points | {n} | {level:.2g}", *won)


def step_down(studies: int) -> Iterator[str]:
    """A family of eight parts: any false verdict, and the share of true ones that were found."""
    yield "| parts at 0, d, 3 points | n | wrong, Bonferroni | Holm | found, Bonferroni | Holm |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for i, (none, some, clear) in enumerate(((1, 0, 7), (4, 0, 4), (2, 2, 4), (8, 0, 0))):
        effects = [0.0] * none + [D] * some + [0.03] * clear
        drawn = draw(World(((0.93,), *((0.93 + e,) for e in effects))), studies, 500 + i)
        wrong = np.array([1] * none + [-1] * (some + clear))
        for n, found in drawn.items():
            ways = [found.outcomes(superior(D), ALPHA / len(effects)), _holm(found)]
            rates = [float((said == wrong).any(axis=-1).mean()) for said in ways]
            hits = [
                float((said[:, none + some :] == 1).mean()) if clear else np.nan for said in ways
            ]
            yield _row(f"{none}, {some}, {clear} | {n}", *rates, *hits)


def _holm(drawn: Drawn) -> np.ndarray:
    """Outcomes of Holm's step-down; a part comes with the smaller p of its two directions."""
    found = drawn.estimate
    up = np.where(found.mean > 0, found.p(0.0), 1.0)
    down = np.where(found.mean < D, found.p(D), 1.0)
    ps = np.minimum(up, down)
    order = ps.argsort(axis=-1)
    parts = ps.shape[-1]
    passed = np.take_along_axis(ps, order, -1) < ALPHA / np.arange(parts, 0, -1)
    passed = np.logical_and.accumulate(passed, axis=-1)
    decided = np.empty_like(passed)
    np.put_along_axis(decided, order, passed, -1)
    return np.where(decided, np.where(up <= down, 1, -1), 0)


def whole_studies(studies: int) -> Iterator[str]:
    """Parts on a boundary at the level of the poster's study: so many wrong ones if all 83 were."""
    yield "| truth of all parts, two looks | wrong, of one part | … of 83, at most |"
    yield "| --- | --- | --- |"
    level = ALPHA / len(LOOKS) / PARTS
    worlds = [
        ("superior, 0", 0.93, 0.93, 0.01, superior(D)),
        ("non-inferior, -M, seeds differ by 0.3 points", 0.975, 0.955, 0.003, noninferior(MARGIN)),
        ("non-inferior, -M, seeds differ by 1 point", 0.975, 0.955, 0.01, noninferior(MARGIN)),
        ("non-inferior, -5 points", 0.975, 0.925, 0.01, noninferior(0.05)),
    ]
    for i, (what, first, other, spread, law) in enumerate(worlds):
        drawn = draw(World(((first,), *[(other,)] * ALIKE), spread), studies, 700 + i)
        wrong = np.any([drawn[n].outcomes(law, level) == 1 for n in LOOKS], axis=0).mean()
        yield f"| {what} | {100 * wrong:.3f} % | {100 * PARTS * wrong:.1f} % |"


def collapses(studies: int) -> Iterator[str]:
    """Non-inferiority at -M where only the arm collapses, so rarely that few studies see it."""
    yield "| an arm collapses | 8 seeds | 10 | 20 |"
    yield "| --- | --- | --- | --- |"
    for i, rate in enumerate((0.0, 0.005, 0.01, 0.02)):
        cost = rate * (0.975 - CHANCE)
        world = World(((0.975,), (0.975 - MARGIN + cost,)))
        drawn = draw(world, studies, 600 + i)
        random = np.random.default_rng(i)
        fell = random.random(drawn[max(SEEDS)].values.shape) < rate
        wrong = []
        for n, found in drawn.items():
            values = np.where(fell[..., :n], CHANCE - 0.975, found.values)
            said = replace(found, values=values).outcomes(noninferior(MARGIN), ALPHA)
            wrong.append((said == 1).mean())
        yield _row(f"{100 * rate:g} % of the time", *wrong)


def _row(what: str, *shares: float) -> str:
    cells = ["" if np.isnan(share) else f"{100 * share:.1f} %" for share in shares]
    return f"| {what} | {' | '.join(cells)} |"
