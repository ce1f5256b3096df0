"""What is found in masks of chance and in planted ones, and what finding it costs.

    python -m benchmarks.structure [MASKS]

Of MASKS shuffled masks (2,400 by default) of several shapes and densities: how many got p <= 0.01,
which is to be at most 1 %, within the error of so many; where p has only coarser steps, as many as
the smallest of them allows. Of planted dead heads and rows: their p.
Costs: a level's seconds beside those of the retraining before it, in the same run on digits, and
those of a level of the study's model, which is not trained here.
"""

import sys
import tempfile
import time
from collections import defaultdict
from itertools import product
from pathlib import Path
from statistics import median

import numpy as np

from tests.workers import made
from vitprune_core import worker
from vitprune_core.analysis.structure import TRADES, of_matrix, structure
from vitprune_core.attempt import Orders
from vitprune_core.store.control import Inbox
from vitprune_core.store.events import Level, Pruned

SHAPES, DENSITIES = ((24, 24), (48, 24), (24, 48)), (0.02, 0.05, 0.2, 0.5, 0.8)
HEADS, A, ERRORS = 6, 0.01, 3
LEVELS = [0.5, 0.8, 0.9, 0.95, 0.98]
MARGINS = "heads, margins kept"
STUDY = {"depth": 7, "width": 384, "heads": 12}
KINDS = {"attn.q": 0, "attn.k": 0, "attn.v": 0, "attn.o": 1, "mlp.fc1": None, "mlp.fc2": None}


def by_chance(draw: np.random.Generator, shape: tuple[int, int], density: float) -> np.ndarray:
    """A mask that keeps exactly this share."""
    flat = np.arange(shape[0] * shape[1]) < round(density * shape[0] * shape[1])
    return draw.permutation(flat).reshape(shape)


def p_values(found: dict) -> dict[str, float]:
    told = {kind: of["p"] for kind, of in found.items() if isinstance(of, dict) and "p" in of}
    told |= {"heads, labels permuted": found["labels"]["heads_p"]}
    return told | {MARGINS: found["margins"]["heads"]["p"]}


def false_alarms(masks: int) -> None:
    draw, cases = np.random.default_rng(0), list(product(SHAPES, DENSITIES))
    seen: dict[str, list[float]] = defaultdict(list)
    for i in range(masks):
        mask = by_chance(draw, *cases[i % len(cases)])
        for kind, p in p_values(of_matrix("chance", mask, None, 0, HEADS, seed=i)).items():
            seen[kind].append(p)
    print("| of shuffled masks | p at most | in | allowed | |")
    print("| --- | --- | --- | --- | --- |")
    for kind, ps in seen.items():
        a = 1 / (TRADES + 1) if kind == MARGINS else A
        most = a + ERRORS * (a * (1 - a) / masks) ** 0.5
        share = float(np.mean(np.array(ps) <= a + 1e-12))
        verdict = "ok" if share <= most else "TOO MANY"
        told = f"{100 * share:.2f} % of {masks:,} | {100 * most:.2f} %"
        print(f"| {kind} | {a:g} | {told} | {verdict} |")


def planted() -> None:
    print("\n| planted in 96 x 96 | density | found | p |")
    print("| --- | --- | --- | --- |")
    for density, (what, rows) in product((0.05, 0.1, 0.5), (("heads", 16), ("rows", 8))):
        mask = by_chance(np.random.default_rng(1), (96, 96), density)
        mask[:rows] = False
        found = of_matrix("planted", mask, None, 0, HEADS, seed=0)[f"dead_{what}"]
        told = f"dead {what}: {rows if what == 'rows' else 1} | {100 * density:g} %"
        print(f"| {told} | {found['count']} | {found['p']:.2g} |")


def costs() -> None:
    described, spent = worker._describe, []

    def timed(*args: object) -> None:
        begun = time.monotonic()
        described(*args)
        spent.append(time.monotonic() - begun)

    worker._describe = timed
    begun, retrained = 0.0, []
    with tempfile.TemporaryDirectory() as folder:
        run = made(Path(folder), "run", "oneshot_global", f"prune.sparsities={LEVELS}")
        for entry in worker.work(run, Orders(Inbox(run.control))):
            if isinstance(entry.event, Pruned):
                begun = time.monotonic()
            elif isinstance(entry.event, Level):
                retrained.append(time.monotonic() - begun - spent[-1])
    worker._describe = described
    level, training = median(spent), median(retrained)
    print("\n| a level of | seconds | of its retraining |")
    print("| --- | --- | --- |")
    print(f"| digits, 24 matrices of 96 x 96 | {level:.2f} | {100 * level / training:.1f} % |")
    print(f"| 6.2 M weights, 42 of 384 x 384 | {of_the_study():.1f} | |")


def of_the_study() -> float:
    draw, side = np.random.default_rng(0), (STUDY["width"], STUDY["width"])
    blocks = product(range(STUDY["depth"]), KINDS.items())
    axes = {f"blocks.{block}.{kind}": axis for block, (kind, axis) in blocks}
    masks = {name: by_chance(draw, side, draw.uniform(0.05, 0.15)) for name in axes}
    begun = time.monotonic()
    structure(masks, axes, STUDY["heads"], 0, masks)
    return time.monotonic() - begun


def main(masks: int = 2400) -> None:
    false_alarms(masks)
    planted()
    costs()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
