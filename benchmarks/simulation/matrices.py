"""How often verdicts about matrices are wrong: `uneven` (costs alone) and `structured` (heads).

These laws are no plain t interval of one number a seed, so every study goes one by one through the
comparison that decides about real ones; that takes 3 ms each.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.simulation.tables import ALPHA, LOOKS, PARTS, D
from benchmarks.simulation.worlds import IMAGES, SEEDS
from vitprune_core.analysis.cells import Cells
from vitprune_core.analysis.matrices import ALONE, KINDS, _spread, structured
from vitprune_core.analysis.structure_shuffles import Shuffled
from vitprune_core.analysis.tables import Tables, Where
from vitprune_core.analysis.verdicts import Comparison, Law, Terms
from vitprune_core.spec.claims import Part
from vitprune_core.spec.config import level_name
from vitprune_core.spec.shape import matrices
from vitprune_core.spec.study import Study, load_study

MATRICES = 24
"""That the poster's study prunes alone."""
TRUTHS = {
    "all but one alike": np.eye(1, MATRICES)[0],
    "half and half": np.repeat([0.0, 1.0], MATRICES // 2),
    "evenly spaced": np.linspace(0.0, 1.0, MATRICES),
}
"""What each matrix costs, where the costliest costs 1 more than the cheapest."""
ONE_PART = Terms(ALPHA, 1, True, "")
ONE_LOOK = Terms(ALPHA, len(LOOKS), True, "")
WHOLE = Terms(ALPHA, len(LOOKS) * PARTS, True, "")
UNEVEN = Part(test="uneven", arm="global", control="control", at=(0.95,))
STRUCTURED = Part(test="structured", arm="layerwise", at=(0.95,))


def uneven(studies: int) -> Iterator[str]:
    """A true spread of exactly d, which neither supports nor refutes."""
    yield "| truth | seeds differ by | n | supported | refuted | interval contains it |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for i, (what, costs) in enumerate(TRUTHS.items()):
        for j, noise in enumerate((0.003, 0.03)):
            drawn = _costs(D * costs, noise, studies, 800 + 2 * i + j)
            for n in SEEDS:
                found = [_judged(table[:n], ONE_PART) for table in drawn]
                said = f"{_share(found, 'supported')} | {_share(found, 'refuted')}"
                inside = f"{100 * _inside(found, D):.1f} %"
                yield f"| {what} | {100 * noise:g} points | {n} | {said} | {inside} |"


def uneven_power(studies: int) -> Iterator[str]:
    """How often such a spread is supported, and how often the interval contains it."""
    spreads, noise = (0.05, 0.2, 0.4), 0.03
    names = [f"{100 * spread:g} points" for spread in spreads]
    yield f"| truth | n | level | {' | '.join(names)} | interval contains it, at least |"
    yield "| --- | --- | --- |" + " --- |" * (len(spreads) + 1)
    for what in ("all but one alike", "evenly spaced"):
        drawn = [_costs(s * TRUTHS[what], noise, studies, 850 + i) for i, s in enumerate(spreads)]
        for n in SEEDS:
            for on in (ONE_PART, WHOLE):
                found = [[_judged(table[:n], on) for table in tables] for tables in drawn]
                won = " | ".join(_share(of, "supported") for of in found)
                inside = min(_inside(of, s) for of, s in zip(found, spreads, strict=True))
                yield f"| {what} | {n} | {on.level:.2g} | {won} | {100 * inside:.1f} % |"


def _costs(means: np.ndarray, noise: float, studies: int, number: int) -> np.ndarray:
    """Accuracies that matrices cost alone, whole images; (studies, S, matrices)."""
    random = np.random.default_rng(number)
    drawn = random.normal(means, noise, (studies, max(SEEDS), MATRICES))
    return np.asarray(np.rint(drawn * IMAGES) / IMAGES)


def _judged(table: np.ndarray, on: Terms) -> Comparison:
    return _spread(UNEVEN, ALONE, table, Law(D, D), on, ranks_suffice=False)


def heads(studies: int) -> Iterator[str]:
    """Ratios of shuffled masks, and the same with a mean of 1 + d."""
    yield "| truth on the boundary | 8 seeds | 10 | 20 | looks at 10 and 20 |"
    yield "| --- | --- | --- | --- | --- |"
    poster = load_study("poster")
    for i, (truth, name, word) in enumerate(((1.0, "1", "supported"), (1 + D, "1 + d", "refuted"))):
        drawn = _ratios(poster, truth, studies, 900 + i)
        said = [[_of_heads(poster, of[:n], ONE_PART) for of in drawn] for n in SEEDS]
        looks = [[_of_heads(poster, of[:n], ONE_LOOK) for of in drawn] for n in LOOKS]
        either = [any(at.verdict == word for at in of) for of in zip(*looks, strict=True)]
        wrong = " | ".join(_share(found, word) for found in said)
        yield f"| ratio of heads {name}, {word} | {wrong} | {100 * np.mean(either):.1f} % |"


def _ratios(study: Study, truth: float, studies: int, number: int) -> np.ndarray:
    """Of the matrices of attention, that many times what shuffled masks have; (studies, S, 16)."""
    model = study.arms["layerwise"].model
    shapes = matrices(model, "attention")
    weights = {rows * columns for rows, columns in shapes.values()}.pop()  # all are squares alike
    masks = Shuffled(model.heads, weights // model.heads, round((1 - STRUCTURED.at[0]) * weights))
    squares = masks.draw(studies * max(SEEDS) * len(shapes), number)
    kinds, which = np.unique(squares, return_inverse=True)
    ratios = np.array([masks.ratio(int(kind)) for kind in kinds])[which]
    return np.asarray(truth * ratios.reshape(studies, max(SEEDS), len(shapes)))


def _of_heads(study: Study, ratios: np.ndarray, on: Terms) -> Comparison:
    level = level_name(STRUCTURED.at[0])
    made = {
        Where("layerwise", seed, level): {
            str(i): {"structure": {"heads": {"ratio": float(ratio)}}} for i, ratio in enumerate(of)
        }
        for seed, of in enumerate(ratios)
    }
    found = structured(Cells(study, Tables(structure=made)), STRUCTURED, range(len(made)), on)
    return found[KINDS.index("heads")]


def _share(found: Sequence[Comparison], word: str) -> str:
    return f"{100 * np.mean([of.verdict == word for of in found]):.1f} %"


def _inside(found: Sequence[Comparison], truth: float) -> float:
    """How often the intervals contain it."""
    inside = [of.interval is not None and of.interval[0] < truth < of.interval[1] for of in found]
    return float(np.mean(inside))
