"""Structure that appears by itself in a mask of single weights: do densities of lines and heads
differ by more than chance?

Each matrix is compared with masks that keep as many of its weights, shuffled inside it; with its
own lines given to other heads; with masks that keep the margins; and with the mask that the weights
before training would have got: only what those do not show has emerged.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from vitprune_core.analysis.structure_shuffles import (
    Shuffled,
    generator,
    p_value,
    sum_of_squares,
)
from vitprune_core.analysis.structure_trades import squares_of_parts, with_margins

Masks = Mapping[str, np.ndarray]
"""Matrix -> booleans, shape (out, in), True = kept."""
SHUFFLES = 299
TRADES = 39
"""Shuffled masks with the same margins: each costs as much as several drawn counts."""
DIGITS = 6


def structure(
    masks: Masks,
    axes: Mapping[str, int | None],
    heads: int,
    seed: int,
    initial: Masks | None = None,
) -> dict[str, Any]:
    """Matrix -> `{"structure": ...}`, ready for JSON, the same for the same masks and seed.

    axes: which index of a matrix runs over the heads, None in the MLP. initial: what would have
    been kept of the weights before training; None where that is not known.

    - `rows`, `columns`, `heads`: see `spread`. Heads only in attention, as everywhere below.
    - `gini`: of the densities of rows, columns and heads, 0 where all are alike; null where nothing
      is kept.
    - `dead_rows`, `dead_columns`, `dead_heads`: how many, and the exact chance `p` that shuffled
      masks have as many or more.
    - `shuffles`: N of the p of spreads and labels.
    - `initial`: the same ratios of the initial mask, and `overlap`: which `share` of the weights
      kept it keeps too, and what is `expected` if neither knew of the other. Null where not known.
    - `labels`: `heads_p`, of the heads' spread when lines are given to heads by lot.
    - `margins`: of `heads`, see `parts`.
    """
    first = initial or {}
    found = {n: of_matrix(n, m, first.get(n), axes[n], heads, seed) for n, m in masks.items()}
    return {name: {"structure": rounded(of)} for name, of in found.items()}


def encode(found: Mapping[str, Any]) -> bytes:
    """As the file of a level has it, a line a matrix."""
    lines = (f"{json.dumps(n)}: {json.dumps(f, separators=(',', ':'))}" for n, f in found.items())
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def of_matrix(
    name: str, mask: np.ndarray, initial: np.ndarray | None, axis: int | None, heads: int, seed: int
) -> dict[str, Any]:
    counts = counted(mask, axis, heads)
    before = None if initial is None else counted(initial, axis, heads)
    found: dict[str, Any] = {kind: spread(c, mask.size, seed) for kind, c in counts.items()}
    found["gini"] = {kind: gini(c) for kind, c in counts.items()}
    found |= {f"dead_{kind}": dead(c, mask.size) for kind, c in counts.items()}
    found["shuffles"] = SHUFFLES
    found["initial"] = {kind: before and ratio(before[kind], mask.size) for kind in counts}
    found["initial"]["overlap"] = None if initial is None else overlap(mask, initial)
    if axis is not None:
        along = mask if axis == 0 else mask.T
        draw = generator("labels", seed, name, int(mask.sum()))
        found["labels"] = {"heads_p": by_lot(along.sum(axis=1), heads, draw)}
        found["margins"] = {"heads": parts(along, heads, draw)}
    return found


def counted(mask: np.ndarray, axis: int | None, heads: int) -> dict[str, np.ndarray]:
    """Weights kept in every row, every column and, in attention, every head."""
    counts = {"rows": mask.sum(axis=1), "columns": mask.sum(axis=0)}
    if axis is not None:
        counts["heads"] = counts["rows" if axis == 0 else "columns"].reshape(heads, -1).sum(axis=1)
    return counts


def spread(counts: np.ndarray, weights: int, seed: int) -> dict[str, float | None]:
    """How much densities vary, against shuffled masks.

    `ratio`: their variance divided by its exact mean over shuffled masks, null where these have
    none. `z`: standard deviations, exact too, null where shuffled masks are all alike. `p`: of
    `SHUFFLES` drawn.
    """
    null, squares = shuffled(counts, weights), int(sum_of_squares(counts))
    p = p_value(squares, null.draw(SHUFFLES, seed)) if null.variance else 1.0
    return {"ratio": null.ratio(squares), "z": null.z(squares), "p": p}


def ratio(counts: np.ndarray, weights: int) -> float | None:
    return shuffled(counts, weights).ratio(int(sum_of_squares(counts)))


def shuffled(counts: np.ndarray, weights: int) -> Shuffled:
    return Shuffled(len(counts), weights // len(counts), int(counts.sum()))


def dead(counts: np.ndarray, weights: int) -> dict[str, Any]:
    count = int((counts == 0).sum())
    return {"count": count, "p": shuffled(counts, weights).dead(count)}


def gini(counts: np.ndarray) -> float | None:
    """Half the mean difference of two, divided by the mean: 0 to 1 - 1 / len(counts)."""
    total, number = int(counts.sum()), len(counts)
    ranks = 2 * np.arange(1, number + 1) - number - 1
    return float(ranks @ np.sort(counts)) / (number * total) if total else None


def overlap(mask: np.ndarray, initial: np.ndarray) -> dict[str, float | None]:
    kept = int(mask.sum())
    share = int((mask & initial).sum()) / kept if kept else None
    return {"share": share, "expected": float(initial.mean())}


def by_lot(lines: np.ndarray, heads: int, draw: np.random.Generator) -> float:
    """p of the heads' spread, their lines staying as they are and being given to heads by lot."""
    dealt = draw.permuted(np.broadcast_to(lines, (SHUFFLES, len(lines))), axis=1)
    every = np.concatenate([lines[None], dealt]).reshape(SHUFFLES + 1, heads, -1).sum(axis=2)
    seen, *others = sum_of_squares(every).tolist()
    return p_value(seen, others)


def parts(mask: np.ndarray, heads: int, draw: np.random.Generator) -> dict[str, float | None]:
    """How unlike heads are in what they keep, against masks that keep as much of every line.

    Margins fix the densities of the heads themselves; so what varies here is the density of each
    head's part of every line that crosses the heads. `ratio` is its variance divided by the mean
    over `TRADES` masks, the same ones that p is of.
    """
    seen, found = squares_of_parts(mask, heads), with_margins(mask, heads, TRADES, draw)
    even = int(mask.sum()) ** 2 / (heads * mask.shape[1])
    mean = sum(found) / len(found)
    ratio = (seen - even) / (mean - even) if mean > even else None
    return {"ratio": ratio, "p": p_value(seen, found)}


def rounded(value: Any) -> Any:
    """Every number that is not whole to `DIGITS` digits: the last bits are nobody's finding."""
    if isinstance(value, dict):
        return {key: rounded(v) for key, v in value.items()}
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value
