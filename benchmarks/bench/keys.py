"""From a key to the frame that answers it, while runs train on all cores."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.bench.folders import copies, finished, training
from benchmarks.bench.shown import VIEWS, bare, number_of, opened
from benchmarks.bench.table import Row, milliseconds, ratio
from tests.terminals import Screen

SIZES = {(80, 24): "12 ms", (200, 60): "15 ms"}
PRESSED = {  # in each view what changes something there, and nothing that asks a run for anything
    "runs": "down down down down down up up down s s R R pagedown pageup space space space up",
    "curves": "a v + + - - v a a a v v v c right right left c i i right left o 0 L L L L",
    "live": "[ [ ] ] L L + + - - up up down down",
    "masks": ", , . . right right left down down up enter right down backspace d d",
    "bench": "down down down down up up up down tab down down up tab down up",
}
Took = tuple[float, float]
"""Seconds to the first and to the last byte."""


def keys() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = finished(folder)
        names = [run.id, *copies(run, folder, 30)]
        with training(folder, 0, 1):
            for size, goal in SIZES.items():
                yield from pressed(folder, names[0], size, goal)


def pressed(folder: Path, run: str, size: tuple[int, int], goal: str) -> Iterator[Row]:
    at = f"at {size[0]}x{size[1]}, two runs on two cores"
    floor = answers_of_bare(size)
    took: dict[str, list[Took | None]] = {"switch": []}
    with opened(folder, size) as screen:
        screen.until("2 Live")
        screen.settle()
        for _ in range(2):
            for view, named in PRESSED.items():
                took["switch"].append(switched(screen, view))
                took.setdefault(view, []).extend(screen.answer(key) for key in named.split())
    answered = [one for view in PRESSED for one in took[view] if one]
    silent = sum(one is None for view in PRESSED for one in took[view])
    last = [one[1] for one in answered]
    against = f", {ratio(last, floor)} a bare Textual app"
    yield Row(f"key to frame {at} ({len(last)} keys)", milliseconds(last) + against, goal)
    yield Row("… to its first byte", milliseconds([one[0] for one in answered]))
    for view in VIEWS:
        own = [one[1] for one in took[view] if one]
        yield Row(f"… in {view.capitalize()}", milliseconds(own))
    yield Row("… keys that were not answered", str(silent), "0")
    switches = [one[1] for one in took["switch"] if one]
    yield Row(f"view switch {at} ({len(switches)})", milliseconds(switches))


def switched(screen: Screen, view: str) -> Took | None:
    took = screen.answer(number_of(view), gap=0.03)
    screen.settle()
    return took


def answers_of_bare(size: tuple[int, int], number: int = 40) -> list[float]:
    with bare(size) as screen:
        screen.until("number 0")
        screen.settle()
        found = [screen.answer("x") for _ in range(number)]
    return [one[1] for one in found if one]
