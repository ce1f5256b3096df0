"""Ways to do the same, timed in turns."""

import time
from collections.abc import Callable, Mapping
from statistics import median

Way = Callable[[], object]


def timed(ways: Mapping[str, Way], repeats: int = 7) -> dict[str, float]:
    """Median seconds of each; the first turn warms up and is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(repeats + 1):
        for name, do in ways.items():
            begun = time.perf_counter()
            do()
            if turn:
                seconds[name].append(time.perf_counter() - begun)
    return {name: median(each) for name, each in seconds.items()}
