"""The bench on a terminal, and what it shows when a view is all there."""

from pathlib import Path

from tests.terminals import Screen

VIEWS = ("bench", "live", "curves", "masks", "runs")
NAMES = ("1 Bench", "2 Live", "3 Curves", "4 Masks", "5 Runs")
PRESET = "oneshot_global"
"""On the list of the first view, so that something can be started."""
BARE = "benchmarks.screen.bare"
BRAILLE = range(0x2801, 0x2900)


def opened(folder: Path, size: tuple[int, int] = (80, 24), *words: str) -> Screen:
    return Screen("--runs", folder, *words, size=size)


def bare(size: tuple[int, int] = (80, 24)) -> Screen:
    return Screen(size=size, module=BARE)


def has_curve(text: str, dots: int = 30) -> bool:
    return sum(ord(c) in BRAILLE for c in text) >= dots


def number_of(view: str) -> str:
    return str(VIEWS.index(view) + 1)
