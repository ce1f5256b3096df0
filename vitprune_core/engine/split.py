"""Splits with every class in proportion, decided by a seed.

They are scikit-learn's, index by index, so that studies made with it can be repeated. Loading it
takes a second of every worker's start, for what is said here in some lines; the tests hold both
against each other.
"""

import numpy as np
from numpy.random import RandomState


def folds(labels: np.ndarray, count: int, seed: int) -> np.ndarray:
    """The fold of every image, as `StratifiedKFold(count, shuffle=True)` deals them.

    Sorted by class, in the order in which classes appear, images are dealt in turn; then what a
    class got is shuffled inside it.
    """
    draw = RandomState(seed)
    classes, first = np.unique(labels, return_index=True)
    fold, dealt = np.empty(len(labels), dtype=int), 0
    for kind in classes[first.argsort()]:
        of_kind = labels == kind
        size = int(of_kind.sum())
        turns = np.sort(np.arange(dealt, dealt + size) % count)
        draw.shuffle(turns)
        fold[of_kind] = turns
        dealt += size
    return fold


def held_out(labels: np.ndarray, size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices that stay and `size` that are held out, both rising, as `train_test_split` chooses
    them with `stratify`."""
    draw = RandomState(seed)
    classes, counts = np.unique(labels, return_counts=True)
    staying = in_proportion(counts, len(labels) - size, draw)
    leaving = in_proportion(counts - staying, size, draw)
    kept, held = [], []
    for kind, stay, leave in zip(classes, staying, leaving, strict=True):
        shuffled = draw.permutation(np.flatnonzero(labels == kind))
        kept.append(shuffled[:stay])
        held.append(shuffled[stay : stay + leave])
    return np.sort(np.concatenate(kept)), np.sort(np.concatenate(held))


def in_proportion(counts: np.ndarray, size: int, draw: RandomState) -> np.ndarray:
    """How many of each class make up `size`: shares rounded down, then one more for the largest
    remainders; of equal ones chance decides."""
    shares = counts / counts.sum() * size
    taken = np.floor(shares).astype(int)
    remainders = shares - taken
    for remainder in np.unique(remainders)[::-1]:
        missing = size - int(taken.sum())
        if not missing:
            break
        tied = np.flatnonzero(remainders == remainder)
        taken[draw.choice(tied, size=min(len(tied), missing), replace=False)] += 1
    return taken
