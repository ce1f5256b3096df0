"""The bench on a terminal, and what it shows when a view is all there."""

import time
from collections.abc import Callable
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


def settled(screen: Screen, view: str) -> None:
    screen.until("2 Live")
    screen.settle()
    screen.press(number_of(view))
    screen.settle(quiet=1.0, longest=3.0)


def choose_dense(screen: Screen) -> None:
    """The row in Runs of the only run that prunes nothing."""
    settled(screen, "runs")
    screen.press("/")
    screen.settle(0.1)
    screen.press(*"preset~dense", "enter")
    screen.settle(0.5)
    assert screen.has("1 of"), screen.text()


WAYS = {"Live": ("enter",), "Curves": ("space", number_of("curves"))}
"""Keys from a row in Runs to its picture."""


def dense_shown(folder: Path, view: str, there: Callable[[str], bool]) -> float:
    """Seconds from its row in Runs until a view has it all."""
    with opened(folder) as screen:
        if view == "Curves":
            settled(screen, "curves")
            while not screen.has("by epoch"):
                screen.press("a")
                screen.settle(0.1)
        choose_dense(screen)
        begun = time.perf_counter()
        screen.press(*WAYS[view])
        return screen.comes(there, "the curve", patience=300) - begun
