"""Tables of a study in which the truth is known: every arm has the accuracy that a test gives it.

Seeds differ a little, images by how hard they are, and all arms of a seed see the same chance.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace

import numpy as np

from vitprune_core.analysis.tables import Images, Row, Tables, Where
from vitprune_core.spec.config import level_name
from vitprune_core.spec.study import Study

IMAGES = 360
MATRICES = [f"blocks.{b}.{m}" for b in range(4) for m in ("attn.q", "attn.k", "attn.v", "mlp.fc1")]
ZERO = {int: 0, float: 0.0, str: "", bool: False}
BLANK = Row(**{f.name: ZERO.get(f.type) for f in fields(Row)})  # type: ignore
Truth = Callable[[str, float], float | None]
"""Accuracy of an arm at a sparsity; None: it diverges."""


def tables(
    study: Study,
    truth: Truth,
    *,
    seeds: int | None = None,
    before: float = 0.5,
    spread: float = 0.002,
    structure: Mapping[Where, object] | None = None,
) -> Tables:
    """Every level of every arm, for the first declared seeds.

    `spread`: standard deviation over seeds of each arm's accuracy.
    """
    rows, images = {}, {}
    for seed in study.file.seeds[:seeds]:
        random = np.random.default_rng(seed)
        luck = random.random(IMAGES)  # shared by all arms: the pairs are discordant in few images
        for arm, config in study.arms.items():
            assert config.prune is not None
            shift = spread * random.standard_normal()
            for sparsity in config.prune.sparsities:
                at = Where(arm, seed, level_name(sparsity))
                wanted = truth(arm, sparsity)
                if wanted is None:
                    rows[at] = row(at, None)
                    continue
                correct = luck < wanted + shift
                images[at] = Images(correct, np.where(correct, 0.1, 2).astype(np.float16))
                rows[at] = row(at, float(correct.mean()), before)
    return Tables(rows, images, structure or {})


def row(at: Where, accuracy: float | None, before: float | None = None, **other: object) -> Row:
    """A level like any other; accuracy None: it diverged."""
    lost = accuracy is None
    sparsity = float(at.level)
    return replace(
        BLANK,
        workload="digits",
        arm=at.arm,
        seed=at.seed,
        classes=10,
        sparsity_asked=sparsity,
        sparsity=None if lost else sparsity,
        dense_test_accuracy=0.975,
        test_accuracy=accuracy,
        test_loss=None if accuracy is None else 2 - 1.9 * accuracy,
        test_accuracy_before=None if lost else before,
        diverged=lost,
        **other,  # type: ignore[arg-type]
    )


def recorded(
    study: Study,
    *,
    density: Callable[[int, int], float] = lambda matrix, seed: 0.02 + 0.01 * matrix,
    cost: Callable[[int, int], float] = lambda matrix, seed: 0.02 * matrix,
    ratio: Callable[[str, int], float] = lambda kind, seed: 3.0 + 0.1 * (seed % 3),
    dead: int = 2,
) -> dict[Where, object]:
    """What was recorded of matrices at 95 %, for all declared seeds.

    `density` and `cost` of a matrix (0 to 15) and seed, `ratio` of a kind of line and seed,
    `dead`: heads of a matrix that are gone.
    """
    found: dict[Where, object] = {}
    for seed in study.file.seeds:
        for arm in ("global", "layerwise"):
            found[Where(arm, seed, "0.95")] = {
                name: {
                    "density": density(i, seed),
                    "structure": _structure(name, seed, ratio, dead),
                }
                for i, name in enumerate(MATRICES)
            }
        found[Where("control", seed, "alone")] = {
            name: {"sparsity": 0.95, "accuracy": 0.975 - cost(i, seed), "loss": 1.0}
            for i, name in enumerate(MATRICES)
        }
    return found


def _structure(
    name: str, seed: int, ratio: Callable[[str, int], float], dead: int
) -> dict[str, object]:
    spreads: dict[str, object] = {
        kind: {"ratio": ratio(kind, seed), "p": 0.01} for kind in ("rows", "columns", "heads")
    }
    spreads["initial"] = {"rows": 1.0, "columns": 1.0, "heads": 1.0, "overlap": None}
    if ".mlp." in name:
        del spreads["heads"]
        return {**spreads, "shuffles": 299}
    return {**spreads, "dead_heads": {"count": dead, "p": 0.5}, "shuffles": 299}
