"""Which figures a report has, under which names; made one after the other and saved beside it."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from vitprune_core.analysis import figures
from vitprune_core.analysis.collect import GRID_AT
from vitprune_core.analysis.drawing import save, style
from vitprune_core.analysis.forest import forest
from vitprune_core.analysis.gather import Gathered
from vitprune_core.analysis.panels import AXES, facets, pictures
from vitprune_core.analysis.summaries import Spread
from vitprune_core.analysis.tables import Where
from vitprune_core.spec.config import Config
from vitprune_core.spec.request import completed
from vitprune_core.store.grids import Grid
from vitprune_core.store.grids import read as read_grids

PLAIN = re.compile(r"F\d{1,3}")
MOST_MASKS = 3
UNSTRUCTURED = ("single weights", "all matrices")


@dataclass(frozen=True)
class Illustration:
    title: str
    caption: str
    file: str
    """Name of its files, without ending."""
    finding: str | None
    """Whose it is; None: the study's."""


ALONE = "alone"
MATRIX = re.compile(r"blocks\.\d{1,4}\.(attn\.[qkvo]|mlp\.fc[12])")
Measure = Callable[[Any, float], float | None]
"""Of what is known of a matrix, and the dense accuracy of its seed."""
Draft = tuple[Illustration, Callable[[], Figure | None]]


def drafts(g: Gathered) -> list[Draft]:
    """Every figure of a study, not drawn yet. Raises ValueError for what cannot be drawn."""
    return [*_forests(g), *_curves(g), *_matrices(g), *_masks(g)]


def draw(drafted: Iterable[Draft], folder: Path) -> list[Illustration]:
    """Save them into `folder` as SVG and PNG; those that show anything."""
    made = []
    with style():
        for illustration, figure_of in drafted:
            if (figure := figure_of()) is not None:
                save(figure, folder, illustration.file)
                made.append(illustration)
    return made


def _forests(g: Gathered) -> Iterator[Draft]:
    for number, verdict in enumerate(g.verdicts, start=1):
        name = verdict.id if PLAIN.fullmatch(verdict.id) else f"finding-{number}"
        title = f"{verdict.id}: comparisons with a dot for each seed, mean and interval"
        yield (
            Illustration(title, "", _file(g, name), verdict.id),
            partial(forest, verdict.comparisons, verdict.beside, g.study.file.thresholds),
        )


def _curves(g: Gathered) -> Iterator[Draft]:
    if not g.levels:
        return
    whole = {arm: completed(config) for arm, config in g.study.arms.items()}
    measured = {arm: config for arm, config in whole.items() if arm in g.levels}
    lines = figures.Lines(g.levels, g.dense, _controls(g, measured))
    for picture in pictures(measured):
        yield (
            Illustration(
                f"By {picture.axis}", CAPTIONS[picture.axis], _file(g, picture.axis), None
            ),
            partial(figures.accuracy, picture, lines),
        )


CAPTIONS = {
    "distribution": "Where weights compete: over all matrices together (global), inside each "
    "(layerwise), or not at all (random, as global: as many of each matrix as global pruning "
    "removes, but others).",
    "granularity": "What is removed together: single weights, or whole rows (outputs) or columns "
    "(inputs) of a matrix.",
    "schedule": "How it is removed: in one shot from the dense model, or in rounds with retraining "
    "in between. Retrained n times: one shot, then as many epochs as n rounds take, so that the "
    "two are compared at equal cost.",
    "layers": "Which matrices take part. On the left their own weights count, on the right the "
    "same points by the share of all prunable weights, in even steps: only there do equal "
    "places mean equally many weights. q k, v o and MLP are a part of the whole each, so their "
    "curves end where that part is gone.",
    "retraining": "How what is left is trained again: by which policy, for which share of the "
    "training epochs, with the optimizer's moments kept or reset.",
    "criterion": "By which score weights go.",
}
assert CAPTIONS.keys() == AXES.keys()


def _controls(g: Gathered, arms: Mapping[str, Config]) -> dict[str, tuple[str, Spread]]:
    """For each arm the control that was retrained most like it, with its accuracy.

    An arm that has sparsity 0 among its own shows it on its curve.
    """
    known = {
        arm: level.accuracy for arm, of in g.levels.items() for level in of if level.asked == 0
    }
    found = {}
    for arm in arms:
        if known and arm not in known:
            best = max(known, key=partial(_likeness, arms, arm))
            found[arm] = (best, known[best])
    return found


