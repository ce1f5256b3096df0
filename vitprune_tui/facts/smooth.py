"""A moving mean that forgets, for curves over epochs, and the steps in which it grows stronger."""

import math
from collections.abc import Sequence
from itertools import pairwise

STEPS = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98)
"""How much of the mean so far goes into the next one."""


def step(amount: float, by: int) -> float:
    """The next amount, or the one before."""
    return STEPS[min(max(STEPS.index(amount) + by, 0), len(STEPS) - 1)]


def stretches(
    values: Sequence[float], cuts: Sequence[int], amount: float = 0.0
) -> list[Sequence[float]]:
    """What lies between two cuts, smoothed alone: where a stage begins other weights go on."""
    return [smoothed(values[start:stop], amount) for start, stop in pairwise(cuts)]


def smoothed(values: Sequence[float], amount: float) -> Sequence[float]:
    """Without a bias at its start; what is no number stays a gap and is forgotten."""
    if not amount:
        return values
    means, mean, weight = [], 0.0, 0.0
    for value in values:
        if math.isfinite(value):
            mean = amount * mean + (1 - amount) * value
            weight = amount * weight + (1 - amount)
            value = mean / weight
        means.append(value)
    return means