def _likeness(arms: Mapping[str, Config], arm: str, control: str) -> tuple[bool, ...]:
    a, b = arms[arm].retrain, arms[control].retrain
    keys = ("policy", "fraction", "cycles", "optimizer", "lr", "total")
    return tuple(getattr(a, key) == getattr(b, key) for key in keys)


def _matrices(g: Gathered) -> Iterator[Draft]:
    """What a global mask keeps of each matrix, beside what each costs when pruned alone."""
    kept, cost = _kept(g), _costs_alone(g)
    maps = {}
    if kept:
        maps["share kept by global pruning to 95 %, in %"] = kept
    if cost:
        maps[f"points lost when it alone is pruned{_alone_to(g)}"] = cost
    if maps:
        caption = (
            "Every matrix of every block (counted from 0), means over seeds: how much of it global "
            "pruning keeps, and how many points of test accuracy the dense model loses when only "
            "this matrix is pruned and nothing is retrained. The two need not agree: large weights "
            "are kept whether or not accuracy hangs on them."
        )
        yield (
            Illustration("Matrix by matrix", caption, _file(g, "matrices"), None),
            partial(figures.matrices, maps),
        )


def _kept(g: Gathered) -> dict[str, float]:
    """Densities in percent of the first arm that prunes single weights of all matrices globally."""
    for arm, config in g.study.arms.items():
        what = facets(completed(config))
        if (what.get("granularity"), what.get("layers")) != UNSTRUCTURED:
            continue
        if what["distribution"] == "global" and (found := _of_matrices(g, arm, GRID_AT, _density)):
            return found
    return {}


def _costs_alone(g: Gathered) -> dict[str, float]:
    """Points of test accuracy of the dense model."""
    for arm in g.study.arms:
        if found := _of_matrices(g, arm, ALONE, _drop):
            return found
    return {}


def _alone_to(g: Gathered) -> str:
    """To which sparsity each matrix was pruned alone."""
    asked = {c.prune.alone for c in g.study.arms.values() if c.prune and c.prune.alone is not None}
    return f" to {100 * max(asked):g} %" if len(asked) == 1 else ""


def _of_matrices(g: Gathered, arm: str, level: str, of: Measure) -> dict[str, float]:
    """Mean over seeds for each matrix."""
    dense = {row.seed: row.dense_test_accuracy for row in g.rows_of(arm)}
    found: dict[str, list[float]] = {}
    for seed, accuracy in dense.items():
        for name, matrix in (g.tables.structure.get(Where(arm, seed, level)) or {}).items():
            if MATRIX.fullmatch(name) and (value := of(matrix, accuracy)) is not None:
                found.setdefault(name, []).append(100 * value)
    return {name: sum(values) / len(values) for name, values in found.items()}


def _density(matrix: Any, _: float) -> float | None:
    return _number(matrix, "density")


def _drop(matrix: Any, dense: float) -> float | None:
    accuracy = _number(matrix, "accuracy")
    return None if accuracy is None else dense - accuracy


def _number(matrix: Any, key: str) -> float | None:
    value = matrix.get(key) if isinstance(matrix, dict) else None
    return float(value) if isinstance(value, int | float) else None


def _masks(g: Gathered) -> Iterator[Draft]:
    chosen = _pictured(g)
    if not chosen:
        return
    block = f"blocks.{g.config.model.depth // 2}"
    seed = g.study.file.seeds[0]
    caption = (
        "Which weights of the query, key, value and output matrices stay at 95 % sparsity, in "
        f"block {g.config.model.depth // 2} (counted from 0), seed {seed}. Dark cells "
        "keep more; orange lines are the borders of heads: rows of q, k and v, columns of o. "
        "Stripes are rows and columns that are kept or removed together; a random mask has none."
    )
    yield (
        Illustration("Masks at 95 %", caption, _file(g, "masks"), None),
        partial(figures.masks, chosen, block),
    )


def _pictured(g: Gathered) -> dict[str, dict[str, Grid]]:
    """Masks of single weights of all matrices, the first arm of each distribution."""
    found: dict[str, dict[str, Grid]] = {}
    seen: set[str] = set()
    for arm, config in g.study.arms.items():
        value = g.tables.grids.get(Where(arm, g.study.file.seeds[0], GRID_AT))
        what = facets(completed(config))
        if value is None or (what.get("granularity"), what.get("layers")) != UNSTRUCTURED:
            continue
        if what["distribution"] not in seen and len(found) < MOST_MASKS:
            seen.add(what["distribution"])
            found[arm] = dict(read_grids(value).matrices)
    return found


def _file(g: Gathered, name: str) -> str:
    folder = "".join(
        c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in g.study.folder
    )
    return f"{folder}-{name}"
